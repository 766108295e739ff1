"""
What AWS does around a function: what is sent before it freezes, and what is no request at all.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._shield import tally
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.aws_lambda import linq_webhook
from support import payloads as p
from support.timing import timed
from support.web_hosts import LAMBDAS, LambdaHost


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


BODY = p.body_of("message.delivered")


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
