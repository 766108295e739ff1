from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linq_otel._otlp_json import read_spans
from linq_otel.stories import join_traces, perfetto_document, story_document
from linq_otel.viewer import _walking
from support.life_lines import (
    HOUR,
    READ,
    Place,
    make_id,
    make_uuid,
    place,
    write_life,
    write_span,
    write_split_life,
)
from support.viewer_answers import ask


if TYPE_CHECKING:
    from linq_otel.viewer import Viewer


START = 1_790_000_000_000_000_000
LIFE = list(write_life(1, START, READ))
OTHER = list(write_life(2, START + HOUR, READ))


def find_traces(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(span.otel_trace_id for span in read_spans(lines)))


class TestStories:
    @pytest.mark.parametrize("otel_trace_id", find_traces(LIFE))
    def test_whole(self, viewer: Viewer, otel_trace_id: str) -> None:
        """From whichever trace one comes, the story is all that links tie together, alone."""
        viewer.read(LIFE + OTHER)
        (story,) = join_traces(read_spans(LIFE), otel_trace_id)
        answer = ask(viewer, f"/api/stories/{otel_trace_id}")
        assert (answer.status, answer.document) == (200, story_document(story, otel_trace_id))

    def test_grow(self, viewer: Viewer) -> None:
        """A trace that comes late is in it once its link is known."""
        (first, *_, last) = find_traces(LIFE)
        late = [line for line in LIFE if last in line]
        viewer.read([line for line in LIFE if line not in late])
        before = ask(viewer, f"/api/stories/{first}").document
        assert last not in [trace["otel_trace_id"] for trace in before["traces"]]
        viewer.read(late)
        after = ask(viewer, f"/api/stories/{first}").document
        assert after == story_document(join_traces(read_spans(LIFE), first)[0], first)

    def test_through_a_trace_that_is_not_here(self, viewer: Viewer) -> None:
        """Two traces that point at a third are one story, though that one was never sent."""
        missing = place(9, "missing", "span")
        times, links = (START, START + 5), [(missing, "send")]
        lines = [
            write_span("shop", place(9, name, "it"), name, times, links=links)
            for name in ("one", "two")
        ]
        viewer.read(lines)
        story = ask(viewer, f"/api/stories/{place(9, 'one', 'it').otel_trace_id}").document
        assert [span["name"] for trace in story["traces"] for span in trace["spans"]] == [
            "one",
            "two",
        ]
        assert ask(viewer, f"/api/stories/{missing.otel_trace_id}").status == 404

    @pytest.mark.parametrize("rest", ["", "/perfetto", "/page"])
    @pytest.mark.parametrize("otel_trace_id", ["f" * 32, "nonsense", "%22%0d%0a"])
    def test_of_nothing(self, viewer: Viewer, otel_trace_id: str, rest: str) -> None:
        """A trace that is not here is said not to be."""
        answer = ask(viewer, f"/api/stories/{otel_trace_id}{rest}")
        assert (answer.status, answer.document) == (404, {"error": "no such trace here"})

    @pytest.mark.parametrize("trace", ["sending", "life", "lost half"])
    def test_with_the_half_that_did_not_join(self, viewer: Viewer, trace: str) -> None:
        """A message that no link joins is whole from each of its traces, as in the list."""
        lines = write_split_life(1, START)
        viewer.read(lines + OTHER)
        otel_trace_id = make_id(1, trace)
        (story,) = join_traces(read_spans(lines), otel_trace_id)
        document = ask(viewer, f"/api/stories/{otel_trace_id}").document
        assert document == story_document(story, otel_trace_id)
        assert document["parts"] == 2
        assert document["message"]["split"]["traces"] == 3
        (row,) = ask(viewer, f"/api/messages?query={make_uuid(1, 'message')}").document["messages"]
        del document["message"]["split"]
        assert row == document["message"]

    def test_of_the_message_named(self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of many messages in one trace, the one that is named is there with all it has."""
        monkeypatch.setattr(_walking, "MOST_TRACES", 3)
        lines = []
        for number in range(9):
            facts = {"linq.stage": "sent", "linq.message.id": make_uuid(number, "message")}
            heard = {**facts, "linq.stage": "read"}
            times = (START + number, START + number + 1)
            sent = place(0, "campaign", str(number))
            lines.append(write_span("shop", sent, "message sent", times, attributes=facts))
            read = place(number, "webhook", "read")
            lines.append(write_span("hooks", read, "message read", times, attributes=heard))
        viewer.read(lines)
        home = make_id(0, "campaign")
        for row in ask(viewer, "/api/messages").document["messages"]:
            path = f"/api/stories/{row['otel_trace_id']}?message={row['message_id'].upper()}"
            story = ask(viewer, path).document
            assert (story["message"]["message_id"], story["message"]["state"]) == (
                row["message_id"],
                "read",
            )
        own = make_id(7, "webhook")
        story = ask(viewer, f"/api/stories/{home}?message={make_uuid(7, 'message')}").document
        assert {home, own} <= {trace["otel_trace_id"] for trace in story["traces"]}

    def test_of_thousands(self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of a trace with many lives, one sees its own, and as many others as are good."""
        monkeypatch.setattr(_walking, "MOST_TRACES", 5)
        sender = place(0, "campaign", "job")
        lives = [place(number, "life", "anchor") for number in range(20)]
        links = [(life, "lifecycle") for life in lives]
        lines = [write_span("shop", sender, "job", (START, START + 9), links=links)]
        lines += [
            write_span("shop", life, f"life {number}", (START + number, START + number + 1))
            for number, life in enumerate(lives)
        ]
        viewer.read(lines)
        story = ask(viewer, f"/api/stories/{lives[7].otel_trace_id}").document
        names = [span["name"] for trace in story["traces"] for span in trace["spans"]]
        assert len(names) == 5
        assert {"life 7", "job"} < set(names)


class TestPlaces:
    @pytest.fixture(autouse=True)
    def _fill(self, viewer: Viewer) -> None:
        viewer.read(LIFE + OTHER)

    def test_of_every_span(self, viewer: Viewer) -> None:
        """Each span's id leads to it, and each trace's to the trace."""
        for span in read_spans(LIFE):
            found = ask(viewer, f"/api/find?id={span.span_id}").document
            message_id = span.attributes.get("linq.message.id")
            of_span = {"span_id": span.span_id, "message_id": message_id}
            assert found == {"otel_trace_id": span.otel_trace_id, **of_span}
            found = ask(viewer, f"/api/find?id={span.otel_trace_id}").document
            of_trace = {"span_id": None, "message_id": None}
            assert found == {"otel_trace_id": span.otel_trace_id, **of_trace}

    @pytest.mark.parametrize(
        "wanted",
        [
            make_uuid(1, "message"),
            make_uuid(1, "message").upper(),
            make_uuid(1, "message")[:8],
            make_uuid(1, "message")[:4].upper(),
        ],
    )
    def test_of_messages(self, viewer: Viewer, wanted: str) -> None:
        """A message's id leads to its life, whatever its case and the space around it."""
        answer = ask(viewer, f"/api/find?id=%20{wanted}%20")
        home = place(1, "life", "anchor").otel_trace_id
        found = {"otel_trace_id": home, "span_id": None, "message_id": make_uuid(1, "message")}
        assert (answer.status, answer.document) == (200, found)

    @pytest.mark.parametrize("digits", [8, 32])
    def test_of_traces(self, viewer: Viewer, digits: int) -> None:
        """A trace's id, or how it begins, leads to the trace."""
        home = make_id(1, "life")
        answer = ask(viewer, f"/api/find?id={home[:digits]}")
        found = {"otel_trace_id": home, "span_id": None, "message_id": None}
        assert (answer.status, answer.document) == (200, found)

    def test_of_several(self, viewer: Viewer) -> None:
        """What several ids begin with is answered with those, and leads nowhere."""
        ids = [f"abcd{'0' * 11}{number}" for number in range(2)]
        viewer.read(
            write_span("shop", Place(number * 32, span_id), "it", (START, START + 1))
            for number, span_id in zip("ab", ids, strict=True)
        )
        words = "several ids begin with abcd; give more of the one meant: "
        listed = f"span {ids[0]}, span {ids[1]}"
        assert ask(viewer, "/api/find?id=abcd").document == {"several": words + listed}

    @pytest.mark.parametrize("wanted", ["", "nonsense", "%00", "%ED%A0%80"])
    def test_of_nothing(self, viewer: Viewer, wanted: str) -> None:
        """What no span knows is said to be unknown."""
        answer = ask(viewer, f"/api/find?id={wanted}")
        assert (answer.status, answer.document) == (404, {"error": "no span here knows this id"})


class TestDownloads:
    def test_perfetto(self, viewer: Viewer) -> None:
        """The story as trace events comes as a file with the trace's name."""
        viewer.read(LIFE)
        (otel_trace_id, *_) = find_traces(LIFE)
        answer = ask(viewer, f"/api/stories/{otel_trace_id.upper()}/perfetto")
        (story,) = join_traces(read_spans(LIFE), otel_trace_id)
        assert answer.document == json.loads(json.dumps(perfetto_document(story)))
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="{otel_trace_id}.perfetto.json"'
        )

    def test_page(self, viewer: Viewer) -> None:
        """The story as a page holds this story and its message, and no other."""
        viewer.read(LIFE + OTHER)
        home = place(1, "life", "anchor").otel_trace_id
        answer = ask(viewer, f"/api/stories/{home}/page")
        assert (answer.headers["content-type"], answer.headers["content-disposition"]) == (
            "text/html; charset=utf-8",
            f'attachment; filename="{home}.html"',
        )
        text = answer.body.decode()
        start = text.index('id="embedded">') + len('id="embedded">')
        embedded = json.loads(text[start : text.index("</script>", start)])
        (story,) = join_traces(read_spans(LIFE), home)
        document = story_document(story, home)
        assert embedded == {"messages": [document["message"]], "stories": {home: document}}


class TestRecords:
    def test_deep_values(self, viewer: Viewer) -> None:
        """A value nested beyond reason is cut, and does not break the answer."""
        value: dict[str, object] = {"intValue": "1"}
        for _ in range(200):
            value = {"arrayValue": {"values": [value]}}
        span = {
            "traceId": "1" * 32,
            "spanId": "2" * 16,
            "attributes": [{"key": "it", "value": value}],
        }
        line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
        viewer.read([line])
        story = ask(viewer, f"/api/stories/{'1' * 32}").document
        found = story["traces"][0]["spans"][0]["attributes"]["it"]
        depth = 0
        while isinstance(found, list):
            (found,) = found
            depth += 1
        assert (depth, found) == (19, "…")
        assert replace(read_spans([line])[0], attributes={}).name == ""
