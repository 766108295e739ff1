"""
What a request to anybody else pays for our being there: with httpx, requests and aiohttp.

Each library goes through all of its own code, to a transport of this process that answers at once.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx
import requests
from aiohttp.client_proto import ResponseHandler
from measuring import Found, Line, Spread, Variant, added, find_sum, interleave, medians
from requests.adapters import BaseAdapter
from sending import instrumented
from tallies import open_provider

from linq_otel.stores.memory import MemoryStore


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from measuring import Costs, Effort

    Get = Callable[[Sequence[Any]], object]


_URL: Final = "http://elsewhere.test/orders/1"
_PLAIN: Final = "uninstrumented"
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
# A hash table that is made larger once is a few blocks; a leak is one for each request.
_MOST_BLOCKS: Final = 0.05


class Adapter(BaseAdapter):
    """
    Answers for ``requests``.
    """

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]  # It ignores the rest.
        """
        Answer 200.
        """
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url or "", request
        answer._content = b"ok"  # noqa: SLF001  # As libraries that stand in for servers do.
        return answer

    def close(self) -> None:
        """
        Nothing is open.
        """


class Wire(asyncio.Transport):
    """
    A connection of aiohttp's to nowhere: what is written is answered at once.
    """

    def __init__(self, protocol: ResponseHandler) -> None:
        super().__init__()
        self._protocol = protocol
        self._is_closing = False

    def write(self, data: Any) -> None:
        """
        Answer one request.
        """
        assert bytes(data).startswith(b"GET /orders/1 HTTP/1.1\r\n")
        self._protocol.data_received(_ANSWER)

    def writelines(self, parts: Any) -> None:
        """
        Do the same for one in pieces.
        """
        self.write(b"".join(parts))

    def is_closing(self) -> bool:
        """
        Answer whether it was closed.
        """
        return self._is_closing

    def close(self) -> None:
        """
        Close it.
        """
        self._is_closing = True
        self._protocol.connection_lost(None)

    abort = close


class Connector(aiohttp.BaseConnector):
    """
    Opens such connections; aiohttp keeps them alive as it does others.
    """

    async def _create_connection(self, *_: Any) -> ResponseHandler:
        protocol = ResponseHandler(self._loop)
        protocol.connection_made(Wire(protocol))
        return protocol


def measure_httpx(effort: Effort) -> list[Line]:
    """
    Measure a blocking client of httpx.
    """
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:

        def get(turns: Sequence[Any]) -> None:
            for _ in turns:
                answer = client.get(_URL)
            assert answer.status_code == 200

        return _report("httpx", get, effort)


def measure_requests(effort: Effort) -> list[Line]:
    """
    Measure a session of requests.
    """
    with requests.Session() as session:
        session.mount("http://", Adapter())
        session.trust_env = False  # The environment is read for each request, else.

        def get(turns: Sequence[Any]) -> None:
            for _ in turns:
                answer = session.get(_URL)
            assert answer.status_code == 200

        return _report("requests", get, effort)


def measure_aiohttp(effort: Effort) -> list[Line]:
    """
    Measure a session of aiohttp.
    """
    with closing(asyncio.new_event_loop()) as loop:

        async def open_session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(connector=Connector())

        session = loop.run_until_complete(open_session())

        async def get_all(turns: Sequence[Any]) -> None:
            for _ in turns:
                async with session.get(_URL) as answer:
                    assert await answer.read() == b"ok"

        lines = _report("aiohttp", lambda turns: loop.run_until_complete(get_all(turns)), effort)
        loop.run_until_complete(session.close())
        return lines


def _report(library: str, get: Get, effort: Effort) -> list[Line]:
    provider, tally = open_provider()
    options = {"tracer_provider": provider, "store": MemoryStore()}
    variants = {
        _PLAIN: Variant(get),
        "ours": Variant(get, within=lambda: instrumented(**options)),
    }
    # A microsecond of a hundred is found by many small turns.
    costs: Costs = interleave(variants, effort.rounds * 12, effort.batch, time.thread_time)
    with instrumented(**options):
        kept = _count_kept(get, effort)
    assert tally.spans == 0
    name = f"elsewhere, {library}: added"
    microseconds = find_sum(costs, added("ours", _PLAIN))
    return [
        Line(name, _PLAIN, microseconds, 1.0, unit="µs", costs=medians(costs)),
        Line(f"elsewhere, {library}: kept", "nothing", kept, _MOST_BLOCKS, unit="blocks a request"),
    ]


def _count_kept(get: Get, effort: Effort) -> Found:
    """
    Return the blocks of memory that are held longer than the requests they were taken for.
    """
    size = effort.scale(2_000, 400)
    kept: list[float] = []
    for _ in range(4):
        gc.collect()
        before = sys.getallocatedblocks()
        get(range(size))
        gc.collect()
        kept.append((sys.getallocatedblocks() - before) / size)
    return Found(Spread.of(kept[1:]))
