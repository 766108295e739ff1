"""
What the shipped collectors do with spans that are not a message's life: keep some, mask some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord
from opentelemetry.trace import Status, StatusCode

from linq_otel.export import configure


if TYPE_CHECKING:
    from backends.running import Server
    from support.otlp_sinks import Sink


PLAIN_TRACES = 400
BROKEN_TRACES = 10
_PHONE, _MAIL, _SECRET = "+15550123", "someone@example.com", "whsec_bm90IGEgc2VjcmV0"
_MESSAGE_ID = "0f0e0d0c-0b0a-4908-8706-050403020100"


class _NoProvider:
    """
    Has our export keep to a provider of its own.
    """

    def get_tracer(self, *_arguments: Any, **_options: Any) -> None:
        """
        Do what a tracer provider does.
        """


@dataclass(frozen=True, slots=True)
class Filtered:
    """
    What came out of the gateways.

    Attributes:
        others: The same of a metric and a log event, by signal.
        plain: How many of the traces that have nothing to do with Linq were kept.
        errors: The same of those with an error.
        masked: The attributes of a span that held what must not leave.
        both: Whether each gateway had some of them, and none had a trace of the other's.
    """

    plain: int
    errors: int
    masked: dict[str, str]
    others: dict[str, dict[str, str]]
    both: bool


def send_strangers(balancer: Server) -> bool:
    """
    Send traces of another app, some with errors, and one span, metric and log that say too much.
    """
    provider = _NoProvider()
    export = configure(
        "otlp",
        endpoint=balancer.http_endpoint,
        service_name="stranger",
        tracer_provider=provider,  # type: ignore[arg-type]
        meter_provider=provider,  # type: ignore[arg-type]
        logger_provider=provider,  # type: ignore[arg-type]
    )
    assert export.tracer_provider is not None
    assert export.meter_provider is not None
    assert export.logger_provider is not None
    said = {"customer": _PHONE}
    export.meter_provider.get_meter("stranger").create_counter("calls").add(1, said)
    export.logger_provider.get_logger("stranger").emit(LogRecord(body="called", attributes=said))
    tracer = export.tracer_provider.get_tracer("stranger")
    for number in range(PLAIN_TRACES):
        tracer.start_span(f"plain {number}").end()
    for number in range(BROKEN_TRACES):
        span = tracer.start_span(f"broken {number}")
        span.set_status(Status(StatusCode.ERROR))
        span.end()
    said = {
        "linq.message.id": _MESSAGE_ID,
        "customer": f"{_PHONE} and {_MAIL}",
        "config": f"secret={_SECRET}",
        "api_key": "0123456789",
        "when": "2026-02-03T10:00:00+00:00",
    }
    tracer.start_span("talkative", attributes=said).end()
    is_taken = export.flush()
    export.shutdown()
    return is_taken


def look_at(sinks: list[Sink]) -> Filtered:
    """
    Describe what *sinks*, one behind each gateway, have of the strangers' spans.
    """
    names = [name for sink in sinks for name in sink.span_names]
    traces = [_find_traces(sink) for sink in sinks]
    return Filtered(
        plain=sum(name.startswith("plain") for name in names),
        errors=sum(name.startswith("broken") for name in names),
        masked=_find_attributes(sinks, "talkative"),
        others={"metrics": _find_points(sinks), "logs": _find_logs(sinks)},
        both=all(traces) and not set.intersection(*traces),
    )


def _find_traces(sink: Sink) -> set[str]:
    return {trace for arrival in sink.full for trace in arrival.otel_trace_ids}


def _find_attributes(sinks: list[Sink], name: str) -> dict[str, str]:
    return {
        pair.key: pair.value.string_value
        for sink in sinks
        for arrival in sink.full
        for span in arrival.spans
        if span.name == name
        for pair in span.attributes
    }


def _find_points(sinks: list[Sink]) -> dict[str, str]:
    return {
        pair.key: pair.value.string_value
        for sink in sinks
        for arrival in sink.full
        for group in getattr(arrival.message, "resource_metrics", ())
        for scoped in group.scope_metrics
        for metric in scoped.metrics
        for point in metric.sum.data_points
        for pair in point.attributes
    }


def _find_logs(sinks: list[Sink]) -> dict[str, str]:
    return {
        pair.key: pair.value.string_value
        for sink in sinks
        for arrival in sink.full
        for group in getattr(arrival.message, "resource_logs", ())
        for scoped in group.scope_logs
        for record in scoped.log_records
        for pair in record.attributes
    }
