"""
What is not traced, and what turns tracing off.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import LinqAPIV3
from opentelemetry import trace
from opentelemetry.instrumentation.utils import (
    suppress_http_instrumentation,
    suppress_instrumentation,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from linq_otel import uninstrument
from support.lives import CALL, FIRST, get_origin
from support.raw_clients import HEADERS, TIMEOUT
from support.scripted_linq import CHAT_ID, MESSAGE_ID, Reply
from support.scripts import run_script


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.stores.memory import MemoryStore
    from support.raw_clients import RawClient
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


class TestOthers:
    @pytest.mark.parametrize(
        "path",
        [
            "/v3/chats",
            "/api/other/v3/chats",
            "/upload/v3/object?X-Amz-Signature=abc&X-Amz-Credential=secret",
            "/bucket/object?key=/api/partner/v3/x",
            "/api/partner/v2/chats",
            "/",
        ],
    )
    def test_untouched(
        self, start: Start, client: RawClient, linq: ScriptedLinq, finished: Finished, path: str
    ) -> None:
        """A request that is not Linq's has no span, and its headers and query as they were."""
        url = f"http://127.0.0.1:{linq.server_port}{path}"
        plain = client.send(url)
        start()
        assert client.send(url) == plain
        assert finished() == ()
        before, after = linq.requests
        assert after == before

    def test_version_2(
        self,
        start: Start,
        linq: ScriptedLinq,
        finished: Finished,
        client: RawClient,
        provider: TracerProvider,
    ) -> None:
        """A call of version 2 is one CLIENT span with a name of few values, and no life begins."""
        start(hosts=f"127.0.0.1:{linq.server_port}")
        base = f"http://127.0.0.1:{linq.server_port}/api/partner/v2"
        with provider.get_tracer("shop").start_as_current_span("job") as job:
            client.send(f"{base}/chats/1234/chat_messages?token=secret")
        request = next(span for span in finished() if span.name != "job")
        attributes = dict(request.attributes or {})
        assert len(finished()) == 2
        assert (request.name, request.kind, request.parent) == (
            "POST /v2/chats/{id}/chat_messages",
            trace.SpanKind.CLIENT,
            job.get_span_context(),
        )
        assert attributes["url.template"] == "/v2/chats/{id}/chat_messages"
        assert attributes["url.full"] == f"{base}/chats/1234/chat_messages"
        assert attributes["http.response.status_code"] == 202

    def test_presigned_upload(
        self, start: Start, linq: ScriptedLinq, finished: Finished, client: RawClient
    ) -> None:
        """An upload goes to another host by a signed URL; nothing of it is recorded."""
        start(hosts="linq.test")
        client.send(f"http://127.0.0.1:{linq.server_port}/v3/files/1?X-Amz-Signature=abc")
        assert finished() == ()
        assert linq.requests[0].path == "/v3/files/1?X-Amz-Signature=abc"


class TestPrivacy:
    def test_query(
        self, instrumented: None, client: RawClient, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """No query, no token and no text of a message is on any span."""
        client.send(f"{linq.base_url}/v3/chats?to=%2B15550100&token=secret")
        told = "".join(span.to_json() for span in finished())
        assert "linq chats.create" in told
        assert [word for word in ("15550100", "secret", "Hello", "?") if word in told] == []


class TestSwitches:
    def test_suppressed(
        self,
        instrumented: None,
        client: RawClient,
        url: str,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """Under `suppress_instrumentation()` nothing is drawn and nothing is kept."""
        with suppress_instrumentation():
            assert client.send(url)[0] == 202
        assert finished() == ()
        assert store.find(f"trace:{FIRST}") is None

    def test_http_suppressed(
        self, instrumented: None, client: RawClient, url: str, finished: Finished
    ) -> None:
        """Who silences HTTP gets the call, and no requests."""
        with suppress_http_instrumentation():
            client.send(url)
        assert {s.name for s in finished()} == {CALL, "linq message", "message accepted"}

    @pytest.mark.parametrize("pattern", ["/messages$", "nothing,/v3/chats", "127.0.0.1:[0-9]+/api"])
    def test_excluded(
        self, start: Start, client: RawClient, url: str, finished: Finished, pattern: str
    ) -> None:
        """A call whose URL matches is passed through untraced, whatever its query."""
        start(excluded_urls=pattern)
        assert client.send(f"{url}?x=1")[0] == 202
        assert finished() == ()

    def test_excluded_from_the_sdk(
        self, start: Start, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """What the SDK's seams pass over is not drawn as bare HTTP instead."""
        start(excluded_urls="/messages$")
        with LinqAPIV3(api_key="secret-token", base_url=linq.base_url) as sdk:
            sdk.chats.messages.send(
                CHAT_ID,
                message={"parts": [{"type": "text", "value": "Hello"}]},
                extra_query={"x": "1"},
            )
        assert finished() == ()

    def test_api_only(
        self,
        start: Start,
        client: RawClient,
        url: str,
        store: MemoryStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """With no provider set anywhere, calls pass and nothing is kept."""
        proxy = trace.ProxyTracerProvider()
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: proxy)
        start(tracer_provider=None)
        assert client.send(url)[0] == 202
        assert store.find(f"trace:{FIRST}") is None

    def test_hooks(self, start: Start, client: RawClient, url: str, finished: Finished) -> None:
        """Hooks are given the call's span, a request and the library's response."""
        seen: list[Any] = []
        start(
            request_hook=lambda span, request: seen.append((span.name, type(request).__module__)),
            response_hook=lambda _span, _request, response: seen.append(type(response).__module__),
        )
        client.send(url)
        (name, of_request), of_response = seen
        home = {"urllib": "http"}.get(client.library, client.library)
        assert (name, of_response.partition(".")[0]) == (CALL, home)
        # The others have no object for a request.
        has_requests = client.library in {"httpx", "httpx2", "requests", "urllib"}
        assert of_request.partition(".")[0] == (client.library if has_requests else "linq_otel")


class TestUnsampled:
    @pytest.fixture
    def provider(self, exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
        """Yield a provider that samples nothing."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield provider
        provider.shutdown()

    def test_origin(
        self,
        instrumented: None,
        client: RawClient,
        url: str,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """A call that is not sampled draws nothing, and its origin says so."""
        client.send(url)
        assert finished() == ()
        origin = get_origin(store, f"message:{MESSAGE_ID}")
        for traceparent in (origin.traceparent, origin.lifecycle):
            assert int(traceparent[-2:], 16) & 1 == 0


class TestStory:
    def test_simulator(
        self, instrumented: None, client: RawClient, store: MemoryStore, finished: Finished
    ) -> None:
        """Linq as it is gives each call a trace id of its own, and the store has each message."""
        from linq_otel.testing import LinqSimulator  # noqa: PLC0415  # A program of its own.

        with LinqSimulator(seed=7, speed=0) as linq:
            with (
                suppress_instrumentation(),
                LinqAPIV3(api_key=linq.api_key, base_url=linq.base_url) as sdk,
            ):
                chat = sdk.chats.create(
                    from_="+15550100000",
                    to=["+15550101"],
                    message={"parts": [{"type": "text", "value": "Hi"}]},
                )
            url = f"{linq.base_url}/v3/chats/{chat.chat.id}/messages"
            body = json.dumps({"message": {"parts": [{"type": "text", "value": "Hello"}]}}).encode()
            headers = {**HEADERS, "Authorization": f"Bearer {linq.api_key}"}
            answers = [client.post(url, body, dict(headers), TIMEOUT) for _ in range(2)]
        ids = [json.loads(answer)["message"]["id"] for _, answer in answers]
        calls = [s for s in finished() if s.name == CALL]
        for message_id, call in zip(ids, calls, strict=True):
            origin = get_origin(store, f"message:{message_id}")
            assert origin.linq_trace_ids == (dict(call.attributes or {})["linq.trace_id"],)
            assert origin.lifecycle.split("-")[1] == origin.linq_trace_ids[0]


class TestUninstrument:
    def test_silent(self, start: Start, client: RawClient, url: str, finished: Finished) -> None:
        """Afterwards nothing is traced."""
        start()
        client.send(url)
        before = finished()
        uninstrument()
        client.send(url)
        assert finished() == before

    def test_again(self, start: Start, client: RawClient, url: str, finished: Finished) -> None:
        """A process can be instrumented again, and draws each request once."""
        start()
        uninstrument()
        start()
        client.send(url)
        assert [s.name for s in finished()].count(CALL) == 1

    def test_late_body(
        self, start: Start, linq: ScriptedLinq, url: str, store: MemoryStore
    ) -> None:
        """A body that is read after we were taken out is read as ever."""
        start()
        with httpx.Client() as client, client.stream("POST", url, json={}) as response:
            uninstrument()
            assert response.read()


class TestImports:
    def test_nothing_is_imported(self) -> None:
        """A library that the app does not use is not imported by us, before or after."""
        script = """
            import sys
            from linq_otel import _clients, _patching, _runtime
            before = set(sys.modules)
            patches = _patching.Patches("an HTTP library")
            _clients.install_clients(_runtime.get_tracing(), patches)
            names = ("aiohttp", "httpx", "requests", "urllib3", "urllib.request")
            print([name for name in names if name in sys.modules and name not in before])
            print([name for name in names if name in before])
            import requests, aiohttp
            print(hasattr(requests.Session.send, "__wrapped__"))
            patches.remove()
            print(hasattr(requests.Session.send, "__wrapped__"))
            import httpx
            print(hasattr(httpx.Client.send, "__wrapped__"))
        """
        ours, before, wrapped, removed, late = run_script(script).splitlines()
        assert (ours, wrapped, removed, late) == ("[]", "True", "False", "False")
        assert [name for name in ("aiohttp", "httpx", "requests") if name in before] == []

    def test_nor_is_the_sdk(self) -> None:
        """The SDK is patched once the app imports it, and not before."""
        script = """
            import sys
            import linq_otel
            linq_otel.instrument()
            print([n for n in ("linq", "pydantic", "httpx", "aiohttp") if n in sys.modules])
            import linq
            from linq import _base_client
            from linq.resources import webhooks
            functions = [
                _base_client.SyncAPIClient.request,
                _base_client.AsyncAPIClient.request,
                webhooks.WebhooksResource.unwrap,
            ]
            print([hasattr(function, "__wrapped__") for function in functions])
            linq_otel.uninstrument()
            print(hasattr(_base_client.SyncAPIClient.request, "__wrapped__"))
        """
        assert run_script(script).splitlines() == ["[]", "[True, True, True]", "False"]


class TestLostReply:
    def test_body_that_is_no_json(
        self,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        store: MemoryStore,
    ) -> None:
        """Text in place of an answer reaches the caller, and the life has Linq's trace id."""
        linq.script(Reply(202, "<html>"))
        assert client.send(url) == (202, b"<html>")
        assert get_origin(store, f"trace:{FIRST}").message_id is None
