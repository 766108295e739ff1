# ruff: noqa: INP001  # A script.
"""
Writes the tables of ``docs/benchmarks.md`` and its curves from the figures of a run.

::

    python benchmarks/bench.py --json docs/reports/benchmarks.json
    python docs/making/generate_benchmarks.py
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from charts import Chart, draw


DOCS: Final = Path(__file__).resolve().parents[1]
# What a terminal is told is what the page is told.
sys.path.insert(0, str(DOCS.parent / "benchmarks"))

from tables import render  # noqa: E402  # Needs the path.


if TYPE_CHECKING:
    from collections.abc import Mapping

    from charts import Point


FIGURES: Final = DOCS / "reports" / "benchmarks.json"
PAGE: Final = DOCS / "benchmarks.md"
PICTURE: Final = DOCS / "pictures" / "benchmarks.svg"
_MARKS: Final = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- /figures -->)", re.DOTALL)
_ENGINE: Final = re.compile(r"^\| (\w+), find any \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
_SIZES: Final = (10_000, 1_000_000, 10_000_000)
_CURVES: Final = {"at once": "calls under way at once", "of a hook": "attributes set by a hook"}


def render_page(page: str, document: Mapping[str, Any]) -> str:
    """
    Return *page* with the figures of *document* between its marks.
    """
    return _MARKS.sub(lambda _: f"\n{render(document)}\n\n", page)


def render_picture(document: Mapping[str, Any]) -> str:
    """
    Return the curves: those of *document*, and how stores grow, as ``scale.md`` has it.
    """
    charts = [_chart(document, word, across) for word, across in _CURVES.items()]
    scale = (DOCS / "scale.md").read_text("utf-8")
    stores = {found[1]: _points(*found.groups()[1:]) for found in _ENGINE.finditer(scale)}
    charts.append(Chart("µs of a look-up", "origins in the store", stores))
    return draw("What is added to a call, and what a look-up costs, as work grows", charts)


def _chart(document: Mapping[str, Any], word: str, across: str) -> Chart:
    (line,) = (each for each in document["lines"] if each["points"] and word in each["name"])
    points = [tuple(point) for point in line["points"]]
    return Chart("µs added to a call", across, {"median": points}, by_decades=word == "at once")


def _points(*texts: str) -> list[Point]:
    figures = map(float, texts)
    return [(size, each, each, each) for size, each in zip(_SIZES, figures, strict=True)]


if __name__ == "__main__":
    figures = json.loads(FIGURES.read_text("utf-8"))
    PAGE.write_text(render_page(PAGE.read_text("utf-8"), figures), "utf-8")
    PICTURE.write_text(render_picture(figures), "utf-8")
