"""
Every example is run by a test: what strangers copy must work.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from linq_otel.testing import LinqSimulator
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.payloads import SECRET, body_of, headers_of
from support.programs import EXAMPLES, REPOSITORY, open_program
from support.span_sink import open_span_sink


if TYPE_CHECKING:
    from pathlib import Path


STORY = "tests/support/story.py"
UNTOUCHED = "tests/receivers/test_untouched_apps.py"
RUN_BY = {
    "agent_turn.py": "tests/docs/test_plays.py",
    "fastapi_app.py": STORY,
    "integration_logs.py": "tests/test_examples.py",
    "lambda_handler.py": "tests/test_examples.py",
    "plain_server.py": "tests/test_examples.py",
    "send_message.py": STORY,
    "test_my_app.py": "tests/testing/test_page.py",
    "untouched/aiohttp_shop.py": UNTOUCHED,
    "untouched/django_settings.py": UNTOUCHED,
    "untouched/django_shop.py": UNTOUCHED,
    "untouched/fastapi_shop.py": UNTOUCHED,
    "untouched/flask_shop.py": UNTOUCHED,
    "untouched/send.py": UNTOUCHED,
}


class TestExamples:
    def test_all_run(self) -> None:
        """
        No example is without a test that runs it.
        """
        found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
        assert found == set(RUN_BY)

    @pytest.mark.parametrize(("name", "test"), RUN_BY.items())
    def test_run_by(self, name: str, test: str) -> None:
        """
        The test that is said to run an example names it, and so does the list of examples.
        """
        assert name.rpartition("/")[2].removesuffix(".py") in (REPOSITORY / test).read_text()
        assert f"({name})" in (EXAMPLES / "README.md").read_text()

    @pytest.mark.parametrize("name", RUN_BY)
    def test_short(self, name: str) -> None:
        """
        An example can be read at a glance.
        """
        assert len((EXAMPLES / name).read_text().splitlines()) < 70


class TestPlainServer:
    def test_webhook(self, tmp_path: Path) -> None:
        """
        A webhook from Linq is answered 200 and drawn; a stranger's is answered 401 and told nobody.
        """
        (port,) = find_free_ports(1)
        with LinqSimulator(seed=7, speed=0) as linq, open_span_sink() as sink:
            url = f"http://{LOOPBACK}:{port}/"
            secret = linq.subscribe(url, ("message.received", "message.delivered")).signing_secret
            environment = {
                "LINQ_WEBHOOK_SECRET": secret,
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                "PORT": str(port),
                "NO_PROXY": LOOPBACK,
            }
            command = [str(EXAMPLES / "plain_server.py")]
            with open_program("server", command, environment, tmp_path) as server:
                server.wait_until(lambda: is_open(LOOPBACK, port), "open port")
                received = linq.receive()
                linq.wait_until_idle()
                linq.forge()
                linq.wait_until_idle()
                assert (server.stop(), server.lines) == (
                    0,
                    [f"message.received {received.message_id}"],
                )
            assert [(one.event_type, one.status) for one in linq.deliveries] == [
                ("message.received", 200),
                ("message.delivered", 401),
            ]
            assert sink.names == ["process message.received", "process message.delivered"]


class TestLambdaHandler:
    def test_webhook(self, tmp_path: Path) -> None:
        """
        A function URL's event is answered 204, and its spans have left before the function returns.
        """
        body = body_of("message.delivered")
        headers = headers_of(body, signed_at=int(time.time()))
        request = {"http": {"method": "POST"}}
        event = {"requestContext": request, "headers": headers, "body": body.decode()}
        code = (
            "import lambda_handler, json, os, sys\n"
            "print(lambda_handler.handler(json.loads(sys.argv[1]), None), flush=True)\n"
            "os._exit(0)  # Nothing is sent at the end of the process."
        )
        with open_span_sink() as sink:
            environment = {
                "LINQ_WEBHOOK_SECRET": SECRET,
                "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(EXAMPLES)]),
                "NO_PROXY": LOOPBACK,
            }
            command = ["-c", code, json.dumps(event)]
            with open_program("function", command, environment, tmp_path) as function:
                assert (function.wait(), function.lines) == (0, ["{'statusCode': 204}"])
                assert function.complaints == ""
            assert sorted(sink.names) == [
                "message delivered",
                "process message.delivered",
                "update order",
            ]


class TestIntegrationLogs:
    def test_rows(self, tmp_path: Path) -> None:
        """
        Rows are read, what did not arrive is named, and every row leaves as a span.
        """
        rows = REPOSITORY / "tests" / "integration_logs" / "samples" / "eight.ndjson"
        with open_span_sink() as sink:
            environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "NO_PROXY": LOOPBACK}
            command = [str(EXAMPLES / "integration_logs.py"), str(rows)]
            with open_program("bridge", command, environment, tmp_path) as bridge:
                assert (bridge.wait(), bridge.complaints) == (0, "")
                assert bridge.lines == [
                    "POST /conversations/messages/inbound -> 201 unconfirmed",
                    "POST /conversations/messages/inbound -> 401 rejected",
                    "PUT /contacts/{id} -> 429 throttled",
                    "PATCH /crm/v3/objects/contacts/{email} -> 400 rejected",
                    "POST /services/data/{version}/composite/sobjects -> 200 partial",
                    "8 sent",
                ]
            assert len(sink.names) == 8
