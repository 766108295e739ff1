"""
The stories of the pages are played again: what the pictures show is what happens.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from generate_plays import DOCS, NAMES, play_all, render_files
from recordings import read_recordings, shape


if TYPE_CHECKING:
    from recordings import Recording


pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def played() -> dict[str, Recording]:
    """
    Return every story, as it happens now.
    """
    return play_all()


def as_read(recording: Recording) -> Any:
    """
    Return what is read of a recording that was written down.
    """
    return json.loads(json.dumps(recording))


class TestPlays:
    @pytest.mark.parametrize("name", NAMES)
    def test_repeat(self, name: str, played: dict[str, Recording]) -> None:
        """
        Every span, its place, its links and what it says are those of the picture.
        """
        assert shape(as_read(played[name])) == shape(read_recordings()[name])

    def test_recorded(self) -> None:
        """
        Nothing is recorded that is not played.
        """
        assert sorted(read_recordings()) == sorted(NAMES)

    def test_drawn(self) -> None:
        """
        Pictures and waterfalls are those ``python docs/making/generate_plays.py`` draws.
        """
        drawn = render_files(read_recordings())
        stale = [
            path.relative_to(DOCS).as_posix()
            for path, text in drawn.items()
            if path.read_text("utf-8") != text
        ]
        assert stale == []

    def test_shown(self) -> None:
        """
        Every story is on a page, as a picture or as a waterfall.
        """
        pages = "".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
        unseen = [n for n in NAMES if f"play: {n} -->" not in pages and f"/{n}.svg)" not in pages]
        assert unseen == []


class TestAgentTurn:
    """
    What ``examples/agent_turn.py`` draws.
    """

    def test_walk(self, played: dict[str, Recording]) -> None:
        """
        From the question's request one comes to the answer's being read, and back, link by link.
        """
        walk = Walk(played["agent-turn"])
        handler = walk.follow(walk.find("POST /webhooks/linq"), "process")
        assert walk.name(handler) == "process message.received"
        call = walk.child(handler, "linq chats.messages.send")
        assert walk.name(walk.child(handler, "chat parrot-1")) == "chat parrot-1"
        life = walk.follow(call, "lifecycle")
        assert walk.name(life) == "linq message"
        stages = ["accepted", "sent", "delivered", "read"]
        assert [walk.name(walk.child(life, f"message {stage}")) for stage in stages] == [
            f"message {stage}" for stage in stages
        ]
        assert walk.follow(life, "send") == call
        assert walk.name(walk.follow(handler, "webhook")) == "POST /webhooks/linq"

    def test_webhooks(self, played: dict[str, Recording]) -> None:
        """
        Each webhook about the answer is in the answer's life, one link from its request.
        """
        walk = Walk(played["agent-turn"])
        life = walk.find("linq message")
        for stage in ("sent", "delivered", "read"):
            handler = walk.child(life, f"process message.{stage}")
            request = walk.follow(handler, "webhook")
            assert (walk.name(request), walk.follow(request, "process")) == (
                "POST /webhooks/linq",
                handler,
            )


class Walk:
    """
    A recording, as somebody clicks through it.
    """

    def __init__(self, recording: Recording) -> None:
        self.spans = recording

    def find(self, name: str) -> int:
        """
        Return the first span of this name.
        """
        return next(number for number, span in enumerate(self.spans) if span["name"] == name)

    def name(self, number: int) -> str:
        """
        Return the name of a span.
        """
        return str(self.spans[number]["name"])

    def child(self, number: int, name: str) -> int:
        """
        Return the one span of this name right under another.
        """
        found = [
            child
            for child, span in enumerate(self.spans)
            if (span["parent"], span["name"]) == (number, name)
        ]
        assert len(found) == 1, name
        return found[0]

    def follow(self, number: int, kind: str) -> int:
        """
        Return where the first link of this kind leads.
        """
        return next(target for target, said in self.spans[number]["links"] if said == kind)
