"""
The two signatures on every webhook: Standard Webhooks, and Linq's older scheme.

Source: Linq's "Webhooks" guide. The older scheme's key is the whole secret, prefix included.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from standardwebhooks import Webhook


if TYPE_CHECKING:
    from linq_otel.testing._state._records import Subscription


def sign(
    subscription: Subscription, *, event_id: str, event_type: str, body: bytes, at: float
) -> dict[str, str]:
    """
    Sign one delivery attempt, made at ``at`` real seconds since the epoch.
    """
    seconds = int(at)
    secret = subscription.signing_secret
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": Webhook(secret).sign(event_id, moment, body.decode()),
        "X-Webhook-Event": event_type,
        "X-Webhook-Subscription-ID": subscription.id,
        "X-Webhook-Timestamp": str(seconds),
        "X-Webhook-Signature": _legacy_signature(secret, seconds, body),
    }


def _legacy_signature(secret: str, seconds: int, body: bytes) -> str:
    content = f"{seconds}.".encode() + body
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
