from __future__ import annotations

from pathlib import Path

import pytest

from linq_otel.integration_logs import read
from support.log_rows import NOW_NS


_CORPUS = Path(__file__).parent / "corpus"
_EXPECTED = {
    "plain-table.csv": [
        "201 accepted system",
        "429 throttled system",
        "200 accepted user",
        "204 delivered user",
        "200 not_applicable system",
    ],
    "table-with-empty-cells.csv": [
        "201 unconfirmed unknown",
        "201 accepted unknown",
        "201 delivered unknown",
    ],
    "list-without-bodies.json": ["201 accepted unknown"] * 2,
    "har-without-contents.har": ["201 accepted unknown", "201 unconfirmed unknown"],
    "panel-without-body.txt": ["201 accepted system"],
    "panel-with-empty-body.txt": ["201 unconfirmed system"],
    "gohighlevel-without-ids.ndjson": [
        "201 delivered unknown",
        "200 delivered unknown",
        "200 rejected unknown",
        "201 accepted unknown",
    ],
    "hubspot-legacy.ndjson": [
        "200 delivered unknown",
        "204 delivered unknown",
        "200 delivered unknown",
        "200 delivered unknown",
        "204 delivered unknown",
    ],
    "salesforce-composites.ndjson": [
        "201 delivered unknown",
        "200 delivered unknown",
        "200 partial unknown",
        "201 delivered unknown",
    ],
}


class TestCorpus:
    @pytest.mark.parametrize("name", _EXPECTED)
    def test_rows(self, name: str) -> None:
        """Each file has its rows, with status, verdict and source."""
        entries = list(read(_CORPUS / name, now_ns=NOW_NS))
        assert [f"{e.status} {e.outcome.delivery} {e.source}" for e in entries] == _EXPECTED[name]
