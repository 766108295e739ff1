"""
A local page for people without a backend: spans come in by OTLP, messages are to be seen.

The page needs packages that a library user does not (``linq-otel[view]``), so they are loaded when
a viewer is opened and not before.
"""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError, MissingExtraError

from ._database import Database
from ._exporting import export_page
from ._options import ViewerOptions
from ._viewer import Viewer
from ._walking import read_all_spans


if TYPE_CHECKING:
    from pathlib import Path

    from linq_otel._otlp_json import SpanRecord


__all__ = ["Viewer", "ViewerOptions", "export_page", "open_viewer", "read_database"]


def read_database(file: Path) -> list[SpanRecord]:
    """
    Return every span that a viewer kept in *file*.

    Raises:
        ConfigurationError: There is no such file, or it is another one.
    """
    if not file.is_file():
        raise ConfigurationError(f"there is no database {file}; name one a viewer has written")
    with closing(Database(file)) as database, database.reading() as connection:
        return read_all_spans(connection)


def open_viewer(options: ViewerOptions | None = None) -> Viewer:
    """
    Start a viewer in threads of this process; close it when done.

    Args:
        options: Where it listens and what it keeps; by default 127.0.0.1:4318 and 100,000 spans.

    Raises:
        ConfigurationError: The address is taken or not of this host, or the database file is none.
        MissingExtraError: The packages of the extra ``view`` are not there.
    """
    if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise MissingExtraError("linq-otel view", "view")
    from ._opening import start_viewer  # noqa: PLC0415  # Needs the extra.

    return start_viewer(options or ViewerOptions())
