"""
What the options of ``linq-otel simulate`` may say, and what is said to somebody who said otherwise.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import typer

from linq_otel._signing_secrets import SECRET_VARIABLE, find_fault, split_secrets
from linq_otel.testing import EVENT_TYPES, SCENARIOS
from linq_otel.testing._trials._plans import UNKNOWN
from linq_otel.testing._webhooks._events import VERSIONS


if TYPE_CHECKING:
    from collections.abc import Sequence

    from linq_otel.testing._trials._runs import TrialRun


ALL = "all"
BOTH = "both"
_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?([smhd]?)")
_MAX_SECONDS = 10 * 365 * 86_400
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
# Never given out: +1 555 ..., and the 555-0100 to 555-0199 of any area.
_FICTIONAL = re.compile(r"\+1555\d{4,7}|\+1[2-9]\d\d55501\d\d")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")


def parse_duration(text: str) -> float:
    """
    Read ``90s``, ``15m``, ``3h`` or ``2d`` as seconds.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 15m, 3h or 2d.")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _MAX_SECONDS:
        raise typer.BadParameter(f"{text!r} is more than ten years.")
    return seconds


def choose(
    scenarios: Sequence[str] | None, events: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Return the scenarios and the event types asked for; one scenario, if nobody asked.
    """
    types = (*EVENT_TYPES, UNKNOWN)
    chosen = _expand(scenarios, tuple(SCENARIOS), "scenario"), _expand(events, types, "event type")
    return chosen if any(chosen) else (("read",), ())


def _expand(asked: Sequence[str] | None, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    if asked and ALL in asked:
        return known
    for one in asked or ():
        if one not in known:
            near = difflib.get_close_matches(one, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see linq-otel simulate --list."
            raise typer.BadParameter(f"{one!r} is no {what}; {hint}")
    return tuple(dict.fromkeys(asked or ()))


def choose_versions(version: str) -> tuple[str, ...]:
    """
    Return the payload versions asked for.
    """
    if version == BOTH:
        return VERSIONS
    if version not in VERSIONS:
        choices = ", ".join((*VERSIONS, BOTH))
        raise typer.BadParameter(f"{version!r} is not one of {choices}.")
    return (version,)


def check_number(number: str, *, any_number: bool) -> str:
    """
    Return a phone number that is nobody's, or with *any_number* any.
    """
    pattern = _NUMBER if any_number else _FICTIONAL
    if pattern.fullmatch(number) is None:
        hint = "" if any_number else "; --any-number takes one that may be somebody's"
        wanted = "a number like +15550100123"
        raise typer.BadParameter(f"--from and --handle are each {wanted}{hint}.")
    return number


def check_url(url: str | None) -> str:
    """
    Return the URL of an endpoint.
    """
    if not url:
        raise typer.BadParameter("say where: --to http://localhost:8000/webhooks/linq")
    parts = _split_url(url)
    if parts is None:
        raise typer.BadParameter("--to is a URL like http://localhost:8000/webhooks/linq")
    if parts.username or parts.password:
        raise typer.BadParameter("--to names a user or a password; Linq sends neither.")
    return url


def _split_url(url: str) -> SplitResult | None:
    is_plain = url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_plain and is_url else None


def find_secret(given: str | None) -> str | None:
    """
    Return the secret that was given, or the environment's, or None.
    """
    for secret in split_secrets(given or os.environ.get(SECRET_VARIABLE, "")):
        if fault := find_fault(secret):
            said = f"the secret is not whsec_ and base64, as Linq hands it out: {fault}."
            raise typer.BadParameter(said)
        # Several while they are rotated; the first is as good as any.
        return secret
    return None


def announce(run: TrialRun, *, is_made_up: bool) -> str:
    """
    Say who is about to be sent something, and signed with what.
    """
    parts = urlsplit(run.url)
    place = f"{parts.scheme}://{parts.netloc}{parts.path}"
    lines = [f"Sending made-up webhooks to {place}"]
    if not _is_loopback(parts.hostname or ""):
        lines[0] += ", which is not this machine"
    if is_made_up:
        lines.append(f"Signed with a made-up secret: {SECRET_VARIABLE}={run.secret}")
    return "\n".join(lines)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
