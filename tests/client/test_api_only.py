"""
Processes that have the API of OpenTelemetry, and no SDK at work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from support.readings import pick
from support.scripted_linq import MESSAGE_ID, nth_trace_id
from support.sending import send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


ROOT = Path(__file__).parents[2]
CALL = "linq chats.messages.send"


class TestApiOnly:
    def test_no_provider(
        self, start: Start, client: LinqAPIV3, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With no provider set anywhere, calls pass and nothing is kept."""
        proxy = trace.ProxyTracerProvider()
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: proxy)
        start(tracer_provider=None)
        assert send(client).message.id == MESSAGE_ID
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_passing_through(
        self, start: Start, client: LinqAPIV3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A trace that only passes through such a process is current while a call runs."""
        proxy = trace.ProxyTracerProvider()
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: proxy)
        start(tracer_provider=None)
        seen: list[trace.SpanContext] = []
        client._client.event_hooks["request"].append(
            lambda _request: seen.append(trace.get_current_span().get_span_context())
        )
        remote = trace.SpanContext(0xABC, 0xDEF, is_remote=True)
        with trace.use_span(trace.NonRecordingSpan(remote)):
            send(client)
        assert seen == [remote]

    def test_late_provider(
        self,
        start: Start,
        client: LinqAPIV3,
        provider: TracerProvider,
        finished: Finished,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A provider that is set after `instrument()` is used from then on."""
        providers: list[Any] = [trace.ProxyTracerProvider()]
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: providers[-1])
        start(tracer_provider=None)
        send(client)
        providers.append(provider)
        send(client)
        assert pick(by_name(finished(), CALL), "linq.trace_id") == (nth_trace_id(2),)

    def test_no_op_provider(self, start: Start, client: LinqAPIV3, store: MemoryStore) -> None:
        """A provider that does nothing costs nothing."""
        start(tracer_provider=trace.NoOpTracerProvider())
        assert send(client).message.id == MESSAGE_ID
        assert store.find(f"message:{MESSAGE_ID}") is None

    def test_process(self, linq: ScriptedLinq) -> None:
        """A process without the SDK loads none of it, and its calls work."""
        script = f"""
            import sys
            from linq import LinqAPIV3
            from linq_otel import instrument, uninstrument
            instrument()
            with LinqAPIV3(api_key="k", base_url={linq.base_url!r}) as client:
                answer = client.chats.messages.send("c1", message={{"parts": []}})
            assert answer.message.id == {MESSAGE_ID!r}, answer
            uninstrument()
            loaded = sorted(m for m in sys.modules if m.startswith("opentelemetry.sdk"))
            assert loaded == [], loaded
        """
        done = self.run(script)
        (said,) = done.stderr.splitlines()
        assert said.startswith("no TracerProvider is set, and no span is recorded: ")
        assert done.returncode == 0

    def test_disabled_sdk(self, linq: ScriptedLinq) -> None:
        """With OTEL_SDK_DISABLED the SDK's provider draws nothing, and calls work."""
        script = f"""
            from linq import LinqAPIV3
            from opentelemetry.sdk.trace import TracerProvider
            from linq_otel import instrument
            instrument(tracer_provider=TracerProvider())
            with LinqAPIV3(api_key="k", base_url={linq.base_url!r}) as client:
                assert client.chats.messages.send("c1", message={{"parts": []}}).message.id
        """
        done = self.run(script, OTEL_SDK_DISABLED="true")
        assert (done.returncode, "Error" in done.stderr) == (0, False), done.stderr

    @staticmethod
    def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `script` in a process of its own."""
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
