"""
What joins a webhook to the call that caused it.

Linq reports a message's fate hours later, often to another process, and its
webhooks carry no ``traceparent``. What survives the gap are ids, so one fact
is kept under each of them: which span sent the message, and which trace its
life is drawn in. That choice is made once, by the sender, and stored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, cast

from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .errors import UnreadableOriginError


# Not the global propagator: an application may switch that to B3 between the
# call and the webhook, and a row once written must stay readable.
_W3C = TraceContextTextMapPropagator()
_VERSION_00: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
# The carrier must not depend on the SDK's span classes either, so it is plain text.
_SAMPLED = TraceFlags.SAMPLED
# Two hexadecimal digits of them; to make one is a tenth of reading a span context.
_FLAGS: Final = tuple(TraceFlags(flags) for flags in range(256))
# The year 2200, as for Linq's times: a span of a later one would cost its whole batch.
_LAST_NS = 7_258_118_400 * 1_000_000_000


def format_traceparent(span: SpanContext) -> str:
    """
    Write a span context as a W3C ``traceparent`` of version 00.
    """
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags & 0x03:02x}"


def parse_traceparent(traceparent: str, tracestate: str = "") -> SpanContext | None:
    """
    Read a W3C ``traceparent``; None if it is not one.
    """
    match = _VERSION_00.fullmatch(traceparent)
    if match is not None and not tracestate:
        # What :func:`format_traceparent` wrote: an eighth of the propagator's time.
        otel_trace_id, span_id, flags = match.groups()
        known = SpanContext(
            int(otel_trace_id, 16),
            int(span_id, 16),
            is_remote=True,
            trace_flags=_FLAGS[int(flags, 16)],
        )
        return known if known.is_valid else None
    headers = {"traceparent": traceparent, "tracestate": tracestate}
    # extract() signals bad input by silence: it returns the context it was given.
    span = get_current_span(_W3C.extract(headers, Context())).get_span_context()
    return span if span.is_valid else None


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a message came from.

    Attributes:
        traceparent: The span that sent it, in wire form, so that the sampling
            decision is kept too.
        tracestate: Vendor fields of that span, or empty.
        lifecycle: ``traceparent`` of the anchor of the message's life; empty
            while the answer that decides it is still under way.
        linq_trace_ids: ``X-Trace-ID`` of every attempt, in order.
        message_id: The message, once the answer named it.
        chat_id: The chat, once the answer named it.
        idempotency_key: The user's key, hashed (:func:`hash_key`), or None.
        requested_at: When the call began, Unix nanoseconds.
        accepted_at: When the answer came, Unix nanoseconds; None before.
    """

    traceparent: str
    tracestate: str = ""
    lifecycle: str = ""
    linq_trace_ids: tuple[str, ...] = ()
    message_id: str | None = None
    chat_id: str | None = None
    idempotency_key: str | None = None
    requested_at: int = 0
    accepted_at: int | None = None

    @property
    def is_accepted(self) -> bool:
        """
        True once Linq has answered; an accepted origin is never replaced.
        """
        return self.accepted_at is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """
        The store keys it is kept under, best first.
        """
        return store_keys(self.message_id, self.linq_trace_ids, self.idempotency_key)

    @property
    def sender(self) -> SpanContext | None:
        """
        The span that sent the message, as a remote span context.
        """
        return parse_traceparent(self.traceparent, self.tracestate)

    def to_json(self) -> str:
        """
        Write it as one line of JSON, the form every store keeps.
        """
        # Field by field: a loop over their names takes half as long again, asdict() thrice.
        row: dict[str, object] = {"traceparent": self.traceparent}
        if self.tracestate:
            row["tracestate"] = self.tracestate
        if self.lifecycle:
            row["lifecycle"] = self.lifecycle
        if self.linq_trace_ids:
            row["linq_trace_ids"] = self.linq_trace_ids
        if self.message_id:
            row["message_id"] = self.message_id
        if self.chat_id:
            row["chat_id"] = self.chat_id
        if self.idempotency_key:
            row["idempotency_key"] = self.idempotency_key
        row["requested_at"] = self.requested_at
        if self.accepted_at is not None:
            row["accepted_at"] = self.accepted_at
        return _write(row)

    @classmethod
    def from_json(cls, text: str) -> Origin:
        """
        Read what :meth:`to_json` wrote.

        Fields a newer version added are passed over, so that hosts can be
        upgraded one by one.

        Raises:
            UnreadableOriginError: If *text* is not an origin.
        """
        try:
            row = _read(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise _unreadable(type(error).__name__) from error
        if not isinstance(row, dict) or "traceparent" not in row:
            raise _unreadable("no object with a traceparent")
        known = cast("dict[str, Any]", row)
        get = known.get
        ids = cast("list[object]", get("linq_trace_ids", []))
        requested_at, accepted_at = get("requested_at", 0), get("accepted_at")
        texts = (known["traceparent"], get("tracestate", ""), get("lifecycle", ""))
        names = (get("message_id"), get("chat_id"), get("idempotency_key"))
        if not (
            type(ids) is list
            and _TEXT.issuperset(map(type, (*texts, *ids)))
            and _TEXT_OR_NONE.issuperset(map(type, names))
            and _is_time(requested_at)
            and (accepted_at is None or _is_time(accepted_at))
        ):
            raise _unreadable("a field of another type")
        # By their places: names would cost as much again.
        return cls(*texts, tuple(cast("list[str]", ids)), *names, requested_at, accepted_at)


_TEXT: Final = frozenset({str})
_TEXT_OR_NONE: Final = frozenset({str, type(None)})
# json.dumps() makes an encoder for each call that asks for separators.
_write: Final = json.JSONEncoder(separators=(",", ":")).encode
_decode: Final = json.JSONDecoder().raw_decode


def _read(text: str) -> object:
    # json.loads() looks for white space around it first: with that, it takes twice as long.
    try:
        row, end = _decode(text)
    except (ValueError, TypeError):
        return json.loads(text)
    return row if end == len(text) else json.loads(text)


def _unreadable(why: str) -> UnreadableOriginError:
    return UnreadableOriginError(f"the store holds a row that is no origin: {why}")


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < _LAST_NS


def store_keys(
    message_id: str | None,
    linq_trace_ids: tuple[str, ...],
    idempotency_key: str | None,
) -> tuple[str, ...]:
    """
    Return the keys an origin is saved and looked up under, most trusted first.

    The order is message id, Linq trace id, idempotency key: Linq's own samples
    show one message under two trace ids, and failures carry no key.
    """
    keys: list[str] = []
    if message_id:
        keys.append(f"message:{message_id}")
    # No comprehension: as a function of its own, it takes as long as all of this.
    for linq_trace_id in linq_trace_ids:
        keys.append(f"trace:{linq_trace_id.lower()}")  # noqa: PERF401  # As above.
    if idempotency_key:
        keys.append(f"key:{idempotency_key}")
    return tuple(keys)


def has_keys(origin: Origin) -> bool:
    """
    Tell whether *origin* has keys at all, without writing them.
    """
    return bool(origin.message_id or origin.linq_trace_ids or origin.idempotency_key)


def hash_key(idempotency_key: str) -> str:
    """
    Hash a user's idempotency key: people put phone numbers into them.
    """
    return sha256(idempotency_key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
