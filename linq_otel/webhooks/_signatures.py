"""
Whether a delivery is from Linq.

Linq signs each delivery twice: by Standard Webhooks, and by an older scheme of
its own (https://docs.linqapp.com/guides/webhooks, "Signature verification").
The cryptography is ``standardwebhooks``'s; its ``verify`` is not used, because
it reads the system's clock and answers some malformed headers with bare
``ValueError``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from standardwebhooks import Webhook

from linq_otel.errors import ConfigurationError, SignatureError


if TYPE_CHECKING:
    from collections.abc import Sequence


Headers = Mapping[Any, Any] | Iterable[tuple[Any, Any]]

TOLERANCE: Final = 300.0
"""Seconds a timestamp may lie from our clock, either way (Standard Webhooks and Linq's docs)."""

_KEPT: Final = frozenset({
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-webhook-event",
    "x-webhook-signature",
    "x-webhook-subscription-id",
    "x-webhook-timestamp",
})  # fmt: skip
_MOST_HEADERS: Final = 1_000
_LONGEST: Final = 4_096
# Eleven digits reach the year 5138; ``datetime`` ends with 9999.
_SECONDS: Final = re.compile(r"\d{1,11}", re.ASCII)


class LinqHeaders(dict[str, str]):
    """
    The headers of a delivery that concern us, by lower-case name.
    """

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
        # What is no sequence of pairs has no headers that concern us.
        with suppress(TypeError, ValueError):
            for name, value in islice(_pairs(headers), _MOST_HEADERS):
                known = _text(name).lower()
                if known in _KEPT:
                    for one in _values(value):
                        kept._keep(known, _text(one))
        return kept

    def _keep(self, name: str, value: str) -> None:
        if not value:
            return
        if name == "webhook-signature" and name in self:
            value = f"{self[name]} {value}"
        elif name in self:
            return
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
        return int(stamp) * 1_000_000_000 if _SECONDS.fullmatch(stamp) else None


class Verifier:
    """
    Checks signatures against one secret, or several while they are rotated.

    Args:
        secrets: ``whsec_`` and base64, as ``POST /v3/webhook-subscriptions``
            returned them.
        tolerance: Seconds a timestamp may be off.
        clock: Seconds since the epoch.

    Raises:
        ConfigurationError: If a secret is not base64.
    """

    def __init__(
        self, secrets: Sequence[str], tolerance: float = TOLERANCE, *, clock: Callable[[], float]
    ) -> None:
        self._tolerance = tolerance
        self._clock = clock
        # The older scheme keys with the whole text, `whsec_` included.
        self._legacy = tuple(secret.encode() for secret in secrets)
        self._standard = tuple(_open_secret(secret) for secret in secrets)

    def verify(self, headers: LinqHeaders, body: bytes) -> None:
        """
        Return if one of the signatures is one of ours.

        Raises:
            SignatureError: If none is; ``reason`` is ``headers``,
                ``timestamp`` or ``signature``.
        """
        if "webhook-signature" in headers:
            is_valid = self._is_standard(headers, body)
        elif "x-webhook-signature" in headers:
            is_valid = self._is_legacy(headers, body)
        else:
            raise SignatureError("headers", "the delivery carries no signature")
        if not is_valid:
            raise SignatureError("signature", "no signature of the delivery matches a secret")

    def _is_standard(self, headers: LinqHeaders, body: bytes) -> bool:
        seconds = self._check_time(headers.get("webhook-timestamp"))
        message_id = headers.get("webhook-id")
        if message_id is None:
            raise SignatureError("headers", "webhook-id is missing")
        moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return False
        given = headers["webhook-signature"].split()
        # Signed once for each secret: a stranger may send a thousand signatures.
        ours = [webhook.sign(message_id, moment, text) for webhook in self._standard]
        return any(hmac.compare_digest(one, own) for own in ours for one in given)

    def _is_legacy(self, headers: LinqHeaders, body: bytes) -> bool:
        stamp = headers.get("x-webhook-timestamp")
        self._check_time(stamp)
        given = headers["x-webhook-signature"].removeprefix("sha256=").lower().encode()
        signed = f"{stamp}.".encode() + body
        return any(
            hmac.compare_digest(given, hmac.new(key, signed, hashlib.sha256).hexdigest().encode())
            for key in self._legacy
        )

    def _check_time(self, stamp: str | None) -> int:
        if stamp is None or _SECONDS.fullmatch(stamp) is None:
            raise SignatureError("headers", "the timestamp is missing or not in seconds")
        seconds = int(stamp)
        if abs(self._clock() - seconds) > self._tolerance:
            raise SignatureError("timestamp", "the timestamp is outside the tolerance")
        return seconds


def _open_secret(secret: str) -> Webhook:
    key = b""
    with suppress(ValueError):
        # Unpadded, as the library takes it; what is too much it passes over.
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    if not key:
        # Not every release refuses an empty key. The secret is never repeated in an error.
        raise ConfigurationError("webhook_secret must be 'whsec_' and base64")
    return Webhook(key)


def _pairs(headers: Headers | None) -> Iterable[tuple[Any, Any]]:
    if headers is None:
        return ()
    items: Callable[[], Iterable[tuple[Any, Any]]] | None = getattr(headers, "items", None)
    return cast("Iterable[tuple[Any, Any]]", headers) if items is None else items()


def _values(value: object) -> Sequence[object]:
    # AWS gives several values of one header as a list.
    return cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else (value,)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""
