"""
The list that is kept as spans come is the list that is told from all of them at once.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from linq_otel.stories import find_messages
from linq_otel.viewer._archive import Archive
from linq_otel.viewer._database import Database
from linq_otel.viewer._limits import Limits
from linq_otel.viewer._reading import Question, list_messages
from support.span_records import record


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


STAGES = ["accepted", "sent", "delivered", "read", "failed"]
NAMES = ["linq message", "message sent", "process message.read", "linq chats.create", "GET /"]


@dataclass(frozen=True)
class Draft:
    """
    A span of message *message*, made up.
    """

    message: int
    number: int
    trace: int
    start: int
    length: int
    name: str
    is_named: bool
    linq_trace_ids: tuple[int, ...]
    stage: str | None
    link: int | None
    service: str

    def build(self) -> SpanRecord:
        """
        Return the span.
        """
        # A Linq trace id belongs to one message, as those of Linq do.
        ids = tuple(f"{self.message}{number}".zfill(32) for number in self.linq_trace_ids)
        facts: dict[str, Any] = {
            "linq.message.id": f"M{self.message}" if self.is_named else None,
            "linq.trace_id": ids[0] if ids else None,
            "linq.trace_ids": ids if len(ids) > 1 else None,
            "linq.stage": self.stage,
            "linq.operation": "chats.create" if self.name.startswith("linq") else None,
            "messaging.operation.name": "process" if self.name.startswith("process") else None,
            "linq.event.type": self.name[8:] if self.name.startswith("process") else None,
        }
        span = record(
            self.name, self.start, self.start + self.length, trace=f"{self.trace:032x}",
            span_id=f"{self.trace:08x}{self.number + 1:08x}", service=self.service,
            links=() if self.link is None else ((f"{self.link:032x}", "7" * 16, "send"),),
        )  # fmt: skip
        return replace(span, attributes={k: v for k, v in facts.items() if v is not None})


DRAFTS = st.builds(
    Draft,
    message=st.integers(0, 2),
    number=st.integers(0, 9),
    trace=st.integers(1, 4),
    start=st.integers(0, 50),
    length=st.integers(-2, 20),
    name=st.sampled_from(NAMES),
    is_named=st.booleans(),
    linq_trace_ids=st.lists(st.integers(0, 2), max_size=2, unique=True).map(tuple),
    stage=st.none() | st.sampled_from(STAGES),
    link=st.none() | st.integers(1, 6),
    service=st.sampled_from(["shop", "hooks"]),
)


class TestListing:
    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(batches=st.lists(st.lists(DRAFTS, max_size=6), max_size=5))
    def test_bit_by_bit(self, batches: list[list[Draft]]) -> None:
        """In whichever batches spans come, and however often, the list comes to the same."""
        kept: dict[tuple[str, str], SpanRecord] = {}
        with closing(Archive(Database(None), Limits())) as archive:
            for batch in batches:
                spans = [draft.build() for draft in batch]
                kept.update({(span.otel_trace_id, span.span_id): span for span in spans})
                archive.add(spans).result(20)
            with archive.reading() as connection:
                found = list_messages(connection, Question(), 900.0)["messages"]
        expected = [message.to_document() for message in find_messages(list(kept.values()))]
        assert sorted(map(repr, found)) == sorted(map(repr, expected))
