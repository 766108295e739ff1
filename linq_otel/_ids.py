"""
Ids that every process derives alike.

Linq gives us no span id, so the span ids of a message's life are hashed from
what every process knows. A webhook that is delivered twice, by two hosts, then
writes one span and not two. The recipe is published with test vectors in
``docs/derived-ids.md`` and never changes under the same version tag.
"""

from __future__ import annotations

import re
from hashlib import sha256


VERSION_TAG = "linq_otel/1"
"""Part of every hash: a new recipe needs a new tag, or traces in flight tear."""

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def _derive(kind: str, parts: tuple[str, ...], size: int) -> int:
    seed = "\0".join((VERSION_TAG, kind, *parts)).encode()
    # Zero is the one id W3C forbids; one in 2**64 seeds would meet it.
    return int.from_bytes(sha256(seed).digest()[:size], "big") or 1


def derive_span_id(kind: str, *parts: str) -> int:
    """
    Derive a 64-bit span id, never zero, from *kind* and *parts*.
    """
    return _derive(kind, parts, 8)


def derive_otel_trace_id(*parts: str) -> int:
    """
    Derive a 128-bit trace id, never zero, from *parts*.
    """
    return _derive("trace", parts, 16)


def parse_linq_trace_id(text: str | None) -> int | None:
    """
    Read a Linq trace id as an OpenTelemetry one; None if it is not one.

    Linq documents 32 hexadecimal digits, and its own samples hold others
    (https://docs.linqapp.com/debugging, "Trace IDs").
    """
    if text is None:
        return None
    text = text.lower()
    if _TRACE_ID.fullmatch(text) is None:
        return None
    return int(text, 16) or None
