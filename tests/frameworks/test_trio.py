"""
Under trio: what has to wait, waits, and the loop serves others meanwhile.
"""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from linq_otel._event_loops import is_on_event_loop
from linq_otel.webhooks.asgi import LinqWebhookMiddleware
from support import payloads as p
from support.racing import ANCHOR, WAIT, Shared, fresh, later, shared_desk
from support.timing import Timing, timed
from support.web_hosts import post_to
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from linq_otel._origins import Origin


@pytest.fixture
def desk(provider: Any, exporter: Any) -> Desk:
    """
    Return a process whose store is shared.
    """
    return Desk(provider, exporter, store=Shared())


class TestServer:
    def test_a_delivery_that_overtakes_its_answer(self, desk: Desk) -> None:
        """Behind hypercorn: its look-up waits for the sender, and finds what it saves."""

        async def hook(request: Any) -> PlainTextResponse:
            await request.body()
            return PlainTextResponse("ok", 202)

        inner = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
        app: Any = LinqWebhookMiddleware(inner, receiver=desk.receiver)
        listener = socket.create_server(("127.0.0.1", 0))
        port, config = listener.getsockname()[1], Config()
        config.bind, config.errorlog = [f"fd://{listener.detach()}"], None
        stop = threading.Event()

        async def stopped() -> None:
            await trio.to_thread.run_sync(stop.wait)

        server = threading.Thread(
            target=trio.run, args=(partial(serve, app, config, shutdown_trigger=stopped),)
        )
        server.start()
        try:
            post = post_to(port)
            headers = [("X-Webhook-Event", "message.sent")]
            with later(0.1, desk.send):
                assert post("/hook", fresh(), headers).status == 202
        finally:
            stop.set()
            server.join(10)
        assert desk.one("message sent")["parent"] == ANCHOR
        assert desk.one("process message.sent")["attributes"]["linq.origin"] == "message"


class Slow(Shared):
    """
    A store that answers late.
    """

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Look after a while.
        """
        time.sleep(0.04)
        return super().find(*keys)


class TestLoop:
    @pytest.mark.timing
    @pytest.mark.parametrize("store", [Shared, Slow])
    def test_it_keeps_ticking_while_a_delivery_waits(self, desk: Desk, store: type[Shared]) -> None:
        """Neither the wait nor a slow store is on the loop, and many wait no longer than one."""
        waiting, asked_in = shared_desk(desk, store()), threading.get_ident()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await trio.sleep(0.005)
                ticks += 1

        async def one(number: int) -> None:
            async with waiting.receiver.aprocess({}, fresh(message_id=f"m{number}")) as event:
                assert event is not None

        async def run() -> Timing:
            async with trio.open_nursery() as ticking:
                ticking.start_soon(tick)
                with timed() as timing:
                    async with trio.open_nursery() as deliveries:
                        for number in range(3):
                            deliveries.start_soon(one, number)
                ticking.cancel_scope.cancel()
            return timing

        timing = trio.run(run)
        assert timing.seconds >= WAIT
        assert timing.net < 3 * WAIT
        assert ticks >= 10
        store_used: Any = waiting.store
        assert asked_in not in store_used.threads

    def test_a_plain_function_asks_nothing_of_a_shared_store(self) -> None:
        """One that a task calls could not leave the loop; one in a thread may wait."""

        async def run() -> tuple[bool, bool]:
            return is_on_event_loop(), await trio.to_thread.run_sync(is_on_event_loop)

        assert (trio.run(run), is_on_event_loop()) == ((True, False), False)

    def test_what_came_in_is_saved_and_repeats_are_answered(self, desk: Desk) -> None:
        """Each thing a coroutine asks of the store, of one that is shared."""
        receiver = shared_desk(desk).receiver
        receiver.duplicates = "answer"
        data = p.message_data("x", inbound=True) | {"reply_to": {"message_id": "m1"}}
        body = p.encode(p.envelope("message.received", data))
        given: list[bool] = []

        async def run() -> None:
            for _ in range(2):
                async with receiver.aprocess({}, body) as event:
                    given.append(event is not None)

        trio.run(run)
        assert given == [True, False]
        assert receiver.tracing.origins.find((f"message:{p.MESSAGE_ID}",)) is not None

    def test_a_cancelled_handler_leaves_nothing_behind(self, desk: Desk) -> None:
        """Its event is handled when it comes again."""
        receiver = shared_desk(desk).receiver
        receiver.duplicates = "answer"
        given: list[bool] = []

        async def run() -> None:
            with trio.move_on_after(0.5) as scope:
                async with receiver.aprocess({}, p.body_of("chat.created")):
                    scope.cancel()
                    await trio.sleep(5)
            async with receiver.aprocess({}, p.body_of("chat.created")) as event:
                given.append(event is not None)

        trio.run(run)
        assert given == [True]
        first, second = [span for span in desk.spans if span.name == "process chat.created"]
        assert (first.status.status_code.name, second.status.status_code.name) == ("UNSET",) * 2
