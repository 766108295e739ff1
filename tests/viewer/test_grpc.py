from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from linq_otel.viewer import ViewerOptions, _archive, _opening, open_viewer
from linq_otel.viewer._bodies import MAX_BODY
from linq_otel.viewer._grpc import GrpcReceiver
from linq_otel.viewer._intake import Intake
from linq_otel.viewer._switching import GRPC_UNKNOWN, TLS_UNKNOWN
from support.viewer_answers import ask


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.viewer import Viewer


PACKAGE = "opentelemetry.proto.collector"
TRACES = f"/{PACKAGE}.trace.v1.TraceService/Export"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def build_request(*span_ids: bytes) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for span_id in span_ids:
        spans.add(name="GET /", trace_id=b"\1" * 16, span_id=span_id)
    return request.SerializeToString()


def export(viewer: Viewer, body: bytes, method: str = TRACES, **more: Any) -> bytes:
    """
    Export *body* by gRPC to the address of the page.
    """
    with grpc.insecure_channel(urlsplit(viewer.url).netloc) as channel:
        answer: bytes = channel.unary_unary(method)(body, timeout=20, **more)
        return answer


def refuse(viewer: Viewer, body: bytes, method: str = TRACES) -> tuple[str, str]:
    """
    Export what is refused; returns the status and the reason.
    """
    with pytest.raises(grpc.RpcError) as caught:
        export(viewer, body, method)
    return caught.value.code().name, caught.value.details()


def connect(viewer: Viewer) -> socket.socket:
    address = urlsplit(viewer.url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        # The server had not read what was sent, or not yet accepted the connection.
        return True


class TestExports:
    @pytest.mark.parametrize("packing", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
    def test_are_taken_at_the_address_of_the_page(self, viewer: Viewer, packing: Any) -> None:
        """What comes by gRPC, packed or not, is shown like what comes by HTTP."""
        answer = export(viewer, build_request(b"\2" * 8), compression=packing)
        assert ExportTraceServiceResponse.FromString(answer) == ExportTraceServiceResponse()
        (trace,) = ask(viewer, f"/api/stories/{'01' * 16}").document["traces"]
        assert [(span["span_id"], span["name"]) for span in trace["spans"]] == [("02" * 8, "GET /")]

    def test_may_be_taken_in_part(self, viewer: Viewer) -> None:
        """Spans with no id they could be kept under are rejected, the others taken."""
        expected = ExportTraceServiceResponse()
        expected.partial_success.rejected_spans = 1
        expected.partial_success.error_message = "1 spans without a valid trace id or span id"
        answer = export(viewer, build_request(b"", b"\2" * 8))
        assert ExportTraceServiceResponse.FromString(answer) == expected

    @pytest.mark.parametrize(
        ("method", "signal"),
        [("metrics.v1.MetricsService", "metrics"), ("logs.v1.LogsService", "logs")],
    )
    def test_of_other_signals_are_dropped(self, viewer: Viewer, method: str, signal: str) -> None:
        """Metrics and logs are taken, counted and dropped."""
        assert export(viewer, b"", f"/{PACKAGE}.{method}/Export") == b""
        assert dict(viewer.dropped) == {signal: 1}

    def test_that_are_damaged_are_refused(self, viewer: Viewer) -> None:
        """What cannot be decoded is not tried again; what is too large, nor known, neither."""
        words = "the body is no OTLP export of traces"
        assert refuse(viewer, b"\xff{") == ("INVALID_ARGUMENT", words)
        assert refuse(viewer, bytes(MAX_BODY + 1))[0] == "RESOURCE_EXHAUSTED"
        assert refuse(viewer, b"", "/other.Service/Call")[0] == "UNIMPLEMENTED"

    def test_come_again_where_too_many_wait(
        self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where more waits than is good, an exporter is told to come again."""
        monkeypatch.setattr(_archive, "_MOST_WAITING", 0)
        words = "more spans come than can be written, or the viewer is closing"
        assert refuse(viewer, build_request(b"\2" * 8)) == ("UNAVAILABLE", words)


class TestPort:
    def test_is_had_from_the_start(self, viewer: Viewer) -> None:
        """A port that is named is listened at, unless it is taken."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            other = GrpcReceiver(Intake(viewer._archive), port)
            assert other.find_port() != port
            other.stop()
        receiver = GrpcReceiver(Intake(viewer._archive), port)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert channel.unary_unary(TRACES)(b"", timeout=20) == b""
        receiver.stop()


class TestConnections:
    @pytest.fixture
    def plain_viewer(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Viewer]:
        """
        Yield a viewer beside which grpcio is not installed.
        """
        monkeypatch.setattr(_opening, "find_spec", lambda _: None)
        with open_viewer(ViewerOptions(port=0)) as viewer:
            yield viewer

    def test_of_grpc_are_told_what_to_set(
        self, plain_viewer: Viewer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without grpcio the app's own log says what to set, and the viewer says it once."""
        monkeypatch.setattr("linq_otel.viewer._switching._REFUSED_SECONDS", 0.01)
        assert not plain_viewer.takes_grpc
        answers: list[bytes] = []
        for pieces in ([PREFACE], [PREFACE[:2], PREFACE[2:]]):
            with connect(plain_viewer) as connection:
                for piece in pieces:
                    connection.sendall(piece)
                answers.append(read_all(connection))
        assert answers[0] == answers[1]
        settings, goaway = answers[0][:9], answers[0][9:]
        assert settings.hex() == "000000040000000000"
        size = int.from_bytes(goaway[:3], "big")
        assert (goaway[3], size, goaway[13:17].hex()) == (7, len(goaway) - 9, "0000000d")
        assert goaway[17:].decode() == GRPC_UNKNOWN
        assert plain_viewer.complaints == [GRPC_UNKNOWN]

    def test_of_tls_are_closed(self, viewer: Viewer) -> None:
        """A handshake of TLS is not answered, and the viewer says what to set."""
        with connect(viewer) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00")
            assert read_all(connection) == b""
        assert viewer.complaints == [TLS_UNKNOWN]

    def test_of_http_may_begin_slowly(self, viewer: Viewer) -> None:
        """A request may come letter by letter, though it begins as HTTP/2 does."""
        with connect(viewer) as connection:
            host = urlsplit(viewer.url).netloc
            for piece in ("P", "OST /v1/traces HTTP/1.1\r\n", f"host: {host}\r\n"):
                connection.sendall(piece.encode())
            connection.sendall(b"connection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 415 ")

    def test_that_say_nothing_do_not_delay_the_end(self) -> None:
        """A viewer closes at once, though a browser holds connections ready."""
        with open_viewer(ViewerOptions(port=0)) as viewer:
            connection = connect(viewer)
            half = connect(viewer)
            half.sendall(b"P")
        with closing(connection), closing(half):
            assert (is_closed(connection), is_closed(half)) == (True, True)
