"""
Our verifier beside the library of Standard Webhooks: what one takes for Linq's, the other does.

Where they differ, it is on purpose, and this is the whole list:

* A timestamp is digits alone; the library takes any float.
* A signature is base64 as it is written by encoders; the library passes over what is no base64,
  and over bits of the last digit that mean nothing.
* A header is ASCII and has at most 4,096 characters.
* A malformed signature does not hide a good one behind it; the library stops with a `ValueError`.
* Signatures may be parted by any white space.
* Linq's older scheme stands in where there is no signature of the newer one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook, WebhookVerificationError

from fuzz.bodies import write_body
from fuzz.envelopes import make_envelope
from fuzz.headers import make_headers
from fuzz.odd import chance, make_secrets
from linq_otel.errors import SignatureError
from linq_otel.webhooks._signatures import LinqHeaders, Verifier
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random


_STAMP: Final = re.compile(r"\d{1,11}", re.ASCII)
_LONGEST: Final = 4_096
_TOLERANCE: Final = 300
# Two clocks are read one after the other.
_LEEWAY: Final = 5
_STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LIBRARY: Final = {secret: Webhook(secret) for secret in (p.SECRET, p.OTHER_SECRET)}


class Verifying:
    """
    Both verifiers, given the same.
    """

    def __init__(self) -> None:
        self._verifiers = {
            secrets: Verifier(secrets, clock=time.time)
            for secrets in ((p.SECRET,), (p.SECRET, p.OTHER_SECRET))
        }

    def __call__(self, random: Random) -> None:
        """
        Make a delivery that is signed in some way, and ask both.
        """
        people = make_secrets(random)
        body, _ = write_body(random, make_envelope(random, people))
        now = int(time.time())
        headers = _by_name(make_headers(random, body, people, now=now))
        if chance(random, 8):
            body += b" "
        if _is_on_the_edge(headers, now):
            return
        secrets = random.choice(tuple(self._verifiers))
        is_accepted = self._accepts(secrets, headers, body)
        if "webhook-signature" not in LinqHeaders.of(headers):
            assert is_accepted is _is_legacy(secrets, headers, body, now)
        elif _is_plain(headers):
            assert is_accepted is _library_accepts(secrets, headers, body)
        elif is_accepted:
            tokens = headers["webhook-signature"].split()
            signed = [{**headers, "webhook-signature": token} for token in tokens]
            assert any(_library_accepts(secrets, one, body) for one in signed)
        elif _library_accepts(secrets, headers, body):
            rewritten = _rewritten(headers)
            assert self._accepts(secrets, rewritten, body) is _is_plain(rewritten)

    def _accepts(self, secrets: tuple[str, ...], headers: Mapping[str, Any], body: bytes) -> bool:
        try:
            self._verifiers[secrets].verify(LinqHeaders.of(headers), body)
        except SignatureError as error:
            assert error.reason in {"headers", "timestamp", "signature"}  # noqa: PT017  # Or none.
            return False
        return True


def _library_accepts(secrets: tuple[str, ...], headers: Mapping[str, Any], body: bytes) -> bool:
    for secret in secrets:
        # Of the wrong types, the library raises what comes.
        with suppress(WebhookVerificationError, TypeError, ValueError, AttributeError):
            _LIBRARY[secret].verify(body, dict(headers), json_parse=False)
            return True
    return False


def _by_name(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    """
    Return the headers as the library takes them: each name once, in lower case.
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if isinstance(name, str):
            found.setdefault(name.lower(), value)
    return found


def _is_on_the_edge(headers: Mapping[str, Any], now: int) -> bool:
    for name in ("webhook-timestamp", "x-webhook-timestamp"):
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            if abs(abs(float(headers[name]) - now) - _TOLERANCE) < _LEEWAY:
                return True
    return False


def _is_plain(headers: Mapping[str, Any]) -> bool:
    """
    True if nothing of the list above is the case.
    """
    values = [headers.get(name) for name in _STANDARD]
    if not all(isinstance(v, str) and v.isascii() and 0 < len(v) <= _LONGEST for v in values):
        return False
    _, stamp, signatures = (str(value) for value in values)
    if _STAMP.fullmatch(stamp) is None:
        return False
    tokens = [token.partition(",") for token in signatures.split(" ")]
    return all(comma and _is_encoded(signature) for _, comma, signature in tokens)


def _is_encoded(text: str) -> bool:
    with suppress(ValueError):
        return base64.b64encode(base64.b64decode(text)).decode() == text
    return False


def _rewritten(headers: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write what the library read as an encoder writes it.
    """
    tokens = []
    for token in headers["webhook-signature"].split(" "):
        version, comma, signature = token.partition(",")
        with suppress(ValueError):
            if comma:
                tokens.append(f"{version},{base64.b64encode(base64.b64decode(signature)).decode()}")
    stamp = str(math.floor(float(headers["webhook-timestamp"])))
    return {**headers, "webhook-timestamp": stamp, "webhook-signature": " ".join(tokens)}


def _is_legacy(secrets: tuple[str, ...], headers: Mapping[str, Any], body: bytes, now: int) -> bool:
    stamp, given = headers.get("x-webhook-timestamp"), headers.get("x-webhook-signature")
    if not isinstance(stamp, str) or _STAMP.fullmatch(stamp) is None:
        return False
    if not isinstance(given, str) or len(given) > _LONGEST or abs(int(stamp) - now) > _TOLERANCE:
        return False
    signed = f"{stamp}.".encode() + body
    known = {hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets}
    return given.removeprefix("sha256=").lower() in known
