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
_LISTED_AT_MOST = 10

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

_STORE_OPERATIONS = """\
## Operations of the store

| `linq.store.operation` | what it is |
|---|---|
| `save` | the origin of a message is kept |
| `find` | the origin of an event's message is looked up |
| `claim` | an event is marked as seen, by the first that gets it |
| `note` | in the background, for other processes: a message came in, was answered or was sent |
"""

_ZEROS = """\
## At zero from the start

Prometheus counts what is added to a series, and so nothing of the value that a series begins with.
Most sets of attributes are known beforehand, and counters have these at zero from the first time
metrics are read: {total} series for each process that is instrumented. What is counted before that
first time is in no rate. Under delta temporality, which needs no beginning, they are sent once.
"""


def render(instruments: tuple[Instrument, ...]) -> str:
    """
    Return the whole page.
    """
    lines = [_HEAD, "| metric | kind | unit | what it measures | by |", "|---" * 5 + "|"]
    for one in instruments:
        by = ", ".join(f"`{key}`" for key in one.attributes)
        lines.append(f"| `{one.name}` | {one.kind} | {one.unit} | {one.description} | {by} |")
    zeros = {one: tuple(one.zeros()) for one in instruments if one.known}
    lines += ["", _STORE_OPERATIONS, _ZEROS.format(total=sum(map(len, zeros.values())))]
    lines += ["| counter | series | by |", "|---|---|---|"]
    for one, sets in zeros.items():
        by = "; ".join(f"`{key}`: {_list(sets, key)}" for key in one.attributes if _list(sets, key))
        lines.append(f"| `{one.name}` | {len(sets)} | {by} |")
    lines += ["", "## Buckets", "", "| histogram | upper bounds |", "|---|---|"]
    for one in instruments:
        if one.buckets:
            lines.append(f"| `{one.name}` | {', '.join(f'{bound:g}' for bound in one.buckets)} |")
    return "\n".join([*lines, ""])


def _list(sets: tuple[dict[str, str | int], ...], key: str) -> str:
    """
    Return the values *key* has in *sets*; how many, if they are many.
    """
    values = dict.fromkeys(f"`{each[key]}`" for each in sets if key in each)
    return ", ".join(values) if len(values) <= _LISTED_AT_MOST else f"all {len(values)}"


if __name__ == "__main__":
    PAGE.write_text(render(INSTRUMENTS), "utf-8")
