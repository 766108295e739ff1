"""
Holds every call of the Linq API, as data.

A table can be read against Linq's API reference line by line, and against the SDK by a test. It is
true of ``linq-python`` 0.65.0, which has 70 calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


_Effect: TypeAlias = Literal["quiet", "events", "life"]
_Row: TypeAlias = tuple[str, str, str, _Effect]
Paths: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    What a request does.

    Attributes:
        name: The SDK's attribute path, ``chats.messages.send``. For a request that is not in the
            table, its method and template, ``POST /v3/chats/{id}/{id}``.
        method: The HTTP method in capitals, or ``_OTHER``.
        template: The path with its variable segments named, ``/v3/chats/{chat_id}/messages``.
        starts_life: Whether the answer names a new message.
        causes_events: Whether webhooks are documented, or inferred, to follow.
        message_id_at: Where the answer's JSON names the message; tried in this order.
        chat_id_at: Where the answer's JSON names the chat; tried in this order.
        known: Whether the request is in the table.
        is_legacy: Whether it is a call of version 2 of the API, which has neither trace ids nor
            events of this kind, and gets a span for each request and no more.

    """

    name: str
    method: str
    template: str
    starts_life: bool = False
    causes_events: bool = False
    message_id_at: Paths = ()
    chat_id_at: Paths = ()
    known: bool = True
    is_legacy: bool = False


_QUIET: _Effect = "quiet"
"""No webhook is documented to follow the call."""
_EVENTS: _Effect = "events"
"""Webhooks follow, documented by Linq or inferred from the names of its event types."""
_LIFE: _Effect = "life"
"""The call makes a new message, whose life its webhooks then tell."""

_ROWS: tuple[_Row, ...] = (
    ("attachments.create", "POST", "/v3/attachments", _QUIET),
    ("attachments.retrieve", "GET", "/v3/attachments/{attachment_id}", _QUIET),
    ("attachments.delete", "DELETE", "/v3/attachments/{attachment_id}", _QUIET),
    ("available_number.retrieve", "GET", "/v3/available_number", _QUIET),
    ("blocked_handles.list", "GET", "/v3/blocked_handles", _QUIET),
    ("blocked_handles.block", "POST", "/v3/blocked_handles", _QUIET),
    ("blocked_handles.unblock", "DELETE", "/v3/blocked_handles", _QUIET),
    ("capability.check_i_message", "POST", "/v3/capability/check_imessage", _QUIET),
    ("capability.check_RCS", "POST", "/v3/capability/check_rcs", _QUIET),
    ("chats.background.remove", "DELETE", "/v3/chats/{chat_id}/background", _EVENTS),
    ("chats.background.set", "POST", "/v3/chats/{chat_id}/background", _EVENTS),
    ("chats.create", "POST", "/v3/chats", _LIFE),
    ("chats.retrieve", "GET", "/v3/chats/{chat_id}", _QUIET),
    ("chats.update", "PUT", "/v3/chats/{chat_id}", _EVENTS),
    ("chats.leave_chat", "POST", "/v3/chats/{chat_id}/leave", _EVENTS),
    ("chats.list_chats", "GET", "/v3/chats", _QUIET),
    ("chats.mark_as_read", "POST", "/v3/chats/{chat_id}/read", _QUIET),
    ("chats.send_voicememo", "POST", "/v3/chats/{chat_id}/voicememo", _LIFE),
    ("chats.share_contact_card", "POST", "/v3/chats/{chat_id}/share_contact_card", _QUIET),
    ("chats.location.retrieve", "GET", "/v3/chats/{chat_id}/location", _QUIET),
    ("chats.location.request", "POST", "/v3/chats/{chat_id}/location/request", _EVENTS),
    ("chats.location.stop", "DELETE", "/v3/chats/{chat_id}/location", _EVENTS),
    ("chats.messages.list", "GET", "/v3/chats/{chat_id}/messages", _QUIET),
    ("chats.messages.send", "POST", "/v3/chats/{chat_id}/messages", _LIFE),
    ("chats.participants.add", "POST", "/v3/chats/{chat_id}/participants", _EVENTS),
    ("chats.participants.remove", "DELETE", "/v3/chats/{chat_id}/participants", _EVENTS),
    ("chats.polls.create", "POST", "/v3/chats/{chat_id}/polls", _LIFE),
    ("chats.typing.start", "POST", "/v3/chats/{chat_id}/typing", _QUIET),
    ("chats.typing.stop", "DELETE", "/v3/chats/{chat_id}/typing", _QUIET),
    ("contact_card.create", "POST", "/v3/contact_card", _EVENTS),
    ("contact_card.retrieve", "GET", "/v3/contact_card", _QUIET),
    ("contact_card.update", "PATCH", "/v3/contact_card", _EVENTS),
    ("experiences.retrieve", "GET", "/v3/experiences/{experience}", _QUIET),
    ("experiences.list", "GET", "/v3/experiences", _QUIET),
    ("messages.create", "POST", "/v3/messages", _LIFE),
    ("messages.retrieve", "GET", "/v3/messages/{message_id}", _QUIET),
    ("messages.update", "PATCH", "/v3/messages/{message_id}", _EVENTS),
    ("messages.delete", "DELETE", "/v3/messages/{message_id}", _QUIET),
    ("messages.add_reaction", "POST", "/v3/messages/{message_id}/reactions", _EVENTS),
    ("messages.list_messages_thread", "GET", "/v3/messages/{message_id}/thread", _QUIET),
    ("messages.update_app_card", "POST", "/v3/messages/{message_id}/update", _LIFE),
    (
        "messages.update_sticker_placement",
        "PATCH",
        "/v3/messages/{message_id}/reactions/{reaction_id}",
        _QUIET,
    ),
    ("messages.poll.retrieve", "GET", "/v3/messages/{message_id}/poll", _QUIET),
    ("messages.poll.add_options", "POST", "/v3/messages/{message_id}/poll/options", _EVENTS),
    ("messages.poll.vote", "POST", "/v3/messages/{message_id}/poll/votes", _EVENTS),
    ("payment_handles.connect", "POST", "/v3/payments/handles/{handle}/connect", _EVENTS),
    ("payment_handles.connection", "GET", "/v3/payments/handles/{handle}/connection", _QUIET),
    ("payment_handles.revoke", "DELETE", "/v3/payments/handles/{handle}/connection", _EVENTS),
    ("payment_handles.verify", "POST", "/v3/payments/handles/{handle}/verify", _QUIET),
    ("payment_providers.retrieve", "GET", "/v3/payments/providers/{provider}", _QUIET),
    ("payment_providers.connect", "POST", "/v3/payments/providers/{provider}/connect", _QUIET),
    ("payment_requests.create", "POST", "/v3/payment_requests", _EVENTS),
    ("payment_requests.retrieve", "GET", "/v3/payment_requests/{payment_request_id}", _QUIET),
    ("payment_requests.list", "GET", "/v3/payment_requests", _QUIET),
    (
        "payment_requests.cancel",
        "POST",
        "/v3/payment_requests/{payment_request_id}/cancel",
        _EVENTS,
    ),
    ("payments.create", "POST", "/v3/payments", _EVENTS),
    ("payments.retrieve", "GET", "/v3/payments/{payment_id}", _QUIET),
    ("payments.cancel", "POST", "/v3/payments/{payment_id}/cancel", _QUIET),
    ("payments.credentials", "GET", "/v3/payments/{payment_id}/credentials", _QUIET),
    ("phone_numbers.update", "PUT", "/v3/phone_numbers/{phone_number_id}", _EVENTS),
    ("phone_numbers.list", "GET", "/v3/phone_numbers", _QUIET),
    (
        "phone_numbers.get_reputation_audit",
        "GET",
        "/v3/phone_numbers/{phone_number}/reputation_audit/{audit_id}",
        _QUIET,
    ),
    (
        "phone_numbers.start_reputation_audit",
        "POST",
        "/v3/phone_numbers/{phone_number}/reputation_audit",
        _QUIET,
    ),
    ("phonenumbers.list", "GET", "/v3/phonenumbers", _QUIET),
    ("webhook_events.list", "GET", "/v3/webhook-events", _QUIET),
    ("webhook_subscriptions.create", "POST", "/v3/webhook-subscriptions", _EVENTS),
    (
        "webhook_subscriptions.retrieve",
        "GET",
        "/v3/webhook-subscriptions/{subscription_id}",
        _QUIET,
    ),
    ("webhook_subscriptions.update", "PUT", "/v3/webhook-subscriptions/{subscription_id}", _EVENTS),
    ("webhook_subscriptions.list", "GET", "/v3/webhook-subscriptions", _QUIET),
    (
        "webhook_subscriptions.delete",
        "DELETE",
        "/v3/webhook-subscriptions/{subscription_id}",
        _EVENTS,
    ),
)

_IN_MESSAGE: Paths = (("message", "id"),)
_AT_TOP: Paths = (("id",),)
_CHAT_AT_TOP: Paths = (("chat_id",),)
_OF_A_POLL: tuple[Paths, Paths] = ((("message_id",),), _CHAT_AT_TOP)

_ANSWER_IDS: dict[str, tuple[Paths, Paths]] = {
    # The second path of each is the answer in Linq's Quickstart, which its API reference and the
    # SDK contradict.
    "chats.create": (
        (("chat", "message", "id"), ("last_message", "id")),
        (("chat", "id"), ("id",)),
    ),
    "chats.retrieve": ((), _AT_TOP),
    "chats.update": ((), _CHAT_AT_TOP),
    "chats.send_voicememo": ((("voice_memo", "id"),), (("voice_memo", "chat", "id"),)),
    "chats.messages.send": (_IN_MESSAGE, _CHAT_AT_TOP),
    "chats.polls.create": _OF_A_POLL,
    "messages.create": (_IN_MESSAGE, _CHAT_AT_TOP),
    "messages.retrieve": (_AT_TOP, _CHAT_AT_TOP),
    "messages.update": (_AT_TOP, _CHAT_AT_TOP),
    "messages.update_app_card": (_IN_MESSAGE, _CHAT_AT_TOP),
    "messages.poll.retrieve": _OF_A_POLL,
    "messages.poll.add_options": _OF_A_POLL,
    "messages.poll.vote": _OF_A_POLL,
}
"""Where an answer's JSON names the message and the chat, by the operation's name."""


def _operation(row: _Row) -> Operation:
    name, method, template, effect = row
    message_id_at, chat_id_at = _ANSWER_IDS.get(name, ((), ()))
    return Operation(
        name=name,
        method=method,
        template=template,
        starts_life=effect == _LIFE,
        causes_events=effect in (_EVENTS, _LIFE),
        message_id_at=message_id_at,
        chat_id_at=chat_id_at,
    )


OPERATIONS: tuple[Operation, ...] = tuple(_operation(row) for row in _ROWS)
"""Every call of the Linq API, in the order of the SDK's resources."""
