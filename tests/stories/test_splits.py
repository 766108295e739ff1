from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linq_otel.stories import find_messages, join_traces
from linq_otel.stories._splits import find_splits
from stories.telling import CALL, SHOP, anchor, call, handler, now, stage, tell
from support.span_records import HOOK, LIFE


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


STORE = (
    "give every process the same store (OTEL_PYTHON_LINQ_STORE=redis://localhost:6379/0, or "
    "sqlite:///linq.db on one host)"
)
OWN_TRACE = (
    "This message is in 2 traces that no link joins: the sender put it into its own trace "
    "(join=app), and the webhook receiver found no record that says which. To join them, "
    f"{STORE}; or set OTEL_PYTHON_LINQ_CARRIER=idempotency_key in the sender; or "
    "OTEL_PYTHON_LINQ_JOIN=linq in both, which needs neither."
)
DIFFERENT_IDS = (
    "This message is in 3 traces, in 2 parts that no link joins: Linq's webhooks carry another "
    "trace id than the send, and the receiver found no record of the send. Set "
    f"OTEL_PYTHON_LINQ_JOIN=message in every process, or {STORE}."
)
DIFFERENT_JOINS = (
    "This message is in 3 traces, in 2 parts that no link joins: sender and webhook receiver "
    f"differ in their join mode. Set the same OTEL_PYTHON_LINQ_JOIN in both, or {STORE}."
)
NO_RECORD = (
    "This message is in 2 traces that no link joins: the webhook receiver found no record of the "
    f"message. To join them, {STORE}."
)
MISSING = (
    "This message is in 2 traces that no link joins: the spans that tie them together are not "
    "here. Send the spans of every process to one place, and give all of them the same "
    "OTEL_PYTHON_LINQ_JOIN and OTEL_PYTHON_LINQ_STORE."
)
IN_APP = replace(anchor(1, trace=SHOP), parent_span_id=CALL)
CALL_IN_APP = replace(call(), links=())
OTHER_ID = "9" * 32


def heard(trace: str, start: float = 20, **more: str) -> SpanRecord:
    """
    Return the run of a handler that found no record of the send.
    """
    return handler("message.delivered", start, trace=trace, **{"origin": "none", **more})


def find_text(*spans: SpanRecord) -> str | None:
    """
    Return what is said of how the one message of *spans* is split.
    """
    (story,) = join_traces(spans)
    (split,) = find_splits(story, find_messages(spans, now_ns=now(60)))
    return None if split is None else split.text


REACTION = handler("reaction.added", 40, trace=HOOK, origin="none")


class TestReasons:
    @pytest.mark.parametrize(
        ("spans", "text"),
        [
            ((CALL_IN_APP, IN_APP, heard(LIFE)), OWN_TRACE),
            ((call(), anchor(), heard(OTHER_ID, trace_id=OTHER_ID)), DIFFERENT_IDS),
            ((call(), anchor(), heard(HOOK)), DIFFERENT_JOINS),
            ((CALL_IN_APP, heard(LIFE)), NO_RECORD),
            ((CALL_IN_APP, anchor(trace=SHOP), heard(SHOP), REACTION), NO_RECORD),
            ((CALL_IN_APP, stage("sent", 10, 20)), MISSING),
        ],
        ids=["app", "other-ids", "other-join", "no-stages", "reaction", "incomplete"],
    )
    def test_say_what_to_set(self, spans: tuple[SpanRecord, ...], text: str) -> None:
        """In how many traces it is, why, and what to set."""
        assert find_text(*spans) == text

    def test_of_webhooks_alone(self) -> None:
        """Where the sender's spans are not here, the webhooks' own ids tell that they differ."""
        spans = (heard(HOOK, trace_id=HOOK), heard(OTHER_ID, 30, trace_id=OTHER_ID))
        text = find_text(*spans)
        assert text is not None
        assert "in 2 traces that no link joins: Linq's webhooks carry another" in text


class TestJoined:
    def test_are_not_split(self) -> None:
        """What links join is not, in however many traces it is."""
        assert find_text(call(), anchor(), heard(LIFE)) is None

    def test_are_not_split_by_what_merely_asks(self) -> None:
        """A later call that names the message need not be in its trace."""
        asked = tell(replace(call(90, 91, trace=HOOK), links=(), attributes={}), message_id="m")
        sent = tell(anchor(), message_id="m")
        (story,) = join_traces([sent, asked])
        assert len(story.groups) == 2
        assert find_splits(story, find_messages([sent], now_ns=now(95))) == [None]

    def test_are_judged_one_by_one(self) -> None:
        """Of two messages in one trace, the one that is split is said to be."""
        second = tell(stage("delivered", 5, 9, trace=SHOP), message_id="m2")
        spans = [CALL_IN_APP, IN_APP, heard(LIFE), second]
        (story,) = join_traces(spans)
        messages = find_messages(spans, now_ns=now(60))
        splits = dict(
            zip([each.message_id for each in messages], find_splits(story, messages), strict=True)
        )
        assert {key: value and (value.traces, value.parts) for key, value in splits.items()} == {
            "m2": None,
            messages[-1].message_id: (2, 2),
        }
