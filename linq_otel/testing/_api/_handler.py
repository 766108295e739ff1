"""
The HTTP surface: keep-alive, an ``X-Trace-ID`` on every answer, and no trust in clients.
"""

from __future__ import annotations

import http.client
import json
import logging
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast

from linq_otel.testing._api._dispatch import RawRequest, answer, new_linq_trace_id
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._records import ReceivedRequest
from linq_otel.testing._world import Reply


if TYPE_CHECKING:
    from linq_otel.testing._api._server import ApiServer


logger = logging.getLogger(__name__)

LARGEST_BODY = 10_000_000
LONGEST_HOLD = 120.0
LOOK_EVERY = 0.02


class ApiHandler(BaseHTTPRequestHandler):
    """
    Reads one request after another from a connection.
    """

    protocol_version = "HTTP/1.1"
    server_version = "linq-simulator"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def _api(self) -> ApiServer:
        return cast("ApiServer", self.server)

    def answer(self) -> None:
        """
        Read a request, and answer it as the scenario has it.
        """
        try:
            request = self._read()
        except ApiError as error:
            self._refuse(error)
            return
        world = self._api.world
        linq_trace_id = new_linq_trace_id(world, request)
        reply = self._find_reply(request, linq_trace_id)
        linq_trace_id = reply.linq_trace_id or linq_trace_id
        if reply.before is not None:
            reply.before()
        is_silent = reply.hang or reply.drop
        self._record(request, linq_trace_id, None if is_silent else reply.status)
        if is_silent:
            self._leave_unanswered(reply)
        else:
            self._write(reply, linq_trace_id)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """
        Answer a request that is not even HTTP.
        """
        self._refuse(ApiError(code, None if code < 500 else 3006, message or explain))  # noqa: PLR2004

    def handle_expect_100(self) -> bool:
        """
        Let a careful client send its body, at once.
        """
        is_expected = super().handle_expect_100()
        self.wfile.flush()
        return is_expected

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
        """
        Keep stderr quiet.
        """
        logger.debug(format, *args)

    def _find_reply(self, request: RawRequest, linq_trace_id: str) -> Reply:
        try:
            return answer(self._api.world, request, linq_trace_id)
        except Exception:
            logger.exception("the simulator could not answer %s", request.method)
            return Reply(500, ApiError(500, 3006).envelope(linq_trace_id))

    def _refuse(self, error: ApiError) -> None:
        self.close_connection = True
        request = RawRequest(self.command or "", getattr(self, "path", ""), {}, b"")
        linq_trace_id = new_linq_trace_id(self._api.world, request)
        self._record(request, linq_trace_id, error.status)
        self._write(Reply(error.status, error.envelope(linq_trace_id)), linq_trace_id)

    def _read(self) -> RawRequest:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return RawRequest(self.command, self.path, headers, self._read_body(headers))

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise ApiError(400, 1003, "Bad Content-Length")
        if int(length) > LARGEST_BODY:
            raise ApiError(413)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ApiError(400, 1003, "The body ended early")
        return body

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            line = self.rfile.readline(100).strip()
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError:
                raise ApiError(400, 1003, "Bad chunk") from None
            if size < 0 or len(body) + size > LARGEST_BODY:
                raise ApiError(413)
            body += self.rfile.read(size)
            self.rfile.readline(100)
            if size == 0:
                return body

    def _record(self, request: RawRequest, linq_trace_id: str, status: int | None) -> None:
        received = ReceivedRequest(
            method=request.method,
            path=request.target,
            headers=request.headers,
            body=request.body,
            linq_trace_id=linq_trace_id,
            status=status,
        )
        self._api.world.requests.append(received)

    def _write(self, reply: Reply, linq_trace_id: str) -> None:
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        kind = "application/json"
        if reply.text is not None:
            content, kind = reply.text.encode(), "text/html"
        has_body = bool(content)
        self.send_response(reply.status)
        self.send_header("X-Trace-ID", linq_trace_id)
        if has_body:
            self.send_header("Content-Type", kind)
        if reply.status != http.client.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        if reply.retry_after is not None:
            self.send_header("Retry-After", str(reply.retry_after))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(content)

    def _leave_unanswered(self, reply: Reply) -> None:
        self.close_connection = True
        if reply.hang:
            self._hold()

    def _hold(self) -> None:
        """
        Wait until the client gives up, or the simulator closes.
        """
        self.connection.settimeout(LOOK_EVERY)
        for _ in range(int(LONGEST_HOLD / LOOK_EVERY)):
            if self._api.closing.is_set() or not self._is_client_there():
                return

    def _is_client_there(self) -> bool:
        try:
            return bool(self.connection.recv(1))
        except TimeoutError:
            return True
        except OSError:
            return False
