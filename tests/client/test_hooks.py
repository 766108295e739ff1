"""
The app's own hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from linq_otel._shield import tally
from support.readings import attempts, pick
from support.scripted_linq import MESSAGE_ID, SOON, Reply
from support.sending import send
from support.spans import by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


CALL = "linq chats.messages.send"
REQUEST = "POST /v3/chats/{chat_id}/messages"


class TestHooks:
    def test_arguments(
        self, start: Start, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Hooks are given the call's span, and the request and response of each attempt."""
        seen: list[tuple[Any, ...]] = []
        start(
            request_hook=lambda *a: seen.append(("request", *a)),
            response_hook=lambda *a: seen.append(("response", *a)),
        )
        linq.script(Reply(503, {}, headers=SOON))
        send(client)
        assert [(name, *(type(a) for a in more)) for name, _span, *more in seen] == [
            ("request", httpx.Request),
            ("response", httpx.Request, httpx.Response),
        ] * 2
        call = by_name(finished(), CALL)
        assert {s[1].get_span_context().span_id for s in seen} == {call.context.span_id}
        assert seen[1][2] is seen[0][2]
        assert [s[3].status_code for s in seen if s[0] == "response"] == [503, 202]

    def test_attributes(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """What a hook sets on the span is exported."""
        start(request_hook=lambda span, request: span.set_attribute("app.user", 7))
        send(client)
        assert pick(by_name(finished(), CALL), "app.user") == (7,)

    def test_nested(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """They are called with `nested` as well."""
        seen: list[str] = []
        start(
            http_spans="nested",
            request_hook=lambda *_: seen.append("request"),
            response_hook=lambda *_: seen.append("response"),
        )
        send(client)
        assert seen == ["request", "response"]

    def test_raising(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        shielded: Callable[[], Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A hook that raises changes nothing, and is reported once without its text."""

        def fail(*_: object) -> None:
            raise LookupError("+15550100")

        start(request_hook=fail, response_hook=fail)
        with shielded():
            for _ in range(2):
                assert send(client).message.id == MESSAGE_ID
        assert [r.path for r in linq.requests] == [linq.requests[0].path] * 2
        assert attempts(finished(), "http.response.status_code") == [("UNSET", 202)] * 2
        assert tally.counts() == {
            "the request hook: LookupError": 2,
            "the response hook: LookupError": 2,
        }
        lines = [r.getMessage() for r in caplog.records if r.name == "linq_otel"]
        assert [line.split(" at ")[0] for line in lines] == [
            "the request hook failed: LookupError",
            "the response hook failed: LookupError",
        ]

    def test_call_inside_a_hook(
        self,
        start: Start,
        client: LinqAPIV3,
        connect: Callable[..., LinqAPIV3],
        finished: Finished,
    ) -> None:
        """A call of Linq made inside a hook is a call of its own under the first."""
        other = connect()

        def ask(_span: object, request: httpx.Request) -> None:
            if request.method == "POST":
                other.chats.retrieve("c1")

        start(request_hook=ask, stages=False)
        send(client)
        (roots,) = trees(finished(), keys=("linq.attempts",)).values()
        assert [(r.name, r.attributes) for r in roots] == [(CALL, {"linq.attempts": 1})]
        assert sorted(child.name for child in roots[0].children) == [
            REQUEST,
            "linq chats.retrieve",
        ]
