"""
Every call of the installed SDK, made for real, its answer checked against the SDK's own types.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import typing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import AsyncLinqAPIV3
from linq.types.webhook_event_type import WebhookEventType

from linq_otel._operations_table import OPERATIONS
from linq_otel.testing import EVENT_TYPES


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq import LinqAPIV3

    from linq_otel.testing import LinqSimulator


TEXT = {"parts": [{"type": "text", "value": "hello"}]}
DUMMIES: dict[str, Any] = {
    "address": "+15550100",
    "amount": 100,
    "amount_cents": 100,
    "app": {"bundle_id": "com.example", "name": "App", "team_id": "TEAM"},
    "audit_id": "a1",
    "code": "123456",
    "connect_id": "c1",
    "content_type": "image/png",
    "currency": "usd",
    "display_name": "A group",
    "experience": "checkout",
    "filename": "a.png",
    "first_name": "Ada",
    "forwarding_number": "+15550101",
    "from_": "+15550100000",
    "handle": "+15550100",
    "layout": {"caption": "Chess"},
    "message": TEXT,
    "operation": "add",
    "option_id": "o1",
    "options": [{"text": "maybe"}],
    "parts": TEXT["parts"],
    "phone_number": "+15550100000",
    "placement": {"x": 0.5, "y": 0.5},
    "poll": {"options": [{"text": "yes"}, {"text": "no"}]},
    "provider": "stripe",
    "reaction_id": "x1",
    "return_url": "https://example.com",
    "size_bytes": 1,
    "subscribed_events": ["message.sent"],
    "target_url": "http://127.0.0.1:1/hooks",
    "text": "edited",
    "to": ["+15550100"],
    "type": "color",
    "url": "https://example.com",
    "voice_memo_url": "https://example.com/a.m4a",
}
# Required by the API though the SDK's signature has them optional.
ALSO = {"chats.send_voicememo": ("voice_memo_url",), "chats.update": ("display_name",)}
LAST = (
    "attachments.delete",
    "messages.delete",
    "chats.leave_chat",
    "webhook_subscriptions.delete",
)
DIRECT = ("chats.location.request",)


def find_methods(resource: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """
    All calls of a client by their dotted names.
    """
    for name in dir(type(resource)):
        if name.startswith(("_", "with_")):
            continue
        value = getattr(resource, name)
        if type(value).__module__.startswith("linq.resources"):
            yield from find_methods(value, (*path, name))
        elif inspect.ismethod(value) and path and path[0] != "webhooks":
            yield ".".join((*path, name)), value


def dummy_arguments(name: str, method: Any, known: dict[str, str]) -> dict[str, Any]:
    """
    The least a call can be made with.
    """
    parameters = inspect.signature(method).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.name != "self"]
    if name in DIRECT:
        known = {**known, "chat_id": known["direct_chat_id"]}
    arguments = {n: {**DUMMIES, **known}[n] for n in (*needed, *ALSO.get(name, ()))}
    if name == "messages.add_reaction":
        arguments["type"] = "love"
    return arguments


@pytest.fixture
def known(linq: LinqSimulator, client: LinqAPIV3) -> dict[str, str]:
    """
    Ids of a group chat, a poll in it, a direct chat, a subscription, and what an account has.
    """
    chat = client.chats.create(from_="+15550100000", to=["+15550100", "+15550101"], message=TEXT)
    path = f"/v3/chats/{chat.chat.id}/polls"  # By hand: older SDKs have no method for it.
    poll = client.post(path, cast_to=httpx.Response, body={"poll": DUMMIES["poll"]}).json()
    hook = client.webhook_subscriptions.create(
        target_url="http://127.0.0.1:1/other", subscribed_events=["message.sent"]
    )
    direct = client.chats.create(from_="+15550100000", to=["+15550100"], message=TEXT)
    file = client.attachments.create(content_type="image/png", filename="a.png", size_bytes=1)
    asked = {"amount": 100, "currency": "usd"}
    paid = client.post("/v3/payments", cast_to=httpx.Response, body=asked).json()
    wanted = client.post("/v3/payment_requests", cast_to=httpx.Response, body=asked).json()
    lines = client.get("/v3/phone_numbers", cast_to=httpx.Response).json()["phone_numbers"]
    return {
        "chat_id": chat.chat.id,
        "direct_chat_id": direct.chat.id,
        "message_id": poll["message_id"],
        "subscription_id": hook.id,
        "attachment_id": file.attachment_id,
        "payment_id": paid["id"],
        "payment_request_id": wanted["id"],
        "phone_number_id": lines[0]["id"],
    }


class TestOperations:
    def test_every_call_of_the_sdk_is_answered_as_its_types_say(
        self,
        linq: LinqSimulator,
        connect: Callable[..., LinqAPIV3],
        known: dict[str, str],
    ) -> None:
        """
        Each method, called with dummies, returns its annotated type under strict validation.
        """
        strict = connect(linq, _strict_response_validation=True, max_retries=0)
        methods = dict(find_methods(strict))
        if not set(EVENT_TYPES) <= set(typing.get_args(WebhookEventType)):
            del methods["webhook_events.list"]  # An older SDK, strictly, takes no newer events.
        for name in sorted(methods, key=lambda n: LAST.index(n) if n in LAST else -1):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *_, **__: None)
                answer = methods[name](**dummy_arguments(name, methods[name], known))
            expected = typing.get_type_hints(methods[name])["return"]
            origin = typing.get_origin(expected) or expected
            if "Pagination" in str(expected):
                list(answer)
            elif expected is type(None):
                assert answer is None, name
            else:
                assert isinstance(answer, origin), name
        assert {r.status for r in linq.requests} <= {200, 201, 202, 204}
        assert set(methods) <= {operation.name for operation in OPERATIONS}

    def test_every_answer_carries_its_own_trace_id(
        self, linq: LinqSimulator, client: LinqAPIV3, known: dict[str, str]
    ) -> None:
        """
        Also a 204 and an error do, and no two are the same, whatever traceparent came in.
        """
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answers = [
            httpx.request(
                method,
                linq.base_url + path,
                headers={"Authorization": f"Bearer {linq.api_key}", "traceparent": traceparent},
            )
            for method, path in (
                ("POST", f"/v3/chats/{known['chat_id']}/typing"),
                ("GET", "/v3/chats"),
                ("GET", "/v3/nowhere"),
                ("GET", "/v3/chats/unknown"),
            )
            for _ in range(2)
        ]
        ids = [answer.headers["x-trace-id"] for answer in answers]
        assert [a.status_code for a in answers] == [204, 204, 200, 200, 404, 404, 404, 404]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)
        assert "0af7651916cd43dd8448eb211c80319c" not in ids
        assert ids == [r.linq_trace_id for r in linq.requests[-8:]]

    def test_both_base_urls_are_served(self, linq: LinqSimulator) -> None:
        """
        ``/api/partner/v3/chats`` and ``/v3/chats`` are the same.
        """
        bare = linq.base_url.removesuffix("/api/partner")
        headers = {"Authorization": f"Bearer {linq.api_key}"}
        bodies = [httpx.get(f"{u}/v3/chats", headers=headers).json() for u in (linq.base_url, bare)]
        assert bodies == [{"chats": [], "next_cursor": None}] * 2

    def test_event_types_are_those_of_the_sdk(self, client: LinqAPIV3) -> None:
        """
        The list has every type the installed SDK knows.
        """
        assert set(typing.get_args(WebhookEventType)) <= set(EVENT_TYPES)
        assert client.webhook_events.list().events == list(EVENT_TYPES)

    def test_async_client(self, linq: LinqSimulator) -> None:
        """
        The asynchronous client sends and pages through what it sent.
        """

        async def converse() -> list[str]:
            async with AsyncLinqAPIV3(api_key=linq.api_key, base_url=linq.base_url) as client:
                chat = await client.chats.create(from_="+15550100000", to=["a@b.cd"], message=TEXT)
                sends = [client.chats.messages.send(chat.chat.id, message=TEXT) for _ in range(4)]
                await asyncio.gather(*sends)
                pages = client.chats.messages.list(chat.chat.id, limit=2)
                return [message.id async for message in pages]

        listed = asyncio.run(converse())
        assert listed == [accepted.message_id for accepted in reversed(linq.accepted)]

    def test_pages_of_chats(self, client: LinqAPIV3) -> None:
        """
        Chats come page by page, by the cursor the API hands out, and filtered by person.
        """
        made = [
            client.chats.create(from_="+15550100000", to=[f"+1555010{n}"], message=TEXT).chat.id
            for n in range(5)
        ]
        first = client.chats.list_chats(limit=2)
        assert (first.next_cursor, [chat.id for chat in first]) == ("2", made)
        assert [chat.id for chat in client.chats.list_chats(to="+15550103")] == [made[3]]
