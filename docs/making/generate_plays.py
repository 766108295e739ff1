# ruff: noqa: INP001  # A script.
"""
Draws what was played: SVG files, and the pages' waterfalls between ``<!-- play: … -->`` marks.

::

    python docs/making/generate_plays.py             # from the recordings
    python docs/making/generate_plays.py --play      # plays everything again first, half a minute
    python docs/making/generate_plays.py --play sms  # plays this one again first
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawings import draw
from plays import NAMES
from recordings import Recording, read_recordings, rebuild, write_recordings
from rich.console import Console

from linq_otel.cli._waterfall import print_waterfall
from linq_otel.stories import join_traces


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from linq_otel._otlp_json import SpanRecord


DOCS = Path(__file__).resolve().parents[1]
PICTURES = DOCS / "pictures"
_AT_ONCE = 3
_PLAY_SECONDS = 60
_WIDTH = 92
_REFUSED = 400
_MARK = re.compile(
    r"(?P<open><!-- play: (?P<name>[\w-]+) -->\n).*?(?P<close><!-- /play -->)", re.DOTALL
)
_THE_APP = "the app's trace"
_THE_LIFE = "the life, in Linq's trace"
_A_WEBHOOK = "a webhook's trace"
DRAWN = {
    "join-linq": ("join=linq: the life has the trace that Linq's id names", (_THE_APP, _THE_LIFE)),
    "join-app": (
        "join=app: the life hangs under the span that sent the message",
        ("the app's trace, and the life in it",),
    ),
    "join-message": (
        "join=message: the life has a trace made of the message id",
        (_THE_APP, "the life, in the message's trace"),
    ),
    "join-link": (
        "join=link: each handler stays in its webhook's trace",
        (_THE_APP, "the life, in Linq's trace: stages alone"),
    ),
    "no-stages": (
        "stages=False: neither anchor nor stages",
        (_THE_APP, _A_WEBHOOK, "the life, in Linq's trace: handlers alone"),
    ),
    "agent-turn": (
        "An agent's turn, from the message that came in to the answer that was read",
        (_A_WEBHOOK, "the question, in Linq's trace", "the answer's life, in Linq's trace"),
    ),
}


def play_again(name: str) -> Recording:
    """
    Play in a process of its own, and return what was recorded.

    Raises:
        subprocess.CalledProcessError: If it did not come to its end.
    """
    done = subprocess.run(  # noqa: S603  # Our own script.
        [sys.executable, str(DOCS / "making" / "plays.py"), name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_PLAY_SECONDS,
    )
    recording: Recording = json.loads(done.stdout)
    return recording


def play_all(names: Sequence[str] = NAMES) -> dict[str, Recording]:
    """
    Play these, several at once: they wait most of the time.
    """
    with ThreadPoolExecutor(_AT_ONCE) as plays:
        return dict(zip(names, plays.map(play_again, names), strict=True))


def render_files(recordings: Mapping[str, Recording]) -> dict[Path, str]:
    """
    Return every picture, and every page with its waterfalls filled in.
    """
    files = {
        PICTURES / f"{name}.svg": draw(title, rebuild(name, recordings[name]), _heads(name))
        for name, (title, _) in DRAWN.items()
    }
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        if _MARK.search(text):
            files[page] = _MARK.sub(lambda match: _fill(match, recordings), text)
    return files


def _heads(name: str) -> list[str]:
    # More than any story has traces.
    return [*DRAWN[name][1], *[_A_WEBHOOK] * 9]


def _fill(match: re.Match[str], recordings: Mapping[str, Recording]) -> str:
    spans = rebuild(match["name"], recordings[match["name"]])
    sheet = io.StringIO()
    print_waterfall(spans, Console(file=sheet, width=_WIDTH, highlight=False, no_color=True))
    picture = "\n".join(line.rstrip() for line in sheet.getvalue().splitlines()).strip("\n")
    said = "".join(_list_attributes(spans))
    return f"{match['open']}\n```text\n{picture}\n```\n\n{said}{match['close']}"


def _list_attributes(spans: list[SpanRecord]) -> Iterator[str]:
    rows = [row for story in join_traces(spans) for row in story.rows]
    told = [(row.number, row.span, list(_tell(row.span.attributes))) for row in rows]
    shown = [row for row in told if row[2]]
    if shown:
        yield "| row | span | its attributes say |\n|--:|---|---|\n"
    for number, span, words in shown:
        yield f"| {number} | `{span.name}` | {' '.join(words)} |\n"
    if shown:
        yield "\n"


def _tell(attributes: Mapping[str, Any]) -> Iterator[str]:
    for key, value in attributes.items():
        if _is_telling(key, value):
            yield f"`{key}={json.dumps(value).strip(chr(34))}`"


def _is_telling(key: str, value: Any) -> bool:
    """
    Answer whether an attribute says something out of the ordinary.
    """
    ordinary: dict[str, bool] = {
        "http.response.status_code": isinstance(value, int) and value < _REFUSED,
        "linq.attempts": value == 1,
        "linq.origin": value != "none",
        "linq.service": value != "SMS",
        "linq.stage": True,
        "linq.webhook.verified": value is True,
    }
    return value is not None and not ordinary.get(key, False)


if __name__ == "__main__":
    if "--play" in sys.argv[1:]:
        asked = sys.argv[2:]
        kept = read_recordings() if asked else {}
        write_recordings({**kept, **play_all(asked or NAMES)})
    for file, text in render_files(read_recordings()).items():
        file.write_text(text, "utf-8")
