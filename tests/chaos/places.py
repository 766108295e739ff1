"""
Where a message's life must be drawn, by what is documented.

Nothing of the library is asked: ids are derived by the published recipe.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from support.expected_story import derive


_WELL_FORMED = re.compile(r"[0-9a-f]{32}")


class Place(NamedTuple):
    """
    A lifecycle: its trace, and the anchor everything late hangs under.
    """

    otel_trace_id: str
    anchor_id: str


def derive_place(join: str, linq_trace_id: str, message_id: str) -> Place:
    """
    Return the place both sides name who have these ids, and nothing else.
    """
    if join == "message" or not _WELL_FORMED.fullmatch(linq_trace_id):
        return Place(derive(16, "trace", message_id), derive(8, "anchor", message_id))
    return Place(linq_trace_id, derive(8, "anchor", linq_trace_id))


def place_under(otel_trace_id: str, key: str | None, message_id: str) -> Place:
    """
    Return the place in the app's own trace, by the app's key if it gave one.
    """
    hashed = sha256(key.encode()).hexdigest()[:32] if key is not None else message_id
    return Place(otel_trace_id, derive(8, "anchor", hashed))


def stage_id(place: Place, stage: str) -> str:
    """
    Return the span id of a stage, the same whoever draws it.
    """
    return derive(8, "stage", *place, stage)
