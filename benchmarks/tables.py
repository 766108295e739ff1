"""
Figures as a person reads them, in a terminal and in the documentation.

They are read from the JSON that a run writes, so that a page can be made anew without a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from measuring import Line


_HEAD: Final = "| what | compared with | median | quartiles | least disturbed | goal | |"
_VERDICTS: Final = {True: "met", False: "**missed**", None: ""}


def to_document(line: Line, subject: str) -> dict[str, Any]:
    """
    Return *line* for JSON; ratios and figures with the digits that mean something.
    """
    spread = line.found.spread
    return {
        "subject": subject,
        "name": line.name,
        "against": line.against,
        "unit": line.unit,
        "median": _round(spread.median),
        "quartiles": [_round(spread.low), _round(spread.high)],
        "quiet": None if line.found.quiet is None else _round(line.found.quiet),
        "goal": line.goal,
        "is_floor": line.is_floor,
        "is_met": line.is_met,
        "costs": {name: _round(cost) for name, cost in line.costs.items()},
        "points": [[x, *map(_round, (p.median, p.low, p.high))] for x, p in line.points],
    }


def spell_line(line: Mapping[str, Any]) -> str:
    """
    Return one line for a terminal.
    """
    low, high = map(_spell, line["quartiles"])
    figure = f"{_spell(line['median'])} ({low} to {high}) {line['unit']}".rstrip()
    goal = f", goal {_spell_goal(line)}" if line["goal"] is not None else ""
    verdict = _VERDICTS[line["is_met"]].strip("*")
    return f"{line['name']} / {line['against']}: {figure}{goal} {verdict}".rstrip()


def render(document: Mapping[str, Any]) -> str:
    """
    Return the tables of a whole run, as Markdown.
    """
    return "\n".join(_render(document))


def _render(document: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in document["facts"].items():
        yield f"- {name}: {fact}"
    yield from ("", _HEAD, "|---" * 7 + "|")
    yield from map(_spell_row, document["lines"])
    yield from ("", "Medians of what these are made of:", "")
    yield from ("| what | of each |", "|---|---|")
    for line in document["lines"]:
        if line["costs"]:
            each = "; ".join(f"{name} {_spell(cost)}" for name, cost in line["costs"].items())
            unit = line["unit"] or "µs"
            yield f"| {line['name']} | {each} {unit} |"


def _spell_row(line: Mapping[str, Any]) -> str:
    low, high = map(_spell, line["quartiles"])
    quiet = "" if line["quiet"] is None else _spell(line["quiet"])
    figure = f"{_spell(line['median'])} {line['unit']}".strip()
    goal = "" if line["goal"] is None else _spell_goal(line)
    cells = (line["name"], line["against"], figure, f"{low} to {high}", quiet, goal)
    return f"| {' | '.join(cells)} | {_VERDICTS[line['is_met']]} |"


def _spell_goal(line: Mapping[str, Any]) -> str:
    return f"{'≥' if line['is_floor'] else '≤'} {line['goal']:,g}"


def _spell(figure: float) -> str:
    size = abs(figure)
    spelt = f"{figure:,.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
    return spelt.replace("-0.00", "0.00")


def _round(figure: float) -> float:
    return round(figure, 4)
