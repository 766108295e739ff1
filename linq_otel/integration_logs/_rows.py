"""
A row as a reader found it, its fields under our names; still with everything secret in it.

Rows never leave the reader: what is made of one is an :class:`~._entries.Entry`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from ._fields._spellings import inside_spelling_of, spelling_of
from ._findings import UnusableError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._findings import Findings


_EMPTY: Final = (None, "")
_DIRECTIONS: Final = {
    "out": "outbound", "sent": "outbound", "outbound": "outbound", "outgoing": "outbound",
    "in": "inbound", "received": "inbound", "inbound": "inbound", "incoming": "inbound",
}  # fmt: skip
_SIDES: Final = ("request", "response")
# What may be told from a value alone, where its name is used for other things too.
_MULTIPLE: Final = frozenset({"status"})


@dataclass(slots=True)
class RawRow:
    """
    One row: canonical names to what stands there.

    Attributes:
        line: The line it begins on.
        format: How it was written.
        fields: What was found under a spelling we know.
        statuses: Everything found under a name of the status, best first.
        unknown: How many names nobody knows.
    """

    line: int
    format: str
    fields: dict[str, object] = field(default_factory=dict[str, object])
    statuses: list[object] = field(default_factory=list[object])
    unknown: int = 0

    def get(self, name: str) -> object:
        """
        Return what stands under *name*; None if nothing does.
        """
        return self.fields.get(name)

    def find_text(self, name: str) -> str | None:
        """
        Return the text under *name*, trimmed; None if there is none.
        """
        value = self.fields.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            return None
        return value.strip() or None


def gather_row(line: int, format_: str, found: Mapping[str, object], findings: Findings) -> RawRow:
    """
    Sort the names of a row under ours.

    Raises:
        UnusableError: A top-level ``body`` or ``headers`` may be either side's.
    """
    row = RawRow(line, format_)
    fields = row.fields
    statuses: list[tuple[int, object]] = []
    plan = _plan(tuple(found))
    for name, canonical, rank in plan:
        value = found[name]
        if canonical in _MULTIPLE:
            statuses.append((rank, value))
        elif fields.get(canonical) in _EMPTY:
            fields[canonical] = value
    row.unknown = len(found) - len(plan)
    for side in _SIDES:
        if side in fields:
            _open_side(row, side, statuses)
    _place_loose(row)
    row.statuses = [value for _, value in sorted(statuses, key=_rank)]
    if row.unknown:
        findings.warn("unknown_field")
    return row


@lru_cache(maxsize=1_024)
def _plan(names: tuple[str, ...]) -> tuple[tuple[str, str, int], ...]:
    """
    Return the names somebody knows, with ours and their rank, the best spelling first.
    """
    spelled = [(name, *found) for name in names if (found := spelling_of(name)) is not None]
    return tuple(sorted(spelled, key=_rank_of_spelling))


def _rank_of_spelling(spelled: tuple[str, str, int]) -> int:
    return spelled[2]


def _rank(ranked: tuple[int, object]) -> int:
    return ranked[0]


def _open_side(row: RawRow, side: str, statuses: list[tuple[int, object]]) -> None:
    value = row.fields.pop(side)
    names = _inside_names(value)
    if not names:
        if value not in _EMPTY:
            row.fields.setdefault(f"{side}.body", value)
        return
    for name, item in cast("dict[str, object]", value).items():
        canonical = names.get(name)
        if canonical in {"method", "url", "status_text"}:
            row.fields.setdefault(canonical, item)
        elif canonical == "status" and side == "response":
            statuses.append((0, item))
        elif canonical is not None:
            row.fields.setdefault(f"{side}.{canonical}", item)


def _inside_names(value: object) -> dict[str, str]:
    """
    Return names to ours if *value* is one side of a call; nothing if it is a body itself.
    """
    return _inside_plan(tuple(cast("dict[str, object]", value))) if isinstance(value, dict) else {}


@lru_cache(maxsize=1_024)
def _inside_plan(keys: tuple[str, ...]) -> dict[str, str]:
    names = {key: name for key in keys if (name := inside_spelling_of(key)) is not None}
    has_parts = bool({"headers", "body"} & set(names.values()))
    return names if has_parts or (names and len(names) == len(keys)) else {}


def _place_loose(row: RawRow) -> None:
    for name in ("body", "headers"):
        value = row.fields.pop(name, None)
        if value in _EMPTY:
            continue
        if not any(known.startswith("response.") for known in row.fields):
            raise UnusableError(name, "may be the request's or the response's: say which")
        row.fields.setdefault(f"request.{name}", value)


def parse_direction(value: object) -> str | None:
    """
    Read who called whom; None where the word means something else.
    """
    return _DIRECTIONS.get(value.strip().lower()) if isinstance(value, str) else None
