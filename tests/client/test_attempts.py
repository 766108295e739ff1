from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from support.readings import attempts, pick
from support.scripted_linq import SENT, SOON, Reply, nth_trace_id, refusal
from support.sending import asend, send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]


pytestmark = pytest.mark.usefixtures("instrumented")

RETRIED_TWICE = (
    Reply(503, refusal(4004), headers=SOON),
    Reply(429, refusal(1007, retry_after=0), headers={"retry-after": "0.01"}),
)
SEEN = [
    ("ERROR", None, 503, "503", 4004, nth_trace_id(1)),
    ("ERROR", 1, 429, "429", 1007, nth_trace_id(2)),
    ("UNSET", 2, 202, None, None, nth_trace_id(3)),
]
KEYS = (
    "http.request.resend_count",
    "http.response.status_code",
    "error.type",
    "linq.error.code",
    "linq.trace_id",
)


class TestAttempts:
    def test_retried(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """Each request on the wire is a span; the call has the trace ids of all of them."""
        linq.script(*RETRIED_TWICE)
        send(client)
        call = by_name(finished(), "linq chats.messages.send")
        assert attempts(finished(), *KEYS) == SEEN
        assert call.status.status_code.name == "UNSET"
        assert pick(call, "linq.attempts", "linq.trace_id", "linq.trace_ids", "error.type") == (
            3,
            nth_trace_id(3),
            (nth_trace_id(1), nth_trace_id(2), nth_trace_id(3)),
            None,
        )

    def test_async(
        self,
        aconnect: Callable[..., AsyncLinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
    ) -> None:
        """The async client is seen to do the same."""
        linq.script(*RETRIED_TWICE)

        async def run() -> None:
            async with aconnect() as client:
                await asend(client)

        asyncio.run(run())
        assert attempts(finished(), *KEYS) == SEEN

    def test_parents(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """All of them hang under the call, none under another."""
        linq.script(*RETRIED_TWICE)
        send(client)
        call = by_name(finished(), "linq chats.messages.send")
        parents = [s.parent.span_id for s in finished() if s.kind.name == "CLIENT" and s.parent]
        assert parents == [call.context.span_id] * 3

    def test_times(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """They follow one another, inside the call, and the sleep between them is in none."""
        linq.script(Reply(503, {}, headers={"retry-after-ms": "50"}))
        send(client)
        call = by_name(finished(), "linq chats.messages.send")
        first, second = [s for s in finished() if s.kind.name == "CLIENT"]
        times = [
            call.start_time,
            first.start_time,
            first.end_time,
            second.start_time,
            second.end_time,
            call.end_time,
        ]
        assert times == sorted(times, key=int)
        assert second.end_time == call.end_time
        assert (second.start_time or 0) - (first.end_time or 0) >= 30_000_000

    def test_end_of_a_call_that_timed_out_after_a_refusal(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A call never ends before its last request, even if only the first was answered."""
        linq.script(Reply(503, {}, headers=SOON), Reply(hang=True))
        with pytest.raises(Exception, match="timed out"):
            send(connect(timeout=0.1, max_retries=1))
        call = by_name(finished(), "linq chats.messages.send")
        last = max(s.end_time or 0 for s in finished() if s.kind.name == "CLIENT")
        assert (call.end_time or 0) >= last

    def test_accepted_id(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """The trace of a refused request is not the life's, even if the accepted one has none."""
        linq.script(Reply(503, {}, headers=SOON), Reply(linq_trace_id=None))
        send(client)
        anchor = by_name(finished(), "linq message")
        assert f"{anchor.context.trace_id:032x}" != nth_trace_id(1)

    def test_retry_after(self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished) -> None:
        """Linq's Retry-After is kept in seconds, on the request it answered."""
        linq.script(Reply(429, refusal(1007, retry_after=17), headers={"retry-after": "0.01"}))
        send(client)
        assert attempts(finished(), "linq.retry_after") == [("ERROR", 0.01), ("UNSET", None)]

    def test_retry_after_of_the_body(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Without the header, the body's is kept; the call that fails for good has it too."""
        linq.script(Reply(429, refusal(1007, retry_after=17)))
        with pytest.raises(Exception, match="1007"):
            send(connect(max_retries=0))
        assert attempts(finished(), "linq.retry_after") == [("ERROR", 17.0)]
        call = by_name(finished(), "linq chats.messages.send")
        assert pick(call, "linq.retry_after", "linq.error.code") == (17.0, 1007)

    @pytest.mark.parametrize("value", ["Wed, 21 Oct 2026 07:28:00 GMT", "nan", "-1", "soon"])
    def test_odd_retry_after(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished, value: str
    ) -> None:
        """A Retry-After that is no number of seconds is left out."""
        linq.script(Reply(429, {}, headers={"retry-after": value}))
        with pytest.raises(Exception, match="429"):
            send(connect(max_retries=0))
        assert attempts(finished(), "linq.retry_after") == [("ERROR", None)]

    def test_trace_id_of_the_body(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A refusal without X-Trace-ID is known by the trace id in its body."""
        body = {**refusal(1003), "trace_id": "0f" * 16}
        linq.script(Reply(400, body, linq_trace_id=None))
        with pytest.raises(Exception, match="1003"):
            send(connect())
        assert attempts(finished(), "linq.trace_id") == [("ERROR", "0f" * 16)]

    def test_lost_connection(
        self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A request whose connection is lost has the transport's error, and is retried."""
        linq.script(Reply(drop=True))
        client._calculate_retry_timeout = lambda *_: 0.001  # type: ignore[method-assign]
        send(client)
        assert attempts(finished(), "error.type", "http.request.resend_count") == [
            ("ERROR", "httpx.RemoteProtocolError", None),
            ("UNSET", None, 1),
        ]

    def test_retried_timeout(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A request that timed out and is retried has the time-out, and the call has none."""
        linq.script(Reply(hang=True))
        client = connect(timeout=0.1)
        client._calculate_retry_timeout = lambda *_: 0.001  # type: ignore[method-assign]
        send(client)
        assert attempts(finished(), "error.type", "linq.trace_id") == [
            ("ERROR", "httpx.ReadTimeout", None),
            ("UNSET", None, nth_trace_id(2)),
        ]
        call = by_name(finished(), "linq chats.messages.send")
        assert pick(call, "error.type", "linq.attempts", "linq.trace_ids") == (None, 2, None)

    def test_streamed_refusal(
        self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A streamed refusal is closed unread by the SDK; its status and id are known."""
        linq.script(Reply(503, refusal(4004), headers=SOON))
        streamed = client.chats.with_streaming_response.retrieve
        with streamed("c1"):
            pass
        assert attempts(finished(), *KEYS)[0] == ("ERROR", None, 503, "503", None, nth_trace_id(1))

    def test_body_a_hook_began_to_read(
        self, connect: Callable[..., LinqAPIV3], linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A body of which the app has read a part is let be, and costs us nothing else."""

        def peek(response: httpx.Response) -> None:
            if response.status_code == 503:
                next(response.iter_raw(1))
                response.close()

        linq.script(Reply(503, refusal(4004), headers=SOON))
        client = connect(http_client=httpx.Client(event_hooks={"response": [peek]}))
        with client.chats.with_streaming_response.retrieve("c1"):
            pass
        assert attempts(finished(), *KEYS)[0] == ("ERROR", None, 503, "503", None, nth_trace_id(1))

    @pytest.mark.parametrize("odd", ["+15550100", "a@example.com", "15550100", "x y", "a" * 129])
    def test_odd_trace_id(
        self, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished, odd: str
    ) -> None:
        """What does not read like an id is not kept as one."""
        linq.script(Reply(202, SENT, linq_trace_id=odd))
        send(client)
        kept: list[Any] = attempts(finished(), "linq.trace_id")
        assert kept == [("UNSET", None)]
