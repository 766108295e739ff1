# ruff: noqa: INP001  # A script.
"""
Writes ``docs/metrics.md`` from the table of our instruments.

::

    python docs/making/generate_metrics.py
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from linq_otel._instruments import INSTRUMENTS


if TYPE_CHECKING:
    from linq_otel._instruments import Instrument


PAGE = Path(__file__).parents[1] / "metrics.md"

_HEAD = """\
# Metrics

Every metric of this package. This page is made from `linq_otel/_instruments.py` by
`python docs/making/generate_metrics.py`.

They go to the meter provider the app has; without one, nothing is computed for them. They are
counted where things happen and not from spans, so that neither sampling nor a stage that comes
hours late changes them. No id, handle or free text is in any attribute. Histograms name their
buckets and carry exemplars: from a slow point one comes to its very trace.

What is "once for each message" is counted by whichever process claims the event first: with a
[store](stores.md) that all receivers share it is once, however often and to whichever host the
event is delivered; without one it is once for each process.
"""


def render(instruments: tuple[Instrument, ...]) -> str:
    """
    Return the whole page.
    """
    lines = [_HEAD, "| metric | kind | unit | what it measures | by |", "|---" * 5 + "|"]
    for one in instruments:
        by = ", ".join(f"`{key}`" for key in one.attributes)
        lines.append(f"| `{one.name}` | {one.kind} | {one.unit} | {one.description} | {by} |")
    lines += ["", "## Buckets", "", "| histogram | upper bounds |", "|---|---|"]
    for one in instruments:
        if one.buckets:
            lines.append(f"| `{one.name}` | {', '.join(f'{bound:g}' for bound in one.buckets)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(render(INSTRUMENTS), "utf-8")
