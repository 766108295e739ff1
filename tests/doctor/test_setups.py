"""
Set-ups that are broken in one way each, every one a process as a person would start it.

What each lacks stands in a table; everything else about it is as it should be, so that what is
found is all that is wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from support import payloads as p
from support.command_line import LINQ_OTEL, environment_of_a_person, run_command
from support.otlp_processes import find_free_ports
from support.otlp_sinks import open_http_sink


if TYPE_CHECKING:
    from collections.abc import Iterator


AUTO = str(Path(sys.executable).parent / "opentelemetry-instrument")
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ENFORCE = "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE"
OFF = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
# Of the findings that are no warning, those that a set-up of the table is about.
TOLD = (
    "http.nested.unseen",
    "linq.key.unset",
    "otel.service.unset",
    "webhooks.server",
    "webhooks.server.missing",
)
# What a whole environment has; a set-up takes some of it out with None.
WHOLE = {
    "LINQ_API_V3_API_KEY": "do-not-show-me",
    "LINQ_WEBHOOK_SECRET": p.SECRET,
    "NO_PROXY": "*",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{sink}",
    PROTOCOL: "http/protobuf",
}


@dataclass(frozen=True)
class SetUp:
    """
    One set-up.

    Attributes:
        found: The codes of the warnings, problems and such as stand in TOLD, in order.
        said: A part of the title or the remedy of one of them.
        environment: What differs from WHOLE; None takes a variable out.
        app: The code of its app; none is examined if it is empty.
    """

    found: tuple[str, ...]
    said: str
    environment: dict[str, str | None] = field(default_factory=dict)
    app: str = ""


def of_environment(found: str, said: str, **environment: str | None) -> SetUp:
    return SetUp(tuple(found.split()), said, environment)


START = """
    import linq_otel
    from linq_otel.export import configure
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
"""
WHOLE_START = f"""{START}
    configure()
    linq_otel.instrument()
"""


def of_app(found: str, said: str, code: str, start: str = START, **environment: str) -> SetUp:
    text = f"{dedent(start)}{dedent(code)}"
    return SetUp(tuple(found.split()), said, dict(environment), text)


SETUPS = {
    # The environment.
    "whole": of_environment("", ""),
    "switched off": of_environment(
        "otel.disabled", "unset OTEL_SDK_DISABLED", OTEL_SDK_DISABLED="true"
    ),
    "no protocol": of_environment(
        "export.protocol", f"export {PROTOCOL}=http/protobuf", OTEL_EXPORTER_OTLP_PROTOCOL=None
    ),
    "wrong protocol": of_environment(
        "export.failed", f"type {PROTOCOL}=http/protobuf", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"
    ),
    "nothing listens": of_environment(
        "export.failed", "nothing listens", OTEL_EXPORTER_OTLP_ENDPOINT="{closed}"
    ),
    "wrong port": of_environment(
        "export.invalid", f"or {PROTOCOL}=grpc", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317"
    ),
    "no key of a backend": of_environment(
        "export.invalid",
        "set HONEYCOMB_API_KEY",
        OTEL_PYTHON_LINQ_BACKEND="honeycomb",
        OTEL_EXPORTER_OTLP_ENDPOINT=None,
    ),
    "no name of a service": of_environment(
        "otel.service.unknown", "export OTEL_SERVICE_NAME=shop", OTEL_SERVICE_NAME=None
    ),
    "nothing said": of_environment(
        "otel.service.unset",
        "no variable",
        OTEL_SERVICE_NAME=None,
        OTEL_EXPORTER_OTLP_ENDPOINT=None,
    ),
    "no API key": of_environment(
        "linq.key.unset", "export LINQ_API_V3_API_KEY=…", LINQ_API_V3_API_KEY=None
    ),
    "no webhook secret": of_environment(
        "webhooks.secret.missing", "export LINQ_WEBHOOK_SECRET", LINQ_WEBHOOK_SECRET=None
    ),
    "enforced nowhere": of_environment(
        "webhooks.enforce.idle", "needs the paths", **{ENFORCE: "true"}
    ),
    "store of one process": of_environment(
        "join.unshared", "export OTEL_PYTHON_LINQ_STORE", OTEL_PYTHON_LINQ_JOIN="app"
    ),
    "store that is not there": of_environment(
        "store.unreachable", "cannot be reached", OTEL_PYTHON_LINQ_STORE="redis://{closed_place}/0"
    ),
    "wire left to others": of_environment(
        "http.nested.unseen", "", OTEL_PYTHON_LINQ_HTTP_SPANS="nested"
    ),
    # The app.
    "whole app": of_app("", "", "", WHOLE_START),
    "no provider": of_app(
        "otel.provider.missing", "configure('jaeger') before", "linq_otel.instrument()"
    ),
    "not instrumented": of_app("linq.uninstrumented", "instrument() was not called", "configure()"),
    "two providers": of_app(
        "otel.provider.two otel.sampler.ratio otel.sampler.ratio",
        "the global provider's sampler records 0.25",
        """
        configure()
        own = TracerProvider()
        own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        linq_otel.instrument(tracer_provider=own)
        """,
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.25",
    ),
    "provider refused": of_app(
        "otel.provider.idle",
        "trace.set_tracer_provider(…) before configure()",
        """
        configure()
        own = TracerProvider(sampler=TraceIdRatioBased(0.5))
        own.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(own)
        linq_otel.instrument()
        """,
    ),
    "one by one": of_app(
        "otel.processor.simple",
        "BatchSpanProcessor(OTLPSpanExporter(…))",
        """
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        linq_otel.instrument()
        """,
    ),
    "nothing exported": of_app(
        "otel.processor.none",
        "exports nothing",
        "trace.set_tracer_provider(TracerProvider()); linq_otel.instrument()",
    ),
    "server not instrumented": of_app(
        "webhooks.server.missing",
        "FlaskInstrumentor().instrument_app(app)",
        "import flask; app = flask.Flask('shop')",
        WHOLE_START,
    ),
    "server instrumented too late": of_app(
        "webhooks.server.missing",
        "installed, and not active",
        """
        import flask
        from opentelemetry.instrumentation.flask import FlaskInstrumentor
        from flask import Flask
        app = Flask("shop")
        FlaskInstrumentor().instrument()
        """,
        WHOLE_START,
    ),
    "one app instrumented": of_app(
        "webhooks.server",
        "fastapi records SERVER spans",
        """
        import fastapi
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        app = fastapi.FastAPI()
        FastAPIInstrumentor.instrument_app(app)
        """,
        WHOLE_START,
    ),
    "wire left to nothing": of_app(
        "http.nested.missing",
        "HTTPXClientInstrumentor().instrument()",
        "",
        WHOLE_START,
        OTEL_PYTHON_LINQ_HTTP_SPANS="nested",
    ),
    "texts shown": of_app(
        "privacy.content",
        "unset OTEL_PYTHON_LINQ_CAPTURE_CONTENT",
        "configure(); linq_otel.instrument(capture_content=True)",
        OTEL_PYTHON_LINQ_CAPTURE_CONTENT="true",
    ),
}
# What an app raises as it is imported, and the line that is said of it.
FAILING = {
    "import linq; linq.LinqAPIV3()": "needs LINQ_API_V3_API_KEY, which is not set: export "
    "LINQ_API_V3_API_KEY=…",
    "import os; os.environ['SHOP_TOKEN']": "needs SHOP_TOKEN, which is not set: export "
    "SHOP_TOKEN=…",
    "linq_otel.instrument(join='both')": "raised ConfigurationError: join must be one of linq, "
    "app, message, link; it is 'both'",
    "{}['+15550100001']": "raised KeyError: see python -c 'import shop'",
}


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, str]]:
    """
    Yield where an endpoint takes exports, and where nothing listens.
    """
    closed = f"127.0.0.1:{find_free_ports(1)[0]}"
    with open_http_sink() as sink:
        yield {"sink": sink.endpoint, "closed": f"http://{closed}", "closed_place": closed}


def environment_of(setup: SetUp, places: dict[str, str]) -> dict[str, str]:
    known = {**WHOLE, **setup.environment}
    return {name: value.format(**places) for name, value in known.items() if value is not None}


def judge(setup: SetUp, code: int, document: str) -> None:
    """
    Compare what was found with what a set-up lacks.
    """
    findings: list[dict[str, Any]] = json.loads(document)["findings"]
    wrong = [f for f in findings if f["severity"] in {"warning", "problem"} or f["code"] in TOLD]
    assert tuple(f["code"] for f in wrong) == setup.found
    assert any(setup.said in f["title"] + f["remedy"] for f in wrong) or not setup.said
    assert code == any(f["severity"] == "problem" for f in wrong)
    assert "do-not-show-me" not in document


@pytest.mark.slow
@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_broken(setup: SetUp, places: dict[str, str], tmp_path: Path) -> None:
    """What is broken is found, and nothing else is."""
    (tmp_path / "shop.py").write_text(setup.app)
    more = ("--import", "shop") if setup.app else ()
    done = run_command("doctor", "--json", *more, cwd=tmp_path, **environment_of(setup, places))
    judge(setup, done.returncode, done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("code", FAILING)
def test_failing(code: str, places: dict[str, str], tmp_path: Path) -> None:
    """An app that cannot be imported is told in one line, with what it needs if that is known."""
    (tmp_path / "shop.py").write_text(f"{dedent(START)}{code}\n")
    environment = environment_of(SetUp((), "", {"LINQ_API_V3_API_KEY": None}), places)
    done = run_command("doctor", "--import", "shop", cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"linq-otel: shop {FAILING[code]}\n",
    )


@pytest.mark.slow
def test_without_code(places: dict[str, str], tmp_path: Path) -> None:
    """Where `opentelemetry-instrument` starts it, variables alone are advised."""
    setups = (
        SetUp(
            ("export.failed", "webhooks.server"), f"type {PROTOCOL}=http/protobuf", {PROTOCOL: None}
        ),
        SetUp(
            ("otel.instrumentor.off", "linq.uninstrumented", "webhooks.server"),
            f"take linq out of {OFF}",
            {OFF: "linq"},
        ),
    )
    # Side by side: each takes three seconds to load every instrumentation there is.
    running = [
        subprocess.Popen(
            [AUTO, *LINQ_OTEL, "doctor", "--json"],
            env=environment_of_a_person(
                **environment_of(setup, places), PYTHONPATH=str(Path(__file__).parents[2])
            ),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for setup in setups
    ]
    for setup, process in zip(setups, running, strict=True):
        document, _ = process.communicate(timeout=60)
        judge(setup, process.returncode, document)
