"""
What the public references of three CRMs answer to every write, against what is made of it.

``corpus/documented_successes.tsv`` holds an operation a line: the status and the answer that the
reference documents, the verdict, and the reference. ``highlevel-api-docs`` stands for
https://github.com/GoHighLevel/highlevel-api-docs, and ``hubspot-api-client`` for the client that
HubSpot generates from its reference (https://github.com/HubSpot/hubspot-api-nodejs).
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.log_rows import GHL, INBOUND, answered, read_rows, row


HUBSPOT = "https://api.hubapi.com"
SALESFORCE = "https://acme.my.salesforce.com/services/data/v64.0"
_HOSTS = {"gohighlevel": GHL, "hubspot": HUBSPOT, "salesforce": SALESFORCE}
_TABLE = Path(__file__).parent / "corpus" / "documented_successes.tsv"


def load_table() -> list[dict[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def answer(line: dict[str, str]) -> dict[str, Any]:
    url = _HOSTS[line["provider"]] + re.sub(r"\{\w+\}", "abc1", line["path"])
    call = {"method": line["method"], "url": url, "status": int(line["status"])}
    if line["body"] == "(not documented)":
        return row(**call, response=None)
    body = "" if line["body"] == "(none)" else json.loads(line["body"])
    return row(**call, response={"body": body})


class TestDocumentedSuccesses:
    def test_verdicts(self) -> None:
        """Each documented success has the verdict of the table, from the provider of its host."""
        table = load_table()
        entries = read_rows(*map(answer, table)).entries
        found = [
            {**line, "provider": entry.provider, "verdict": entry.outcome.delivery}
            for line, entry in zip(table, entries, strict=True)
        ]
        assert [one for one in found if one not in table] == []

    def test_none_is_doubted(self) -> None:
        """No documented success is doubted, and each that documents its answer is confirmed."""
        by_words = {"(not documented)", '"ok"', '"SUCCESS"'}
        assert [
            line
            for line in load_table()
            if line["verdict"] not in {"delivered", "not_applicable"}
            and (line["verdict"], line["body"]) not in {("accepted", word) for word in by_words}
        ] == []

    @pytest.mark.parametrize(
        ("method", "url", "status", "body", "verdict"),
        [
            ("POST", f"{GHL}/contacts/c1/tags", 201, "", "unconfirmed"),
            ("POST", f"{GHL}/contacts/c1/tags", 201, {}, "unconfirmed"),
            ("POST", f"{GHL}/contacts/c1/workflow/w1", 200, {"succeded": False}, "rejected"),
            ("DELETE", f"{GHL}/products/p1", 200, {"status": False}, "rejected"),
            ("PUT", f"{GHL}/medias/update-files", 200, "", "accepted"),
            ("POST", f"{GHL}/contacts", 201, {"traceId": "t1"}, "unconfirmed"),
            ("POST", INBOUND, 201, {"conversationId": "c1"}, "unconfirmed"),
            ("POST", INBOUND, 201, {"success": True, "conversationId": "c1"}, "accepted"),
            ("POST", INBOUND, 201, "true", "accepted"),
            ("POST", INBOUND, 201, "<html>", "unconfirmed"),
            ("POST", f"{GHL}/contacts/c1/tags", 201, '{"tags": ["a"', "unconfirmed"),
            ("POST", f"{HUBSPOT}/crm/v3/objects/communications", 204, "", "accepted"),
            ("POST", f"{HUBSPOT}/crm/v3/objects/notes", 201, {"status": "error"}, "rejected"),
            (
                "POST",
                f"{HUBSPOT}/crm/v4/associations/contacts/deals/batch/create",
                201,
                {"results": [], "errors": [{"status": "error"}]},
                "partial",
            ),
            ("POST", f"{SALESFORCE}/composite/tree/Account", 201, {"hasErrors": True}, "partial"),
            (
                "POST",
                f"{SALESFORCE}/composite/graph",
                200,
                {"graphs": [{"isSuccessful": True}, {"isSuccessful": False}]},
                "partial",
            ),
            ("POST", f"{SALESFORCE}/actions/standard/x", 200, [{"isSuccess": False}], "partial"),
        ],
    )
    def test_not_a_success(
        self, method: str, url: str, status: int, body: Any, verdict: str
    ) -> None:
        """What looks like one is not taken for one."""
        entry = read_rows(answered(body, status, method=method, url=url)).entry
        assert entry.outcome.delivery == verdict
