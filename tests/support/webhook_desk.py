"""
A message that was sent, a webhook that reports on it, and what was drawn.

The send is what the instrumentation does once Linq has answered, without HTTP, so that every time
is fixed. The ids expected are computed here from the published recipe, not by the library.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind

from linq_otel._lives import SendFacts, begin_life
from linq_otel._operations import operation_of
from linq_otel._origins import hash_key
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Span, SpanContext

    from linq_otel.stores import Store
    from linq_otel.webhooks import Event


SEND_PATH = "/v3/chats/c/messages"
ACCEPTED_AT = p.at_ns(1.0)
REQUESTED_AT = p.at_ns(0.0)


def digest(kind: str, *parts: str, size: int = 8) -> str:
    """
    Derive an id as ``docs/derived-ids.md`` says, in hex.
    """
    seed = "\0".join(["linq_otel/1", kind, *parts]).encode()
    return hashlib.sha256(seed).digest()[:size].hex()


@dataclass(frozen=True)
class Life:
    """
    Where a life is expected to be drawn: ids in hex.
    """

    otel_trace_id: str
    anchor_id: str

    @classmethod
    def by_linq_trace_id(cls, linq_trace_id: str = p.LINQ_TRACE_ID) -> Life:
        """
        Return the life of the default mode.
        """
        return cls(linq_trace_id, digest("anchor", linq_trace_id))

    @classmethod
    def by_message(cls, message_id: str = p.MESSAGE_ID) -> Life:
        """
        Return the life of ``join="message"``, and of malformed Linq trace ids.
        """
        return cls(digest("trace", message_id, size=16), digest("anchor", message_id))

    def stage_id(self, stage: str) -> str:
        """
        Return the span id of *stage*.
        """
        return digest("stage", self.otel_trace_id, self.anchor_id, stage)

    @property
    def anchor(self) -> str:
        """
        Return the anchor as `outline` writes it.
        """
        return f"{self.otel_trace_id}-{self.anchor_id}"


@dataclass
class Desk:
    """
    One process: it sends, and it receives.

    Attributes:
        provider: Where its spans go.
        exporter: What collects them.
        options: As for ``instrument()``.
        store: Where origins wait.
        receiver: What reads its webhooks; no secret unless *secret* is given.
    """

    provider: TracerProvider
    exporter: InMemorySpanExporter
    options: dict[str, Any] = field(default_factory=dict)
    store: Store = field(default_factory=MemoryStore)
    secret: str | None = None
    enforce: bool = False
    receiver: WebhookReceiver = field(init=False)

    def __post_init__(self) -> None:
        self.receiver = WebhookReceiver(
            self.secret,
            clock=lambda: p.SIGNED_AT,
            enforce=self.enforce,
            tracer_provider=self.provider,
            store=self.store,
            **self.options,
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """
        Return what has ended so far.
        """
        return self.exporter.get_finished_spans()

    def send(
        self,
        *,
        linq_trace_ids: tuple[str, ...] = (p.LINQ_TRACE_ID,),
        message_id: str | None = p.MESSAGE_ID,
        idempotency_key: str | Callable[[SpanContext], str] | None = None,
        path: str = SEND_PATH,
    ) -> SpanContext:
        """
        Send a message, as the instrumented SDK does once the answer is in.

        A key may be made from the sending span, as a carrier's is.
        """
        operation = operation_of("post", path)
        tracer = self.provider.get_tracer("app")
        with tracer.start_as_current_span(
            f"linq {operation.name}", kind=SpanKind.PRODUCER, start_time=REQUESTED_AT
        ) as span:
            if callable(idempotency_key):
                idempotency_key = idempotency_key(span.get_span_context())
            facts = SendFacts(
                operation=operation,
                sender=span.get_span_context(),
                linq_trace_id=linq_trace_ids[-1] if linq_trace_ids else None,
                linq_trace_ids=linq_trace_ids,
                message_id=message_id,
                chat_id=p.CHAT_ID if message_id else None,
                idempotency_key=hash_key(idempotency_key) if idempotency_key else None,
                began_at=REQUESTED_AT,
                answered_at=ACCEPTED_AT,
            )
            origin = begin_life(self.receiver.tracing, span, facts)
            assert origin is not None
            self.store.save(origin)
            return span.get_span_context()

    @contextmanager
    def serving(self) -> Iterator[Span]:
        """
        Run the block inside the SERVER span of a webhook request.
        """
        tracer = self.provider.get_tracer("server")
        with tracer.start_as_current_span("POST /hook", kind=SpanKind.SERVER) as span:
            yield span

    def deliver(
        self,
        payload: Mapping[str, Any] | bytes,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Event | None:
        """
        Receive one delivery inside its SERVER span, and return what the handler was given.
        """
        body = payload if isinstance(payload, bytes) else p.encode(payload)
        given = p.headers_of(body) if headers is None else headers
        with self.serving(), self.receiver.process(given, body) as event:
            return event

    def stage(self, stage: str, version: str = p.NEW, **overrides: object) -> Event | None:
        """
        Deliver ``message.{stage}`` of the message sent.
        """
        data = p.failed_data() if stage == "failed" else p.message_data(stage, version)
        return self.deliver(p.envelope(f"message.{stage}", data, version=version) | overrides)

    def named(self, name: str) -> list[dict[str, Any]]:
        """
        Return the outlines of the spans of this name, in order of their end.
        """
        return [outline(span) for span in self.spans if span.name == name]

    def one_server(self) -> dict[str, Any]:
        """
        Return the outline of the one SERVER span.
        """
        return self.one("POST /hook")

    def one(self, name: str) -> dict[str, Any]:
        """
        Return the outline of the one span of this name.
        """
        (found,) = self.named(name)
        return found


def outline(span: ReadableSpan) -> dict[str, Any]:
    """
    Return all a test says of a span: ids in hex, links as (meaning, trace-span).
    """
    return {
        "name": span.name,
        "kind": span.kind.name,
        "id": label(span.context),
        "parent": label(span.parent) if span.parent else None,
        "times": (span.start_time, span.end_time),
        "attributes": dict(span.attributes or {}),
        "links": [(dict(k.attributes or {})["linq.link"], label(k.context)) for k in span.links],
        "status": span.status.status_code.name,
        "description": span.status.description,
        "events": [event.name for event in span.events],
    }


def label(span: SpanContext) -> str:
    """
    Write a span context as trace-span in hex.
    """
    return f"{span.trace_id:032x}-{span.span_id:016x}"
