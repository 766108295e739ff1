"""
The spans one message must leave behind, written down by hand from what is documented.

Nothing of the library is imported here: ids are derived by the published recipe, written out once
more, and keys and names are literals.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from support.received_trees import Node, sort_nodes


# The local Linq's, from its seed 7 and from the very bytes the sender asks with.
MESSAGE_ID = "340c8c15-2fb7-4d40-959f-c2ff0857e2a8"
CHAT_ID = "aebc7dd7-78b3-4106-8ffa-6b852d7bd52d"
LINQ_TRACE_ID = "176e16a0d26843f6792f89e51662ea75"
SECOND_LINQ_TRACE_ID = "100033ef27b62741531c2035584dddd1"
EVENT_IDS = {
    "chat.created": "7d4fd956-5474-47e7-86b5-9dbee863c67a",
    "message.sent": "3e6bad63-3560-4e1a-b803-5054c6b9f72e",
    "message.delivered": "b6ad0661-6733-4a3c-b8b2-50dc18e62f86",
    "message.read": "4552af18-d4b5-421f-9888-48980761ae08",
    "message.failed": "a3da0636-ec7f-4b67-867d-8a07c6ef1fe8",
}
EVENT_LINQ_TRACE_IDS = {
    "message.sent": "9468e7c1c56e7d3a2af7d7103ef10db3",
    "message.delivered": "a3b90f3a44f8da95de1f6583acb0eb57",
    "message.read": "62e78ae35adb2437082a530c64877624",
}

_FAILURE: Final = {"linq.error.code": 4001, "error.type": "4001"}
_MESSAGE = {"linq.message.id": MESSAGE_ID, "linq.chat.id": CHAT_ID}


def derive(size: int, kind: str, *parts: str) -> str:
    """
    Derive an id of *size* bytes, in hex, by the recipe of ``docs/derived-ids.md``.
    """
    seed = b"\0".join([b"linq_otel/1", kind.encode(), *(part.encode() for part in parts)])
    return hashlib.sha256(seed).hexdigest()[: 2 * size]


def link(meaning: str, target: str) -> tuple[dict[str, str], str]:
    """
    A link that says what its target is to the span.
    """
    return {"linq.link": meaning}, target


@dataclass(frozen=True)
class Expected:
    """
    What is drawn of one message.

    Attributes:
        linq_port: Where Linq listened.
        subscription_id: The subscription the webhooks were delivered for.
        linq_trace_id: Linq's trace id of the request that was accepted.
        otel_trace_id: The trace of its life.
        anchor_id: The span everything late hangs under.
        origin: How the receiver found out who had sent it.
        event_linq_trace_ids: Events' Linq trace ids, where they differ from the send's.
    """

    linq_port: int
    subscription_id: str
    linq_trace_id: str = LINQ_TRACE_ID
    otel_trace_id: str = LINQ_TRACE_ID
    anchor_id: str = field(default_factory=lambda: derive(8, "anchor", LINQ_TRACE_ID))
    origin: str = "message"
    event_linq_trace_ids: dict[str, str] = field(default_factory=dict[str, str])

    def order(self, call: Node) -> Node:
        """
        The app's own span, around the call.
        """
        return Node("sender", "INTERNAL", "place order", children=(call,))

    def call(self, *children: Node, lifecycle: bool = True, **more: Any) -> Node:
        """
        The call of the SDK that sent the message.
        """
        attributes = {
            "linq.operation": "chats.create",
            "messaging.system": "linq",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "linq.attempts": 1,
            "linq.trace_id": self.linq_trace_id,
            **_MESSAGE,
            **more,
        }
        links = (link("lifecycle", "linq message"),) if lifecycle else ()
        return Node("sender", "PRODUCER", "linq chats.create", attributes, links, children=children)

    def attempt(self, status: int = 201, **more: Any) -> Node:
        """
        One request on the wire; one that is refused says why.
        """
        attributes = {
            "http.request.method": "POST",
            "url.full": f"http://127.0.0.1:{self.linq_port}/api/partner/v3/chats",
            "url.template": "/v3/chats",
            "server.address": "127.0.0.1",
            "server.port": self.linq_port,
            "http.response.status_code": status,
            "linq.trace_id": self.linq_trace_id,
            **more,
        }
        outcome = "UNSET" if status < 400 else "ERROR"
        return Node("sender", "CLIENT", "POST /v3/chats", attributes, status=outcome)

    def anchor(self, *stages: Node) -> Node:
        """
        The anchor, with its first stage and whatever else hangs under it.
        """
        facts = {
            "linq.operation": "chats.create",
            "linq.trace_id": self.linq_trace_id,
            **_MESSAGE,
        }
        accepted = Node(
            "sender",
            "INTERNAL",
            "message accepted",
            {**facts, "linq.stage": "accepted"},
            span_id=self._stage_id("accepted"),
        )
        return Node(
            "sender",
            "INTERNAL",
            "linq message",
            facts,
            (link("send", "linq chats.create"),),
            span_id=self.anchor_id,
            children=(accepted, *stages),
        )

    def stage(self, event_type: str, *links: tuple[dict[str, str], str]) -> Node:
        """
        The stage an event reports, drawn by the receiver; a failure is an error.
        """
        stage = event_type.partition(".")[2]
        failure = _FAILURE if stage == "failed" else {}
        return Node(
            "receiver",
            "INTERNAL",
            f"message {stage}",
            {**self._identity(event_type), "linq.stage": stage, **failure},
            links,
            "ERROR" if failure else "UNSET",
            self._stage_id(stage),
        )

    def process(self, event_type: str, *links: tuple[dict[str, str], str], **more: Any) -> Node:
        """
        The run of a webhook's handler.
        """
        attributes = {
            "messaging.system": "linq",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.message.id": EVENT_IDS[event_type],
            "linq.webhook.verified": True,
            "linq.webhook.version": "2026-02-03",
            "linq.webhook.subscription.id": self.subscription_id,
            "linq.origin": self.origin,
            "http.response.status_code": 200,
            **self._identity(event_type),
            **more,
        }
        return Node("receiver", "CONSUMER", f"process {event_type}", attributes, links)

    def joined(self, event_type: str, **more: Any) -> Node:
        """
        A handler's run inside the message's life.
        """
        sender = (link("send", "linq chats.create"),) if self.origin != "none" else ()
        return self.process(event_type, *sender, link("webhook", f"webhook {event_type}"), **more)

    def webhook(self, *links: tuple[dict[str, str], str], children: tuple[Node, ...] = ()) -> Node:
        """
        The web framework's span of a delivery.
        """
        attributes = {
            "http.request.method": "POST",
            "http.route": "/webhooks/linq",
            "http.response.status_code": 200,
        }
        return Node(
            "receiver", "SERVER", "POST /webhooks/linq", attributes, links, children=children
        )

    def life(self, *event_types: str) -> Node:
        """
        The anchor with a stage and a handler's run for each event.
        """
        stages = [self.stage(event_type) for event_type in event_types]
        return self.anchor(*stages, *(self.joined(event_type) for event_type in event_types))

    def webhooks(self, *event_types: str) -> dict[str, tuple[Node, ...]]:
        """
        The web framework's traces, each with a link to the handler's run.
        """
        return {
            f"webhook {event_type}": (self.webhook(link("process", f"process {event_type}")),)
            for event_type in event_types
        }

    def traces(self, *event_types: str) -> dict[str, tuple[Node, ...]]:
        """
        Every trace of a message that went the usual way.
        """
        return {
            "place order": sort_nodes([self.order(self.call(self.attempt()))]),
            self.otel_trace_id: sort_nodes([self.life(*event_types)]),
            **self.webhooks(*event_types),
        }

    def _identity(self, event_type: str) -> dict[str, Any]:
        identity = {
            "linq.event.id": EVENT_IDS[event_type],
            "linq.event.type": event_type,
            "linq.trace_id": self.event_linq_trace_ids.get(event_type, self.linq_trace_id),
            "linq.service": "iMessage",
            "linq.chat.id": CHAT_ID,
        }
        is_of_message = event_type.startswith("message.")
        return {**identity, **(_MESSAGE if is_of_message else {})}

    def _stage_id(self, stage: str) -> str:
        return derive(8, "stage", self.otel_trace_id, self.anchor_id, stage)
