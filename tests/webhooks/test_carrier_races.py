"""
Webhooks that overtake the answer of their send: one message is one life, with a store or without.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from linq import AsyncLinqAPIV3, LinqAPIV3

from linq_otel.stores.memory import MemoryStore
from linq_otel.testing import LinqSimulator, Scenario, Step
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.carrying import FIRST_KEY, TEXT, Line, carrying, open_line, traceparent_of
from support.overtaking import WHOLE_LIFE, Drawn, Endpoint, drawn, open_endpoint, read_life
from support.programs import open_program
from support.racing import SLACK, WAIT, GatedLinq, Shared, Ticks, fresh, now, time_delivery
from support.readings import pick
from support.scripted_linq import MESSAGE_ID
from support.sending import send
from support.spans import by_name
from support.timing import Timing, timed
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


MODES = ("linq", "app", "message", "link")
SEEN = tuple(Step(f"message.{stage}", n) for n, stage in enumerate(("sent", "delivered", "read")))
OVERTAKING = Scenario("overtaking", steps=SEEN, overtake=True)
SENDER = Path(__file__).parents[1] / "support" / "carrier_sender.py"


@pytest.fixture
def line() -> Iterator[Line]:
    """
    Yield a chat at a simulated Linq, made before anything is instrumented.
    """
    with LinqSimulator(seed=7, speed=0) as linq, open_line(linq) as line:
        yield line


@pytest.fixture
def endpoint(provider: TracerProvider) -> Iterator[Endpoint]:
    """
    Yield where the webhooks go.
    """
    with open_endpoint(provider) as endpoint:
        yield endpoint


def send_by_itself(line: Line) -> None:
    line.send()


def send_in_a_task(line: Line) -> None:
    async def run() -> None:
        settings = {"api_key": line.linq.api_key, "base_url": line.linq.base_url}
        async with AsyncLinqAPIV3(**settings) as client:
            await client.chats.messages.send(line.chat_id, message=TEXT)

    asyncio.run(run())


SENDERS = {"sync": send_by_itself, "async": send_in_a_task}


@contextmanager
def sharing(provider: TracerProvider, secret: str, *, store: bool, **options: Any) -> Iterator[Any]:
    """
    Instrument this process as a sender, and yield its receiver, with its store or with none.
    """
    with carrying(tracer_provider=provider, store=MemoryStore(), **options):
        more = {} if store else {"tracer_provider": provider, "store": "memory:", **options}
        yield WebhookReceiver(secret, **more)


class TestOvertaking:
    @pytest.mark.timing
    @pytest.mark.parametrize("sender", SENDERS)
    @pytest.mark.parametrize("store", [True, False], ids=["one store", "no store"])
    @pytest.mark.parametrize("join", MODES)
    def test_one_process(
        self,
        *,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        join: str,
        store: bool,
        sender: str,
    ) -> None:
        """Whoever knows what: the life is one, and its sending span is linked from each handler."""
        secret = line.linq.subscribe(endpoint.url).signing_secret
        line.linq.script(OVERTAKING)
        with sharing(provider, secret, store=store, join=join) as endpoint.receiver:
            SENDERS[sender](line)
            answered = time.monotonic()
            line.linq.wait_until_idle()
        assert endpoint.began["message.sent"] < answered
        spans = exporter.get_finished_spans()
        call = by_name(spans, "linq chats.messages.send")
        trace, names, parents = read_life(drawn(spans))
        assert (names, parents) == (WHOLE_LIFE, ["linq message"] * 4)
        assert (trace == f"{call.context.trace_id:032x}") is (join == "app")
        for stage in ("sent", "delivered", "read"):
            links = by_name(spans, f"process message.{stage}").links
            (to_sender,) = [k for k in links if (k.attributes or {}).get("linq.link") == "send"]
            assert traceparent_of(to_sender.context) == traceparent_of(call.context)
        bound = WAIT if join == "app" or not store else WAIT + SLACK
        assert endpoint.took["message.sent"].net < bound

    @pytest.mark.timing
    @pytest.mark.parametrize("join", MODES)
    def test_two_processes(
        self,
        *,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        tmp_path: Path,
        join: str,
    ) -> None:
        """The sender is another process of this host, and their store a file."""
        secret = line.linq.subscribe(endpoint.url).signing_secret
        line.linq.script(OVERTAKING)
        options = {"store": f"sqlite:///{tmp_path}/linq.db", "join": join}
        asked = {
            "api_key": line.linq.api_key,
            "base_url": line.linq.base_url,
            "chat_id": line.chat_id,
            "options": {**options, "carrier": "idempotency_key"},
        }
        with carrying(tracer_provider=provider, **options):
            endpoint.receiver = WebhookReceiver(secret)
            with open_program("sender", [str(SENDER), json.dumps(asked)], {}, tmp_path) as program:
                assert (program.wait(), program.complaints) == (0, "")
            line.linq.wait_until_idle()
        theirs = [Drawn(*json.loads(printed)) for printed in program.lines]
        (call,) = [s for s in theirs if s.name == "linq chats.messages.send"]
        ours = drawn(exporter.get_finished_spans())
        trace, names, parents = read_life([*theirs, *ours])
        assert (names, parents) == (WHOLE_LIFE, ["linq message"] * 4)
        assert (trace == call.otel_trace_id) is (join == "app")
        bound = WAIT if join == "app" else WAIT + SLACK
        assert endpoint.took["message.sent"].net < bound


class TestNoStore:
    @pytest.mark.parametrize(
        "scenario",
        [
            Scenario("differing", steps=SEEN, overtake=True, own_trace_ids=True),
            Scenario("malformed", steps=SEEN, malformed_trace_ids=("trace_{hex:.12}",)),
            "timeout-accepted",
            "lost-answer",
            "duplicates",
            "out-of-order",
        ],
        ids=lambda scenario: getattr(scenario, "name", scenario),
    )
    def test_app(
        self,
        *,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        scenario: Scenario | str,
    ) -> None:
        """The app's trace holds the one life, whatever Linq's ids say and answers get lost."""
        with (
            LinqSimulator(seed=7, speed=0) as linq,
            open_line(linq, timeout=0.5) as line,
            provider.get_tracer("app").start_as_current_span("click") as click,
        ):
            secret = linq.subscribe(endpoint.url).signing_secret
            linq.script(scenario)
            with sharing(provider, secret, store=False, join="app") as endpoint.receiver:
                line.send()
                linq.wait_until_idle()
            assert len(linq.accepted) == 2
        trace, names, parents = read_life(set(drawn(exporter.get_finished_spans())))
        expected = [name for name in WHOLE_LIFE if name != "message read" or name in names]
        assert trace == f"{click.get_span_context().trace_id:032x}"
        assert (names, parents) == (expected, ["linq message"] * (len(expected) - 1))

    @pytest.mark.parametrize("store", [True, False], ids=["one store", "no store"])
    def test_failed(
        self,
        *,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        store: bool,
    ) -> None:
        """A failure repeats no key: with no store it is drawn in the trace of Linq's id."""
        secret = line.linq.subscribe(endpoint.url).signing_secret
        line.linq.script("failed")
        with sharing(provider, secret, store=store, join="app") as endpoint.receiver:
            line.send()
            line.linq.wait_until_idle()
        spans = exporter.get_finished_spans()
        app = f"{by_name(spans, 'linq message').context.trace_id:032x}"
        found = {s.name: s.otel_trace_id for s in drawn(spans) if s.name.startswith("message ")}
        (message,) = line.linq.accepted[1:]
        assert found == {
            "message accepted": app,
            "message sent": app,
            "message failed": app if store else message.linq_trace_id,
        }

    def test_older_payloads(
        self,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """The version of 2025 repeats the key as well."""
        subscribed = line.linq.subscribe(f"{endpoint.url}?version=2025-01-01")
        line.linq.script("read")
        options = {"store": False, "join": "app"}
        with sharing(provider, subscribed.signing_secret, **options) as endpoint.receiver:
            line.send()
            line.linq.wait_until_idle()
        _, names, parents = read_life(drawn(exporter.get_finished_spans()))
        assert (names, parents) == (WHOLE_LIFE, ["linq message"] * 4)

    @pytest.mark.parametrize("call", ["poll", "voice memo"])
    def test_no_key_repeated(
        self,
        *,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        call: str,
    ) -> None:
        """A poll's events repeat no key, a voice memo takes none: both fall back to Linq's id."""
        secret = line.linq.subscribe(endpoint.url).signing_secret
        with sharing(provider, secret, store=False, join="app") as endpoint.receiver:
            if call == "poll":
                options = [{"text": "yes"}, {"text": "no"}]
                line.client.chats.polls.create(line.chat_id, poll={"options": options})
            else:
                line.client.chats.send_voicememo(
                    line.chat_id, voice_memo_url="https://example.com/a.m4a"
                )
            line.linq.wait_until_idle()
        (message,) = line.linq.accepted[1:]
        sent = by_name(exporter.get_finished_spans(), "message sent")
        assert f"{sent.context.trace_id:032x}" == message.linq_trace_id

    def test_forged(
        self,
        line: Line,
        endpoint: Endpoint,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """A forged delivery of the very same event joins nothing."""
        secret = line.linq.subscribe(endpoint.url).signing_secret
        line.linq.script(Scenario(steps=SEEN[:1], forged=True))
        with sharing(provider, secret, store=False, join="app") as endpoint.receiver:
            line.send()
            line.linq.wait_until_idle()
        spans = exporter.get_finished_spans()
        app = by_name(spans, "linq message").context.trace_id
        seen = [
            (*pick(s, "linq.webhook.verified"), s.context.trace_id == app, len(s.links))
            for s in spans
            if s.name == "process message.sent"
        ]
        assert seen == [(False, False, 0), (True, True, 2)]


def carried(message_id: str = p.MESSAGE_ID, *, key: object = FIRST_KEY, **more: Any) -> bytes:
    """
    Return an event Linq made just now, of a message with this key.
    """
    data = p.message_data("sent", message_id=message_id) | {"idempotency_key": key}
    return p.encode(
        p.envelope("message.sent", data, linq_trace_id=p.OTHER_LINQ_TRACE_ID, created_at=now())
        | more
    )


def waiting_desk(desk: Desk, join: str) -> Desk:
    return Desk(desk.provider, desk.exporter, {"join": join}, store=Shared())


@pytest.mark.timing
class TestWait:
    def test_app_does_not_wait(self, desk: Desk) -> None:
        """The event tells where it belongs: the store is asked once, and nobody waits for it."""
        desk = waiting_desk(desk, "app")
        assert time_delivery(desk, carried()).net < WAIT
        assert isinstance(desk.store, Shared)
        assert desk.store.finds == 1

    def test_nor_does_a_coroutine(self, desk: Desk) -> None:
        """The same off the event loop."""
        desk = waiting_desk(desk, "app")

        async def run() -> Timing:
            async with AsyncExitStack() as handling:
                with timed() as timing:
                    await handling.enter_async_context(desk.receiver.aprocess({}, carried()))
            return timing

        assert asyncio.run(run()).net < WAIT
        assert isinstance(desk.store, Shared)
        assert desk.store.finds == 1

    @pytest.mark.parametrize("join", ["linq", "message", "link"])
    def test_elsewhere_a_life_is_waited_for(self, desk: Desk, join: str) -> None:
        """The sender's choice of the trace is not in the key."""
        timing = time_delivery(waiting_desk(desk, join), carried())
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK

    @pytest.mark.parametrize(
        "body",
        [
            lambda: carried(key=None),
            lambda: carried(key="order 7"),
            lambda: p.encode(p.envelope("message.failed", p.failed_data(), created_at=now())),
        ],
        ids=["null", "the user's", "failed"],
    )
    def test_nor_is_it_in_others(self, desk: Desk, body: Callable[[], bytes]) -> None:
        """Under ``app`` an event without a key of ours waits, and falls back, as ever."""
        desk = waiting_desk(desk, "app")
        timing = time_delivery(desk, body())
        assert timing.seconds >= WAIT
        assert timing.net < WAIT + SLACK

    def test_a_key_is_no_find(self, desk: Desk) -> None:
        """Where nobody saves, waiting stops for those without a key, however many have one."""
        desk = waiting_desk(desk, "app")
        timings = []
        for number in range(4):
            assert time_delivery(desk, carried(f"a{number}")).net < WAIT
            timings.append(time_delivery(desk, fresh(message_id=f"b{number}")))
        assert all(timing.seconds >= WAIT for timing in timings[:3])
        assert timings[3].net < WAIT

    def test_a_send_under_way_is_not_waited_for(
        self,
        gated_linq: GatedLinq,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
    ) -> None:
        """Its answer is still being written; the webhook is in its place long before."""
        with (
            carrying(tracer_provider=provider, join="app", store=MemoryStore()),
            LinqAPIV3(api_key="k", base_url=gated_linq.base_url) as client,
        ):
            sending = threading.Thread(target=send, args=(client,))
            sending.start()
            assert gated_linq.arrived.wait(5)
            (request,) = gated_linq.requests
            key = json.loads(request.body)["message"]["idempotency_key"]
            body = carried(MESSAGE_ID, key=key)
            with ExitStack() as handling, timed() as timing:
                handling.enter_context(WebhookReceiver().process({}, body))
            gated_linq.gate.set()
            sending.join(5)
        spans = exporter.get_finished_spans()
        call = by_name(spans, "linq chats.messages.send")
        anchor, sent = by_name(spans, "linq message"), by_name(spans, "message sent")
        assert timing.net < WAIT
        assert sent.parent is not None
        assert (sent.parent.trace_id, sent.parent.span_id) == (
            call.context.trace_id,
            anchor.context.span_id,
        )


class TestEventLoop:
    @pytest.mark.timing
    @pytest.mark.parametrize("join", MODES)
    def test_it_keeps_ticking(
        self,
        *,
        line: Line,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        tmp_path: Path,
        join: str,
    ) -> None:
        """Sender and receiver are coroutines of one loop, their store a file; neither blocks it."""
        ticks = Ticks()
        options = {"store": f"sqlite:///{tmp_path}/linq.db", "join": join}

        async def run() -> None:
            async def hook(request: web.Request) -> web.Response:
                body = await request.read()
                async with receiver.aprocess(request.headers, body):
                    return web.Response()

            app = web.Application()
            app.router.add_post("/hook", hook)
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
            receiver = WebhookReceiver(line.linq.subscribe(url).signing_secret)
            line.linq.script(OVERTAKING)
            settings = {"api_key": line.linq.api_key, "base_url": line.linq.base_url}
            async with AsyncLinqAPIV3(**settings) as client:
                ticking = asyncio.create_task(ticks.run())
                await client.chats.messages.send(line.chat_id, message=TEXT)
                await asyncio.to_thread(line.linq.wait_until_idle)
                ticking.cancel()
            await runner.cleanup()

        with carrying(tracer_provider=provider, **options):
            asyncio.run(asyncio.wait_for(run(), 20))
        _, names, parents = read_life(drawn(exporter.get_finished_spans()))
        assert (names, parents) == (WHOLE_LIFE, ["linq message"] * 4)
        assert ticks.net < WAIT
