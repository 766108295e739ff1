from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backends.comparing import Shape, find_shape
from backends.playing import Play
from backends.reading import Seen


TESTS = Path(__file__).resolve().parents[1]
SENT, LIFE, HOOK = "1" * 32, "2" * 32, "3" * 32
PLAY = Play(
    scenario="read",
    join="linq",
    protocol="grpc",
    is_joined=True,
    webhooks=1,
    otel_trace_id=SENT,
    message_id="m",
    spans=(),
)


def seen(trace: str, span: str, parent: str | None = None, *links: tuple[str, str]) -> Seen:
    """
    A span, as short as it can be.
    """
    labelled = frozenset((*link, "send") for link in links)
    message = frozenset({("linq.message.id", "m")} if trace == LIFE else set[tuple[str, str]]())
    return Seen(trace, span, parent, "s", "INTERNAL", "shop", labelled, message, is_error=False)


CALL = seen(SENT, "a", None, (LIFE, "b"))
ANCHOR = replace(seen(LIFE, "b", None, (SENT, "a")), name="linq message")
STAGE = seen(LIFE, "c", "b")
WEBHOOK = seen(HOOK, "d", None, (LIFE, "c"))


class TestFindShape:
    def test_whole(self) -> None:
        """Spans tied together by parents and links are one story."""
        assert find_shape(PLAY, [CALL, ANCHOR, STAGE, WEBHOOK]) == Shape(
            traces=3, spans=4, links=3, stories=1, missing_parents=0, dangling_links=0, roots=1
        )

    def test_without_the_anchor(self) -> None:
        """What a lost span leaves behind is seen: a parent less, links in the air, two stories."""
        assert find_shape(PLAY, [CALL, STAGE, WEBHOOK]) == Shape(
            traces=3, spans=3, links=2, stories=2, missing_parents=1, dangling_links=1, roots=0
        )

    def test_a_stranger(self) -> None:
        """A trace that is not of the message is no story of it."""
        stranger = seen("4" * 32, "e")
        assert find_shape(PLAY, [CALL, ANCHOR, STAGE, WEBHOOK, stranger]).stories == 1

    def test_forged(self) -> None:
        """A delivery that did not verify may name the message, and is no part of its story."""
        said = {("linq.message.id", "m"), ("linq.webhook.verified", "false")}
        forged = replace(seen("4" * 32, "e"), attributes=frozenset(said))
        assert find_shape(PLAY, [CALL, ANCHOR, STAGE, WEBHOOK, forged]).stories == 1


class TestSeen:
    def test_without_labels(self) -> None:
        """A parent that is linked as well counts once, as Jaeger's page has it."""
        span = seen(LIFE, "c", "b", (LIFE, "b"), (SENT, "a"))
        assert span.without_labels().links == {(LIFE, "b", ""), (SENT, "a", "")}
        assert span.without_labels().parent_span_id is None


class TestGo:
    @pytest.mark.parametrize("path", ["", "/nowhere"])
    def test_missing(self, path: str, tmp_path: Path) -> None:
        """Without Go it says so, ends with 2, and writes no report."""
        done = subprocess.run(
            [sys.executable, "-m", "backends", "--report", str(tmp_path / "report.md")],
            env={**os.environ, "PATH": path, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "Go is not installed: the backends are built from source (https://go.dev)\n"
        )
        assert not (tmp_path / "report.md").exists()
