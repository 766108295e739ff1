"""
What ``linq-otel view`` does: run until it is ended, or write one file.
"""

from __future__ import annotations

import os
import signal
import threading
import webbrowser
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from linq_otel._files import is_standard_output, replace_file
from linq_otel._otlp_json import read_spans
from linq_otel._otlp_lines import name_of
from linq_otel.doctor._words import number
from linq_otel.errors import ConfigurationError
from linq_otel.viewer import export_page, open_viewer, read_database

from ._span_lines import open_span_lines
from ._streams import spell_line


if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.viewer import Viewer, ViewerOptions


_GLANCE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class ViewRun:
    """
    What the command line says.
    """

    options: ViewerOptions
    files: tuple[str, ...]
    html: Path | None
    wanted: str | None
    is_opening: bool


def run_view(run: ViewRun, out: IO[str], err: IO[str]) -> int:
    """
    Show the page until somebody ends it; returns the exit code.

    Raises:
        ConfigurationError: The port is taken, or a file cannot be read.
        MissingExtraError: The packages of the extra ``view`` are not there.
    """
    with _watch_signals() as ended, open_viewer(run.options) as viewer:
        with _interruptible():
            for name in run.files:
                with open_span_lines(name) as lines:
                    count = viewer.read(lines)
                shown = spell_line(name_of(name))
                out.write(f"{number(count, 'span')} of {shown}\n")
        out.write(_tell(viewer))
        out.flush()
        if run.is_opening and out.isatty():
            _open_browser(viewer.url)
        told = 0
        while not ended.wait(_GLANCE_SECONDS):
            for complaint in viewer.complaints[told:]:
                err.write(f"linq-otel: {complaint}\n")
                err.flush()
                told += 1
    return 0


def run_export(run: ViewRun, out: IO[str]) -> int:
    """
    Write the page as one file; returns the exit code.

    Raises:
        ConfigurationError: There is nothing to write, or a file cannot be read or written.
    """
    if run.html is None or not (run.files or run.options.database):
        raise ConfigurationError("--html needs spans: name a --file, or a --database")
    spans: dict[tuple[str, str], SpanRecord] = {}
    if run.options.database is not None:
        spans.update(_by_id(read_database(run.options.database)))
    for name in run.files:
        with open_span_lines(name) as lines:
            spans.update(_by_id(read_spans(lines)))
    if not spans:
        raise ConfigurationError("there are no spans in what was named")
    page = export_page(list(spans.values()), run.wanted, stuck_after=run.options.stuck_after)
    with replace_file(run.html) as file:
        file.write(page)
    if not is_standard_output(run.html):
        out.write(f"{spell_line(run.html)} holds the page; it needs no server and no network.\n")
    return 0


def _by_id(spans: Iterable[SpanRecord]) -> dict[tuple[str, str], SpanRecord]:
    return {(span.otel_trace_id, span.span_id): span for span in spans}


def _tell(viewer: Viewer) -> str:
    also = "; gRPC is taken as well" if viewer.takes_grpc else ""
    return (
        f"The page is at {viewer.url}\n"
        f"It shows the spans of an app that is started with these variables{also}:\n"
        f"  export OTEL_EXPORTER_OTLP_ENDPOINT={viewer.url}\n"
        "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
        "Ctrl-C ends it.\n"
    )


@contextmanager
def _watch_signals() -> Generator[threading.Event]:
    """
    Have Ctrl-C and a friendly kill end it, so that what is open is closed.
    """
    ended = threading.Event()
    watched = (signal.SIGINT, signal.SIGTERM)

    def end(*_: object) -> None:
        ended.set()

    before = [signal.signal(each, end) for each in watched]
    try:
        yield ended
    finally:
        for each, handler in zip(watched, before, strict=True):
            signal.signal(each, handler)


@contextmanager
def _interruptible() -> Generator[None]:
    """
    Have the signals that end the page end the reading of files, too: a pipe may never end.
    """
    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, signal.default_int_handler) for each in watched]
    try:
        yield
    finally:
        for each, handler in zip(watched, before, strict=True):
            signal.signal(each, handler)


def _open_browser(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    # One that runs in the terminal would take it from us.
    if type(browser) is not webbrowser.GenericBrowser and not os.environ.get("SSH_CONNECTION"):
        browser.open(url)
