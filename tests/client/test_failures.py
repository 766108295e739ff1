from __future__ import annotations

import asyncio
import socket
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import linq as sdk
import pytest
from opentelemetry import context as otel_context

from linq_otel._attempts import Attempts
from linq_otel._calls import current_call
from support.readings import attempts, pick
from support.scripted_linq import CHAT_ID, SENT, Reply, nth_trace_id, refusal
from support.sending import asend, send, text_message
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]


pytestmark = pytest.mark.usefixtures("instrumented")

CALL = "linq chats.messages.send"


def closed_port() -> int:
    """
    Return a port nobody listens on.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class TestRefusal:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (400, 1003, sdk.BadRequestError),
            (401, 2004, sdk.AuthenticationError),
            (403, 2008, sdk.PermissionDeniedError),
            (404, 2001, sdk.NotFoundError),
            (409, 2013, sdk.ConflictError),
            (422, 4005, sdk.UnprocessableEntityError),
            (429, 1007, sdk.RateLimitError),
            (500, 3006, sdk.InternalServerError),
            (413, 5005, sdk.APIStatusError),
        ],
    )
    def test_status(
        self,
        *,
        connect: Callable[..., LinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
        status: int,
        code: int,
        kind: type[Exception],
    ) -> None:
        """Call and request say status, Linq's code and the page about it, and no text."""
        linq.script(Reply(status, refusal(code, "call +15550100")))
        with pytest.raises(kind):
            send(connect(max_retries=0))
        page = f"https://docs.linqapp.com/error/{code}"
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "ERROR"
        assert call.status.description is None
        assert call.events == ()
        assert dict(call.attributes or {}) == {
            "linq.operation": "chats.messages.send",
            "messaging.system": "linq",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "linq.attempts": 1,
            "linq.trace_id": nth_trace_id(1),
            "linq.error.code": code,
            "linq.error.doc_url": page,
            "error.type": str(status),
        }
        seen = attempts(
            finished(),
            "http.response.status_code",
            "error.type",
            "linq.error.code",
            "linq.error.doc_url",
        )
        assert seen == [("ERROR", status, str(status), code, page)]

    def test_exception(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, monkeypatch: Any
    ) -> None:
        """The caller catches the very exception the SDK made, its traceback down to the SDK."""
        made: list[Exception] = []
        original = sdk.LinqAPIV3._make_status_error

        def make(self: Any, *args: Any, **kwargs: Any) -> Any:
            made.append(original(self, *args, **kwargs))
            return made[-1]

        monkeypatch.setattr(sdk.LinqAPIV3, "_make_status_error", make)
        linq.script(Reply(400, refusal(1003)))
        with pytest.raises(sdk.BadRequestError) as caught:
            send(connect())
        assert caught.value is made[0]
        frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert frames[0] == "test_exception"
        assert frames[-1] == "request"
        assert (caught.value.__cause__, caught.value.code) == (None, 1003)

    def test_interrupted_while_it_is_marked(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, monkeypatch: Any
    ) -> None:
        """Ctrl-C in the middle of our own work passes, and leaves no call behind as the current."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Attempts, "note_error", interrupt)
        linq.script(Reply(400, refusal(1003)))
        with pytest.raises(KeyboardInterrupt):
            send(connect())
        assert (current_call(), otel_context.get_current()) == (None, {})

    @pytest.mark.parametrize(
        "body",
        [
            "<html>Bad gateway</html>",
            [],
            {"error": "no"},
            {"error": {"code": "x"}},
            None,
            {"error": {"code": True, "doc_url": "https://example.com/?to=+15550100"}},
        ],
    )
    def test_odd_body(
        self,
        connect: Callable[..., LinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
        body: object,
    ) -> None:
        """A refusal that is not Linq's own form is told by its status alone."""
        linq.script(Reply(502, body))
        with pytest.raises(sdk.InternalServerError):
            send(connect(max_retries=0))
        keys = ("error.type", "linq.error.code", "linq.error.doc_url")
        assert attempts(finished(), *keys) == [("ERROR", "502", None, None)]
        assert pick(by_name(finished(), CALL), *keys) == ("502", None, None)

    def test_async(
        self,
        aconnect: Callable[..., AsyncLinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
    ) -> None:
        """The async client's refusals are told alike."""
        linq.script(Reply(400, refusal(1003)))

        async def run() -> None:
            async with aconnect() as client:
                await asend(client)

        with pytest.raises(sdk.BadRequestError):
            asyncio.run(run())
        keys = ("error.type", "linq.error.code", "linq.trace_id")
        assert pick(by_name(finished(), CALL), *keys) == ("400", 1003, nth_trace_id(1))

    def test_no_life(
        self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished, store: MemoryStore
    ) -> None:
        """A refused message has no life and leaves nothing in the store."""
        linq.script(Reply(400, refusal(1003)))
        with pytest.raises(sdk.BadRequestError):
            send(client)
        assert {s.name for s in finished()} == {CALL, "POST /v3/chats/{chat_id}/messages"}
        assert store.find(f"trace:{nth_trace_id(1)}") is None


class TestTransport:
    def test_refused(self, connect: Callable[..., LinqAPIV3], finished: Finished) -> None:
        """Where nobody listens, the request has the transport's error and the call the SDK's."""
        port = closed_port()
        client = connect(base_url=f"http://127.0.0.1:{port}/api/partner", max_retries=1)
        client._calculate_retry_timeout = lambda *_: 0.001  # type: ignore[method-assign]
        with pytest.raises(sdk.APIConnectionError) as caught:
            send(client)
        assert isinstance(caught.value.__cause__, httpx.ConnectError)
        assert attempts(finished(), "error.type", "server.port", "http.response.status_code") == [
            ("ERROR", "httpx.ConnectError", port, None),
            ("ERROR", "httpx.ConnectError", port, None),
        ]
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "ERROR"
        assert pick(call, "error.type", "linq.attempts", "linq.trace_id") == (
            "linq.APIConnectionError",
            2,
            None,
        )

    def test_timeout(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A final time-out is `httpx.ReadTimeout` on the wire and the SDK's on the call."""
        linq.script(Reply(hang=True))
        with pytest.raises(sdk.APITimeoutError) as caught:
            send(connect(timeout=0.1, max_retries=0))
        assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
        assert attempts(finished(), "error.type") == [("ERROR", "httpx.ReadTimeout")]
        assert pick(by_name(finished(), CALL), "error.type") == ("linq.APITimeoutError",)

    def test_async_timeout(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """So it is of the async client, on the retry too."""
        linq.script(Reply(hang=True), Reply(hang=True))

        async def run() -> None:
            async with aconnect(timeout=0.1, max_retries=1) as client:
                client._calculate_retry_timeout = lambda *_: 0.001  # type: ignore[method-assign]
                await asend(client)

        with pytest.raises(sdk.APITimeoutError):
            asyncio.run(run())
        assert attempts(finished(), "error.type", "http.request.resend_count") == [
            ("ERROR", "httpx.ReadTimeout", None),
            ("ERROR", "httpx.ReadTimeout", 1),
        ]
        assert pick(by_name(finished(), CALL), "error.type") == ("linq.APITimeoutError",)


class TestCancellation:
    def run_cancelled(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq
    ) -> dict[str, object]:
        """Cancel a send while its request is under way; return what the sender saw."""
        seen: dict[str, object] = {}

        async def work() -> None:
            async with aconnect() as client:
                before = otel_context.get_current()
                try:
                    await asend(client)
                except asyncio.CancelledError as error:
                    seen["error"] = error.args
                    seen["context"] = otel_context.get_current() is before
                    seen["call"] = current_call()
                    raise

        async def run() -> None:
            task = asyncio.ensure_future(work())
            assert await asyncio.to_thread(linq.arrived.wait, 5)
            task.cancel("enough")
            await task

        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())
        return seen

    def test_caller(self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq) -> None:
        """A cancellation reaches the caller, who finds its context restored."""
        linq.script(Reply(hang=True))
        seen = self.run_cancelled(aconnect, linq)
        assert seen == {"error": ("enough",), "context": True, "call": None}

    def test_spans(
        self, aconnect: Callable[..., AsyncLinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """It is no error: the spans have ended, with no status and no error type."""
        linq.script(Reply(hang=True))
        self.run_cancelled(aconnect, linq)
        assert attempts(finished(), "error.type") == [("UNSET", None)]
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "UNSET"
        assert pick(call, "error.type", "linq.attempts") == (None, 1)

    def test_interrupt(self, client: LinqAPIV3, finished: Finished) -> None:
        """Nor is a Ctrl-C: it passes, and the spans end."""

        def interrupt(_request: httpx.Request) -> None:
            raise KeyboardInterrupt

        client._client.event_hooks["request"].append(interrupt)
        with pytest.raises(KeyboardInterrupt):
            send(client)
        assert [s.status.status_code.name for s in finished()] == ["UNSET", "UNSET"]


class TestOurSideOfTheWire:
    def test_invalid_answer(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """An answer that does not validate is an error of the call, not of the request."""
        linq.script(Reply(202, {"chat_id": 7, "message": "no"}))
        with pytest.raises(sdk.APIResponseValidationError):
            send(connect(_strict_response_validation=True))
        assert attempts(finished(), "http.response.status_code", "error.type") == [
            ("UNSET", 202, None)
        ]
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "ERROR"
        assert pick(call, "error.type", "linq.trace_id") == (
            "linq.APIResponseValidationError",
            nth_trace_id(1),
        )

    def test_valid_answer(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A strict client's valid answers are read like any other."""
        linq.script(Reply(202, SENT))
        send(connect(_strict_response_validation=True))
        assert pick(by_name(finished(), CALL), "linq.chat.id") == (CHAT_ID,)

    def test_broken_json(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Text in place of an answer gives the caller what the SDK makes of it."""
        linq.script(Reply(202, "<html>"))
        assert send(connect()) == "<html>"
        assert pick(by_name(finished(), CALL), "linq.message.id", "linq.trace_id") == (
            None,
            nth_trace_id(1),
        )

    def test_before_any_request(
        self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """An error while the request is built is the call's alone: nothing went out."""
        with pytest.raises(TypeError) as caught:
            client.chats.messages.send(CHAT_ID, message=text_message(oops=object()))
        assert "object" in str(caught.value)
        assert linq.requests == []
        (call,) = finished()
        assert (call.name, call.status.status_code.name) == (CALL, "ERROR")
        assert pick(call, "error.type", "linq.attempts") == ("TypeError", 0)

    def test_before_any_call(self, client: LinqAPIV3, finished: Finished) -> None:
        """Arguments the SDK refuses by itself never become a call."""
        with pytest.raises(ValueError, match="chat_id"):
            client.chats.messages.send("", message=text_message())
        assert finished() == ()

    @pytest.mark.parametrize("error", [StopIteration("x"), RuntimeError("x"), GeneratorExit()])
    def test_any_exception(
        self,
        client: LinqAPIV3,
        finished: Finished,
        error: BaseException,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whatever is raised inside the SDK comes out as it went in."""

        def prepare(*_: object) -> None:
            raise error

        monkeypatch.setattr(sdk.LinqAPIV3, "_prepare_request", prepare)
        with pytest.raises(type(error)) as caught:
            send(client)
        assert caught.value is error
        assert (error.__cause__, error.__suppress_context__) == (None, False)
        assert [s.name for s in finished()] == ["POST /v3/chats/{chat_id}/messages", CALL]
