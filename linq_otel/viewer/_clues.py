"""
Which ids a span is found by, and which of them say what message it tells of.

These are the index of the database: whatever people look for is among them, in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel import _attributes as a
from linq_otel.stories._evidence import find_evidence, find_text, is_forged
from linq_otel.stories._finding import ID_KINDS

from ._rows import clean_text


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel._otlp_json import SpanRecord


_LONGEST_ID: Final = 256
_MOST_IDS: Final = 64
_MOST_ATTEMPTS: Final = 16  # Each has a Linq trace id.
_BY_MESSAGE: Final = "message "
_BY_OTHERS: Final = "trace "


@dataclass(frozen=True, slots=True)
class Clues:
    """
    What a span tells of a message.

    Attributes:
        message_id: The message, as it was written; None where the span does not say.
        others: Its Linq trace ids; the span's own id if there is nothing else.
    """

    message_id: str | None
    others: tuple[str, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """
        What the span is found by: the message it tells of first, if it names one.
        """
        own = () if self.message_id is None else (message_clue(self.message_id),)
        return own + tuple(dict.fromkeys(map(trace_clue, self.others)))


def message_clue(message_id: str) -> str:
    """
    Return what the spans that name a message are found by.
    """
    return f"{_BY_MESSAGE}{message_id.lower()}"


def trace_clue(linq_trace_id: str) -> str:
    """
    Return what the spans that name a Linq trace id are found by.
    """
    return f"{_BY_OTHERS}{_shorten(linq_trace_id)}"


def is_message_clue(clue: str) -> bool:
    """
    True if *clue* names a message, and not only a Linq trace id.
    """
    return clue.startswith(_BY_MESSAGE)


def find_ids(span: SpanRecord) -> tuple[str, ...]:
    """
    Return the ids of Linq's that *span* holds, in lower case, and what its message is found by.
    """
    if is_forged(span):
        return ()
    found = dict.fromkeys(text for key in ID_KINDS for text in _texts(span, key))
    message_id = find_text(span, a.MESSAGE_ID)
    # By it, traces that name the same message are tied to each other.
    named = () if message_id is None else (message_clue(_shorten(message_id)),)
    return named + tuple(found)[:_MOST_IDS]


def find_clues(span: SpanRecord) -> Clues | None:
    """
    Return what *span* tells of a message; None if it tells of none.
    """
    evidence = find_evidence(span)
    if evidence is None:
        return None
    message_id = find_text(span, a.MESSAGE_ID)
    others = evidence.linq_trace_ids[:_MOST_ATTEMPTS]
    if message_id is None:
        return Clues(None, others or (f"{span.otel_trace_id} {span.span_id}",))
    return Clues(_shorten(message_id, fold=False), others)


def _texts(span: SpanRecord, key: str) -> Iterator[str]:
    value = span.attributes.get(key)
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and text:
            yield _shorten(text)


def _shorten(text: str, *, fold: bool = True) -> str:
    short = clean_text(text[:_LONGEST_ID])
    return short.lower() if fold else short
