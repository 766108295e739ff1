from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from linq_otel._origins import (
    Origin,
    format_traceparent,
    has_keys,
    hash_key,
    parse_traceparent,
    store_keys,
)
from linq_otel.errors import StoreError
from support.origins import LIFECYCLE, TRACEPARENT


FULL = Origin(
    traceparent=TRACEPARENT,
    tracestate="vendor=1",
    lifecycle=LIFECYCLE,
    linq_trace_ids=("T1", "t2"),
    message_id="m1",
    chat_id="c1",
    idempotency_key="k1",
    requested_at=1_000,
    accepted_at=2_000,
)
TEXT = st.text(max_size=20)
TIME = st.integers(0, 2**63)

ORIGINS = st.builds(
    Origin,
    traceparent=TEXT,
    tracestate=TEXT,
    lifecycle=TEXT,
    linq_trace_ids=st.lists(TEXT, max_size=3).map(tuple),
    message_id=st.none() | TEXT.filter(bool),
    chat_id=st.none() | TEXT.filter(bool),
    idempotency_key=st.none() | TEXT.filter(bool),
    requested_at=TIME,
    accepted_at=st.none() | TIME,
).filter(lambda origin: origin.traceparent != "")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class TestJson:
    @given(ORIGINS)
    def test_round_trip(self, origin: Origin) -> None:
        """An origin comes back equal from one line of JSON."""
        text = origin.to_json()
        assert "\n" not in text
        assert Origin.from_json(text) == origin

    def test_what_is_written(self) -> None:
        """What is empty is left out; the form is read by hosts of other versions."""
        assert (
            Origin(TRACEPARENT).to_json() == f'{{"traceparent":"{TRACEPARENT}","requested_at":0}}'
        )
        assert json.loads(FULL.to_json()) == {
            "traceparent": TRACEPARENT,
            "tracestate": "vendor=1",
            "lifecycle": LIFECYCLE,
            "linq_trace_ids": ["T1", "t2"],
            "message_id": "m1",
            "chat_id": "c1",
            "idempotency_key": "k1",
            "requested_at": 1_000,
            "accepted_at": 2_000,
        }

    def test_written_anew(self) -> None:
        """A column of JSON writes it with white space of its own."""
        spaced = json.dumps(json.loads(FULL.to_json()), indent=1)
        for text in (spaced, f" {spaced}", f"{FULL.to_json()}\n"):
            assert Origin.from_json(text) == FULL

    def test_fields_of_a_newer_version(self) -> None:
        """Hosts can be upgraded one by one: what is not known is passed over."""
        newer = {**json.loads(FULL.to_json()), "mood": {"today": "cheerful"}}
        assert Origin.from_json(json.dumps(newer)) == FULL

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "null",
            "7",
            "[]",
            '"traceparent"',
            "{}",
            '{"tracestate":"a=1"}',
            '{"traceparent":7}',
            '{"traceparent":"00","linq_trace_ids":7}',
            '{"traceparent":"00","linq_trace_ids":[7]}',
            '{"traceparent":"00","message_id":["m1"]}',
            '{"traceparent":"00","accepted_at":"yesterday"}',
            '{"traceparent":"00","requested_at":null}',
            '{"traceparent":"00","requested_at":1.5}',
            "[" * 100_000,
        ],
    )
    def test_garbage(self, text: str) -> None:
        """A row that is no origin is a StoreError, and its message quotes nothing of it."""
        with pytest.raises(StoreError, match=r"^the store holds a row that is no origin: [\w ]+$"):
            Origin.from_json(text)

    @given(st.dictionaries(st.sampled_from(sorted(Origin.__slots__)), JSON))
    def test_any_object(self, row: dict[str, Any]) -> None:
        """An object with our fields is an origin that can be used, or a StoreError."""
        try:
            origin = Origin.from_json(json.dumps(row))
        except StoreError:
            return
        assert isinstance(origin.keys, tuple)
        assert origin.sender is None or origin.sender.is_valid
        assert Origin.from_json(origin.to_json()) == origin


class TestOrigin:
    def test_keys(self) -> None:
        """Message id first, then each attempt's trace id in lower case, then the key."""
        assert FULL.keys == ("message:m1", "trace:t1", "trace:t2", "key:k1")
        assert Origin(TRACEPARENT).keys == ()
        assert store_keys("", (), "") == ()

    @given(ORIGINS)
    def test_has_keys(self, origin: Origin) -> None:
        """That there are some is told without them."""
        assert has_keys(origin) == bool(origin.keys)

    def test_is_accepted(self) -> None:
        """An origin is accepted once there is an answer."""
        assert (FULL.is_accepted, Origin(TRACEPARENT).is_accepted) == (True, False)

    def test_sender(self) -> None:
        """The sending span comes back as a remote one, with its vendor fields."""
        sender = FULL.sender
        assert sender is not None
        assert (sender.is_remote, sender.trace_state.to_header()) == (True, "vendor=1")
        assert format_traceparent(sender) == TRACEPARENT

    def test_no_sender(self) -> None:
        """A traceparent that does not parse is no sender."""
        assert Origin("garbage").sender is None


class TestTraceparent:
    @given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.integers(0, 3))
    def test_round_trip(self, otel_trace_id: int, span_id: int, flags: int) -> None:
        """Ids and both known flags, sampled and random, survive."""
        state = TraceState([("vendor", "1")])
        span = SpanContext(otel_trace_id, span_id, True, TraceFlags(flags), state)  # noqa: FBT003
        text = format_traceparent(span)
        assert text == f"00-{otel_trace_id:032x}-{span_id:016x}-0{flags}"
        assert parse_traceparent(text, "vendor=1") == span

    def test_unknown_flags_are_dropped(self) -> None:
        """Version 00 knows two flags; the others must not be passed on."""
        span = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(0xFF))
        assert format_traceparent(span)[-2:] == "03"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "garbage",
            TRACEPARENT[:-1],
            TRACEPARENT.upper(),
            f"{TRACEPARENT}-extra",
            TRACEPARENT.replace("00-", "ff-", 1),
            f"00-{'0' * 32}-{'1' * 16}-01",
            f"00-{'1' * 32}-{'0' * 16}-01",
        ],
    )
    def test_garbage(self, text: str) -> None:
        """What is not a traceparent is None, and never the current span."""
        assert parse_traceparent(text) is None

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """No text makes it raise."""
        found = parse_traceparent(text, text)
        assert found is None or found.is_valid


class TestHashKey:
    def test_published_form(self) -> None:
        """It is the first half of a SHA-256 in hexadecimal, and so needs no escaping."""
        assert hash_key("order-1042") == "bff83cdfb94d8087b6fd49cb20c427dc"

    @given(st.text(alphabet=st.characters()))
    def test_any_text(self, key: str) -> None:
        """Any text JSON can hold, lone surrogates too, has a hash without the text in it."""
        hashed = hash_key(key)
        assert len(hashed) == 32
        assert set(hashed) <= set("0123456789abcdef")

    def test_phone_number_is_gone(self) -> None:
        """A phone number in a key does not reach the store."""
        origin = Origin(TRACEPARENT, idempotency_key=hash_key("welcome +15550100123"))
        assert "15550100123" not in origin.to_json()
