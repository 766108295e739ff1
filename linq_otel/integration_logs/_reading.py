"""
Reading files of integration logs into entries, one at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._columns import check_columns, rename
from ._entries import Entry, Place
from ._findings import Findings, UnusableError
from ._formats._detection import read_rows
from ._formats._sources import find_sources, open_text
from ._interpretation import Interpreter
from ._options import ReadOptions


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._findings import Rejected, Warned
    from ._formats._sources import OpenText, Source


class Reading:
    """
    The entries of some files, read while they are iterated over.

    ::

        reading = read("logs/*.ndjson")
        for entry in reading:
            print(entry.title, entry.outcome.delivery)
        print(reading.rejected)

    What was left out, and what was mended, is known once the iteration is over.
    """

    def __init__(self, sources: tuple[Source, ...], options: ReadOptions) -> None:
        check_columns(options.columns)
        self._sources = sources
        self._options = options
        self._findings = Findings()

    def __iter__(self) -> Iterator[Entry]:
        """
        Read the files from the start, anew each time.

        Raises:
            LogFormatError: A file cannot be read at all.
        """
        self._findings = findings = Findings()
        interpreter = Interpreter(self._options, findings)
        for source in find_sources(self._sources):
            with open_text(source, self._options.encoding) as text:
                yield from self._read(text, interpreter, findings)

    def _read(
        self, text: OpenText, interpreter: Interpreter, findings: Findings
    ) -> Iterator[Entry]:
        findings.at(text.name, 1)
        if text.is_mended:
            findings.warn("byte_order_mark")
        for found in read_rows(text, self._options, interpreter.reader, findings):
            findings.at(text.name, found.line)
            try:
                if found.error is not None:
                    raise found.error
                place = Place(text.name, found.line, found.format)
                columns = self._options.columns
                fields = rename(found.fields, columns) if columns else found.fields
                entry = interpreter.interpret(place, fields)
            except UnusableError as error:
                findings.reject(error)
            except RecursionError:
                findings.reject(UnusableError("", "nested too deeply"))
            else:
                findings.entries += 1
                yield entry

    @property
    def count(self) -> int:
        """
        How many rows were kept.
        """
        return self._findings.entries

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """
        The rows that were left out, the first thousand of them.
        """
        return tuple(self._findings.rejected)

    @property
    def rejected_count(self) -> int:
        """
        How many rows were left out.
        """
        return self._findings.rejected_count

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """
        What was mended or is doubtful, each kind once.
        """
        return self._findings.warnings


def read(*sources: Source, options: ReadOptions | None = None, **fields: Any) -> Reading:
    """
    Read integration logs from files.

    NDJSON, JSON, CSV, HAR, the text of pasted panels and the webhook logs of Linq's CLI are told
    apart by how they begin. Nothing is read before the result is iterated over, and no more than
    one row is held at a time.

    Args:
        sources: Paths, globs, ``-`` for standard input, or binary streams; gzip is unpacked.
        options: How to read.
        fields: The fields of :class:`ReadOptions`, in its place.

    Raises:
        ConfigurationError: An option has a value that cannot be used.
        TypeError: An option has a name that is none, or both forms are given.
    """
    if options is not None and fields:
        raise TypeError("give options, or the fields of one")
    return Reading(sources, options or ReadOptions(**fields))
