from __future__ import annotations

from linq_otel.stories._timeline import (
    ENDS_EARLY,
    PARENT_MISSING,
    PARENTS_CIRCLE,
    join_traces,
)
from stories.telling import MESSAGE_ID, SHOP, anchor, call, handler, stage, tell
from support.span_records import HOOK, LIFE, MESSAGE, TRACE, record


class TestStories:
    def test_are_traces_joined_by_links(self) -> None:
        """
        Three traces that point at each other are one story, the earliest first.
        """
        (story,) = join_traces(MESSAGE[::-1])
        assert [group.otel_trace_id for group in story.groups] == [TRACE, LIFE, HOOK]
        assert [row.number for row in story.rows] == [1, 2, 3, 4, 5, 6]

    def test_are_apart_without_links(self) -> None:
        """
        Traces with no link between them are stories of their own.
        """
        stories = join_traces([record("a", 5, 6), record("b", 0, 1, trace=LIFE)])
        assert [[span.name for span in story.spans] for story in stories] == [["b"], ["a"]]

    def test_are_joined_through_a_trace_that_is_not_here(self) -> None:
        """
        Two traces that point at the same third one belong together.
        """
        links = ((HOOK, "9" * 16, "send"),)
        first = record("a", 0, 1, links=links)
        second = record("b", 2, 3, trace=LIFE, links=links)
        (story,) = join_traces([first, second])
        assert [span.name for span in story.spans] == ["a", "b"]

    def test_are_joined_by_a_message_that_both_name(self) -> None:
        """
        Where nothing links them they are one story in parts, and the parts are those of links.
        """
        heard = handler("message.read", 50, trace=HOOK)
        asked = tell(
            record("linq messages.retrieve", 90, 91, trace="8" * 32), message_id=MESSAGE_ID
        )
        other = tell(record("other", 91, 92, trace="9" * 32), message_id="m2")
        stories = join_traces([call(), anchor(1), heard, asked, other])
        assert [[group.otel_trace_id for group in story.groups] for story in stories] == [
            [SHOP, LIFE, HOOK, "8" * 32],
            ["9" * 32],
        ]
        assert [set(part) for part in stories[0].parts] == [{SHOP, LIFE}, {HOOK}, {"8" * 32}]

    def test_are_joined_by_a_linq_trace_id_where_no_message_is_named(self) -> None:
        """
        A call that failed on us names no message; its Linq trace id tells whose it was.
        """
        failed = tell(call(status="ERROR", message_id=None), trace_id=LIFE.upper())
        heard = handler("message.sent", 50, trace=HOOK)
        unrelated = handler("message.sent", 60, trace="8" * 32, trace_id="9" * 32, message_id="m2")
        stories = join_traces([failed, heard, unrelated])
        assert [len(story.groups) for story in stories] == [2, 1]

    def test_are_apart_where_messages_only_share_a_linq_trace_id(self) -> None:
        """
        One call may send several messages, and a stub may answer with one id for all.
        """
        one = stage("sent", 10, 20)
        other = stage("sent", 10, 20, trace=HOOK, message_id="m2")
        assert len(join_traces([one, other])) == 2

    def test_are_not_joined_by_a_strangers_word(self) -> None:
        """
        A delivery that did not verify names no message.
        """
        forged = tell(handler("message.read", 50, trace=HOOK), webhook_verified=False)
        assert len(join_traces([anchor(), forged])) == 2


class TestTree:
    def test_has_its_children_in_order_of_time(self) -> None:
        """
        Tree lines lead from each parent to its children, the earliest first.
        """
        spans = [
            record("root", 0, 9, span_id="1" * 16),
            record("second", 5, 6, span_id="3" * 16, parent="1" * 16),
            record("first", 1, 4, span_id="2" * 16, parent="1" * 16),
            record("inner", 2, 3, span_id="4" * 16, parent="2" * 16),
        ]
        (story,) = join_traces(spans)
        assert [row.guide + row.span.name for row in story.rows] == [
            "root",
            "├ first",
            "│ └ inner",
            "└ second",
        ]

    def test_says_that_a_parent_is_missing(self) -> None:
        """
        A span whose parent is not here is a root with a remark.
        """
        (story,) = join_traces([record("late", 0, 1, parent="9" * 16)])
        assert [row.remark for row in story.rows] == [PARENT_MISSING]

    def test_ends_where_parents_form_a_circle(self) -> None:
        """
        Spans that are each other's parents are drawn once each.
        """
        spans = [
            record("a", 0, 1, span_id="1" * 16, parent="2" * 16),
            record("b", 0, 1, span_id="2" * 16, parent="1" * 16),
            record("self", 2, 3, span_id="3" * 16, parent="3" * 16),
        ]
        (story,) = join_traces(spans)
        assert [(row.span.name, row.remark) for row in story.rows] == [
            ("a", PARENTS_CIRCLE),
            ("b", ""),
            ("self", PARENTS_CIRCLE),
        ]

    def test_says_that_a_span_ends_before_it_starts(self) -> None:
        """
        A negative length is kept and remarked upon.
        """
        (story,) = join_traces([record("odd", 5, 1)])
        assert [row.remark for row in story.rows] == [ENDS_EARLY]
