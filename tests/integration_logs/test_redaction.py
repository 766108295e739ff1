"""
Nothing of people and no secret gets through, however it is written and wherever it stands.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.errors import LogFormatError
from linq_otel.integration_logs import EntrySink
from linq_otel.integration_logs._patterns import find_kinds, redact_text
from linq_otel.integration_logs._redaction import find_id, redact_header, redact_message
from support.log_rows import GHL, INBOUND, answered, read_rows, read_text, row


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


NUMBERS = [
    "+1 415 555 0123", "+1\u00a0415\u00a0555\u00a00123", "415\u2011555\u20110123", "415/555-0123",
    "４１５５５５０１２３", "+١٤١٥٥٥٥٠١٢٣", "٤١٥ ٥٥٥ ٠١٢٣", "4155550123x12", "415-555-0123 ext. 12",
    "%2B14155550123", "%252B14155550123", "%252525252B1%2520415%2520555%25200123", "(415) 555-0123",
    "1.415.555.0123", "0044 20 7946 0018", "020 7946 0018", "01 23 45 67 89", "98765 43210",
    "0511/1234567", "tel14155550123", "phone_14155550123", "user-14155550123", "&#43;14155550123",
    "\\u002b14155550123", "415\u200b555\u200b0123", "+1+415+555+0123", "555-0123",
]  # fmt: skip
ADDRESSES = [
    '"jane doe"@example.com', "jane@example.com", "jane%40example.com", "jane%2540example.com",
    "jane＠example.com", "jane&#64;example.com", "'jane@example.com'",
]  # fmt: skip
TOKENS = [
    "linq_live_abcdefghijkl", "linq_abc123def456", "ghp_abcdefghijklmnop1234", "xoxb-123456-abcdef",
    "AKIAIOSFODNN7EXAMPLE", "github_pat_11ABCDEFG0123456789", "glpat-abcdefghij0123456789",
    "sk-abcdefghijklmnop1234", "Bearer abcdefgh", "token abcdefghijklmnop1234",
    "x-" * 60 + "token=abc1",
]  # fmt: skip
HARMLESS = [
    "cntEXAMPLE0000000001", "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17", "2025-11-04T16:02:11.482Z",
    "00-2eff5df5c6f688733c007523c4d61cd9-00f067aa0ba902b7-01", "192.168.100.200", "1,234,567,890",
    "5f8d0d55b54764421b7156c3", "003000000012345AAA", "linq_trace_id", "14987/15000", "row-1234567",
    "Invalid token: access token is invalid", "1-5f84c7a1-e7d1852db8c4fd35d88bf49a",
    "Naïve café — 100 % sûr", "12345678901234567890",
]  # fmt: skip
ADVERSARIAL: dict[str, Callable[[int], str]] = {
    "names": lambda n: "x-" * n + "@",
    "jwt": lambda n: "eyJ-" * n,
    "token": lambda n: "token:" * n,
    "groups": lambda n: "1 " * n,
    "dashes": lambda n: "1-" * n,
    "ats": lambda n: "a@" * n,
    "encoded": lambda n: "%25" * n,
    "spaces": lambda n: "sid" + " " * n + "x",
    "letters": lambda n: "a" * n,
    "wide": lambda n: "１ " * n,
}


class TestText:
    @pytest.mark.parametrize("text", NUMBERS)
    def test_numbers(self, text: str) -> None:
        """A number is found in any script and any encoding, and what replaces it holds none."""
        said = redact_text(f"call {text}, please")
        assert "{phone}" in said
        assert "0123" not in said
        assert find_kinds(text) == {"phone"}
        assert redact_text(said) == said

    @pytest.mark.parametrize("text", ADDRESSES)
    def test_addresses(self, text: str) -> None:
        """So is an address, quoted or encoded."""
        said = redact_text(f"write to {text} now")
        assert "{email}" in said
        assert "jane" not in said

    @pytest.mark.parametrize("text", TOKENS)
    def test_tokens(self, text: str) -> None:
        """So is a token that names itself, or is named."""
        said = redact_text(f"with {text} it failed")
        assert said.endswith("REDACTED it failed")
        assert redact_text(said) == said

    @pytest.mark.parametrize("text", HARMLESS)
    def test_harmless(self, text: str) -> None:
        """Ids, times, addresses of machines and plain words stay as they are."""
        assert redact_text(text) == text

    def test_encoded_beyond_reason(self) -> None:
        """What is encoded in more ways than anyone does is not looked into, and not shown."""
        text = "+14155550123"
        for _ in range(8):
            text = "".join(f"&#{ord(one)};" for one in text[:1]) + text[1:]
            text = text.replace("&", "%26")
        assert redact_text(text) == "REDACTED"

    def test_message_is_cut_first(self) -> None:
        """A sentence is cut before it is searched, and shows nothing of a number the cut halves."""
        text = "x " * 1_021 + "+1415555" + "0123" + " y" * 9_000
        assert redact_message(text).endswith("x x…")
        assert "415" not in redact_message("{}" * 10 + ("4155550123 " * 300))

    @pytest.mark.parametrize("value", ["Jane Doe called", "call +14155550123", "jane@example.com"])
    def test_headers(self, value: str) -> None:
        """A header that is kept holds an id, a number or a date, and nothing people write."""
        assert redact_header(value) == "REDACTED"
        kept = ["100", "99, 98", "api-usage=14987/15000", "Tue, 04 Nov 2025 18:02:11 GMT"]
        assert [redact_header(one) for one in kept] == kept

    @pytest.mark.parametrize("text", ["4155550123x12", "tel4155550123", "AKIAIOSFODNN7EXAMPLE",
                                      "sms-14155550123", "phone=14155550123"])  # fmt: skip
    def test_ids(self, text: str) -> None:
        """An id is neither a number in disguise nor a token."""
        assert find_id(text) is None

    @pytest.mark.timing
    @pytest.mark.parametrize("kind", ADVERSARIAL)
    def test_linear(self, kind: str) -> None:
        """Twice the text takes twice the time, not four times."""
        taken: list[float] = []
        for length in (2_000, 8_000):
            text = ADVERSARIAL[kind](length)
            taken.append(min(self.measure(text) for _ in range(3)))
        assert taken[1] < 9 * taken[0] + 0.001

    def measure(self, text: str) -> float:
        """Return the seconds of redacting *text*."""
        began = time.thread_time()
        redact_text(text)
        return time.thread_time() - began


class TestUrls:
    @pytest.mark.parametrize(
        ("method", "url", "shown"),
        [
            ("PATCH", "https://a.my.salesforce.com/services/data/v64.0/sobjects/Contact/Phone/14155550123",
             "/services/data/v64.0/sobjects/Contact/Phone/{phone}"),
            ("PATCH", "https://a.my.salesforce.com/services/data/v64.0/sobjects/Contact/Nick_Name__c/Jane",
             "/services/data/v64.0/sobjects/Contact/Nick_Name__c/{value}"),
            ("PATCH", "https://a.my.salesforce.com/services/data/v64.0/sobjects/Contact/Ext__c/14155550123",
             "/services/data/v64.0/sobjects/Contact/Ext__c/{phone}"),
            ("PATCH", "https://api.hubapi.com/crm/v3/objects/contacts/14155550123?idProperty=phone",
             "/crm/v3/objects/contacts/{phone}?idProperty=phone"),
            ("PATCH", "https://api.hubapi.com/crm/v3/objects/contacts/jane?idProperty=firstname",
             "/crm/v3/objects/contacts/{id}?idProperty=firstname"),
            ("PATCH", "https://api.hubapi.com/crm/v3/objects/contacts/14155550123",
             "/crm/v3/objects/contacts/14155550123"),
            ("GET", "https://api.hubapi.com/x/%252B1%2520415%2520555%25200123/y", "/x/{phone}/y"),
            ("GET", f"{GHL}/contacts/lookup/４１５５５５０１２３", "/contacts/lookup/{phone}"),
            ("PUT", f"{GHL}/contacts/phone=14155550123", "/contacts/{phone}"),
            ("GET", f"{GHL}/x?Jane+Doe=1&14155550123=2&limit=5",
             "/x?REDACTED=REDACTED&REDACTED=REDACTED&limit=5"),
            ("GET", "https://crm.example/users/jane/notes", "/users/{id}/notes"),
            ("GET", "https://crm.example/jane.doe/notes", "/{id}/notes"),
        ],
    )  # fmt: skip
    def test_shown(self, method: str, url: str, shown: str) -> None:
        """A path shows no number but that of a CRM that numbers its records, and no name."""
        entry = read_rows(row(method=method, url=url)).entry
        assert entry.target.url.partition("//")[2].partition("/")[2] == shown[1:]
        assert "14155550123" not in entry.ids.values() or "14155550123" in shown


class TestErrors:
    def test_text_that_is_quoted_back(self) -> None:
        """What the request said is not told by the error that quotes it, whole or in part."""
        request = {"body": {"message": "Hi Jane, is the clinic open today?", "firstName": "Jane"}}
        said = "Cannot add: is the clinic open to… (Jane) is too long"
        found = answered({"statusCode": 400, "message": said}, status=400, request=request)
        assert read_rows(found).entry.outcome.error_message == (
            "Cannot add: {text} to… ({text}) is too long"
        )
        quoted = {"statusCode": 400, "message": "Value \"I'm at the clinic\" of 'phone' is bad"}
        assert read_rows(answered(quoted, status=400)).entry.outcome.error_message == (
            "Value \"{text}\" of 'phone' is bad"
        )

    @pytest.mark.parametrize(
        "code", ["ERR_14155550123", "E14155550123", "4155550123", "jane@x.com"]
    )
    def test_code(self, code: str) -> None:
        """A code that holds a number is left out."""
        assert read_rows(answered({"code": code}, status=400)).entry.outcome.error_code is None

    def test_header_names(self) -> None:
        """A header is kept by the words of its name."""
        headers = {
            "x-ratelimit-14155550123": "5",
            "x-ratelimit-jane-doe": "5",
            "x-ratelimit-max": "9",
        }
        entry = read_rows(answered({"messageId": "m1"}, headers=headers)).entry
        assert entry.response.headers == {"x-ratelimit-max": ("9",)}

    @pytest.mark.parametrize(
        "line", ["Jane Doe,hello there,201", "Jane,+14155550123,hello", "URL,jane@example.com,a"]
    )
    def test_a_row_in_place_of_the_heads(self, line: str) -> None:
        """A table without heads is refused, and the complaint quotes none of its first row."""
        with pytest.raises(LogFormatError) as raised:
            read_text(f"{line}\n{line}\n", format="csv")
        assert str(raised.value).partition(":1: ")[2] == (
            "the first line names no columns: name method and url with --map"
        )

    def test_a_name_in_place_of_a_method(self) -> None:
        """A word that is no method is not told."""
        entry = read_rows(row(method="Jane")).entry
        assert (entry.method, entry.method_original) == ("_OTHER", None)


BODY = {
    "customField": "Jane's test was positive", "nick": "jane", "Jane Doe": 1, "note1": "4155550123",
    "type": "SMS", "contactId": "cntEXAMPLE0000000001", "dateAdded": "2025-11-04T16:02:11Z",
    "lat": 40.7128, "deep": [{"anything": "see you at 5"}], "count": 3, "is_new": True,
}  # fmt: skip
KEPT = {
    "customField": "REDACTED", "nick": "REDACTED", "REDACTED": 1, "note1": "REDACTED",
    "type": "SMS", "contactId": "cntEXAMPLE0000000001", "dateAdded": "2025-11-04T16:02:11Z",
    "lat": "REDACTED", "deep": [{"anything": "REDACTED"}], "count": 3, "is_new": True,
}  # fmt: skip


class TestBodies:
    def test_redacted(self) -> None:
        """Of a body ids, dates and the words of a list are kept, under any name."""
        entry = read_rows(row(request={"body": BODY}), bodies="redacted").entry
        assert json.loads(entry.request.body or "") == KEPT

    def test_no_json(self) -> None:
        """A body that is no JSON tells nothing of what is in it."""
        text = "From=%2B14155550123&Body=Hi+Jane"
        assert (
            read_rows(row(request={"body": text}), bodies="redacted").entry.request.body
            == "REDACTED"
        )

    def test_shape(self) -> None:
        """The shape of a body names no person."""
        entry = read_rows(row(request={"body": {"Jane Doe": 1, "type": ""}}), bodies="shape").entry
        assert entry.request.body == '{"REDACTED":"int","type":"str"}'

    def test_capture(self, tmp_path: Path) -> None:
        """The same holds for calls that are written down as they happen."""
        path = tmp_path / "rows.ndjson"
        answer = {"statusCode": 400, "message": "No such thing: see you at 5 o'clock"}
        with EntrySink(path) as sink:
            sink.write("POST", INBOUND, 400, request_body=BODY, response_body=answer)
        written: dict[str, Any] = json.loads(path.read_text("utf-8"))
        assert written["request"]["body"] == KEPT
        assert written["response"]["body"]["message"] == "No such thing: {text} o'clock"
