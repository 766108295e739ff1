"""
``opentelemetry-instrument`` over an app of each framework that knows nothing of tracing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support import payloads as p
from support.instrumented import run_instrumented, without_others


TESTS = Path(__file__).parents[1]
BODY = p.body_of("message.delivered")
# Receives its own webhook over a real socket, and answers for it.
APP = """
import json, sys
from support.web_apps import Seen
from support.web_hosts import SERVERS

name, body, headers = sys.argv[1], sys.argv[2].encode(), json.loads(sys.argv[3])
with SERVERS[name](Seen(), None) as post:
    print("answered", [post("/hook", body, headers).status for _ in range(2)], flush=True)
"""


def run(name: str, cwd: Path, **environment: str) -> tuple[str, list[dict[str, Any]], str]:
    """
    Run the app; returns what it answered, its spans, and its log.
    """
    headers = list(p.headers_of(BODY, signed_at=int(time.time())).items())
    arguments = (name, BODY.decode(), json.dumps(headers))
    fixed = {"PYTHONPATH": str(TESTS), "LINQ_WEBHOOK_SECRET": p.SECRET}
    printed, spans, log = run_instrumented(APP, *arguments, cwd=cwd, **fixed, **environment)
    answered = next(line for line in printed.splitlines() if line.startswith("answered"))
    return answered, spans, log


class TestOpenTelemetryInstrument:
    @pytest.mark.parametrize(
        "name", ["starlette", "fastapi", "flask", "django wsgi", "django asgi", "aiohttp"]
    )
    def test_webhooks_join(self, tmp_path: Path, name: str) -> None:
        """Nothing but the command line: the life of the message, and the handler in it."""
        environment = {
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": without_others(name.split(maxsplit=1)[0]),
            "OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES": "answer",
            "OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "/hook",
        }
        answered, spans, log = run(name, tmp_path, **environment)
        assert answered == "answered [202, 200]"
        ours = [s for s in spans if s["name"] == "process message.delivered"]
        assert [s["context"]["trace_id"] for s in ours] == [f"0x{p.LINQ_TRACE_ID}"] * 2
        assert ours[0]["attributes"]["linq.webhook.verified"] is True
        servers = {s["context"]["span_id"] for s in spans if s["kind"] == "SpanKind.SERVER"}
        assert len(servers) == 2
        assert {link["context"]["span_id"] for s in ours for link in s["links"]} == servers
        assert "Traceback" not in log

    def test_it_can_be_disabled(self, tmp_path: Path) -> None:
        """By the name of its entry point."""
        disabled = f"{without_others('flask')},linq_webhooks"
        environment = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled}
        answered, spans, _ = run("flask", tmp_path, **environment)
        assert answered == "answered [202, 202]"
        assert [s for s in spans if s["name"].startswith("process")] == []

    def test_nothing_is_imported_that_the_app_does_not_use(self, tmp_path: Path) -> None:
        """A framework is patched once the app has imported it, and not before."""
        code = (
            "import sys; from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor;"
            "LinqWebhooksInstrumentor().instrument();"
            "print(sorted({'starlette', 'flask', 'django', 'aiohttp'} & set(sys.modules)));"
            "import flask; print(flask.Flask.dispatch_request.__wrapped__.__module__)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.splitlines() == ["[]", "flask.app"]
