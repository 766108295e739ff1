"""
Bodies that the caller reads: in every way there is, with nothing in the caller's way.
"""

from __future__ import annotations

import io
import json
import pickle
import shutil
import urllib.request
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3

from support.scripted_linq import MESSAGE_ID, SENT, Reply


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Read = Callable[[str], bytes]

BODY = json.dumps(SENT).encode()
SENDING = b'{"message":{"parts":[{"type":"text","value":"Hello"}]}}'


def urlopen(url: str) -> Any:
    request = urllib.request.Request(  # noqa: S310
        url, SENDING, {"Content-Type": "application/json"}, method="POST"
    )
    return urllib.request.urlopen(request, timeout=10)  # noqa: S310


def stream(url: str) -> Any:
    return requests.post(url, data=SENDING, stream=True, timeout=10)


POOL = urllib3.PoolManager()


def pool(url: str) -> Any:
    return POOL.request("POST", url, body=SENDING, preload_content=False)


def drain(read: Callable[[], bytes]) -> bytes:
    return b"".join(iter(read, b""))


def readinto(response: Any) -> bytes:
    buffer, parts = bytearray(9), []
    while count := response.readinto(buffer):
        parts.append(bytes(buffer[:count]))
    return b"".join(parts)


def copied(response: Any) -> bytes:
    copy = io.BytesIO()
    shutil.copyfileobj(response, copy, 7)
    return copy.getvalue()


def stored(response: Any) -> bytes:
    read = response.read
    return b"".join(iter(lambda: read(5), b""))


WAYS: dict[str, Read] = {
    # No name holds the response while it is read.
    "urlopen().read()": lambda url: urlopen(url).read(),
    "urlopen().read(n)": lambda url: stored(urlopen(url)),
    "urlopen().read1()": lambda url: drain(urlopen(url).read1),
    "urlopen().readinto()": lambda url: readinto(urlopen(url)),
    "urlopen().readlines()": lambda url: b"".join(urlopen(url).readlines()),
    "for line in urlopen()": lambda url: b"".join(urlopen(url)),
    "json.load(urlopen())": lambda url: json.dumps(json.load(urlopen(url))).encode(),
    "copyfileobj(urlopen())": lambda url: copied(urlopen(url)),
    "TextIOWrapper(urlopen())": lambda url: io.TextIOWrapper(urlopen(url)).read().encode(),
    "BufferedReader(urlopen())": lambda url: io.BufferedReader(urlopen(url)).read(),
    "pool.read()": lambda url: pool(url).read(),
    "pool.read(n)": lambda url: stored(pool(url)),
    "pool.data": lambda url: pool(url).data,
    "pool.stream()": lambda url: b"".join(pool(url).stream(9)),
    "pool.readinto()": lambda url: readinto(pool(url)),
    "copyfileobj(pool)": lambda url: copied(pool(url)),
    "for chunk in pool": lambda url: b"".join(pool(url)),
    "stream.iter_content()": lambda url: b"".join(stream(url).iter_content(9)),
    "stream.iter_lines()": lambda url: b"\n".join(stream(url).iter_lines()),
    "stream.content": lambda url: stream(url).content,
    "stream.json()": lambda url: json.dumps(stream(url).json()).encode(),
    "stream.raw": lambda url: copied(stream(url).raw),
    "pickled stream": lambda url: pickle.loads(pickle.dumps(stream(url))).content,  # noqa: S301
}


@pytest.mark.usefixtures("instrumented")
@pytest.mark.parametrize("way", WAYS)
class TestReading:
    @pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
    def test_read(
        self, way: str, linq: ScriptedLinq, url: str, store: MemoryStore, *, chunked: bool
    ) -> None:
        """The caller gets every byte, and the message is known by its id."""
        linq.script(Reply(chunked=chunked))
        assert WAYS[way](url) == BODY
        found = store.find(f"message:{MESSAGE_ID}")
        assert found is not None
        assert found[1].message_id == MESSAGE_ID


@pytest.mark.usefixtures("instrumented")
class TestUnread:
    @pytest.mark.parametrize("send", [urlopen, stream, pool])
    def test_freed_at_once(self, send: Callable[[str], Any], url: str) -> None:
        """A response that is let go unread is freed by that, as ever."""
        response = send(url)
        freed = weakref.ref(response)
        response.close()
        del response
        assert freed() is None

    @pytest.mark.parametrize("send", [urlopen, stream, pool])
    def test_nothing_on_the_instance(self, send: Callable[[str], Any], url: str) -> None:
        """A response's methods are its class's, bound to it."""
        with send(url) as response:
            assert [name for name in vars(response) if hasattr(type(response), name)] == []
            method = response.iter_content if send is stream else response.read
            assert method.__self__ is response

    def test_not_json(self, linq: ScriptedLinq, url: str, store: MemoryStore) -> None:
        """A body that is no JSON goes to the caller, and names no message."""
        linq.script(Reply(body="<html>" + "x" * 50_000))
        assert len(stored(pool(url))) == 50_006
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_others(self, linq: ScriptedLinq, url: str) -> None:
        """Responses of other hosts' calls are read by the same methods, and are not kept."""
        urlopen(url).read()
        with urlopen(f"http://127.0.0.1:{linq.server_port}/elsewhere") as other:
            assert other.read(4) + other.read() == BODY
