"""
What calls about webhook subscriptions do. The secret is shown once, on creation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.testing._api._checks import get_field, get_list
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._webhooks._events import EVENT_TYPES
from linq_otel.testing._webhooks._subscriptions import subscription_resource


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.testing._world import Call, World


Body = dict[str, Any] | None
_CHANGEABLE = ("target_url", "is_active", "routing_key_header", "routing_id_header")


def create_subscription(world: World, call: Call) -> Body:
    """
    Subscribe; the only answer that shows the secret.
    """
    events = get_field(call.body, "subscribed_events")
    subscription = world.subscriptions.add(
        str(get_field(call.body, "target_url")),
        _known_events(events),
        phone_numbers=tuple(call.body.get("phone_numbers") or ()),
        routing_key_header=call.body.get("routing_key_header"),
        routing_id_header=call.body.get("routing_id_header"),
    )
    return {**subscription_resource(subscription), "signing_secret": subscription.signing_secret}


def list_subscriptions(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    All subscriptions, without their secrets.
    """
    return {"subscriptions": [subscription_resource(one) for one in world.subscriptions.everyone()]}


def retrieve_subscription(world: World, call: Call) -> Body:
    """
    One subscription, without its secret.
    """
    return subscription_resource(world.subscriptions.get(call.parameters["subscription_id"]))


def update_subscription(world: World, call: Call) -> Body:
    """
    Change what is named; the secret stays.
    """
    subscription = world.subscriptions.get(call.parameters["subscription_id"])
    changes = {name: call.body[name] for name in _CHANGEABLE if name in call.body}
    if "subscribed_events" in call.body:
        changes["events"] = _known_events(call.body["subscribed_events"])
    if "phone_numbers" in call.body:
        changes["phone_numbers"] = tuple(call.body["phone_numbers"] or ())
    return subscription_resource(world.subscriptions.change(subscription, **changes))


def delete_subscription(world: World, call: Call) -> Body:
    """
    Unsubscribe.
    """
    world.subscriptions.remove(world.subscriptions.get(call.parameters["subscription_id"]))
    return None


def list_event_types(world: World, call: Call) -> Body:  # noqa: ARG001 - an action
    """
    Everything that can be subscribed to.
    """
    guide = "https://docs.linqapp.com/channel/imessage/guides/webhooks/events"
    return {"events": list(EVENT_TYPES), "doc_url": guide}


SUBSCRIPTION_ACTIONS: dict[str, Callable[[World, Call], Body]] = {
    "webhook_subscriptions.create": create_subscription,
    "webhook_subscriptions.list": list_subscriptions,
    "webhook_subscriptions.retrieve": retrieve_subscription,
    "webhook_subscriptions.update": update_subscription,
    "webhook_subscriptions.delete": delete_subscription,
    "webhook_events.list": list_event_types,
}


def _known_events(events: object) -> tuple[str, ...]:
    names = tuple(str(event) for event in get_list(events, "subscribed_events"))
    if unknown := [name for name in names if name not in EVENT_TYPES]:
        raise ApiError(400, 1005, f"Unknown event type {unknown[0]!r}")
    return names
