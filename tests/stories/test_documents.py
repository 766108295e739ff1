from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linq_otel.stories import join_traces, story_document
from linq_otel.stories._documents import write_value
from stories.telling import HOUR, MESSAGE_ID, READ, SHOP, anchor, call, handler, now, stage, tell
from support.span_records import HOOK, LIFE, record


class TestDocument:
    def test_has_traces_in_tree_order(self) -> None:
        """Traces, the earliest first; in each, spans top to bottom, with their depth."""
        (story,) = join_traces(READ[::-1])
        document = story_document(story, now_ns=now(4 * HOUR))
        assert [
            (trace["otel_trace_id"], trace["service_names"], span["depth"], span["name"])
            for trace in document["traces"]
            for span in trace["spans"]
        ] == [
            (SHOP, ["shop"], 0, "POST /orders"),
            (SHOP, ["shop"], 1, "linq chats.create"),
            (LIFE, ["shop", "hooks"], 0, "linq message"),
            (LIFE, ["shop", "hooks"], 1, "message accepted"),
            (LIFE, ["shop", "hooks"], 1, "message sent"),
            (LIFE, ["shop", "hooks"], 1, "message delivered"),
            (LIFE, ["shop", "hooks"], 1, "message read"),
            (LIFE, ["shop", "hooks"], 0, "process message.read"),
        ]

    def test_has_a_head(self) -> None:
        """Version, times, the message and the waits stand beside the traces."""
        (story,) = join_traces(READ)
        document = story_document(story, now_ns=now(4 * HOUR))
        message = document.pop("message")
        assert (message["message_id"], message["state"]) == (MESSAGE_ID, "read")
        del document["traces"]
        assert document == {
            "version": 1,
            "start_ns": str(now(0)),
            "end_ns": str(now(3 * HOUR + 15)),
            "parts": 1,
            "waits": [{"start_ns": str(now(1_000)), "end_ns": str(now(3 * HOUR))}],
        }
        assert message["split"] is None

    def test_has_every_fact_of_a_span(self) -> None:
        """A span is told whole, with its links."""
        (story,) = join_traces([call(1, 10)])
        ((span,),) = [trace["spans"] for trace in story_document(story)["traces"]]
        assert span == {
            "span_id": "b" * 16,
            "parent_span_id": None,
            "depth": 0,
            "name": "linq chats.create",
            "kind": "PRODUCER",
            "start_ns": "1790000000001000000",
            "end_ns": "1790000000010000000",
            "service_name": "shop",
            "scope_name": "linq_otel",
            "status": "UNSET",
            "attributes": {
                "messaging.operation.name": "send",
                "linq.operation": "chats.create",
                "linq.message.id": MESSAGE_ID,
                "linq.trace_id": LIFE,
            },
            "links": [
                {
                    "otel_trace_id": LIFE,
                    "span_id": "c" * 16,
                    "attributes": {"linq.link": "lifecycle"},
                }
            ],
            "remark": "",
            "is_late": False,
        }

    def test_remarks_upon_what_is_odd(self) -> None:
        """A parent that is missing is named, and said to be."""
        (story,) = join_traces([record("late", 0, 1, parent="9" * 16)])
        ((span,),) = [trace["spans"] for trace in story_document(story)["traces"]]
        assert (span["parent_span_id"], span["remark"]) == ("9" * 16, "(parent not here)")

    def test_of_other_peoples_spans(self) -> None:
        """Where no span tells of a message, there is none."""
        (story,) = join_traces([record("GET /", 0, 1, kind="SERVER")])
        assert story_document(story)["message"] is None

    def test_tells_of_the_message_asked_for(self) -> None:
        """Of several, the one in the trace asked for, else the one that began it all."""
        reply = replace(
            tell(handler("message.received", 50, trace=HOOK), message_id="m2", trace_id=HOOK),
            links=call().links,
        )
        (story,) = join_traces([call(), reply])
        document = story_document(story, HOOK, now_ns=now(60))
        assert document["message"]["message_id"] == "m2"
        document = story_document(story, now_ns=now(60))
        assert document["message"]["message_id"] == MESSAGE_ID

    def test_tells_of_the_message_named(self) -> None:
        """Several messages may be in one trace; the one that is named counts, in any case."""
        second = tell(stage("read", 20, 90), message_id="M2", trace_id="9" * 32)
        (story,) = join_traces([call(), anchor(), second])
        states = {
            named: story_document(story, LIFE, named, now_ns=now(90))["message"]["state"]
            for named in (MESSAGE_ID.upper(), "m2", "unknown", None)
        }
        assert states == {
            MESSAGE_ID.upper(): "accepted",
            "m2": "read",
            "unknown": "accepted",
            None: "accepted",
        }

    def test_tells_of_the_message_in_the_trace_asked_for(self) -> None:
        """The trace of a half that did not join leads to its message, wherever that is at home."""
        other = tell(call(5, 6, trace="7" * 32, message_id="m2"), trace_id="9" * 32)
        heard = handler("message.delivered", 50, trace=HOOK)
        links = ((SHOP, "b" * 16, "cause"),)
        early = replace(record("job", 0, 1, trace="7" * 32, links=links), attributes={})
        (story,) = join_traces([call(), anchor(), heard, other, early])
        assert story_document(story, HOOK, now_ns=now(60))["message"]["message_id"] == MESSAGE_ID

    def test_takes_the_bound_of_stuck_messages(self) -> None:
        """The state in it is judged as the caller judges."""
        (story,) = join_traces([call(0, 10)])
        document = story_document(story, stuck_after=1, now_ns=now(2_000))
        assert document["message"]["state"] == "stuck"


class TestLateSpans:
    @pytest.mark.parametrize(
        ("start", "is_late"), [(60_009, False), (60_010, False), (60_011, True)]
    )
    def test_start_a_minute_after_the_first_span(self, start: float, is_late: bool) -> None:  # noqa: FBT001
        """More than a minute after the end of the trace's first span is late."""
        spans = [record("first", 0, 10), record("long", 5, 70_000), record("it", start, 70_000)]
        (story,) = join_traces(spans)
        (trace,) = story_document(story)["traces"]
        assert [(span["name"], span["is_late"]) for span in trace["spans"]] == [
            ("first", False),
            ("long", False),
            ("it", is_late),
        ]

    def test_may_say_so(self) -> None:
        """What was moved because it was too late says so itself."""
        (story,) = join_traces([tell(record("it", 0, 1), late=True)])
        ((span,),) = [trace["spans"] for trace in story_document(story)["traces"]]
        assert span["is_late"] is True


class TestValues:
    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (b"\x00\xff", "AP8="),
            (("a", 1, (True, None)), ["a", 1, [True, None]]),
            ({"a": b"", "b": (0.5,)}, {"a": "", "b": [0.5]}),
            (float("nan"), "nan"),
            (float("-inf"), "-inf"),
            (2**53, 2**53),
            (2**53 + 1, "9007199254740993"),
            (-(2**63), "-9223372036854775808"),
            (True, True),
            (None, None),
        ],
    )
    def test_are_what_javascript_can_read(self, value: object, written: object) -> None:
        """Bytes, infinities and large numbers become text, and nothing else changes."""
        assert write_value(value) == written  # type: ignore[arg-type]  # A table of all.

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
        )
    )
    def test_are_json(self, value: object) -> None:
        """Whatever an app puts into a span, it can be written."""
        written = write_value(value)  # type: ignore[arg-type]  # As above.
        assert json.loads(json.dumps(written, allow_nan=False)) == written
