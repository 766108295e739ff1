"""
Run by every Python process of a foreign suite at its start, before anything else is imported.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path


WAY = os.environ.get("LINQ_OTEL_SUITES_WAY", "without")


def _activate() -> None:
    # Last: nothing of this repository hides what a suite calls the same, such as `tests`.
    sys.path.append(str(Path(__file__).resolve().parents[3]))
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415  # Only where it is wanted.
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
        InMemorySpanExporter,
    )

    import linq_otel  # noqa: PLC0415
    import linq_otel.instrumentor  # noqa: PLC0415

    if WAY == "imported":
        return
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter()))
    # Not the global providers: the suites of OpenTelemetry set their own.
    linq_otel.instrument(
        tracer_provider=provider,
        meter_provider=MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False),
        store="memory:",
        webhook_secret="whsec_dGhlIHNlY3JldCBvZiBmb3JlaWduIHN1aXRlcyEhIQ==",
        paths=["/webhooks/linq"] if WAY == "enforcing" else None,
        enforce=WAY == "enforcing",
    )


if WAY != "without":
    try:
        _activate()
    except Exception:
        # Python itself would go on, and a suite without us would pass as one with us.
        traceback.print_exc()
        os._exit(70)
