"""
Read integration logs, say what did not arrive, and send every row to a backend as a span.

    python examples/integration_logs.py rows.ndjson America/Denver

``OTEL_EXPORTER_OTLP_ENDPOINT`` names the backend; rows that were sent before are not doubled.
"""

from __future__ import annotations

import sys

from linq_otel.integration_logs import read, replay


def main(path: str, timezone: str | None = None) -> int:
    """
    Read *path*, whose local times are in *timezone*, and send it.
    """
    reading = read(path, timezone=timezone)
    for entry in reading:
        if entry.outcome.delivery not in {"delivered", "accepted", "not_applicable"}:
            print(f"{entry.title} -> {entry.status} {entry.outcome.delivery}")
    done = replay(reading)
    for rejected in reading.rejected:
        print(f"left out: {rejected}")
    print(f"{done.sent} sent")
    return 0 if done.is_complete else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
