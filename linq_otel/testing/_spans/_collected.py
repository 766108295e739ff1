"""
What a test asks of the spans it has caused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from linq_otel.testing._spans._asserting import assert_one_trace, draw_spans
from linq_otel.testing._spans._facts import collect_facts, key_of, key_of_span
from linq_otel.testing._spans._joining import select_message


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from linq_otel.testing._spans._asserting import Expected
    from linq_otel.testing._spans._collecting import Collection


PATIENCE = 2.0
"""Seconds that are waited for spans under way, at most."""


class LinqSpans:
    """
    The spans that started and ended since this was opened.

    Iterating yields what :meth:`finished` returns.

    Attributes:
        tracer_provider: The provider they are of.
    """

    def __init__(self, tracer_provider: TracerProvider, collection: Collection) -> None:
        self.tracer_provider = tracer_provider
        self._collection = collection

    def __iter__(self) -> Iterator[ReadableSpan]:
        """
        Iterate over the finished spans.
        """
        return iter(self.finished())

    def finished(self, timeout: float = PATIENCE) -> tuple[ReadableSpan, ...]:
        """
        Return every finished span, in order of start.

        Args:
            timeout: Seconds to wait for spans that are under way in other threads; those around
                the caller itself are not waited for.
        """
        own = key_of(trace.get_current_span().get_span_context())
        self._collection.wait_until_idle(own, timeout)
        return _sorted(self._collection.snapshot())

    def find(
        self,
        name: str | None = None,
        *,
        kind: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> ReadableSpan | None:
        """
        Return the first finished span that fits, or None.

        Args:
            name: Its name.
            kind: ``CLIENT`` and so on.
            attributes: Those it must have.
        """
        return next(iter(self._select(name, kind, attributes)), None)

    def get(
        self,
        name: str | None = None,
        *,
        kind: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> ReadableSpan:
        """
        Return the one finished span that fits; arguments as for :meth:`find`.

        Raises:
            AssertionError: There is none, or more than one; the message draws all there are.
        """
        __tracebackhide__ = True
        found = self._select(name, kind, attributes)
        if len(found) != 1:
            wanted = {"name": name, "kind": kind, "attributes": attributes}
            told = ", ".join(f"{key}={value!r}" for key, value in wanted.items() if value)
            raise AssertionError(f"{len(found)} spans have {told}, not one:\n\n{self.tree()}")
        return found[0]

    def of_message(self, message_id: str) -> tuple[ReadableSpan, ...]:
        """
        Return all spans of a message: those that name it, and all that is joined to these.

        Args:
            message_id: The message's id, as Linq answered it.
        """
        spans = self.finished()
        keys = {one.key for one in select_message(collect_facts(spans), message_id)}
        return tuple(span for span in spans if key_of_span(span) in keys)

    def wait_for(
        self, name: str, *, count: int = 1, timeout: float = 5.0
    ) -> tuple[ReadableSpan, ...]:
        """
        Wait for spans that may not even have started, and return those of this name.

        Args:
            name: Their name.
            count: How many there must be, at least.
            timeout: Seconds to wait.

        Raises:
            AssertionError: They have not ended in time; the message draws those that have.
        """
        __tracebackhide__ = True

        def select(spans: Iterable[ReadableSpan]) -> tuple[ReadableSpan, ...]:
            return tuple(span for span in spans if span.name == name)

        if not self._collection.wait_for(lambda spans: len(select(spans)) >= count, timeout):
            told = f"fewer than {count} spans named {name!r} within {timeout} s"
            raise AssertionError(f"{told}:\n\n{draw_spans(self._collection.snapshot())}")
        return _sorted(select(self._collection.snapshot()))

    def tree(self, *attributes: str) -> str:
        """
        Draw all finished spans as an outline.

        Args:
            *attributes: The keys of the attributes to show.
        """
        return draw_spans(self.finished(), attributes=attributes)

    def assert_one_trace(
        self, expected: Expected | None = None, *, traces: int | None = None
    ) -> None:
        """
        Assert that all of them are one joined trace, as :func:`assert_one_trace` does.
        """
        __tracebackhide__ = True
        assert_one_trace(self.finished(), expected, traces=traces)

    def clear(self) -> None:
        """
        Forget what has finished so far.
        """
        self._collection.clear()

    def _select(
        self, name: str | None, kind: str | None, attributes: Mapping[str, Any] | None
    ) -> list[ReadableSpan]:
        wanted = dict(attributes or {})
        return [
            span
            for span in self.finished()
            if name in {None, span.name} and kind in {None, span.kind.name}
            if wanted.items() <= dict(span.attributes or {}).items()
        ]


def _sorted(spans: Iterable[ReadableSpan]) -> tuple[ReadableSpan, ...]:
    return tuple(sorted(spans, key=lambda span: (span.start_time or 0, span.name)))
