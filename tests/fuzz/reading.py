"""
The readers of what others wrote: events, rows of stores, requests, and answers.

None of them may raise but what it says it raises, and nothing private comes out of them.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from fuzz.bodies import write_body
from fuzz.envelopes import make_envelope, mutate
from fuzz.odd import NUMBERS, TEXTS, chance, make_linq_trace_id, make_odd, make_secrets, make_uuid
from fuzz.rows import make_origin, make_row
from fuzz.soundness import check_attributes
from linq_otel._answers import Answer, Failure, parse_retry_after
from linq_otel._events import Event, parse_event, parse_id, parse_lower_id
from linq_otel._ids import parse_linq_trace_id
from linq_otel._origins import Origin
from linq_otel._times import format_time_ns, parse_time_ns
from linq_otel.errors import MalformedEventError, StoreError


if TYPE_CHECKING:
    from random import Random


_OPAQUE: Final = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
_IDS: Final = (
    "event_id", "linq_trace_id", "subscription_id", "message_id", "chat_id", "reply_to",
    "idempotency_key",
)  # fmt: skip
_OPTIONAL: Final = ("message_id", "chat_id", "idempotency_key")
_TIMES: Final = ("created_at", "sent_at", "delivered_at", "read_at", "failed_at")
_LAST_NS: Final = 7_258_204_800 * 10**9


def read_event(random: Random) -> None:
    """
    An event is read from bytes, from text, and from the object they hold, or refused.
    """
    people = make_secrets(random)
    envelope = make_envelope(random, people)
    mutate(random, envelope, people)
    body, _ = write_body(random, envelope)
    try:
        event = parse_event(body, subscription_id=random.choice((None, *people.all)))
    except MalformedEventError as error:
        assert len(str(error)) < 60  # noqa: PT017  # It may be raised, or not.
        return
    _check_event(event)
    assert parse_event(json.loads(body)) == parse_event(body.decode())
    assert [word for word in people.all if f"'{word}'" in repr(event)] == []


def read_row(random: Random) -> None:
    """
    A row is an origin of the right types, which is written and read again, or it is refused.
    """
    people = make_secrets(random)
    origin = make_origin(random, make_uuid(random), make_linq_trace_id(random))
    assert Origin.from_json(origin.to_json()) == origin
    row: Any = make_row(random, origin, people)
    if chance(random, 6):
        row = random.choice(
            (row.encode(errors="surrogatepass"), None, 5, b"\xff", row.encode("utf-16", "replace"))
        )
    try:
        found = Origin.from_json(row)
    except StoreError as error:
        assert len(str(error)) < 100  # noqa: PT017  # As above.
        return
    _check_origin(found)
    # An empty id is none.
    ids = {name: getattr(found, name) or None for name in _OPTIONAL}
    assert Origin.from_json(found.to_json()) == replace(found, **ids)


def read_answer(random: Random) -> None:
    """
    Of a refusal, its code, its page and its patience may be recorded, and only these.
    """
    people = make_secrets(random)
    error: Any = {"code": 2010, "message": people.text, "doc_url": "https://docs.linqapp.com/error"}
    for name in random.sample(("code", "doc_url", "retry_after", "message"), 2):
        error[name] = random.choice((make_odd(random, people), random.choice(NUMBERS)))
    body = random.choice(({"success": False, "error": error}, {"error": [error]}, error, None))
    wait = parse_retry_after(random.choice((make_odd(random, people), *NUMBERS, *TEXTS)))
    assert wait is None or 0 <= wait <= 7 * 24 * 3600
    failures = Failure.of_body(body), Failure.of_exception(_error_of_the_sdk(error))
    answers = [Answer(random.choice((200, 404, 429, 503)), make_odd(random, people), wait)]
    answers.append(answers[0].explained_by(body))
    shown = [failure.attributes() for failure in failures]
    shown += [answer.attributes(parse_id(answer.linq_trace_id)) for answer in answers]
    for attributes in shown:
        check_attributes(attributes)
        assert [word for word in people.all if word in attributes.values()] == []


def read_words(random: Random) -> None:
    """
    Ids and times are read, or they are none; what is read can be written again.
    """
    people = make_secrets(random)
    value = make_odd(random, people)
    for read in (parse_id, parse_lower_id):
        found = read(value)
        assert found is None or _OPAQUE.fullmatch(found)
        assert found not in people.all
    moment = parse_time_ns(value)
    if moment is not None:
        assert 0 < moment < _LAST_NS
        assert parse_time_ns(format_time_ns(moment)) in {moment, None}
    number = parse_linq_trace_id(value if isinstance(value, str) else None)
    assert number is None or 0 < number < 2**128


def _check_event(event: Event) -> None:
    facts = {field.name: getattr(event, field.name) for field in fields(event)}
    for name in _IDS:
        assert facts[name] is None or _OPAQUE.fullmatch(facts[name]), name
    for name in _TIMES:
        assert facts[name] is None or 0 < facts[name] < _LAST_NS, name
    assert facts["direction"] in {None, "inbound", "outbound"}
    assert facts["service"] in {None, "iMessage", "RCS", "SMS", "MMS"}
    assert facts["error_code"] is None or 0 <= facts["error_code"] < 100_000
    assert all(type(key) is str for key in event.keys)


def _check_origin(origin: Origin) -> None:
    row = {field.name: getattr(origin, field.name) for field in fields(origin)}
    assert {type(text) for text in origin.linq_trace_ids} <= {str}
    assert type(origin.linq_trace_ids) is tuple
    for name in ("traceparent", "tracestate", "lifecycle"):
        assert type(row[name]) is str, name
    for name in _OPTIONAL:
        assert row[name] is None or type(row[name]) is str, name
    for moment in (origin.requested_at, origin.accepted_at or 0):
        assert type(moment) is int
        assert 0 <= moment < _LAST_NS
    assert all(type(key) is str for key in origin.keys)
    sender = origin.sender
    assert sender is None or sender.is_valid


def _error_of_the_sdk(given: dict[str, Any]) -> Exception:
    error = type("APIStatusError", (Exception,), {"__module__": "linq._exceptions"})("refused")
    for name, value in given.items():
        with suppress(TypeError, ValueError):
            setattr(error, name, value)
    return error
