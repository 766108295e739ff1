from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3

from linq_otel import _keeping, _unsent, instrument, uninstrument
from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from linq_otel._unsent import Unsent
from linq_otel.errors import SignatureError, StoreError
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.own import OwnStore
from linq_otel.stores.sqlite import SQLiteStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.failing_stores import SwitchedStore, raises, wait_until, works
from support.scripted_linq import CHAT_ID, ScriptedLinq
from support.sending import send
from support.timing import timed
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.stores import Store
    from support.metric_readings import Meterage

    Open = Callable[..., Desk]

DELIVERIES = "linq.webhook.deliveries"
STAGES = "linq.message.stage.duration"


@pytest.fixture
def open_desk(provider: TracerProvider, exporter: InMemorySpanExporter, meterage: Meterage) -> Open:
    """Return what opens a process that measures, with a store of its own or a given one."""

    def open_desk(store: Store | None = None, **more: Any) -> Desk:
        options = {"meter_provider": meterage.provider, **more.pop("options", {})}
        return Desk(provider, exporter, options, store or MemoryStore(), **more)

    return open_desk


class TestDeliveries:
    def test_new_duplicate_and_orphan(self, open_desk: Open, meterage: Meterage) -> None:
        """What came is counted by what it was to us."""
        desk = open_desk()
        desk.send()
        desk.stage("sent")
        desk.stage("sent")
        desk.stage("delivered", event_id="e2", data=p.message_data("delivered", message_id="other"))
        assert meterage.counts(DELIVERIES) == {
            ("message.sent", "new"): 1,
            ("message.sent", "duplicate"): 1,
            ("message.delivered", "new"): 1,
        }
        desk.stage(
            "read",
            event_id="e3",
            trace_id=p.OTHER_LINQ_TRACE_ID,
            data=p.message_data("read", message_id="third"),
        )
        assert meterage.counts(DELIVERIES)["message.read", "orphan"] == 1

    def test_unverified_and_malformed(self, open_desk: Open, meterage: Meterage) -> None:
        """A stranger's delivery counts as one, under a type only if we know it."""
        desk = open_desk(secret=p.SECRET)
        forged = p.encode(p.envelope("made.up.type", {}))
        desk.deliver(forged, headers={"webhook-id": "x"})
        desk.deliver(p.body_of("message.read"), headers={"webhook-id": "x"})
        desk.deliver(b"{", headers=p.headers_of(b"{"))
        assert meterage.counts(DELIVERIES) == {
            ("_OTHER", "unverified"): 1,
            ("message.read", "unverified"): 1,
            ("_OTHER", "malformed"): 1,
        }
        assert meterage.counts("linq.webhook.joins") == {}

    def test_enforced(self, open_desk: Open, meterage: Meterage) -> None:
        """What is refused for the app is counted as well."""
        desk = open_desk(secret=p.SECRET, enforce=True)
        with pytest.raises(SignatureError):
            desk.deliver(p.body_of("message.read"), headers={"webhook-id": "x"})
        assert meterage.counts(DELIVERIES) == {("_OTHER", "unverified"): 1}

    def test_joins_and_mismatches(self, open_desk: Open, meterage: Meterage) -> None:
        """How each was joined, and whose trace id is another than its message's."""
        desk = open_desk()
        desk.send(idempotency_key="k")
        desk.stage("sent")
        desk.stage("delivered", event_id="e2", trace_id=p.OTHER_LINQ_TRACE_ID)
        keyed = p.message_data("read") | {"id": None, "idempotency_key": "k"}
        desk.stage("read", event_id="e3", trace_id=p.OTHER_LINQ_TRACE_ID, data=keyed)
        desk.stage(
            "failed", event_id="e4", trace_id="f" * 32, data={"code": 4001, "message_id": "x9"}
        )
        assert meterage.counts("linq.webhook.joins") == {
            ("message",): 2,
            ("key",): 1,
            ("none",): 1,
        }
        assert meterage.counts("linq.webhook.trace_id.mismatches") == {
            ("message.delivered",): 1,
            ("message.read",): 1,
        }

    def test_lag(self, open_desk: Open, meterage: Meterage) -> None:
        """From Linq's making it to its first arrival; a clock ahead of ours is no time."""
        desk = open_desk()
        with timed() as timing:
            made = p.at(time.time() - p.EPOCH - 30)
            desk.stage("sent", created_at=made)
            desk.stage("sent", created_at=made)
        desk.stage("read", event_id="e2", created_at=p.at(time.time() - p.EPOCH + 600))
        assert meterage.counts("linq.webhook.lag") == {("message.sent",): 1, ("message.read",): 1}
        lags = meterage.sums("linq.webhook.lag")
        assert lags["message.sent",] >= 30
        assert lags["message.sent",] - timing.lost < 35
        assert lags["message.read",] == 0.0


class TestHandlers:
    @pytest.mark.timing
    def test_duration(self, open_desk: Open, meterage: Meterage) -> None:
        """A handler is timed, by type, and by what it raised or answered."""
        receiver = open_desk().receiver
        body = p.body_of("message.sent")
        with timed() as timing, receiver.process({}, body):
            time.sleep(0.02)
        with pytest.raises(KeyError), receiver.process({}, body):
            raise KeyError
        with receiver.handling({}, body) as handling:
            assert handling is not None
            handling.note_status(503)
        process = ("process", "process", "linq")
        assert meterage.counts("messaging.process.duration") == {
            ("message.sent", *process): 1,
            ("KeyError", "message.sent", *process): 1,
            ("503", "message.sent", *process): 1,
        }
        took = meterage.sums("messaging.process.duration")[("message.sent", *process)]
        assert took >= 0.02
        assert took - timing.lost < 0.5


class TestStages:
    def test_from_accepted_to_each(self, open_desk: Open, meterage: Meterage) -> None:
        """Each stage once, however often it is delivered, by service."""
        desk = open_desk()
        desk.send()
        for number, stage in enumerate(("sent", "delivered", "read")):
            for _ in range(3):
                desk.stage(stage, event_id=f"e{number}")
        assert meterage.sums(STAGES) == {
            ("iMessage", "sent"): 1.0,
            ("iMessage", "delivered"): 4.5,
            ("iMessage", "read"): 3599.25,
        }
        assert meterage.counts("linq.message.outcomes") == {
            ("iMessage", "sent"): 1,
            ("iMessage", "delivered"): 1,
            ("iMessage", "read"): 1,
        }

    def test_failed(self, open_desk: Open, meterage: Meterage) -> None:
        """A failure is counted by its code; codes nobody has heard of do not multiply."""
        desk = open_desk()
        desk.send()
        desk.stage("failed")
        assert meterage.counts("linq.message.outcomes") == {(4001, "iMessage", "failed"): 1}
        for code in range(2, 202):
            desk.stage("failed", event_id=f"e{code}", data=p.failed_data(code))
        counted = meterage.counts("linq.message.outcomes")
        assert len(counted) == 101
        assert counted["iMessage", "failed"] == 101

    def test_whichever_process_gets_it(self, open_desk: Open, meterage: Meterage) -> None:
        """Two receivers that share a store count an event once."""
        store = SwitchedStore()
        first, second = open_desk(store), open_desk(store)
        first.send()
        first.stage("sent")
        second.stage("sent")
        assert meterage.counts(STAGES) == {("iMessage", "sent"): 1}

    def test_without_its_origin(self, open_desk: Open, meterage: Meterage) -> None:
        """When nobody knows when it was accepted, that it happened counts still."""
        open_desk().stage("sent")
        assert meterage.counts(STAGES) == {}
        assert meterage.counts("linq.message.outcomes") == {("iMessage", "sent"): 1}

    def test_without_spans(self, open_desk: Open, meterage: Meterage) -> None:
        """``stages=False`` leaves out the spans, and not the numbers."""
        desk = open_desk(options={"stages": False})
        desk.send()
        desk.stage("sent")
        assert meterage.counts(STAGES) == {("iMessage", "sent"): 1}


REPLIES = "linq.chat.reply.duration"


def arrival(seconds_ago: float, event_id: str = "e1", chat_id: str = CHAT_ID) -> bytes:
    data = p.message_data("received", inbound=True, message_id=f"in-{event_id}-1")
    data["chat"]["id"] = chat_id
    created_at = p.at(time.time() - p.EPOCH - seconds_ago)
    return p.encode(p.envelope("message.received", data, event_id=event_id, created_at=created_at))


class TestReplies:
    @pytest.fixture(params=[MemoryStore, SwitchedStore])
    def store(self, request: pytest.FixtureRequest) -> Store:
        """Return a store of one process, and one that is shared."""
        store: Store = request.param()
        return store

    def test_first_answer(self, provider: TracerProvider, meterage: Meterage, store: Store) -> None:
        """From the last message that came in to the first that was accepted, in its chat."""
        with timed() as timing, ScriptedLinq() as linq:
            instrument(tracer_provider=provider, meter_provider=meterage.provider, store=store)
            try:
                receiver = WebhookReceiver()
                for body in (
                    arrival(60, "e1"),
                    arrival(20, "e2"),
                    arrival(20, "e2"),
                    arrival(90, "e3", chat_id="99999999-2222-4333-8444-555555555555"),
                ):
                    with receiver.process({}, body):
                        pass
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
                    send(client)
                assert wait_until(lambda: meterage.counts(REPLIES) == {(): 1})
            finally:
                uninstrument()
        assert meterage.sums(REPLIES)[()] >= 20
        assert meterage.sums(REPLIES)[()] - timing.lost < 25

    def test_by_another_process(self, provider: TracerProvider, meterage: Meterage) -> None:
        """A worker that took the work from a queue answers, and knows nothing of the webhook."""
        store = SwitchedStore()
        elsewhere = WebhookReceiver(
            tracer_provider=provider, meter_provider=meterage.provider, store=store
        )
        with timed() as timing, ScriptedLinq() as linq:
            with elsewhere.process({}, arrival(20)):
                pass
            assert wait_until(lambda: store.find(f"key:arrival:{CHAT_ID}") is not None)
            instrument(tracer_provider=provider, meter_provider=meterage.provider, store=store)
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
                    send(client)
                assert wait_until(lambda: meterage.counts(REPLIES) == {(): 1})
                time.sleep(0.05)
                assert meterage.counts(REPLIES) == {(): 1}
            finally:
                uninstrument()
        assert meterage.sums(REPLIES)[()] >= 20
        assert meterage.sums(REPLIES)[()] - timing.lost < 25


STUCK = "linq.message.stuck"


def open_file(folder: Path) -> Store:
    return SQLiteStore(str(folder / "linq.db"))


def open_unsent(store: Store, meterage: Meterage, seconds: float = 0.0) -> Unsent:
    """
    Open what counts the messages of one of several processes.
    """
    return Unsent(OriginKeeper(store, Meters(meterage.provider), 0.05), seconds)


class TestStuck:
    @pytest.mark.parametrize("store", [MemoryStore, SwitchedStore])
    def test_counts_what_was_not_sent_in_time(
        self, provider: TracerProvider, meterage: Meterage, store: Callable[[], Store]
    ) -> None:
        """A message counts after the time, and no more once its webhook has come."""
        with ScriptedLinq() as linq:
            instrument(
                tracer_provider=provider,
                meter_provider=meterage.provider,
                store=store(),
                stuck_after=0.1,
            )
            try:
                receiver = WebhookReceiver()
                with receiver.process({}, p.body_of("message.sent")):
                    pass  # A webhook of another message: here somebody listens.
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    message_id = send(client).message.id
                assert meterage.counts(STUCK) == {(): 0}
                assert wait_until(lambda: meterage.counts(STUCK) == {(): 1})
                data = p.message_data("sent", message_id=message_id)
                body = p.encode(p.envelope("message.sent", data, event_id="e9"))
                with receiver.process({}, body):
                    pass
                assert meterage.counts(STUCK) == {(): 0}
            finally:
                uninstrument()
        assert meterage.counts(STUCK) == {}

    def test_heard_of_by_another_process(
        self, provider: TracerProvider, meterage: Meterage
    ) -> None:
        """The sender finds the note in the store that the receiver left."""
        store = SwitchedStore()
        with ScriptedLinq() as linq:
            instrument(
                tracer_provider=provider,
                meter_provider=meterage.provider,
                store=store,
                stuck_after=0.05,
            )
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    message_id = send(client).message.id
                assert wait_until(lambda: meterage.counts(STUCK) == {(): 1})
                elsewhere = WebhookReceiver(meter_provider=meterage.provider, store=store)
                data = p.message_data("delivered", message_id=message_id)
                with elsewhere.process({}, p.encode(p.envelope("message.delivered", data))):
                    pass
                assert wait_until(lambda: meterage.counts(STUCK) == {(): 0})
            finally:
                uninstrument()

    @pytest.mark.parametrize("open_store", [SwitchedStore, open_file])
    def test_of_many_at_once(
        self, tmp_path: Path, meterage: Meterage, open_store: Callable[..., Store]
    ) -> None:
        """Each that was heard of is known in one collection, and none else is left out."""
        store = open_store(tmp_path) if open_store is open_file else open_store()
        with closing(store):
            sender, receiver = [open_unsent(store, meterage) for _ in range(2)]
            for number in range(1_500):
                sender.note_accepted(f"m{number}")
                if number % 3:
                    store.save(_unsent._note(f"m{number}"))
            assert (sender.count(), receiver.count()) == (500, None)
            for number in range(1_500):
                store.save(_unsent._note(f"m{number}"))
            assert (sender.count(), list(sender._accepted)) == (0, [])

    def test_after_an_outage(self, meterage: Meterage, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was heard of while the store was down is noted later; meanwhile nothing is known."""
        store = SwitchedStore()
        sender, receiver = [open_unsent(store, meterage) for _ in range(2)]
        for number in range(300):
            sender.note_accepted(f"m{number}")
        for number in range(200):
            store.save(_unsent._note(f"m{number}"))
        assert sender.count() == 100
        store.reading = store.writing = raises(StoreError("it is down"))
        for number in range(200, 600):
            sender.note_accepted(f"m{number}")
            receiver.note_sent(f"m{number}")
        assert [sender.count() for _ in range(4)] == [100] * 4
        store.reading = store.writing = works
        assert wait_until(lambda: store.find(*_unsent._note("m599").keys) is not None)
        assert wait_until(lambda: not sender._origins.silent_seconds)
        # Others may not know yet that it works.
        assert sender.count() == 100
        monkeypatch.setattr(_keeping, "_NEWLY_WORKING_SECONDS", 0.0)
        assert wait_until(lambda: sender.count() == 0)

    def test_more_than_are_watched(
        self, meterage: Meterage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was heard of long before it is due makes room for others."""
        monkeypatch.setattr(_unsent, "_MOST_MESSAGES", 100)
        store = SwitchedStore()
        sender = open_unsent(store, meterage, 300)
        for turn in range(10):
            for number in range(60):
                sender.note_accepted(f"m{turn} {number}")
                store.save(_unsent._note(f"m{turn} {number}"))
            sender.note_accepted(f"stuck {turn}")
            assert sender.count() == 0
        assert list(sender._accepted) == [f"stuck {turn}" for turn in range(10)]

    def test_of_an_app_s_own_store(self, meterage: Meterage) -> None:
        """Its table takes no notes, so a process knows of no webhook but its own."""
        sender = open_unsent(OwnStore(find=lambda _keys: None), meterage)
        sender.note_accepted("m1")
        assert sender.count() is None

    def test_where_no_webhook_would_tell(
        self, provider: TracerProvider, meterage: Meterage
    ) -> None:
        """A process that only sends, with a store of its own, does not know: it says nothing."""
        with ScriptedLinq() as linq:
            instrument(tracer_provider=provider, meter_provider=meterage.provider, stuck_after=0.01)
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
                time.sleep(0.03)
                assert meterage.counts(STUCK) == {}
            finally:
                uninstrument()
