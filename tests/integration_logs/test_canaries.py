"""
Thousands of numbers, names, addresses and tokens, one in every field of a row: none comes out.

What is looked for is a canary's digits, its name or its word, so a part that gets through is found
as well as the whole.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from linq_otel.cli._app import app
from support.log_rows import GHL, INBOUND, lines


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 200
PLACES = 24
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
NUMBERS: tuple[Callable[[str], str], ...] = (
    lambda d: f"+1{d}",
    lambda d: f"1{d}",
    lambda d: f"({d[:3]}) {d[3:6]}-{d[6:]}",
    lambda d: f"{d[:3]}\u00a0{d[3:6]}\u2011{d[6:]}",
    lambda d: f"{d[:3]}/{d[3:6]}-{d[6:]}",
    lambda d: f"{d}x12",
    lambda d: f"+1{d}".translate(WIDE),
    lambda d: d.translate(ARABIC),
    lambda d: quote(quote(f"+1 {d}", safe=""), safe=""),
    lambda d: f"tel:+1-{d[:3]}-{d[3:]}",
    lambda d: f"sms_1{d}",
)
LETTERS = "bdfgklmnprstvz"
CANARY = re.compile(rf"(?=(555\d{{7}}|(?:[qw]|k7)[{LETTERS}]{{9}}))", re.ASCII)
BODY = re.compile(
    r'\{"key": ?"http\.(?:request|response)\.body\.content", ?"value": ?\{"stringValue": ?'
    r'"(?:[^"\\]|\\.)*"\}\}'
)
TOKENS: tuple[Callable[[str], str], ...] = (
    lambda w: f"linq_{w}",
    lambda w: f"ghp_{w}{w}",
    lambda w: f"xoxb-{w}",
    lambda w: f"AKIA{w.upper()}",
    lambda w: f"Bearer {w}",
    lambda w: f"api_key={w}",
    lambda w: f"sk-{w}{w}",
)


class Canaries:
    """
    Makes private things, each of them once.

    Attributes:
        marks: What must not come out: digits, or words, in lower case.
    """

    def __init__(self) -> None:
        self._chance = random.Random(17)
        self.marks: set[str] = set()

    def make(self) -> str:
        """
        Make the next.
        """
        return self._chance.choice((self.number, self.name, self.address, self.token))()

    def number(self) -> str:
        """
        Make a phone number, in any spelling.
        """
        digits = f"555{self._chance.randrange(2_000_000, 9_999_999)}"
        self.marks.add(digits)
        return self._chance.choice(NUMBERS)(digits)

    def word(self, start: str) -> str:
        """
        Make a word that stands nowhere else.
        """
        word = start + "".join(self._chance.choices(LETTERS, k=9))
        self.marks.add(word.lower())
        return word

    def name(self) -> str:
        """
        Make a person's full name.
        """
        return f"{self.word('Q').capitalize()} {self.word('W').capitalize()}"

    def address(self) -> str:
        """
        Make an e-mail address.
        """
        local = self.word("q")
        forms = (f"{local}@example.com", f'"{local} x"@example.com', f"{local}%2540example.com")
        return self._chance.choice(forms)

    def token(self) -> str:
        """
        Make a secret.
        """
        return self._chance.choice(TOKENS)(self.word("k7") + "0123")


def make_row(number: int, canaries: Canaries) -> dict[str, Any]:
    """
    Make one row, with a canary in each field that can hold one.
    """
    make, digits = canaries.make, canaries.number
    text = f"Hello {make()}, this is {make()}"
    urls = (
        INBOUND,
        f"{GHL}/contacts/{quote(make())}",
        f"{GHL}/contacts/search/duplicate?number={quote(make())}&{quote(make())}=1",
        f"https://api.hubapi.com/crm/v3/objects/contacts/{quote(digits())}?idProperty=phone",
        f"https://a.my.salesforce.com/services/data/v64.0/sobjects/Contact/Phone/{quote(digits())}",
        f"https://crm.example/{quote(make())}/x?q={quote(make())}#{quote(make())}",
    )
    # HubSpot numbers its records, so a number there may be an id.
    name_id = canaries.name if "hubapi" in urls[number % len(urls)] else make
    status = (201, 400, 429, 500, 200)[number % 5]
    request = {
        "message": text, "phone": digits(), "firstName": make(), "custom_field": make(),
        "contactId": name_id(), "messageId": name_id(), "note": {make(): [make()]}, "type": make(),
        "conversationId": name_id(), "associations": [{"to": {"id": name_id()}}], "plain": text,
    }  # fmt: skip
    # A CRM quotes what it was sent; a name it makes up itself nothing could tell from its words.
    quoted = f"Invalid {request['firstName']} of {digits()}: '{text}' {canaries.token()} {text}"
    answer = {
        "statusCode": status, "message": quoted, "traceId": make(), "category": make(),
        "code": make(), "error": {"code": make(), "message": quoted}, "id": name_id(),
        "errors": [{"message": quoted, "code": make()}],
        "messageId": name_id(), "contact": {"id": name_id(), make(): make()},
    }  # fmt: skip
    headers = {
        "x-request-id": make(), "cf-ray": make(), "version": make(), "retry-after": make(),
        "x-ratelimit-remaining": digits(), f"x-ratelimit-{make()}": "1", make(): make(),
        "content-type": make(), "x-trace-id": make(), "authorization": make(), "date": make(),
        "sforce-limit-info": make(), "x-hubspot-ratelimit-max": make(),
    }  # fmt: skip
    return {
        "id": make(), "method": "POST", "url": urls[number % len(urls)], "status": status,
        "source": make(), "timestamp": 1_762_272_131_482 + number, "traceId": make(),
        "attempt": make(), "duration_ms": make(), "event_id": make(), "event_type": make(),
        "linq_trace_id": make(), make(): make(),
        "request": {"headers": headers, "body": request},
        "response": {"headers": headers, "body": make() if number % 11 == 0 else answer},
    }  # fmt: skip


def find_leaks(said: str, canaries: Canaries) -> list[str]:
    """
    Return what of *canaries* stands in *said*, with the words around it.
    """
    said = said.lower()
    return [
        said[max(0, match.start() - 60) : match.end() + 40]
        for match in CANARY.finditer(said)
        if match[1] in canaries.marks
    ]


def run(path: Path, *arguments: str) -> str:
    """
    Run a command in this process, and return all that it printed.
    """
    result = CliRunner().invoke(app, [*arguments, str(path)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.mark.slow
class TestCanaries:
    def test_nothing_comes_out(self, tmp_path: Path) -> None:
        """Spans, log records, figures, answers and reports hold none of ten thousand."""
        canaries = Canaries()
        path = tmp_path / "rows.ndjson"
        path.write_text(lines(*(make_row(number, canaries) for number in range(ROWS))), "utf-8")
        assert len(canaries.marks) > 40 * ROWS
        assert len(find_leaks(path.read_text("utf-8"), canaries)) > ROWS
        said: dict[str, str] = {}
        for bodies in ("none", "shape", "redacted"):
            output = tmp_path / f"{bodies}.jsonl"
            options = ("--signal", "both", "--detail", "--bodies", bodies, "--output", str(output))
            said[f"import {bodies}"] = run(path, "import", *options)
            said[f"import {bodies}: signals"] = output.read_text("utf-8")
        assert len(said["import none: signals"]) > 1_000 * ROWS
        for form in ("table", "json", "csv", "html"):
            said[f"stats {form}"] = run(path, "stats", "--as", form)
        said["why"] = run(path, "why", "no text in GoHighLevel")
        said["why json"] = run(path, "why", "no text in GoHighLevel", "--json")
        leaks = {
            name: found[:5] for name, text in said.items() if (found := find_leaks(text, canaries))
        }
        assert leaks == {}

    def test_full_bodies(self, tmp_path: Path) -> None:
        """Where bodies are wanted whole, people stand in the bodies, and nowhere else."""
        canaries = Canaries()
        path, output = tmp_path / "rows.ndjson", tmp_path / "out.jsonl"
        path.write_text(lines(*(make_row(number, canaries) for number in range(200))), "utf-8")
        options = ("--bodies", "full", "--allow-full-bodies", "--output", str(output))
        run(path, "import", "--signal", "both", "--detail", *options)
        said: list[str] = []
        for line in output.read_text("utf-8").splitlines():
            without = BODY.sub("", line)
            assert without != line or "body.content" not in line
            said += find_leaks(without, canaries)
        assert said == []

    def test_report(self, tmp_path: Path) -> None:
        """A report on a row tells nothing of its people either, with its bodies or without."""
        canaries = Canaries()
        path = tmp_path / "rows.ndjson"
        rows = [make_row(number, canaries) for number in range(60)]
        for number, one in enumerate(rows):
            one["id"] = f"row-{number}"
        path.write_text(lines(*rows), "utf-8")
        for number in range(0, 60, 13):
            for more in ([], ["--include-bodies"]):
                folder = tmp_path / f"{number}{len(more)}"
                folder.mkdir()
                said = run(path, "report", f"row-{number}", "--output", str(folder), *more)
                written = [one.read_text("utf-8") for one in folder.iterdir()]
                assert len(written) == 2, said
                assert find_leaks("\n".join([said, *written]), canaries) == []
        assert json.loads((tmp_path / "00" / "report.json").read_text("utf-8"))["calls"]
