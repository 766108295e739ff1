"""
Who wants to be told what, and telling them.

Source: Linq's "Webhooks" guide: ``?version=`` in the target URL picks the payload version, a target
URL may be subscribed once, and the signing secret is shown once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from linq_otel.testing._state._clock import SimulatedClock, rfc3339
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._records import Subscription
from linq_otel.testing._webhooks._deliveries import Deliveries, Letter
from linq_otel.testing._webhooks._events import EVENT_TYPES, NEWEST, ONLY_NEWEST, VERSIONS, Event


if TYPE_CHECKING:
    from linq_otel.testing._state._ids import Ids
    from linq_otel.testing._state._scenario import Scenario


class Subscriptions:
    """
    All webhook subscriptions of one simulator.
    """

    def __init__(self, *, ids: Ids, clock: SimulatedClock, deliveries: Deliveries) -> None:
        self._ids = ids
        self._clock = clock
        self._deliveries = deliveries
        self._all: dict[str, Subscription] = {}

    def add(self, target_url: str, events: tuple[str, ...] | None, **options: Any) -> Subscription:
        """
        Subscribe a URL; 400 for one that cannot be used, 409 for one that is taken.
        """
        if any(target_url == other.target_url for other in self._all.values()):
            raise ApiError(409, 2015, "A subscription with this target_url already exists")
        version = _parse_version(target_url)
        number = self._ids.nth("subscription", target_url)
        secret = self._ids.secret("subscription", target_url, number)
        options.setdefault("signing_secret", secret)
        subscription = Subscription(
            id=self._ids.uuid("subscription", target_url, number),
            target_url=target_url,
            version=version,
            events=events,
            created_at=self._clock.now(),
            **options,
        )
        self._all[subscription.id] = subscription
        return subscription

    def get(self, subscription_id: str) -> Subscription:
        """
        Look one up, or answer 404/2010.
        """
        if subscription_id not in self._all:
            raise ApiError(404, 2010)
        return self._all[subscription_id]

    def change(self, subscription: Subscription, **changes: Any) -> Subscription:
        """
        Replace what the caller named.
        """
        if "target_url" in changes:
            changes["version"] = _parse_version(changes["target_url"])
        changed = replace(subscription, **changes)
        self._all[subscription.id] = changed
        return changed

    def remove(self, subscription: Subscription) -> None:
        """
        Unsubscribe.
        """
        del self._all[subscription.id]

    def everyone(self) -> list[Subscription]:
        """
        All, oldest first.
        """
        return list(self._all.values())

    def tell(self, event: Event, scenario: Scenario | None = None, *, now: bool = False) -> None:
        """
        Deliver an event to all who want it, as often and as falsely as the scenario says.
        """
        post = self._deliveries.post_now if now else self._deliveries.post
        for letter in self.letters(event):
            if scenario is not None and scenario.forged:
                post(replace(letter, forged=True))
            post(letter)
            for copy in range(1, scenario.duplicates + 1 if scenario else 1):
                self._repeat(replace(letter, copy=copy))

    def letters(self, event: Event) -> list[Letter]:
        """
        One letter for each who wants to hear of an event.
        """
        return [
            Letter(
                subscription=subscription,
                event_type=event.event_type,
                event_id=event.event_id,
                body=event.body(subscription.version),
                lane=event.lane,
                chat_id=event.chat_id,
            )
            for subscription in self.everyone()
            if _is_wanted(event, subscription)
        ]

    def _repeat(self, letter: Letter) -> None:
        chance = self._ids.random("duplicate", letter.event_id, letter.copy)
        self._deliveries.after(chance.uniform(0.1, 5.0), lambda: self._deliveries.post(letter))


def subscription_resource(subscription: Subscription) -> dict[str, Any]:
    """
    ``WebhookSubscription``, without the secret.
    """
    return {
        "id": subscription.id,
        "target_url": subscription.target_url,
        "subscribed_events": list(subscription.events or EVENT_TYPES),
        "phone_numbers": list(subscription.phone_numbers) or None,
        "is_active": subscription.is_active,
        "routing_key_header": subscription.routing_key_header,
        "routing_id_header": subscription.routing_id_header,
        "created_at": rfc3339(subscription.created_at),
        "updated_at": rfc3339(subscription.created_at),
    }


def _is_wanted(event: Event, subscription: Subscription) -> bool:
    return (
        subscription.is_active
        and (subscription.events is None or event.event_type in subscription.events)
        and (subscription.version == NEWEST or event.event_type not in ONLY_NEWEST)
        and (not subscription.phone_numbers or event.line in {None, *subscription.phone_numbers})
    )


def _parse_version(target_url: str) -> str:
    parts = urlsplit(target_url)
    version = parse_qs(parts.query).get("version", [NEWEST])[0]
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ApiError(400, 1005, "target_url must be an absolute URL, with http:// or https://")
    if version not in VERSIONS:
        raise ApiError(400, 1005, f"Unknown webhook version {version!r}")
    return version
