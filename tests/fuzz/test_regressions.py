"""
What fuzzing has found, in plain words.
"""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._origins import Origin
from linq_otel._targets import parse_target
from linq_otel.errors import StoreError
from linq_otel.stores.own import OwnStore
from linq_otel.stores.sqlite import SQLiteStore
from linq_otel.webhooks._environs import parse_length
from linq_otel.webhooks.aws_lambda import linq_webhook
from linq_otel.webhooks.wsgi import LinqWebhookMiddleware
from support import payloads as p
from support.origins import LIFECYCLE, TRACEPARENT
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.webhooks import WebhookReceiver


YEAR_2200 = 7_258_118_400 * 10**9
ROW = {"traceparent": TRACEPARENT, "lifecycle": LIFECYCLE, "message_id": p.MESSAGE_ID}


@pytest.fixture
def desk(provider: TracerProvider, exporter: InMemorySpanExporter) -> Desk:
    """
    Return a process with the default options and no secret.
    """
    return Desk(provider, exporter)


class TestRowsOfStores:
    @pytest.mark.parametrize("field", ["requested_at", "accepted_at"])
    @pytest.mark.parametrize("moment", [10**30, 2**64, 2**63, YEAR_2200, -1])
    def test_moments_of_no_span(self, field: str, moment: int) -> None:
        """A stage is drawn after such a moment, and its span could be exported by nobody."""
        with pytest.raises(StoreError, match="no origin: a field of another type"):
            Origin.from_json(json.dumps({**ROW, field: moment}))
        assert Origin.from_json(json.dumps({**ROW, field: YEAR_2200 - 1})).message_id

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("accepted_at", ""),
            ("accepted_at", []),
            ("accepted_at", False),
            ("accepted_at", 0.0),
            ("message_id", 0),
            ("message_id", []),
            ("chat_id", {}),
            ("idempotency_key", False),
            ("linq_trace_ids", "abc"),
            ("linq_trace_ids", {"abc": 1}),
        ],
    )
    def test_values_that_pass_for_nothing(self, field: str, value: object) -> None:
        """What is false, or can be walked through, is no value of the right type for that."""
        with pytest.raises(StoreError, match="no origin: a field of another type"):
            Origin.from_json(json.dumps({**ROW, field: value}))

    def test_a_webhook_of_such_a_row(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """It is joined by its own ids, and every span of it can be exported."""
        store = OwnStore(find=lambda _: json.dumps({**ROW, "requested_at": 10**30}))
        Desk(provider, exporter, store=store).stage("delivered")
        ends = {span.name: span.end_time for span in exporter.get_finished_spans()}
        assert sorted(ends) == ["POST /hook", "message delivered", "process message.delivered"]
        assert ends["message delivered"] == p.at_ns(p.TIMES["delivered"])


class TestKeys:
    def test_half_a_character(self, tmp_path: Path) -> None:
        """SQLite cannot keep it as text; its bytes are an id like any other."""
        origin = Origin(TRACEPARENT, message_id="\ud800")
        with closing(SQLiteStore(str(tmp_path / "linq.db"))) as store:
            store.save(origin)
            assert store.find("message:\ud801", "message:\ud800") == ("message:\ud800", origin)
            assert [store.claim("\ud800"), store.claim("\ud800")] == [True, False]


class TestUrls:
    @pytest.mark.parametrize("host", ["h\ud800", "\ud800", "h\x01", "h\u00a0", "h" * 254])
    def test_hosts_that_are_none(self, host: str) -> None:
        """Half a character in an attribute, and the batch of its span cannot be exported."""
        assert parse_target("POST", f"http://{host}/api/partner/v3/chats") is None
        assert parse_target("POST", "http://ü.example/api/partner/v3/chats") is not None


def serve_wsgi(receiver: WebhookReceiver, status: str = "200 OK", **more: str) -> list[str]:
    """
    Serve one delivery by WSGI, and return what the server was told.
    """
    body, said = p.body_of("message.sent"), list[str]()
    names = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in p.headers_of(body).items()}
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/hook",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **names,
        **more,
    }

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [])
        return [b""]

    served = LinqWebhookMiddleware(app, ["/hook"], receiver)
    assert served(environ, lambda status, _headers: said.append(status)) == [b""]
    return said


class TestStatuses:
    @pytest.mark.parametrize(
        "status", ["²", "²²²", "٣٣٣", -1, 99, 1000, True, None, "", "20", "2000", "OK", [200]]
    )
    def test_of_a_lambda(self, desk: Desk, status: Any) -> None:
        """What a function answers is its own, and nothing is raised over it."""
        check_lambda(desk, status)

    def test_of_a_lambda_with_too_many_digits(self, desk: Desk) -> None:
        """Python refuses to write a number of 5,000 digits as text."""
        check_lambda(desk, 10**5_000)

    @pytest.mark.parametrize("status", ["²²² OK", "٣٣٣", "", "OK", "20 x", "2000 x", "099 x"])
    def test_of_wsgi(self, desk: Desk, status: str) -> None:
        """The server is told what the app says, and the span nothing."""
        assert serve_wsgi(desk.receiver, status) == [status]
        check_no_status(desk)


def check_lambda(desk: Desk, status: Any) -> None:
    """
    Serve one delivery by AWS Lambda, whose function answers *status*.
    """
    body, answer = p.body_of("message.sent"), {"statusCode": status}
    event = {"httpMethod": "POST", "headers": p.headers_of(body), "body": body.decode()}
    serve = linq_webhook(lambda _event, _context: answer, receiver=desk.receiver)
    assert serve(event, None) is answer
    check_no_status(desk)


def check_no_status(desk: Desk) -> None:
    attributes = desk.one("process message.sent")["attributes"]
    assert "http.response.status_code" not in attributes


class TestLengths:
    @pytest.mark.parametrize("declared", ["²", "٣", "1" * 5_000, "-1", "1e3", "0x10", " 5"])
    def test_of_wsgi(self, desk: Desk, declared: str) -> None:
        """A length that is none is the app's and its server's affair."""
        assert serve_wsgi(desk.receiver, CONTENT_LENGTH=declared) == ["200 OK"]
        assert desk.spans == ()
        assert parse_length(declared) is None

    def test_what_is_one(self) -> None:
        """Django's adapter reads it the same way."""
        assert [parse_length(text) for text in ("0", "007", "9" * 18)] == [0, 7, 10**18 - 1]


class TestLambdaEvents:
    @pytest.mark.parametrize("context", [True, 5, None, [], "http", {"http": None}, {"http": []}])
    def test_requests_of_no_kind(self, context: Any) -> None:
        """An event that is no request is the function's, and no failure of ours."""
        serve = linq_webhook(lambda event, _context: event)
        event = {"requestContext": context}
        assert serve(event, None) is event
