"""
Webhook envelopes as Linq sends them, of every type and version, and what may become of them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import (
    NUMBERS,
    TEXTS,
    TIMES,
    chance,
    make_linq_trace_id,
    make_long,
    make_odd,
    make_uuid,
)
from linq_otel.testing import EVENT_TYPES
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from fuzz.odd import Secrets


_INVENTED: Final = ("message.unsent", "teleport.beam.started", "a.b", "message.sent.again")
# Most deliveries report on messages, as in life.
_COMMON: Final = tuple(t for t in EVENT_TYPES if t.startswith(("message.", "poll.", "reaction.")))
_TYPES: Final = (*EVENT_TYPES, *_INVENTED, *_COMMON * 12)
_ODD_NAMES: Final = (
    "", "id", "data", "message", "chat", "event_type", "trace_id", "code", "error", "__class__",
    "\ud800", "sent_at", "reply_to", "message_id", "is_from_me", "event_type ", "EVENT_TYPE",
)  # fmt: skip


def make_envelope(random: Random, secrets: Secrets) -> dict[str, Any]:
    """
    Make the envelope of some event, with ids and people of its own.
    """
    words = {
        p.MESSAGE_ID: make_uuid(random),
        p.CHAT_ID: make_uuid(random),
        p.REPLIED_ID: make_uuid(random),
        p.EVENT_ID: make_uuid(random),
        p.LINQ_TRACE_ID: make_linq_trace_id(random),
        p.PHONE: secrets.phone,
        p.EMAIL: secrets.email,
        p.TEXT: secrets.text,
    }
    envelope: dict[str, Any] = _filled(
        _template(random.choice(_TYPES), random.choice(p.VERSIONS)), words
    )
    if chance(random, 3):
        envelope["data"]["idempotency_key"] = _make_key(random, secrets)
    return envelope


def mutate(random: Random, envelope: dict[str, Any], secrets: Secrets) -> None:
    """
    Do to *envelope* a few of the things that strangers and bugs do.
    """
    for _ in range(random.choice((0, 0, 1, 1, 1, 2, 3, 5))):
        change = random.choice(_CHANGES)
        data = envelope.get("data")
        is_inside = isinstance(data, dict) and not chance(random, 3)
        holder, key = _some_place(random, data if is_inside else envelope)
        if key is not None:
            change(random, holder, key, secrets)


def _make_key(random: Random, secrets: Secrets) -> str:
    """
    Make an idempotency key: the user's own, one that carries a span, or nearly one.
    """
    trace, span = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
    ours = f"linq-otel-1-00-{trace}-{span}-0{random.randrange(5)}-{random.getrandbits(64):016x}"
    return random.choice((
        ours, ours, ours, ours.upper(), ours[:-1], f" {ours}", ours.replace(trace, "0" * 32),
        ours.replace("1-00", "2-00"), "order-17", *secrets.all, "k" * 255, "k" * 256,
    ))  # fmt: skip


@cache
def _template(event_type: str, version: str) -> Mapping[str, Any]:
    data = p.data_of(event_type, version)
    if event_type.endswith(".received"):
        data["reply_to"] = {"message_id": p.REPLIED_ID, "part_index": 0}
    return p.envelope(event_type, data, version=version)


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, words) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, words) for inner in value]
    return words.get(value, value) if isinstance(value, str) else value


def _some_place(random: Random, value: Any) -> tuple[Any, Any]:
    """
    Walk down from *value*, and return a holder with one of its keys; None where it is empty.
    """
    holder, key = value, _some_key(random, value)
    while key is not None and isinstance(holder[key], (dict, list)) and not chance(random, 4):
        inner = _some_key(random, holder[key])
        if inner is None:
            break
        holder, key = holder[key], inner
    return holder, key


def _some_key(random: Random, holder: Any) -> Any:
    if not holder:
        return None
    return (
        random.choice(list(holder)) if isinstance(holder, dict) else random.randrange(len(holder))
    )


def _drop(_random: Random, holder: Any, key: Any, _secrets: Secrets) -> None:
    del holder[key]


def _retype(random: Random, holder: Any, key: Any, secrets: Secrets) -> None:
    holder[key] = make_odd(random, secrets)


def _expose(random: Random, holder: Any, key: Any, secrets: Secrets) -> None:
    holder[key] = random.choice(secrets.all)


def _nest(random: Random, holder: Any, key: Any, _secrets: Secrets) -> None:
    for _ in range(random.choice((1, 1, 2, 40))):
        holder[key] = random.choice(([holder[key]], {"data": holder[key]}, {"id": holder[key]}))


def _enlarge(random: Random, holder: Any, key: Any, _secrets: Secrets) -> None:
    holder[key] = random.choice((make_long(random), [holder[key]] * 500, [[]] * 500))


def _redate(random: Random, holder: Any, _key: Any, _secrets: Secrets) -> None:
    if isinstance(holder, dict):
        name = random.choice(("created_at", "sent_at", "delivered_at", "read_at", "failed_at"))
        holder[name] = random.choice(TIMES)


def _renumber(random: Random, holder: Any, _key: Any, _secrets: Secrets) -> None:
    if isinstance(holder, dict):
        number = random.choice(NUMBERS)
        holder[random.choice(("code", "error"))] = random.choice((number, {"code": number}))


def _add(random: Random, holder: Any, _key: Any, secrets: Secrets) -> None:
    if isinstance(holder, dict):
        holder[random.choice(_ODD_NAMES)] = make_odd(random, secrets)


def _confuse(random: Random, holder: Any, key: Any, _secrets: Secrets) -> None:
    holder[key] = random.choice((*_TYPES, *TEXTS))


_CHANGES: Final[tuple[Callable[[Random, Any, Any, Secrets], None], ...]] = (
    _drop, _drop, _retype, _retype, _retype, _expose, _expose, _nest, _enlarge, _redate, _redate,
    _renumber, _add, _confuse,
)  # fmt: skip
