from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import linq as sdk
import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace

from support.scripted_linq import CHAT_ID, MESSAGE_ID, Reply, nth_trace_id
from support.sending import asend, send, text_message
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]


TEMPLATE = "/v3/chats/{chat_id}/messages"


def call_of_a_send(linq: ScriptedLinq) -> Tree:
    return Tree(
        "linq chats.messages.send",
        "PRODUCER",
        {
            "linq.operation": "chats.messages.send",
            "messaging.system": "linq",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "linq.attempts": 1,
            "linq.trace_id": nth_trace_id(1),
            "linq.message.id": MESSAGE_ID,
            "linq.chat.id": CHAT_ID,
        },
        (("lifecycle", "linq message"),),
        children=(
            Tree(
                f"POST {TEMPLATE}",
                "CLIENT",
                {
                    "http.request.method": "POST",
                    "url.full": f"{linq.base_url}/v3/chats/{CHAT_ID}/messages",
                    "url.template": TEMPLATE,
                    "server.address": "127.0.0.1",
                    "server.port": linq.server_port,
                    "http.response.status_code": 202,
                    "linq.trace_id": nth_trace_id(1),
                },
            ),
        ),
    )


def senders_trace(spans: tuple[ReadableSpan, ...]) -> tuple[Tree, ...]:
    """
    Return the trees of the trace the message was sent in.
    """
    sender = by_name(spans, "linq chats.messages.send")
    return trees(spans)[f"{sender.context.trace_id:032x}"]


class TestCall:
    def test_sync(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A sync call is one span with one request under it."""
        assert send(client).message.id == MESSAGE_ID
        assert senders_trace(finished()) == (call_of_a_send(linq),)

    def test_async(
        self,
        instrumented: None,
        aconnect: Callable[..., AsyncLinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
    ) -> None:
        """An async call is the same trace as a sync one."""

        async def run() -> Any:
            async with aconnect() as client:
                return await asend(client)

        assert asyncio.run(run()).message.id == MESSAGE_ID
        assert senders_trace(finished()) == (call_of_a_send(linq),)

    def test_scope(self, instrumented: None, client: LinqAPIV3, finished: Finished) -> None:
        """Every span is of the scope `linq_otel` and names the schema it follows."""
        send(client)
        scopes = {
            (s.instrumentation_scope.name, s.instrumentation_scope.schema_url)
            for s in finished()
            if s.instrumentation_scope
        }
        assert scopes == {("linq_otel", "https://opentelemetry.io/schemas/1.44.0")}

    def test_quiet(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A call that sends nothing is INTERNAL, and begins no life."""
        linq.script(Reply(200, {"phone_numbers": []}))
        client.phone_numbers.list()
        keys = ("linq.operation", "linq.attempts", "linq.trace_id", "messaging.operation.name")
        (roots,) = trees(finished(), keys=keys).values()
        assert roots == (
            Tree(
                "linq phone_numbers.list",
                "INTERNAL",
                {
                    "linq.operation": "phone_numbers.list",
                    "linq.attempts": 1,
                    "linq.trace_id": nth_trace_id(1),
                },
                children=(
                    Tree("GET /v3/phone_numbers", "CLIENT", {"linq.trace_id": nth_trace_id(1)}),
                ),
            ),
        )

    def test_no_content(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A 204 returns None to the caller, and its trace id is kept."""
        linq.script(Reply(204, None))
        client.chats.typing.start(CHAT_ID)
        call = by_name(finished(), "linq chats.typing.start")
        assert dict(call.attributes or {})["linq.trace_id"] == nth_trace_id(1)

    def test_client_from_before(
        self, client: LinqAPIV3, linq: ScriptedLinq, start: Callable[..., None], finished: Finished
    ) -> None:
        """Clients and resources that were built and cached before `instrument()` are traced."""
        messages, raw = client.chats.messages, client.chats.messages.with_raw_response
        plain_send, raw_send = messages.send, raw.send
        start()
        for method in (messages.send, raw.send, plain_send, raw_send):
            method(CHAT_ID, message=text_message())
        names = [s.name for s in finished() if s.kind is trace.SpanKind.PRODUCER]
        assert names == ["linq chats.messages.send"] * 4

    def test_async_client_from_before(
        self,
        aconnect: Callable[..., AsyncLinqAPIV3],
        linq: ScriptedLinq,
        start: Callable[..., None],
        finished: Finished,
    ) -> None:
        """So are those of an async client."""

        async def run() -> None:
            async with aconnect() as client:
                cached = client.chats.messages.with_raw_response.send
                start()
                await cached(CHAT_ID, message=text_message())

        asyncio.run(run())
        assert senders_trace(finished()) == (call_of_a_send(linq),)

    def test_with_options(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A clone made by `with_options` is traced, its own options in force."""
        linq.script(Reply(503, {}))
        clone = client.with_options(max_retries=0, default_headers={"x-mine": "1"})
        with pytest.raises(sdk.InternalServerError):
            send(clone)
        assert [r.headers.get("x-mine") for r in linq.requests] == ["1"]
        assert [s.name for s in finished()] == [f"POST {TEMPLATE}", "linq chats.messages.send"]

    def test_threads(self, instrumented: None, client: LinqAPIV3, finished: Finished) -> None:
        """Calls made at the same time by one client keep their own requests."""

        async def run() -> None:
            await asyncio.gather(*(asyncio.to_thread(send, client) for _ in range(8)))

        asyncio.run(run())
        requests = {
            s.parent.span_id: dict(s.attributes or {})["linq.trace_id"]
            for s in finished()
            if s.kind is trace.SpanKind.CLIENT and s.parent
        }
        calls = {
            s.context.span_id: dict(s.attributes or {})["linq.trace_id"]
            for s in finished()
            if s.kind is trace.SpanKind.PRODUCER
        }
        assert requests == calls
        assert sorted(calls.values()) == [nth_trace_id(n) for n in range(1, 9)]

    def test_tasks(
        self, instrumented: None, aconnect: Callable[..., AsyncLinqAPIV3], finished: Finished
    ) -> None:
        """So do those of concurrent tasks."""

        async def run() -> None:
            async with aconnect() as client:
                await asyncio.gather(*(asend(client) for _ in range(8)))

        asyncio.run(run())
        requests = {
            s.parent.span_id: dict(s.attributes or {})["linq.trace_id"]
            for s in finished()
            if s.kind is trace.SpanKind.CLIENT and s.parent
        }
        calls = {
            s.context.span_id: dict(s.attributes or {})["linq.trace_id"]
            for s in finished()
            if s.kind is trace.SpanKind.PRODUCER
        }
        assert requests == calls
        assert sorted(calls.values()) == [nth_trace_id(n) for n in range(1, 9)]


class TestAmbientContext:
    def test_parent(
        self, instrumented: None, client: LinqAPIV3, provider: TracerProvider, finished: Finished
    ) -> None:
        """The call hangs under the app's current span, and its request under the call."""
        with provider.get_tracer("app").start_as_current_span("click") as click:
            send(client)
        roots = trees(finished(), keys=())[f"{click.get_span_context().trace_id:032x}"]
        assert roots == (
            Tree(
                "click",
                children=(
                    Tree(
                        "linq chats.messages.send",
                        "PRODUCER",
                        links=(("lifecycle", "linq message"),),
                        children=(Tree(f"POST {TEMPLATE}", "CLIENT"),),
                    ),
                ),
            ),
        )

    def test_success(self, instrumented: None, client: LinqAPIV3) -> None:
        """After a call that worked, the context is the very one from before."""
        before = otel_context.get_current()
        send(client)
        assert otel_context.get_current() is before

    def test_error(self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq) -> None:
        """So it is after one that failed."""
        linq.script(Reply(400, {}))
        before = otel_context.get_current()
        with pytest.raises(sdk.BadRequestError):
            send(client)
        assert otel_context.get_current() is before

    def test_async_success(
        self, instrumented: None, aconnect: Callable[..., AsyncLinqAPIV3]
    ) -> None:
        """So it is in the task that awaited an async call."""

        async def run() -> None:
            async with aconnect() as client:
                before = otel_context.get_current()
                await asend(client)
                assert otel_context.get_current() is before

        asyncio.run(run())

    def test_baggage(self, instrumented: None, client: LinqAPIV3, finished: Finished) -> None:
        """Other values of the app's context are seen while the call runs."""
        seen: list[object] = []
        client._client.event_hooks["request"].append(
            lambda _request: seen.append(otel_context.get_value("app"))
        )
        token = otel_context.attach(otel_context.set_value("app", "mine"))
        try:
            send(client)
        finally:
            otel_context.detach(token)
        assert seen == ["mine"]

    def test_call_is_current(
        self, instrumented: None, client: LinqAPIV3, finished: Finished
    ) -> None:
        """While a request is on the wire, the call's span is the current one."""
        seen: list[int] = []
        client._client.event_hooks["request"].append(
            lambda _request: seen.append(trace.get_current_span().get_span_context().span_id)
        )
        send(client)
        assert seen == [by_name(finished(), "linq chats.messages.send").context.span_id]


class TestAnswer:
    def test_identity(
        self, instrumented: None, client: LinqAPIV3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The caller is given the very object the SDK made."""
        from linq import _response  # noqa: PLC0415  # Where answers are made.

        made: list[object] = []
        original = _response.APIResponse.parse

        def parse(self: Any, **kwargs: Any) -> Any:
            made.append(original(self, **kwargs))
            return made[-1]

        monkeypatch.setattr(_response.APIResponse, "parse", parse)
        assert send(client) is made[0]
