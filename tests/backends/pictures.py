"""
Photographs the trace page of a real viewer in headless Chromium, having read what it shows.

A picture cannot be compared, and a page can: it must name every span of the trace before it is
worth a picture.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linq_otel import _attributes as a


if TYPE_CHECKING:
    from backends.playing import Play
    from backends.running import Server


PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_SCENARIO = "read"
_CHOSEN = "process message.read"
_JOINS = {
    "linq": "The life of a message that was read, in the trace that Linq's id names.",
    "app": 'The same with `join="app"`: under the request that sent the message.',
}
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 300_000
_SECONDS = 90


class PictureError(Exception):
    """
    A page does not show what it should, or cannot be photographed.
    """


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture, and what is on it.
    """

    path: Path
    text: str


def draw(server: Server, plays: list[Play]) -> list[Picture]:
    """
    Photograph the trace of a message that was read, in two join modes.

    Raises:
        PictureError: Chromium is missing, or a page does not show all it should.
    """
    return [
        _draw(server, play, _JOINS[play.join])
        for play in plays
        if play.scenario == _SCENARIO and play.join in _JOINS
    ]


def _draw(server: Server, play: Play, text: str) -> Picture:
    (anchor,) = [span for span in play.spans if span.name == a.ANCHOR]
    (chosen,) = [span for span in play.spans if span.name == _CHOSEN]
    names = sorted({s.name for s in play.spans if s.otel_trace_id == anchor.otel_trace_id})
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{server.name}-{play.join}.png"
    # A span that is chosen is shown with all it hangs under, and with its links.
    url = f"{server.query_endpoint}/traces/{anchor.otel_trace_id}?span={chosen.span_id}"
    shown = _read_texts(_photograph(url, path))
    missing = [name for name in names if f"\n{name}\n" not in shown]
    if missing or f"\nLinks\n{len(chosen.links)}\n" not in shown:
        raise PictureError(f"the page of {url} lacks {missing}, or its links")
    drawn = path.read_bytes()
    if not drawn.startswith(_PNG) or len(drawn) > _MOST_BYTES:
        raise PictureError(f"{path.name} is no picture, or one of {len(drawn)} bytes")
    return Picture(path, f"{text} {server.name} shows {', '.join(names)}.")


def _read_texts(page: str) -> str:
    """
    Answer the texts of a page, each on a line of its own.
    """
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "\n", html.unescape(re.sub(r"<[^>]+>", "\n", bare)))


def _photograph(url: str, path: Path) -> str:
    """
    Draw a page to *path*, and answer its document as it was drawn.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise PictureError("Chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="linq-otel-chromium-") as profile:
        done = subprocess.run(
            [
                *("nice", chromium, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1400,800"),
                *(f"--user-data-dir={profile}", "--virtual-time-budget=10000"),
                *("--dump-dom", f"--screenshot={path}", url),
            ],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        raise PictureError(f"Chromium ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout
