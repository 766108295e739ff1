"""
Says why a message is in several traces that no link joins, and what to set.

A person who looks for a message that is not joined needs the reason more than the picture.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from linq_otel import _attributes as a
from linq_otel.stories._evidence import find_evidence, find_text, is_forged


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories._messages import Message
    from linq_otel.stories._timeline import Story


_STORE: Final = (
    "give every process the same store (OTEL_PYTHON_LINQ_STORE=redis://localhost:6379/0, or "
    "sqlite:///linq.db on one host)"
)
_DIFFERENT_IDS: Final = (
    "Linq's webhooks carry another trace id than the send, and the receiver found no record of "
    "the send. Set OTEL_PYTHON_LINQ_JOIN=message in every process, or " + _STORE + "."
)
_OWN_TRACE: Final = (
    "the sender put it into its own trace (join=app), and the webhook receiver found no record "
    f"that says which. To join them, {_STORE}; or set OTEL_PYTHON_LINQ_CARRIER=idempotency_key in "
    "the sender; or OTEL_PYTHON_LINQ_JOIN=linq in both, which needs neither."
)
_DIFFERENT_JOINS: Final = (
    "sender and webhook receiver differ in their join mode. Set the same OTEL_PYTHON_LINQ_JOIN in "
    f"both, or {_STORE}."
)
_NO_RECORD: Final = f"the webhook receiver found no record of the message. To join them, {_STORE}."
_MISSING: Final = (
    "the spans that tie them together are not here. Send the spans of every process to one place, "
    "and give all of them the same OTEL_PYTHON_LINQ_JOIN and OTEL_PYTHON_LINQ_STORE."
)


@dataclass(frozen=True, slots=True)
class Split:
    """
    A message that did not join.

    Attributes:
        traces: In how many traces it is.
        parts: In how many parts they fall that no link joins.
        text: A sentence: in how many traces it is, why, and what to set.
    """

    traces: int
    parts: int
    text: str

    def to_document(self) -> dict[str, Any]:
        """
        Return it as JSON has it.
        """
        return asdict(self)


def find_splits(story: Story, messages: Sequence[Message]) -> list[Split | None]:
    """
    Return how each message is split; None for each whose reports links join.

    Args:
        story: The traces of the messages.
        messages: Messages of the story.
    """
    parts = story.parts
    if len(parts) < 2:  # noqa: PLR2004  # A part alone is joined.
        return [None] * len(messages)
    part_of = {trace: number for number, part in enumerate(parts) for trace in part}
    found = _group(story.spans)
    return [_find_split(_take(found, message), part_of) for message in messages]


def _find_split(spans: Sequence[SpanRecord], part_of: Mapping[str, int]) -> Split | None:
    traces = {span.otel_trace_id for span in spans}
    parts = len({part_of[each] for each in traces})
    if parts < 2:  # noqa: PLR2004  # As above.
        return None
    among = "" if parts == len(traces) else f", in {parts} parts"
    head = f"This message is in {len(traces)} traces{among} that no link joins"
    return Split(len(traces), parts, f"{head}: {_explain(spans, part_of)}")


def _group(spans: Iterable[SpanRecord]) -> Mapping[tuple[str, str], list[SpanRecord]]:
    """
    Group spans by the message they report on: by its id, else by each Linq trace id.
    """
    found: defaultdict[tuple[str, str], list[SpanRecord]] = defaultdict(list)
    for span in spans:
        evidence = find_evidence(span)
        # What merely asks for the message, or edits it, need not be joined to it.
        if is_forged(span) or (evidence is None and a.ORIGIN not in span.attributes):
            continue
        named = find_text(span, a.MESSAGE_ID)
        if named is not None:
            found["message", named.lower()].append(span)
        elif evidence is not None:
            for linq_trace_id in {each.lower() for each in evidence.linq_trace_ids}:
                found["trace", linq_trace_id].append(span)
    return found


def _take(found: Mapping[tuple[str, str], list[SpanRecord]], message: Message) -> list[SpanRecord]:
    keys = [("trace", each.lower()) for each in message.linq_trace_ids]
    if message.message_id is not None:
        keys.append(("message", message.message_id.lower()))
    return [span for key in dict.fromkeys(keys) for span in found.get(key, ())]


def _explain(spans: Sequence[SpanRecord], part_of: Mapping[str, int]) -> str:
    sent = [span for span in spans if a.OPERATION in span.attributes]
    home = part_of[sent[0].otel_trace_id] if sent else None
    strays = [
        span
        for span in spans
        if a.ORIGIN in span.attributes and part_of[span.otel_trace_id] != home
    ]
    of_send, of_strays = _find_linq_trace_ids(sent), _find_linq_trace_ids(strays)
    if (of_send and of_strays - of_send) or len(of_strays) > 1:
        return _DIFFERENT_IDS
    anchor = next((span for span in sent if span.name == a.ANCHOR), None)
    if anchor is not None and anchor.parent_span_id is not None:
        return _OWN_TRACE
    if anchor is not None and anchor.otel_trace_id in of_strays:
        return _DIFFERENT_JOINS
    is_unknown = any(span.attributes.get(a.ORIGIN) == "none" for span in strays)
    return _NO_RECORD if is_unknown else _MISSING


def _find_linq_trace_ids(spans: Iterable[SpanRecord]) -> set[str]:
    found = filter(None, map(find_evidence, spans))
    return {each.lower() for one in found for each in one.linq_trace_ids}
