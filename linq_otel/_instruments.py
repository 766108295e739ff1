"""
Every metric of this package, in one table: its unit, its buckets, its attributes.

Names under ``messaging.`` and ``http.`` are OpenTelemetry's, where its
definition holds; all others are ours. Spans cannot stand in for them: a stage
that comes hours late is missing from what a backend counts by spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal

from . import _attributes as a
from ._events import SERVICES
from ._lifecycle import ROLES, STAGE_NAMES, Role
from ._operations_table import OPERATIONS


if TYPE_CHECKING:
    from collections.abc import Iterator

    Values = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Instrument:
    """
    One metric.

    Attributes:
        name: Its name.
        kind: What it is to the SDK; a gauge is observed when metrics are read.
        unit: Its unit (UCUM).
        description: What it counts.
        attributes: What it is counted by; each has a bounded number of values.
        buckets: Bounds of a histogram.
        known: The values of *attributes* that a counter has at zero before anything is counted;
            None for an attribute that is not there.
    """

    name: str
    kind: Literal["histogram", "counter", "gauge"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    known: tuple[Values, ...] = ()

    def zeros(self) -> Iterator[dict[str, str | int]]:
        """
        Yield the known sets of attributes.
        """
        for values in self.known:
            pairs = zip(self.attributes, values, strict=True)
            yield {key: value for key, value in pairs if value is not None}


# Those of the conventions for HTTP and messaging.
_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# The SDK waits 60 s for each of three tries, and 60 s before a retry where Linq asks for it.
_CALLS: Final = (*_REQUESTS, 30, 60, 120, 180, 300)
# A handler may call a model; a message may be read after days.
_HANDLERS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_STAGES: Final = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 259_200, 604_800)
_STORES: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1)
_MESSAGING: Final = (a.MESSAGING_SYSTEM, a.MESSAGING_OPERATION_NAME, a.MESSAGING_OPERATION_TYPE)

_OPERATIONS: Final = tuple((each.name,) for each in OPERATIONS)
_STAGE_TYPES: Final = tuple(kind for kind, role in ROLES.items() if role is Role.STAGE)
_TYPES_ABOUT_OURS: Final = tuple(kind for kind, role in ROLES.items() if role is not Role.INBOUND)
_SERVICES: Final = (None, *SERVICES)
# Of message.failed and poll.failed (the SDK's message_failed_webhook_event).
_FAILURES: Final = (None, 3007, 4001, 4002, 4005, 4006, 4007, 4008)

CALL_DURATION: Final = Instrument(
    "linq.client.operation.duration",
    "histogram",
    "s",
    "How long calls of the API took, their retries included.",
    (a.OPERATION, a.ERROR_TYPE),
    _CALLS,
)
SEND_DURATION: Final = Instrument(
    "messaging.client.operation.duration",
    "histogram",
    "s",
    "How long calls took that send a message.",
    (*_MESSAGING, a.OPERATION, a.ERROR_TYPE),
    _CALLS,
)
SENT_MESSAGES: Final = Instrument(
    "messaging.client.sent.messages",
    "counter",
    "{message}",
    "Messages the app tried to send.",
    (*_MESSAGING, a.OPERATION, a.ERROR_TYPE),
    known=tuple(("linq", "send", "send", x.name, None) for x in OPERATIONS if x.starts_life),
)
ATTEMPT_DURATION: Final = Instrument(
    "http.client.request.duration",
    "histogram",
    "s",
    "How long each request on the wire took, if it is drawn here.",
    (
        a.HTTP_REQUEST_METHOD,
        a.SERVER_ADDRESS,
        a.SERVER_PORT,
        a.URL_TEMPLATE,
        a.HTTP_RESPONSE_STATUS_CODE,
        a.ERROR_TYPE,
    ),
    _REQUESTS,
)
RETRIES: Final = Instrument(
    "linq.client.retries",
    "counter",
    "{request}",
    "Requests after the first of a call.",
    (a.OPERATION,),
    known=_OPERATIONS,
)
RATE_LIMITED: Final = Instrument(
    "linq.client.rate_limited",
    "counter",
    "{request}",
    "Requests that were answered with 429.",
    (a.OPERATION,),
    known=_OPERATIONS,
)
RETRY_AFTER: Final = Instrument(
    "linq.client.retry_after",
    "histogram",
    "s",
    "How long Linq asked the app to wait.",
    (a.OPERATION,),
    (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 86_400),
)
DELIVERIES: Final = Instrument(
    "linq.webhook.deliveries",
    "counter",
    "{delivery}",
    "Webhook deliveries that arrived.",
    (a.EVENT_TYPE, a.OUTCOME),
    known=(
        *product(ROLES, ("new", "duplicate", "unverified")),
        *product(_STAGE_TYPES, ("orphan",)),
        *product((a.OTHER,), ("unverified", "malformed")),
    ),
)
JOINS: Final = Instrument(
    "linq.webhook.joins",
    "counter",
    "{delivery}",
    "Deliveries of events of a message, by how its origin was found.",
    (a.ORIGIN,),
    known=(("message",), ("trace",), ("key",), ("carrier",), ("none",)),
)
MISMATCHES: Final = Instrument(
    "linq.webhook.trace_id.mismatches",
    "counter",
    "{delivery}",
    "Deliveries whose Linq trace id is none of their message's own.",
    (a.EVENT_TYPE,),
    known=tuple(product(_TYPES_ABOUT_OURS)),
)
LAG: Final = Instrument(
    "linq.webhook.lag",
    "histogram",
    "s",
    "From Linq's making an event to its first arrival here.",
    (a.EVENT_TYPE,),
    _STAGES,
)
HANDLER_DURATION: Final = Instrument(
    "messaging.process.duration",
    "histogram",
    "s",
    "How long webhook handlers took.",
    (*_MESSAGING, a.EVENT_TYPE, a.ERROR_TYPE),
    _HANDLERS,
)
STAGE_DURATION: Final = Instrument(
    "linq.message.stage.duration",
    "histogram",
    "s",
    "From a message's acceptance to the stage, once for each message.",
    (a.STAGE_NAME, a.SERVICE),
    _STAGES,
)
OUTCOMES: Final = Instrument(
    "linq.message.outcomes",
    "counter",
    "{message}",
    "Stages messages came to, once for each message.",
    (a.STAGE_NAME, a.SERVICE, a.ERROR_CODE),
    known=(
        *product(STAGE_NAMES[:-1], _SERVICES, (None,)),
        *product(STAGE_NAMES[-1:], _SERVICES, _FAILURES),
    ),
)
REPLY_DURATION: Final = Instrument(
    "linq.chat.reply.duration",
    "histogram",
    "s",
    "From a message's arrival to the acceptance of the app's first answer in the same chat.",
    buckets=_STAGES,
)
STUCK: Final = Instrument(
    "linq.message.stuck",
    "gauge",
    "{message}",
    "Messages this process sent that were accepted and not seen to be sent in time.",
)
STORE_DURATION: Final = Instrument(
    "linq.store.operation.duration",
    "histogram",
    "s",
    "How long operations on the store of origins took; callers wait for them, save for notes.",
    (a.STORE_OPERATION, a.ERROR_TYPE),
    _STORES,
)
STORE_SKIPPED: Final = Instrument(
    "linq.store.operation.skipped",
    "counter",
    "{operation}",
    "Operations not tried, because the store did not work at the time.",
    (a.STORE_OPERATION,),
    known=(("save",), ("find",), ("claim",), ("note",)),
)
STORE_LOST: Final = Instrument(
    "linq.store.origin.lost",
    "counter",
    "{origin}",
    "Origins the store has never taken.",
    known=((),),
)

INSTRUMENTS: Final = tuple(value for value in globals().values() if isinstance(value, Instrument))
"""All of them, in the order of this page."""
