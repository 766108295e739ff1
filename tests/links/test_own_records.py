"""
What a call leaves for an app to keep beside its own message.
"""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import httpx
import pytest
import requests
from linq import APIStatusError, AsyncLinqAPIV3, LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel._keeping import OriginKeeper
from linq_otel._meters import Meters
from linq_otel._origins import hash_key
from linq_otel.origins import Origin, collect_origins, last_origin, origin_from_response
from linq_otel.stores.memory import MemoryStore
from support import payloads as p
from support.origins import accepted
from support.racing import Shared
from support.scripted_linq import CHAT_ID, MESSAGE_ID, SENT, Reply, ScriptedLinq, nth_trace_id
from support.sending import asend, send
from support.spans import by_name
from support.webhook_desk import Life, digest, label


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer

    from linq_otel._tracing import Tracing
    from support.webhook_desk import Desk


OTHER_ID = MESSAGE_ID.replace("a", "b")
LIFE = Life.by_linq_trace_id(nth_trace_id(1))
HELLO = {"message": {"parts": [{"type": "text", "value": "Hello"}]}}


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """
    Yield a Linq on a free port.
    """
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def client(linq: ScriptedLinq) -> Iterator[LinqAPIV3]:
    """
    Yield a client of `linq`.
    """
    with LinqAPIV3(api_key="k", base_url=linq.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def instrumented(provider: TracerProvider, store: MemoryStore) -> Iterator[None]:
    """
    Instrument the process with the default options.
    """
    instrument(tracer_provider=provider, store=store)
    yield
    uninstrument()


@pytest.fixture
def instrumented_shared(provider: TracerProvider) -> Iterator[None]:
    """
    Instrument the process with a store that is asked off the event loop.
    """
    instrument(tracer_provider=provider, store=Shared())
    yield
    uninstrument()


def sent(number: int) -> Reply:
    message_id = f"{number:08d}-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    return Reply(body={**SENT, "message": {**SENT["message"], "id": message_id}})


def aclient(linq: ScriptedLinq) -> AsyncLinqAPIV3:
    return AsyncLinqAPIV3(api_key="k", base_url=linq.base_url)


def message_ids(origins: list[Origin]) -> list[str]:
    return [(origin.message_id or "")[:8] for origin in origins]


@pytest.mark.usefixtures("instrumented")
class TestLastOrigin:
    def test_is_what_the_store_keeps(
        self, client: LinqAPIV3, store: MemoryStore, exporter: InMemorySpanExporter
    ) -> None:
        """All that joins a webhook to the call, right after it."""
        send(client)
        origin = last_origin()
        assert origin is not None
        assert store.find(f"message:{MESSAGE_ID}") == (f"message:{MESSAGE_ID}", origin)
        call = by_name(exporter.get_finished_spans(), "linq chats.messages.send")
        assert (origin.traceparent[3:-3], origin.lifecycle[3:-3]) == (
            label(call.context),
            LIFE.anchor,
        )
        assert (origin.message_id, origin.linq_trace_ids) == (MESSAGE_ID, (nth_trace_id(1),))
        assert Origin.from_json(origin.to_json()) == origin

    def test_in_a_coroutine(self, linq: ScriptedLinq) -> None:
        """The task that awaited the call has it."""

        async def work() -> Origin | None:
            async with aclient(linq) as client:
                await asend(client)
                return last_origin()

        origin = asyncio.run(work())
        assert origin is not None
        assert origin.message_id == MESSAGE_ID

    def test_is_never_that_of_an_earlier_call(self, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """A call that left none, or failed, has none; so a pool's thread cannot mislead."""
        send(client)
        assert last_origin() is not None
        linq.script(Reply(200, {"chats": []}))
        client.chats.list_chats()
        assert last_origin() is None
        send(client)
        linq.script(Reply(400, {"success": False}))
        with pytest.raises(APIStatusError):
            send(client)
        assert last_origin() is None

    def test_of_a_key_sent_before(self, client: LinqAPIV3) -> None:
        """What was accepted earlier is kept already."""
        send(client, idempotency_key="k1")
        origin = last_origin()
        assert origin is not None
        assert (origin.is_accepted, origin.idempotency_key) == (True, hash_key("k1"))
        send(client, idempotency_key="k1")
        assert last_origin() is None

    def test_of_a_key_that_was_refused(self, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """What was kept before the request left is no origin of a message yet."""
        linq.script(Reply(400, {"success": False}))
        with collect_origins() as origins, pytest.raises(APIStatusError):
            send(client, idempotency_key="k1")
        assert (last_origin(), origins) == (None, [])

    def test_of_another_thread(self, client: LinqAPIV3) -> None:
        """Each has its own."""
        with ThreadPoolExecutor(1) as executor:
            executor.submit(send, client).result(10)
            assert last_origin() is None
            assert executor.submit(last_origin).result(5) is not None


@pytest.mark.usefixtures("instrumented")
class TestCollectOrigins:
    def test_in_order(self, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """Each accepted send of the block, and none before or after it."""
        linq.script(*map(sent, (1, 2, 3, 4)))
        send(client)
        with collect_origins() as origins:
            send(client)
            send(client, idempotency_key="k")
        send(client)
        assert message_ids(origins) == ["00000002", "00000003"]
        assert [origin.is_accepted for origin in origins] == [True, True]

    def test_nested(self, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """An inner block collects what is sent in it, the outer one that too."""
        linq.script(*map(sent, (1, 2, 3)))
        with collect_origins() as outer:
            send(client)
            with collect_origins() as inner:
                send(client)
            send(client)
        assert message_ids(outer) == ["00000001", "00000002", "00000003"]
        assert message_ids(inner) == ["00000002"]

    def test_of_tasks(self, linq: ScriptedLinq) -> None:
        """Sends at once, each in its task."""
        linq.script(*map(sent, range(8)))

        async def work() -> list[Origin]:
            async with aclient(linq) as client:
                with collect_origins() as origins:
                    await asyncio.gather(*(asend(client) for _ in range(8)))
            return origins

        assert sorted(message_ids(asyncio.run(work()))) == [f"{n:08d}" for n in range(8)]

    def test_of_a_thread_of_asyncio(self, client: LinqAPIV3) -> None:
        """`to_thread` takes the context along."""

        async def work() -> list[Origin]:
            with collect_origins() as origins:
                await asyncio.to_thread(send, client)
            return origins

        assert [origin.message_id for origin in asyncio.run(work())] == [MESSAGE_ID]

    def test_of_an_answer_that_is_read_later(self) -> None:
        """What the headers said is completed by the body, and counts once."""
        keeper = OriginKeeper(MemoryStore(), Meters(None), 0.05)
        whole = accepted("m1", trace="t1")
        with collect_origins() as origins:
            keeper.save(replace(whole, message_id=None))
            keeper.save(whole)
        assert origins == [whole]

    def test_not_of_inbound_messages(self, desk: Desk) -> None:
        """What we received, nobody here has sent."""
        with collect_origins() as origins:
            desk.deliver(p.body_of("message.received"))
        assert (origins, last_origin()) == ([], None)

    def test_after_an_exception(self, client: LinqAPIV3) -> None:
        """What was accepted stays collected, and the block is left."""
        collected: list[Origin] = []

        def fail() -> None:
            with collect_origins() as origins:
                try:
                    send(client)
                    raise KeyError
                finally:
                    collected.extend(origins)

        with pytest.raises(KeyError):
            fail()
        send(client)
        assert [origin.message_id for origin in collected] == [MESSAGE_ID]

    def test_left_in_another_context(self) -> None:
        """Frameworks run both halves of a dependency in threads of their own."""
        block = collect_origins()
        thread = threading.Thread(target=block.__enter__)
        thread.start()
        thread.join(5)
        assert block.__exit__(None, None, None) is False


@pytest.mark.usefixtures("instrumented_shared")
class TestSharedStore:
    def test_saves_in_a_thread_and_leaves_its_origin_here(self, linq: ScriptedLinq) -> None:
        """What is noted off the event loop would be lost."""

        async def work() -> tuple[Origin | None, list[Origin]]:
            async with aclient(linq) as client:
                with collect_origins() as origins:
                    await asend(client)
            return last_origin(), origins

        last, origins = asyncio.run(work())
        assert last is not None
        assert ([last], last.message_id) == (origins, MESSAGE_ID)


def post_httpx(url: str, payload: Any) -> Any:
    return httpx.post(url, json=payload)


def post_requests(url: str, payload: Any) -> Any:
    return requests.post(url, json=payload, timeout=10)


@pytest.mark.usefixtures("tracing")
@pytest.mark.parametrize("post", [post_httpx, post_requests])
class TestOriginFromResponse:
    def test_of_a_send(self, app: Tracer, linq: ScriptedLinq, post: Callable[..., Any]) -> None:
        """The header and the body say it all; the current span is the sender."""
        with app.start_as_current_span("send") as span:
            response = post(f"{linq.base_url}/v3/chats/{CHAT_ID}/messages", HELLO)
            origin = origin_from_response(response, idempotency_key="k1")
        assert origin is not None
        accepted_at = origin.accepted_at or 0
        assert origin == Origin(
            traceparent=f"00-{label(span.get_span_context())}-{origin.traceparent[-2:]}",
            lifecycle=f"00-{LIFE.anchor}-01",
            linq_trace_ids=(nth_trace_id(1),),
            message_id=MESSAGE_ID,
            chat_id=CHAT_ID,
            idempotency_key=hash_key("k1"),
            requested_at=accepted_at - (response.elapsed.microseconds * 1_000),
            accepted_at=accepted_at,
        )

    @pytest.mark.parametrize(
        ("path", "reply"),
        [
            (f"/v3/chats/{CHAT_ID}/messages", Reply(400, {"success": False})),
            (f"/v3/chats/{CHAT_ID}/messages", Reply(503, "<html>")),
            (f"/v3/chats/{CHAT_ID}/typing", Reply(204, None)),
            ("/v3/capability/check_imessage", Reply(200, {})),
        ],
    )
    def test_where_there_is_nothing_to_join(
        self,
        app: Tracer,
        linq: ScriptedLinq,
        post: Callable[..., Any],
        path: str,
        reply: Reply,
    ) -> None:
        """A refusal, or a call of which nobody will hear again."""
        linq.script(reply)
        with app.start_as_current_span("send"):
            assert origin_from_response(post(f"{linq.base_url}{path}", HELLO)) is None

    def test_without_a_span(self, linq: ScriptedLinq, post: Callable[..., Any]) -> None:
        """Nobody sent it, as far as traces go."""
        response = post(f"{linq.base_url}/v3/chats/{CHAT_ID}/messages", HELLO)
        assert origin_from_response(response) is None

    def test_of_a_call_about_another_s_message(
        self, app: Tracer, linq: ScriptedLinq, post: Callable[..., Any]
    ) -> None:
        """It is found by its Linq trace id alone, and begins no life."""
        linq.script(Reply(202, {"status": "ok", "message_id": MESSAGE_ID}))
        with app.start_as_current_span("vote"):
            response = post(f"{linq.base_url}/v3/messages/{MESSAGE_ID}/poll/votes", {})
            origin = origin_from_response(response)
        assert origin is not None
        assert (origin.keys, origin.lifecycle) == ((f"trace:{nth_trace_id(1)}",), "")

    def test_of_a_body_that_is_no_json(
        self, app: Tracer, linq: ScriptedLinq, post: Callable[..., Any]
    ) -> None:
        """The header is there all the same."""
        linq.script(Reply(202, "<html>"))
        with app.start_as_current_span("send"):
            response = post(f"{linq.base_url}/v3/chats/{CHAT_ID}/messages", HELLO)
            origin = origin_from_response(response)
        assert origin is not None
        assert (origin.keys, origin.lifecycle[3:-3]) == (
            (f"trace:{nth_trace_id(1)}",),
            LIFE.anchor,
        )


@pytest.mark.parametrize(
    ("join", "anchor"),
    [
        ("link", LIFE.anchor),
        ("message", Life.by_message(MESSAGE_ID).anchor),
        ("app", f"{{}}-{digest('anchor', MESSAGE_ID)}"),
    ],
)
class TestLifeOfAResponse:
    def test_is_where_the_join_has_it(
        self,
        configure: Callable[..., Tracing],
        app: Tracer,
        linq: ScriptedLinq,
        join: str,
        anchor: str,
    ) -> None:
        """The same life as an instrumented call would begin."""
        configure(join=join)
        with app.start_as_current_span("send") as span:
            response = post_httpx(f"{linq.base_url}/v3/chats/{CHAT_ID}/messages", HELLO)
            origin = origin_from_response(response)
        assert origin is not None
        otel_trace_id = f"{span.get_span_context().trace_id:032x}"
        assert origin.lifecycle[3:-3] == anchor.format(otel_trace_id)


@pytest.mark.usefixtures("tracing")
class TestOtherResponses:
    def test_of_urllib(self, app: Tracer, linq: ScriptedLinq) -> None:
        """Its body is read by the caller, and given."""
        url = f"{linq.base_url}/v3/chats/{CHAT_ID}/messages"
        with app.start_as_current_span("send"):
            request = Request(url, json.dumps(HELLO).encode())  # noqa: S310  # Loopback.
            with urlopen(request, timeout=10) as response:  # noqa: S310  # As above.
                origin = origin_from_response(response, json.load(response))
        assert origin is not None
        assert origin.keys == (f"message:{MESSAGE_ID}", f"trace:{nth_trace_id(1)}")

    def test_of_a_stream_that_is_not_read(self, app: Tracer, linq: ScriptedLinq) -> None:
        """The stream is left to the caller; the header is enough for a life."""
        url = f"{linq.base_url}/v3/chats/{CHAT_ID}/messages"
        with app.start_as_current_span("send"), httpx.stream("POST", url, json=HELLO) as response:
            origin = origin_from_response(response)
            assert json.loads(response.read()) == SENT
        assert origin is not None
        assert origin.keys == (f"trace:{nth_trace_id(1)}",)

    @pytest.mark.usefixtures("forgiving")
    def test_of_what_is_none(self, app: Tracer) -> None:
        """An object of another kind costs the join alone."""
        with app.start_as_current_span("send"):
            assert origin_from_response(object()) is None
