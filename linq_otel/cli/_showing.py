"""
``linq-otel show``: one message's life, from wherever its spans are.

The places to look into are asked in order, and the first that knows the id answers. What was
looked into is said on the error stream, so that what is printed can be piped on.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from rich.text import Text

from linq_otel.errors import ConfigurationError
from linq_otel.stories import complete_id, find_trace, join_traces
from linq_otel.stories._sources import IncompleteError, SourceError
from linq_otel.stories._sources._gathering import QueriedSource
from linq_otel.stories._sources._origins import find_origin

from ._show_output import Found, Output, present, present_origin
from ._streams import spell_line
from ._waterfall import build_console


if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from linq_otel.stories._sources import Source
    from linq_otel.stories._sources._origins import KnownOrigin


EXIT_OK = 0
EXIT_NOT_FOUND = 1
_SHORTEST_ID = 16  # Digits of a span's.


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """
    What the command line says.

    Attributes:
        wanted: The id.
        sources: Where to look, in this order.
        output: What to print.
        store_url: The store to ask first, if there is one.
        is_guessed: True if nobody named a place, and the usual ones are tried.
    """

    wanted: str
    sources: tuple[Source, ...]
    output: Output
    store_url: str | None = None
    is_guessed: bool = False


def run_show(options: ShowOptions, out: IO[str], err: IO[str]) -> int:
    """
    Find the id, and show what it leads to; returns the exit code.

    Raises:
        ConfigurationError: If a place that was named cannot be asked, and no other knew the id, or
            the file for Perfetto cannot be written.
    """
    search = _Search(options, err)
    search.ask_store()
    found = search.ask_sources()
    if found is not None:
        if options.is_guessed:
            err.write(f"linq-otel: from {spell_line(found.title)}\n")
        present(found, search.origin, options.output, out, err)
        return EXIT_OK
    if search.failures and not options.is_guessed:
        raise search.failures[0]
    if search.origin is not None:
        present_origin(search.origin, options.output, out)
        return EXIT_OK
    if not search.reached:
        raise ConfigurationError(
            "nothing to look into: name --file, --jaeger, --tempo, --viewer or --store"
        )
    looked = spell_line(", ".join(search.reached))
    err.write(f"linq-otel: nothing is known of that id in {looked}{_hint_at_whole_id(options)}\n")
    return EXIT_NOT_FOUND


def _hint_at_whole_id(options: ShowOptions) -> str:
    is_short = len(options.wanted) < _SHORTEST_ID
    has_backend = any(isinstance(source, QueriedSource) for source in options.sources)
    return "; Jaeger and Tempo find whole ids alone" if is_short and has_backend else ""


class _Search:
    """
    What was looked into so far.
    """

    def __init__(self, options: ShowOptions, err: IO[str]) -> None:
        self.origin: KnownOrigin | None = None
        self.reached: list[str] = []
        self.failures: list[ConfigurationError] = []
        self._options = options
        self._err = err

    def ask_store(self) -> None:
        """
        Look the id up in the store, if there is one: it may know which trace to look for.
        """
        if self._options.store_url is None:
            return
        try:
            self.origin = find_origin(self._options.store_url, self._options.wanted)
            self.reached.append("the store")
        except ConfigurationError as error:
            self._fail(error)

    def ask_sources(self) -> Found | None:
        """
        Return what the first source has that knows the id.
        """
        ids = (self._options.wanted, *(self.origin.otel_trace_ids if self.origin else ()))
        for source in self._options.sources:
            try:
                with _show_work(self._err, source):
                    found = self._ask(source, ids)
            except SourceError as error:
                self._fail(error)
                continue
            if found is not None:
                return found
            self.reached.append(source.title)
        return None

    def _ask(self, source: Source, ids: Sequence[str]) -> Found | None:
        failure: SourceError | None = None
        for wanted in ids:
            try:
                spans = source.find_spans(wanted)
            except SourceError as error:
                # Where searching fails, a trace that the store named can still be fetched.
                failure = failure or error
                spans = error.partial if isinstance(error, IncompleteError) else []
            place = find_trace(spans, wanted) or find_trace(spans, complete_id(spans, wanted) or "")
            if place is not None:
                if failure is not None:
                    self._err.write(f"linq-otel: not all may be here: {spell_line(failure)}\n")
                return Found(source.title, place, join_traces(spans, place.otel_trace_id)[0])
        if failure is not None:
            raise failure
        return None

    def _fail(self, error: ConfigurationError) -> None:
        self.failures.append(error)
        if self._options.is_guessed:
            self._err.write(f"linq-otel: {spell_line(error)}\n")


def _show_work(err: IO[str], source: Source) -> AbstractContextManager[object]:
    """
    Show on a terminal that something is waited for.
    """
    if not err.isatty():
        return nullcontext()
    return build_console(err).status(Text(f"looking into {source.title}"))
