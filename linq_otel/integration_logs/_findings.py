"""
What was wrong with a file, said without repeating any of it.

A log is full of phone numbers and keys, so a complaint names the line, the field and the reason,
and never the value. Complaints are bounded: a file of a million bad rows must not fill the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


LISTED_AT_MOST: Final = 1_000
"""Rejected rows that are listed one by one; the rest is counted alone."""


class UnusableError(Exception):
    """
    One row cannot be used.

    Attributes:
        field: The canonical name of the field, or empty where the row is no row at all.
        reason: Why, in words of ours.
    """

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field_name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejected:
    """
    A row that was left out.

    Attributes:
        file: The base name of its file.
        line: The line it begins on, counted from 1.
        field: The field that is wrong, or empty.
        reason: What is wrong with it, never its value.
    """

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        """
        Say it in one line.
        """
        what = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {what}{self.reason}"


@dataclass(frozen=True, slots=True)
class Warned:
    """
    Something that was mended, or is doubtful, in rows that were kept.

    Attributes:
        code: One word, ``duplicate_key``.
        count: How often.
        file: The base name of the file it was first seen in.
        first_line: The line it was first seen on.
    """

    code: str
    count: int
    file: str
    first_line: int


@dataclass(slots=True)
class Findings:
    """
    Everything found while reading, so far.

    Attributes:
        entries: Rows that were kept.
        rejected: The first rows that were not.
        rejected_count: All that were not.
    """

    entries: int = 0
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    rejected_count: int = 0
    _counts: dict[str, int] = field(default_factory=dict[str, int])
    _places: dict[str, tuple[str, int]] = field(default_factory=dict[str, "tuple[str, int]"])
    _file: str = ""
    _line: int = 0

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """
        Each kind of warning once, in order of appearance.
        """
        return tuple(
            Warned(code, count, *self._places[code]) for code, count in self._counts.items()
        )

    def at(self, file: str, line: int) -> None:
        """
        Say where what is found next was found.
        """
        self._file, self._line = file, line

    def warn(self, code: str) -> None:
        """
        Count one warning at the present line.
        """
        self._counts[code] = self._counts.get(code, 0) + 1
        if code not in self._places:
            self._places[code] = self._file, self._line

    def reject(self, error: UnusableError) -> None:
        """
        Count one row that is left out, at the present line.
        """
        self.rejected_count += 1
        if len(self.rejected) < LISTED_AT_MOST:
            self.rejected.append(Rejected(self._file, self._line, error.field, error.reason))
