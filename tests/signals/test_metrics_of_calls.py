from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import APIConnectionError, AsyncLinqAPIV3, BadRequestError, LinqAPIV3
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from linq_otel import instrument, uninstrument
from support.scripted_linq import CHAT_ID, SOON, Reply, ScriptedLinq, refusal
from support.sending import asend, send
from support.webhook_desk import label


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.metric_readings import Meterage

SEND = ("chats.messages.send",)
MESSAGING = ("linq",)
TEMPLATE = "/v3/chats/{chat_id}/messages"


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """Yield a Linq on a free port."""
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def client(linq: ScriptedLinq, provider: TracerProvider, meterage: Meterage) -> Iterator[LinqAPIV3]:
    """Yield a client of it in an instrumented process."""
    instrument(tracer_provider=provider, meter_provider=meterage.provider)
    with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
        yield client
    uninstrument()


class TestCalls:
    def test_one_that_sends(
        self,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        meterage: Meterage,
        exporter: InMemorySpanExporter,
    ) -> None:
        """It is timed as a call, as a send and on the wire."""
        send(client)
        spans = {span.name: span for span in exporter.get_finished_spans()}
        call = spans["linq chats.messages.send"]
        assert meterage.counts("linq.client.operation.duration") == {SEND: 1}
        assert meterage.sums("linq.client.operation.duration") == {
            SEND: round((call.end_time - call.start_time) / 1e9, 6)
        }
        sent = {(*SEND, "send", "send", "linq"): 1}
        assert meterage.counts("messaging.client.operation.duration") == sent
        assert meterage.counts("messaging.client.sent.messages") == sent
        assert meterage.counts("http.client.request.duration") == {
            ("POST", 202, "127.0.0.1", linq.server_port, TEMPLATE): 1
        }
        for name in ("retries", "rate_limited", "retry_after"):
            assert meterage.counts(f"linq.client.{name}") == {}

    def test_examples(
        self, client: LinqAPIV3, meterage: Meterage, exporter: InMemorySpanExporter
    ) -> None:
        """From a slow point of a histogram one comes to the very span."""
        send(client)
        spans = {span.name: label(span.context) for span in exporter.get_finished_spans()}
        metrics = meterage.metrics
        assert {
            name: {f"{e.trace_id:032x}-{e.span_id:016x}" for e in point.exemplars}
            for name, metric in metrics.items()
            for point in metric.data.data_points
            if hasattr(point, "sum")
        } == {
            "linq.client.operation.duration": {spans["linq chats.messages.send"]},
            "messaging.client.operation.duration": {spans["linq chats.messages.send"]},
            "http.client.request.duration": {spans[f"POST {TEMPLATE}"]},
        }

    def test_one_that_sends_nothing(self, client: LinqAPIV3, meterage: Meterage) -> None:
        """A look-up is no message."""
        client.chats.retrieve(CHAT_ID)
        assert meterage.counts("linq.client.operation.duration") == {("chats.retrieve",): 1}
        assert meterage.counts("messaging.client.sent.messages") == {}

    def test_retries_and_rate_limits(
        self, client: LinqAPIV3, linq: ScriptedLinq, meterage: Meterage
    ) -> None:
        """Each request counts on the wire, each after the first as a retry."""
        linq.script(Reply(429, refusal(1007), headers={"retry-after": "2", **SOON}), Reply(503))
        send(client)
        assert meterage.counts("linq.client.retries") == {SEND: 2}
        assert meterage.counts("linq.client.rate_limited") == {SEND: 1}
        assert meterage.sums("linq.client.retry_after") == {SEND: 2.0}
        target = ("127.0.0.1", linq.server_port, TEMPLATE)
        assert meterage.counts("http.client.request.duration") == {
            ("429", "POST", 429, *target): 1,
            ("503", "POST", 503, *target): 1,
            ("POST", 202, *target): 1,
        }
        assert meterage.counts("linq.client.operation.duration") == {SEND: 1}

    def test_refused(self, client: LinqAPIV3, linq: ScriptedLinq, meterage: Meterage) -> None:
        """A failed call is timed too, by the status that refused it."""
        linq.script(Reply(400, refusal(1002)))
        with pytest.raises(BadRequestError):
            send(client)
        assert meterage.counts("linq.client.operation.duration") == {("400", *SEND): 1}
        assert meterage.counts("messaging.client.sent.messages") == {
            ("400", *SEND, "send", "send", "linq"): 1
        }

    def test_no_answer(self, client: LinqAPIV3, linq: ScriptedLinq, meterage: Meterage) -> None:
        """A request that comes to nothing has its time on the wire, and the error's type."""
        linq.script(Reply(drop=True))
        with pytest.raises(APIConnectionError):
            send(client.with_options(max_retries=0))
        (wire,) = meterage.counts("http.client.request.duration")
        assert wire == (
            "httpx.RemoteProtocolError",
            "POST",
            "127.0.0.1",
            linq.server_port,
            TEMPLATE,
        )
        assert meterage.counts("linq.client.operation.duration") == {
            ("linq.APIConnectionError", *SEND): 1
        }

    def test_async(self, client: LinqAPIV3, linq: ScriptedLinq, meterage: Meterage) -> None:
        """The async client is measured alike."""
        import asyncio  # noqa: PLC0415

        async def run() -> None:
            async with AsyncLinqAPIV3(api_key="k", base_url=linq.base_url) as other:
                await asend(other)

        asyncio.run(run())
        assert meterage.counts("linq.client.operation.duration") == {SEND: 1}

    def test_by_bare_http(
        self, linq: ScriptedLinq, provider: TracerProvider, meterage: Meterage
    ) -> None:
        """A call without the SDK is measured alike, and a refusal that raises nothing too."""
        instrument(
            tracer_provider=provider,
            meter_provider=meterage.provider,
            hosts=f"127.0.0.1:{linq.server_port}",
        )
        try:
            linq.script(Reply(404, refusal(2001)))
            httpx.post(f"{linq.base_url}{TEMPLATE.format(chat_id=CHAT_ID)}", json={})
        finally:
            uninstrument()
        assert meterage.counts("linq.client.operation.duration") == {("404", *SEND): 1}

    def test_unsampled(self, linq: ScriptedLinq, meterage: Meterage) -> None:
        """What is not sampled is counted all the same."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        instrument(tracer_provider=provider, meter_provider=meterage.provider)
        try:
            with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                send(client)
        finally:
            uninstrument()
            provider.shutdown()
        assert meterage.counts("linq.client.operation.duration") == {SEND: 1}
        assert sum(meterage.counts("http.client.request.duration").values()) == 1

    def test_nobody_reads_them(self, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """Without an SDK for metrics nothing is computed for them."""
        uninstrument()
        instrument()
        from linq_otel._runtime import get_tracing  # noqa: PLC0415

        assert not get_tracing().meters.is_on


class TestNames:
    def test_no_ids_in_them(self, client: LinqAPIV3, meterage: Meterage) -> None:
        """What metrics are counted by has few values, whichever chat and message it is."""
        send(client, text="+15550123 is my number", idempotency_key="secret-key")
        seen: list[Any] = [
            value
            for metric in meterage.metrics.values()
            for point in metric.data.data_points
            for value in (point.attributes or {}).values()
        ]
        assert [value for value in seen if CHAT_ID in str(value) or "5550" in str(value)] == []
