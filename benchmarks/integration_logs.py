"""
How fast integration logs are read and sent, and how much memory that takes.

::

    python benchmarks/integration_logs.py [ROWS]
    python benchmarks/integration_logs.py --plain [ROWS]

Writes ROWS rows (a million by default, 1.1 kB each) to a temporary file, then reads them, sorts
them, and draws them for an exporter that throws them away; each in a process of its own.

With ``--plain`` the rows are those of the dashboard's table, without bodies, and the sizes grow by
ten up to ROWS: the rows each second must not fall as the table grows.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from linq_otel.integration_logs import read, replay
from linq_otel.integration_logs._chronicle import Chronicle


if TYPE_CHECKING:
    from collections.abc import Callable


URL = "https://services.leadconnectorhq.com/conversations/messages/inbound"
START_MS = 1_762_272_000_000
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
REQUEST_HEADERS = {
    "Version": "2021-04-15",
    "User-Agent": "linq-integrations/1.0",
    "Content-Type": "application/json",
    "Authorization": "Bearer EXAMPLE-NOT-A-TOKEN",
}


def make_row(number: int, chance: random.Random) -> dict[str, Any]:
    """
    Make one hand-off to GoHighLevel; of a hundred, three are unconfirmed and five refused.
    """
    contact = "".join(chance.choices(LETTERS, k=20))
    moment = START_MS + number * 37
    status, body = make_answer(number, contact, chance)
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-ratelimit-limit-daily": "200000",
        "x-ratelimit-daily-remaining": str(199_731 - number % 190_000),
        "x-ratelimit-interval-milliseconds": "10000",
        "x-ratelimit-max": "100",
        "x-ratelimit-remaining": str(100 - number % 100),
    }
    text = {
        "type": "SMS",
        "conversationId": contact[::-1],
        "contactId": contact,
        "conversationProviderId": "65a000000000000000000001",
        "direction": "inbound",
        "message": f"Hi, is the 3pm slot still open? {number}",
        "date": moment,
    }
    return {
        "schema_version": "1",
        "id": f"row-{number}",
        "method": "POST",
        "url": URL,
        "status": status,
        "source": "System",
        "timestamp": moment,
        "request": {"headers": REQUEST_HEADERS, "body": text},
        "response": {"headers": headers, "body": body},
    }


def make_answer(number: int, contact: str, chance: random.Random) -> tuple[int, Any]:
    """
    Make the status and the body of an answer.
    """
    kind = chance.random()
    if kind < 0.03:
        return 201, ""
    if kind < 0.06:
        return 401, {"statusCode": 401, "message": "Invalid token: access token is invalid"}
    if kind < 0.08:
        return 429, {"statusCode": 429, "message": "Too Many Requests"}
    return 201, {
        "success": True,
        "conversationId": contact[::-1],
        "messageId": f"m{contact[1:]}",
        "message": "Message queued successfully.",
        "contactId": contact,
        "traceId": f"{number:08x}-7c1e-4f2b-9d43-{chance.getrandbits(48):012x}",
    }


def write_rows(count: int, out: IO[str]) -> None:
    """
    Write *count* rows, the same every time.
    """
    chance = random.Random(7)
    for number in range(count):
        out.write(json.dumps(make_row(number, chance)) + "\n")


def write_plain_rows(count: int, out: IO[str]) -> None:
    """
    Write *count* rows of the dashboard's table: ten in each second, newest first.
    """
    out.write("Method,URL,Status,Source,Date\n")
    for number in range(count):
        moment = datetime.fromtimestamp(START_MS // 1_000 - number // 10, timezone.utc)
        status = 429 if number % 10 == 0 else 201
        out.write(f"POST,{URL},{status},System,{moment:%Y-%m-%dT%H:%M:%SZ}\n")


class Nowhere(SpanExporter):
    """
    Takes spans and throws them away.
    """

    def export(self, spans: Any) -> SpanExportResult:
        """
        Take them.
        """
        return SpanExportResult.SUCCESS


def run_read(path: str) -> int:
    """
    Read each row.
    """
    return sum(1 for _ in read(path))


def run_sort(path: str) -> int:
    """
    Read, sort, and take up again.
    """
    with Chronicle(read(path)) as chronicle:
        return sum(1 for _ in chronicle)


def run_replay(path: str) -> int:
    """
    Do all that an import does but the network's part.
    """
    return replay(read(path), exporters={"traces": Nowhere()}).sent


STAGES = {"read": run_read, "sort": run_sort, "replay": run_replay}


def measure(stage: str, path: str) -> None:
    """
    Run one stage in this process, and print its figures as JSON.
    """
    began, used = time.perf_counter(), time.process_time()
    count = STAGES[stage](path)
    used, wall = time.process_time() - used, time.perf_counter() - began
    figures = {"rows": count, "cpu": count / used, "wall": count / wall, "peak": find_peak()}
    sys.stdout.write(json.dumps(figures) + "\n")


def run_apart(stage: str, path: Path) -> dict[str, float]:
    """
    Run one stage in a process of its own: rows, rows each second (CPU's and the wall's), peak MB.
    """
    command = [sys.executable, __file__, stage, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def find_peak() -> float:
    """
    Return the most memory this process held, in MB; not what it inherited when it was started.
    """
    status = Path("/proc/self/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) / 1_024 if found else float("nan")


def main() -> None:
    """
    Measure each stage, in a process of its own.
    """
    plain, numbers = "--plain" in sys.argv, [int(one) for one in sys.argv if one.isdecimal()]
    count = numbers[0] if numbers else 1_000_000
    sizes = [count // 100, count // 10, count] if plain else [count]
    for size in sizes:
        measure_size(size, write_plain_rows if plain else write_rows)


def measure_size(count: int, write: Callable[[int, IO[str]], None]) -> None:
    """
    Write a file of *count* rows, and run each stage on it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.txt"
        with path.open("w", encoding="utf-8") as file:
            write(count, file)
        print(f"{path.stat().st_size / 1e6:,.0f} MB", flush=True)
        for stage in STAGES:
            found = run_apart(stage, path)
            rates = f"{found['cpu']:8,.0f} rows/s of CPU {found['wall']:8,.0f} rows/s"
            print(
                f"{stage:7} {found['rows']:9,.0f} rows {rates} {found['peak']:6.0f} MB", flush=True
            )


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in STAGES:
        measure(sys.argv[1], sys.argv[2])
    else:
        main()
