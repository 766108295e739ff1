"""
Every way people call Linq without its SDK, each as one function.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import requests
import urllib3

from support.scripted_linq import CHAT_ID


try:
    import httpx2
except ImportError:
    # It needs newer libraries than the oldest that are tested.
    httpx2 = None

if TYPE_CHECKING:
    from collections.abc import Callable


HEADERS = {"Authorization": "Bearer secret-token", "Content-Type": "application/json"}
TIMEOUT = 10.0


@dataclass(frozen=True)
class RawClient:
    """
    One way to post.

    Attributes:
        name: What a test is named after.
        library: The module that sends.
        post: Takes URL, body, headers and time-out; returns status and body.
        early: Whether the library has read the body when it answers.
        unreachable: Type of the error where nobody listens: of the call, of the attempt.
        late: The same where the answer does not come.
    """

    name: str
    library: str
    post: Callable[[str, bytes, dict[str, str], float], tuple[int, bytes]]
    early: bool
    unreachable: tuple[str, str]
    late: tuple[str, str]

    def send(self, url: str, timeout: float = TIMEOUT, **more: Any) -> tuple[int, bytes]:
        """
        Send a message of one text part to the `url` of a chat's messages.
        """
        message = {"parts": [{"type": "text", "value": "Hello"}], **more}
        return self.post(url, json.dumps({"message": message}).encode(), dict(HEADERS), timeout)

    def __repr__(self) -> str:
        return self.name


def _httpx_client(
    module: Any, url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with module.Client(timeout=timeout) as client:
        response = client.post(url, content=body, headers=headers)
    return response.status_code, response.content


def _httpx_function(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    response = httpx.post(url, json=json.loads(body), headers=headers, timeout=timeout)
    return response.status_code, response.content


def _httpx_transport(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    class Own(httpx.HTTPTransport):
        pass

    with httpx.Client(transport=Own(), timeout=timeout) as client:
        response = client.send(client.build_request("POST", url, content=body, headers=headers))
    return response.status_code, response.content


def _httpx_stream(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with (
        httpx.Client(timeout=timeout) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        return response.status_code, response.read()


def _httpx_async(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        async with httpx.AsyncClient(timeout=timeout) as client:
            response = await client.post(url, content=body, headers=headers)
            return response.status_code, response.content

    return asyncio.run(run())


def _httpx_async_stream(
    module: Any, url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        async with (
            module.AsyncClient(timeout=timeout) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            return response.status_code, await response.aread()

    return asyncio.run(run())


def _requests_function(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    response = requests.post(url, json=json.loads(body), headers=headers, timeout=timeout)
    return response.status_code, response.content


def _requests_session(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with requests.Session() as session:
        session.headers.update(headers)
        response = session.post(url, data=body, timeout=timeout)
    return response.status_code, response.content


def _requests_prepared(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with requests.Session() as session:
        request = session.prepare_request(requests.Request("POST", url, headers, data=body))
        response = session.send(request, timeout=timeout)
    return response.status_code, response.content


def _requests_stream(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with (
        requests.Session() as session,
        session.post(url, data=body, headers=headers, timeout=timeout, stream=True) as response,
    ):
        return response.status_code, b"".join(response.iter_content(7))


def _urllib3_manager(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with urllib3.PoolManager(headers=headers) as manager:
        response = manager.request("POST", url, body=body, timeout=timeout, retries=False)
        return response.status, response.data


def _urllib3_pool(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    parts = urllib3.util.parse_url(url)
    with urllib3.HTTPConnectionPool(parts.host or "", parts.port) as pool:
        path = parts.request_uri
        response = pool.urlopen("POST", path, body, headers, retries=False, timeout=timeout)
        return response.status, response.data


def _urllib3_stream(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    with urllib3.PoolManager() as manager:
        response = manager.urlopen(
            "POST",
            url,
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            preload_content=False,
        )
        parts = []
        while part := response.read(7):
            parts.append(part)
        response.release_conn()
        return response.status, b"".join(parts)


def _urllib_request(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # Loopback.
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return response.status, response.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def _urllib_opener(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    opener = urllib.request.build_opener()
    opener.addheaders = list(headers.items())
    try:
        with opener.open(url, body, timeout) as response:
            parts = []
            while part := response.read(7):
                parts.append(part)
            return response.status, b"".join(parts)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def _aiohttp_session(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        limit = aiohttp.ClientTimeout(total=timeout)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=limit) as session,
            session.post(url, json=json.loads(body)) as response,
        ):
            return response.status, await response.read()

    return asyncio.run(run())


def _aiohttp_function(
    url: str, body: bytes, headers: dict[str, str], timeout: float
) -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        limit = aiohttp.ClientTimeout(total=timeout)
        async with aiohttp.request(
            "POST", url, data=body, headers=headers, timeout=limit
        ) as response:
            await response.text()
            return response.status, await response.read()

    return asyncio.run(run())


_HTTPX = (("httpx.ConnectError",) * 2, ("httpx.ReadTimeout",) * 2)
_HTTPX2 = (("httpx2.ConnectError",) * 2, ("httpx2.ReadTimeout",) * 2)
_REQUESTS = (
    ("requests.exceptions.ConnectionError", "urllib3.exceptions.NewConnectionError"),
    ("requests.exceptions.ReadTimeout", "urllib3.exceptions.ReadTimeoutError"),
)
_URLLIB3 = (
    ("urllib3.exceptions.NewConnectionError",) * 2,
    ("urllib3.exceptions.ReadTimeoutError",) * 2,
)
_URLLIB = (("urllib.error.URLError",) * 2, ("TimeoutError",) * 2)
# On Python 3.10 asyncio has a class of its own.
_TIMEOUT = (
    "TimeoutError" if asyncio.TimeoutError is TimeoutError else "asyncio.exceptions.TimeoutError"
)
_AIOHTTP = (
    ("aiohttp.client_exceptions.ClientConnectorError",) * 2,
    (_TIMEOUT,) * 2,
)

CLIENTS = (
    RawClient("httpx.Client", "httpx", partial(_httpx_client, httpx), True, *_HTTPX),  # noqa: FBT003  # A table.
    RawClient("httpx.post", "httpx", _httpx_function, True, *_HTTPX),  # noqa: FBT003
    RawClient("httpx transport", "httpx", _httpx_transport, True, *_HTTPX),  # noqa: FBT003
    RawClient("httpx stream", "httpx", _httpx_stream, False, *_HTTPX),  # noqa: FBT003
    RawClient("httpx.AsyncClient", "httpx", _httpx_async, True, *_HTTPX),  # noqa: FBT003
    RawClient("httpx async stream", "httpx", partial(_httpx_async_stream, httpx), False, *_HTTPX),  # noqa: FBT003
    RawClient("requests.post", "requests", _requests_function, True, *_REQUESTS),  # noqa: FBT003
    RawClient("requests.Session", "requests", _requests_session, True, *_REQUESTS),  # noqa: FBT003
    RawClient("requests prepared", "requests", _requests_prepared, True, *_REQUESTS),  # noqa: FBT003
    RawClient("requests stream", "requests", _requests_stream, False, *_REQUESTS),  # noqa: FBT003
    RawClient("urllib3.PoolManager", "urllib3", _urllib3_manager, True, *_URLLIB3),  # noqa: FBT003
    RawClient("urllib3 pool", "urllib3", _urllib3_pool, True, *_URLLIB3),  # noqa: FBT003
    RawClient("urllib3 stream", "urllib3", _urllib3_stream, False, *_URLLIB3),  # noqa: FBT003
    RawClient("urlopen", "urllib", _urllib_request, False, *_URLLIB),  # noqa: FBT003
    RawClient("urllib opener", "urllib", _urllib_opener, False, *_URLLIB),  # noqa: FBT003
    RawClient("aiohttp.ClientSession", "aiohttp", _aiohttp_session, False, *_AIOHTTP),  # noqa: FBT003
    RawClient("aiohttp.request", "aiohttp", _aiohttp_function, False, *_AIOHTTP),  # noqa: FBT003
)

if httpx2 is not None:
    CLIENTS = (
        *CLIENTS,
        RawClient("httpx2.Client", "httpx2", partial(_httpx_client, httpx2), True, *_HTTPX2),  # noqa: FBT003
        RawClient("httpx2 stream", "httpx2", partial(_httpx_async_stream, httpx2), False, *_HTTPX2),  # noqa: FBT003
    )


def messages_url(base_url: str) -> str:
    """
    Return the URL at which the chat's messages are posted.
    """
    return f"{base_url}/v3/chats/{CHAT_ID}/messages"
