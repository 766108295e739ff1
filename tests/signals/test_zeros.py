"""
Counters at zero before anything is counted: which series, and that there are no others.
"""

from __future__ import annotations

import inspect
from itertools import product
from typing import TYPE_CHECKING, Any

from linq import LinqAPIV3
from linq.types import message_failed_webhook_event
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

from linq_otel import instrument, uninstrument
from linq_otel._instruments import INSTRUMENTS
from linq_otel._lifecycle import ROLES, Role
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.metric_readings import is_sum
from support.scripted_linq import SOON, Reply, ScriptedLinq, refusal
from support.scripts import run_script
from support.sending import send
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.metric_readings import Meterage

    Key = tuple[tuple[str, Any], ...]
    Series = dict[str, dict[Key, int]]

CODES = (3007, 4001, 4002, 4005, 4006, 4007, 4008)
SERVICES = (None, "iMessage", "RCS", "SMS", "MMS")
# A provider that comes late, and no call and no webhook ever.
LATE = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from linq_otel.webhooks import WebhookReceiver

receiver = WebhookReceiver()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
(resource,) = reader.get_metrics_data().resource_metrics
(scope,) = resource.scope_metrics
print(sum(len(metric.data.data_points) for metric in scope.metrics))
"""


def key_of(attributes: Mapping[str, Any]) -> Key:
    """Return *attributes*, without what is None, as a key."""
    return tuple(sorted((key, x) for key, x in attributes.items() if x is not None))


KNOWN: Series = {
    one.name: {key_of(facts): 0 for facts in one.zeros()}
    for one in INSTRUMENTS
    if one.kind == "counter"
}


def read_counters(metrics: dict[str, Any]) -> Series:
    """Return the series of each counter, and their values."""
    return {
        name: {key_of(x.attributes): x.value for x in metric.data.data_points}
        for name, metric in metrics.items()
        if is_sum(metric)
    }


class TestZeros:
    def test_before_anything_is_counted(self, provider: TracerProvider, meterage: Meterage) -> None:
        """All that is known is there at the first reading, and stays."""
        instrument(tracer_provider=provider, meter_provider=meterage.provider)
        try:
            assert read_counters(meterage.metrics) == KNOWN
            assert read_counters(meterage.metrics) == KNOWN
        finally:
            uninstrument()
        outcomes = {
            key_of({"linq.stage": stage, "linq.service": service, "linq.error.code": code})
            for stage, service, code in (
                *product(("sent", "delivered", "read", "failed"), SERVICES, (None,)),
                *product(("failed",), SERVICES, CODES),
            )
        }
        assert set(KNOWN["linq.message.outcomes"]) == outcomes
        assert {name: len(series) for name, series in KNOWN.items()} == {
            "messaging.client.sent.messages": 6,
            "linq.client.retries": 70,
            "linq.client.rate_limited": 70,
            "linq.webhook.deliveries": 61,
            "linq.webhook.joins": 5,
            "linq.webhook.trace_id.mismatches": 15,
            "linq.message.outcomes": 55,
            "linq.store.operation.skipped": 4,
            "linq.store.origin.lost": 1,
        }

    def test_codes_are_those_of_the_sdk(self) -> None:
        """Its documentation names the codes a failed message may have."""
        said = inspect.getsource(message_failed_webhook_event)
        about = " ".join(said.split()).partition("message.failed and poll.failed can carry ")[2]
        named = about.partition(";")[0].replace("or ", "").split(", ")
        assert tuple(map(int, named)) == CODES

    def test_what_is_counted_was_known(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, meterage: Meterage
    ) -> None:
        """Every kind of delivery, and a send, count in series that were there."""
        desk = Desk(provider, exporter, {"meter_provider": meterage.provider})
        desk.send(idempotency_key="k")
        number = 0
        events = [
            (event_type, service)
            for event_type, role in ROLES.items()
            for service in (SERVICES if role is Role.STAGE else SERVICES[:1])
        ]
        for event_type, service in events:
            stage = event_type.rpartition(".")[2]
            data = p.message_data(stage, message_id=p.MESSAGE_ID) | {"service": service}
            for code in (None, *CODES) if stage == "failed" else (None,):
                number += 1
                event = p.envelope(event_type, {**data, "code": code}, event_id=f"event-{number}")
                desk.deliver(event)
                desk.deliver(event)
            orphan = {**data, "id": f"orphan-{number}"}
            desk.deliver(p.envelope(event_type, orphan, event_id=f"o{number}", linq_trace_id="0"))
        mismatch = p.envelope(
            "message.edited",
            p.message_data("edited"),
            event_id="m1",
            linq_trace_id=p.OTHER_LINQ_TRACE_ID,
        )
        desk.deliver(mismatch)
        strict = Desk(
            provider, exporter, {"meter_provider": meterage.provider}, secret=p.OTHER_SECRET
        )
        for event_type in (*ROLES, "made.up"):
            strict.deliver(p.encode(p.envelope(event_type, {})))
        desk.deliver(b"{")
        counted = read_counters(meterage.metrics)
        assert {name: set(series) for name, series in counted.items()} == {
            name: set(series) for name, series in KNOWN.items()
        }
        uncounted = {
            name: {key for key, value in series.items() if not value}
            for name, series in counted.items()
            if name.startswith(("linq.webhook", "linq.message"))
        }
        types = {one for one, role in ROLES.items() if role is not Role.INBOUND}
        assert uncounted == {
            "linq.webhook.deliveries": set(),
            "linq.webhook.joins": {(("linq.origin", "carrier"),), (("linq.origin", "key"),)},
            "linq.webhook.trace_id.mismatches": {
                (("linq.event.type", one),) for one in types - {"message.edited"}
            },
            "linq.message.outcomes": set(),
        }

    def test_calls(self, provider: TracerProvider, meterage: Meterage) -> None:
        """Retries, answers of 429 and sends count in series that were there."""
        with ScriptedLinq() as linq:
            instrument(tracer_provider=provider, meter_provider=meterage.provider)
            try:
                linq.script(Reply(429, refusal(1007), headers=SOON))
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
            finally:
                uninstrument()
        counted = read_counters(meterage.metrics)
        assert {name: set(series) for name, series in counted.items()} == {
            name: set(series) for name, series in KNOWN.items()
        }
        assert {name: sum(series.values()) for name, series in counted.items()} == {
            **dict.fromkeys(KNOWN, 0),
            "messaging.client.sent.messages": 1,
            "linq.client.retries": 1,
            "linq.client.rate_limited": 1,
        }

    def test_deltas(self, provider: TracerProvider) -> None:
        """As deltas they are sent once, and what is counted is sent as ever."""
        reader = InMemoryMetricReader({Counter: AggregationTemporality.DELTA})
        meters = MeterProvider([reader])
        receiver = WebhookReceiver(tracer_provider=provider, meter_provider=meters)

        def read() -> Series:
            data = reader.get_metrics_data()
            return read_counters(
                {
                    metric.name: metric
                    for resource in (data.resource_metrics if data else ())
                    for scope in resource.scope_metrics
                    for metric in scope.metrics
                }
            )

        assert read() == KNOWN
        assert read() == {}
        with receiver.process({}, p.encode(p.envelope("message.sent", p.message_data("sent")))):
            pass
        assert read()["linq.message.outcomes"] == {
            (("linq.service", "iMessage"), ("linq.stage", "sent")): 1
        }
        assert read() == {}
        meters.shutdown()

    def test_provider_comes_late(self) -> None:
        """They wait for no call and no webhook."""
        assert int(run_script(LATE)) == sum(map(len, KNOWN.values()))
