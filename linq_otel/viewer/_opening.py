"""
Puts a viewer together: the socket first, for if that is taken nothing else is worth starting.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ._api import Api
from ._app import build_app
from ._archive import Archive
from ._database import Database
from ._guards import Guard
from ._intake import Intake
from ._limits import Limits
from ._listening import listen
from ._options import DEFAULT_PORT
from ._serving import Server
from ._switching import build_switch
from ._viewer import Viewer


if TYPE_CHECKING:
    from ._grpc import GrpcReceiver
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
        receiver = _open_receiver(intake, port)
        if receiver is not None:
            started.callback(receiver.stop)
        complaints: list[str] = []
        switch = build_switch(None if receiver is None else receiver.find_port, complaints)
        server = Server(Guard(app, host, port), listener, switch)
        started.callback(server.stop)
        started.callback(ending.set)
        name = f"[{host}]" if ":" in host else host
        return Viewer(
            f"http://{name}:{port}",
            archive,
            intake.dropped,
            complaints,
            started.pop_all().close,
            takes_grpc=receiver is not None,
        )
    raise AssertionError  # The block returns or raises.


def _open_receiver(intake: Intake, port: int) -> GrpcReceiver | None:
    if find_spec("grpc") is None:
        return None
    from ._grpc import DEFAULT_GRPC_PORT, GrpcReceiver  # noqa: PLC0415  # Needs grpcio.

    return GrpcReceiver(intake, DEFAULT_GRPC_PORT if port == DEFAULT_PORT else 0)


def open_archive(options: ViewerOptions) -> Archive:
    """
    Open the database alone, for what needs no server.

    Raises:
        ConfigurationError: The database cannot be had.
    """
    limits = Limits(options.keep, options.keep_days * _DAY_SECONDS)
    return Archive(Database(options.database), limits)
