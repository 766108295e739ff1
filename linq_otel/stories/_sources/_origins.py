"""
Looks an id up in a store, which knows which trace to ask a backend for.

A store has no spans. But it knows ids that no span has, such as a hashed idempotency key, and it
answers where no backend does.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linq_otel._origins import Origin, hash_key, parse_traceparent, store_keys
from linq_otel.errors import StoreError
from linq_otel.stores import open_store
from linq_otel.stories._sources import SourceError


@dataclass(frozen=True, slots=True)
class KnownOrigin:
    """
    What a store knows of a message, without the hash of its key.

    Attributes:
        found_by: The kind of id it was found by: ``message``, ``trace`` or ``key``.
        origin: What is kept.
    """

    found_by: str
    origin: Origin

    @property
    def otel_trace_ids(self) -> tuple[str, ...]:
        """
        The traces to ask for: that of the message's life first, then the sender's.
        """
        spans = map(parse_traceparent, (self.origin.lifecycle, self.origin.traceparent))
        return tuple(dict.fromkeys(f"{span.trace_id:032x}" for span in spans if span is not None))

    def to_document(self) -> dict[str, Any]:
        """
        Return it as JSON has it; times are decimal strings of nanoseconds since the Unix epoch.
        """
        origin, sender = self.origin, self.origin.sender
        life = parse_traceparent(origin.lifecycle)
        return {
            "found_by": self.found_by,
            "message_id": origin.message_id,
            "chat_id": origin.chat_id,
            "linq_trace_ids": list(origin.linq_trace_ids),
            "requested_ns": str(origin.requested_at),
            "accepted_ns": None if origin.accepted_at is None else str(origin.accepted_at),
            "lifecycle_otel_trace_id": None if life is None else f"{life.trace_id:032x}",
            "sender_otel_trace_id": None if sender is None else f"{sender.trace_id:032x}",
            "sender_span_id": None if sender is None else f"{sender.span_id:016x}",
            "is_sampled": None if life is None else life.trace_flags.sampled,
        }


def find_origin(store_url: str, wanted: str) -> KnownOrigin | None:
    """
    Return what a store knows of an id: a message's, a Linq trace's, or an idempotency key.

    Args:
        store_url: As of `open_store`.
        wanted: The id.

    Raises:
        ConfigurationError: If the URL cannot be used, or the store cannot be reached.
    """
    keys = [
        *store_keys(wanted.lower(), (wanted,), None),
        *store_keys(None, (), hash_key(wanted)),
    ]
    path = store_url.partition("?")[0].removeprefix("sqlite:///")
    # Opening a file makes it.
    if store_url.startswith("sqlite:") and not Path(path).exists():
        raise SourceError(f"the store cannot be asked: there is no file {path}")
    try:
        with closing(open_store(store_url)) as store:
            found = store.find(*keys)
    except StoreError as error:
        raise SourceError(f"the store cannot be asked: {error}") from error
    return None if found is None else KnownOrigin(found[0].partition(":")[0], found[1])
