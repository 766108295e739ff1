from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._late import LATE_CHOICES, LatePolicy, choose_late_policy
from linq_otel._lifecycle import StageTimes
from support import payloads as p
from support.metric_readings import Meterage
from support.webhook_desk import Desk, Life, digest, label


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> int:
    """Stop the clock seven hours after the message was read."""
    at = p.at_ns(3600.25) + 7 * HOUR
    monkeypatch.setattr(time, "time_ns", lambda: at)
    return at


class TestChoices:
    def test_backends(self) -> None:
        """A backend's name stands for what it documents."""
        assert {name: choose_late_policy(name, None) for name in LATE_CHOICES} == {
            "keep": LatePolicy("keep", float("inf")),
            "clamp": LatePolicy("clamp", 64_800.0),
            "link": LatePolicy("link", 64_800.0),
            "jaeger": LatePolicy(),
            "tempo": LatePolicy(),
            "victoria-traces": LatePolicy("clamp", 604_800.0),
            "loki": LatePolicy(),
            "grafana-cloud": LatePolicy(),
            "honeycomb": LatePolicy(),
            "otlp": LatePolicy(),
            "datadog": LatePolicy("clamp", 64_800.0),
            "dynatrace": LatePolicy("clamp", 3_600.0),
            "dash0": LatePolicy("clamp", 21_600.0),
            "sumologic": LatePolicy("clamp", 86_400.0),
            "newrelic": LatePolicy("link", 90.0),
        }

    def test_own_age(self) -> None:
        """``late_after`` goes before the backend's own; what is kept has no age."""
        assert choose_late_policy("datadog", 60.0) == LatePolicy("clamp", 60.0)
        assert choose_late_policy("link", 60.0) == LatePolicy("link", 60.0)
        assert choose_late_policy("jaeger", 60.0) == LatePolicy()


class TestFit:
    @pytest.mark.parametrize(
        ("hours", "fitted"),
        [
            # Start and end in hours before now; the limit is six of them, less a minute.
            ((5.0, 4.0), (5.0, 4.0)),
            ((9.0, 4.0), (6.0 - 1 / 60, 4.0)),
            ((9.0, 8.0), (6.0 - 1 / 60, None)),
        ],
    )
    def test_moves_what_is_too_old(
        self, now: int, hours: tuple[float, float], fitted: tuple[float, float | None]
    ) -> None:
        """What the backend takes stays as it is; the rest is moved no further than it must."""
        times = StageTimes(now - round(hours[0] * HOUR), now - round(hours[1] * HOUR), 7)
        found = LatePolicy("clamp", 6 * 3600.0).fit(times)
        start = now - round(fitted[0] * HOUR)
        end = start + 1_000 if fitted[1] is None else now - round(fitted[1] * HOUR)
        assert found == StageTimes(start, end, 7)


class TestClamp:
    def test_a_stage_too_old(
        self, now: int, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """It stays in its life, at the oldest time the backend takes, and says when it was."""
        desk = Desk(provider, exporter, {"late": "dash0"})
        desk.send()
        desk.stage("read")
        life, stage = Life.by_linq_trace_id(), desk.one("message read")
        oldest = now - 6 * HOUR + 60 * SECOND
        assert (stage["id"], stage["parent"], stage["times"]) == (
            f"{life.otel_trace_id}-{life.stage_id('read')}",
            life.anchor,
            (oldest, oldest + 1_000),
        )
        assert stage["attributes"]["linq.late"] is True
        assert stage["attributes"]["linq.stage.time"] == "2026-09-21T14:33:20.250000000Z"
        assert desk.one("process message.read")["parent"] == life.anchor

    def test_a_stage_that_is_fresh(
        self, now: int, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """What the backend takes as it is, is not touched."""
        desk = Desk(provider, exporter, {"late": "datadog"})
        desk.send()
        desk.stage("read")
        stage = desk.one("message read")
        assert stage["times"] == (p.at_ns(5.5), p.at_ns(3600.25))
        assert "linq.late" not in stage["attributes"]


class TestLink:
    def test_a_life_that_is_closed(
        self, now: int, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Nothing is added to it; what came is told in the webhook's trace, and linked."""
        desk = Desk(provider, exporter, {"late": "newrelic"})
        sender = desk.send()
        desk.stage("read")
        life = Life.by_linq_trace_id()
        server, process = desk.one_server(), desk.one("process message.read")
        stage = desk.one("message read")
        trace = server["id"].partition("-")[0]
        assert process["parent"] == server["id"]
        assert process["links"] == [("send", label(sender)), ("lifecycle", life.anchor)]
        assert server["links"] == [("lifecycle", life.anchor)]
        assert stage["parent"] == process["id"]
        span_id = process["id"].partition("-")[2]
        assert stage["id"] == f"{trace}-{digest('stage', trace, span_id, 'read')}"
        assert stage["times"] == (now, now + 1_000)
        assert stage["attributes"]["linq.late"] is True
        assert stage["attributes"]["linq.stage.time"] == "2026-09-21T14:33:20.250000000Z"

    def test_a_life_that_is_open(
        self,
        monkeypatch: pytest.MonkeyPatch,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """In time, a life is added to as ever."""
        monkeypatch.setattr(time, "time_ns", lambda: p.at_ns(60))
        desk = Desk(provider, exporter, {"late": "newrelic"})
        desk.send()
        desk.stage("sent")
        assert desk.one("process message.sent")["parent"] == Life.by_linq_trace_id().anchor

    @pytest.mark.parametrize("options", [{"stages": False}, {"join": "app"}, {"join": "link"}])
    def test_in_other_modes(
        self,
        now: int,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        options: dict[str, Any],
    ) -> None:
        """The handler is in the webhook's trace in every mode."""
        desk = Desk(provider, exporter, {"late": "link", "late_after": 3600.0, **options})
        desk.send()
        desk.stage("read")
        assert desk.one("process message.read")["parent"] == desk.one_server()["id"]


class TestMetrics:
    def test_are_of_the_true_times(
        self,
        now: int,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """How long a message took to be read does not depend on what is drawn."""
        meterage = Meterage()
        options = {"late": "dash0", "meter_provider": meterage.provider}
        desk = Desk(provider, exporter, options)
        desk.send()
        desk.stage("read")
        assert meterage.sums("linq.message.stage.duration") == {("iMessage", "read"): 3599.25}
        meterage.provider.shutdown()
