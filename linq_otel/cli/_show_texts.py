"""
The lines that ``linq-otel show`` writes beside the picture.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, cast

from ._streams import spell_line


if TYPE_CHECKING:
    from collections.abc import Mapping


_NS: Final = 1_000_000_000


def describe_message(message: Mapping[str, object]) -> str:
    """
    Say in one line which message it is, and what became of it.

    Args:
        message: A message's document.
    """
    parts = [
        message["state"],
        message["direction"],
        message["protocol"],
        message["operation"],
        f"error {message['error_code']}" if message["error_code"] is not None else None,
    ]
    name = f"message {message['message_id']}" if message["message_id"] else "a message without id"
    return spell_line(f"{name}: {' · '.join(str(part) for part in parts if part)}")


def describe_origin(origin: Mapping[str, object]) -> str:
    """
    Say what a store knows of a message.

    Args:
        origin: An origin's document.
    """
    accepted = origin["accepted_ns"]
    ids = origin["linq_trace_ids"]
    rows = {
        "message": origin["message_id"],
        "chat": origin["chat_id"],
        "Linq trace ids": ", ".join(map(str, cast("list[object]", ids))),
        "requested": spell_time(origin["requested_ns"]),
        "accepted": "not yet" if accepted is None else spell_time(accepted),
        "life's trace": origin["lifecycle_otel_trace_id"] or "not decided yet",
        "sender's trace": origin["sender_otel_trace_id"],
        "sender's span": origin["sender_span_id"],
        "sampled": {True: "yes", False: "no", None: None}[_as_bool(origin["is_sampled"])],
    }
    lines = [f"  {name:<15} {value}" for name, value in rows.items() if value]
    head = (
        "The store knows the message; its spans are in a backend: add --jaeger, --tempo or --file."
    )
    return "\n".join([head, *map(spell_line, lines)])


def spell_time(ns: object) -> str:
    """
    Write nanoseconds since the Unix epoch as a person reads them, in UTC.
    """
    seconds, rest = divmod(int(str(ns)), _NS)
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03} UTC"


def _as_bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
