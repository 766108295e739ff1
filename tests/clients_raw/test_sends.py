"""
A message sent without the SDK leaves the spans the SDK's would.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from linq import APIStatusError, LinqAPIV3

from linq_otel._origins import hash_key
from support.lives import CALL, FIRST, OF_MESSAGE, REQUEST, get_origin, hashed, life, seen
from support.raw_clients import messages_url
from support.readings import attempts, pick
from support.scripted_linq import CHAT_ID, MESSAGE_ID, SENT, Reply, nth_trace_id, refusal
from support.sending import send
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel.stores.memory import MemoryStore
    from support.raw_clients import RawClient
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


OF_THE_BODY = ("linq.message.id", "linq.chat.id")
OF_A_REFUSAL = ("linq.error.code", "linq.error.doc_url")


def whole_traces(spans: tuple[ReadableSpan, ...]) -> list[tuple[str, tuple[Tree, ...]]]:
    """
    Return the app's trace and those of Linq, which may be named.
    """
    app = f"{by_name(spans, CALL).context.trace_id:032x}"
    return sorted(
        ("the app's" if trace_id == app else trace_id, roots)
        for trace_id, roots in trees(spans).items()
    )


def without(tree: Tree, *keys: str) -> Tree:
    """
    Return `tree` without the attributes `keys`.
    """
    return Tree(
        tree.name,
        tree.kind,
        {k: v for k, v in tree.attributes.items() if k not in keys},
        tree.links,
        tree.status,
        tuple(without(child, *keys) for child in tree.children),
    )


def through_the_sdk(
    linq: ScriptedLinq, exporter: InMemorySpanExporter, **more: Any
) -> list[tuple[str, tuple[Tree, ...]]]:
    """
    Send by the SDK, and return what was drawn; the server counts from one again.
    """
    sdk = LinqAPIV3(api_key="secret-token", base_url=linq.base_url, max_retries=0)
    with sdk, suppress(APIStatusError):
        send(sdk, **more)
    found = whole_traces(exporter.get_finished_spans())
    exporter.clear()
    linq.requests.clear()
    return found


class TestSend:
    def test_as_through_the_sdk(
        self,
        *,
        start: Start,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        exporter: InMemorySpanExporter,
        store: MemoryStore,
    ) -> None:
        """The whole of both traces is equal, but for ids that nobody had read yet."""
        start()
        expected = through_the_sdk(linq, exporter)
        store.close()
        status, body = client.send(url)
        assert (status, json.loads(body)) == (202, SENT)
        found = whole_traces(exporter.get_finished_spans())
        if not client.early:
            expected = [(t, tuple(without(r, *OF_THE_BODY) for r in rs)) for t, rs in expected]
        assert found == expected

    def test_origin(
        self,
        instrumented: None,
        client: RawClient,
        url: str,
        store: MemoryStore,
        finished: Finished,
    ) -> None:
        """Once the body is read, the message's id leads to the same life as Linq's trace id."""
        client.send(url)
        call = by_name(finished(), CALL)
        origin = get_origin(store, f"message:{MESSAGE_ID}")
        assert origin.lifecycle == f"00-{FIRST}-{hashed(8, 'anchor', FIRST)}-01"
        assert (origin.message_id, origin.chat_id) == (MESSAGE_ID, CHAT_ID)
        assert origin.linq_trace_ids == (FIRST,)
        assert (origin.requested_at, origin.accepted_at) == (call.start_time, call.end_time)
        by_trace = get_origin(store, f"trace:{FIRST}")
        assert by_trace.lifecycle == origin.lifecycle
        assert by_trace.traceparent == origin.traceparent

    def test_trace_id_of_the_body(
        self,
        *,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        store: MemoryStore,
        finished: Finished,
    ) -> None:
        """Where a gateway drops `X-Trace-ID`, the body names Linq's trace, read early or late."""
        linq.script(Reply(linq_trace_id=None, body={**SENT, "trace_id": FIRST}))
        client.send(url)
        assert seen(finished()) == life(FIRST, hashed(8, "anchor", FIRST))
        origin = get_origin(store, f"trace:{FIRST}")
        assert (origin.linq_trace_ids, origin.message_id) == ((FIRST,), MESSAGE_ID)
        if client.early:
            by_ids = [by_name(finished(), name) for name in (CALL, REQUEST)]
            assert [pick(span, "linq.trace_id") for span in by_ids] == [(FIRST,), (FIRST,)]

    def test_trace_id_of_an_event(
        self,
        *,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        store: MemoryStore,
    ) -> None:
        """So does the body of a call that starts no message, which names nothing else."""
        linq.script(Reply(linq_trace_id=None, body={"message": "ok", "trace_id": FIRST}))
        client.send(f"{linq.base_url}/v3/messages/{MESSAGE_ID}/reactions")
        assert get_origin(store, f"trace:{FIRST}").linq_trace_ids == (FIRST,)

    @pytest.mark.parametrize("join", ["linq", "link", "message", "app"])
    def test_joins(
        self,
        *,
        start: Start,
        client: RawClient,
        url: str,
        store: MemoryStore,
        finished: Finished,
        provider: TracerProvider,
        join: str,
    ) -> None:
        """Every way to join draws the life the store then names."""
        start(join=join)
        with provider.get_tracer("app").start_as_current_span("click") as click:
            client.send(url)
        app = f"{click.get_span_context().trace_id:032x}"
        of_trace = (FIRST, hashed(8, "anchor", FIRST))
        expected = {
            "linq": of_trace,
            "link": of_trace,
            "message": (OF_MESSAGE, hashed(8, "anchor", MESSAGE_ID)),
            "app": (app, hashed(8, "anchor", MESSAGE_ID if client.early else FIRST)),
        }[join]
        assert seen(finished()) == life(*expected)
        origin = get_origin(store, f"message:{MESSAGE_ID}")
        # The app's own flags: newer SDKs say of their trace ids that they are random.
        flags = click.get_span_context().trace_flags if join == "app" else 1
        assert origin.lifecycle == f"00-{expected[0]}-{expected[1]}-{flags:02x}"
        call = by_name(finished(), CALL)
        back = join != "message" or client.early
        assert [dict(link.attributes or {})["linq.link"] for link in call.links] == (
            ["lifecycle"] if back else []
        )

    def test_malformed_trace_id(
        self,
        *,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        store: MemoryStore,
        finished: Finished,
    ) -> None:
        """Where Linq's id is none, the life waits for the message's."""
        linq.script(Reply(linq_trace_id="trace_abc123"))
        client.send(url)
        anchor_id = hashed(8, "anchor", MESSAGE_ID)
        assert seen(finished()) == life(OF_MESSAGE, anchor_id, "trace_abc123")
        origin = get_origin(store, f"message:{MESSAGE_ID}")
        assert origin.lifecycle == f"00-{OF_MESSAGE}-{anchor_id}-01"

    def test_idempotency_key(
        self, instrumented: None, client: RawClient, url: str, store: MemoryStore
    ) -> None:
        """The user's key in the body is read, and kept hashed."""
        client.send(url, idempotency_key="order 7")
        key = hash_key("order 7")
        assert get_origin(store, f"key:{key}").idempotency_key == key

    def test_replay(
        self,
        instrumented: None,
        client: RawClient,
        url: str,
        store: MemoryStore,
        finished: Finished,
    ) -> None:
        """The same key again begins no second life."""
        client.send(url, idempotency_key="order 7")
        client.send(url, idempotency_key="order 7")
        assert [s.name for s in finished()].count("linq message") == 1
        origin = get_origin(store, f"message:{MESSAGE_ID}")
        assert origin.linq_trace_ids == (FIRST,)


class TestRefusal:
    @pytest.mark.parametrize("status", [400, 429, 500])
    def test_as_through_the_sdk(
        self,
        *,
        start: Start,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        exporter: InMemorySpanExporter,
        store: MemoryStore,
        status: int,
    ) -> None:
        """A refusal marks call and attempt as the SDK's exception does, and begins no life."""
        start()
        body = refusal(1007, "call +15550100", retry_after=3)
        reply = Reply(status, body, headers={"Retry-After": "3"})
        linq.script(reply, reply)
        expected = through_the_sdk(linq, exporter)
        assert client.send(url) == (status, json.dumps(body).encode())
        found = whole_traces(exporter.get_finished_spans())
        if not client.early:
            keys = (*OF_A_REFUSAL, "linq.retry_after")
            expected = [(t, tuple(without(r, *keys) for r in rs)) for t, rs in expected]
            found = [(t, tuple(without(r, *keys) for r in rs)) for t, rs in found]
        assert found == expected
        assert store.find(f"trace:{nth_trace_id(1)}") is None

    def test_call(
        self,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
    ) -> None:
        """The call is an error of the status, though nothing was raised."""
        linq.script(Reply(429, refusal(1007), headers={"Retry-After": "3"}))
        client.send(url)
        call = by_name(finished(), CALL)
        assert call.status.status_code.name == "ERROR"
        assert pick(call, "error.type", "linq.trace_id") == ("429", FIRST)
        keys = ("error.type", "http.response.status_code", "linq.retry_after")
        assert attempts(finished(), *keys) == [("ERROR", "429", 429, 3.0)]

    def test_second_call(
        self,
        instrumented: None,
        client: RawClient,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
    ) -> None:
        """Who tries again by himself makes a second call."""
        linq.script(Reply(429, refusal(1007)))
        client.send(url)
        client.send(url)
        calls = [s for s in finished() if s.name == CALL]
        assert [pick(s, "linq.attempts", "linq.trace_id") for s in calls] == [
            (1, nth_trace_id(1)),
            (1, nth_trace_id(2)),
        ]
        assert [s.status.status_code.name for s in calls] == ["ERROR", "UNSET"]


class TestBaseUrl:
    @pytest.mark.parametrize("path", ["/api/partner/v3", "/v3", "/gateway/v3"])
    def test_known_host(
        self,
        *,
        start: Start,
        client: RawClient,
        linq: ScriptedLinq,
        finished: Finished,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
    ) -> None:
        """A base URL in the environment may have any path, its version in it or not."""
        monkeypatch.setenv("LINQ_BASE_URL", f"http://127.0.0.1:{linq.server_port}{path}")
        start()
        client.send(f"http://127.0.0.1:{linq.server_port}{path}/chats/{CHAT_ID}/messages")
        assert {s.name for s in finished()} >= {CALL, REQUEST}

    def test_option(
        self, start: Start, client: RawClient, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """So it may be with a host that is given as an option."""
        start(hosts=f"127.0.0.1:{linq.server_port}")
        client.send(messages_url(f"http://127.0.0.1:{linq.server_port}"))
        assert {s.name for s in finished()} >= {CALL, REQUEST}
