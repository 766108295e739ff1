"""
What a real OTLP receiver got of our metrics, from real calls and real webhooks.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from linq_otel import instrument, uninstrument
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.failing_stores import wait_until
from support.scripted_linq import CHAT_ID, MESSAGE_ID, ScriptedLinq
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider

    from support.otlp_processes import Receiver

SEND = {"linq.operation": "chats.messages.send"}
MESSAGING = {"messaging.system": "linq"}


@pytest.fixture(params=["http", "grpc"])
def meter_provider(request: pytest.FixtureRequest, otlp_agent: Receiver) -> Iterator[MeterProvider]:
    """Yield a provider that exports to the test agent when it is flushed."""
    otlp_agent.read("/test/session/clear")
    if request.param == "grpc":
        exporter: Any = GrpcMetricExporter(endpoint=otlp_agent.grpc_endpoint, insecure=True)
    else:
        exporter = HttpMetricExporter(endpoint=f"{otlp_agent.http_endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider([reader], Resource.create({"service.name": "shop"}))
    yield provider
    provider.shutdown()


def received(agent: Receiver) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """
    Return each metric's points as they arrived: attributes, and count or value.

    What a counter has not counted is left out: most of its series begin at zero.
    """
    found: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for batch in json.loads(agent.read("/test/session/metrics")):
        for resource in batch["resource_metrics"]:
            for scope in resource["scope_metrics"]:
                assert scope["scope"]["name"] == "linq_otel"
                for metric in scope["metrics"]:
                    (kind,) = {"sum", "gauge", "histogram"} & set(metric)
                    points = metric[kind]["data_points"]
                    found[metric["name"]] = [
                        (attributes(x), number(x)) for x in points if kind != "sum" or number(x)
                    ]
    return found


def attributes(point: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a point as a mapping."""
    return {each["key"]: next(iter(each["value"].values())) for each in point.get("attributes", [])}


def number(point: dict[str, Any]) -> float:
    """Return the value of a point, or how many values are in it."""
    return float(point.get("count") or point.get("as_int") or point.get("as_double") or 0)


class TestMetrics:
    def test_of_one_message_s_life(
        self, otlp_agent: Receiver, provider: TracerProvider, meter_provider: MeterProvider
    ) -> None:
        """A message that comes in, is answered, sent and delivered: every number of it arrives."""
        with ScriptedLinq() as linq:
            instrument(tracer_provider=provider, meter_provider=meter_provider)
            try:
                receiver = WebhookReceiver()
                data = p.message_data("received", inbound=True, message_id="in-1")
                data["chat"]["id"] = CHAT_ID
                deliver(receiver, "message.received", data, "e0")
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
                for number_of, stage in enumerate(("sent", "delivered", "delivered")):
                    data = p.message_data(stage, message_id=MESSAGE_ID)
                    deliver(receiver, f"message.{stage}", data, f"{stage}{number_of % 2}")
                deliver(receiver, "message.delivered", data, "delivered1")
                meter_provider.force_flush()
            finally:
                uninstrument()
        assert wait_until(lambda: "linq.webhook.joins" in received(otlp_agent))
        found = received(otlp_agent)
        wire = {
            "http.request.method": "POST",
            "http.response.status_code": "202",
            "server.address": "127.0.0.1",
            "server.port": str(linq.server_port),
            "url.template": "/v3/chats/{chat_id}/messages",
        }
        sent = {
            **MESSAGING,
            **SEND,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        assert found["linq.client.operation.duration"] == [(SEND, 1)]
        assert found["messaging.client.operation.duration"] == [(sent, 1)]
        assert found["messaging.client.sent.messages"] == [(sent, 1)]
        assert found["http.client.request.duration"] == [(wire, 1)]
        assert found["linq.chat.reply.duration"] == [({}, 1)]
        assert found["linq.message.stuck"] == [({}, 0)]
        assert found["linq.webhook.joins"] == [({"linq.origin": "message"}, 4)]
        assert by_type(found["linq.webhook.deliveries"], "linq.webhook.outcome") == {
            ("message.received", "new"): 1,
            ("message.sent", "new"): 1,
            ("message.delivered", "new"): 2,
            ("message.delivered", "duplicate"): 1,
        }
        stages = {
            (point["linq.stage"], point["linq.service"]): count
            for point, count in found["linq.message.stage.duration"]
        }
        assert stages == {("sent", "iMessage"): 1, ("delivered", "iMessage"): 2}


def deliver(receiver: WebhookReceiver, event_type: str, data: dict[str, Any], name: str) -> None:
    """Receive one webhook."""
    now = p.at(time.time() - p.EPOCH)
    body = p.encode(p.envelope(event_type, data, event_id=f"event-{name}", created_at=now))
    with receiver.process({}, body):
        pass


def by_type(points: list[tuple[dict[str, Any], float]], key: str) -> dict[tuple[str, str], float]:
    """Return points by their event type and another attribute."""
    return {(point["linq.event.type"], point[key]): count for point, count in points}
