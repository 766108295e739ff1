from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.scripts import read_output, run_script, start_script
from support.timing import timed
from support.viewer_answers import ask


if TYPE_CHECKING:
    from typing import Any

    from linq_otel.viewer import Viewer


# An app of its own, with the SDK and its exporter as anybody has them.
APP = """
    import os, sys

    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sys.argv[1]
    os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = sys.argv[2]
    os.environ["OTEL_SERVICE_NAME"] = "shop"
    name, count = sys.argv[3], int(sys.argv[4])

    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_export_batch_size=10))
    tracer = provider.get_tracer("tests")
    first = ""
    for number in range(count):
        with tracer.start_as_current_span(name, attributes={"number": number}) as span:
            with tracer.start_as_current_span("inner"):
                pass
        first = first or format(span.get_span_context().trace_id, "032x")
    print(provider.force_flush(), first)
    provider.shutdown()
"""
SIGNALS = """
    import os, sys

    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sys.argv[1]

    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    provider.get_meter("tests").create_counter("sent").add(1)
    print(provider.force_flush())
    provider.shutdown()
"""


def count_spans(viewer: Viewer) -> int:
    """
    Return how many spans have come, by the stream of changes.
    """
    spans: int = viewer._archive.figures.spans
    return spans


def find_spans(viewer: Viewer, otel_trace_id: str) -> list[dict[str, Any]]:
    story = ask(viewer, f"/api/stories/{otel_trace_id}").document
    return [span for trace in story["traces"] for span in trace["spans"]]


class TestExporters:
    @pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
    def test_protobuf(self, viewer: Viewer, compression: str) -> None:
        """What another process exports is there, with its service, scope, tree and attributes."""
        flushed, otel_trace_id = run_script(APP, viewer.url, compression, "GET /", "1").split()
        assert flushed == "True"
        outer, inner = find_spans(viewer, otel_trace_id)
        shown = ("name", "depth", "service_name", "scope_name", "attributes", "kind", "status")
        assert [[span[key] for key in shown] for span in (outer, inner)] == [
            ["GET /", 0, "shop", "tests", {"number": 0}, "INTERNAL", "UNSET"],
            ["inner", 1, "shop", "tests", {}, "INTERNAL", "UNSET"],
        ]
        assert inner["parent_span_id"] == outer["span_id"]

    def test_metrics(self, viewer: Viewer) -> None:
        """An exporter of metrics has no complaint."""
        assert run_script(SIGNALS, viewer.url) == "True\n"
        assert viewer.dropped["metrics"] >= 1

    def test_many_at_once(self, viewer: Viewer) -> None:
        """Six processes that export in small batches at once lose nothing."""
        arguments = [(viewer.url, "gzip", f"app {number}", "200") for number in range(6)]
        processes = [start_script(APP, *each) for each in arguments]
        answers = [read_output(process).split() for process in processes]
        assert [flushed for flushed, _ in answers] == ["True"] * 6
        assert count_spans(viewer) == 6 * 200 * 2
        names = [find_spans(viewer, otel_trace_id)[0]["name"] for _, otel_trace_id in answers]
        assert names == [f"app {number}" for number in range(6)]

    def test_without_a_viewer(self, viewer: Viewer) -> None:
        """One that is closed leaves nobody hanging."""
        viewer.close()
        with timed() as timing, pytest.raises(ConnectionRefusedError):
            ask(viewer, "/api/messages")
        assert timing.net < 5
