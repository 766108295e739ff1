"""
Tells OTLP over gRPC from HTTP by the first bytes of a connection, so that one address takes both.

uvicorn speaks no HTTP/2, and gRPC is what OpenTelemetry's distribution sends by unless told
otherwise. A connection that begins with HTTP/2's preface is passed on to a gRPC server of this
process, or refused in words that the app's own log will show.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol


if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.config import Config
    from uvicorn.server import ServerState


# "PRI * HTTP/2.0" (RFC 9113, 3.4); no method of HTTP/1.1 begins so.
_HTTP_2: Final = b"PRI "
# A record of TLS that holds a handshake (RFC 8446, 5.1).
_TLS: Final = b"\x16\x03"
GRPC_UNKNOWN: Final = (
    "an app sends spans by gRPC, which needs grpcio here: set "
    "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf in the app"
)
TLS_UNKNOWN: Final = (
    "an app sends spans over TLS, which is not spoken here: begin the endpoint with http://, or "
    "set OTEL_EXPORTER_OTLP_INSECURE=true in the app"
)
# An empty SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, 6.5, 6.8 and 7).
_SETTINGS: Final = bytes.fromhex("000000040000000000")
_REFUSED_SECONDS: Final = 1.0
_GOAWAY_HEAD: Final = bytes.fromhex("07000000000000000000") + (13).to_bytes(4, "big")


class Switch(asyncio.Protocol):
    """
    A connection of which not enough has come to tell what it speaks.

    Args:
        build_http: Builds what speaks HTTP/1.1.
        state: The server's, which closes connections by it.
        find_grpc_port: Returns the port of the gRPC server, and starts it first if need be; called
            in a thread. None if there can be no such server.
        complaints: Gets a sentence, once, when a connection cannot be served.
    """

    def __init__(
        self,
        build_http: Callable[[], asyncio.Protocol],
        state: ServerState,
        find_grpc_port: Callable[[], int] | None,
        complaints: list[str],
    ) -> None:
        self._build_http = build_http
        self._state = state
        self._find_grpc_port = find_grpc_port
        self._complaints = complaints
        self._transport: Any = None
        self._first = b""
        self._is_refused = False
        self._passing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Wait for the first bytes.
        """
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """
        Take the first bytes, and pass the connection on as soon as they tell what it speaks.
        """
        if self._is_refused:
            return
        self._first += data
        if len(self._first) < len(_HTTP_2) and _HTTP_2.startswith(self._first):
            return
        if self._first.startswith(_HTTP_2):
            if self._find_grpc_port is None:
                self._refuse_grpc()
            elif self._passing is None:
                self._transport.pause_reading()
                self._passing = asyncio.get_running_loop().create_task(
                    self._pass_to_grpc(self._find_grpc_port)
                )
        elif self._first.startswith(_TLS):
            self._complain(TLS_UNKNOWN)
            self._transport.close()
        else:
            self._connections.discard(self)
            http = self._build_http()
            self._transport.set_protocol(http)
            http.connection_made(self._transport)
            http.data_received(self._first)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # As asyncio has it.
        """
        Forget the connection.
        """
        self._connections.discard(self)

    def shutdown(self) -> None:
        """
        Close the connection, because the server ends.
        """
        self._transport.close()

    def _complain(self, sentence: str) -> None:
        # An exporter tries again and again.
        if sentence not in self._complaints:
            self._complaints.append(sentence)

    @property
    def _connections(self) -> set[Any]:
        return self._state.connections

    def _refuse_grpc(self) -> None:
        self._complain(GRPC_UNKNOWN)
        reason = GRPC_UNKNOWN.encode("ascii")
        size = (8 + len(reason)).to_bytes(3, "big")
        self._transport.write(_SETTINGS + size + _GOAWAY_HEAD + reason)
        # Closed at once, it would be reset, and the app would not see why.
        self._is_refused = True
        asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self._transport.close)

    async def _pass_to_grpc(self, find_port: Callable[[], int]) -> None:
        loop = asyncio.get_running_loop()
        port = await loop.run_in_executor(None, find_port)
        try:
            inner, _ = await loop.create_connection(
                lambda: _Pipe(self._transport), "127.0.0.1", port
            )
        except OSError:
            self._transport.close()
            return
        if self._transport.is_closing():
            inner.close()
            return
        inner.write(self._first)
        outer = _Pipe(inner, lambda: self._connections.discard(self))
        self._transport.set_protocol(outer)
        self._transport.resume_reading()


class _Pipe(asyncio.Protocol):
    """
    One end of a connection whose bytes are written to the transport *other*.
    """

    def __init__(self, other: Any, forget: Callable[[], None] = lambda: None) -> None:
        self._other = other
        self._forget = forget

    def data_received(self, data: bytes) -> None:
        """
        Pass on what came.
        """
        self._other.write(data)

    def pause_writing(self) -> None:
        """
        Take no more from the other end until this one has sent what it has.
        """
        self._other.pause_reading()

    def resume_writing(self) -> None:
        """
        Take more from the other end.
        """
        self._other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # As asyncio has it.
        """
        Close the other end as well.
        """
        self._forget()
        self._other.close()


def build_switch(
    find_grpc_port: Callable[[], int] | None, complaints: list[str]
) -> Callable[..., asyncio.Protocol]:
    """
    Return what uvicorn builds a connection's protocol by.
    """

    def build(config: Config, server_state: ServerState, app_state: Any, **more: Any) -> Switch:
        def build_http() -> asyncio.Protocol:
            make: Any = AutoHTTPProtocol
            found: asyncio.Protocol = make(
                config=config, server_state=server_state, app_state=app_state, **more
            )
            return found

        return Switch(build_http, server_state, find_grpc_port, complaints)

    return build
