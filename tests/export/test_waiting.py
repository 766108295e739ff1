from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING

from linq_otel.export._waiting import call_side_by_side
from support.timing import timed


if TYPE_CHECKING:
    import pytest


class TestCallSideBySide:
    def test_what_came_back(self) -> None:
        """What is back in time is returned, and what is not is left behind."""
        gate = Event()

        def hang() -> str:
            gate.wait(10)
            return "late"

        with timed() as timing:
            assert call_side_by_side([lambda: "at once", hang], 0.2) == ["at once"]
        assert timing.net < 2
        gate.set()

    def test_without_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where no thread can be started any more, the calls are made all the same."""

        def refuse(_thread: Thread) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

        monkeypatch.setattr(Thread, "start", refuse)
        assert call_side_by_side([lambda: 1, lambda: 2], 1.0) == [1, 2]
