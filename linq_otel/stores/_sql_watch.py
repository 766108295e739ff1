"""
An end to operations that a database neither answers nor refuses.

PostgreSQL's client library waits for an answer without end. A server that
hangs with its connections open, as a machine does whose disk is gone, would
keep a thread for good, and the store from ever finding the server that took
its place. So the socket is shut, which the driver takes for a broken line.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Final

from linq_otel._forks import call_at_fork


_LOOK_SECONDS: Final = 0.25
_IDLE_SECONDS: Final = 30.0


class Watch:
    """
    Shuts the sockets of operations that take too long.

    One thread looks after all of them; it ends when there is nothing to do.

    Args:
        seconds: How long an operation may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._is_looking = False
        call_at_fork(in_child=self._begin_anew)

    def begin(self, line: socket.socket) -> None:
        """
        Watch *line* from now on.
        """
        with self._lock:
            self._ends[line] = time.monotonic() + self._seconds
            if self._is_looking:
                return
            self._is_looking = True
        self._start()

    def end(self, line: socket.socket) -> None:
        """
        Leave *line* alone.
        """
        self._ends.pop(line, None)

    def _begin_anew(self) -> None:
        self._ends = {}
        self._lock = threading.Lock()
        self._is_looking = False

    def _start(self) -> None:
        try:
            threading.Thread(target=self._look, name="linq-otel-sql", daemon=True).start()
        except RuntimeError:
            # As when the process ends.
            self._is_looking = False

    def _look(self) -> None:
        idle_since = time.monotonic()
        while True:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            ends = self._ends.copy()
            for line, end in ends.items():
                if end <= now:
                    _shut(line)
            if ends:
                idle_since = now
            elif now - idle_since > _IDLE_SECONDS:
                with self._lock:
                    if not self._ends:
                        self._is_looking = False
                        return


def _shut(line: socket.socket) -> None:
    # The other side may have been faster.
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
