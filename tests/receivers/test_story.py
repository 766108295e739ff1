"""
One message, three processes, and what a receiver nobody here wrote has of it in the end.

The sender and the receiver are the programs of ``examples/``, the local Linq is ``python -m
linq_otel.testing``, and they share nothing but HTTP, environment variables and a SQLite file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from support.expected_story import (
    EVENT_LINQ_TRACE_IDS,
    LINQ_TRACE_ID,
    MESSAGE_ID,
    SECOND_LINQ_TRACE_ID,
    Expected,
    derive,
    link,
)
from support.otlp_route import DIRECT_WAYS
from support.received_trees import distinct, grow, sort_nodes
from support.story import ENDED, MESSAGE_EVENTS, Script, Story, play


if TYPE_CHECKING:
    from pathlib import Path

    from support.otlp_route import OtlpRoute


SENT, DELIVERED, READ, FAILED = MESSAGE_EVENTS
SEEN = (SENT, DELIVERED, READ)
SECOND_NS = 1_000_000_000
one_way = pytest.mark.parametrize("otlp_route", DIRECT_WAYS[:1], ids=str, indirect=True)


def tell(script: Script, route: OtlpRoute, folder: Path) -> tuple[Story, Expected]:
    """
    Play *script*, and see that its programs did what they are for, and no more.
    """
    story = play(script, route, folder)
    sent, received = story.printed
    assert sent == [f"Message {MESSAGE_ID} is accepted."]
    assert sorted(received) == sorted(script.webhooks)
    assert story.statuses == ENDED
    assert "(logged once)" not in story.complaints
    assert len(story.spans) == script.span_count
    return story, Expected(story.linq_port, story.subscription_id)


def join(mode: str) -> Script:
    """
    The story of a message that is read, joined as *mode* says; `TestLife` has that of ``linq``.
    """
    return Script("read", SEEN, span_count=14, variables={"OTEL_PYTHON_LINQ_JOIN": mode})


class TestLife:
    @pytest.mark.slow
    def test_every_way(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        Whichever way spans leave, three processes draw one life, under ids anyone can derive.
        """
        script = Script("delivered", (SENT, DELIVERED), span_count=11)
        story, expected = tell(script, otlp_route, tmp_path)

        assert grow(story.spans, LINQ_TRACE_ID) == expected.traces(SENT, DELIVERED)

    @one_way
    def test_read(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        What comes late is exported by another process than its parent, after it, without a gap.
        """
        script = Script("read", SEEN, span_count=14)
        story, expected = tell(script, otlp_route, tmp_path)

        assert grow(story.spans, LINQ_TRACE_ID) == expected.traces(*SEEN)
        parents = {span.span_id: span.name for span in story.spans}
        assert [
            sorted(
                (span.service_name, span.name, parents.get(span.parent_span_id or ""))
                for span in batch
                if span.otel_trace_id == LINQ_TRACE_ID
            )
            for batch in story.batches
        ] == [
            [("sender", "linq message", None), ("sender", "message accepted", "linq message")],
            [
                ("receiver", f"{what}{stage}", "linq message")
                for what in ("message ", "process message.")
                for stage in ("delivered", "read", "sent")
            ],
        ]

        call, anchor = story.span("linq chats.create"), story.span("linq message")
        accepted = story.span("message accepted")
        sent, delivered, read = (
            story.span(f"message {stage}") for stage in ("sent", "delivered", "read")
        )
        assert call.start_ns == anchor.start_ns == anchor.end_ns - 1 == accepted.start_ns
        assert call.end_ns == accepted.end_ns == sent.start_ns < sent.end_ns
        assert (delivered.start_ns, read.start_ns) == (sent.end_ns, delivered.end_ns)
        at = [int(seconds / script.speed * SECOND_NS) for seconds in (2, 6, 60)]
        assert delivered.end_ns - delivered.start_ns == at[1] - at[0]
        assert read.end_ns - read.start_ns == at[2] - at[1]

    @one_way
    def test_no_store(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        Without a store the life is the same; what is missing is who sent the message.
        """
        script = Script("delivered", (SENT, DELIVERED), span_count=11, has_store=False)
        story, expected = tell(script, otlp_route, tmp_path)

        expected = replace(expected, origin="none")
        assert grow(story.spans, LINQ_TRACE_ID) == expected.traces(SENT, DELIVERED)

    @one_way
    @pytest.mark.slow
    def test_no_stages(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        With the stages off, nothing is drawn but the handlers' runs, each a root of the life.
        """
        variables = {"OTEL_PYTHON_LINQ_STAGES": "false"}
        script = Script("delivered", (SENT, DELIVERED), span_count=7, variables=variables)
        story, expected = tell(script, otlp_route, tmp_path)

        call = expected.call(expected.attempt(), lifecycle=False)
        assert grow(story.spans, LINQ_TRACE_ID) == {
            "place order": (expected.order(call),),
            LINQ_TRACE_ID: sort_nodes([expected.joined(SENT), expected.joined(DELIVERED)]),
            **expected.webhooks(SENT, DELIVERED),
        }

    @one_way
    @pytest.mark.slow
    def test_other_event(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        An event of no message stays where it arrived, with a link to the call that caused it.
        """
        events = ("chat.created", SENT)
        script = Script("delivered", events, span_count=10, speed=5, events=events)
        story, expected = tell(script, otlp_route, tmp_path)

        cause = link("cause", "linq chats.create")
        process = replace(expected, origin="trace").process("chat.created", cause)
        assert grow(story.spans, LINQ_TRACE_ID) == {
            **expected.traces(SENT),
            "webhook chat.created": (expected.webhook(children=(process,)),),
        }


@one_way
class TestJoin:
    def test_app(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        The life hangs under the call that sent the message, in the app's own trace.
        """
        story, expected = tell(join("app"), otlp_route, tmp_path)

        otel_trace_id = story.span("place order").otel_trace_id
        anchor_id = derive(8, "anchor", MESSAGE_ID)
        expected = replace(expected, otel_trace_id=otel_trace_id, anchor_id=anchor_id)
        call = expected.call(expected.attempt(), expected.life(*SEEN))
        assert grow(story.spans) == {
            "place order": sort_nodes([expected.order(call)]),
            **expected.webhooks(*SEEN),
        }

    @pytest.mark.slow
    def test_message(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        The life is a trace derived from the message's id alone.
        """
        story, expected = tell(join("message"), otlp_route, tmp_path)

        otel_trace_id = derive(16, "trace", MESSAGE_ID)
        anchor_id = derive(8, "anchor", MESSAGE_ID)
        expected = replace(expected, otel_trace_id=otel_trace_id, anchor_id=anchor_id)
        assert grow(story.spans, otel_trace_id) == expected.traces(*SEEN)

    @pytest.mark.slow
    def test_link(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        The app's traces stay as they are, with links to a life that is made of stages alone.
        """
        story, expected = tell(join("link"), otlp_route, tmp_path)

        stages = [expected.stage(each, link("webhook", f"webhook {each}")) for each in SEEN]
        to_life = link("lifecycle", "linq message")
        to_both = (link("send", "linq chats.create"), to_life)
        assert grow(story.spans, LINQ_TRACE_ID) == {
            **expected.traces(),
            LINQ_TRACE_ID: sort_nodes([expected.anchor(*stages)]),
            **{
                f"webhook {each}": (
                    expected.webhook(to_life, children=(expected.process(each, *to_both),)),
                )
                for each in SEEN
            },
        }


@one_way
class TestTrouble:
    def test_failed_then_delivered(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        A failure is an error and not the end: what is delivered later stands beside it.
        """
        told = (SENT, FAILED, DELIVERED)
        script = Script("failed-then-delivered", told, span_count=14)
        story, expected = tell(script, otlp_route, tmp_path)

        assert grow(story.spans, LINQ_TRACE_ID) == expected.traces(*told)

    @pytest.mark.slow
    def test_duplicates(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        A webhook that comes three times is handled three times, and its stage is one span.
        """
        script = Script("duplicates", SEEN * 3, span_count=32)
        story, expected = tell(script, otlp_route, tmp_path)

        life = expected.life(*SEEN)
        again = [expected.joined(each, **{"linq.webhook.duplicate": True}) for each in SEEN * 2]
        assert grow(distinct(story.spans), LINQ_TRACE_ID) == {
            **expected.traces(),
            LINQ_TRACE_ID: sort_nodes([replace(life, children=(*life.children, *again))]),
            **{trace: roots * 3 for trace, roots in expected.webhooks(*SEEN).items()},
        }

    def test_differing_trace_ids(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        Events that each name another trace are found by their message, and are one life.
        """
        script = Script("differing-trace-ids", SEEN, span_count=14)
        story, expected = tell(script, otlp_route, tmp_path)

        expected = replace(expected, event_linq_trace_ids=EVENT_LINQ_TRACE_IDS)
        assert grow(story.spans, LINQ_TRACE_ID) == expected.traces(*SEEN)

    @pytest.mark.slow
    def test_rate_limited(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """
        A refused attempt says why and until when; the life is that of the attempt that got in.
        """
        script = Script("rate-limited", (SENT, DELIVERED), span_count=12)
        story, expected = tell(script, otlp_route, tmp_path)

        expected = replace(
            expected,
            linq_trace_id=SECOND_LINQ_TRACE_ID,
            otel_trace_id=SECOND_LINQ_TRACE_ID,
            anchor_id=derive(8, "anchor", SECOND_LINQ_TRACE_ID),
        )
        refusal = {
            "linq.trace_id": LINQ_TRACE_ID,
            "linq.error.code": 1007,
            "linq.error.doc_url": "https://docs.linqapp.com/error/codes/1xxx/1007/",
            "linq.retry_after": 1.0,
            "error.type": "429",
        }
        both = (LINQ_TRACE_ID, SECOND_LINQ_TRACE_ID)
        tries: dict[str, Any] = {"linq.attempts": 2, "linq.trace_ids": both}
        call = expected.call(
            expected.attempt(429, **refusal),
            expected.attempt(**{"http.request.resend_count": 1}),
            **tries,
        )
        assert grow(story.spans, SECOND_LINQ_TRACE_ID) == {
            **expected.traces(SENT, DELIVERED),
            "place order": sort_nodes([expected.order(call)]),
        }
        first, second = (span for span in story.spans if span.kind == "CLIENT")
        assert second.start_ns - first.end_ns >= 0.9 * SECOND_NS
