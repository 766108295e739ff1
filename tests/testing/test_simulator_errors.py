"""
What is refused, with which code, and what no client can break.
"""

from __future__ import annotations

import socket
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import linq as sdk
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linq_otel.testing import LinqSimulator
from linq_otel.testing._state._account import SendRates
from linq_otel.testing._state._clock import NANOSECONDS, SimulatedClock
from linq_otel.testing._state._errors import MESSAGES, ApiError


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
                    "doc_url": "https://docs.linqapp.com/error/codes/2xxx/2004/",
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


def part(value: str, **more: Any) -> dict[str, Any]:
    return {"parts": [{"type": "text", "value": value, **more}]}


def start_chat(client: sdk.LinqAPIV3, *to: str, **message: Any) -> str:
    """
    Begin a chat; answer its id.
    """
    return client.chats.create(from_=LINE, to=[*to], message=message or TEXT).chat.id


NOWHERE = "00000000-0000-4000-8000-000000000000"
ONE, TWO = "+15550100", "+15550101"
FILE = {"parts": [{"type": "media", "attachment_id": NOWHERE}]}
LINK = {"type": "link", "value": "https://example.com"}
CARD = {
    "type": "imessage_app",
    "app": {"bundle_id": "com.example", "name": "App", "team_id": "TEAM"},
    "layout": {"caption": "Chess"},
}


class TestRefusals:
    """What Linq documents that it refuses, by status and code; nothing of it is accepted."""

    @pytest.mark.parametrize(
        ("call", "status", "code"),
        [
            # What begins a chat.
            (lambda c: start_chat(c, ONE, **part("see https://example.com/x")), 400, 1005),
            (lambda c: start_chat(c, ONE, **part("see WWW.example.com")), 400, 1005),
            (lambda c: start_chat(c, ONE, parts=[LINK]), 400, 1005),
            (lambda c: c.chats.create(from_="+15550109999", to=[ONE], message=TEXT), 403, 2006),
            # What a message holds.
            (lambda c: start_chat(c, ONE, **part("x" * 10_001)), 400, 1004),
            (lambda c: start_chat(c, ONE, parts=[LINK, *TEXT["parts"]]), 400, 1004),
            (lambda c: start_chat(c, ONE, **FILE), 404, 2003),
            (lambda c: start_chat(c, ONE, **part("hi", mention=ONE)), 409, 2023),
            (lambda c: start_chat(c, ONE, parts=[CARD], preferred_service="SMS"), 409, 2018),
            (
                lambda c: start_chat(
                    c, ONE, **part("hi", inline_stickers=[{"attachment_id": NOWHERE}])
                ),
                404,
                2003,
            ),
            # What an account has.
            (lambda c: c.attachments.retrieve(NOWHERE), 404, 2003),
            (lambda c: c.attachments.delete(NOWHERE), 404, 2003),
            (lambda c: c.attachments.retrieve("a1"), 400, 1005),
            (lambda c: c.payment_requests.retrieve(NOWHERE), 404, 2021),
            (lambda c: c.payment_requests.cancel(NOWHERE), 404, 2021),
            (lambda c: c.payments.retrieve(NOWHERE), 404, 2021),
            (lambda c: c.phone_numbers.update(NOWHERE, forwarding_number=ONE), 404, 2019),
            (
                lambda c: c.attachments.create(
                    content_type="image/png", filename="a.png", size_bytes=100_000_001
                ),
                400,
                5005,
            ),
        ],
    )
    def test_alone(
        self,
        linq: LinqSimulator,
        connect: Callable[..., sdk.LinqAPIV3],
        call: Callable[[Any], Any],
        status: int,
        code: int,
    ) -> None:
        """What needs nothing before it."""
        with pytest.raises(sdk.APIStatusError) as caught:
            call(connect(linq, max_retries=0))
        assert (caught.value.status_code, caught.value.code) == (status, code)
        assert linq.accepted == ()

    @pytest.mark.parametrize(
        ("to", "call", "code"),
        [
            ([ONE, TWO], lambda c, chat: c.chats.location.request(chat), 2016),
            ([ONE], lambda c, chat: c.chats.participants.add(chat, handle=TWO), 1006),
            ([ONE], lambda c, chat: c.chats.participants.remove(chat, handle=ONE), 1006),
            ([ONE], lambda c, chat: c.chats.leave_chat(chat), 1006),
        ],
    )
    def test_kinds_of_chat(
        self,
        linq: LinqSimulator,
        connect: Callable[..., sdk.LinqAPIV3],
        to: list[str],
        call: Callable[[Any, str], Any],
        code: int,
    ) -> None:
        """Some calls are for groups alone, others for direct chats alone."""
        client = connect(linq, max_retries=0)
        chat = start_chat(client, *to)
        with pytest.raises(sdk.ConflictError) as caught:
            call(client, chat)
        assert caught.value.code == code

    def test_location_over_sms(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]
    ) -> None:
        """A location can be asked for over iMessage alone."""
        client = connect(linq, max_retries=0)
        linq.script("sms")
        with pytest.raises(sdk.ConflictError) as caught:
            client.chats.location.request(start_chat(client, ONE))
        assert caught.value.code == 2017

    def test_chat_that_was_left(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]
    ) -> None:
        """It can be read, and nothing else."""
        client = connect(linq, max_retries=0)
        chat = start_chat(client, ONE, TWO)
        client.chats.leave_chat(chat)
        assert client.chats.retrieve(chat).id == chat
        assert len(list(client.chats.messages.list(chat))) == 1
        for call in (
            lambda: client.chats.messages.send(chat, message=TEXT),
            lambda: client.chats.typing.start(chat),
        ):
            with pytest.raises(sdk.ConflictError) as caught:
                call()
            assert caught.value.code == 2013

    def test_link_later(self, client: sdk.LinqAPIV3) -> None:
        """A chat that is there takes a link, by whichever call."""
        chat = start_chat(client, ONE)
        assert start_chat(client, ONE, parts=[LINK]) == chat
        sent = client.chats.messages.send(chat, message=part("https://example.com"))
        assert sent.chat_id == chat

    def test_longest_text(self, client: sdk.LinqAPIV3) -> None:
        """10,000 characters are taken."""
        assert start_chat(client, ONE, **part("x" * 10_000))

    def test_blocked(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """A blocked handle is not written to directly, and is not heard, until it is unblocked."""
        client.blocked_handles.block(handle=ONE, reason="spam")
        assert [(b.handle, b.reason) for b in client.blocked_handles.list().blocked_handles] == [
            (ONE, "spam")
        ]
        with pytest.raises(sdk.PermissionDeniedError) as caught:
            start_chat(client, ONE)
        assert caught.value.code == 2026
        assert start_chat(client, ONE, TWO)
        heard = linq.receive("let me in", from_=ONE)
        with pytest.raises(sdk.NotFoundError):
            client.messages.retrieve(heard.message_id)
        client.blocked_handles.unblock(handle=ONE)
        assert client.blocked_handles.list().blocked_handles == []
        assert start_chat(client, ONE)

    def test_rate(self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """The 31st message of a minute to one handle is refused; others, and replays, are not."""
        keyed = {**TEXT, "idempotency_key": "k"}
        client = connect(linq, max_retries=0)
        chat = start_chat(client, ONE, **keyed)
        for _ in range(29):
            client.chats.messages.send(chat, message=TEXT)
        with pytest.raises(sdk.RateLimitError) as caught:
            client.chats.messages.send(chat, message=TEXT)
        wait = caught.value.retry_after
        assert wait is not None
        assert (caught.value.code, 1 <= wait <= 60) == (1007, True)
        assert caught.value.response.headers["retry-after"] == str(wait)
        assert start_chat(client, ONE, **keyed) == chat
        assert start_chat(client, TWO) != chat
        assert len(linq.accepted) == 31

    @pytest.mark.parametrize(("speed", "minute"), [(0, 60), (1, 60), (10, 6)])
    def test_rate_of_a_minute(self, speed: float, minute: int) -> None:
        """The minute takes as long as the speed says, and then there is room for one more."""
        clock = SimulatedClock(start=0, speed=speed)
        now = 0
        clock.now = lambda: now  # type: ignore[method-assign]
        rates = SendRates(2, clock)
        for _ in range(2):
            rates.check(LINE, [ONE, TWO])
            rates.add(LINE, [TWO, ONE])
            now += NANOSECONDS
        with pytest.raises(ApiError) as caught:
            rates.check(LINE, [ONE, TWO])
        assert (caught.value.code, caught.value.retry_after) == (1007, minute - 2)
        now = minute * NANOSECONDS
        rates.check(LINE, [ONE, TWO])

    def test_no_rate(self, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """The limit can be lifted, and phone numbers added."""
        with LinqSimulator(speed=0, lines=[TWO, LINE], rate_limit=None) as linq:
            client = connect(linq, max_retries=0)
            for _ in range(31):
                assert client.messages.create(to=[ONE], message=TEXT).from_ == TWO
            assert start_chat(client, ONE)
            numbers = [one.phone_number for one in client.phone_numbers.list().phone_numbers]
            assert numbers == [TWO, LINE]
        with pytest.raises(ValueError, match="without a phone number"):
            LinqSimulator(lines=[])

    def test_state(self, client: sdk.LinqAPIV3) -> None:
        """What was made is found again, under ids that are UUIDs."""
        file = client.attachments.create(
            content_type="application/pdf", filename="b.pdf", size_bytes=7
        )
        found = client.attachments.retrieve(file.attachment_id)
        assert (found.id, found.filename, found.content_type, found.size_bytes) == (
            file.attachment_id,
            "b.pdf",
            "application/pdf",
            7,
        )
        assert start_chat(
            client, ONE, parts=[{"type": "media", "attachment_id": file.attachment_id}]
        )
        client.attachments.delete(file.attachment_id)
        asked = client.payment_requests.create(amount=5, currency="usd")
        assert client.payment_requests.retrieve(asked.id).amount == 5
        client.payment_requests.cancel(asked.id)
        assert [(p.id, p.status) for p in client.payment_requests.list().data] == [
            (asked.id, "canceled")
        ]
        line = client.phone_numbers.list().phone_numbers[0].id
        assert [str(uuid.UUID(one)) for one in (file.attachment_id, asked.id, line)] == [
            file.attachment_id,
            asked.id,
            line,
        ]

    def test_texts(self) -> None:
        """Each code is explained where Linq explains it, in Linq's words."""
        told = ApiError(409, 2016).envelope("t")["error"]
        assert told == {
            "status": 409,
            "code": 2016,
            "message": "Operation not supported in group chats",
            "doc_url": "https://docs.linqapp.com/error/codes/2xxx/2016/",
        }
        ranges = {1: range(1, 9), 2: range(1, 23), 3: range(1, 8), 4: range(1, 6), 5: range(1, 8)}
        documented = {code * 1000 + n for code, numbers in ranges.items() for n in numbers}
        assert documented - set(MESSAGES) == {2020}  # Which Linq's page skips.


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
