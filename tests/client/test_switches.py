"""
What turns tracing off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.utils import (
    suppress_http_instrumentation,
    suppress_instrumentation,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from support.scripted_linq import MESSAGE_ID, SOON, Reply, nth_trace_id
from support.sending import send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


CALL = "linq chats.messages.send"


def sampled(traceparent: str) -> bool:
    """
    Return the W3C sampled flag, beside which there may be others.
    """
    return bool(int(traceparent[-2:], 16) & 1)


class TestSuppression:
    def test_suppressed(
        self, instrumented: None, client: LinqAPIV3, finished: Finished, store: MemoryStore
    ) -> None:
        """Under `suppress_instrumentation()` nothing is drawn and nothing is kept."""
        with suppress_instrumentation():
            assert send(client).message.id == MESSAGE_ID
        assert finished() == ()
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_http_suppressed(
        self, instrumented: None, client: LinqAPIV3, finished: Finished
    ) -> None:
        """`suppress_http_instrumentation()` is for HTTP; the call is drawn all the same."""
        with suppress_http_instrumentation():
            send(client)
        assert by_name(finished(), CALL).status.status_code.name == "UNSET"


class TestExcludedUrls:
    @pytest.mark.parametrize(
        "pattern",
        [
            "/messages$",
            "nothing,/v3/chats",
            r"http://127\.0\.0\.1:\d+/api/partner/v3/chats/[^/]+/messages",
        ],
    )
    def test_keyword(
        self, start: Start, client: LinqAPIV3, finished: Finished, store: MemoryStore, pattern: str
    ) -> None:
        """A call whose URL matches is passed through untraced."""
        start(excluded_urls=pattern)
        assert send(client).message.id == MESSAGE_ID
        assert finished() == ()
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_others(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """One that does not is traced."""
        start(excluded_urls="/v3/phone_numbers, ^/v3")
        send(client)
        assert by_name(finished(), CALL).name == CALL

    @pytest.mark.parametrize(
        "variable", ["OTEL_PYTHON_LINQ_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"]
    )
    def test_environment(
        self,
        start: Start,
        client: LinqAPIV3,
        finished: Finished,
        variable: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The environment excludes as well, for Linq alone or for every library."""
        monkeypatch.setenv(variable, "/messages$")
        start()
        send(client)
        assert finished() == ()

    def test_absolute_url(
        self, start: Start, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A whole URL is matched as it stands."""
        start(excluded_urls="^http://127[^/]*/elsewhere")
        client.get(f"http://127.0.0.1:{linq.server_port}/elsewhere", cast_to=object)
        assert finished() == ()


class TestUnsampled:
    @pytest.fixture
    def provider(self, exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
        """Yield a provider that samples nothing."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield provider
        provider.shutdown()

    def test_call(
        self, start: Start, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Nothing is exported, no hook is called, and retries work."""
        called: list[object] = []
        start(request_hook=lambda *a: called.append(a), response_hook=lambda *a: called.append(a))
        linq.script(Reply(503, {}, headers=SOON))
        assert send(client).message.id == MESSAGE_ID
        assert (finished(), called) == ((), [])

    def test_origin(self, instrumented: None, client: LinqAPIV3, store: MemoryStore) -> None:
        """The origin is kept with the decision, so that receivers draw nothing either."""
        send(client)
        found = store.find(f"message:{MESSAGE_ID}")
        assert found is not None
        assert found[1].lifecycle.startswith(f"00-{nth_trace_id(1)}-")
        assert [sampled(found[1].lifecycle), sampled(found[1].traceparent)] == [False, False]

    def test_nothing_is_described(
        self, instrumented: None, client: LinqAPIV3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No attribute of a request is computed for a span nobody records."""
        from linq_otel import _client  # noqa: PLC0415  # Only here.

        described: list[object] = []
        monkeypatch.setattr(_client, "describe_request", lambda *a: described.append(a))
        send(client)
        assert described == []
