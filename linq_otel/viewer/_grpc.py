"""
The receiver of OTLP over gRPC, where ``grpcio`` is installed.

It listens on loopback at a port of its own; connections to the page's port are passed on to it.
"""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc

from ._archive import BusyError
from ._bodies import MAX_BODY, BodyError
from ._exports import PROTOBUF, parse_export, write_success


if TYPE_CHECKING:
    from ._intake import Intake


DEFAULT_GRPC_PORT: Final = 4317
"""The port of OTLP over gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-default-port)."""
_AT_ONCE: Final = 2
_MOST_CALLS: Final = 8  # Each may hold a whole body.
_STOP_SECONDS: Final = 1.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_BODY),
    # Else a second server at the port would take every other connection.
    ("grpc.so_reuseport", 0),
)
_SERVICES: Final = (
    ("trace", "TraceService", "traces"),
    ("metrics", "MetricsService", "metrics"),
    ("logs", "LogsService", "logs"),
)


class GrpcReceiver:
    """
    A gRPC server of exports, started when it is first needed.

    Args:
        intake: Takes the exports.
        port: The port to have from the start, if it is free; 0 takes any, once it is needed.
    """

    def __init__(self, intake: Intake, port: int = 0) -> None:
        self._handlers = [_build_handler(intake, *service) for service in _SERVICES]
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self._port = 0
        if port:
            with suppress(RuntimeError):  # Taken, by a collector perhaps.
                self._start(port)

    def find_port(self) -> int:
        """
        Return the port of 127.0.0.1 it listens at.
        """
        with self._lock:
            if self._server is None:
                self._start(0)
            return self._port

    def stop(self) -> None:
        """
        Take no more calls, and wait for those under way.
        """
        with self._lock:
            if self._server is not None:
                self._server.stop(_STOP_SECONDS).wait(_STOP_SECONDS)

    def _start(self, port: int) -> None:
        server = grpc.server(
            ThreadPoolExecutor(_AT_ONCE, "linq-otel-view-grpc"),
            self._handlers,
            options=_OPTIONS,
            maximum_concurrent_rpcs=_MOST_CALLS,
        )
        self._port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        self._server = server


def _build_handler(intake: Intake, package: str, service: str, signal: str) -> Any:
    def take(body: bytes, call: Any) -> bytes:
        try:
            export = parse_export(signal, PROTOBUF, body)
            rejected, reason = intake.keep(signal, export)
        except BodyError as error:
            _refuse(call, grpc.StatusCode.INVALID_ARGUMENT, error)
        except (BusyError, sqlite3.Error) as error:
            _refuse(call, grpc.StatusCode.UNAVAILABLE, error)
        return write_success(PROTOBUF, rejected, reason)

    methods: dict[str, Any] = {"Export": grpc.unary_unary_rpc_method_handler(take)}
    name = f"opentelemetry.proto.collector.{package}.v1.{service}"
    return grpc.method_handlers_generic_handler(name, methods)


def _refuse(call: Any, code: Any, error: Exception) -> NoReturn:
    call.abort(code, str(error))
    raise AssertionError("abort raises") from error
