from __future__ import annotations

import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linq_otel._events import Event, parse_event, parse_id, parse_lower_id
from linq_otel._lifecycle import Role, role_of
from linq_otel._origins import hash_key
from linq_otel.errors import MalformedEventError, WebhookError
from linq_otel.testing import EVENT_TYPES
from support import payloads as p


INVENTED = "teleport.beam.started"
NAMES_A_MESSAGE = {"message", "poll", "reaction"}


def facts(event: Event) -> dict[str, Any]:
    """
    Return the fields that are set, but for the payload.
    """
    return {k: v for k, v in asdict(event).items() if v is not None and k != "payload"}


ENVELOPE = {
    "event_id": p.EVENT_ID,
    "linq_trace_id": p.LINQ_TRACE_ID,
    "created_at": p.at_ns(7200),
}
MESSAGE = {
    **ENVELOPE,
    "message_id": p.MESSAGE_ID,
    "chat_id": p.CHAT_ID,
    "direction": "outbound",
    "service": "iMessage",
}


class TestMessageEvents:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("stage", ["sent", "delivered", "read"])
    def test_both_versions_say_the_same(self, stage: str, version: str) -> None:
        """The two payload versions differ in shape, and the event read from them does not."""
        event = parse_event(p.body_of(f"message.{stage}", version))
        reached = list(p.TIMES)[: list(p.TIMES).index(stage) + 1]
        assert facts(event) == {
            **MESSAGE,
            "event_type": f"message.{stage}",
            "webhook_version": version,
            **{f"{name}_at": p.at_ns(p.TIMES[name]) for name in reached},
        }

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_an_inbound_message_names_its_direction(self, version: str) -> None:
        """``direction`` in one version, ``is_from_me`` in the other."""
        event = parse_event(p.body_of("message.received", version))
        assert facts(event) == {
            **MESSAGE,
            "event_type": "message.received",
            "webhook_version": version,
            "direction": "inbound",
        }

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_a_failure_has_a_code_and_no_direction(self, version: str) -> None:
        """``message.failed`` is flat in both versions."""
        event = parse_event(p.body_of("message.failed", version))
        assert facts(event) == {
            **ENVELOPE,
            "event_type": "message.failed",
            "webhook_version": version,
            "message_id": p.MESSAGE_ID,
            "chat_id": p.CHAT_ID,
            "service": "iMessage",
            "failed_at": p.at_ns(4),
            "error_code": 4001,
        }

    def test_a_failure_may_name_no_message(self) -> None:
        """``message_id`` and ``chat_id`` are optional there."""
        event = parse_event(p.envelope("message.failed", {"code": 4001, "failed_at": p.at(4)}))
        assert (event.message_id, event.chat_id, event.error_code) == (None, None, 4001)
        assert event.keys == (f"trace:{p.LINQ_TRACE_ID}",)

    def test_a_poll_s_code_is_nested(self) -> None:
        """``poll.failed`` keeps its code in an object of its own."""
        event = parse_event(p.body_of("poll.failed"))
        assert (event.message_id, event.error_code, event.failed_at) == (
            p.MESSAGE_ID,
            4001,
            p.at_ns(4),
        )

    def test_the_key_is_hashed_and_the_reply_named(self) -> None:
        """People put phone numbers into idempotency keys, so none is kept as it is."""
        data = p.message_data("sent") | {
            "idempotency_key": p.PHONE,
            "reply_to": {"message_id": p.REPLIED_ID.upper(), "part_index": 0},
        }
        event = parse_event(p.envelope("message.sent", data))
        assert (event.idempotency_key, event.reply_to) == (hash_key(p.PHONE), p.REPLIED_ID)
        assert event.keys == (
            f"message:{p.MESSAGE_ID}",
            f"trace:{p.LINQ_TRACE_ID}",
            f"key:{hash_key(p.PHONE)}",
        )

    def test_ids_are_compared_without_case(self) -> None:
        """UUIDs may come in capitals."""
        data = p.message_data("sent") | {"id": p.MESSAGE_ID.upper()}
        assert parse_event(p.envelope("message.sent", data)).message_id == p.MESSAGE_ID


class TestEventTypes:
    def test_there_are_75_types(self) -> None:
        """The list this suite runs over is the SDK's whole enumeration."""
        assert (len(EVENT_TYPES), len(set(EVENT_TYPES))) == (75, 75)

    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("event_type", [*EVENT_TYPES, INVENTED])
    def test_every_type_is_read(self, event_type: str, version: str) -> None:
        """No type needs to be known, and only message families name a message."""
        event = parse_event(p.body_of(event_type, version))
        names_one = event_type.partition(".")[0] in NAMES_A_MESSAGE
        assert {k: v for k, v in facts(event).items() if k in ENVELOPE} == ENVELOPE
        assert (event.event_type, event.webhook_version) == (event_type, version)
        assert event.message_id == (p.MESSAGE_ID if names_one else None)

    @pytest.mark.parametrize(
        "event_type",
        ["chat.created", "payment.succeeded", "connection.created", "api_token.created", INVENTED],
    )
    def test_data_id_is_no_message_elsewhere(self, event_type: str) -> None:
        """``data.id`` is a chat in one event and a payment in another."""
        event = parse_event(p.envelope(event_type, {"id": p.MESSAGE_ID}))
        assert event.message_id is None
        assert event.chat_id == (p.MESSAGE_ID if event_type == "chat.created" else None)

    @pytest.mark.parametrize("event_type", ["reaction.added", "poll.sent", "poll.reaction.added"])
    def test_nor_is_it_in_a_poll_or_a_reaction(self, event_type: str) -> None:
        """Those name their message as ``message_id``, and nothing else will do."""
        assert parse_event(p.envelope(event_type, {"id": p.MESSAGE_ID})).message_id is None

    @pytest.mark.parametrize("event_type", ["payment.succeeded", "chat.created", INVENTED])
    def test_events_of_no_message_name_none(self, event_type: str) -> None:
        """Whatever their data holds."""
        data = {"message_id": p.MESSAGE_ID, "message": {"id": p.MESSAGE_ID}}
        assert parse_event(p.envelope(event_type, data)).message_id is None

    @pytest.mark.parametrize(
        ("event_type", "direction", "role"),
        [
            *((f"message.{s}", "outbound", Role.STAGE) for s in ("sent", "delivered", "read")),
            *((f"poll.{s}", "outbound", Role.STAGE) for s in ("sent", "delivered", "read")),
            *((f"message.{s}", "inbound", Role.MEMBER) for s in ("sent", "delivered", "read")),
            ("message.failed", None, Role.STAGE),
            ("poll.failed", "outbound", Role.STAGE),
            ("message.received", "inbound", Role.INBOUND),
            ("poll.received", "inbound", Role.INBOUND),
            ("message.edited", "outbound", Role.MEMBER),
            ("reaction.added", None, Role.MEMBER),
            ("reaction.removed", None, Role.MEMBER),
            ("poll.reaction.added", None, Role.MEMBER),
            ("poll.updated", "outbound", Role.MEMBER),
            ("poll.vote.added", "inbound", Role.MEMBER),
            ("poll.vote.removed", "inbound", Role.MEMBER),
        ],
    )
    def test_each_type_has_its_role(
        self, event_type: str, direction: str | None, role: Role
    ) -> None:
        """What an event is to its message follows from its type and direction."""
        assert role_of(Event(event_type, direction=direction)) is role

    def test_all_other_types_are_about_no_message(self) -> None:
        """Fifty-eight of the 75, and any other, stay in the trace they arrive in."""
        ambient = [t for t in [*EVENT_TYPES, INVENTED] if role_of(Event(t)) is Role.AMBIENT]
        families = {t.partition(".")[0] for t in ambient}
        assert (len(ambient), families & NAMES_A_MESSAGE) == (59, set())


class TestBodies:
    @pytest.mark.parametrize(
        "wrap",
        [
            bytes,
            bytes.decode,
            json.loads,
            lambda body: OrderedDict(json.loads(body)),
            lambda body: MappingProxyType(json.loads(body)),
        ],
    )
    def test_bytes_text_and_objects_are_read_alike(self, wrap: Any) -> None:
        """A framework may have parsed the body already."""
        body = p.body_of("message.delivered")
        event = parse_event(wrap(body))
        assert event == parse_event(body)
        assert event.payload == json.loads(body)

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "json"),
            (b"{", "json"),
            (b"not json", "json"),
            (b"\xff\xfe{}", "utf8"),
            (b"\xef\xbb\xbf{}", "json"),
            (b"[" * 100_000, "json"),
            (b'{"a":' * 100_000, "json"),
            (b'{"event_type": ' + b"1" * 10_000 + b"}", "json"),
            (b"[]", "object"),
            (b"null", "object"),
            (b"1", "object"),
            (b'"message.sent"', "object"),
            (b"NaN", "object"),
            (b"{}", "event_type"),
            (b'{"event_type": null}', "event_type"),
            (b'{"event_type": 5}', "event_type"),
            (b'{"event_type": ["message.sent"]}', "event_type"),
            (b'{"event_type": ""}', "event_type"),
            (b'{"event_type": "message"}', "event_type"),
            (b'{"event_type": "Message.Sent"}', "event_type"),
            (b'{"event_type": "message.sent\\n"}', "event_type"),
            (b'{"event_type": "message.\\ud800"}', "event_type"),
            (b'{"event_type": "+15550100123"}', "event_type"),
            (b'{"event_type": "ada@example.com"}', "event_type"),
        ],
    )
    def test_what_is_no_event_is_refused(self, body: bytes, reason: str) -> None:
        """The error has one word for a reason, and nothing of the body in its text."""
        with pytest.raises(MalformedEventError) as caught:
            parse_event(body)
        assert (caught.value.reason, caught.value.status) == (reason, 400)
        assert len(str(caught.value)) < 60

    def test_an_event_type_of_ten_thousand_characters_is_refused(self) -> None:
        """A name must stay a name."""
        with pytest.raises(MalformedEventError):
            parse_event({"event_type": "message." + "a" * 10_000})

    def test_the_last_of_duplicate_keys_counts(self) -> None:
        """As everywhere in Python."""
        body = b'{"event_type":"message.sent","event_id":"a1","event_id":"b2","data":{}}'
        assert parse_event(body).event_id == "b2"

    def test_the_payload_stays_out_of_repr(self) -> None:
        """It holds phone numbers and text, and events are logged."""
        shown = repr(parse_event(p.body_of("message.received", p.OLD)))
        assert [word for word in (p.PHONE, p.EMAIL, p.TEXT, "payload") if word in shown] == []


WRONG: list[Any] = [None, 5, -1, 1.5, True, [], {}, [p.MESSAGE_ID], {"id": "a"}, "", "\ud800"]


class TestWrongTypes:
    @pytest.mark.parametrize("value", WRONG)
    def test_a_wrong_envelope_field_is_none(self, value: Any) -> None:
        """An event is read as far as it makes sense."""
        names = ("event_id", "trace_id", "created_at", "webhook_version", "api_version", "data")
        event = parse_event({"event_type": "message.sent", **dict.fromkeys(names, value)})
        assert facts(event) == {"event_type": "message.sent"} or value == {"id": "a"}

    @pytest.mark.parametrize("value", WRONG)
    def test_a_wrong_data_field_is_none(self, value: Any) -> None:
        """So is every field of ``data``."""
        data = dict.fromkeys([*p.message_data("read"), "message", "message_id", "code"], value)
        data |= {"is_from_me": None, "code": str(value), "error": value, "reply_to": value}
        data |= {"idempotency_key": None, "chat": value if value != {"id": "a"} else None}
        data |= {"message": value if value != {"id": "a"} else None}
        event = parse_event({"event_type": "message.sent", "data": data})
        assert facts(event) == {"event_type": "message.sent"}

    @pytest.mark.parametrize("code", [True, -1, 100_000, 10**40, 4001.0, "4001", None])
    def test_a_code_is_a_small_number(self, code: Any) -> None:
        """Linq's codes have four digits."""
        assert parse_event(p.envelope("message.failed", {"code": code})).error_code is None

    @pytest.mark.parametrize(
        "time",
        [
            "9999-12-31T23:59:59Z",
            "1970-01-01T00:00:00Z",
            "2026-13-45T99:99:99Z",
            "2026-09-21",
            "2026-09-21T13:33:20",
            "yesterday",
            "0" * 10_000,
            1_789_997_600,
            "",
        ],
    )
    def test_what_is_no_time_of_our_days_is_none(self, time: Any) -> None:
        """A span at year 9999 harms its whole trace."""
        data = p.message_data("read") | {"read_at": time}
        assert parse_event(p.envelope("message.read", data, created_at=time)).read_at is None
        assert parse_event(p.envelope("message.read", data, created_at=time)).created_at is None

    @pytest.mark.parametrize("version", ["2027-01-01", "2026-02-03"])
    def test_unknown_versions_are_named(self, version: str) -> None:
        """A version that does not exist yet is read by the same rules."""
        event = parse_event(p.body_of("message.sent", webhook_version=version))
        assert (event.webhook_version, event.message_id) == (version, p.MESSAGE_ID)

    @pytest.mark.parametrize("version", ["v3", "latest", "2026-02-03T00:00", 3, None, "x" * 10_000])
    def test_what_is_no_version_is_none(self, version: Any) -> None:
        """Versions are dates."""
        assert parse_event(p.body_of("message.sent", webhook_version=version)).webhook_version is (
            None
        )


class TestIds:
    @pytest.mark.parametrize(
        "text",
        [
            p.MESSAGE_ID,
            p.LINQ_TRACE_ID,
            "abc123def456",
            "trace_abc123def456",
            "3bff6ef6d7g799844d118634d5e72de0",
            "ab" * 16,
            "a1",
            "123456",
            "1234567890123456",
            "x1" * 64,
        ],
    )
    def test_an_opaque_id_is_kept(self, text: str) -> None:
        """Linq's own samples hold all of these forms."""
        assert parse_id(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            p.PHONE,
            "15550100123",
            "5550123",
            "1-555-010-0123",
            "1_555_010_0123",
            "(555) 010-0123",
            p.EMAIL,
            p.TEXT,
            "Hello",
            "x1" * 65,
            "x1" * 5_000,
            "-a",
            "_a",
            "a b",
            "a\n",
            "é",
            "\ud800",
            "",
            None,
            5,
            b"abc",
            ["abc"],
        ],
    )
    def test_what_may_be_a_person_s_address_is_not(self, text: Any) -> None:
        """A phone number or e-mail in the place of an id is none, however it is grouped."""
        assert (parse_id(text), parse_lower_id(text)) == (None, None)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    *("id", "message_id", "chat", "chat_id", "message", "direction", "is_from_me", "reply_to"),
    *("sent_at", "delivered_at", "read_at", "failed_at", "code", "error", "service"),
    "idempotency_key",
]


class TestArbitraryBodies:
    @given(body=st.one_of(st.binary(), st.text(), JSON.map(json.dumps)))
    def test_only_our_own_error_comes_out(self, body: Any) -> None:
        """Bytes and text of any kind are refused by a `WebhookError` or read."""
        with suppress(WebhookError):
            assert isinstance(parse_event(body), Event)

    @given(
        event_type=st.sampled_from([*EVENT_TYPES, INVENTED]),
        data=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
        rest=st.dictionaries(
            st.sampled_from(["event_id", "trace_id", "created_at", "webhook_version"]), JSON
        ),
    )
    def test_an_envelope_of_anything_is_read(
        self, event_type: str, data: dict[str, Any], rest: dict[str, Any]
    ) -> None:
        """With an event type there is an event, and its fields are of their types or None."""
        event = parse_event({"event_type": event_type, "data": data, **rest})
        found = facts(event)
        texts = {"event_type", "event_id", "linq_trace_id", "webhook_version", "message_id"}
        texts |= {"chat_id", "reply_to", "idempotency_key", "direction", "service"}
        assert {name for name, value in found.items() if isinstance(value, str)} <= texts
        assert all(type(value) is int for name, value in found.items() if name not in texts)
        assert all(isinstance(key, str) and key.isascii() for key in event.keys)
