"""
Taking the spans of a provider while a test looks, and knowing which of them are still under way.

A span processor cannot be taken off a provider again, so one is put on each for good, and hands
spans on to whoever is collecting at the time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace import SpanProcessor

from linq_otel.testing._spans._counted_ids import SwitchedIds
from linq_otel.testing._spans._facts import key_of, key_of_span


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider

    from linq_otel.testing._spans._facts import Key


class Collection:
    """
    The spans that started and ended while one test was looking.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ended: list[ReadableSpan] = []
        self._under_way: dict[Key, Key | None] = {}
        # A stage told twice is the same span twice: its id is derived.
        self._counts: Counter[Key] = Counter()

    def begin(self, span: Span) -> None:
        """
        Note that a span has started.
        """
        parent = None if span.parent is None else key_of(span.parent)
        key = key_of(span.get_span_context())
        with self._changed:
            self._under_way[key] = parent
            self._counts[key] += 1

    def end(self, span: ReadableSpan) -> None:
        """
        Keep a span that has ended, if it started here: leftovers of an earlier test did not.
        """
        key = key_of_span(span)
        with self._changed:
            if key not in self._under_way:
                return
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key], self._under_way[key]
            self._ended.append(span)
            self._changed.notify_all()

    def clear(self) -> None:
        """
        Forget what has ended.
        """
        with self._changed:
            self._ended.clear()

    def snapshot(self) -> list[ReadableSpan]:
        """
        Return what has ended so far.
        """
        with self._changed:
            return list(self._ended)

    def wait_for(self, is_there: Callable[[list[ReadableSpan]], bool], timeout: float) -> bool:
        """
        Wait until the ended spans are as wished; False if they are not in time.
        """
        with self._changed:
            return self._changed.wait_for(lambda: is_there(self._ended), timeout)

    def wait_until_idle(self, own: Key, timeout: float) -> bool:
        """
        Wait until no span is under way but *own* and those around it; False if one still is.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            return self._changed.wait_for(
                lambda: self._under_way.keys() <= self._around(own), deadline - time.monotonic()
            )

    def _around(self, own: Key) -> set[Key]:
        around: set[Key] = set()
        key: Key | None = own
        while key is not None and key not in around:
            around.add(key)
            key = self._under_way.get(key)
        return around


class Collector(SpanProcessor):
    """
    The processor of one provider.
    """

    def __init__(self) -> None:
        self.collections: tuple[Collection, ...] = ()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """
        Tell those that collect.
        """
        if span.get_span_context().trace_flags.sampled:
            for collection in self.collections:
                collection.begin(span)

    def on_end(self, span: ReadableSpan) -> None:
        """
        Hand the span to those that collect.
        """
        for collection in self.collections:
            collection.end(span)


class Attachments:
    """
    What was put on each provider, once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._collectors: WeakKeyDictionary[TracerProvider, Collector] = WeakKeyDictionary()
        self._ids: WeakKeyDictionary[TracerProvider, SwitchedIds] = WeakKeyDictionary()

    def collector(self, provider: TracerProvider) -> Collector:
        """
        Return the processor of a provider.
        """
        with self._lock:
            if provider not in self._collectors:
                collector = Collector()
                provider.add_span_processor(collector)
                self._collectors[provider] = collector
            return self._collectors[provider]

    def ids(self, provider: TracerProvider) -> SwitchedIds:
        """
        Return the id generator of a provider; tracers it made before keep theirs.
        """
        with self._lock:
            if provider not in self._ids:
                switched = SwitchedIds(provider.id_generator)
                untyped: Any = provider  # Declared as the one class of generator it starts with.
                untyped.id_generator = switched
                self._ids[provider] = switched
            return self._ids[provider]


attachments = Attachments()
