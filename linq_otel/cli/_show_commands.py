"""
The command ``linq-otel show`` and its options.
"""

from __future__ import annotations

import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from linq_otel.environment_variables import OTEL_PYTHON_LINQ_STORE
from linq_otel.stories._sources._files import SpanFiles
from linq_otel.stories._sources._http import QueryApi, check_url, parse_headers
from linq_otel.stories._sources._jaeger import DEFAULT_URL, Jaeger
from linq_otel.stories._sources._tempo import Tempo
from linq_otel.stories._sources._viewer import DEFAULT_URL as DEFAULT_VIEWER_URL
from linq_otel.stories._sources._viewer import RunningViewer
from linq_otel.stories._sources._wanted import parse_wanted

from ._show_output import Output
from ._showing import ShowOptions, run_show


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from linq_otel.stories._sources import Source


_DEMO_FILE: Final = "linq-demo.otlp.jsonl"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_QUERY_PORT: Final = 16686
_GUESS_SECONDS: Final = 3.0


def add_show_commands(app: typer.Typer) -> None:
    """
    Add the command to *app*.
    """
    app.command(rich_help_panel="Traces")(show)


def show(  # noqa: PLR0913  # Options, each with a default.
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A Linq trace id (X-Trace-ID), the id of a message, an event or a chat, a trace "
            "or a span; or how it begins, four characters at least, if no other begins so. With a "
            "store, an idempotency key, too.",
        ),
    ],
    *,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--file", metavar="FILE", help="OTLP JSON lines, gzipped or not; - is standard input."
        ),
    ] = None,
    jaeger: Annotated[
        str | None, typer.Option(metavar="URL", help=f"Jaeger's query address: {DEFAULT_URL}.")
    ] = None,
    tempo: Annotated[
        str | None, typer.Option(metavar="URL", help="Tempo's: http://127.0.0.1:3200.")
    ] = None,
    viewer: Annotated[
        str | None,
        typer.Option(metavar="URL", help=f"That of linq-otel view: {DEFAULT_VIEWER_URL}."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where sent messages are kept: sqlite:///linq.db."),
    ] = None,
    headers: Annotated[
        list[str] | None,
        typer.Option(
            "--header", metavar="'NAME: VALUE'", help="Sent to Jaeger or Tempo, and never shown."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, and no picture.")
    ] = False,
    perfetto: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write a trace event document for ui.perfetto.dev; - is standard output.",
        ),
    ] = None,
) -> None:
    """
    Show one message's life as a waterfall: every trace that links tie together, on one time axis.

    linq-otel show 21051baf-8743-4ee8-aa9c-6e3316a85b5c --jaeger http://127.0.0.1:16686

    Several places are asked in this order: files, Jaeger, Tempo, a viewer; a store says which trace
    to look for. Where none is named, the usual ones are tried. Exits with 0 if the id is known, 1
    if it is not, 2 if a place cannot be asked or the command was not understood.
    """
    wanted = parse_wanted(wanted)
    sent = parse_headers(tuple(headers or ()))
    sources = tuple(_build_sources(tuple(files or ()), jaeger, tempo, viewer, sent))
    is_guessed = not sources and store is None
    options = ShowOptions(
        wanted=wanted,
        sources=tuple(_guess_sources(os.environ)) if is_guessed else sources,
        store_url=os.environ.get(OTEL_PYTHON_LINQ_STORE) or None if is_guessed else store,
        output=Output(as_json=as_json, perfetto=perfetto),
        is_guessed=is_guessed,
    )
    raise typer.Exit(run_show(options, sys.stdout, sys.stderr))


def _build_sources(
    files: tuple[str, ...],
    jaeger: str | None,
    tempo: str | None,
    viewer: str | None,
    headers: Mapping[str, str],
) -> Iterator[Source]:
    if files:
        yield SpanFiles(files)
    if jaeger is not None:
        yield Jaeger(QueryApi("Jaeger", check_url(jaeger), headers))
    if tempo is not None:
        yield Tempo(QueryApi("Tempo", check_url(tempo), headers))
    if viewer is not None:
        yield RunningViewer(QueryApi("the viewer", check_url(viewer)))


def _guess_sources(environment: Mapping[str, str]) -> Iterator[Source]:
    beside = _find_host(environment)
    if beside is not None:
        url = f"http://{beside}:{_QUERY_PORT}"
        yield Jaeger(QueryApi("Jaeger", url, seconds=_GUESS_SECONDS))
    if Path(_DEMO_FILE).is_file():
        yield SpanFiles((_DEMO_FILE,))
    yield Jaeger(QueryApi("Jaeger", DEFAULT_URL, seconds=_GUESS_SECONDS))
    yield RunningViewer(QueryApi("the viewer", DEFAULT_VIEWER_URL, seconds=_GUESS_SECONDS))


def _find_host(environment: Mapping[str, str]) -> str | None:
    """
    Return the host that spans are exported to, if a Jaeger beside it may be asked unbidden.

    That is a machine of one's own: nobody else is sent the ids of messages.
    """
    endpoint = next((environment[name] for name in _ENDPOINTS if environment.get(name)), "")
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    if not host or host in {"127.0.0.1", "localhost"}:
        return None
    try:
        is_near = ip_address(host).is_private
    except ValueError:
        is_near = "." not in host
    return (f"[{host}]" if ":" in host else host) if is_near else None
