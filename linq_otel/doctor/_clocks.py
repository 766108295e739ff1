"""
This host's clock against somebody else's.

Stages are drawn with Linq's times and calls with ours, and a signature is good
for five minutes. A clock that is off shows as stages before their message was
sent, or as webhooks that nobody takes.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from opentelemetry.instrumentation.utils import suppress_instrumentation

from linq_otel.webhooks._signatures import TOLERANCE

from ._findings import tell
from ._places import is_near, show_url


if TYPE_CHECKING:
    from collections.abc import Sequence
    from http.client import HTTPMessage
    from typing import IO

    from linq_otel.export._targets import Target

    from ._findings import Finding


_MOST_OFF: Final = 2.0
_SET_IT: Final = "timedatectl set-ntp true"


def choose_clock(given: str | None, targets: Sequence[Target]) -> str | None:
    """
    Answer whom to ask for the time: who was named, else an exporter's host, which is asked anyway.
    """
    if given is not None:
        return given
    # One on this host has this host's clock.
    far = (t.url for t in targets if t.protocol != "grpc" and not is_near(t.url))
    return next(far, None)


def ask_clock(url: str | None, seconds: float) -> list[Finding]:
    """
    Compare this host's clock with that of the HTTP server at *url*.
    """
    if url is None:
        return [
            tell(
                "clock.unchecked",
                "nobody was asked whether this host's clock is right",
                remedy="linq-otel doctor --clock https://api.linqapp.com",
            )
        ]
    place = show_url(url)
    offset = find_offset(url, seconds)
    if offset is None:
        return [
            tell(
                "clock.unknown",
                f"{place} did not tell its time",
                detail="It did not answer within the time there is, or without a Date.",
                remedy="linq-otel doctor --clock with another URL",
            )
        ]
    return [judge_offset(offset, place)]


def judge_offset(offset: float, place: str) -> Finding:
    """
    Tell how far this host's clock is off: *offset* is positive if it is ahead.
    """
    if abs(offset) <= _MOST_OFF:
        return tell("clock", f"this host's clock agrees with that of {place}")
    how = f"{abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} that of {place}"
    if abs(offset) > TOLERANCE:
        return tell(
            "clock.beyond-tolerance",
            f"this host's clock is {how}",
            detail=f"Signatures more than {TOLERANCE:.0f} s from it are refused: all of them.",
            remedy=_SET_IT,
        )
    return tell(
        "clock.off",
        f"this host's clock is {how}",
        detail="Stages are drawn with Linq's times, and will seem early or late by as much.",
        remedy=_SET_IT,
    )


class _Staying(HTTPRedirectHandler):
    """
    Follows nobody elsewhere: a redirection has a Date too.
    """

    def redirect_request(  # noqa: PLR0913, PLR0917  # The signature of the class it overrides.
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """
        Answer that no request follows.
        """
        del req, fp, code, msg, headers, newurl


def find_offset(url: str, seconds: float) -> float | None:
    """
    Answer how many seconds this host is ahead of the server at *url*; None if it does not say.
    """
    began = time.time()
    try:
        request = Request(url, method="HEAD")  # noqa: S310  # Checked below.
        if request.type not in {"http", "https"}:
            return None
        with (
            suppress_instrumentation(),
            build_opener(_Staying).open(request, timeout=seconds) as response,
        ):
            stamp: str | None = response.headers["date"]
    except HTTPError as error:
        with error:
            stamp = error.headers["date"]
    except (OSError, HTTPException, ValueError):
        return None
    return _compare(stamp, (began + time.time()) / 2)


def _compare(stamp: str | None, here: float) -> float | None:
    try:
        there = parsedate_to_datetime(stamp or "").timestamp()
    except ValueError:
        return None
    # A Date is cut off at its second, so half a second is more likely than none.
    return here - (there + 0.5)
