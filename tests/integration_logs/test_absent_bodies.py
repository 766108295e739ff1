from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import SeverityNumber

from linq_otel.integration_logs._drawing import severity_of
from linq_otel.integration_logs._figure_tables import build_tables
from linq_otel.integration_logs._figures import count_figures
from support.log_rows import GHL, INBOUND, TIME, answered, read_rows, read_text, row


if TYPE_CHECKING:
    from linq_otel.integration_logs import Entry


HUBSPOT = "https://api.hubapi.com/crm/v3/objects/communications"
SALESFORCE = "https://acme.my.salesforce.com/services/data/v64.0/sobjects/Task"
SENT = {"body": {"type": "SMS"}}


def verdicts(entries: list[Entry]) -> list[str]:
    return [entry.outcome.delivery for entry in entries]


def har(content: dict[str, Any]) -> str:
    request = {"method": "POST", "url": INBOUND}
    response = {"status": 201, "content": content}
    entry: dict[str, Any] = {
        "startedDateTime": TIME,
        "time": 9,
        "request": request,
        "response": response,
    }
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}})


class TestAbsentBody:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    @pytest.mark.parametrize("url", [INBOUND, HUBSPOT, SALESFORCE, "https://crm.example/hook"])
    def test_table(self, url: str, status: int) -> None:
        """A success in the table is accepted: the table says nothing of bodies."""
        text = f"Method,URL,Status,Source,Date\nPOST,{url},{status},System,{TIME}\n"
        (entry,) = read_text(text).entries
        assert (entry.outcome.delivery, entry.outcome.is_failure, severity_of(entry)) == (
            "accepted",
            False,
            SeverityNumber.INFO,
        )

    @pytest.mark.parametrize(
        "shown",
        [
            {},
            {"response": {}},
            {"response": None, "request": None},
            {"response_body": None},
            {"response": {"headers": None, "body": None}},
            {"response": {"headers": {"content-length": "42"}}},
            {"request": SENT},
            {"request": SENT, "response": {"headers": {"date": "Tue, 04 Nov 2025 16:02:12 GMT"}}},
        ],
    )
    def test_not_shown(self, shown: dict[str, Any]) -> None:
        """A list without bodies is no list of empty ones."""
        text = json.dumps({"method": "POST", "url": INBOUND, "status": 201, "date": TIME} | shown)
        assert verdicts(read_text(text).entries) == ["accepted"]

    @pytest.mark.parametrize(
        "shown",
        [
            {"response_body": ""},
            {"request": SENT, "response": None},
            {"request": SENT, "response": ""},
            {"request": SENT, "response_body": None},
            {"response": {"headers": {}, "body": None}},
            {"response": {"headers": {"Content-Length": "0"}}},
        ],
    )
    def test_empty(self, shown: dict[str, Any]) -> None:
        """A body that is shown to be empty confirms nothing."""
        text = json.dumps({"method": "POST", "url": INBOUND, "status": 201, "date": TIME} | shown)
        (entry,) = read_text(text).entries
        assert (entry.outcome.delivery, severity_of(entry)) == ("unconfirmed", SeverityNumber.WARN)

    def test_empty_cell(self) -> None:
        """A cell of a column for bodies is empty; one that a short line lacks is not known."""
        lines = ["Method,URL,Status,Date,Response Body"]
        lines += [f"POST,{INBOUND},201,{TIME},", f"POST,{INBOUND},200,{TIME}"]
        assert verdicts(read_text("\n".join(lines)).entries) == ["unconfirmed", "accepted"]

    @pytest.mark.parametrize(
        ("content", "verdict"),
        [
            ({"size": 0, "mimeType": "x-unknown"}, "unconfirmed"),
            ({"size": 51, "mimeType": "application/json"}, "accepted"),
            ({"size": -1}, "accepted"),
            ({}, "accepted"),
            ({"size": 0, "text": ""}, "unconfirmed"),
        ],
    )
    def test_har(self, content: dict[str, Any], verdict: str) -> None:
        """A HAR saved without contents says how long they were."""
        assert verdicts(read_text(har(content)).entries) == [verdict]

    @pytest.mark.parametrize(
        ("panel", "verdict"),
        [
            ("", "accepted"),
            ("Response\nStatus Code\n201\nHeaders\nversion: v3\n", "accepted"),
            ("Response\nStatus Code\n201\nBody\n\n", "unconfirmed"),
            ("Response\nBody\nHeaders\nversion: v3\n", "unconfirmed"),
        ],
    )
    def test_panel(self, panel: str, verdict: str) -> None:
        """A heading without lines shows an empty body; no heading shows none."""
        text = f"POST\t{INBOUND}\t201\tSystem\t{TIME}\n{panel}"
        assert verdicts(read_text(text).entries) == [verdict]

    def test_says_success(self) -> None:
        """An answer that says success and names nothing is accepted, from any CRM."""
        rows = [answered({"success": True}, url=url) for url in (INBOUND, HUBSPOT, SALESFORCE)]
        assert verdicts(read_rows(*rows).entries) == ["accepted"] * 3

    def test_figures(self) -> None:
        """Rows of the table are neither failures nor unconfirmed."""
        rows = (row(response=None), row(method="DELETE", url=f"{GHL}/contacts/c1", response=None))
        figures = count_figures(read_rows(*rows).entries)
        (summary, *_) = (dict(table.rows) for table in build_tables(figures)[:1])
        counted = ("not delivered", "accepted", "unconfirmed")
        assert [summary[name] for name in counted] == [0, 2, 0]
