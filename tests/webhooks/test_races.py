from __future__ import annotations

import asyncio
import logging
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider

from linq_otel.doctor import examine
from linq_otel.stores import open_store
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.findings import pick
from support.racing import (
    ANCHOR,
    DERIVED,
    SLACK,
    WAIT,
    Shared,
    fresh,
    later,
    now,
    shared_desk,
    time_delivery,
)
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.trace import TracerProvider as ApiTracerProvider


NONE_SET = (
    "no TracerProvider is set, and no span is recorded: "
    "call linq_otel.export.configure('jaeger') before instrument(), "
    "or start the app with opentelemetry-instrument (logged once)"
)


class TestWithoutProvider:
    """A process that records no span waits for no sender, and says once what it lacks."""

    @staticmethod
    def deliver(provider: ApiTracerProvider, *, is_async: bool = False) -> int:
        """
        Take four webhooks without an origin; returns how often the store was asked for one.
        """
        store = Shared()
        receiver = WebhookReceiver(store=store, tracer_provider=provider)

        async def take(body: bytes) -> None:
            async with receiver.aprocess({}, body) as event:
                assert event is not None

        for _ in range(4):
            if is_async:
                asyncio.run(take(fresh()))
                continue
            with receiver.process({}, fresh()) as event:
                assert event is not None
        return store.finds

    @pytest.mark.parametrize("is_async", [False, True])
    def test_none_set(self, caplog: pytest.LogCaptureFixture, *, is_async: bool) -> None:
        """Each webhook looks once, and one line says what to set."""
        with caplog.at_level(logging.WARNING, "linq_otel"):
            assert self.deliver(ProxyTracerProvider(), is_async=is_async) == 4
        said = [record.getMessage() for record in caplog.records]
        assert said == [
            "no webhook secret is set: deliveries join unverified (logged once)",
            NONE_SET,
        ]

    @pytest.mark.parametrize(
        ("module", "advice"),
        [
            ("ddtrace", "set DD_TRACE_OTEL_ENABLED=true for ddtrace-run"),
            ("newrelic", "set NEW_RELIC_OPENTELEMETRY_ENABLED=true for the New Relic agent"),
            ("sentry_sdk", "pass OTLPIntegration() to sentry_sdk.init(integrations=…), from "),
        ],
    )
    def test_another_vendors_tracer(
        self,
        module: str,
        advice: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A tracer that has OpenTelemetry's API for the asking is named, with how to ask."""
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
        self.deliver(ProxyTracerProvider())
        said = "no TracerProvider is set, and no span is recorded: "
        assert caplog.records[-1].getMessage().startswith(f"{said}{advice}")
        remedies = pick(examine(environ={}, is_live=True), "otel.provider.missing")
        assert remedies[0][2].startswith(advice)

    def test_switched_off(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is off on purpose is nothing to complain of, and nothing to wait for."""
        assert self.deliver(NoOpTracerProvider()) == 4
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        assert self.deliver(TracerProvider()) == 4
        assert self.deliver(ProxyTracerProvider()) == 4
        warnings = [record for record in caplog.records if record.levelno > logging.DEBUG]
        assert [record.getMessage() for record in warnings if record.name == "linq_otel"] == [
            "no webhook secret is set: deliveries join unverified (logged once)"
        ]


class TestSharedStore:
    @pytest.mark.timing
    def test_an_origin_saved_a_moment_later_is_found(self, desk: Desk) -> None:
        """The sender is another process, and its answer is 100 ms behind the webhook."""
        desk = shared_desk(desk)
        with later(0.1, desk.send):
            timing = time_delivery(desk, fresh())
        assert desk.one("message sent")["parent"] == ANCHOR
        assert timing.seconds >= 0.1
        assert timing.net < 0.1 + SLACK

    def test_sqlite_is_such_a_store(self, desk: Desk, tmp_path: Path) -> None:
        """The store of one host, opened twice."""
        ours, theirs = (open_store(f"sqlite:///{tmp_path}/linq.db") for _ in range(2))
        try:
            receiving = shared_desk(desk, ours)
            with later(0.1, shared_desk(desk, theirs).send):
                receiving.deliver(fresh(), headers={})
            assert receiving.one("message sent")["parent"] == ANCHOR
        finally:
            ours.close()
            theirs.close()

    @pytest.mark.timing
    def test_the_wait_is_bounded(self, desk: Desk) -> None:
        """After a quarter of a second the life is derived."""
        desk = shared_desk(desk)
        timing = time_delivery(desk, fresh())
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK
        assert desk.one("message sent")["parent"] == DERIVED

    @pytest.mark.timing
    def test_three_fruitless_waits_are_enough(self, desk: Desk) -> None:
        """Where nobody saves, waiting for it stops."""
        desk = shared_desk(desk)
        timings = [time_delivery(desk, fresh()) for _ in range(5)]
        assert all(timing.seconds >= WAIT for timing in timings[:3])
        assert all(timing.net < WAIT for timing in timings[3:])

    @pytest.mark.timing
    def test_a_find_makes_waiting_worth_while_again(self, desk: Desk) -> None:
        """The sender is instrumented after all."""
        desk = shared_desk(desk)
        tracing = desk.receiver.tracing
        tracing.origins.fruitless_waits = 3
        desk.send()
        assert time_delivery(desk, fresh()).net < WAIT
        assert tracing.origins.fruitless_waits == 0
        unknown = fresh(message_id=p.REPLIED_ID)
        assert time_delivery(desk, unknown).seconds >= WAIT

    @pytest.mark.timing
    @pytest.mark.parametrize("age", [6.0, 60.0, 86_400.0])
    def test_a_stale_event_does_not_wait(self, desk: Desk, age: float) -> None:
        """Its sender has long had its answer."""
        desk = shared_desk(desk)
        assert time_delivery(desk, fresh(created_at=now(-age))).net < WAIT
        assert isinstance(desk.store, Shared)
        assert desk.store.finds == 1

    @pytest.mark.timing
    @pytest.mark.parametrize(
        "body",
        [
            p.encode(p.envelope("message.received", p.message_data("x", inbound=True))),
            p.encode(p.envelope("reaction.added", p.reaction_data(), created_at=now())),
            p.encode(p.envelope("chat.created", {"id": p.CHAT_ID}, created_at=now())),
            p.encode(p.envelope("message.failed", {}, linq_trace_id=None, created_at=now())),
        ],
    )
    def test_only_stages_of_our_own_messages_wait(self, desk: Desk, body: bytes) -> None:
        """Nothing else can overtake an answer."""
        assert time_delivery(shared_desk(desk), body).net < WAIT

    @pytest.mark.timing
    def test_one_that_does_not_verify_does_not_wait(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """A stranger cannot make us ask the store at all."""
        store = Shared()
        guarded = Desk(provider, exporter, store=store, secret=p.SECRET)
        assert time_delivery(guarded, fresh()).net < WAIT
        assert (store.finds, store.threads) == (0, set())


class TestConcurrentDeliveries:
    def test_only_one_of_a_hundred_is_the_first(self) -> None:
        """A redelivery may run beside the first; the stage is one span, drawn alike by each."""
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        desk = Desk(provider, exporter)
        desk.send()
        body = p.body_of("message.read")

        def deliver() -> None:
            for _ in range(10):
                desk.deliver(body, headers={})

        threads = [threading.Thread(target=deliver) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        processes = desk.named("process message.read")
        firsts = [s for s in processes if "linq.webhook.duplicate" not in s["attributes"]]
        assert (len(processes), len(firsts)) == (100, 1)
        assert len({s.to_json() for s in desk.spans if s.name == "message read"}) == 1
        provider.shutdown()
