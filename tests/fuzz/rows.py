"""
Rows of a store that are no origins, or origins nobody would write.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import NUMBERS, TEXTS, chance, make_linq_trace_id, make_odd, make_uuid
from linq_otel._origins import Origin


if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from fuzz.odd import Secrets


FIELDS: Final = tuple(Origin.__dataclass_fields__)
_TRACEPARENTS: Final = (
    "", "00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-" + "1" * 32 + "-" + "2" * 16 + "-01",
    "01-" + "1" * 32 + "-" + "2" * 16 + "-01-more", "00-" + "1" * 32 + "-" + "0" * 16 + "-01",
    "00-" + "A" * 32 + "-" + "B" * 16 + "-FF", " 00-" + "1" * 32 + "-" + "2" * 16 + "-00 ",
    "00-" + "1" * 32 + "-" + "2" * 16 + "-zz", "00-" + "1" * 32 + "-" + "2" * 16, "\ud800",
)  # fmt: skip
_TRACESTATES: Final = (
    "", ",", "=", "a=1", "a=1,a=2", "a=" + "x" * 300, ",".join(f"k{n}=v" for n in range(40)),
    "a=\ud800", "A=1", "a=é", "a =1", "t@v=1", "a=\x00", " " * 500,
)  # fmt: skip


def make_traceparent(random: Random) -> str:
    """
    Make the wire form of a span: mostly a sound one.
    """
    if chance(random, 4):
        return random.choice(_TRACEPARENTS)
    trace, span = random.getrandbits(128) or 1, random.getrandbits(64) or 1
    return f"00-{trace:032x}-{span:016x}-{random.choice(('00', '01', '01', '03'))}"


def make_origin(random: Random, message_id: str | None, linq_trace_id: str | None) -> Origin:
    """
    Make an origin as a sender leaves it, of this message.
    """
    trace, span = random.getrandbits(128) or 1, random.getrandbits(64) or 1
    sender = f"00-{trace:032x}-{span:016x}-{random.choice(('00', '01', '01'))}"
    began = 1_789_997_600_000_000_000 + random.randrange(10**13)
    return Origin(
        traceparent=sender,
        tracestate=random.choice(("", "vendor=1")),
        lifecycle=random.choice(("", sender.replace("00-", "00-", 1), sender)),
        linq_trace_ids=(linq_trace_id,) if linq_trace_id else (),
        message_id=message_id,
        chat_id=make_uuid(random),
        idempotency_key=random.choice((None, f"{random.getrandbits(128):032x}")),
        requested_at=began,
        accepted_at=random.choice((None, began + 200_000_000)),
    )


def make_row(random: Random, origin: Origin, secrets: Secrets) -> str:
    """
    Write *origin* as a store keeps it, and spoil it.
    """
    row: Any = json.loads(origin.to_json())
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        name = random.choice(FIELDS)
        row[name] = make_odd(random, secrets) if chance(random, 3) else _near(random, name)
    if chance(random, 6):
        del row[random.choice(list(row))]
    if chance(random, 8):
        row = random.choice(([row], {"origin": row}, "row", 5, None, "traceparent", [], {}))
    text = json.dumps(row)
    return text[: random.randrange(len(text))] if chance(random, 8) else text


def _near(random: Random, name: str) -> Any:
    """
    Return a value of about the type of the field *name*.
    """
    if name.endswith("_at"):
        return random.choice(NUMBERS)
    if name in {"traceparent", "lifecycle"}:
        return make_traceparent(random)
    if name == "linq_trace_ids":
        return [make_linq_trace_id(random), *random.sample(TEXTS, random.randrange(3))]
    return random.choice(_TRACESTATES if name == "tracestate" else (make_uuid(random), *TEXTS))


class RowStore:
    """
    A store whose rows anybody may have written.

    Attributes:
        rows: JSON by key.
    """

    is_shared = False

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self._events: set[str] = set()

    def fill(self, rows: Mapping[str, str]) -> None:
        """
        Hold *rows*, and nothing else.
        """
        self.rows = dict(rows)
        self._events.clear()

    def save(self, origin: Origin) -> None:
        """
        Keep *origin* where nothing is.
        """
        for key in origin.keys:
            # As in every store, what was not accepted yet is replaced.
            if key not in self.rows or '"accepted_at"' not in str(self.rows[key]):
                self.rows[key] = origin.to_json()

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Read the first row there is.
        """
        for key in keys:
            if key in self.rows:
                return key, Origin.from_json(self.rows[key])
        return None

    def claim(self, event_id: str) -> bool:
        """
        Return True the first time.
        """
        is_new = event_id not in self._events
        self._events.add(event_id)
        return is_new

    def close(self) -> None:
        """
        Do nothing.
        """
