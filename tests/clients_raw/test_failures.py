"""
Requests that fail, and answers that nobody reads.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

from linq_otel._calls import current_call
from support.lives import CALL, FIRST, get_origin
from support.raw_clients import messages_url
from support.readings import attempts, pick
from support.scripted_linq import MESSAGE_ID, SENT, Reply, nth_trace_id
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel.stores.memory import MemoryStore
    from support.raw_clients import RawClient
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


pytestmark = pytest.mark.usefixtures("instrumented")

MESSAGE = {"message": {"parts": [{"type": "text", "value": "Hello"}]}}


def closed_port() -> int:
    """
    Return a port nobody listens on.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def qualified(error: BaseException) -> str:
    """
    Return the name of the type of `error` as spans have it.
    """
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


class TestTransport:
    def test_unreachable(self, client: RawClient, finished: Finished) -> None:
        """Where nobody listens the library's own error passes, and names itself on the spans."""
        port = closed_port()
        with pytest.raises(Exception) as caught:  # noqa: PT011  # Each library has its own.
            client.send(messages_url(f"http://127.0.0.1:{port}/api/partner"))
        call = by_name(finished(), CALL)
        of_call, of_attempt = client.unreachable
        assert qualified(caught.value) == of_call
        assert (call.status.status_code.name, *pick(call, "error.type", "linq.attempts")) == (
            "ERROR",
            of_call,
            1,
        )
        assert attempts(finished(), "error.type", "server.port") == [("ERROR", of_attempt, port)]
        assert call.events == ()
        assert call.status.description is None

    def test_timeout(
        self, client: RawClient, linq: ScriptedLinq, url: str, finished: Finished
    ) -> None:
        """So it is with an answer that does not come."""
        linq.script(Reply(hang=True))
        with pytest.raises(Exception) as caught:  # noqa: PT011
            client.send(url, timeout=0.2)
        of_call, of_attempt = client.late
        assert qualified(caught.value) == of_call
        assert pick(by_name(finished(), CALL), "error.type") == (of_call,)
        assert attempts(finished(), "error.type") == [("ERROR", of_attempt)]

    def test_context(self, client: RawClient, linq: ScriptedLinq, url: str) -> None:
        """Afterwards nothing is left in the context of the caller."""
        linq.script(Reply(drop=True))
        with pytest.raises(Exception):  # noqa: B017, PT011
            client.send(url)
        assert current_call() is None

    @pytest.mark.parametrize("library", ["httpx", "aiohttp"])
    def test_cancellation(
        self, linq: ScriptedLinq, url: str, finished: Finished, library: str
    ) -> None:
        """A cancellation passes, is no error, and ends the spans."""
        linq.script(Reply(hang=True))

        async def post() -> None:
            if library == "httpx":
                async with httpx.AsyncClient() as client:
                    await client.post(url, json=MESSAGE)
            else:
                async with aiohttp.ClientSession() as session:
                    await session.post(url, json=MESSAGE)

        async def run() -> None:
            task = asyncio.create_task(post())
            await asyncio.to_thread(linq.arrived.wait, 5)
            task.cancel("enough")
            await task

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())
        assert attempts(finished(), "error.type") == [("UNSET", None)]
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "UNSET"
        assert pick(call, "error.type", "linq.attempts") == (None, 1)

    def test_raising_hook(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """A response hook that raises for the status is a refusal, not another error."""
        linq.script(Reply(429))
        hooks: Any = {
            "response": [lambda response: response.read() and response.raise_for_status()]
        }
        with httpx.Client(event_hooks=hooks) as client, pytest.raises(httpx.HTTPStatusError):
            client.post(url, json=MESSAGE)
        assert pick(by_name(finished(), CALL), "error.type", "linq.trace_id") == ("429", FIRST)
        assert attempts(finished(), "http.response.status_code") == [("ERROR", 429)]

    def test_raising_session(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """So is an aiohttp session that does."""
        linq.script(Reply(429))

        async def run() -> None:
            async with aiohttp.ClientSession(raise_for_status=True) as session:
                await session.post(url, json=MESSAGE)

        with pytest.raises(aiohttp.ClientResponseError):
            asyncio.run(run())
        assert pick(by_name(finished(), CALL), "error.type", "linq.trace_id") == ("429", FIRST)


class TestRetries:
    RETRY = urllib3.Retry(2, status_forcelist=[503], allowed_methods=None, backoff_factor=0)

    def expect(self, finished: Finished) -> None:
        """Expect two attempts in one call that went well."""
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "UNSET"
        assert pick(call, "linq.attempts", "linq.trace_ids", "error.type") == (
            2,
            (nth_trace_id(1), nth_trace_id(2)),
            None,
        )
        keys = ("http.response.status_code", "http.request.resend_count", "linq.trace_id")
        assert attempts(finished(), *keys) == [
            ("ERROR", 503, None, nth_trace_id(1)),
            ("UNSET", 202, 1, nth_trace_id(2)),
        ]

    def test_urllib3(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """What urllib3 sends again is a further attempt of the same call."""
        linq.script(Reply(503, {}))
        with urllib3.PoolManager(retries=self.RETRY) as manager:
            assert manager.request("POST", url, body=json.dumps(MESSAGE)).status == 202
        self.expect(finished)

    def test_requests(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """So it is beneath requests."""
        linq.script(Reply(503, {}))
        with requests.Session() as session:
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=self.RETRY))
            assert session.post(url, json=MESSAGE).status_code == 202
        self.expect(finished)

    def test_exhausted(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """An answer that is given back after the last try is counted once."""
        linq.script(*[Reply(503, {})] * 3)
        retry = self.RETRY.new(raise_on_status=False)
        with urllib3.PoolManager(retries=retry) as manager:
            assert manager.request("POST", url, body=json.dumps(MESSAGE)).status == 503
        call = by_name(finished(), CALL)
        assert pick(call, "linq.attempts", "error.type", "linq.trace_ids") == (
            3,
            "503",
            (nth_trace_id(1), nth_trace_id(2), nth_trace_id(3)),
        )
        assert attempts(finished(), "error.type") == [("ERROR", "503")] * 3

    def test_connection(self, finished: Finished) -> None:
        """A connection that fails again and again is an attempt each time."""
        url = messages_url(f"http://127.0.0.1:{closed_port()}/api/partner")
        with (
            urllib3.PoolManager(retries=2) as manager,
            pytest.raises(urllib3.exceptions.MaxRetryError),
        ):
            manager.request("POST", url, body=b"{}")
        assert pick(by_name(finished(), CALL), "linq.attempts", "error.type") == (
            3,
            "urllib3.exceptions.MaxRetryError",
        )
        kind = "urllib3.exceptions.NewConnectionError"
        assert attempts(finished(), "error.type") == [("ERROR", kind)] * 3


class TestEndlessRedirect:
    def test_aiohttp(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """An error that only looks like an answer is told by its type."""
        linq.script(*[Reply(307, {}, headers={"Location": url})] * 2)

        async def run() -> None:
            async with aiohttp.ClientSession() as session:
                await session.post(url, json=MESSAGE, max_redirects=2)

        with pytest.raises(aiohttp.TooManyRedirects):
            asyncio.run(run())
        kind = "aiohttp.client_exceptions.TooManyRedirects"
        call = by_name(finished(), CALL)
        assert pick(call, "error.type", "linq.error.code") == (kind, None)
        assert attempts(finished(), "error.type") == [("ERROR", kind)]


class TestTasks:
    @pytest.mark.parametrize("library", ["httpx", "aiohttp"])
    def test_outliving_the_call(self, url: str, finished: Finished, library: str) -> None:
        """A task that was started inside a call makes calls of its own once that is over."""

        async def run() -> None:
            over = asyncio.Event()
            tasks: list[asyncio.Task[None]] = []

            async def later() -> None:
                await over.wait()
                await post(lambda *_: None)

            async def spawn(*_: object) -> None:
                tasks.append(asyncio.create_task(later()))

            async def post(hook: Any) -> None:
                if library == "httpx":
                    hooks: Any = {"request": [hook]} if hook is spawn else {}
                    async with httpx.AsyncClient(event_hooks=hooks) as client:
                        await client.post(url, json=MESSAGE)
                    return
                config = aiohttp.TraceConfig()
                if hook is spawn:
                    config.on_request_start.append(spawn)
                async with (
                    aiohttp.ClientSession(trace_configs=[config]) as session,
                    session.post(url, json=MESSAGE) as response,
                ):
                    await response.read()

            await post(spawn)
            over.set()
            await asyncio.gather(*tasks)

        asyncio.run(run())
        assert [s.name for s in finished()].count(CALL) == 2
        assert attempts(finished(), "http.response.status_code") == [("UNSET", 202)] * 2


class TestRedirect:
    def test_followed(
        self, client: RawClient, linq: ScriptedLinq, url: str, finished: Finished
    ) -> None:
        """A redirect is part of its call, where it is followed; elsewhere it is no acceptance."""
        linq.script(Reply(303, {}, headers={"Location": "/api/partner/v3/chats"}), Reply(200, SENT))
        status, _ = client.send(url)
        is_followed = client.library in {"requests", "urllib", "aiohttp"}
        assert status == (200 if is_followed else 303)
        expected = ["linq message", "message accepted"] if is_followed else []
        names = [s.name for s in finished() if s.kind.name != "CLIENT"]
        assert names == [*expected, CALL]
        assert attempts(finished(), "http.response.status_code") == [("UNSET", status)]
        call = by_name(finished(), CALL)
        assert (call.status.status_code.name, *pick(call, "error.type")) == ("UNSET", None)

    def test_of_a_pool_manager(self, linq: ScriptedLinq, url: str, finished: Finished) -> None:
        """A pool manager's redirects are seen one by one."""
        linq.script(Reply(307, {}, headers={"Location": url}))
        with urllib3.PoolManager() as manager:
            assert manager.request("POST", url, body=json.dumps(MESSAGE)).status == 202
        assert attempts(finished(), "http.response.status_code") == [("UNSET", 307), ("UNSET", 202)]
        assert pick(by_name(finished(), CALL), "linq.attempts") == (2,)


class TestUnread:
    """What the caller reads late, in part or never is his."""

    def test_chunks_of_httpx(self, url: str, store: MemoryStore) -> None:
        """A stream's chunks are what they were."""
        with httpx.Client() as client, client.stream("POST", url, json=MESSAGE) as response:
            assert response.is_stream_consumed is False
            chunks = list(response.iter_bytes(5))
        assert {len(c) for c in chunks[:-1]} == {5}
        assert json.loads(b"".join(chunks)) == SENT
        assert get_origin(store, f"trace:{FIRST}").lifecycle.startswith(f"00-{FIRST}-")

    def test_chunks_of_requests(self, url: str, store: MemoryStore) -> None:
        """So are those of requests, from which the ids are learnt on the way."""
        with requests.post(url, json=MESSAGE, stream=True, timeout=5) as response:
            chunks = list(response.iter_content(5))
        assert {len(c) for c in chunks[:-1]} == {5}
        assert json.loads(b"".join(chunks)) == SENT
        assert get_origin(store, f"message:{MESSAGE_ID}").message_id == MESSAGE_ID

    def test_lines_of_requests(self, url: str, store: MemoryStore) -> None:
        """Lines are read through the same door."""
        with requests.post(url, json=MESSAGE, stream=True, timeout=5) as response:
            assert json.loads(b"".join(response.iter_lines())) == SENT
        assert get_origin(store, f"message:{MESSAGE_ID}").message_id == MESSAGE_ID

    def test_chunks_of_aiohttp(self, url: str, store: MemoryStore) -> None:
        """A body taken from aiohttp's stream is not seen by us, and whole."""

        async def run() -> bytes:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, json=MESSAGE) as response,
            ):
                return b"".join([chunk async for chunk in response.content.iter_chunked(5)])

        assert json.loads(asyncio.run(run())) == SENT
        assert get_origin(store, f"trace:{FIRST}").message_id is None
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_json_of_aiohttp(self, url: str, store: MemoryStore) -> None:
        """Most people read JSON."""

        async def run() -> Any:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, json=MESSAGE) as response,
            ):
                return await response.json()

        assert asyncio.run(run()) == SENT
        assert get_origin(store, f"message:{MESSAGE_ID}").message_id == MESSAGE_ID

    def test_file_of_urllib(self, url: str, store: MemoryStore) -> None:
        """`json.load` reads a response as a file."""
        request = urllib.request.Request(url, json.dumps(MESSAGE).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            assert json.load(response) == SENT
            assert response.read() == b""
            assert response.closed is False
        assert response.closed is True
        assert get_origin(store, f"message:{MESSAGE_ID}").message_id == MESSAGE_ID

    @pytest.mark.parametrize("library", ["httpx", "requests", "urllib3", "urllib", "aiohttp"])
    @pytest.mark.parametrize("part", [0, 7])
    def test_closed_early(
        self, url: str, store: MemoryStore, finished: Finished, library: str, part: int
    ) -> None:
        """A body that is never read, or in part, leaves a life by its Linq trace id alone."""
        read_part(library, url, part)
        gc.collect()
        origin = get_origin(store, f"trace:{FIRST}")
        assert origin.lifecycle.startswith(f"00-{FIRST}-")
        assert store.find(f"message:{MESSAGE_ID}") is None
        call = by_name(finished(), CALL)
        assert pick(call, "linq.trace_id", "linq.message.id") == (FIRST, None)
        assert [s.name for s in finished()].count("linq message") == 1


def read_part(library: str, url: str, size: int) -> None:  # One branch a library.
    """
    Post, read `size` bytes of the answer and close it.
    """
    body = json.dumps(MESSAGE).encode()
    if library == "httpx":
        with httpx.Client() as client, client.stream("POST", url, content=body) as response:
            if size:
                next(response.iter_bytes(size))
    elif library == "requests":
        with requests.post(url, data=body, stream=True, timeout=5) as answer:
            if size:
                next(answer.iter_content(size))
    elif library == "urllib3":
        with urllib3.PoolManager() as manager:
            raw = manager.urlopen("POST", url, body=body, preload_content=False)
            if size:
                raw.read(size)
            raw.close()
    elif library == "urllib":
        with urllib.request.urlopen(url, body, timeout=5) as opened:  # noqa: S310
            opened.read(size)
    else:

        async def run() -> None:
            async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
                if size:
                    await response.content.readexactly(size)

        asyncio.run(run())
