"""
Files in the shapes people have, each with the rows and the verdicts that are in it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from linq_otel.integration_logs import read
from support.log_rows import NOW_NS, ns


CORPUS = Path(__file__).parent / "corpus"
INBOUND = "POST /conversations/messages/inbound"
CONTACT = "POST /crm/objects/{version}/contacts"

Row = tuple[str, int, str, str]
"""What it asked for, its status, when it began, its verdict."""

DELIVERED: Row = (INBOUND, 201, "2025-11-04T16:02:11.482Z", "delivered")
THROTTLED: Row = (CONTACT, 429, "2025-11-04T16:05:00Z", "throttled")
PASTED: Row = (INBOUND, 201, "2025-11-04T16:02:00Z", "delivered")
REJECTED: Row = (INBOUND, 401, "2025-11-04T16:02:00Z", "rejected")
PROXIED: Row = (INBOUND, 401, "2025-11-04T16:02:11.482Z", "rejected")
SERVED: Row = (INBOUND, 401, "2025-11-04T16:02:11Z", "rejected")

EXPECTED: dict[str, list[Row]] = {
    "apache_vhost.log": [SERVED],
    "attributes_of_json_api.json": [DELIVERED, THROTTLED],
    "browser_request.txt": [REJECTED],
    "caddy.ndjson": [PROXIED],
    "calls_of_a_proxy.har": [DELIVERED],
    "cells_then_panels.txt": [PASTED],
    "cloudflare.ndjson": [SERVED],
    "data_of_a_page.har": [DELIVERED, THROTTLED],
    "empty_data_before_logs.json": [DELIVERED, THROTTLED],
    "envoy.log": [PROXIED],
    "envoy.ndjson": [PROXIED],
    "event_stream.har": [DELIVERED, THROTTLED],
    "graphql_edges.json": [DELIVERED, THROTTLED],
    "heads_and_cells.txt": [REJECTED, THROTTLED],
    "list_within_data.json": [DELIVERED, THROTTLED],
    "mitmproxy.json": [PROXIED],
    "named_integration_logs.json": [DELIVERED, THROTTLED],
    "nginx.log": [SERVED],
    "nginx.ndjson": [PROXIED],
    "no_years.csv": [REJECTED, THROTTLED],
    "numbers_of_a_spreadsheet.csv": [REJECTED, THROTTLED],
    "odd_element.har": [DELIVERED, THROTTLED],
    "opened_row.har": [DELIVERED],
    "other_order_then_panels.txt": [PASTED],
    "pairs_then_panels.txt": [PASTED],
    "pino.ndjson": [PROXIED],
    "separator_line.csv": [REJECTED, THROTTLED],
    "single_spaces.txt": [REJECTED, THROTTLED],
    "socket_messages.har": [DELIVERED, THROTTLED],
    "title_above.csv": [REJECTED, THROTTLED],
    "two_digit_years.csv": [REJECTED, THROTTLED],
    "zones_of_programs.csv": [
        REJECTED,
        THROTTLED,
        (CONTACT, 429, "2025-11-04T16:06:00Z", "throttled"),
        (CONTACT, 429, "2025-11-04T16:07:00Z", "throttled"),
    ],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "nginx.log": {"provider": "gohighlevel"},
    "no_years.csv": {"day": date(2025, 11, 5)},
    "two_digit_years.csv": {"date_order": "mdy"},
    "zones_of_programs.csv": {"timezone": "America/New_York"},
}


class TestCorpus:
    @pytest.mark.parametrize("name", EXPECTED)
    def test_rows(self, name: str) -> None:
        """Each row is read as it stands, and judged."""
        options: dict[str, Any] = {"timezone": "America/Denver", **OPTIONS.get(name, {})}
        reading = read(CORPUS / name, now_ns=NOW_NS, **options)
        found = [
            (one.title, one.status, one.moment.unix_ns, one.outcome.delivery) for one in reading
        ]
        assert found == [(what, code, ns(at), said) for what, code, at, said in EXPECTED[name]]
        assert reading.rejected == ()
