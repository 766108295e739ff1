from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.scripted_linq import ScriptedLinq
from support.sending import send
from support.webhook_desk import Desk, Life, label


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def received(**more: Any) -> dict[str, Any]:
    """
    Return an inbound message.
    """
    data = p.message_data("received", inbound=True) | more
    return p.envelope("message.received", data)


REPLY = received(reply_to={"message_id": p.REPLIED_ID, "part_index": 0})


def desk_of(desk: Desk, **options: object) -> Desk:
    return Desk(desk.provider, desk.exporter, options)


class TestInboundMessages:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("event_type", ["message.received", "poll.received"])
    @pytest.mark.parametrize("join", ["linq", "app"])
    def test_the_handler_is_the_root_of_the_trace_the_envelope_names(
        self, desk: Desk, join: str, event_type: str, version: str
    ) -> None:
        """A life of its own begins, linked both ways with the SERVER span; no stage is drawn."""
        desk = desk_of(desk, join=join)
        desk.deliver(p.body_of(event_type, version))
        process, server = desk.one(f"process {event_type}"), desk.one("POST /hook")
        assert (process["parent"], process["id"][:32]) == (None, p.LINQ_TRACE_ID)
        assert (process["kind"], process["links"]) == ("CONSUMER", [("webhook", server["id"])])
        assert server["links"] == [("process", process["id"])]
        assert len(desk.spans) == 2

    @pytest.mark.parametrize(
        ("options", "linq_trace_id"),
        [
            ({"join": "message"}, p.LINQ_TRACE_ID),
            ({}, "trace_abc"),
            ({"join": "message"}, None),
        ],
    )
    def test_the_trace_may_be_the_message_id_s_hash(
        self, desk: Desk, options: dict[str, object], linq_trace_id: object
    ) -> None:
        """As for messages we send."""
        desk = desk_of(desk, **options)
        desk.deliver(received() | {"trace_id": linq_trace_id})
        process = desk.one("process message.received")
        assert (process["parent"], process["id"][:32]) == (None, Life.by_message().otel_trace_id)

    def test_in_link_mode_it_stays_under_its_server_span(self, desk: Desk) -> None:
        """The app's own trace is left as it is."""
        desk = desk_of(desk, join="link")
        desk.deliver(REPLY)
        process, server = desk.one("process message.received"), desk.one("POST /hook")
        assert (process["parent"], process["links"], server["links"]) == (server["id"], [], [])

    def test_with_no_id_it_stays_there_too(self, desk: Desk) -> None:
        """An inbound message that names neither itself nor a trace."""
        desk.deliver(received(id=None) | {"trace_id": None})
        process, server = desk.one("process message.received"), desk.one("POST /hook")
        assert (process["parent"], process["links"], server["links"]) == (server["id"], [], [])


class TestReplies:
    def test_they_link_to_the_life_of_what_they_answer(self, desk: Desk) -> None:
        """A conversation can be walked link by link."""
        desk.send(message_id=p.REPLIED_ID, linq_trace_ids=(p.OTHER_LINQ_TRACE_ID,))
        desk.deliver(REPLY)
        process, server = desk.one("process message.received"), desk.one("POST /hook")
        life = Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID)
        assert process["links"] == [("reply_to", life.anchor), ("webhook", server["id"])]
        assert process["id"][:32] == p.LINQ_TRACE_ID

    def test_in_link_mode_too(self, desk: Desk) -> None:
        """The only way back there is."""
        desk = desk_of(desk, join="link")
        desk.send(message_id=p.REPLIED_ID, linq_trace_ids=(p.OTHER_LINQ_TRACE_ID,))
        desk.deliver(REPLY)
        anchor = Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID).anchor
        assert desk.one("process message.received")["links"] == [("reply_to", anchor)]

    def test_without_stages_they_link_to_the_sender(self, desk: Desk) -> None:
        """No anchor is drawn, and a link must lead somewhere."""
        desk = desk_of(desk, stages=False)
        sender = desk.send(message_id=p.REPLIED_ID, linq_trace_ids=(p.OTHER_LINQ_TRACE_ID,))
        desk.deliver(REPLY)
        assert desk.one("process message.received")["links"][0] == ("reply_to", label(sender))

    def test_an_answer_to_an_inbound_message_links_to_its_handler(self, desk: Desk) -> None:
        """The message replied to may have come in itself."""
        first = received(id=p.REPLIED_ID) | {"trace_id": p.OTHER_LINQ_TRACE_ID}
        desk.deliver(first | {"event_id": "e1"})
        desk.deliver(REPLY)
        earlier, later = desk.named("process message.received")
        assert later["links"][0] == ("reply_to", earlier["id"])

    def test_an_unknown_message_is_not_linked(self, desk: Desk) -> None:
        """What nobody here knows leads nowhere."""
        desk.deliver(REPLY)
        server = desk.one("POST /hook")
        assert desk.one("process message.received")["links"] == [("webhook", server["id"])]

    def test_only_inbound_messages_reply(self, desk: Desk) -> None:
        """Our own replies are linked where they are sent from."""
        desk.send(message_id=p.REPLIED_ID, linq_trace_ids=(p.OTHER_LINQ_TRACE_ID,))
        data = p.message_data("sent") | {"reply_to": {"message_id": p.REPLIED_ID}}
        desk.deliver(p.envelope("message.sent", data))
        assert [kind for kind, _ in desk.one("process message.sent")["links"]] == ["webhook"]


class TestRedelivery:
    def test_it_hangs_under_the_first(self, desk: Desk) -> None:
        """One trace has one root."""
        desk.deliver(received())
        desk.deliver(received())
        first, second = desk.named("process message.received")
        servers = desk.named("POST /hook")
        assert (first["parent"], second["parent"]) == (None, first["id"])
        assert second["attributes"]["linq.webhook.duplicate"] is True
        assert [server["links"] for server in servers] == [
            [("process", first["id"])],
            [("process", second["id"])],
        ]

    def test_another_message_of_the_same_trace_is_known_by_its_own_id(self, desk: Desk) -> None:
        """It hangs under the root there is, and what is said of it later finds it."""
        desk.deliver(received())
        desk.deliver(received(id=p.REPLIED_ID) | {"event_id": "e2"})
        first, second = desk.named("process message.received")
        assert second["parent"] == first["id"]
        about = p.reaction_data() | {"message_id": p.REPLIED_ID}
        desk.deliver(p.envelope("reaction.added", about, linq_trace_id=p.OTHER_LINQ_TRACE_ID))
        reaction = desk.one("process reaction.added")
        assert reaction["attributes"]["linq.origin"] == "message"
        assert reaction["parent"] == second["id"]

    def test_events_about_it_join_its_life(self, desk: Desk) -> None:
        """A reaction to what came in, and the report that we have read it."""
        desk.deliver(received())
        desk.deliver(p.envelope("reaction.added", p.reaction_data(), event_id="e2"))
        read = p.message_data("read", inbound=True)
        desk.deliver(p.envelope("message.read", read, event_id="e3"))
        root = desk.one("process message.received")["id"]
        assert desk.one("process reaction.added")["parent"] == root
        assert desk.one("process message.read")["parent"] == root
        assert [span.name for span in desk.spans if span.name.startswith("message ")] == []

    def test_the_first_one_s_failure_does_not_matter(self, desk: Desk) -> None:
        """The handler raised, Linq tries again, and the second run is in the same trace."""
        body = p.encode(received())
        with (
            pytest.raises(LookupError),
            desk.serving(),
            desk.receiver.process(p.headers_of(body), body),
        ):
            raise LookupError(p.TEXT)
        desk.deliver(received())
        first, second = desk.named("process message.received")
        assert (first["status"], second["parent"]) == ("ERROR", first["id"])


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """
    Yield a Linq on a free port.
    """
    with ScriptedLinq() as linq:
        yield linq


class TestCallsInsideTheHandler:
    def test_an_answer_is_traced_from_the_message_it_answers(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, linq: ScriptedLinq
    ) -> None:
        """The SDK's call hangs under the handler, and its own life is one link away."""
        instrument(tracer_provider=provider)
        body = p.encode(received())
        try:
            with (
                LinqAPIV3(api_key="k", base_url=linq.base_url) as client,
                WebhookReceiver().process(p.headers_of(body), body) as event,
            ):
                assert event is not None
                send(client)
        finally:
            uninstrument()
        spans = {span.name: span for span in exporter.get_finished_spans()}
        process, call = spans["process message.received"], spans["linq chats.messages.send"]
        assert call.parent is not None
        assert label(call.parent) == label(process.context)
        assert label(process.context)[:32] == p.LINQ_TRACE_ID
        (link,) = call.links
        assert label(link.context) == label(spans["linq message"].context)
