"""
What AWS does around a function: what is sent before it freezes, and what is no request at all.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import BackgroundTasks, FastAPI
from mangum import Mangum
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from linq_otel._shield import tally
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.aws_lambda import linq_webhook
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support import payloads as p
from support.timing import timed
from support.web_hosts import LAMBDAS, LambdaHost


if TYPE_CHECKING:
    from collections.abc import Iterator


BODY = p.body_of("message.delivered")
JSON = ("content-type", "application/json")


class Provider:
    """
    A provider that says when it is flushed, and may take its time over it.
    """

    def __init__(
        self, provider: TracerProvider, seconds: float = 0, *, fails: bool = False
    ) -> None:
        self.provider, self.seconds, self.fails = provider, seconds, fails
        self.flushes: list[int] = []
        self.ended = threading.Event()

    def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
        """
        Give the real one.
        """
        return self.provider.get_tracer(*args, **kwargs)

    def force_flush(self, timeout_millis: int) -> bool:
        """
        Take as long as told, whatever the time allowed.
        """
        self.flushes.append(timeout_millis)
        if self.fails:
            raise ConnectionError
        self.ended.wait(self.seconds)
        return True


class Context:
    """
    What Lambda says of the time that is left.
    """

    def __init__(self, milliseconds: int) -> None:
        self.get_remaining_time_in_millis = lambda: milliseconds


def event(kind: str = "gateway 2") -> dict[str, Any]:
    return LambdaHost(kind).event("/hook", BODY, list(p.headers_of(BODY).items()))


def receiver_of(provider: Any, **options: Any) -> WebhookReceiver:
    return WebhookReceiver(p.SECRET, clock=lambda: p.SIGNED_AT, tracer_provider=provider, **options)


class TestFlushing:
    def test_spans_are_sent_before_the_return(self, provider: TracerProvider) -> None:
        """Two seconds at most, and less if the function has less."""
        flushed = Provider(provider)
        handler = linq_webhook(lambda event, context: "ok", receiver=receiver_of(flushed))
        assert handler(event(), None) == "ok"
        assert handler(event(), Context(1200)) == "ok"
        assert handler(event(), Context(60_000)) == "ok"
        assert flushed.flushes == [2000, 1000, 2000]

    def test_also_when_the_handler_raises(self, provider: TracerProvider) -> None:
        """Its exception is the one that leaves."""
        flushed = Provider(provider)

        @linq_webhook(receiver=receiver_of(flushed))
        def handler(event: Any, context: Any) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            handler(event(), None)
        assert flushed.flushes == [2000]

    @pytest.mark.timing
    def test_a_collector_that_hangs_costs_a_bounded_time(self, provider: TracerProvider) -> None:
        """Linq waits ten seconds for the answer."""
        flushed = Provider(provider, seconds=5)
        handler = linq_webhook(lambda event, context: "ok", receiver=receiver_of(flushed))
        with timed() as timing:
            assert handler(event(), Context(500)) == "ok"
        assert timing.net < 1
        flushed.ended.set()

    @pytest.mark.usefixtures("forgiving")
    def test_one_that_fails_is_reported(self, provider: TracerProvider) -> None:
        """And costs the function nothing."""
        flushed = Provider(provider, fails=True)
        handler = linq_webhook(lambda event, context: "ok", receiver=receiver_of(flushed))
        assert handler(event(), None) == "ok"
        assert tally.counts()["sending the spans of a Lambda: ConnectionError"] == 1

    @pytest.mark.parametrize(
        "given", [{}, {"Records": []}, None, [], "x", {"httpMethod": "GET", "headers": None},
                  {"httpMethod": "POST", "headers": None}, {"requestContext": {"http": {}}}],
        ids=str,
    )  # fmt: skip
    def test_what_is_no_delivery_passes(self, provider: TracerProvider, given: Any) -> None:
        """Queues, schedules and other requests: the very object, and what they recorded is sent."""
        flushed = Provider(provider)
        handler = linq_webhook(lambda event, context: event, receiver=receiver_of(flushed))
        assert handler(given, None) is given
        assert flushed.flushes == [2000]

    @pytest.mark.parametrize(
        "given", [{"body": 7}, {"body": "a", "isBase64Encoded": True}], ids=["number", "cut off"]
    )
    def test_a_body_that_cannot_be_read_passes(
        self, provider: TracerProvider, given: dict[str, Any]
    ) -> None:
        """A delivery whose body cannot be read: the handler answers, with no span."""
        handler = linq_webhook(lambda event, context: event, receiver=receiver_of(provider))
        whole = event() | given
        assert handler(whole, None) is whole


class TestEnforcing:
    @pytest.mark.parametrize("kind", LAMBDAS)
    def test_the_answer_suits_who_asked(self, provider: TracerProvider, kind: str) -> None:
        """A load balancer of several values takes no other headers."""
        receiver = receiver_of(provider, enforce=True)
        handler = linq_webhook(lambda event, context: "ok", receiver=receiver)
        bare = LambdaHost(kind).event("/hook", BODY, [("a", "b")])
        headers = "multiValueHeaders" if kind == "balancer, many values" else "headers"
        refusal = {"statusCode": 401, "isBase64Encoded": False, "body": "", headers: {}}
        assert handler(bare, None) == refusal
        assert handler(event(kind), None) == "ok"

    @pytest.mark.parametrize(
        "forged",
        [
            {"httpMethod": "PUT", "body": "{}"},
            {"httpMethod": "post", "body": "{}"},
            {"httpMethod": "GET", "body": "{}"},
            {"httpMethod": "DELETE", "body": None},
            {
                "requestContext": {"http": {"method": "PATCH"}},
                "body": "e30=",
                "isBase64Encoded": True,
            },
            {"requestContext": {"eventType": "MESSAGE", "connectionId": "c"}, "body": "{}"},
            {"body": "{}"},
        ],
        ids=str,
    )
    def test_all_requests_are_guarded(
        self, provider: TracerProvider, forged: dict[str, Any]
    ) -> None:
        """The function is the endpoint, for any method and protocol."""
        receiver = receiver_of(provider, enforce=True)
        handler = linq_webhook(lambda event, context: "handled", receiver=receiver)
        assert handler(forged, None)["statusCode"] == 401

    @pytest.mark.parametrize(
        "given",
        [
            {"Records": [{"body": "{}"}]},
            {"source": "aws.events", "detail": {}},
            {"httpMethod": "GET", "headers": {}, "body": None},
            {"requestContext": {"http": {"method": "OPTIONS"}}, "headers": {}},
        ],
        ids=str,
    )
    def test_what_can_be_no_delivery_is_open(
        self, provider: TracerProvider, given: dict[str, Any]
    ) -> None:
        """Queues, schedules, probes and preflights."""
        receiver = receiver_of(provider, enforce=True)
        handler = linq_webhook(lambda event, context: "handled", receiver=receiver)
        assert handler(given, None) == "handled"


class Batch:
    """
    Spans that wait for a batch, as in an app: nothing is sent before a flush.
    """

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(
            BatchSpanProcessor(self.exporter, schedule_delay_millis=60_000)
        )

    def take(self) -> list[str]:
        """
        Return the names of what was sent since the last call.
        """
        names = [span.name for span in self.exporter.get_finished_spans()]
        self.exporter.clear()
        return names


@pytest.fixture
def batch() -> Iterator[Batch]:
    """
    Yield what spans are sent by.
    """
    batch = Batch()
    yield batch
    batch.provider.shutdown()


@pytest.fixture
def event_loop() -> Iterator[None]:
    """
    Set the loop that Mangum takes, which it would leave open.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures("event_loop")
class TestMangum:
    """
    An ASGI app behind Mangum, which runs it to the end of its background tasks.
    """

    def serve(self, batch: Batch, kind: str, **options: Any) -> Any:
        """
        Return what calls a path of the app as AWS does, and the bodies its handler was given.
        """
        app, bodies = FastAPI(), []
        tracer = batch.provider.get_tracer("app")

        def work() -> None:
            with tracer.start_as_current_span("task"):
                pass

        @app.post("/hook", status_code=202)
        def hook(payload: dict[str, Any], tasks: BackgroundTasks) -> None:
            bodies.append(payload["event_type"])
            tasks.add_task(work)

        @app.post("/other")
        def other() -> None:
            work()

        shared = {"tracer_provider": batch.provider, "webhook_secret": p.SECRET}
        LinqWebhooksInstrumentor().instrument(**shared, **options)
        handler = linq_webhook(Mangum(app, lifespan="off"))

        def call(path: str, headers: list[tuple[str, str]]) -> int:
            given = LambdaHost(kind).event(path, BODY, [*headers, JSON])
            given.setdefault("resource", path)
            given["queryStringParameters"] = None
            if "httpMethod" not in given:
                given["requestContext"]["http"] |= {"sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
                given["rawQueryString"] = ""
            status: int = handler(given, Context(10_000))["statusCode"]
            return status

        return call, bodies

    @pytest.mark.parametrize("kind", ["gateway 1", "gateway 2", "function URL"])
    def test_what_was_recorded_is_sent_before_it_freezes(self, batch: Batch, kind: str) -> None:
        """Of each invocation, a delivery or not; one delivery is handled once."""
        signed = list(p.headers_of(BODY, signed_at=int(time.time())).items())
        try:
            call, bodies = self.serve(batch, kind, duplicates="answer")
            assert (call("/hook", signed), batch.take()) == (
                202,
                ["message delivered", "task", "process message.delivered"],
            )
            assert (call("/other", []), batch.take()) == (200, ["task"])
            assert (call("/hook", signed), batch.take()[-1]) == (200, "process message.delivered")
            assert bodies == ["message.delivered"]
        finally:
            LinqWebhooksInstrumentor().uninstrument()

    def test_a_forged_body_does_not_reach_the_app(self, batch: Batch) -> None:
        """What guards the paths is the instrumentation of the framework, inside Mangum."""
        forged = list(p.headers_of(BODY, p.OTHER_SECRET, signed_at=int(time.time())).items())
        try:
            call, bodies = self.serve(batch, "gateway 2", enforce=True, paths=["/hook"])
            assert (call("/hook", forged), call("/hook", []), bodies) == (401, 401, [])
        finally:
            LinqWebhooksInstrumentor().uninstrument()

    def test_metrics_are_sent_too(self, batch: Batch) -> None:
        """A reader that exports once a minute would be frozen before its time."""
        flushes: list[float] = []

        class Reader(InMemoryMetricReader):
            def force_flush(self, timeout_millis: float = 10_000) -> bool:
                flushes.append(timeout_millis)
                return True

        meters = MeterProvider([Reader()], shutdown_on_exit=False)
        receiver = receiver_of(batch.provider, meter_provider=meters)
        assert linq_webhook(lambda event, context: "ok", receiver=receiver)(event(), None) == "ok"
        assert (len(flushes), len(batch.take())) == (1, 2)
