"""
Sends that repeat, and webhooks that overtake an answer: both go by the idempotency key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._origins import Origin, hash_key
from support.lives import (
    CALL,
    get_origin,
    ids,
    seen,
)
from support.readings import pick
from support.scripted_linq import MESSAGE_ID, SENT, Reply, nth_trace_id, refusal
from support.sending import send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan

    from linq_otel.stores.memory import MemoryStore
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


OTHER_MESSAGE = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"


class TestReplay:
    KEY = "order 7"

    def test_replayed(
        self, instrumented: None, client: LinqAPIV3, finished: Finished, store: MemoryStore
    ) -> None:
        """The same key again is the same message: flagged, linked to its life, no second one."""
        send(client, idempotency_key=self.KEY)
        before = get_origin(store, f"message:{MESSAGE_ID}")
        send(client, idempotency_key=self.KEY)
        first, second = [s for s in finished() if s.name == CALL]
        assert pick(first, "linq.idempotent_replay") == (None,)
        assert pick(second, "linq.idempotent_replay", "linq.message.id") == (True, MESSAGE_ID)
        assert [s.name for s in finished()].count("linq message") == 1
        (link,) = second.links
        assert f"{link.context.trace_id:032x}" == nth_trace_id(1)
        assert dict(link.attributes or {}) == {"linq.link": "lifecycle"}
        assert get_origin(store, f"message:{MESSAGE_ID}") == before

    def test_without_stages(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """Where no life is drawn, no link leads to one."""
        start(stages=False)
        send(client, idempotency_key=self.KEY)
        send(client, idempotency_key=self.KEY)
        assert [s.links for s in finished() if s.name == CALL] == [(), ()]

    def test_refused_before(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A key whose first send was refused begins its life with the second."""
        linq.script(Reply(400, refusal(1003)))
        with pytest.raises(Exception, match="1003"):
            send(client, idempotency_key=self.KEY)
        send(client, idempotency_key=self.KEY)
        assert seen(finished())[0][0] == nth_trace_id(2)

    def test_other_message(
        self, instrumented: None, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """A key that Linq has forgotten sends another message, with a life of its own."""
        send(client, idempotency_key=self.KEY)
        linq.script(Reply(202, {**SENT, "message": {**SENT["message"], "id": OTHER_MESSAGE}}))
        send(client, idempotency_key=self.KEY)
        assert [s.name for s in finished()].count("linq message") == 2

    @pytest.mark.parametrize(
        "place",
        [
            {"body": {"message": {"idempotency_key": KEY}}},
            {"body": {"poll": {"idempotency_key": KEY}}},
            {"body": {}, "options": {"headers": {"Idempotency-Key": KEY}}},
            {"body": {}, "options": {"headers": {"idempotency-key": KEY}}},
        ],
    )
    def test_places(
        self, instrumented: None, client: LinqAPIV3, store: MemoryStore, place: dict[str, Any]
    ) -> None:
        """The key is found in the message, in the poll and in the header; hashed, it is a key."""
        client.post("/v3/messages", cast_to=object, **place)
        assert get_origin(store, f"key:{hash_key(self.KEY)}").message_id == MESSAGE_ID
        assert store.find(f"key:{self.KEY}") is None


class TestEarlyOrigin:
    def run(
        self, client: LinqAPIV3, store: MemoryStore, **message: Any
    ) -> tuple[str, Origin] | None:
        """Return what the store holds under the key while the request is on the wire."""
        known: list[tuple[str, Origin] | None] = []
        client._client.event_hooks["request"].append(
            lambda _request: known.append(store.find(f"key:{hash_key('order 7')}"))
        )
        send(client, **message)
        return known[0]

    def test_kept_before_the_request(
        self, instrumented: None, client: LinqAPIV3, store: MemoryStore, finished: Finished
    ) -> None:
        """A webhook that overtakes the answer finds the sender by its key."""
        found = self.run(client, store, idempotency_key="order 7")
        assert found is not None
        call = by_name(finished(), CALL)
        assert (found[1].is_accepted, found[1].lifecycle) == (False, "")
        assert found[1].sender is not None
        assert found[1].sender.span_id == call.context.span_id

    def test_app(
        self, start: Start, client: LinqAPIV3, store: MemoryStore, finished: Finished
    ) -> None:
        """With `app` it knows the very anchor that is drawn later."""
        start(join="app")
        found = self.run(client, store, idempotency_key="order 7")
        assert found is not None
        anchor = by_name(finished(), "linq message")
        # The app's own flags: newer SDKs say of their trace ids that they are random.
        assert found[1].lifecycle == "00-{}-{}-{:02x}".format(
            *ids(anchor), anchor.context.trace_flags
        )

    def test_no_key(self, instrumented: None, client: LinqAPIV3, store: MemoryStore) -> None:
        """Without a key there is nothing to keep it under."""
        assert self.run(client, store) is None

    def test_replaced(self, instrumented: None, client: LinqAPIV3, store: MemoryStore) -> None:
        """The answer replaces it."""
        self.run(client, store, idempotency_key="order 7")
        assert get_origin(store, f"key:{hash_key('order 7')}").message_id == MESSAGE_ID
