"""
What is refused, with which code, and what no client can break.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import linq as sdk
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linq_otel.testing import LinqSimulator


if TYPE_CHECKING:
    from collections.abc import Callable


TEXT = {"parts": [{"type": "text", "value": "hello"}]}
LINE = "+15550100000"


class TestErrors:
    def test_envelope(self, linq: LinqSimulator) -> None:
        """
        Without the right token: 401/2004 in the documented envelope.
        """
        answer = httpx.get(f"{linq.base_url}/v3/chats", headers={"Authorization": "Bearer no"})
        assert (answer.status_code, answer.json()) == (
            401,
            {
                "success": False,
                "error": {
                    "status": 401,
                    "code": 2004,
                    "message": "Unauthorized",
                    "doc_url": "https://docs.linqapp.com/error-codes/2xxx/2004",
                },
                "trace_id": answer.headers["x-trace-id"],
            },
        )

    @pytest.mark.parametrize(
        ("call", "status", "code"),
        [
            (lambda c: c.chats.retrieve("nope"), 404, 2001),
            (lambda c: c.chats.messages.send("nope", message=TEXT), 404, 2001),
            (lambda c: c.messages.retrieve("nope"), 404, 2002),
            (lambda c: c.webhook_subscriptions.retrieve("nope"), 404, 2010),
            (lambda c: c.chats.create(from_=LINE, to=[], message=TEXT), 400, 1001),
            (lambda c: c.chats.create(from_=LINE, to=["555"], message=TEXT), 400, 1002),
            (lambda c: c.messages.create(to=["+15550100"], message={"parts": []}), 400, 1001),
            (
                lambda c: c.messages.create(
                    to=["+15550100"], message={"parts": [{"type": "smoke"}]}
                ),
                400,
                1004,
            ),
            (
                lambda c: c.messages.create(
                    to=["+15550100"], message={**TEXT, "idempotency_key": "k" * 256}
                ),
                400,
                1005,
            ),
            (
                lambda c: c.webhook_subscriptions.create(
                    target_url="http://127.0.0.1:1/?version=1999-01-01",
                    subscribed_events=["message.sent"],
                ),
                400,
                1005,
            ),
        ],
    )
    def test_codes(
        self, client: sdk.LinqAPIV3, call: Callable[[Any], Any], status: int, code: int
    ) -> None:
        """
        Each mistake has its status and its code, as the SDK reads them.
        """
        with pytest.raises(sdk.APIStatusError) as caught:
            call(client)
        assert (caught.value.status_code, caught.value.code) == (status, code)

    def test_a_direct_chat_cannot_be_renamed(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]
    ) -> None:
        """
        409/1006, which the SDK would retry.
        """
        client = connect(linq, max_retries=0)
        chat = client.chats.create(from_=LINE, to=["+15550100"], message=TEXT)
        with pytest.raises(sdk.ConflictError) as caught:
            client.chats.update(chat.chat.id, display_name="us")
        assert caught.value.code == 1006


class TestGarbage:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x00\xff\x13garbage\r\n\r\n",
            b"GET\r\n\r\n",
            b"BREW /v3/chats HTTP/1.1\r\n\r\n",
            b"POST /v3/chats HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            b"POST /v3/chats HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            b"POST /v3/chats HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        ],
    )
    def test_not_http(self, linq: LinqSimulator, client: sdk.LinqAPIV3, sent: bytes) -> None:
        """
        It is answered with an error or not at all, and the next client is served.
        """
        address = urlsplit(linq.base_url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            raw.sendall(sent)
            answer = raw.recv(100)
        assert answer == b"" or b" 4" in answer or b" 5" in answer
        assert client.chats.list_chats().chats == []

    def test_a_client_that_leaves(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        A body that never comes does no harm.
        """
        address = urlsplit(linq.base_url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as raw:
            raw.sendall(b"POST /v3/chats HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
        assert client.chats.list_chats().chats == []

    def test_a_chunked_body(self, linq: LinqSimulator) -> None:
        """
        A body sent in pieces is put together.
        """
        answer = httpx.post(
            f"{linq.base_url}/v3/messages",
            headers={"Authorization": f"Bearer {linq.api_key}"},
            content=iter([b'{"to": ["+15550100"], ', b'"message": {"parts": []}}']),
        )
        assert answer.json()["error"]["message"] == "message.parts is required"

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        body=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["message", "parts", "to", "from", "type", "value", "poll"]),
                    inner,
                    max_size=4,
                )
            ),
        )
    )
    def test_any_json(self, linq: LinqSimulator, body: Any) -> None:
        """
        No JSON at all makes the server fail: it is accepted or it is the client's mistake.
        """
        answer = httpx.post(
            f"{linq.base_url}/v3/chats",
            headers={"Authorization": f"Bearer {linq.api_key}"},
            json=body,
        )
        assert answer.status_code in {201, 400}

    def test_only_loopback(self) -> None:
        """
        The simulator does not listen where others could reach it.
        """
        with pytest.raises(ValueError, match="loopback only"):
            LinqSimulator(host="0.0.0.0")  # noqa: S104 - refused
