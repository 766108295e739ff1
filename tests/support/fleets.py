"""
Senders and receivers that share a message's life, each with a sampler of its own.

Every id is drawn from a seed, so which lives are drawn is a fact and not a chance: a test writes
down the ids a sampler must take, and compares whole tables.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from linq_otel.stores.memory import MemoryStore
from support import payloads as p
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import SpanContext


STAGES: Final = ("sent", "delivered", "read")
OF_SENDER: Final = ("linq message", "message accepted")
OF_RECEIVER: Final = tuple(f"message {stage}" for stage in STAGES)
HANDLERS: Final = tuple(f"process message.{stage}" for stage in STAGES)
DRAWN: Final = (*OF_SENDER, *OF_RECEIVER, *HANDLERS)

WHOLE, ABSENT = "whole", "absent"


def torn(*names: str) -> str:
    """
    Return the verdict on a life of which only the spans of these names were drawn.
    """
    return f"torn: {', '.join(sorted(names))}"


@dataclass(frozen=True, slots=True)
class Sent:
    """
    A message, by the ids Linq gave it.
    """

    message_id: str
    linq_trace_id: str

    def event(self, stage: str, key: str | None = None) -> dict[str, Any]:
        """
        Return the webhook that reports *stage* of it, and repeats its idempotency key.
        """
        return p.envelope(
            f"message.{stage}",
            p.message_data(stage, message_id=self.message_id) | {"idempotency_key": key},
            event_id=f"{stage}-{self.message_id}",
            linq_trace_id=self.linq_trace_id,
        )


def make_messages(count: int, seed: int = 20) -> list[Sent]:
    """
    Return *count* messages, always the same ones: uniform ids, as Linq's are.
    """
    dice = random.Random(seed)
    return [
        Sent(
            str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            f"{dice.getrandbits(128):032x}",
        )
        for _ in range(count)
    ]


class _SeededIds(RandomIdGenerator):
    """
    The SDK's ids, from a seed.
    """

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)

    def generate_span_id(self) -> int:
        return self._dice.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._dice.getrandbits(128) or 1


def open_process(name: str, sampler: Sampler, store: MemoryStore, **options: object) -> Desk:
    """
    Return a process of its own as far as tracing goes: provider, exporter, settings.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, id_generator=_SeededIds(name))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Desk(provider, exporter, options, store)


@dataclass
class Fleet:
    """
    One sender, and receivers that take the webhooks in turn.

    Attributes:
        senders_sampler: What the sender samples by.
        receivers_samplers: What each receiver samples by.
        is_shared: True if all of them share one store.
        options: As for ``instrument()``, for each of them.
        is_carried: True if each message's idempotency key carries its sender.
    """

    senders_sampler: Sampler
    receivers_samplers: Sequence[Sampler]
    is_shared: bool = False
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    is_carried: bool = False
    sender: Desk = field(init=False)
    receivers: list[Desk] = field(init=False)

    def __post_init__(self) -> None:
        store = MemoryStore()
        self.sender = open_process("sender", self.senders_sampler, store, **self.options)
        self.receivers = [
            open_process(
                f"receiver {number}",
                sampler,
                store if self.is_shared else MemoryStore(),
                **self.options,
            )
            for number, sampler in enumerate(self.receivers_samplers)
        ]

    def live(self, messages: Iterable[Sent]) -> dict[str, str]:
        """
        Send each message, deliver its webhooks, and return the verdict on each life.
        """
        expected = sorted(OF_SENDER + OF_RECEIVER)
        if self.options.get("join") != "link":
            # With `link` the handlers stay in the traces they arrived in, by design.
            expected = sorted(DRAWN)
        sent = list(messages)
        for message in sent:
            sender = self.sender.send(
                linq_trace_ids=(message.linq_trace_id,),
                message_id=message.message_id,
                idempotency_key=carry if self.is_carried else None,
            )
            key = carry(sender) if self.is_carried else None
            for number, stage in enumerate(STAGES):
                receiver = self.receivers[number % len(self.receivers)]
                receiver.deliver(message.event(stage, key), headers={})
        drawn = self._by_message(expected)
        return {each.message_id: _judge(drawn[each.message_id], expected) for each in sent}

    def _by_message(self, names: Sequence[str]) -> dict[str, list[ReadableSpan]]:
        drawn: dict[str, list[ReadableSpan]] = defaultdict(list)
        for process in (self.sender, *self.receivers):
            for span in process.spans:
                if span.name in names:
                    drawn[str((span.attributes or {})["linq.message.id"])].append(span)
        return drawn


def carry(sender: SpanContext) -> str:
    """
    Return a key that carries *sender*, as ``docs/carrier.md`` has it; each span sends once.
    """
    traceparent = f"00-{sender.trace_id:032x}-{sender.span_id:016x}-{sender.trace_flags & 3:02x}"
    return f"linq-otel-1-{traceparent}-{'0' * 16}"


def _judge(spans: Sequence[ReadableSpan], expected: Sequence[str]) -> str:
    if not spans:
        return ABSENT
    names = sorted(span.name for span in spans)
    return WHOLE if names == expected and _is_one_tree(spans) else torn(*names)


def _is_one_tree(spans: Sequence[ReadableSpan]) -> bool:
    """
    True if all hang under the one anchor, in its trace.
    """
    (anchor,) = [span for span in spans if span.name == "linq message"]
    late = [span.parent for span in spans if span is not anchor]
    return {(each.trace_id, each.span_id) for each in late if each} == {
        (anchor.context.trace_id, anchor.context.span_id)
    }
