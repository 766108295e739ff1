from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel import environment_variables
from linq_otel.testing import LinqSimulator
from support.instrumented import INSTRUMENT, run_instrumented, without_others


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# The app knows nothing of tracing.
APP = """
from linq import LinqAPIV3

client = LinqAPIV3()
message = {"parts": [{"type": "text", "value": "hello"}]}
answer = client.chats.create(from_="+15550100000", to=["+15550123"], message=message)
print("answered", bool(answer.chat.message.id))
"""
LIFE = ["linq chats.create", "linq message", "message accepted", "POST /v3/chats"]


@pytest.fixture
def linq() -> Iterator[LinqSimulator]:
    """
    Yield a local Linq.
    """
    with LinqSimulator(seed=7, speed=0) as linq:
        yield linq


def run(
    linq: LinqSimulator, *flags: str, cwd: Path, **environment: str
) -> tuple[list[dict[str, Any]], str]:
    """
    Run the app under ``opentelemetry-instrument``; returns its spans and its log.
    """
    linq_variables = {
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": without_others(),
        "LINQ_API_V3_BASE_URL": linq.base_url,
        "LINQ_API_V3_API_KEY": linq.api_key,
        **environment,
    }
    printed, spans, log = run_instrumented(APP, flags=flags, cwd=cwd, **linq_variables)
    assert "answered True" in printed
    return spans, log


def names(spans: list[dict[str, Any]]) -> list[str]:
    """
    Return the names of the spans, sorted without case.
    """
    return sorted((span["name"] for span in spans), key=str.lower)


class TestZeroCode:
    def test_traces_an_app_that_knows_nothing_of_it(
        self, linq: LinqSimulator, tmp_path: Path
    ) -> None:
        """
        Without a line of code, a send has its call, its attempt and its life.
        """
        spans, _log = run(linq, cwd=tmp_path, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="")
        assert names(spans) == LIFE

    def test_is_switched_off_by_its_name(self, linq: LinqSimulator, tmp_path: Path) -> None:
        """
        The standard variable keeps us out of the app.
        """
        disabled = f"{without_others()},linq"
        spans, _log = run(linq, cwd=tmp_path, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=disabled)
        assert names(spans) == []

    def test_takes_its_options_as_flags(self, linq: LinqSimulator, tmp_path: Path) -> None:
        """
        Each variable of ours is a flag of the command.
        """
        spans, _log = run(linq, "--linq_join", "app", cwd=tmp_path)
        assert names(spans) == LIFE
        assert len({span["context"]["trace_id"] for span in spans}) == 1

    def test_takes_its_options_from_the_environment(
        self, linq: LinqSimulator, tmp_path: Path
    ) -> None:
        """
        ``OTEL_PYTHON_LINQ_STAGES=false`` draws neither anchor nor stage.
        """
        spans, _log = run(linq, cwd=tmp_path, OTEL_PYTHON_LINQ_STAGES="false")
        assert names(spans) == ["linq chats.create", "POST /v3/chats"]

    def test_runs_on_with_a_wrong_variable(self, linq: LinqSimulator, tmp_path: Path) -> None:
        """
        A value we cannot use is said in one line, and its default is used.
        """
        spans, log = run(linq, cwd=tmp_path, OTEL_PYTHON_LINQ_JOIN="sideways")
        assert names(spans) == LIFE
        line = "OTEL_PYTHON_LINQ_JOIN must be one of linq, app, message, link"
        assert log.count(line) == 1

    def test_takes_its_options_from_the_configuration_file(
        self, linq: LinqSimulator, tmp_path: Path
    ) -> None:
        """
        OpenTelemetry's declarative file configures us beside the SDK, typed.
        """
        (tmp_path / "otel.yaml").write_text(
            """
            file_format: "1.0"
            tracer_provider:
              processors:
                - simple:
                    exporter:
                      console:
            instrumentation/development:
              python:
                linq:
                  join: app
                  stages: true
                linq_webhooks:
                  duplicates: answer
                  paths: [/webhooks/linq]
            """,
            encoding="utf-8",
        )
        spans, log = run(linq, cwd=tmp_path, OTEL_CONFIG_FILE="otel.yaml")
        assert names(spans) == LIFE
        assert "linq_webhooks" not in log
        assert len({span["context"]["trace_id"] for span in spans}) == 1

    def test_offers_every_variable_as_a_flag(self) -> None:
        """
        The help of the command names each of our variables.
        """
        done = subprocess.run(
            [INSTRUMENT, "--help"], capture_output=True, text=True, timeout=60, check=True
        )
        flags = [
            "--" + name.removeprefix("OTEL_PYTHON_").lower()
            for name in vars(environment_variables)
            if name.startswith("OTEL_")
        ]
        assert [flag for flag in flags if flag not in done.stdout] == []
