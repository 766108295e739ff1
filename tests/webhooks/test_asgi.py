from __future__ import annotations

import hashlib
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from linq_otel.testing import EVENT_TYPES
from linq_otel.webhooks import MAX_BODY
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.timing import timed
from support.webhook_apps import BODY, HEADERS, fastapi_app, starlette_app, wrapped
from support.webhook_desk import Desk, Life


if TYPE_CHECKING:
    from support.asgi_servers import Reply, Stage


ANCHOR = Life.by_linq_trace_id().anchor


class TestOverHttp:
    """
    Real frameworks behind a real server.
    """

    def test_a_delivery_joins_the_life_of_its_message(self, served: Stage, guarded: Desk) -> None:
        """From FastAPI's side nothing has happened; from ours, all of it."""
        guarded.send()
        served.app = wrapped(fastapi_app(), guarded, "/hook")
        reply = served.post("/hook", BODY, HEADERS)
        assert (reply.status, reply.body) == (202, b'{"type":"message.delivered"}')
        process, server = guarded.one("process message.delivered"), guarded.one("POST /hook")
        assert process["parent"] == ANCHOR
        assert process["attributes"]["http.response.status_code"] == 202
        assert process["attributes"]["linq.webhook.verified"] is True
        assert process["links"][1:] == [("webhook", server["id"])]
        assert server["links"] == [("process", process["id"])]
        assert guarded.one("message delivered")["parent"] == ANCHOR

    def test_a_plain_function_is_a_handler_too(self, served: Stage, guarded: Desk) -> None:
        """FastAPI runs it in a thread, and its span is the same."""
        served.app = wrapped(fastapi_app(), guarded)
        assert served.post("/sync", BODY, HEADERS).status == 200
        assert guarded.one("process message.delivered")["status"] == "UNSET"

    def test_it_is_added_like_any_middleware(self, served: Stage, guarded: Desk) -> None:
        """``app.add_middleware`` with keywords, as the docs say."""
        app = fastapi_app()
        app.add_middleware(
            LinqWebhookMiddleware,
            paths=["/hook"],
            receiver=guarded.receiver,
        )
        served.app = app
        assert served.post("/hook", BODY, HEADERS).status == 202
        assert [span.name for span in guarded.spans] == [
            "message delivered",
            "process message.delivered",
        ]

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_every_type_of_both_versions_passes(
        self, served: Stage, guarded: Desk, version: str
    ) -> None:
        """The 75 types and one more reach the app as they were sent."""
        types = [*EVENT_TYPES, "teleport.beam.started"]
        served.app = wrapped(starlette_app(), guarded, "/hook")
        for event_type in types:
            body = p.body_of(event_type, version)
            reply = served.post("/hook", body, list(p.headers_of(body).items()))
            assert json.loads(reply.body) == {
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
            }
        names = [s.name for s in guarded.spans if s.name.startswith("process ")]
        assert names == [f"process {event_type}" for event_type in types]

    @pytest.mark.parametrize("path", ["/hook", "/pieces", "/streamed", "/unread", "/sub/hook"])
    @pytest.mark.parametrize(
        "body",
        [
            BODY,
            b"",
            [BODY[:10], BODY[10:500], BODY[500:]],
            [bytes([byte]) for byte in BODY[:50]] + [BODY[50:]],
            b"x" * 300_000,
            [b"y" * 65_536] * 3,
            b"z" * (MAX_BODY + 1),
            [b"w" * 65_536] * 20,
        ],
        ids=["whole", "empty", "3", "51", "300 kB", "192 kB in 3", "over", "over in 20"],
    )
    def test_the_answer_is_what_it_would_be_without_us(
        self, served: Stage, guarded: Desk, path: str, body: Any
    ) -> None:
        """Status, headers in their order, and body, whole or in pieces, long or short."""
        served.app = starlette_app()
        expected = served.post(path, body, HEADERS)
        served.app = wrapped(starlette_app(), guarded)
        assert _comparable(served.post(path, body, HEADERS), path) == _comparable(expected, path)

    def test_a_body_over_the_limit_passes_untraced(
        self, served: Stage, guarded: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What cannot be an event is not held back; one line counts it."""
        served.app = wrapped(starlette_app(), guarded)
        for _ in range(2):
            reply = served.post("/hook", b"x" * (MAX_BODY + 1), HEADERS)
            assert json.loads(reply.body)["length"] == MAX_BODY + 1
        assert [span.name for span in guarded.spans] == ["POST /hook", "POST /hook"]
        assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
            "a webhook was not joined: its body is too long or broke off (logged once)"
        ]

    def test_a_client_that_goes_away_is_the_app_s_to_see(
        self, served: Stage, guarded: Desk
    ) -> None:
        """The app gets the pieces there were, and then the disconnection."""
        seen: list[object] = []
        done = threading.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            request = Request(scope, receive)
            try:
                async for piece in request.stream():
                    seen.append(piece)  # noqa: PERF401  # What came before the break is wanted.
            except ClientDisconnect:
                seen.append("gone")
            done.set()

        served.app = wrapped(app, guarded)
        head = (
            "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nX-Webhook-Event: a\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(head.encode() + b"half")
        assert done.wait(5)
        assert seen == [b"half", "gone"]
        assert [span.name for span in guarded.spans if span.name != "POST /hook"] == []

    @pytest.mark.parametrize("status", [200, 404, 429, 500, 503])
    def test_the_answer_s_status_is_noted(self, served: Stage, guarded: Desk, status: int) -> None:
        """5xx makes Linq deliver again, and is an error; 4xx is not ours to judge."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await Response(status_code=status)(scope, receive, send)

        served.app = wrapped(app, guarded)
        assert served.post("/hook", BODY, HEADERS).status == status
        span = guarded.one("process message.delivered")
        assert span["attributes"]["http.response.status_code"] == status
        expected = ("ERROR", str(status)) if status >= 500 else ("UNSET", None)
        assert (span["status"], span["attributes"].get("error.type")) == expected

    def test_what_the_app_raises_is_the_server_s_to_answer(
        self, served: Stage, guarded: Desk
    ) -> None:
        """The exception passes as it is, and only its type is recorded."""
        error = LookupError(p.TEXT)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise error

        served.app = wrapped(app, guarded)
        assert served.post("/hook", BODY, HEADERS).status == 500
        assert served.errors[0] is error
        span = guarded.one("process message.delivered")
        assert (span["status"], span["attributes"]["error.type"]) == ("ERROR", "LookupError")
        assert span["events"] == []

    @pytest.mark.timing
    def test_the_loop_serves_others_while_a_delivery_waits(self, served: Stage, desk: Desk) -> None:
        """A webhook that has overtaken its answer holds up nobody else."""
        desk.receiver.tracing.origins.sends_under_way.add(1)
        served.app = wrapped(starlette_app(), desk)
        waiting = threading.Thread(target=served.post, args=("/hook", BODY, HEADERS))
        waiting.start()
        with timed() as timing:
            served.post("/hook", b"{}")
        waiting.join(5)
        desk.receiver.tracing.origins.sends_under_way.clear()
        assert timing.net < 0.2


def _comparable(reply: Reply, path: str) -> Any:
    if path != "/pieces":
        return reply
    # How TCP cuts a body into pieces is not the same twice.
    return reply.status, [item for item in reply.headers if item[0] != "content-length"]
