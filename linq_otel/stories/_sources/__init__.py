"""
Where spans are fetched from: files, Jaeger, Tempo; and where an id is looked up: a store.

Kept under the package that reads spans, and apart from it, so that a page or a test that has its
spans already never opens a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


__all__ = ["IncompleteError", "Source", "SourceError"]


class SourceError(ConfigurationError):
    """
    A source cannot be asked, or answers what cannot be read; the message says what to do.
    """


class IncompleteError(SourceError):
    """
    A source failed after it had answered; the message says how.

    Attributes:
        partial: The spans it had handed out by then.
    """

    def __init__(self, message: str, partial: list[SpanRecord]) -> None:
        super().__init__(message)
        self.partial = partial


class Source(Protocol):
    """
    Something that may know the spans an id leads to.

    Attributes:
        title: How it is called where people are told what was looked into; without credentials.
    """

    @property
    def title(self) -> str:
        """
        How it is called where people are told what was looked into; without credentials.
        """
        ...

    def find_spans(self, wanted: str) -> list[SpanRecord]:
        """
        Return all spans of the traces that an id leads to; none if it knows nothing of it.

        Raises:
            IncompleteError: If it fails after it has handed out some.
            SourceError: If it cannot be asked.
        """
        ...
