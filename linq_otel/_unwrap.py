"""
The SDK's own ``client.webhooks.unwrap``: whoever calls it has a webhook in hand.

The span it is called in is linked to the message the webhook is about. All is
read from the raw payload: the SDK gives most events the wrong class.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from ._deliveries import find_under_way
from ._event_loops import is_on_event_loop
from ._events import parse_event
from ._linking import Target, enrich
from ._shield import shield
from .errors import MalformedEventError
from .webhooks._signatures import LinqHeaders


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._events import Event
    from ._origins import Origin
    from ._patching import Patches
    from ._tracing import Tracing


_MODULE: Final = "linq.resources.webhooks"


def install_unwrap(tracing: Tracing, patches: Patches) -> None:
    """
    Wrap ``unwrap`` of both clients; where the SDK has none, nothing is done.
    """

    def unwrap(
        wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        event = wrapped(*args, **kwargs)
        # It did not raise: the signature is good.
        with shield("linking a webhook's span"):
            payload = kwargs["payload"] if "payload" in kwargs else args[0]
            _link_webhook(tracing, payload, kwargs.get("headers"))
        return event

    # Of the async client it is a plain function too.
    patches.wrap(_MODULE, "WebhooksResource", "unwrap", unwrap)
    patches.wrap(_MODULE, "AsyncWebhooksResource", "unwrap", unwrap)


def _link_webhook(tracing: Tracing, payload: Any, headers: Any) -> None:
    span = trace.get_current_span()
    if not span.is_recording():
        return
    subscription_id = LinqHeaders.of(headers).get("x-webhook-subscription-id")
    with suppress(MalformedEventError):
        event = parse_event(payload, subscription_id=subscription_id, verified=True)
        # Inside its own ``process`` span all of this is said already.
        if find_under_way(event) is None:
            enrich(tracing, span, Target(event=event, origin=_find_origin(tracing, event)))


def _find_origin(tracing: Tracing, event: Event) -> Origin | None:
    # A plain function cannot leave the event loop, and a shared store does I/O.
    if tracing.origins.store.is_shared and is_on_event_loop():
        return None
    found = tracing.origins.find(event.keys)
    return found[1] if found else None
