"""
A row as a reader found it, its fields under our names; still with everything secret in it.

Rows never leave the reader: what is made of one is an :class:`~._entries.Entry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from ._fields._spellings import inside_spelling_of, spelling_of
from ._findings import UnusableError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._findings import Findings


_EMPTY: Final = (None, "")
_EMPTY_SIDE: Final[tuple[object, ...]] = (None, "", {})
_DIRECTIONS: Final = {
    "out": "outbound", "sent": "outbound", "outbound": "outbound", "outgoing": "outbound",
    "in": "inbound", "received": "inbound", "inbound": "inbound", "incoming": "inbound",
}  # fmt: skip
_SIDES: Final = ("request", "response")
_LOOSE: Final = frozenset({"body", "headers"})
# May be told from a value alone, where its names are used for other things too.
_STATUS: Final = "status"


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
    fields: dict[str, object]
    statuses: list[object]
    unknown: int

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
        if value is None:
            return None
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
    fields: dict[str, object] = {}
    statuses: list[tuple[int, object]] = []
    plan = _plan(tuple(found))
    for name, canonical, rank in plan:
        value = found[name]
        if canonical == _STATUS:
            statuses.append((rank, value))
        elif canonical not in fields or fields[canonical] in _EMPTY:
            fields[canonical] = value
    for side in _SIDES:
        if side in fields:
            _open_side(fields, side, statuses)
    if not _LOOSE.isdisjoint(fields):
        _place_loose(fields)
    if len(statuses) > 1:
        statuses.sort(key=_rank)
    unknown = len(found) - len(plan)
    if unknown:
        findings.warn("unknown_field")
    return RawRow(line, format_, fields, [value for _, value in statuses], unknown)


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


def _open_side(fields: dict[str, object], side: str, statuses: list[tuple[int, object]]) -> None:
    value = fields.pop(side)
    plan = _plan_side(side, value)
    if not plan:
        if value not in _EMPTY_SIDE:
            fields.setdefault(f"{side}.body", value)
        elif side == "response":
            fields.setdefault("response.body", None)
        return
    inside = cast("dict[str, object]", value)
    for name, canonical in plan:
        if canonical == _STATUS:
            statuses.append((0, inside[name]))
        else:
            fields.setdefault(canonical, inside[name])


def _plan_side(side: str, value: object) -> tuple[tuple[str, str], ...]:
    """
    Return the names of one side of a call with ours; nothing if it is a body itself.
    """
    return (
        _inside_plan(side, tuple(cast("dict[str, object]", value)))
        if isinstance(value, dict)
        else ()
    )


@lru_cache(maxsize=1_024)
def _inside_plan(side: str, keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names = {key: name for key in keys if (name := inside_spelling_of(key)) is not None}
    has_parts = not _LOOSE.isdisjoint(names.values())
    if not has_parts and len(names) < len(keys):
        return ()
    return tuple((key, _name_inside(side, name)) for key, name in names.items())


def _name_inside(side: str, name: str) -> str:
    is_of_call = name in {"method", "url", "status_text"}
    is_answer = name == _STATUS and side == "response"
    return name if is_of_call or is_answer else f"{side}.{name}"


def _place_loose(fields: dict[str, object]) -> None:
    for name in ("body", "headers"):
        value = fields.pop(name, None)
        if value in _EMPTY:
            continue
        if not any(known.startswith("response.") for known in fields):
            raise UnusableError(name, "may be the request's or the response's: say which")
        fields.setdefault(f"request.{name}", value)


def parse_direction(value: object) -> str | None:
    """
    Read who called whom; None where the word means something else.
    """
    return _DIRECTIONS.get(value.strip().lower()) if isinstance(value, str) else None
