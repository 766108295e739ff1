"""
Entries as bytes, as they lie in the temporary file.

Pickled whole, an entry takes 40 µs to write and to read, because it is eight objects that are
frozen; as one row of plain values it takes 7.
"""

from __future__ import annotations

import pickle
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from ._entries import CrmTrace, Entry, Moment, Outcome, Panel, Place, RateLimit, Target
from ._twins import make_twin


_PARTS: Final[dict[str, type[Any]]] = {
    "place": Place,
    "target": Target,
    "moment": Moment,
    "outcome": Outcome,
    "request": Panel,
    "response": Panel,
    "rate_limit": RateLimit,
}
_TRACE: Final = "crm_trace"  # The one part that may not be there.
_OTHERS: Final = tuple(
    one.name for one in fields(Entry) if one.name not in _PARTS and one.name != _TRACE
)
_take: Final = attrgetter(
    *(f"{name}.{one.name}" for name, part in _PARTS.items() for one in fields(part)), *_OTHERS
)
_PlainEntry: Final[Any] = make_twin(Entry, (*_PARTS, *_OTHERS, _TRACE))


def _find_spans() -> tuple[tuple[type[Any], type[Any], int, int], ...]:
    """
    Return each part's class and twin, and where its values stand in the row.
    """
    spans: list[tuple[type[Any], type[Any], int, int]] = []
    end = 0
    for part in _PARTS.values():
        start, end = end, end + len(fields(part))
        spans.append((part, make_twin(part), start, end))
    return tuple(spans)


_SPANS: Final = _find_spans()
_REST: Final = _SPANS[-1][3]


def pack(entry: Entry) -> bytes:
    """
    Write *entry* for the temporary file.
    """
    trace = entry.crm_trace
    said = None if trace is None else (trace.raw, trace.source)
    return pickle.dumps((_take(entry), said), pickle.HIGHEST_PROTOCOL)


def unpack(packed: bytes) -> Entry:
    """
    Read what :func:`pack` wrote.
    """
    values, said = pickle.loads(packed)  # noqa: S301  # Our own, from our own private file.
    parts: list[Any] = []
    for part, plain, start, end in _SPANS:
        made = plain(*values[start:end])
        made.__class__ = part
        parts.append(made)
    trace = None if said is None else CrmTrace(*said)
    entry: Entry = _PlainEntry(*parts, *values[_REST:], trace)
    entry.__class__ = Entry
    return entry
