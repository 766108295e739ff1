"""
What may tell which message a call handed over, where no id does.

A CRM names contacts and conversations by ids of its own, and its hand-off holds no phone number. A
row that carries Linq's trace id and another that speaks of the same person, text or conversation
within two minutes probably belong together: enough for a link, never for a move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._people import keyed


if TYPE_CHECKING:
    import sqlite3

    from ._entries import Entry


_SCHEMA: Final = """
CREATE TABLE evidence (key BLOB, start_ns INTEGER, linq_trace_id TEXT);
CREATE INDEX evidence_keys ON evidence (key, start_ns);
CREATE TABLE contacts (contact BLOB, subject BLOB, PRIMARY KEY (contact, subject)) WITHOUT ROWID;
"""
_NEAR: Final = """
SELECT linq_trace_id FROM evidence WHERE key = ? AND start_ns BETWEEN ? AND ? LIMIT ?
"""
_WINDOW_NS: Final = 120_000_000_000
_MAX_READ: Final = 100
"""Rows of one key, or people of one contact, that are read; what has more tells nothing."""


class Evidence:
    """
    Which Linq traces spoke of whom, and when.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_SCHEMA)
        self._is_empty = True

    def add(self, entry: Entry) -> None:
        """
        Note what *entry* tells.
        """
        contact = _contact_of(entry) if entry.subjects else None
        if contact is not None:
            rows = [(contact, subject) for subject in entry.subjects]
            self._database.executemany("INSERT OR IGNORE INTO contacts VALUES (?, ?)", rows)
        if entry.linq_trace_id is None:
            return
        self._is_empty = False
        known = [(key, entry.moment.unix_ns, entry.linq_trace_id) for key in _keys_of(entry)]
        known.append((_linq_key(entry.linq_trace_id), 0, entry.linq_trace_id))
        self._database.executemany("INSERT INTO evidence VALUES (?, ?, ?)", known)

    def is_linq_trace(self, raw: str) -> bool:
        """
        Tell whether *raw* is a Linq trace id that another entry named.
        """
        if self._is_empty:
            return False
        query = "SELECT 1 FROM evidence WHERE key = ? LIMIT 1"
        return self._database.execute(query, (_linq_key(raw.lower()),)).fetchone() is not None

    def find_probable(self, entry: Entry) -> str | None:
        """
        Return the one Linq trace that spoke of the same within two minutes; None for none, or two.
        """
        if self._is_empty:
            return None
        subjects = self._subjects_of(entry)
        if len(subjects) > _MAX_READ:
            return None
        moment = entry.moment.unix_ns
        found: set[str] = set()
        for key in (*_keys_of(entry), *subjects):
            window = (key, moment - _WINDOW_NS, moment + _WINDOW_NS, _MAX_READ + 1)
            rows = self._database.execute(_NEAR, window).fetchall()
            found.update(linq_trace_id for (linq_trace_id,) in rows)
            if len(found) > 1 or len(rows) > _MAX_READ:
                return None
        return found.pop() if found else None

    def _subjects_of(self, entry: Entry) -> list[bytes]:
        contact = _contact_of(entry)
        if contact is None:
            return []
        query = "SELECT subject FROM contacts WHERE contact = ? LIMIT ?"
        return [row[0] for row in self._database.execute(query, (contact, _MAX_READ + 1))]


def _keys_of(entry: Entry) -> list[bytes]:
    keys = list(entry.subjects)
    if entry.text_key is not None:
        keys.append(entry.text_key)
    contact = _contact_of(entry)
    if contact is not None:
        keys.append(contact)
    conversation = entry.ids.get("conversation_id")
    if conversation is not None:
        keys.append(keyed(f"conversation {conversation}"))
    return keys


def _contact_of(entry: Entry) -> bytes | None:
    contact = entry.ids.get("contact_id")
    return None if contact is None else keyed(f"contact {contact}")


def _linq_key(linq_trace_id: str) -> bytes:
    return keyed(f"linq {linq_trace_id}")
