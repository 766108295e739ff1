"""
Whether a delivery is from Linq.

Linq signs each delivery twice: by Standard Webhooks, and by an older scheme of
its own (https://docs.linqapp.com/guides/webhooks, "Signature verification").
The cryptography of the first is ``standardwebhooks``'s; its ``verify`` is not
used, because it reads the system's clock and answers some malformed headers
with bare ``ValueError``. An HMAC of our own, keyed once, took 2 µs less of each
delivery: not enough to leave a library that many eyes see.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from standardwebhooks import Webhook

from linq_otel._signing_secrets import decode_secret, read_secrets
from linq_otel.errors import SignatureError


if TYPE_CHECKING:
    from collections.abc import Sequence


Headers = Mapping[Any, Any] | Iterable[tuple[Any, Any]]

TOLERANCE: Final = 300.0
"""Seconds a timestamp may lie from our clock, either way (Standard Webhooks and Linq's docs)."""

KEPT: Final = (
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-webhook-event",
    "x-webhook-signature",
    "x-webhook-subscription-id",
    "x-webhook-timestamp",
)
"""The headers that concern us; all others are passed over."""

_BY_TEXT: Final = {name: name for name in KEPT}
# ASGI has bytes, and to decode what does not concern us cost a third of reading them.
_BY_BYTES: Final = {name.encode(): name for name in KEPT}
_MOST_HEADERS: Final = 1_000
_LONGEST: Final = 4_096
# Eleven reach the year 5138; ``datetime`` ends with 9999.
_MOST_DIGITS: Final = 11


class LinqHeaders(dict[str, str]):
    """
    The headers of a delivery that concern us, by lower-case name.
    """

    may_be_empty: bool = False
    """True if the app may serve the request unverified as long as it has no body."""

    @classmethod
    def of(cls, headers: Headers | None) -> LinqHeaders:
        """
        Read any framework's headers: a mapping, or pairs of text or bytes.

        A header that came twice keeps its first value; signatures are put
        together, as Standard Webhooks allows several. What is of the wrong
        type or too long is left out.
        """
        if isinstance(headers, cls):
            return headers
        kept = cls()
        try:
            for name, value in islice(_pairs(headers), _MOST_HEADERS):
                known = None
                if isinstance(name, str):
                    known = _BY_TEXT.get(name.lower())
                elif isinstance(name, bytes):
                    known = _BY_BYTES.get(name.lower())
                if known is not None:
                    kept.keep(known, value)
        except (TypeError, ValueError):
            # What is no sequence of pairs has no headers that concern us.
            return kept
        return kept

    def keep(self, name: str, value: object) -> None:
        """
        Keep what is text or bytes of *value*, for the header *name* of :data:`KEPT`.
        """
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        elif isinstance(value, (list, tuple)):
            # AWS gives several values of one header as a list.
            for one in cast("Sequence[object]", value):
                if isinstance(one, (str, bytes)):
                    self.keep(name, one)
            return
        if not value or not isinstance(value, str):
            return
        if name in self:
            if name != "webhook-signature":
                return
            value = f"{self[name]} {value}"
        # All that Linq sends is ASCII, and what is not could not be hashed.
        if len(value) <= _LONGEST and value.isascii():
            self[name] = value

    @property
    def are_from_linq(self) -> bool:
        """
        True if they name a Linq event, signed or not.
        """
        return "x-webhook-event" in self or {"webhook-id", "webhook-signature"} <= self.keys()

    @property
    def signed_at(self) -> int | None:
        """
        When Linq signed the delivery, Unix nanoseconds by Linq's clock; None if it does not say.
        """
        stamp = self.get("webhook-timestamp") or self.get("x-webhook-timestamp", "")
        return int(stamp) * 1_000_000_000 if _is_in_seconds(stamp) else None


class ClockError(SignatureError):
    """
    A good signature whose timestamp is outside the tolerance: this host's clock may be off.

    Args:
        offset: Seconds by which our clock is ahead of the timestamp.
        tolerance: Seconds it may be.
    """

    def __init__(self, offset: float, tolerance: float) -> None:
        way = "before" if offset > 0 else "after"
        super().__init__(
            "timestamp",
            f"the timestamp is outside the tolerance of {tolerance:g} s: signed by Linq "
            f"{abs(offset):.0f} s {way} the time that this host's clock shows; is the clock right? "
            "(linq-otel doctor --clock https://api.linqapp.com)",
        )


class Verifier:
    """
    Checks signatures against one secret, or several while they are rotated.

    Args:
        secrets: ``whsec_`` and base64, as ``POST /v3/webhook-subscriptions``
            returned them; without any, no signature is good.
        tolerance: Seconds a timestamp may be off.
        clock: Seconds since the epoch.
        name: The option or variable the secrets come from, for errors.

    Raises:
        ConfigurationError: If one of *secrets* is no signing secret.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        tolerance: float = TOLERANCE,
        *,
        clock: Callable[[], float],
        name: str = "webhook_secret",
    ) -> None:
        self._tolerance = tolerance
        self._clock = clock
        # The older scheme keys with the whole text, `whsec_` included.
        checked = read_secrets(secrets, name)
        self._legacy = tuple(secret.encode() for secret in checked)
        self._standard = tuple(Webhook(decode_secret(secret)) for secret in checked)

    def verify(self, headers: LinqHeaders, body: bytes) -> None:
        """
        Return if one of the signatures is one of ours.

        Raises:
            SignatureError: If none is; ``reason`` is ``headers``,
                ``timestamp`` or ``signature``.
        """
        if "webhook-signature" in headers:
            stamp, is_signed = headers.get("webhook-timestamp"), self._is_standard
        elif "x-webhook-signature" in headers:
            stamp, is_signed = headers.get("x-webhook-timestamp"), self._is_legacy
        else:
            raise SignatureError("headers", "the delivery carries no signature")
        if stamp is None or not _is_in_seconds(stamp):
            raise SignatureError("headers", "the timestamp is missing or not in seconds")
        offset, is_good = self._clock() - int(stamp), False
        if not abs(offset) <= self._tolerance:
            with suppress(SignatureError):
                is_good = is_signed(headers, body, stamp)
            if is_good:
                raise ClockError(offset, self._tolerance)
            raise SignatureError("timestamp", "the timestamp is outside the tolerance")
        if not is_signed(headers, body, stamp):
            raise SignatureError("signature", "no signature of the delivery matches a secret")

    def _is_standard(self, headers: LinqHeaders, body: bytes, stamp: str) -> bool:
        message_id = headers.get("webhook-id")
        if message_id is None:
            raise SignatureError("headers", "webhook-id is missing")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            # Linq signs text.
            return False
        moment = datetime.fromtimestamp(int(stamp), timezone.utc)
        given = headers["webhook-signature"].split()
        for webhook in self._standard:
            # Signed once for each secret: a stranger may send a thousand signatures.
            own = webhook.sign(message_id, moment, text)
            for one in given:
                if hmac.compare_digest(one, own):
                    return True
        return False

    def _is_legacy(self, headers: LinqHeaders, body: bytes, stamp: str) -> bool:
        given = headers["x-webhook-signature"].removeprefix("sha256=").lower()
        signed = f"{stamp}.".encode() + body
        return any(
            hmac.compare_digest(given, hmac.new(key, signed, "sha256").hexdigest())
            for key in self._legacy
        )


def _is_in_seconds(stamp: str) -> bool:
    return stamp.isascii() and stamp.isdigit() and len(stamp) <= _MOST_DIGITS


def _pairs(headers: Headers | None) -> Iterable[tuple[Any, Any]]:
    if headers is None:
        return ()
    items: Callable[[], Iterable[tuple[Any, Any]]] | None = getattr(headers, "items", None)
    return cast("Iterable[tuple[Any, Any]]", headers) if items is None else items()
