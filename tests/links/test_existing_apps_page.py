"""
The page of examples, run as it stands.
"""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from linq import AsyncLinqAPIV3, LinqAPIV3
from starlette.background import BackgroundTasks

from linq_otel import instrument, uninstrument
from support import payloads as p
from support.scripted_linq import CHAT_ID, MESSAGE_ID, ScriptedLinq
from support.sending import text_message
from support.webhook_desk import Life


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Tracer

    from support.webhook_desk import Desk


PAGE = Path(__file__).parents[2] / "docs" / "existing-apps.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run_block(marker: str, **names: Any) -> SimpleNamespace:
    """
    Run the block that has *marker* in it, with *names* at hand, and return what it defines.
    """
    (block,) = [block for block in BLOCKS if marker in block]
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # Our own page.
    return SimpleNamespace(**names)


@pytest.fixture
def linq(desk: Desk) -> Iterator[ScriptedLinq]:
    """
    Yield a Linq that an instrumented process calls.
    """
    instrument(tracer_provider=desk.provider, store=desk.store)
    with ScriptedLinq() as linq:
        yield linq
    uninstrument()


class TestPage:
    def test_work_that_leaves_the_handler(self, desk: Desk, app: Tracer) -> None:
        """Four ways out of a handler, and each is in its trace."""
        ended = threading.Semaphore(0)

        def work(_event: object) -> None:
            app.start_span("work").end()
            ended.release()

        async def work_in_a_coroutine(event: object) -> None:
            await asyncio.sleep(0)
            work(event)

        page = run_block("import carry", work=work, work_in_a_coroutine=work_in_a_coroutine)

        async def serve(executor: ThreadPoolExecutor) -> None:
            tasks = BackgroundTasks()
            async with desk.receiver.aprocess(None, p.body_of("message.received")) as event:
                page.start_everywhere(event, executor, tasks)
            await tasks()
            for _ in range(4):
                await asyncio.to_thread(ended.acquire, timeout=5)

        with ThreadPoolExecutor(1) as executor:
            asyncio.run(serve(executor))
        process = desk.one("process message.received")["id"]
        assert [span["parent"] for span in desk.named("work")] == [process] * 4

    def test_links(self, desk: Desk, app: Tracer) -> None:
        """Two spans, both linked to the life."""
        run_block("import link_to_linq").refund(
            SimpleNamespace(linq_trace_id=p.LINQ_TRACE_ID, message_id=p.MESSAGE_ID), app
        )
        assert [span["links"] for span in desk.named("refund")] == [
            [("lifecycle", Life.by_linq_trace_id().anchor)]
        ] * 2

    def test_origins(self, linq: ScriptedLinq, app: Tracer) -> None:
        """Three ways to an origin, each of the message that was sent."""
        page = run_block("import collect_origins")
        url = f"{linq.base_url}/v3/chats/{CHAT_ID}/messages"

        async def send_all() -> Any:
            async with AsyncLinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                return await page.send_all(client, [CHAT_ID, CHAT_ID], text_message())

        with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
            origins = [page.send(client, CHAT_ID, text_message()), *asyncio.run(send_all())]
        with requests.Session() as session:
            payload = {"message": text_message()}
            origins.append(page.send_with_bare_http(session, url, payload, app))
        assert [origin.message_id for origin in origins] == [MESSAGE_ID] * 4
