from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linq_otel.integration_logs._entries import Entry
from linq_otel.integration_logs._fields._json_values import JsonReader, clean_text
from linq_otel.integration_logs._findings import Findings
from linq_otel.integration_logs._packing import pack, unpack
from linq_otel.integration_logs._patterns import find_kinds, is_secret_word
from linq_otel.integration_logs._redaction import find_id, is_masked
from support.log_rows import MADE, TIME_NS, answered, ns, read_rows, read_text, row


if TYPE_CHECKING:
    from collections.abc import Mapping


LINQ = "8af9171a45022df2eb74ba4e4c83be0f"
DIRTY = st.sampled_from(
    ["a", "\\", '"', "\t", "\n", "\x00", "\x1f", "\x7f", "é", "😀", "\ud83d", ":"]
)
texts = st.lists(DIRTY, max_size=6).map("".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def clean(value: Any) -> Any:
    """Clean *value*, looking at every text in it."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


class TestJson:
    @given(value=values, is_escaped=st.booleans(), is_loose=st.booleans())
    @settings(max_examples=200)
    def test_clean(self, *, value: Any, is_escaped: bool, is_loose: bool) -> None:
        """What a strict scan lets through is as clean as if every text was looked at."""
        text = json.dumps(value, ensure_ascii=is_escaped).replace("\\u007f", "\x7f")
        if is_loose:
            text = re.sub(r"\\u00([01][0-9a-f])", lambda m: chr(int(m[1], 16)), text)
            text = text.replace("\\t", "\t").replace("\\n", "\n")
        # Halves of surrogate pairs that are written out come from no file.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert JsonReader(Findings()).parse(text) == clean(json.loads(text, strict=False))

    @given(value=values)
    @settings(max_examples=100)
    def test_write(self, value: Any) -> None:
        """The encoder that is kept writes what json.dumps() writes."""
        compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        assert JsonReader(Findings()).write(value) == compact

    def test_write_without_accelerator(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """So does the plain one, where Python has no other."""
        monkeypatch.setattr("json.encoder.c_make_encoder", None)
        reader = JsonReader(Findings())
        assert reader.write({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'

    def test_mended_once(self) -> None:
        """What is mended is counted once, though a loose text is scanned twice."""
        odd = '"x": {"k": NaN, "k": 1}, "source": "a\tb", "url"'
        one = json.dumps(row()).replace('"url"', odd)
        found = read_text(one)
        assert found.warnings == {"duplicate_key": 1, "number_dropped": 1, "unknown_field": 1}


class TestTimes:
    @given(
        moment=st.datetimes(datetime(2016, 1, 1), datetime(2025, 11, 1)),  # noqa: DTZ001
        minutes=st.integers(-14 * 60, 14 * 60),
    )
    @example(moment=datetime(2024, 2, 29, 23, 59, 59, 999_999), minutes=-840)  # noqa: DTZ001
    @settings(max_examples=100)
    def test_iso(self, moment: datetime, minutes: int) -> None:
        """Whole numbers add up to the moment that dates do."""
        zone = timezone(timedelta(minutes=minutes))
        text = moment.replace(tzinfo=zone).isoformat(timespec="microseconds")
        assert read_rows(row(timestamp=text)).entry.moment.unix_ns == ns(text)

    @pytest.mark.parametrize("digits", [10, 13, 16, 19])
    def test_epoch(self, digits: int) -> None:
        """A number means what its digits mean."""
        whole = TIME_NS // 10 ** (19 - digits)
        number, text = (read_rows(row(timestamp=one)).entry for one in (whole, str(whole)))
        assert number == text
        assert number.moment.unix_ns == whole * 10 ** (19 - digits)

    @pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60-14:00"])
    def test_edge_of_the_calendar(self, text: str) -> None:
        """A moment beyond all years is a row that is left out, and the next is read."""
        found = read_rows(row(timestamp=text), row())
        assert (len(found.entries), found.rejects) == (
            1,
            [(1, "timestamp", "lies before 2015 or in the future")],
        )

    @pytest.mark.parametrize("offset", ["+15:00", "-15:00", "+23:59"])
    def test_an_offset_no_zone_has(self, offset: str) -> None:
        """Such a time is not guessed at: its row is left out, and the next is read."""
        found = read_rows(row(timestamp=f"2025-11-04T18:02:11{offset}"), row())
        assert (len(found.entries), found.rejects) == (
            1,
            [(1, "timestamp", "has an offset from UTC that no zone has")],
        )


SECRETS = [
    "token",
    "Secret",
    "api_key",
    "hapikey",
    "sid",
    "session-id",
    "passwd",
    "signature",
    "credentials",
    "eyJabcde.",
    "pit-",
    "pat-na1-",
    "whsec_",
    "sk_live_",
    "rk_test_",
    "bearer",
    "a",
]
PARTS = ("", "x", "_", "-", ".", "0", "12345678", "abcdefgh", "555-123-4567", "00Dabcdef")
WORDS = ["".join(one) for one in product(PARTS, SECRETS, ("", "=", ":", "-"), PARTS)]


class TestIds:
    def test_secret_words(self) -> None:
        """A word of these characters is a secret exactly where the long search says so."""
        secret = [word for word in WORDS if "secret" in find_kinds(word)]
        assert [word for word in WORDS if is_secret_word(word)] == secret
        assert 0 < len(secret) < len(WORDS)

    @given(word=st.sampled_from(WORDS) | st.text("ab1x*•[]_.:=-@%", max_size=8))
    @settings(max_examples=300)
    def test_kept(self, word: str) -> None:
        """An id is no mask, and one of more than letters and digits no secret and no address."""
        kept = find_id(word)
        if kept is not None:
            assert not is_masked(kept)
            assert kept.isalnum() or find_kinds(kept).isdisjoint({"secret", "email"})

    @pytest.mark.parametrize("mask", ["REDACTED", "redacted", "[Hidden]", "xxx", "****", " XXXX "])
    def test_a_mask_is_none(self, mask: str) -> None:
        """What somebody has hidden is nobody's id: two rows with it have nothing in common."""
        assert find_id(mask) is None


names = st.sampled_from(
    ["Content-Type", "Version", "X-RateLimit-Max", "x-ratelimit-remaining", "cf-ray", "Cookie",
     "X-Request-Id", "x-trace-id", "traceparent", "Authorization", "Date", "sforce-limit-info"]
)  # fmt: skip
contents = st.sampled_from(
    ["application/json; charset=utf-8", "100", "99, 98", "0", "", "2021-04-15", "Bearer 1abcdef",
     "[REDACTED]", LINQ, "Tue, 04 Nov 2025 18:02:11 GMT", "call +15551230001", "1" * 17, "v1 "]
)  # fmt: skip
said = st.dictionaries(
    st.sampled_from(["success", "messageId", "contactId", "traceId", "statusCode", "phone", "to",
                     "message", "errors", "meta", "id", "locationId", "altId", "policyName"]),
    st.none() | st.booleans() | st.integers(0, 600)
    | st.sampled_from(["m1", "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17", "+15551230001", "Hi you", "1"])
    | st.just({"traceId": "x9", "id": "i1"}) | st.just([{"success": False}, {"statusCode": 400}]),
    max_size=6,
)  # fmt: skip


class TestClothes:
    @given(headers=st.dictionaries(names, contents, max_size=5), sent=said, got=said)
    @settings(max_examples=200)
    @pytest.mark.slow
    def test_same_entry(self, headers: Mapping[str, str], sent: Any, got: Any) -> None:
        """A row in its common form makes the entry that it makes in any other."""
        common = row(
            timestamp=TIME_NS // 1_000_000,
            request={"headers": headers, "body": sent},
            response={"headers": headers, "body": got},
        )
        pairs = [{"name": name, "value": value} for name, value in headers.items()]
        odd = row(
            status="201 Created",
            timestamp=str(TIME_NS // 1_000_000),
            request={"Header": pairs, "payload": json.dumps(sent, indent=1)},
            response=None,
            response_headers=json.dumps(headers),
            response_body=json.dumps(json.dumps(got)),
        )
        one, other = read_rows(common), read_rows(odd)
        assert one.entry == other.entry
        assert one.warnings == other.warnings


ROWS = (
    row(),
    row(response=None, duration_ms=1.5, id="r1", source="User", linq_trace_id=LINQ, attempt=2),
    answered(
        {"traceId": "x9", "messageId": "m1", "contactId": "c1"},
        request={"body": {"to": "+15551230001"}},
    ),
    answered({"message": "no"}, 401, headers={"x-ratelimit-remaining": "0", "Version": "v1"}),
    row(timestamp="2025-11-02 01:30:12", timezone="America/Denver", response={"body": MADE}),
)  # fmt: skip


class TestPacked:
    @pytest.mark.parametrize("one", ROWS)
    def test_whole(self, one: dict[str, Any]) -> None:
        """An entry comes back from the temporary file with every field of it."""
        entry = read_rows(one, bodies="redacted", pseudonym_key="k").entry
        again = unpack(pack(entry))
        assert (again, repr(again), type(again)) == (entry, repr(entry), Entry)
        assert again.to_dict() == entry.to_dict()

    def test_every_field(self) -> None:
        """No field is taken for another: each value comes back where it was."""
        entry = read_rows(ROWS[1]).entry
        for name in {*entry.__dataclass_fields__} - {"crm_trace"}:
            if isinstance(getattr(entry, name), (str, int, type(None))):
                changed = replace(entry, **{name: f"only {name}"})
                assert unpack(pack(changed)) == changed

    @pytest.mark.parametrize("part", ["", "place", "target", "moment", "request", "rate_limit"])
    def test_frozen(self, part: str) -> None:
        """What was quickly made is as frozen as what was not, and so is what was packed."""
        entry = read_rows(answered(MADE, headers={"x-ratelimit-max": "9"})).entry
        for one in (entry, unpack(pack(entry))):
            held = getattr(one, part) if part else one
            name = next(iter(held.__dataclass_fields__))
            with pytest.raises(FrozenInstanceError):
                setattr(held, name, None)
