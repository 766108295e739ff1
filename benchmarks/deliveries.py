"""
Signed webhooks without end, each computed from its number, with the origin it belongs to.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook

from linq_otel._origins import Origin


if TYPE_CHECKING:
    from linq_otel.stores import Store


SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # Of nothing.
PATH: Final = "/webhooks/linq"
BODY_BYTES: Final = 2048
_SIGNER: Final = Webhook(SECRET)
# One message's life: each time after the one before, as in a life.
_REQUESTED_NS: Final = 1_767_265_199_200_000_000
_ACCEPTED_NS: Final = 1_767_265_199_450_000_000
_SENT: Final = "2026-01-01T11:00:00.100Z"
_DELIVERED: Final = "2026-01-01T11:00:01.250Z"
_CREATED: Final = "2026-01-01T11:00:01.300Z"


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One webhook, as it comes.
    """

    headers: dict[str, str]
    body: bytes

    @property
    def scope(self) -> dict[str, Any]:
        """
        The request as ASGI has it.
        """
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in self.headers.items()],
            "server": ("app.test", 80),
            "client": ("192.0.2.1", 50_000),
        }

    @property
    def environ(self) -> dict[str, Any]:
        """
        The request as WSGI has it.
        """
        named = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in self.headers.items()}
        return {
            **named,
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": PATH,
            "QUERY_STRING": "",
            "SERVER_NAME": "app.test",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "CONTENT_TYPE": named.pop("HTTP_CONTENT_TYPE"),
            "CONTENT_LENGTH": named.pop("HTTP_CONTENT_LENGTH"),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
        }


def make_delivery(number: int) -> Delivery:
    """
    Return the webhook that tells that a message was delivered: 2 kB, signed just now.
    """
    body = json.dumps(_payload(number, "")).encode()
    body = json.dumps(_payload(number, "x" * (BODY_BYTES - len(body)))).encode()
    name, now = f"msg_{number}", datetime.now(timezone.utc)
    return Delivery(
        {
            "host": "app.test",
            "user-agent": "Linq",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": _SIGNER.sign(name, now, body.decode()),
        },
        body,
    )


def make_origin(number: int) -> Origin:
    """
    Return what the sender kept of that message.
    """
    return Origin(
        traceparent=f"00-{number + 1:032x}-{number + 1:016x}-01",
        lifecycle=f"00-{_trace_id(number)}-{number + 7:016x}-01",
        linq_trace_ids=(_trace_id(number),),
        message_id=_message_id(number),
        requested_at=_REQUESTED_NS,
        accepted_at=_ACCEPTED_NS,
    )


def save_origins(store: Store, first: int, count: int) -> None:
    """
    Keep the origins of *count* messages.
    """
    for number in range(first, first + count):
        store.save(make_origin(number))


def _payload(number: int, text: str) -> dict[str, Any]:
    return {
        "api_version": "v3",
        "webhook_version": "2026-02-03",
        "event_type": "message.delivered",
        "event_id": f"{number:08x}-2170-4754-8d30-aaaaaaaaaaaa",
        "created_at": _CREATED,
        "trace_id": _trace_id(number),
        "partner_id": "p1",
        "subscription_id": "s1",
        "data": {
            "id": _message_id(number),
            "direction": "outbound",
            "chat": {
                "id": "550e8400-e29b-41d4-a716-446655440000",
                "is_group": False,
                "owner_handle": {"id": "h", "handle": "+15550100000"},
            },
            "sent_at": _SENT,
            "delivered_at": _DELIVERED,
            "service": "iMessage",
            "parts": [{"type": "text", "value": text}],
            "idempotency_key": None,
        },
    }


def _message_id(number: int) -> str:
    return f"{number:08x}-2170-4754-8d30-c76d0c727d96"


def _trace_id(number: int) -> str:
    return f"{number + 1:032x}"
