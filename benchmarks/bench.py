"""
What does tracing cost, and what do people accept today?

::

    python benchmarks/bench.py
    python benchmarks/bench.py --only sending --only parsing --rounds 200
    python benchmarks/bench.py --short --json figures.json --markdown figures.md

measures every line of ``docs/benchmarks.md`` in one run on one machine. A goal that is missed is
told, and is no error. With ``--short`` every line runs and none is exact.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final


_ROOT = Path(__file__).resolve().parents[1]
# The servers are the ones the tests start.
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from facts import find_facts  # noqa: E402  # Needs the path.
from measuring import Effort  # noqa: E402  # As above.
from tables import render, spell_line, to_document  # noqa: E402  # As above.


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


SUBJECTS: Final = {
    "sending": ("measure_sync", "measure_async"),
    "elsewhere": ("measure_httpx", "measure_requests", "measure_aiohttp"),
    "receiving": ("measure_asgi", "measure_wsgi"),
    "parsing": ("measure",),
    "importing": ("measure",),
    "serving": ("measure",),
    "round_trips": ("measure",),
    "rows": ("measure",),
    "curves": ("measure_concurrency", "measure_attributes"),
}
"""The modules beside this one, with what they measure."""

_SHORT: Final = Effort(rounds=3, batch=8, is_short=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure and report.
    """
    options = _parse(arguments)
    effort = _SHORT if options.short else Effort(rounds=options.rounds)
    facts, lines = find_facts(), []
    for line in measure(options.only or list(SUBJECTS), effort):
        print(spell_line(line), flush=True)
        lines.append(line)
    document = {"facts": facts, "rounds": effort.rounds, "lines": lines}
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.markdown:
        options.markdown.write_text(render(document) + "\n", "utf-8")
    return 0


def measure(subjects: Sequence[str], effort: Effort) -> Iterator[dict[str, Any]]:
    """
    Measure *subjects* one after the other.
    """
    for subject in subjects:
        module = import_module(subject)
        for name in SUBJECTS[subject]:
            for line in getattr(module, name)(effort):
                yield to_document(line, subject)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="may be repeated")
    parser.add_argument("--rounds", type=_at_least_two, default=60)
    parser.add_argument("--short", action="store_true", help="as CI runs it, within a minute")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--markdown", type=Path, help="where to write them as tables")
    return parser.parse_args(arguments)


def _at_least_two(text: str) -> int:
    if int(text) < 2:
        raise argparse.ArgumentTypeError("quartiles need two rounds")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
