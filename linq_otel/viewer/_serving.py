"""
A server in a thread of its own, so that a test and a command start it alike.

uvicorn takes the signals of a process if it may; in a thread it may not, and whoever opened the
viewer decides what ends it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn


if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable

    from starlette.types import ASGIApp


_STOP_SECONDS: Final = 5.0
_MOST_CONNECTIONS: Final = 256


class Server:
    """
    Answers at *listener* with *app* from now on, until it is stopped.

    Args:
        app: Answers requests.
        listener: Takes connections.
        build_protocol: Builds what speaks to a connection.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        build_protocol: Callable[..., asyncio.Protocol],
    ) -> None:
        config = uvicorn.Config(
            app,
            http=cast("Any", build_protocol),  # uvicorn calls it as it would a class.
            log_config=None,  # How this process logs is not ours to say.
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,  # Nobody stands between.
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="linq-otel-view", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """
        Take no more requests, end those under way, and wait for that.
        """
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
