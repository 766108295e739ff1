"""
Blocks and calls that are left in another context than they were entered in.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from linq import AsyncLinqAPIV3
from opentelemetry.trace import get_current_span
from sniffio import current_async_library_cvar

from linq_otel import instrument, uninstrument
from linq_otel._calls import current_call
from linq_otel.propagation import attached, carry
from support.scripted_linq import CHAT_ID
from support.sending import asend


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


OTEL_TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
HEADERS = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def current_trace() -> int:
    """Return the trace of the current span, or 0."""
    return get_current_span().get_span_context().trace_id


def under_the_sender() -> Iterator[int]:
    """Enter and leave, as a dependency."""
    with attached(HEADERS):
        yield current_trace()


def read(found: Annotated[int, Depends(under_the_sender)]) -> dict[str, str]:
    """Answer what a dependency has found."""
    return {"otel_trace_id": str(found)}


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is said of it: OpenTelemetry would log an error with a traceback."""
    yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


class TestAttached:
    def test_dependency(self) -> None:
        """A plain dependency of FastAPI enters in one thread and leaves in another."""
        app = FastAPI()
        app.get("/")(read)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
                return await client.get("/")

        response = asyncio.run(ask())
        assert (response.status_code, response.json()) == (
            200,
            {"otel_trace_id": str(OTEL_TRACE_ID)},
        )
        assert current_trace() == 0

    def test_abandoned_generator(self) -> None:
        """An event loop closes what was not finished, in a context of its own."""

        async def items() -> AsyncIterator[int]:
            with attached(HEADERS):
                yield current_trace()
                yield 2

        async def run() -> int:
            async for item in items():
                return item
            return 0

        assert asyncio.run(run()) == OTEL_TRACE_ID

    def test_copy(self) -> None:
        """Left in a copy of the context it entered, the copy is as it was before."""

        def block() -> Iterator[None]:
            with attached(HEADERS):
                yield

        def run() -> tuple[int, int]:
            running = block()
            next(running)
            copy = contextvars.copy_context()
            copy.run(running.close)
            return copy.run(current_trace), current_trace()

        assert contextvars.copy_context().run(run) == (0, OTEL_TRACE_ID)

    def test_carried(self) -> None:
        """A carried coroutine that is closed elsewhere raises nothing."""

        async def work() -> None:
            await _Pause()

        coroutine = carry(work)()
        contextvars.copy_context().run(coroutine.send, None)
        coroutine.close()


class _Pause:
    """Waits for what does not come."""

    def __await__(self) -> Any:
        yield


class _Pausing(httpx.AsyncBaseTransport):
    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        await _Pause()
        raise AssertionError


async def by_sdk() -> Any:
    """Send by the SDK, for ever."""
    client = httpx.AsyncClient(transport=_Pausing())
    sdk = AsyncLinqAPIV3(api_key="key", http_client=client)
    sdk._platform = "Linux"  # Asked for in a thread otherwise, for which there is no event loop.
    return await asend(sdk)


async def by_httpx() -> Any:
    """Send by bare HTTP, for ever."""
    url = f"https://api.linqapp.com/api/partner/v3/chats/{CHAT_ID}/messages"
    return await httpx.AsyncClient(transport=_Pausing()).post(url, json={"message": {}})


class TestCalls:
    @pytest.fixture(autouse=True)
    def _instrumented(self, provider: TracerProvider) -> Iterator[None]:
        instrument(tracer_provider=provider)
        yield
        uninstrument()

    @pytest.mark.parametrize("end", ["closed", "collected"])
    @pytest.mark.parametrize("send", [by_sdk, by_httpx])
    def test_abandoned(
        self, send: Callable[[], Awaitable[Any]], end: str, exporter: InMemorySpanExporter
    ) -> None:
        """A call that is abandoned in the middle ends its spans, wherever that happens."""

        def begin() -> Any:
            current_async_library_cvar.set("asyncio")
            coroutine: Any = send()
            coroutine.send(None)
            return coroutine

        under_way = contextvars.copy_context().run(begin)
        assert exporter.get_finished_spans() == ()
        if end == "closed":
            under_way.close()
        del under_way
        gc.collect()
        assert [span.name for span in exporter.get_finished_spans()] == [
            "POST /v3/chats/{chat_id}/messages",
            "linq chats.messages.send",
        ]
        assert current_call() is None
        assert current_trace() == 0
