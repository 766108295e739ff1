from __future__ import annotations

import json
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from linq_otel.viewer import ViewerOptions, _api, open_viewer
from support.life_lines import READ, write_life
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Generator
    from http.client import HTTPResponse

    import pytest

    from linq_otel.viewer import Viewer


START = 1_790_000_000_000_000_000


@contextmanager
def listen(viewer: Viewer) -> Generator[HTTPResponse]:
    """
    Yield the stream of changes.
    """
    with closing(HTTPConnection(urlsplit(viewer.url).netloc, timeout=10)) as connection:
        connection.request("GET", "/api/changes")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        yield answer


def read_event(stream: HTTPResponse) -> Any:
    """
    Return the data of the next event, or a comment as text.
    """
    lines = []
    while (line := stream.readline().decode().rstrip("\n")) or not lines:
        lines.append(line)
    if lines[0].startswith(":"):
        return lines[0]
    assert lines[0] == "event: changed"
    assert lines[1].startswith("data: ")
    return json.loads(lines[1].removeprefix("data: "))


class TestChanges:
    def test_are_told(self, viewer: Viewer) -> None:
        """One hears how things are at once, and again when spans come."""
        life = list(write_life(1, START, READ))
        with listen(viewer) as stream:
            assert read_event(stream) == {"spans": 0, "messages": 0}
            viewer.read(life)
            assert read_event(stream) == {"spans": len(life), "messages": 1}

    def test_are_told_to_all(self, viewer: Viewer) -> None:
        """Each that listens hears it."""
        with listen(viewer) as one, listen(viewer) as other:
            assert [read_event(one), read_event(other)] == [{"spans": 0, "messages": 0}] * 2
            viewer.read(list(write_life(1, START, ())))
            assert read_event(one) == read_event(other)

    def test_are_told_twice_a_second_at_most(self, viewer: Viewer) -> None:
        """However fast spans come, the page is told every half a second, and of the last."""
        life = list(write_life(1, START, READ))
        with listen(viewer) as stream:
            read_event(stream)
            with timed() as timing:
                for line in life:
                    viewer.read([line])
                events = [read_event(stream)]
                while events[-1]["spans"] < len(life):
                    events.append(read_event(stream))
        assert events[-1] == {"spans": len(life), "messages": 1}
        assert len(events) <= timing.seconds / 0.5 + 1

    def test_stillness(self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nothing happens, a comment keeps the line open."""
        monkeypatch.setattr(_api, "_BETWEEN_HEARTBEATS", 0.2)
        with listen(viewer) as stream:
            read_event(stream)
            assert [read_event(stream), read_event(stream)] == [": still here"] * 2

    def test_end_with_the_viewer(self) -> None:
        """A page that listens does not hold up the end."""
        viewer = open_viewer(ViewerOptions(port=0))
        with listen(viewer) as stream:
            read_event(stream)
            with timed() as timing:
                viewer.close()
                assert stream.read() == b""
            assert timing.net < 4
