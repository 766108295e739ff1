"""
What recorded webhooks say of the join: do their trace ids match the sends', which mode is safe?

Linq's prose and its samples disagree on it, and accounts may differ. A team's
own webhooks settle it for that team.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ._capture_lives import is_trace_id, list_lives
from ._capture_signatures import find_of_signatures
from ._capture_verdicts import judge_join
from ._findings import tell
from ._words import number


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from linq_otel._settings import Settings

    from ._capture_lives import Life
    from ._findings import Finding
    from ._samples import Delivery, Samples, Send


_RECORD: Final = "linq-otel doctor --listen --save webhooks.jsonl"
_MOST_NAMED: Final = 3


def examine_samples(
    samples: Samples, settings: Settings, find_sends: Callable[[Sequence[str]], Sequence[Send]]
) -> list[Finding]:
    """
    Examine a team's own webhooks.

    Args:
        samples: What was recorded.
        settings: The options in force: the join mode and the secrets count.
        find_sends: Looks messages up in the store, by their ids.
    """
    found = list(_find_unread(samples))
    if not samples.deliveries:
        return [*found, _EMPTY]
    known = {send.message_id for send in samples.sends}
    wanted = [life.message_id for life in list_lives(samples.deliveries, ())]
    more = find_sends([message_id for message_id in wanted if message_id not in known])
    sends = (*samples.sends, *more)
    lives = list_lives(samples.deliveries, sends)
    return [
        *found,
        _tell_read(samples, lives),
        *find_of_signatures(samples.deliveries, settings.webhook_secrets),
        *_find_duplicates(samples.deliveries),
        _tell_versions(samples.deliveries),
        _tell_keys(samples.deliveries),
        *_find_of_ids(samples.deliveries, lives),
        _tell_sends(lives),
        judge_join(lives, samples.deliveries, settings),
    ]


def _find_unread(samples: Samples) -> Iterator[Finding]:
    if samples.unread:
        places = "; ".join(f"{place}: {why}" for place, why in samples.unread[:_MOST_NAMED])
        yield tell(
            "capture.unreadable",
            f"{len(samples.unread) + samples.more_unread} could not be read, {places}",
            detail='Documents of JSON: {"headers": {…}, "body": "the body as it arrived"}, bodies '
            "alone, or a HAR.",
            remedy=_RECORD,
        )
    if samples.passed_over:
        yield tell(
            "capture.passed-over",
            f"passed over, as no JSON: {number(samples.passed_over, 'line')}",
            detail="Such as linq webhooks listen --json prints between its webhooks.",
        )


def _tell_read(samples: Samples, lives: Sequence[Life]) -> Finding:
    types = Counter(delivery.event.event_type for delivery in samples.deliveries)
    named = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
    return tell(
        "capture.read",
        f"{number(len(samples.deliveries), 'webhook')} of {number(len(lives), 'sent message')}, "
        f"{number(len(samples.sends), 'send')}",
        detail=f"{named}.",
    )


def _find_duplicates(deliveries: Sequence[Delivery]) -> Iterator[Finding]:
    counts = Counter(d.event.event_id for d in deliveries if d.event.event_id)
    repeated = [event_id for event_id, count in counts.items() if count > 1]
    if repeated:
        yield tell(
            "capture.duplicates",
            f"delivered more than once: {number(len(repeated), 'event')}",
            detail="As Linq says: at least once. They are marked, and their stages drawn once.",
            remedy="export OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES=answer, if your handler must see "
            "each once",
        )


def _tell_versions(deliveries: Sequence[Delivery]) -> Finding:
    counts = Counter(d.event.webhook_version or "none" for d in deliveries)
    named = ", ".join(f"{version} ({count})" for version, count in sorted(counts.items()))
    return tell("capture.version", f"payload versions: {named}")


def _tell_keys(deliveries: Sequence[Delivery]) -> Finding:
    echoed = sum(1 for d in deliveries if d.event.idempotency_key)
    if echoed:
        return tell(
            "capture.keys",
            f"idempotency keys come back in {echoed} of {number(len(deliveries), 'webhook')}",
        )
    return tell(
        "capture.keys.none",
        "no webhook brings an idempotency key back",
        detail="None was sent, or it is not echoed: carrier=idempotency_key is unproven here.",
        remedy="send a message with message.idempotency_key, and record its webhooks",
    )


def _find_of_ids(deliveries: Sequence[Delivery], lives: Sequence[Life]) -> Iterator[Finding]:
    malformed = [d for d in deliveries if not is_trace_id(d.raw_trace_id)]
    if malformed:
        yield tell(
            "capture.ids.malformed",
            f"{len(malformed)} of {len(deliveries)} trace ids are none, the first in "
            f"{malformed[0].place}",
            detail="Their message's id takes their place.",
            remedy="send these lines to Linq's support",
        )
    telling = [life for life in lives if life.is_telling]
    unequal = [life for life in telling if not life.is_equal]
    if unequal:
        yield tell(
            "capture.ids.unequal",
            f"several trace ids in {len(unequal)} of {number(len(telling), 'message')}, "
            f"{unequal[0].message_id} among them",
            detail="Linq documents one for all events of a message.",
            remedy="see capture.join",
        )
    elif telling:
        yield tell(
            "capture.ids",
            f"all events of a message have one trace id ({number(len(telling), 'message')})",
        )


def _tell_sends(lives: Sequence[Life]) -> Finding:
    known = [life for life in lives if life.sent_ids]
    unequal = [life for life in known if not life.matches_send]
    if not known:
        return tell(
            "capture.sends.unknown",
            "the answers to the sends are not known: only the webhooks could be compared",
            remedy="--sends FILE with their X-Trace-ID and body, or --store with the app's store",
        )
    if unequal:
        return tell(
            "capture.sends.unequal",
            f"the webhooks of {len(unequal)} of {number(len(known), 'message')} have another "
            f"trace id than their send, {unequal[0].message_id} among them",
            detail="Linq documents that they are equal.",
            remedy="see capture.join",
        )
    return tell(
        "capture.sends", f"the trace ids are those of the sends ({number(len(known), 'message')})"
    )


_EMPTY: Final = tell(
    "capture.empty",
    "no webhook of Linq was recorded",
    remedy=_RECORD,
)
