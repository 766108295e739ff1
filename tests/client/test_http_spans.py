"""
Whose spans draw the requests on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from linq_otel import uninstrument
from support.readings import pick
from support.scripted_linq import SOON, Reply, nth_trace_id
from support.sending import send
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


CALL = "linq chats.messages.send"


class TestHttpSpans:
    @pytest.fixture
    def httpx_instrumented(self, provider: TracerProvider) -> Iterator[None]:
        """Let OpenTelemetry's own instrumentation of httpx run beneath ours."""
        instrumentor = HTTPXClientInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        yield
        instrumentor.uninstrument()

    def test_own(
        self,
        httpx_instrumented: None,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
    ) -> None:
        """By default ours is the one CLIENT span of a request, and theirs is silent."""
        linq.script(Reply(503, {}, headers=SOON))
        send(client)
        scopes = [
            s.instrumentation_scope.name
            for s in finished()
            if s.kind.name == "CLIENT" and s.instrumentation_scope
        ]
        assert scopes == ["linq_otel", "linq_otel"]

    def test_nested(
        self,
        httpx_instrumented: None,
        start: Start,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
    ) -> None:
        """With `nested` theirs hang under our call, which keeps the trace ids of all attempts."""
        linq.script(Reply(503, {}, headers=SOON))
        start(http_spans="nested")
        send(client)
        call = by_name(finished(), CALL)
        children = [
            (s.instrumentation_scope.name, s.parent.span_id)
            for s in finished()
            if s.kind.name == "CLIENT" and s.instrumentation_scope and s.parent
        ]
        theirs = "opentelemetry.instrumentation.httpx"
        assert children == [(theirs, call.context.span_id)] * 2
        assert pick(call, "linq.attempts", "linq.trace_ids") == (
            2,
            (nth_trace_id(1), nth_trace_id(2)),
        )

    def test_outside(
        self,
        httpx_instrumented: None,
        instrumented: None,
        linq: ScriptedLinq,
        client: LinqAPIV3,
        finished: Finished,
    ) -> None:
        """The app's own requests over httpx keep theirs."""
        send(client)
        with httpx.Client() as plain:
            plain.get(linq.base_url)
        assert finished()[-1].instrumentation_scope is not None
        assert finished()[-1].instrumentation_scope.name == "opentelemetry.instrumentation.httpx"

    def test_nobody(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """With `nested` and nothing beneath, a call has no requests under it."""
        start(http_spans="nested", stages=False)
        send(client)
        (roots,) = trees(finished(), keys=()).values()
        assert roots == (Tree(CALL, "PRODUCER"),)


class TestEnvironment:
    def test_stages(
        self, start: Start, client: LinqAPIV3, finished: Finished, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Stages and HTTP spans can be switched off by environment."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_STAGES", "false")
        monkeypatch.setenv("OTEL_PYTHON_LINQ_HTTP_SPANS", "nested")
        start()
        send(client)
        assert [s.name for s in finished()] == [CALL]

    def test_keyword_wins(
        self, start: Start, client: LinqAPIV3, finished: Finished, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A keyword wins over the environment."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_STAGES", "false")
        start(stages=True, http_spans="nested")
        send(client)
        assert [s.name for s in finished()] == ["linq message", "message accepted", CALL]
        uninstrument()
