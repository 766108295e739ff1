"""
Every way to make a call that is not the plain one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import linq as sdk
import pytest

from support.readings import attempts, pick
from support.scripted_linq import CHAT_ID, MESSAGE_ID, SENT, Reply, nth_trace_id
from support.sending import asend, send, text_message
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]


pytestmark = pytest.mark.usefixtures("instrumented")

CALL = "linq chats.messages.send"
IDS = ("linq.message.id", "linq.chat.id", "linq.trace_id")
CHAT = {
    "id": "c1",
    "created_at": "2026-02-03T04:05:06Z",
    "display_name": None,
    "handles": [],
    "is_archived": False,
    "is_group": False,
    "updated_at": "2026-02-03T04:05:06Z",
}
PAGES = (
    Reply(200, {"chats": [CHAT], "next_cursor": "two"}),
    Reply(200, {"chats": [CHAT], "next_cursor": "three"}),
    Reply(200, {"chats": [CHAT]}),
)


class TestRawResponse:
    def test_sync(self, client: LinqAPIV3, finished: Finished) -> None:
        """A raw response is the SDK's own object, and the ids are taken from what it has read."""
        raw = client.chats.messages.with_raw_response.send(CHAT_ID, message=text_message())
        assert type(raw).__name__ == "APIResponse"
        assert raw.headers["x-trace-id"] == nth_trace_id(1)
        assert raw.parse().message.id == MESSAGE_ID
        assert pick(by_name(finished(), CALL), *IDS) == (MESSAGE_ID, CHAT_ID, nth_trace_id(1))

    def test_async(self, aconnect: Callable[..., AsyncLinqAPIV3], finished: Finished) -> None:
        """So it is of the async client."""

        async def run() -> Any:
            async with aconnect() as client:
                raw = await client.chats.messages.with_raw_response.send(
                    CHAT_ID, message=text_message()
                )
                return await raw.parse() if asyncio.iscoroutine(raw.parse) else raw

        assert type(asyncio.run(run())).__name__ == "AsyncAPIResponse"
        assert pick(by_name(finished(), CALL), *IDS) == (MESSAGE_ID, CHAT_ID, nth_trace_id(1))

    def test_refusal(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """A raw call that is refused raises and is told like any other."""
        linq.script(Reply(404, {}))
        with pytest.raises(sdk.NotFoundError):
            client.chats.with_raw_response.retrieve("c1")
        assert attempts(finished(), "error.type") == [("ERROR", "404")]


class TestStreamingResponse:
    def test_sync(self, client: LinqAPIV3, finished: Finished) -> None:
        """A stream is left unread: its ids are not known, and the caller reads it all."""
        streaming = client.chats.messages.with_streaming_response
        with streaming.send(CHAT_ID, message=text_message()) as response:
            assert not response.http_response.is_stream_consumed
            (call,) = [s for s in finished() if s.name == CALL]
            assert b"".join(response.iter_bytes()).startswith(b'{"chat_id"')
        assert pick(call, *IDS) == (None, None, nth_trace_id(1))

    def test_life(self, client: LinqAPIV3, finished: Finished) -> None:
        """The life begins all the same, in the trace of the header."""
        streaming = client.chats.messages.with_streaming_response
        with streaming.send(CHAT_ID, message=text_message()) as response:
            assert response.parse().message.id == MESSAGE_ID
        anchor = by_name(finished(), "linq message")
        assert f"{anchor.context.trace_id:032x}" == nth_trace_id(1)

    def test_async(self, aconnect: Callable[..., AsyncLinqAPIV3], finished: Finished) -> None:
        """An async stream is left to the caller too."""

        async def run() -> bytes:
            async with aconnect() as client:
                streaming = client.chats.messages.with_streaming_response
                async with streaming.send(CHAT_ID, message=text_message()) as response:
                    assert not response.http_response.is_stream_consumed
                    return b"".join([part async for part in response.iter_bytes()])

        assert asyncio.run(run()).startswith(b'{"chat_id"')
        assert pick(by_name(finished(), CALL), *IDS) == (None, None, nth_trace_id(1))

    def test_refusal(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A streamed call that is refused for good has been read by the SDK; the code is known."""
        linq.script(Reply(404, {"error": {"code": 2001}}))
        streaming = connect().chats.with_streaming_response
        with pytest.raises(sdk.NotFoundError), streaming.retrieve("c1"):
            pass
        assert attempts(finished(), "linq.error.code") == [("ERROR", 2001)]


class TestPages:
    def test_sync(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """Each page of a list is a call of its own, made when it is asked for."""
        linq.script(*PAGES)
        page = client.chats.list_chats()
        assert [s.name for s in finished()] == ["GET /v3/chats", "linq chats.list_chats"]
        assert [chat.id for chat in page] == ["c1", "c1", "c1"]
        ids = [pick(s, "linq.trace_id")[0] for s in finished() if s.name == "linq chats.list_chats"]
        assert ids == [nth_trace_id(1), nth_trace_id(2), nth_trace_id(3)]

    def test_async(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """So it is for the async client, which asks for nothing before it is awaited."""
        linq.script(*PAGES)

        async def run() -> list[str]:
            async with aconnect() as client:
                pages = client.chats.list_chats()
                assert finished() == ()
                return [chat.id async for chat in pages]

        assert asyncio.run(run()) == ["c1", "c1", "c1"]
        ids = [pick(s, "linq.trace_id")[0] for s in finished() if s.name == "linq chats.list_chats"]
        assert ids == [nth_trace_id(1), nth_trace_id(2), nth_trace_id(3)]

    def test_cursor(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """The cursor goes to Linq and into no span."""
        linq.script(*PAGES)
        list(client.chats.list_chats(from_="+15550100"))
        assert "cursor=three" in linq.requests[2].path
        urls = {pick(s, "url.full")[0] for s in finished() if s.kind.name == "CLIENT"}
        assert urls == {f"{linq.base_url}/v3/chats"}


class TestAioHttp:
    def test_call(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Over aiohttp a call is traced as it is over httpx, retries and all."""
        linq.script(Reply(503, {}, headers={"retry-after-ms": "1"}))

        async def run() -> None:
            async with aconnect(http_client=sdk.DefaultAioHttpClient()) as client:
                await asend(client)

        asyncio.run(run())
        assert attempts(finished(), "http.response.status_code", "linq.trace_id") == [
            ("ERROR", 503, nth_trace_id(1)),
            ("UNSET", 202, nth_trace_id(2)),
        ]
        assert pick(by_name(finished(), CALL), *IDS) == (MESSAGE_ID, CHAT_ID, nth_trace_id(2))

    def test_timeout(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """So is a time-out."""
        linq.script(Reply(hang=True))

        async def run() -> None:
            transport = sdk.DefaultAioHttpClient()
            async with aconnect(http_client=transport, timeout=0.1, max_retries=0) as client:
                await asend(client)

        with pytest.raises(sdk.APITimeoutError):
            asyncio.run(run())
        assert attempts(finished(), "error.type") == [("ERROR", "httpx.ReadTimeout")]


class TestCustomRequest:
    def test_httpx_response(self, client: LinqAPIV3, finished: Finished) -> None:
        """`client.post` for an `httpx.Response` is named by its path, and its ids are read."""
        answer = client.post(
            f"/v3/chats/{CHAT_ID}/messages", cast_to=httpx.Response, body={"message": {}}
        )
        assert type(answer) is httpx.Response
        assert answer.json() == SENT
        assert pick(by_name(finished(), CALL), *IDS) == (MESSAGE_ID, CHAT_ID, nth_trace_id(1))

    def test_object(self, client: LinqAPIV3, finished: Finished) -> None:
        """So it is for plain JSON."""
        answer = client.post(f"/v3/chats/{CHAT_ID}/messages", cast_to=object, body={})
        assert answer == SENT
        assert pick(by_name(finished(), CALL), *IDS) == (MESSAGE_ID, CHAT_ID, nth_trace_id(1))

    def test_unknown(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """A request in no table is named by its shape alone, and begins no life."""
        linq.script(Reply(200, {"message": {"id": MESSAGE_ID}}))
        client.post("/v3/novelties/n1/try?to=%2B15550100", cast_to=object, body={"a": 1})
        (roots,) = trees(finished(), keys=("linq.operation", "url.full", "url.template")).values()
        assert roots == (
            Tree(
                "linq POST /v3/{id}/{id}/{id}",
                "INTERNAL",
                {"linq.operation": "POST /v3/{id}/{id}/{id}"},
                children=(
                    Tree(
                        "POST /v3/{id}/{id}/{id}",
                        "CLIENT",
                        {
                            "url.full": f"{linq.base_url}/v3/novelties/n1/try",
                            "url.template": "/v3/{id}/{id}/{id}",
                        },
                    ),
                ),
            ),
        )

    def test_odd_method(self, client: LinqAPIV3, finished: Finished) -> None:
        """A method HTTP does not know is `_OTHER`."""
        options = sdk._models.FinalRequestOptions.construct(method="brew", url="/v3/chats")
        client.request(object, options)
        assert [s.name for s in finished()] == ["_OTHER /v3/chats", "linq _OTHER /v3/chats"]

    def test_options_by_name(self, client: LinqAPIV3, finished: Finished) -> None:
        """`request` may be called with all of its arguments named."""
        options = sdk._models.FinalRequestOptions.construct(method="post", url="/v3/chats/c1/read")
        client.request(cast_to=object, options=options)
        assert finished()[-1].name == "linq chats.mark_as_read"

    def test_absolute_url(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """A whole URL is named by its path, without its query."""
        url = f"http://127.0.0.1:{linq.server_port}/v3/chats?signature=s3cret"
        client.get(url, cast_to=object)
        assert attempts(finished(), "url.full") == [
            ("UNSET", f"http://127.0.0.1:{linq.server_port}/v3/chats")
        ]

    def test_credentials(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Credentials in the base URL are in no span."""
        send(connect(base_url=linq.base_url.replace("//", "//user:s3cret@")))
        assert attempts(finished(), "url.full") == [
            ("UNSET", f"{linq.base_url}/v3/chats/{CHAT_ID}/messages")
        ]


class TestOtherSends:
    @pytest.mark.parametrize(
        ("operation", "path", "answer"),
        [
            ("chats.create", "/v3/chats", {"chat": {"id": CHAT_ID, "message": {"id": MESSAGE_ID}}}),
            ("chats.create", "/v3/chats", {"id": CHAT_ID, "last_message": {"id": MESSAGE_ID}}),
            ("messages.create", "/v3/messages", SENT),
            (
                "chats.send_voicememo",
                "/v3/chats/c1/voicememo",
                {"voice_memo": {"id": MESSAGE_ID, "chat": {"id": CHAT_ID}}},
            ),
            (
                "chats.polls.create",
                "/v3/chats/c1/polls",
                {"message_id": MESSAGE_ID, "chat_id": CHAT_ID},
            ),
            ("messages.update_app_card", "/v3/messages/m0/update", SENT),
        ],
    )
    def test_ids(
        self,
        *,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        operation: str,
        path: str,
        answer: dict[str, Any],
    ) -> None:
        """Each call that sends a message begins a life under the ids of its own answer."""
        linq.script(Reply(202, answer))
        client.post(path, cast_to=object, body={})
        expected = (operation, MESSAGE_ID, CHAT_ID, nth_trace_id(1))
        for name in (f"linq {operation}", "linq message", "message accepted"):
            assert pick(by_name(finished(), name), "linq.operation", *IDS) == expected
