"""
Puts a viewer together: the socket first, for if that is taken nothing else is worth starting.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from ._api import Api
from ._app import build_app
from ._archive import Archive
from ._database import Database
from ._guards import Guard
from ._intake import Intake
from ._limits import Limits
from ._listening import listen
from ._serving import Server
from ._viewer import Viewer


if TYPE_CHECKING:
    from ._options import ViewerOptions


_DAY_SECONDS: Final = 86_400.0


def start_viewer(options: ViewerOptions) -> Viewer:
    """
    Start a viewer in threads of this process.

    Raises:
        ConfigurationError: The address or the database cannot be had.
    """
    with ExitStack() as started:
        listener = started.enter_context(listen(options.host, options.port))
        host, port = listener.getsockname()[:2]
        archive = open_archive(options)
        started.callback(archive.close)
        ending = threading.Event()
        intake = Intake(archive)
        app = build_app(Api(archive, options.stuck_after, ending.is_set), intake)
        server = Server(Guard(app, host, port), listener)
        started.callback(server.stop)
        started.callback(ending.set)
        name = f"[{host}]" if ":" in host else host
        return Viewer(f"http://{name}:{port}", archive, intake.dropped, started.pop_all().close)
    raise AssertionError  # The block returns or raises.


def open_archive(options: ViewerOptions) -> Archive:
    """
    Open the database alone, for what needs no server.

    Raises:
        ConfigurationError: The database cannot be had.
    """
    limits = Limits(options.keep, options.keep_days * _DAY_SECONDS)
    return Archive(Database(options.database), limits)
