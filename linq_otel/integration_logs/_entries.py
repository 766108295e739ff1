"""
One row of Linq's integration logs, in one form, whichever clothes it came in.

An entry holds what can be said of a call without its secrets: bodies, names and numbers were left
out while it was read, so whatever is made of an entry can be shown. Linq publishes no schema of
these rows (https://docs.linqapp.com); this is version 1 of ours.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from linq_otel._times import format_time_ns


if TYPE_CHECKING:
    from collections.abc import Mapping


SCHEMA_VERSION: Final = "1"

Direction = Literal["outbound", "inbound"]
Delivery = Literal[
    "delivered",
    "accepted",
    "unconfirmed",
    "partial",
    "rejected",
    "throttled",
    "unknown",
    "not_applicable",
]


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a row stands.

    Attributes:
        file: The base name of the file, never its folder.
        line: The line it begins on.
        format: How it was written: ``ndjson``, ``json``, ``csv``, ``har`` or ``panel``.
    """

    file: str = "-"
    line: int = 0
    format: str = ""

    @property
    def name(self) -> str:
        """
        What the commands print of it and take for it: ``rows.csv:4``.
        """
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When a call was made, and how well that is known.

    Attributes:
        unix_ns: Nanoseconds since the epoch.
        precision_ns: The smallest step the row could tell: a minute, a second, a millisecond.
        zone: The zone a local time was read in; None if the time named its own offset.
        other_ns: The other moment it may have been, where the hour was repeated.
    """

    unix_ns: int
    precision_ns: int = 1_000_000
    zone: str | None = None
    other_ns: int | None = None

    @property
    def is_ambiguous(self) -> bool:
        """
        True if the local time occurred twice that day.
        """
        return self.other_ns is not None


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where a call went.

    Attributes:
        url: The whole URL, its secrets and personal data taken out.
        template: The path with its ids named, ``/contacts/{id}``; None if it is not known.
        host: In lower case.
        port: Given or implied.
        scheme: ``https``.
    """

    url: str
    template: str | None
    host: str
    port: int
    scheme: str = "https"


@dataclass(frozen=True, slots=True)
class Panel:
    """
    What is kept of a request or a response.

    Attributes:
        headers: Lower-case names to values, of headers known to be harmless.
        content_type: The media type alone.
        size: Bytes of the body in compact JSON, or as it stood; None if there was no body.
        body: Its text, only as far as the reader was told to keep it.
    """

    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    content_type: str | None = None
    size: int | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """
    How much the CRM still lets through, as the answer said.

    Attributes:
        limit: Calls per interval.
        remaining: What is left of them.
        interval_ms: The interval in milliseconds.
        daily_limit: Calls per day.
        daily_remaining: What is left of those.
    """

    limit: int | None = None
    remaining: int | None = None
    interval_ms: int | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None

    @property
    def is_known(self) -> bool:
        """
        True if the answer said anything of it.
        """
        return (self.limit, self.remaining, self.daily_limit, self.daily_remaining) != _UNSAID


_UNSAID: Final = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a call.

    Attributes:
        delivery: The verdict.
        error_type: The status as text, or a word of ours; None if nothing failed.
        error_code: The CRM's own word for it.
        error_message: The CRM's sentence, redacted, 256 characters at most.
        throttled_by: ``burst`` or ``daily`` where the verdict is ``throttled``, if it is known.
    """

    delivery: Delivery
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    throttled_by: str | None = None

    @property
    def is_failure(self) -> bool:
        """
        True if the span of this call is in error.
        """
        if self.delivery == "unknown":
            return self.error_type is not None
        return self.delivery in {"rejected", "throttled", "partial"}


@dataclass(frozen=True, slots=True)
class CrmTrace:
    """
    The trace id the CRM gave, which is not Linq's.

    Attributes:
        raw: As it was written.
        source: Where it stood: ``field``, ``body``, ``header`` or ``error_text``.
    """

    raw: str
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One call between Linq and another system, as the integration logs show it.

    Attributes:
        place: Where the row stands.
        entry_id: The row's own id, if it has one.
        direction: ``outbound`` if Linq called, ``inbound`` if it was called.
        method: In upper case; ``_OTHER`` if HTTP does not know it.
        method_original: As it was written, where that differs.
        target: Where it went.
        status: The HTTP status; None if there was no answer.
        source: Who triggered it: ``user``, ``system`` or ``unknown``.
        moment: When it was made.
        duration_ms: How long it took, which the dashboard does not say.
        request: What is kept of the request.
        response: What is kept of the answer.
        provider: ``gohighlevel``, ``hubspot``, ``salesforce``, ``webhook``, ``other`` or one of
            yours.
        operation: What the call does: ``message.inbound``.
        outcome: What became of it.
        ids: The CRM's ids by name: ``message_id``, ``contact_id`` and so on.
        crm_trace: The CRM's trace id, if the answer had one.
        request_id: The CRM's request or correlation id.
        linq_trace_id: Linq's own trace id, where the row or an answer of Linq's names it.
        event_id: Of a webhook delivery.
        event_type: Of a webhook delivery.
        attempt: The number of the attempt, where the row gives it.
        rate_limit: What the answer said of limits.
        skew_ms: How far the answer's ``Date`` header is from the row's time.
        identity: Tells this call from any other, inside this process only.
        retry_key: The same for attempts of one call, inside this process only.
        subjects: Whom the call is about, keyed so that nobody outside this process can tell.
        text_key: Which text it carries, keyed likewise.
    """

    place: Place
    method: str
    target: Target
    moment: Moment
    outcome: Outcome
    entry_id: str | None = None
    direction: Direction = "outbound"
    method_original: str | None = None
    status: int | None = None
    source: str = "unknown"
    duration_ms: float | None = None
    request: Panel = field(default_factory=Panel)
    response: Panel = field(default_factory=Panel)
    provider: str = "other"
    operation: str = "other"
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    crm_trace: CrmTrace | None = None
    request_id: str | None = None
    linq_trace_id: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    attempt: int | None = None
    rate_limit: RateLimit = field(default_factory=RateLimit)
    skew_ms: int | None = None
    identity: bytes = field(default=b"", repr=False)
    retry_key: bytes = field(default=b"", repr=False)
    subjects: tuple[bytes, ...] = field(default=(), repr=False)
    text_key: bytes | None = field(default=None, repr=False)

    @property
    def end_ns(self) -> int:
        """
        When it ended; a microsecond after its start where no duration is known.
        """
        if self.duration_ms is None:
            return self.moment.unix_ns + 1_000
        return self.moment.unix_ns + max(1_000, round(self.duration_ms * 1e6))

    @property
    def title(self) -> str:
        """
        Method and templated path, the name of its span.
        """
        method = "HTTP" if self.method == "_OTHER" else self.method
        return f"{method} {self.target.template}" if self.target.template else method

    def to_dict(self) -> dict[str, Any]:
        """
        Return what can be shown of it, ready for JSON.
        """
        shown = asdict(self)
        for secret in ("identity", "retry_key", "subjects", "text_key"):
            del shown[secret]
        shown["time"] = format_time_ns(self.moment.unix_ns)
        return shown
