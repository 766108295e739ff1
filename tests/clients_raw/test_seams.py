"""
The wrapped names: given back, and missed one by one.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import pickle
import urllib.request
import weakref
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
import wrapt

from linq_otel import uninstrument
from support.lives import CALL


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

    from support.raw_clients import RawClient

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


SEAMS = (
    ("httpx", "Client", "send"),
    ("httpx", "AsyncClient", "send"),
    ("httpx", "Response", "read"),
    ("httpx", "Response", "aread"),
    ("requests", "Session", "send"),
    ("urllib3", "PoolManager", "urlopen"),
    ("urllib3", "HTTPConnectionPool", "urlopen"),
    ("urllib3", "Retry", "increment"),
    ("urllib.request", "OpenerDirector", "open"),
    ("aiohttp", "ClientSession", "_request"),
    ("aiohttp", "ClientResponse", "read"),
)


# Wrapped with the first body that is left unread: until then no response pays for it.
LATER = [
    ("httpx", "Response", "read"),
    ("httpx", "Response", "aread"),
    ("aiohttp", "ClientResponse", "read"),
]


def functions() -> dict[tuple[str, str, str], Any]:
    """
    Return what stands at each seam.
    """
    return {
        seam: vars(getattr(importlib.import_module(seam[0]), seam[1])).get(seam[2])
        for seam in SEAMS
    }


ORIGINALS = functions()


class TestSeams:
    def test_given_back(self, start: Start) -> None:
        """`uninstrument()` gives back the very functions that were there."""
        start()
        untouched = [seam for seam, f in functions().items() if f is ORIGINALS[seam]]
        uninstrument()
        left = [seam for seam, f in functions().items() if f is not ORIGINALS[seam]]
        assert (untouched, left) == (LATER, [])

    def test_later(self, start: Start, url: str) -> None:
        """What reads a body is wrapped once one is unread, and given back too."""
        start()
        with httpx.Client() as client, client.stream("POST", url, json={}) as response:
            untouched = [seam for seam, f in functions().items() if f is ORIGINALS[seam]]
            assert response.read() == response.content
        uninstrument()
        left = [seam for seam, f in functions().items() if f is not ORIGINALS[seam]]
        assert (untouched, left) == (LATER[2:], [])

    @pytest.mark.parametrize("seam", SEAMS, ids=".".join)
    def test_missing(
        self,
        *,
        start: Start,
        client: RawClient,
        url: str,
        finished: Finished,
        monkeypatch: pytest.MonkeyPatch,
        seam: tuple[str, str, str],
    ) -> None:
        """A library that has lost one of the names is traced as far as it goes, and works."""
        owner = getattr(importlib.import_module(seam[0]), seam[1])
        monkeypatch.delattr(owner, seam[2])
        start()
        # Back again, or the library itself could not do without.
        monkeypatch.undo()
        assert client.send(url)[0] == 202
        is_seen = CALL in {span.name for span in finished()}
        assert is_seen or seam[0].partition(".")[0] == client.library
        uninstrument()
        assert functions() == ORIGINALS

    def test_missing_class(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A class that is gone is reported once for each of its names."""
        monkeypatch.delattr(httpx, "AsyncClient")
        start()
        lines = [record.getMessage() for record in caplog.records if record.name == "linq_otel"]
        assert lines == ["an HTTP library has no AsyncClient.send (logged once)"]

    def test_foreign_wrapper(
        self, start: Start, client: RawClient, url: str, finished: Finished
    ) -> None:
        """A wrapper put over ours stays, and ours beneath it does nothing."""
        start()

        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            return wrapped(*args, **kwargs)

        for module, owner, name in SEAMS:
            wrapt.wrap_function_wrapper(module, f"{owner}.{name}", wrapper)
        theirs = functions()
        try:
            uninstrument()
            assert functions() == theirs
            assert client.send(url)[0] == 202
            assert finished() == ()
        finally:
            for (module, owner, name), function in ORIGINALS.items():
                setattr(getattr(importlib.import_module(module), owner), name, function)


class TestResponses:
    """Nothing of ours stays behind on what the caller holds."""

    def test_pickled(self, instrumented: None, url: str) -> None:
        """Responses of httpx and requests can be pickled as ever."""
        for response in (httpx.post(url, json={}), requests.post(url, json={}, timeout=5)):
            copy = pickle.loads(pickle.dumps(response))  # noqa: S301  # Our own.
            assert copy.status_code == 202
        with requests.post(url, json={}, stream=True, timeout=5) as response:
            assert pickle.loads(pickle.dumps(response)).content == response.content  # noqa: S301

    def test_types(self, instrumented: None, url: str) -> None:
        """What comes back is of the library's own types."""
        assert type(httpx.post(url, json={})) is httpx.Response
        assert type(requests.post(url, json={}, timeout=5)) is requests.Response
        with urllib3.PoolManager() as manager:
            assert type(manager.request("POST", url, body=b"{}")) is urllib3.HTTPResponse
        with urllib.request.urlopen(url, b"{}", timeout=5) as opened:  # noqa: S310
            assert type(opened) is http.client.HTTPResponse

        async def run() -> None:
            async with aiohttp.ClientSession() as session:
                context = session.post(url, json={})
                async with context as response:
                    assert type(response) is aiohttp.ClientResponse

        asyncio.run(run())

    def test_let_go(self, instrumented: None, url: str) -> None:
        """An answer that was read, or never is, is freed at once."""
        with urllib.request.urlopen(url, b"{}", timeout=5) as opened:  # noqa: S310
            pass
        ended = weakref.ref(opened)
        del opened
        assert ended() is None
