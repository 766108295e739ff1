"""
Plays the demo's scenarios, each with ids of its own, and keeps what its processes recorded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linq_otel._otlp_json import SpanRecord, read_spans
from support.environments import plain_environment


if TYPE_CHECKING:
    from collections.abc import Iterable

    from backends.running import Server


_REPOSITORY = Path(__file__).resolve().parents[2]
_SECONDS = 120
_SIDE_BY_SIDE = 3
# Scenarios in which a part of the story cannot be known to belong to it: by mode, or in all.
APART = {("lost-answer", None), ("timeout-accepted", None)}


@dataclass(frozen=True, slots=True)
class Play:
    """
    One scenario in one join mode, as it went.

    Attributes:
        is_joined: The demo's own verdict: every webhook of the message is joined to its call.
        tries: How often it was played until it was.
    """

    scenario: str
    join: str
    protocol: str
    webhooks: int
    otel_trace_id: str
    message_id: str | None
    spans: tuple[SpanRecord, ...]
    is_joined: bool
    tries: int = 1

    @property
    def is_apart(self) -> bool:
        """
        True if a part of the story cannot be known to belong to it.
        """
        return not APART.isdisjoint({(self.scenario, None), (self.scenario, self.join)})

    @property
    def otel_trace_ids(self) -> list[str]:
        """
        Every trace that its processes wrote.
        """
        return sorted({span.otel_trace_id for span in self.spans})


def play_all(
    pairs: Iterable[tuple[str, str]], server: Server, folder: Path
) -> tuple[list[Play], list[str]]:
    """
    Play each scenario in each mode, a few side by side, exporting to *server*.

    Returns:
        Those that were played, and what those that were not complain of.
    """
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        begun = [
            pool.submit(_play, number, scenario, join, server, folder)
            for number, (scenario, join) in enumerate(pairs, start=1)
        ]
        came = [each.result() for each in begun]
    return (
        [each for each in came if isinstance(each, Play)],
        [each for each in came if isinstance(each, str)],
    )


def _play(number: int, scenario: str, join: str, server: Server, folder: Path) -> Play | str:
    """
    Play one; if that does not work, answer why.
    """
    # Both protocols, by turns.
    protocol = ("http/protobuf", "grpc")[number % 2]
    endpoint = server.grpc_endpoint if protocol == "grpc" else server.http_endpoint
    arguments = ["--scenario", scenario, "--join", join, "--endpoint", endpoint, "--json"]
    came: Play | str = ""
    # Twice more under other ids: a machine may be too busy for the demo's patience, and for the
    # quarter of a second that a webhook waits for the answer it overtook.
    for seed in (1000 + number, 2000 + number, 3000 + number):
        output = folder / f"{seed}.otlp.jsonl"
        own = ["--seed", str(seed), "--output", str(output)]
        done = _run_demo([*arguments, *own], protocol, folder)
        try:
            told = json.loads(done.stdout)
        except ValueError:
            came = f"{scenario}, {join}: the demo did not run: {done.stderr[-500:]}"
            continue
        came = Play(
            scenario,
            join,
            protocol,
            len(told["webhooks"]),
            told["otel_trace_id"],
            told["message_id"],
            tuple(read_spans(output.read_text(encoding="utf-8").splitlines())),
            is_joined=done.returncode == 0,
            tries=seed // 1000,
        )
        if came.is_joined or came.is_apart:
            break
    return came


def _run_demo(
    arguments: list[str], protocol: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["nice", sys.executable, "-m", "linq_otel.cli", "demo", *arguments],
        cwd=folder,
        env=_environment(protocol),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _environment(protocol: str) -> dict[str, str]:
    inherited = plain_environment()
    return {
        **inherited,
        "PYTHONPATH": str(_REPOSITORY),
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
