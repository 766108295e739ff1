"""
Whatever a stranger sends, the app's answer is the app's own.

Each row is delivered twice: to a real FastAPI app behind a real server, whose answer is compared
with what the same app answers without us, and to the framework-free receiver.
"""

from __future__ import annotations

import gc
import json
import logging
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from linq_otel.webhooks import MAX_BODY
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.bad_deliveries import BODIES, FIELDS, GOOD, LONG, MARK, ROWS, SENT, Row, changed, data


if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.asgi_servers import Stage
    from support.webhook_desk import Desk


JOINED_SOMEWHERE = {"message failed", "message sent"}


def hook_app() -> FastAPI:
    """
    Return an app as people write them: it parses, it trusts, it fails in its own ways.
    """
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request) -> JSONResponse:
        payload = await request.json()
        return JSONResponse({"type": str(payload["event_type"])[:40]}, 202, {"X-Token": "t"})

    @app.exception_handler(ValueError)
    async def not_json(request: Request, error: ValueError) -> JSONResponse:
        return JSONResponse({"error": type(error).__name__}, 422)

    return app


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what we logged for people to read.
    """
    ours = [r for r in caplog.records if r.name.startswith("linq_otel")]
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


def check_lines(found: Sequence[str]) -> None:
    """
    At most one bounded line, and nothing of the payload in it.
    """
    assert len(found) <= 1
    assert not any(len(line) >= 300 or "\n" in line or MARK in line for line in found)


def check_spans(desk: Desk, row: Row, times: int) -> None:
    """
    The delivery is counted by the span the row names, and joined nothing it must not.
    """
    shown = "".join(span.to_json(None) for span in desk.spans)
    private = (MARK, p.PHONE, p.EMAIL, "15550100123", LONG[:200])
    assert [word for word in private if word in shown] == []
    processes = [s for s in desk.spans if s.name.startswith("process ")]
    assert [span.name for span in processes] == [row.span] * times if row.span else processes == []
    for span in processes:
        assert row.facts.items() <= dict(span.attributes or {}).items()
        assert span.status.status_code.name != "ERROR" or "error.type" in (span.attributes or {})
    others = {span.name for span in desk.spans} - {row.span}
    is_trusted = row.facts.get("linq.webhook.verified", True)
    assert others <= (JOINED_SOMEWHERE if is_trusted and row.span else set())


class TestBehindAServer:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_the_app_answers_what_it_would_without_us(
        self, served: Stage, guarded: Desk, caplog: pytest.LogCaptureFixture, row: Row
    ) -> None:
        """Status, headers and body are equal; we log one line at most, and raise nothing."""
        headers = row.headers_signed()
        served.app = hook_app()
        expected = served.post("/hook", row.body, headers)
        failures = [type(error) for error in served.errors]
        served.errors.clear()
        served.app = LinqWebhookMiddleware(hook_app(), ["/hook"], guarded.receiver)
        caplog.clear()
        for _ in range(2):
            assert served.post("/hook", row.body, headers) == expected
        assert [type(error) for error in served.errors] == failures * 2
        check_lines(lines(caplog))
        check_spans(guarded, row, 2)


class TestByHand:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
    def test_the_handler_runs_and_nothing_is_raised(
        self, guarded: Desk, caplog: pytest.LogCaptureFixture, row: Row
    ) -> None:
        """An event is given where it is one and verified; otherwise the handler is given None."""
        given = []
        lists: dict[str, list[str]] = {}
        for name, value in row.headers_signed():
            lists.setdefault(name, []).append(value)
        for headers in (row.headers_signed(), lists):
            with guarded.receiver.process(headers, row.body) as event:
                given.append(event)
        check_lines(lines(caplog))
        check_spans(guarded, row, 2)
        is_good = row.span is not None and row.facts.get("linq.webhook.verified", True)
        assert [event is not None for event in given] == [is_good, is_good]

    @pytest.mark.parametrize("row", [*BODIES, *FIELDS], ids=lambda row: row.name)
    def test_no_secret_makes_no_difference(
        self, desk: Desk, caplog: pytest.LogCaptureFixture, row: Row
    ) -> None:
        """Unsigned, the same are read and the same are not."""
        for _ in range(2):
            with desk.receiver.process({}, row.body) as event:
                assert (event is not None) == (row.span is not None)
        missing = "no webhook secret is set: deliveries join unverified (logged once)"
        check_lines([line for line in lines(caplog) if line != missing])
        if row.name in {"unknown event type", "unknown stage"}:
            # Unsigned, a type that Linq does not send may be anything.
            row = replace(row, span="process _OTHER")
        check_spans(desk, row, 2)

    @pytest.mark.parametrize("row", FIELDS, ids=lambda row: row.name)
    def test_text_and_parsed_objects_are_no_worse(self, desk: Desk, row: Row) -> None:
        """However the body is handed over, the same is read from it."""
        bodies = [row.body.decode(), bytearray(row.body), json.loads(row.body)]
        for body in bodies:
            with desk.receiver.process({}, body) as event:
                assert (event is not None) == (row.span is not None)

    @pytest.mark.parametrize(
        "headers",
        [None, 5, "text", b"bytes", [1], [("a",)], [(None, None)], {None: None}, {"webhook-id": 5},
         {"webhook-signature": {"v1": "x"}}, {"webhook-id": [], "webhook-signature": [None]}],
    )  # fmt: skip
    def test_headers_of_the_wrong_type_are_none(
        self, guarded: Desk, caplog: pytest.LogCaptureFixture, headers: Any
    ) -> None:
        """Nothing verifies, and nothing is raised."""
        with guarded.receiver.process(headers, GOOD) as event:
            assert event is None
        check_lines(lines(caplog))
        span = guarded.one(SENT)
        assert span["attributes"]["linq.webhook.rejected"] == "headers"

    @pytest.mark.parametrize("body", [None, 5, 1.5, True, [], [GOOD], object(), ()])
    def test_a_body_of_the_wrong_type_is_none(
        self, desk: Desk, caplog: pytest.LogCaptureFixture, body: Any
    ) -> None:
        """A framework's parsed body may be anything."""
        with desk.receiver.process({}, body) as event:
            assert event is None
        check_lines(lines(caplog))
        assert desk.spans == ()


class TestBounds:
    def test_each_kind_is_logged_once_whatever_comes(
        self, guarded: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """All rows one after another leave a handful of lines, one for each kind."""
        for row in [*ROWS, *ROWS]:
            with guarded.receiver.process(row.headers_signed(), row.body):
                pass
        assert sorted(lines(caplog)) == [
            "a webhook was not joined: no signature of the delivery matches a secret (logged once)",
            "a webhook was not joined: the body is longer than 1048576 bytes (logged once)",
            "a webhook was not joined: the body is not JSON (logged once)",
            "a webhook was not joined: the body is not a JSON object (logged once)",
            "a webhook was not joined: the body names no event_type (logged once)",
            "a webhook was not joined: the delivery carries no signature (logged once)",
            "a webhook was not joined: the timestamp is outside the tolerance (logged once)",
        ]

    def test_nothing_of_a_flood_is_kept(self, guarded: Desk) -> None:
        """A thousand refused deliveries, each of its own, leave no memory behind."""
        guarded.exporter.shutdown()

        def flood(name: str) -> None:
            for number in range(500):
                body = changed(f"made.{name}", event_id=f"{name}-{number}")
                guarded.deliver(body, headers={"webhook-id": f"{name}{number}"})

        flood("warm")
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        flood("up")
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert after - before < 50_000

    def test_a_long_body_is_not_parsed(self, guarded: Desk) -> None:
        """Above the limit nothing is read at all, by hand either."""
        body = data(filler="x" * MAX_BODY)
        with guarded.receiver.process(p.headers_of(body), body) as event:
            assert event is None
        assert guarded.spans == ()
