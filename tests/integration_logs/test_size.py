from __future__ import annotations

import gzip
import json
import sys
from typing import TYPE_CHECKING

import pytest

from support.log_rows import answered
from support.scripts import run_script


if TYPE_CHECKING:
    from pathlib import Path


ROWS = 12_000
NOTE = "x" * 4_000
SEND = """
    import re, sys
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from linq_otel.integration_logs import read, replay

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    done = replay(read(sys.argv[1]), exporters={"traces": Nowhere()})
    # Not ru_maxrss, which a child inherits from the process that started it.
    print(done.sent, re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def write_rows(path: Path, form: str) -> None:
    opened = gzip.open if form.endswith("gz") else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.write('{"entries": [' if form == "json" else "")
        for number in range(ROWS):
            one = answered(
                {"messageId": f"m{number}", "note": NOTE}, timestamp=1_762_272_000_000 + number
            )
            file.write(("," if form == "json" and number else "") + json.dumps(one) + "\n")
        file.write("]}" if form == "json" else "")


@pytest.mark.slow
class TestSize:
    @pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak")
    @pytest.mark.parametrize("form", ["ndjson", "ndjson.gz", "json"])
    def test_13_memory(self, tmp_path: Path, form: str) -> None:
        """Case 13: 50 MB are read, sorted and drawn within 100 MB, imports and all."""
        path = tmp_path / f"rows.{form}"
        write_rows(path, form)
        sent, kilobytes = map(int, run_script(SEND, str(path)).split())
        assert (sent, kilobytes < 100_000) == (ROWS, True), kilobytes
