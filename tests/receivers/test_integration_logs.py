"""
Integration logs, sent twice to a receiver written by others: it has each call once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linq_otel.integration_logs import Replayed, read, replay
from support.log_rows import NOW_NS
from support.otlp_route import DIRECT_WAYS


if TYPE_CHECKING:
    from support.otlp_route import OtlpRoute


SAMPLES = Path(__file__).parents[1] / "integration_logs" / "samples" / "eight.ndjson"
DAY_NS = 86_400 * 10**9


def send(route: OtlpRoute) -> Replayed:
    exporter = route.exporter()
    try:
        return replay(read(SAMPLES, now_ns=NOW_NS + DAY_NS), exporters={"traces": exporter})
    finally:
        exporter.shutdown()


@pytest.mark.parametrize("otlp_route", DIRECT_WAYS, ids=str, indirect=True)
class TestReplay:
    def test_twice(self, otlp_route: OtlpRoute) -> None:
        """The second import writes the very spans of the first, to the last attribute."""
        assert send(otlp_route) == Replayed(8, 0, 0, 0)
        first = otlp_route.spans(at_least=8)
        assert send(otlp_route) == Replayed(8, 0, 0, 0)
        both = otlp_route.spans(at_least=16)
        assert len({(span.otel_trace_id, span.span_id) for span in first}) == 8
        assert len(both) == 16
        assert [span for span in both if span not in first] == []

    def test_order_and_verdicts(self, otlp_route: OtlpRoute) -> None:
        """Calls arrive oldest first, each with its verdict and its status."""
        send(otlp_route)
        (batch,) = otlp_route.batches(at_least=8)
        assert [(s.attributes["linq.integration.delivery"], s.kind, s.status) for s in batch] == [
            ("rejected", "CLIENT", "ERROR"),
            ("delivered", "CLIENT", "UNSET"),
            ("unconfirmed", "CLIENT", "UNSET"),
            ("rejected", "CLIENT", "ERROR"),
            ("throttled", "CLIENT", "ERROR"),
            ("delivered", "CLIENT", "UNSET"),
            ("not_applicable", "SERVER", "UNSET"),
            ("partial", "CLIENT", "ERROR"),
        ]
        assert {span.service_name for span in batch} == {"linq-integrations"}

    def test_endpoint(self, otlp_route: OtlpRoute) -> None:
        """An endpoint and a protocol are all that has to be given."""
        environment = otlp_route.environment()
        done = replay(
            read(SAMPLES, now_ns=NOW_NS + DAY_NS),
            endpoint=environment["OTEL_EXPORTER_OTLP_ENDPOINT"],
            protocol=environment["OTEL_EXPORTER_OTLP_PROTOCOL"],
        )
        assert (done, len(otlp_route.spans(at_least=8))) == (Replayed(8, 0, 0, 0), 8)
