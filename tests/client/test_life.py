"""
How a sent message's life begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linq_otel._origins import Origin, hash_key
from support.lives import (
    CALL,
    FIRST,
    OF_MESSAGE,
    REQUEST,
    get_origin,
    hashed,
    ids,
    life,
    parent_of,
    seen,
)
from support.readings import pick
from support.scripted_linq import CHAT_ID, MESSAGE_ID, SENT, SOON, Reply, nth_trace_id
from support.sending import send, text_message
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


class TestLife:
    def test_whole_trace(self, instrumented: None, client: LinqAPIV3, finished: Finished) -> None:
        """A send is two traces: the app's with the call, and Linq's with the life; linked."""
        send(client)
        facts = {
            "linq.operation": "chats.messages.send",
            "linq.trace_id": FIRST,
            "linq.message.id": MESSAGE_ID,
            "linq.chat.id": CHAT_ID,
        }
        app = f"{by_name(finished(), CALL).context.trace_id:032x}"
        assert trees(finished(), keys=(*facts, "linq.stage")) == {
            app: (
                Tree(
                    CALL,
                    "PRODUCER",
                    facts,
                    (("lifecycle", "linq message"),),
                    children=(Tree(REQUEST, "CLIENT", {"linq.trace_id": FIRST}),),
                ),
            ),
            FIRST: (
                Tree(
                    "linq message",
                    "INTERNAL",
                    facts,
                    (("send", CALL),),
                    children=(
                        Tree("message accepted", "INTERNAL", {**facts, "linq.stage": "accepted"}),
                    ),
                ),
            ),
        }

    @pytest.mark.parametrize("raw", [False, True], ids=["parsed", "raw"])
    def test_trace_id_of_the_body(
        self,
        *,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        raw: bool,
    ) -> None:
        """Where a gateway drops `X-Trace-ID`, the body names Linq's trace."""
        linq.script(Reply(linq_trace_id=None, body={**SENT, "trace_id": FIRST}))
        messages = client.chats.messages
        (messages.with_raw_response if raw else messages).send(CHAT_ID, message=text_message())
        assert seen(finished()) == life(FIRST, hashed(8, "anchor", FIRST))
        for name in (CALL, REQUEST):
            assert pick(by_name(finished(), name), "linq.trace_id") == (FIRST,)

    def test_times(self, instrumented: None, client: LinqAPIV3, finished: Finished) -> None:
        """The anchor lasts a nanosecond, at the call's start; accepted lasts until the answer."""
        send(client)
        call, anchor, stage = (
            by_name(finished(), name) for name in (CALL, "linq message", "message accepted")
        )
        assert (anchor.start_time, anchor.end_time) == (call.start_time, call.start_time + 1)
        assert (stage.start_time, stage.end_time) == (call.start_time, call.end_time)

    @pytest.mark.parametrize(
        ("join", "trace_id", "anchor_id"),
        [
            ("linq", FIRST, hashed(8, "anchor", FIRST)),
            ("link", FIRST, hashed(8, "anchor", FIRST)),
            ("message", OF_MESSAGE, hashed(8, "anchor", MESSAGE_ID)),
        ],
    )
    def test_ids(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        finished: Finished,
        store: MemoryStore,
        join: str,
        trace_id: str,
        anchor_id: str,
    ) -> None:
        """Each way to join names the trace and the spans of the life; the anchor is its root."""
        start(join=join)
        send(client)
        assert seen(finished()) == life(trace_id, anchor_id)
        assert parent_of(by_name(finished(), "linq message")) is None
        for key in (f"message:{MESSAGE_ID}", f"trace:{FIRST}"):
            assert get_origin(store, key).lifecycle == f"00-{trace_id}-{anchor_id}-01"

    @pytest.mark.parametrize(
        ("key", "seed"), [(None, MESSAGE_ID), ("order 7", hash_key("order 7"))]
    )
    def test_app(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        finished: Finished,
        provider: TracerProvider,
        key: str | None,
        seed: str,
    ) -> None:
        """With `app` the life hangs under the call, its ids hashed from key or message."""
        start(join="app")
        with provider.get_tracer("app").start_as_current_span("click") as click:
            send(client, **({"idempotency_key": key} if key else {}))
        trace_id = f"{click.get_span_context().trace_id:032x}"
        assert seen(finished()) == life(trace_id, hashed(8, "anchor", seed))
        assert trees(finished(), keys=()) == {
            trace_id: (
                Tree(
                    "click",
                    children=(
                        Tree(
                            CALL,
                            "PRODUCER",
                            links=(("lifecycle", "linq message"),),
                            children=(
                                Tree(
                                    "linq message",
                                    links=(("send", CALL),),
                                    children=(Tree("message accepted"),),
                                ),
                                Tree(REQUEST, "CLIENT"),
                            ),
                        ),
                    ),
                ),
            )
        }

    @pytest.mark.parametrize("join", ["linq", "app", "message", "link"])
    def test_no_stages(
        self, start: Start, client: LinqAPIV3, finished: Finished, store: MemoryStore, join: str
    ) -> None:
        """Without stages nothing is drawn of the life, no link leads to it, and it is kept."""
        start(join=join, stages=False)
        send(client)
        (roots,) = trees(finished(), keys=()).values()
        assert roots == (Tree(CALL, "PRODUCER", children=(Tree(REQUEST, "CLIENT"),)),)
        # Of the app's own trace it may be known that its id is random, too.
        assert get_origin(store, f"message:{MESSAGE_ID}").lifecycle.endswith(("-01", "-03"))

    def test_origin(
        self,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """The origin holds all a webhook needs, under the trace id of every attempt."""
        linq.script(Reply(503, {}, headers=SOON))
        send(client)
        call = by_name(finished(), CALL)
        origin = get_origin(store, f"trace:{nth_trace_id(1)}")
        trace_id, span_id = ids(call)
        flags = f"{call.context.trace_flags & 3:02x}"
        anchor_id = hashed(8, "anchor", nth_trace_id(2))
        assert origin == Origin(
            traceparent=f"00-{trace_id}-{span_id}-{flags}",
            lifecycle=f"00-{nth_trace_id(2)}-{anchor_id}-01",
            linq_trace_ids=(nth_trace_id(1), nth_trace_id(2)),
            message_id=MESSAGE_ID,
            chat_id=CHAT_ID,
            requested_at=call.start_time or 0,
            accepted_at=call.end_time,
        )

    def test_quiet_call(
        self,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """A call no webhook follows leaves nothing in the store."""
        client.chats.mark_as_read(CHAT_ID)
        assert store.find(f"trace:{FIRST}") is None

    def test_call_with_events(
        self,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """A call that sends no message, but causes events, is kept without a life."""
        linq.script(Reply(202, {}))
        client.messages.add_reaction(MESSAGE_ID, operation="add", type="love")
        origin = get_origin(store, f"trace:{FIRST}")
        call = by_name(finished(), "linq messages.add_reaction")
        assert (origin.lifecycle, origin.accepted_at) == ("", call.end_time)
        assert {s.name for s in finished()} == {
            "linq messages.add_reaction",
            "POST /v3/messages/{message_id}/reactions",
        }

    def test_edit(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, store: MemoryStore
    ) -> None:
        """An edit is not where its message came from."""
        linq.script(Reply(200, {"id": MESSAGE_ID, "chat_id": CHAT_ID}))
        client.patch(f"/v3/messages/{MESSAGE_ID}", cast_to=object, body={"text": "x"})
        assert get_origin(store, f"trace:{FIRST}").lifecycle == ""
        assert store.find(f"message:{MESSAGE_ID}") is None


class TestMalformedTraceId:
    @pytest.mark.parametrize(
        "odd", ["trace_abc123def456", "abc123def456", "3bff6ef6d7g799844d118634d5e72de0"]
    )
    def test_kept(
        self,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        odd: str,
    ) -> None:
        """An id that is no trace id is kept as it stands; the message's hash names the trace."""
        linq.script(Reply(linq_trace_id=odd))
        send(client)
        assert seen(finished()) == life(OF_MESSAGE, hashed(8, "anchor", MESSAGE_ID), odd)
        assert pick(by_name(finished(), CALL), "linq.trace_id") == (odd,)

    def test_zero(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Zero is no trace id either."""
        linq.script(Reply(linq_trace_id="0" * 32))
        send(client)
        assert seen(finished())[0][0] == OF_MESSAGE

    def test_capitals(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Capital letters make no other trace; the attribute is as Linq wrote it."""
        linq.script(Reply(linq_trace_id="AB" * 16))
        send(client)
        assert seen(finished()) == life("ab" * 16, hashed(8, "anchor", "ab" * 16), "AB" * 16)

    def test_no_ids(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """An answer with no id at all begins no life, and is no error."""
        linq.script(Reply(202, {}, linq_trace_id=None))
        send(client)
        assert [s.name for s in finished()] == [REQUEST, CALL]

    def test_accepted_without_an_id(
        self,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        store: MemoryStore,
    ) -> None:
        """The id of a refused attempt never names the trace of the accepted one."""
        linq.script(Reply(503, {}, headers=SOON), Reply(linq_trace_id=None))
        send(client)
        assert seen(finished()) == life(OF_MESSAGE, hashed(8, "anchor", MESSAGE_ID), None)
        assert get_origin(store, f"trace:{FIRST}").message_id == MESSAGE_ID
