"""
A real Prometheus reads a real app: every alert fires on what happens, and every panel shows it.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from linq import BadRequestError, LinqAPIV3
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, start_http_server

from linq_otel import instrument, uninstrument
from linq_otel.errors import StoreError
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.doc_blocks import DOCS
from support.failing_stores import SwitchedStore, raises, wait_until, works
from support.otlp_processes import LOOPBACK
from support.prometheus_servers import ALERTS, DASHBOARD, PrometheusServer, open_prometheus
from support.scripted_linq import CHAT_ID, MESSAGE_ID, SENT, SOON, Reply, ScriptedLinq, refusal
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider


pytestmark = pytest.mark.slow

# The test does not wait for minutes; promtool shows how long each must last.
RULES = re.sub(r"for: \d+m", "for: 0s", ALERTS.read_text("utf-8"))
# A panel's own variables, as Grafana fills them in.
FILLED = {"$service": ".*", "$__rate_interval": "1m", "$__range": "1h"}
ALARMS = sorted(
    tuple(sorted(("shop", *labels)))
    for labels in (
        ("LinqDeliveryRateLow", "warning"),
        ("LinqDeliverySlow", "warning", "iMessage"),
        ("LinqFailures", "warning", "4001"),
        ("LinqFailures", "warning", "9999"),
        ("LinqMessagesStuck", "critical"),
        ("LinqRateLimited", "warning", "chats.messages.send"),
        ("LinqStoreDown", "warning"),
        ("LinqWebhookLag", "warning"),
        ("LinqWebhooksUnverified", "warning"),
    )
)


@dataclass
class Shop:
    """An app that sends to a Linq and hears from it, and the Prometheus that reads it."""

    linq: ScriptedLinq
    client: LinqAPIV3
    store: SwitchedStore
    prometheus: PrometheusServer
    receiver: WebhookReceiver = field(default_factory=WebhookReceiver)
    events: int = 0

    def hear(self, event_type: str, data: dict[str, Any], seconds_ago: float = 0.0) -> None:
        """Receive a new event."""
        self.events += 1
        made = p.at(time.time() - p.EPOCH - seconds_ago)
        event = p.envelope(event_type, data, event_id=f"event-{self.events}", created_at=made)
        with self.receiver.process({}, p.encode(event)):
            pass

    def hear_stage(self, stage: str, seconds_ago: float = 0.0) -> None:
        """Receive what became of the message, a minute and a half from now by Linq's clock."""
        later = p.at(time.time() - p.EPOCH + 90)
        data = p.message_data(stage, message_id=MESSAGE_ID) | {f"{stage}_at": later}
        self.hear(f"message.{stage}", data, seconds_ago)

    def answer(self, message_id: str = MESSAGE_ID) -> None:
        """Send a message into the chat that a message came from."""
        self.linq.script(Reply(body=SENT | {"message": SENT["message"] | {"id": message_id}}))
        data = p.message_data("received", inbound=True, message_id=f"in-{self.events}")
        self.hear("message.received", data | {"chat": {"id": CHAT_ID}})
        send(self.client)

    def be_refused(self) -> None:
        """Make a call that Linq wants repeated, and then refuses."""
        later = Reply(429, refusal(1007), headers={"retry-after": "2", **SOON})
        self.linq.script(later, Reply(400, refusal(1002)))
        with pytest.raises(BadRequestError):
            send(self.client)

    def fail_to_handle(self) -> None:
        """Let a handler raise."""
        with pytest.raises(KeyError), self.receiver.process({}, p.body_of("chat.created")):
            raise KeyError

    def lose_the_store(self) -> None:
        """Let the store fail while events come in, and wait until it is asked again."""
        self.store.reading = self.store.writing = raises(StoreError("it does not work"))
        for _ in range(12):
            self.hear_stage("read")
        self.store.reading = self.store.writing = works
        assert wait_until(self._is_asked, 10)

    def _is_asked(self) -> bool:
        asked = self.store.asked
        self.hear("message.edited", p.edited_data())
        time.sleep(0.05)
        return self.store.asked > asked + 1

    def wait_for_scrapes(self) -> None:
        """Wait until all that has happened was read, and the rules looked at it."""
        seen = self._count_scrapes()
        assert wait_until(lambda: self._count_scrapes() > seen + 2, 10)

    def _count_scrapes(self) -> float:
        return sum(value for _, value in self.prometheus.query("sum_over_time(up[1h])"))


@contextmanager
def open_shop(provider: TracerProvider, folder: Path) -> Generator[Shop]:
    """Run both while the block lasts."""
    registry = CollectorRegistry()
    meters = MeterProvider([PrometheusMetricReader(registry=registry)])
    server, thread = start_http_server(0, LOOPBACK, registry)
    store = SwitchedStore()
    targets = {"shop": f"{LOOPBACK}:{server.server_port}"}
    instrument(tracer_provider=provider, meter_provider=meters, store=store, stuck_after=0.01)
    try:
        with (
            ScriptedLinq() as linq,
            LinqAPIV3(api_key="k", base_url=linq.base_url) as client,
            open_prometheus(folder, targets, RULES) as prometheus,
        ):
            yield Shop(linq, client, store, prometheus)
    finally:
        uninstrument()
        server.shutdown()
        server.server_close()
        thread.join(5)
        meters.shutdown()


def begin(shop: Shop) -> None:
    """Do what durations begin with, and no percentile can tell; nothing fails yet."""
    shop.linq.script(Reply(503, refusal(4004), headers={"retry-after": "2", **SOON}))
    send(shop.client)
    shop.answer()
    shop.hear_stage("sent")
    shop.hear_stage("delivered", 60)


def run_into_trouble(shop: Shop) -> None:
    """Let everything go wrong between one reading and the next."""
    shop.lose_the_store()
    forged = WebhookReceiver(p.OTHER_SECRET)
    for _ in range(12):
        shop.hear_stage("delivered", 60)
        shop.be_refused()
        shop.fail_to_handle()
        with forged.process({}, p.body_of("message.read")):
            pass
        for code in (4001, 9999):
            shop.hear("message.failed", p.failed_data(code), 60)
    shop.answer("dddddddd-0000-4000-8000-000000000000")


def list_panels() -> Iterator[tuple[str, str]]:
    """Yield the queries of the dashboard, filled in, and those of the page, by their titles."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for number, target in enumerate(panel.get("targets", ())):
            if "expr" in target:
                query = target["expr"]
                for name, value in FILLED.items():
                    query = query.replace(name, value)
                yield f"{panel['title']} {number}", query
    page = (DOCS / "dashboards.md").read_text("utf-8")
    yield from re.findall(r"^\| ([^|]+) \| `(\w+\(.*)` \|$", page, re.MULTILINE)
    for block in re.findall(r"^```text\n(sum\(.*?)^```", page, re.MULTILINE | re.DOTALL):
        yield "Delivered, as a share", block


class TestPrometheus:
    def test_alerts_and_panels(self, provider: TracerProvider, tmp_path: Path) -> None:
        """The first trouble of each kind raises its alert, and is on every panel."""
        with open_shop(provider, tmp_path) as shop:
            shop.wait_for_scrapes()
            begin(shop)
            shop.wait_for_scrapes()
            assert shop.prometheus.alerts() == []
            run_into_trouble(shop)
            shop.wait_for_scrapes()
            assert wait_until(lambda: len(shop.prometheus.alerts()) == len(ALARMS), 10)
            alerts = shop.prometheus.alerts()
            # On a busy host a reading may come too late, and then nothing is there for a moment.
            wait_until(lambda: all(map(shop.prometheus.query, dict(list_panels()).values())), 10)
            panels = {title: shop.prometheus.query(query) for title, query in list_panels()}
        labels = [alert["labels"] for alert in alerts]
        assert sorted(tuple(sorted(each.values())) for each in labels) == ALARMS
        assert [a for a in alerts if "error" in a["annotations"]["summary"].lower()] == []
        assert {title for title, found in panels.items() if not found} == set()
        # These series were born within the interval, and are in it as a whole.
        assert panels["Failed calls 0"] == [({"error_type": "400"}, 12)]
        assert panels["Failed handlers 0"] == [({"error_type": "KeyError"}, 12)]
        assert ({"linq_error_code": "9999"}, 12) in panels["Failures by code 0"]
        shares = [panels[title][0][1] for title in ("Delivery rate 0", "Delivered, as a share")]
        assert [0 < share < 0.95 for share in shares] == [True, True]
