"""
A call made without the SDK, from its request to its life, for every HTTP library alike.

The libraries differ in how a request is described and an answer is read; what
is drawn must not differ, so all of it stands here. Nothing here reads a body
that the caller has yet to read.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.instrumentation.utils import (
    is_instrumentation_enabled,
    suppress_http_instrumentation,
)

from linq_otel._calls import Call, current_call, may_draw_wire
from linq_otel._environment import compile_excluded
from linq_otel._idempotency import find_idempotency_key, parse_body
from linq_otel._json import as_mapping
from linq_otel._operations import operation_of
from linq_otel._shield import shield
from linq_otel._targets import LinqHosts, hosts_in

from ._exchanges import names_ids
from ._late import LateBody


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from linq_otel._targets import Target
    from linq_otel._tracing import Tracing

    from ._exchanges import Exchange
    from ._streamed import StreamedBodies


R = TypeVar("R")

# True while an outer seam of ours has silenced the other instrumentations.
_quiet: ContextVar[bool] = ContextVar("linq_otel_quiet", default=False)


class RawCalls:
    """
    Finds the requests that go to Linq, and draws them.

    Args:
        tracing: Draws the spans.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._excluded = compile_excluded(tracing.settings.excluded_urls)
        # Shared by urllib3 and requests, whose responses are urllib3's inside.
        self.urllib3_bodies: StreamedBodies | None = None
        self.hosts = LinqHosts((*tracing.settings.hosts, *hosts_in(os.environ)))

    def is_ours(self, url: object) -> bool:
        """
        Tell whether a seam below will draw a request to *url*.
        """
        if not isinstance(url, str) or self.hosts.find_target("", url) is None:
            return False
        return current_call() is None and self.is_on(url)

    def is_on(self, url: str) -> bool:
        """
        Tell whether a call to *url* is to be drawn here and now.
        """
        if not is_instrumentation_enabled() or self._tracing.source.get() is None:
            return False
        if self._excluded is None:
            return True
        # As through the SDK, where a call's URL has no query yet.
        return not any(map(self._excluded.search, (url, url.partition("?")[0])))

    def open(self, target: Target, url: str, body: object, headers: Any) -> Call | None:
        """
        Open the call that a request to *target* is, or None if it is not to be drawn.
        """
        if not self.is_on(url):
            return None
        operation = operation_of(target.method, target.path)
        key = parsed = None
        if operation.starts_life:
            parsed = body if as_mapping(body) else parse_body(body)
            key = find_idempotency_key(parsed, as_mapping(headers))
        draws_wire = _quiet.get() or may_draw_wire()
        call = Call(self._tracing, operation, key, draws_wire=draws_wire)
        call.disclose(parsed)
        return call

    @contextmanager
    def quiet(self) -> Generator[None]:
        """
        Silence other instrumentations before they see a request that one of ours will draw.
        """
        if self._tracing.settings.http_spans != "own" or not may_draw_wire():
            yield
            return
        token = _quiet.set(True)
        try:
            with suppress_http_instrumentation():
                yield
        finally:
            _quiet.reset(token)

    def run(
        self,
        exchange: Exchange[R],
        send: Callable[[], R],
        wait: Callable[[R, LateBody], None],
    ) -> R:
        """
        Send, and return the very answer that came; *wait* is told of one whose body is unread.
        """
        call, origins = exchange.call, self._tracing.origins
        settlement = call.settlement
        with call:
            origins.save(settlement.early_origin())
            exchange.begin()
            try:
                response = send()
            except Exception as error:
                exchange.note_refusal(error)
                raise
            accepted = exchange.note(response)
            if accepted:
                origins.save(settlement.settle(origins.find(settlement.replay_keys)))
            elif accepted is None:
                origins.save(settlement.settle_unread(origins.find(settlement.unread_replay_keys)))
                self._await_body(call, response, wait)
            return response

    async def arun(
        self,
        exchange: Exchange[R],
        send: Callable[[], Awaitable[R]],
        wait: Callable[[R, LateBody], None],
    ) -> R:
        """
        Do the same off the event loop.
        """
        call, origins = exchange.call, self._tracing.origins
        settlement = call.settlement
        with call:
            await origins.asave(settlement.early_origin())
            exchange.begin()
            try:
                response = await send()
            except Exception as error:
                exchange.note_refusal(error)
                raise
            accepted = exchange.note(response)
            if accepted:
                await origins.asave(settlement.settle(await origins.afind(settlement.replay_keys)))
            elif accepted is None:
                known = await origins.afind(settlement.unread_replay_keys)
                await origins.asave(settlement.settle_unread(known))
                self._await_body(call, response, wait)
            return response

    def _await_body(self, call: Call, response: R, wait: Callable[[R, LateBody], None]) -> None:
        is_named = call.attempts.linq_trace_id is not None
        if call.operation.causes_events and (names_ids(call) or not is_named):
            with shield("waiting for a body"):
                wait(response, LateBody(self._tracing, call))
