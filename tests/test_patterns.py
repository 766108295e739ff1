"""
Every regular expression of the package takes linear time on any text.

Texts of others reach most of them: a message, a URL, a header, an answer of a CRM. So each is run
on texts that are built from its own characters, at one length and at four times that.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import linq_otel


if TYPE_CHECKING:
    from collections.abc import Iterator


LENGTH, TIMES = 300, 4
# Done within this at the greater length, a pattern needs no comparison: a quadratic one takes
# some milliseconds.
SHORT = 0.001
MOST_GROWTH = 8.0
"""Four is linear, sixteen quadratic."""
SEARCHED = re.compile(r"\b(\w+)\.(?:search|sub|split|findall|finditer)\(")
OWN = {"linq_otel.viewer._single_file:_COMMENT"}
"""Patterns that no text of others reaches: this one looks over our own page."""
INLINE = re.compile(
    r"\bre\.(?:match|search|sub|split|fullmatch|findall|finditer)\(\s*r?f?\"([^\"]*)"
)


def find_patterns() -> dict[str, tuple[re.Pattern[str], bool]]:
    """Return all patterns, those within functions too, and whether each is searched."""
    found: dict[str, tuple[re.Pattern[str], bool]] = {}
    sources = {path: path.read_text("utf-8") for path in Path(linq_otel.__path__[0]).rglob("*.py")}
    for info in pkgutil.walk_packages(linq_otel.__path__, "linq_otel."):
        if info.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError:
            continue  # Of a framework that is not installed.
        searched = {*SEARCHED.findall(sources[Path(str(module.__file__))])}
        for name, value in vars(module).items():
            if type(value) is re.Pattern:
                found[f"{info.name}:{name}"] = cast("re.Pattern[str]", value), name in searched
    for path, source in sources.items():
        for pattern in INLINE.findall(source):
            found[f"{path.name}:{pattern}"] = re.compile(pattern.replace("\\\\", "\\")), True
    return found


def build_texts(pattern: str, length: int) -> Iterator[str]:
    """Yield what a pattern may go back over: runs of its characters and its words."""
    plain = re.sub(r"\\[sdwbDSWAZ]|\(\?[:=!<]*|\{[\d,]*\}|[\\^$|()?*+\[\]]", " ", pattern)
    words = re.findall(r"\S{2,10}", plain)[:8]
    marks = sorted({*re.findall(r"[^\w\s\\()\[\]{}?*^$|]", pattern)})[:8]
    runs = ["a", "1", " ", "\t", "-", "a ", "a-", "1 ", "a1", *words, *marks]
    for run in dict.fromkeys([*runs, *(f"a{mark}" for mark in marks)]):
        for start in ("", words[0] if words else "x", "a:x", "a@"):
            yield start + (run * length)[:length] + "\x00!"


def measure(pattern: re.Pattern[str], text: str, *, is_searched: bool) -> float:
    """Return the seconds of matching all of *text*, and of searching it or matching its start."""
    began = time.thread_time()
    (pattern.search if is_searched else pattern.match)(text)
    pattern.fullmatch(text)
    return time.thread_time() - began


def find_growth(pattern: re.Pattern[str], *, is_searched: bool = True) -> float:
    """Return how much longer four times the text takes, at most."""
    worst = 0.0
    pairs = (build_texts(pattern.pattern, length) for length in (LENGTH, TIMES * LENGTH))
    for short, long in zip(*pairs, strict=True):
        seconds = [0.0, 0.0]
        if measure(pattern, long, is_searched=is_searched) > SHORT:
            for at, text in enumerate((short, long)):
                times = [measure(pattern, text, is_searched=is_searched) for _ in range(4)]
                seconds[at] = min(times)
            worst = max(worst, seconds[1] / seconds[0])
            if worst > MOST_GROWTH:
                break
    return worst


@pytest.mark.timing
class TestPatterns:
    def test_linear(self) -> None:
        """No pattern takes more than its share of a longer text."""
        patterns = find_patterns()
        assert len(patterns) > 60
        growths = {
            name: find_growth(pattern, is_searched=is_searched)
            for name, (pattern, is_searched) in patterns.items()
            if name not in OWN
        }
        assert {name: one for name, one in growths.items() if one > MOST_GROWTH} == {}

    @pytest.mark.parametrize(
        "pattern", [r"\b[a-z_-]*(?:token|sid)=", r"a:\s*(.*?)\s*", r"[^\s@/]+@x"]
    )
    def test_control(self, pattern: str) -> None:
        """A pattern that is quadratic is found out by the same means."""
        assert find_growth(re.compile(pattern, re.IGNORECASE)) > MOST_GROWTH
