"""
Collecting spans: whose, from when to when, and how long one waits for those under way.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from linq_otel.errors import ConfigurationError
from linq_otel.instrumentor import LinqInstrumentor
from linq_otel.testing import EventFactory
from linq_otel.testing.spans import CountedIds, open_ids, open_spans
from linq_otel.webhooks import WebhookReceiver
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan


def names(spans: Iterable[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


class TestOpenSpans:
    def test_from_when_to_when(self, provider: TracerProvider) -> None:
        """What ends before, after or in between two, or began before, is not there."""
        tracer = provider.get_tracer("shop")
        tracer.start_span("before").end()
        leftover = tracer.start_span("leftover")
        with open_spans(provider) as first:
            tracer.start_span("first").end()
            leftover.end()
        tracer.start_span("between").end()
        with open_spans(provider) as second:
            tracer.start_span("second").end()
        assert (names(first), names(second)) == (["first"], ["second"])
        assert provider._active_span_processor._span_processors[2:] == ()

    def test_instruments(self, provider: TracerProvider) -> None:
        """Everything is instrumented inside, and nothing outside."""
        instrumentor = LinqInstrumentor()
        with open_spans(provider, join="message"):
            assert instrumentor.is_instrumented_by_opentelemetry
        assert not instrumentor.is_instrumented_by_opentelemetry

    def test_is_instrumented_already(self, provider: TracerProvider) -> None:
        """An app's own instrumentation is left, and options beside it are refused."""
        instrumentor = LinqInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        try:
            with open_spans(provider):
                pass
            assert instrumentor.is_instrumented_by_opentelemetry
            with (
                pytest.raises(ConfigurationError, match="so that join, stages would not count"),
                open_spans(provider, join="app", stages=False),
            ):
                raise AssertionError
        finally:
            instrumentor.uninstrument()

    def test_unsampled(self) -> None:
        """A span that no exporter would get is not there, and is not waited for."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        with open_spans(provider) as spans:
            provider.get_tracer("shop").start_span("dropped")
            assert spans.finished(timeout=5) == ()
        provider.shutdown()


class TestLinqSpans:
    def test_waits_for_what_is_under_way(self, provider: TracerProvider) -> None:
        """A span of another thread is waited for; those around the caller are not."""
        tracer = provider.get_tracer("shop")
        with open_spans(provider) as spans:
            slow = tracer.start_span("slow")
            timer = threading.Timer(0.2, slow.end)
            timer.start()
            with (
                timed() as timing,
                tracer.start_as_current_span("a"),
                tracer.start_as_current_span("b"),
            ):
                tracer.start_span("c").end()
                assert names(spans.finished(timeout=10)) == ["slow", "c"]
            assert timing.net < 5
            timer.join()

    def test_does_not_wait_for_ever(self, provider: TracerProvider) -> None:
        """A span that does not end costs a bounded time."""
        with open_spans(provider) as spans:
            never = provider.get_tracer("shop").start_span("never")
            assert spans.finished(timeout=0.1) == ()
            never.end()

    def test_wait_for(self, provider: TracerProvider) -> None:
        """Spans that have not even started can be waited for, by name and number."""
        tracer = provider.get_tracer("shop")

        def work() -> None:
            for name in ("job", "other", "job"):
                tracer.start_span(name).end()

        with open_spans(provider) as spans:
            timer = threading.Timer(0.1, work)
            timer.start()
            assert names(spans.wait_for("job", count=2)) == ["job", "job"]
            timer.join()
            with pytest.raises(AssertionError) as raised:
                spans.wait_for("job", count=3, timeout=0.05)
        assert str(raised.value) == (
            "fewer than 3 spans named 'job' within 0.05 s:\n\n"
            "job [INTERNAL]\nother [INTERNAL]\njob [INTERNAL]"
        )

    def test_find_and_get(self, provider: TracerProvider) -> None:
        """One finds the first that fits, or None; the other insists on one."""
        tracer = provider.get_tracer("shop")
        with open_spans(provider) as spans:
            for number in (1, 2):
                tracer.start_span("call", attributes={"n": number, "m": 0}).end()
            found = spans.find("call")
            assert found is not None
            assert dict(found.attributes or {}) == {"n": 1, "m": 0}
            assert spans.find("call", kind="CLIENT") is None
            assert spans.get(attributes={"n": 2, "m": 0}).name == "call"
            with pytest.raises(AssertionError) as raised:
                spans.get("call", attributes={"m": 0})
            spans.clear()
            assert list(spans) == []
        assert str(raised.value) == (
            "2 spans have name='call', attributes={'m': 0}, not one:\n\n"
            "call [INTERNAL]\ncall [INTERNAL]"
        )

    def test_of_message(self, provider: TracerProvider) -> None:
        """All that is joined to a message is its; another message's is not."""
        event = EventFactory(seed=7)
        with open_spans(provider) as spans:
            receiver = WebhookReceiver(event.secret)
            for message_id, trace_id in (("m-1", "ab" * 16), ("m-2", "cd" * 16)):
                delivery = event("message.sent", message_id=message_id, linq_trace_id=trace_id)
                with (
                    receiver.process(*delivery),
                    provider.get_tracer("shop").start_as_current_span(f"update {message_id}"),
                ):
                    pass
            found = names(spans.of_message("m-1"))
            assert spans.of_message("m-3") == ()
        assert sorted(found) == ["message sent", "process message.sent", "update m-1"]

    def test_repeated_stage(self, provider: TracerProvider) -> None:
        """A webhook that came twice tells of the same stage, whose span is drawn once."""
        event = EventFactory(seed=7)
        delivery = event("message.sent")
        with open_spans(provider) as spans:
            receiver = WebhookReceiver(event.secret)
            for _ in range(2):
                with receiver.process(*delivery):
                    pass
            assert sorted(line.partition(" [")[0] for line in spans.tree().splitlines()) == [
                "message sent",
                "process message.sent",
                "process message.sent",
            ]


class TestOpenIds:
    def test_counts(self, provider: TracerProvider) -> None:
        """Ids count from 1 inside, and are random outside; derived ones stay what they are."""
        event = EventFactory(seed=7)
        with open_spans(provider):
            tracer = provider.get_tracer("shop")
            for _ in range(2):
                with open_ids(provider) as ids, tracer.start_as_current_span("a") as a:
                    b = tracer.start_span("b")
                    b.end()
                contexts = [span.get_span_context() for span in (a, b)]
                assert [(one.trace_id, one.span_id) for one in contexts] == [(1, 1), (1, 2)]
            assert (ids.otel_trace_id(1), ids.span_id(2)) == ("0" * 31 + "1", "0" * 15 + "2")
            outside = tracer.start_span("c").get_span_context()
            assert outside.trace_id > 1_000
            with open_ids(provider), open_spans(provider) as spans:
                with WebhookReceiver(event.secret).process(*event("message.sent")):
                    pass
                context = spans.get("message sent").get_span_context()
        assert context is not None
        assert f"{context.trace_id:032x}" == event.linq_trace_id

    def test_are_not_random(self) -> None:
        """They do not claim to be."""
        assert CountedIds().is_trace_id_random() is False
