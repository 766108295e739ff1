from __future__ import annotations

from typing import TYPE_CHECKING, Any

from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._figure_tables import build_tables
from linq_otel.integration_logs._figures import Figures, count_figures
from linq_otel.integration_logs._pages import render_page
from support.log_rows import INBOUND, MADE, answered, read_rows, row


if TYPE_CHECKING:
    from collections.abc import Mapping


START = 1_762_272_000_000
LINQ = "8af9171a45022df2eb74ba4e4c83be0f"


def figures_of(*rows: dict[str, Any]) -> Figures:
    with Chronicle(read_rows(*rows).entries) as chronicle:
        return count_figures(chronicle)


def tables_of(figures: Figures) -> dict[str, list[Mapping[str, Any]]]:
    return {table.name: table.to_dicts() for table in build_tables(figures)}


def limited(second: int, left: int, daily: int) -> dict[str, Any]:
    headers = {"x-ratelimit-remaining": str(left), "x-ratelimit-daily-remaining": str(daily)}
    return answered(MADE, headers=headers, timestamp=START + second * 1_000)


class TestFigures:
    def test_tables(self) -> None:
        """Verdicts, statuses, limits, sources and attempts are counted."""
        headers = {"x-ratelimit-daily-remaining": "0"}
        figures = figures_of(
            row(source="User", timestamp=START),
            answered("", timestamp=START + 1_000),
            answered({"statusCode": 429}, 429, headers=headers, timestamp=START + 2_000),
            answered({"statusCode": 429}, 429, headers=headers, timestamp=START + 3_000),
            row(status=None, response=None, timestamp=START + 4_000, source="System", id="x"),
        )
        tables = tables_of(figures)
        assert tables["verdicts"] == [
            {"provider": "gohighlevel", "operation": "message.inbound", "delivery": d, "calls": n}
            for d, n in (("throttled", 2), ("delivered", 1), ("unconfirmed", 1), ("unknown", 1))
        ]
        assert tables["statuses"] == [
            {"provider": "gohighlevel", "status": s, "calls": n}
            for s, n in (("201", 2), ("429", 2), ("none", 1))
        ]
        assert tables["throttled"] == [{"provider": "gohighlevel", "limit": "daily", "calls": 2}]
        assert {r["source"]: r["calls"] for r in tables["sources"]} == {
            "user": 1,
            "unknown": 3,
            "system": 1,
        }
        assert {r["attempt"]: r["calls"] for r in tables["attempts"]} == {1: 3, 2: 1, 3: 1}
        summary = {r["figure"]: r["value"] for r in tables["summary"]}
        assert (summary["calls"], summary["not delivered"], summary["error ratio"]) == (5, 3, 0.6)
        assert (summary["unconfirmed"], summary["without a trace id"]) == (1, 5)

    def test_limits_over_time(self) -> None:
        """Of each minute the least that was left is kept."""
        figures = figures_of(limited(1, 90, 500), limited(2, 3, 499), limited(62, 80, 498))
        assert tables_of(figures)["limits"] == [
            {
                "provider": "gohighlevel",
                "from": "2025-11-04T16:00Z",
                "remaining": 3,
                "daily_remaining": 499,
            },
            {
                "provider": "gohighlevel",
                "from": "2025-11-04T16:01Z",
                "remaining": 80,
                "daily_remaining": 498,
            },
        ]

    def test_limits_are_bounded(self) -> None:
        """However long the time, the stretches stay few, and none is lost."""
        figures = figures_of(*(limited(60 * n, n + 1, 9) for n in range(2_000)))
        assert len(figures.limits) <= 480
        assert min(p.remaining or 9 for p in figures.limits.values()) == 1

    def test_waits(self) -> None:
        """From a text's arrival to its hand-off in one trace."""
        arrived = {
            "event_id": "e",
            "event_type": "message.received",
            "status": 200,
            "target_url": "https://h.example/",
            "timestamp": START,
            "trace_id": LINQ,
        }
        handed = row(linq_trace_id=LINQ, timestamp=START + 1_500)
        assert figures_of(arrived, handed).waits_ms == [1_500]

    def test_exhausted(self) -> None:
        """A limit of which nothing is left is named, with the first time and how often."""
        figures = figures_of(limited(1, 5, 9), limited(2, 0, 8), limited(3, 0, 7), limited(4, 5, 0))
        found = [tuple(one.values()) for one in tables_of(figures)["exhausted"]]
        assert found == [
            ("gohighlevel", "burst", "2025-11-04T16:00:02Z", 2),
            ("gohighlevel", "daily", "2025-11-04T16:00:04Z", 1),
        ]
        assert tables_of(figures_of(limited(1, 5, 9)))["exhausted"] == []

    def test_webhooks(self) -> None:
        """Webhooks are counted by the hour: Linq's to an endpoint, and a CRM's to Linq."""
        event = {"event_id": "e", "target_url": "https://h.example/", "http_status_code": 200}
        inbound = {"direction": "inbound", "url": "https://i.example/hooks/ghl", "method": "POST"}
        figures = figures_of(
            *({**event, "event_id": f"e{n}", "timestamp": START + n * 1_000} for n in range(3)),
            {**event, "timestamp": START + 3_600_000},
            row(**inbound, timestamp=START),
            row(timestamp=START + 5_000),
        )
        assert tables_of(figures)["webhooks"] == [
            {"from": sender, "hour": f"2025-11-04T{hour}:00Z", "per hour": n, "calls": n}
            for sender, hour, n in (("gohighlevel", 16, 1), ("linq", 16, 3), ("linq", 17, 1))
        ]

    def test_webhooks_are_bounded(self) -> None:
        """Of a long time stretches of several hours are counted, and none is lost."""
        figures = Figures()
        for hour in range(5_000):
            figures.note_webhook("linq", hour * 3_600 * 10**9)
        counts = tables_of(figures)["webhooks"]
        assert (len(counts) <= 1_000, sum(one["calls"] for one in counts)) == (True, 5_000)
        assert {one["per hour"] for one in counts[:-1]} == {1.0}

    def test_nothing(self) -> None:
        """No rows are no figures, and no division."""
        assert tables_of(Figures())["verdicts"] == []


class TestPage:
    def test_loads_nothing(self) -> None:
        """The page holds its charts, loads nothing, and runs nothing."""
        figures = figures_of(
            limited(1, 90, 500), limited(62, 80, 498), answered("", timestamp=START)
        )
        page = render_page(figures, build_tables(figures))
        assert [
            word for word in ("<script", "http://", "https://", "src=", "@import") if word in page
        ] == []
        assert (page.count("<polyline"), page.count('class="bad"')) == (2, 1)
        assert "default-src 'none'" in page

    def test_escapes(self) -> None:
        """What a row says is text on the page."""
        figures = figures_of(
            answered([{"errorCode": "A_B"}], 400, url="https://x.my.salesforce.com/a"),
            answered({}, 500, url=INBOUND),
        )
        figures.errors["<b>", "<script>"] += 1
        page = render_page(figures, build_tables(figures))
        assert ("<script>" in page, "&lt;script&gt;" in page) == (False, True)
