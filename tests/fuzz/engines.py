"""
Stores in which somebody has written what is no origin.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import (
    NUMBERS,
    TEXTS,
    make_linq_trace_id,
    make_long,
    make_odd,
    make_secrets,
    make_uuid,
)
from fuzz.rows import make_origin, make_row
from linq_otel._origins import Origin
from linq_otel.errors import StoreError, UnreadableOriginError
from linq_otel.stores.own import OwnStore
from linq_otel.stores.sqlite import SQLiteStore


if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from linq_otel.stores import Store


_PUT: Final = "INSERT INTO linq_origins (origin, expires) VALUES (?, ?)"
_PUT_BYTES: Final = "INSERT INTO linq_origins (origin, expires) VALUES (CAST(? AS TEXT), ?)"
_PUT_KEY: Final = "INSERT OR REPLACE INTO linq_keys VALUES (?, last_insert_rowid(), ?, ?)"


class Engines:
    """
    A file of SQLite and an app's own table, with rows anybody may have written.
    """

    def __init__(self, folder: Path) -> None:
        path = str(folder / "fuzzed.db")
        self._store = SQLiteStore(path)
        self._stranger = sqlite3.connect(path, isolation_level=None)
        self._stranger.execute("PRAGMA synchronous = OFF")
        self._row: Any = None
        self._events = count()
        self._own = OwnStore(find=lambda _keys: self._row)

    def close(self) -> None:
        """
        Close the file.
        """
        self._store.close()
        with closing(self._stranger):
            pass

    def __call__(self, random: Random) -> None:
        """
        Put a row where an origin should be, and look for it in every way.
        """
        origin = make_origin(random, make_uuid(random), make_linq_trace_id(random))
        keys = random.choice((origin.keys, origin.keys[:1], origin.keys * 3, ("", "\x00", "🎉")))
        self._row = _spoilt(random, origin)
        self._write(random, keys[0], self._row)
        for store in (self._store, self._own):
            try:
                found = store.find(*keys)
            except UnreadableOriginError as error:
                assert len(str(error)) < 300  # noqa: PT017  # One may come, or none.
                continue
            except StoreError:
                continue
            if found is not None:
                assert found[0] in keys
                assert Origin.from_json(found[1].to_json()).keys == found[1].keys
        _use_odd_key(random, self._store)
        # A row that is no origin is in nobody's way.
        self._store.save(origin)
        assert self._store.claim(f"event-{next(self._events)}")

    def _write(self, random: Random, key: str, row: Any) -> None:
        accepted, expires = random.choice((0, 1, -5, "x", 2.5)), random.choice((1e18, 2e9, "y"))
        put = random.choice((_PUT, _PUT_BYTES))
        self._stranger.execute(put, (_cell(row), expires))
        self._stranger.execute(_PUT_KEY, (key, accepted, expires))


def _use_odd_key(random: Random, store: Store) -> None:
    """
    Keep and find something under a key that Linq would never give.
    """
    name = random.choice((*TEXTS, make_long(random)))
    origin = Origin(f"00-{'1' * 32}-{'2' * 16}-01", message_id=name, accepted_at=1)
    try:
        store.save(origin)
        assert store.find(*origin.keys) in {(f"message:{name}", origin), None if not name else 0}
        store.claim(name)
        assert store.claim(name) is False
    except StoreError as error:
        assert "no text" in str(error)  # noqa: PT017  # As above.


def _cell(row: Any) -> Any:
    """
    Return *row* as a cell of SQLite can hold it.
    """
    if isinstance(row, str):
        return row.encode(errors="surrogatepass")
    is_number = type(row) in {int, float} and abs(row) < 2**63
    return row if is_number or isinstance(row, bytes) else b"\xff\x00"


def _spoilt(random: Random, origin: Origin) -> Any:
    people = make_secrets(random)
    row = make_row(random, origin, people)
    return random.choice((
        row, row, row, row.encode(errors="surrogatepass"), b"\xff" + row.encode(errors="replace"),
        origin, random.choice(NUMBERS), random.choice(TEXTS), make_odd(random, people), None,
    ))  # fmt: skip
