from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from linq_otel._otlp_json import read_spans
from linq_otel.stories import find_messages
from linq_otel.viewer import ViewerOptions, open_viewer
from support.life_lines import (
    DELIVERED,
    FAILED,
    HOUR,
    READ,
    SENT,
    make_id,
    make_uuid,
    write_arrival,
    write_life,
)
from support.viewer_answers import ask


if TYPE_CHECKING:
    from linq_otel.viewer import Viewer


START = 1_790_000_000_000_000_000
FATES = (DELIVERED, READ, FAILED, (), SENT)
LINES = [
    line
    for number, stages in enumerate(FATES)
    for line in write_life(number, START + number * HOUR, stages)
]


def list_messages(viewer: Viewer, **asked: object) -> dict[str, Any]:
    """
    Return the list as the page gets it.
    """
    query = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
    found: dict[str, Any] = ask(viewer, f"/api/messages?{query}").document
    return found


def expect_messages(lines: list[str]) -> list[dict[str, Any]]:
    """
    Return the list as it is told from all spans at once.
    """
    return [message.to_document() for message in find_messages(read_spans(lines))]


def find_numbers(viewer: Viewer, **asked: object) -> list[int]:
    """
    Return the numbers of the lives in the list.
    """
    ids = [make_uuid(number, "message") for number in range(10)]
    return [ids.index(one["message_id"]) for one in list_messages(viewer, **asked)["messages"]]


class TestList:
    def test_whole(self, viewer: Viewer) -> None:
        """It is what all the spans tell when they are read at once, the newest first."""
        viewer.read(LINES)
        assert list_messages(viewer) == {
            "messages": expect_messages(LINES),
            "total": 5,
            "counts": {"delivered": 1, "failed": 1, "read": 1, "stuck": 2},
        }

    def test_of_nothing(self, viewer: Viewer) -> None:
        """Nothing is listed where nothing came."""
        assert list_messages(viewer) == {"messages": [], "total": 0, "counts": {}}

    @pytest.mark.parametrize("order", [1, -1])
    def test_in_any_order(self, viewer: Viewer, order: int) -> None:
        """Span by span, first or last first, it comes to the same."""
        for line in LINES[::order]:
            viewer.read([line])
        assert list_messages(viewer)["messages"] == expect_messages(LINES)

    def test_of_both_directions(self, viewer: Viewer) -> None:
        """A message that came to us is received."""
        line = write_arrival(1, START)
        viewer.read([line])
        assert list_messages(viewer) == {
            "messages": expect_messages([line]),
            "total": 1,
            "counts": {"received": 1},
        }

    def test_grows_with_late_spans(self, viewer: Viewer) -> None:
        """What comes hours later changes the state of the message it belongs to, and no other."""
        lives = [list(write_life(number, START, READ)) for number in (1, 2)]
        early = [[line for line in life if "read" not in line] for life in lives]
        viewer.read(early[0] + early[1])
        assert list_messages(viewer)["counts"] == {"delivered": 2}
        viewer.read(lives[1])
        found = {one["message_id"]: one["state"] for one in list_messages(viewer)["messages"]}
        assert found == {make_uuid(1, "message"): "delivered", make_uuid(2, "message"): "read"}

    def test_of_redelivered_spans(self, viewer: Viewer) -> None:
        """The same spans again are the same spans, and the later words of one count."""
        life = list(write_life(1, START, READ))
        viewer.read(life)
        again = [line.replace('"iMessage"', '"RCS"') for line in life]
        viewer.read(again)
        (message,) = list_messages(viewer)["messages"]
        assert message == {**expect_messages(life)[0], "protocol": "RCS"}

    def test_of_ids_that_are_not_known_at_first(self, viewer: Viewer) -> None:
        """A span with but a Linq trace id is a message until one with both tells which."""
        life = list(write_life(1, START, DELIVERED))
        nameless = [line.replace("linq.message.id", "other.id") for line in life]
        viewer.read(nameless)
        (message,) = list_messages(viewer)["messages"]
        assert (message["message_id"], message["state"]) == (None, "delivered")
        viewer.read(life[:2])
        (message,) = list_messages(viewer)["messages"]
        assert (message["message_id"], message["state"]) == (make_uuid(1, "message"), "delivered")


class TestStuckMessages:
    def test_stick_with_time(self) -> None:
        """A message is stuck by the time that has passed, with no span more."""
        with open_viewer(ViewerOptions(port=0, stuck_after=2)) as viewer:
            viewer.read(write_life(1, time.time_ns(), ()))
            assert list_messages(viewer)["counts"] == {"accepted": 1}
            deadline = time.monotonic() + 20
            while list_messages(viewer)["counts"] != {"stuck": 1}:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            (message,) = list_messages(viewer, state="stuck")["messages"]
            assert message["state"] == "stuck"
            assert list_messages(viewer, state="accepted")["messages"] == []

    def test_do_not_stick_as_sms(self, viewer: Viewer) -> None:
        """An SMS is sent, and that is the last one hears of it."""
        viewer.read(write_life(1, START, SENT, protocol="SMS"))
        assert list_messages(viewer)["counts"] == {"sent": 1}


class TestFilters:
    @pytest.fixture(autouse=True)
    def _fill(self, viewer: Viewer) -> None:
        viewer.read(LINES)

    @pytest.mark.parametrize(
        ("state", "numbers"),
        [("delivered", [0]), ("read", [1]), ("failed", [2]), ("stuck", [4, 3]), ("received", [])],
    )
    def test_states(self, viewer: Viewer, state: str, numbers: list[int]) -> None:
        """A state narrows the list; the counts stay those of all."""
        found = list_messages(viewer, state=state)
        assert (found["total"], found["counts"]) == (
            len(numbers),
            {"delivered": 1, "failed": 1, "read": 1, "stuck": 2},
        )
        assert find_numbers(viewer, state=state) == numbers

    def test_pages(self, viewer: Viewer) -> None:
        """Pages of two are the list, and each knows the total."""
        pages = [find_numbers(viewer, offset=offset, limit=2) for offset in (0, 2, 4, 6)]
        assert pages == [[4, 3], [2, 1], [0], []]
        assert list_messages(viewer, offset=6, limit=2)["total"] == 5

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            (make_uuid(1, "message"), [1]),
            (make_uuid(1, "message").upper(), [1]),
            (make_uuid(1, "message")[3:20], [1]),
            (make_uuid(1, "chat"), [4, 3]),
            (make_id(2, "life"), [2]),
            (f"failed {make_uuid(2, 'message')}", [2]),
            (f"{make_uuid(1, 'message')} {make_uuid(2, 'message')}", []),
            ("CHATS.messages", [4, 3, 2, 1, 0]),
            ("%", []),
            ("_", []),
            ("' OR 1=1 --", []),
            ("no such thing", []),
            ("\ud800", []),
        ],
    )
    def test_queries(self, viewer: Viewer, query: str, numbers: list[int]) -> None:
        """Every word must be in a message, as it stands; case does not matter."""
        escaped = query.encode("utf-8", "replace").decode()
        assert find_numbers(viewer, query=escaped) == numbers
        assert sum(list_messages(viewer, query=escaped)["counts"].values()) == len(numbers)

    def test_queries_for_any_id_of_a_span(self, viewer: Viewer) -> None:
        """Any trace id, span id or event id of a message's traces leads to it."""
        spans = read_spans(write_life(1, START + HOUR, READ))
        ids = {span.otel_trace_id for span in spans} | {span.span_id for span in spans}
        ids |= {str(span.attributes["linq.event.id"]) for span in spans
                if "linq.event.id" in span.attributes}  # fmt: skip
        assert {each: find_numbers(viewer, query=each) for each in ids} == {
            each: [1] for each in ids
        }

    @pytest.mark.parametrize(
        ("asked", "error"),
        [
            (
                {"state": "lost"},
                "state is not one of accepted, sent, delivered, read, failed, stuck, received",
            ),
            ({"offset": "-1"}, "offset and limit are whole numbers from 0 on"),
            ({"limit": "many"}, "offset and limit are whole numbers from 0 on"),
            ({"limit": "9" * 30}, "offset and limit are whole numbers from 0 on"),
        ],
    )
    def test_misunderstandings(self, viewer: Viewer, asked: dict[str, str], error: str) -> None:
        """What cannot be understood is said."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = ask(viewer, f"/api/messages?{query}")
        assert (answer.status, answer.document) == (400, {"error": error})


class TestStrangers:
    def test_words_of_others(self, viewer: Viewer) -> None:
        """Markup, halves of characters and huge ids come out as they went in, as JSON."""
        odd = {"linq.message.id": "</script>\ud800\0" + "x" * 5_000, "linq.stage": "delivered"}
        attributes = [{"key": k, "value": {"stringValue": v}} for k, v in odd.items()]
        times = {"startTimeUnixNano": str(2**64 - 1), "endTimeUnixNano": "0"}
        ids = {"traceId": "1" * 32, "spanId": "2" * 16}
        span = {**ids, **times, "name": "\ud800<b>", "attributes": attributes}
        line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
        viewer.read([line])
        assert list_messages(viewer)["messages"] == expect_messages([line])
        assert ask(viewer, "/api/messages").body.isascii()
