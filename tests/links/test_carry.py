from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3
from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import get_current_span
from starlette.applications import Starlette
from starlette.background import BackgroundTasks
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from linq_otel import instrument, uninstrument
from linq_otel._calls import current_call
from linq_otel.propagation import carry
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.asgi_servers import open_stage
from support.scripted_linq import ScriptedLinq
from support.sending import send
from support.spans import Tree, by_name, trees
from support.webhook_apps import ServerSpans


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer
    from starlette.requests import Request

    from support.webhook_desk import Desk


BODY = p.body_of("message.received")


def parent_of(name: str, exporter: InMemorySpanExporter) -> str:
    """
    Return the name of the span the one span of this name hangs under.
    """
    spans = exporter.get_finished_spans()
    parent = by_name(spans, name).parent
    names = {span.context.span_id: span.name for span in spans}
    return "" if parent is None else names[parent.span_id]


@pytest.fixture
def work(app: Tracer) -> Callable[..., str]:
    """
    Return what a handler leaves to others: it draws a span, and says what it was given.
    """

    def work(word: str, *, times: int = 1) -> str:
        with app.start_as_current_span("work"):
            return word * times

    return work


@pytest.fixture
def awork(work: Callable[..., str]) -> Callable[..., Any]:
    """
    Return the same as a coroutine function, which lets others run in the meantime.
    """

    async def awork(word: str, *, times: int = 1) -> str:
        await asyncio.sleep(0)
        return work(word, times=times)

    return awork


class TestWorkOfAHandler:
    """
    What a handler starts and does not wait for, after its answer is out.
    """

    def test_in_a_thread(
        self, desk: Desk, work: Callable[..., str], exporter: InMemorySpanExporter
    ) -> None:
        """A thread begins with an empty context, and is given the handler's."""
        with desk.receiver.process(None, BODY):
            thread = threading.Thread(target=carry(work), args=("a",))
        thread.start()
        thread.join(5)
        assert parent_of("work", exporter) == "process message.received"

    def test_not_carried(
        self, desk: Desk, work: Callable[..., str], exporter: InMemorySpanExporter
    ) -> None:
        """The same thread without it is in no trace at all."""
        with desk.receiver.process(None, BODY):
            thread = threading.Thread(target=work, args=("a",))
            thread.start()
            thread.join(5)
        assert parent_of("work", exporter) == ""

    def test_in_an_executor(
        self, desk: Desk, work: Callable[..., str], exporter: InMemorySpanExporter
    ) -> None:
        """Arguments go in and the result comes out."""
        with ThreadPoolExecutor(1) as executor:
            with desk.receiver.process(None, BODY):
                future = executor.submit(carry(work), "a", times=3)
            assert future.result(5) == "aaa"
        assert parent_of("work", exporter) == "process message.received"

    def test_the_thread_of_a_pool_is_clean_again(self, app: Tracer) -> None:
        """What runs there next has none of it."""
        with ThreadPoolExecutor(1) as executor:
            with app.start_as_current_span("handler"):
                executor.submit(carry(lambda: None)).result(5)
            span = executor.submit(get_current_span).result(5)
        assert not span.get_span_context().is_valid

    def test_in_a_task(
        self, desk: Desk, awork: Callable[..., Any], exporter: InMemorySpanExporter
    ) -> None:
        """A coroutine function carried is one still, and its task outlives the handler."""

        async def serve() -> str:
            async with desk.receiver.aprocess(None, BODY):
                task = asyncio.create_task(carry(awork)("a", times=2))
            return await task

        assert asyncio.run(serve()) == "aa"
        assert parent_of("work", exporter) == "process message.received"

    def test_started_from_elsewhere(
        self, desk: Desk, awork: Callable[..., Any], exporter: InMemorySpanExporter
    ) -> None:
        """The context is that of `carry`, not that of the call."""

        async def serve() -> None:
            async with desk.receiver.aprocess(None, BODY):
                carried = carry(awork)
            with desk.serving():
                await carried("a")
                assert get_current_span().get_span_context().trace_id != int(p.LINQ_TRACE_ID, 16)

        asyncio.run(serve())
        assert parent_of("work", exporter) == "process message.received"

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_in_background_tasks_of_starlette(
        self,
        desk: Desk,
        work: Callable[..., str],
        awork: Callable[..., Any],
        exporter: InMemorySpanExporter,
        kind: str,
    ) -> None:
        """A real app under a real server; both kinds of function run where they should."""
        threads: list[str] = []

        def sync_work(word: str) -> None:
            threads.append(threading.current_thread().name)
            work(word)

        async def hook(request: Request) -> PlainTextResponse:
            tasks = BackgroundTasks()
            tasks.add_task(carry(sync_work if kind == "sync" else awork), "a")
            return PlainTextResponse("ok", background=tasks)

        app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
        middleware = LinqWebhookMiddleware(app, ["/hook"], desk.receiver)
        with open_stage() as stage:
            stage.app = ServerSpans(middleware, desk.provider)
            reply = stage.post("/hook", BODY, list(p.headers_of(BODY).items()))
        assert (reply.status, stage.errors) == (200, [])
        assert parent_of("work", exporter) == "process message.received"
        assert [name.startswith("AnyIO") for name in threads] == [True] * (kind == "sync")

    def test_a_carried_receiver_outlives_a_cancelled_task(self, app: Tracer) -> None:
        """A cancellation passes through, and the context is left in good order."""

        async def forever() -> None:
            await asyncio.sleep(60)

        async def serve() -> bool:
            with app.start_as_current_span("handler"):
                task = asyncio.create_task(carry(forever)())
            await asyncio.sleep(0)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            return isinstance(outcome, asyncio.CancelledError)

        assert asyncio.run(serve())


class TestContext:
    def test_nothing_of_a_call_under_way(self, provider: TracerProvider) -> None:
        """Work begun while a call is under way is no attempt of it, and its HTTP is traced."""
        seen: list[tuple[object, ...]] = []

        def look() -> None:
            seen.append((current_call(), is_http_instrumentation_enabled()))

        def hook(_span: object, _request: object) -> None:
            assert (current_call() is None, is_http_instrumentation_enabled()) == (False, False)
            thread = threading.Thread(target=carry(look))
            thread.start()
            thread.join(5)
            carry(look)()
            assert (current_call() is None, is_http_instrumentation_enabled()) == (False, False)

        with ScriptedLinq() as linq:
            instrument(tracer_provider=provider, store="memory:", request_hook=hook)
            try:
                with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                    send(client)
            finally:
                uninstrument()
        assert seen == [(None, True), (None, True)]

    def test_a_call_in_carried_work_is_a_call_of_its_own(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """It hangs under the span of the handler, with an attempt of its own."""
        with ScriptedLinq() as linq, LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
            instrument(tracer_provider=provider, store="memory:", stages=False)
            try:
                with provider.get_tracer("app").start_as_current_span("handler"):
                    thread = threading.Thread(target=carry(partial(send, client)))
                thread.start()
                thread.join(10)
            finally:
                uninstrument()
        ((root,),) = trees(exporter.get_finished_spans(), keys=()).values()
        attempt = Tree("POST /v3/chats/{chat_id}/messages", "CLIENT")
        call = Tree("linq chats.messages.send", "PRODUCER", children=(attempt,))
        assert root == Tree("handler", children=(call,))

    def test_baggage_and_the_app_s_own_keys_go_along(self) -> None:
        """Within one app nothing is taken away but what silences HTTP."""
        key = otel_context.create_key("own")
        token = otel_context.attach(otel_context.set_value(key, 7, baggage.set_baggage("b", "1")))
        try:
            carried = carry(lambda: (otel_context.get_value(key), baggage.get_all()))
        finally:
            otel_context.detach(token)
        assert (carried(), otel_context.get_value(key)) == ((7, {"b": "1"}), None)

    def test_an_exception_passes_through(self, app: Tracer) -> None:
        """The very object, and the context is left."""
        error = ValueError("mine")

        def fail() -> None:
            raise error

        with app.start_as_current_span("handler"):
            carried = carry(fail)
        with pytest.raises(ValueError, match="mine") as raised:
            carried()
        assert raised.value is error
        assert not get_current_span().get_span_context().is_valid


class TestFunction:
    def test_looks_like_what_it_carries(self) -> None:
        """Frameworks ask a function for its name, and whether to await it."""

        def sync() -> None:
            """Say something."""

        async def coroutine() -> None:
            """Await something."""

        class Awaited:
            async def __call__(self) -> None: ...

        carried = carry(sync)
        assert (carried.__name__, carried.__doc__) == ("sync", "Say something.")
        assert [
            inspect.iscoroutinefunction(carry(function))
            for function in (sync, coroutine, partial(coroutine), Awaited(), partial(sync))
        ] == [False, True, True, True, False]

    def test_may_be_called_often(self, app: Tracer) -> None:
        """Each call is in the same context, also several at once."""
        with app.start_as_current_span("handler") as span:
            carried = carry(lambda: get_current_span() is span)
        with ThreadPoolExecutor(4) as executor:
            assert list(executor.map(lambda _: carried(), range(20))) == [True] * 20

    def test_takes_functions_alone(self) -> None:
        """What would be carried in vain is an error at once."""

        def lines() -> Any:
            yield 1

        async def alines() -> Any:
            yield 1

        for given, message in (
            (None, "carry takes a function, not NoneType"),
            (lines, "carry takes no generator: carry the function that iterates it"),
            (alines, "carry takes no generator: carry the function that iterates it"),
        ):
            with pytest.raises(TypeError) as raised:
                carry(given)
            assert str(raised.value) == message
