"""
``make backends``: the demo's stories through real backends, read back and compared.

Every scenario is played in every join mode. What its processes send goes to
Jaeger, otel-desktop-viewer, VictoriaTraces, and through the two shipped tiers
of the OpenTelemetry Collector; then each is asked, by its own API, what it has.
Ends with 1 if anything is missing anywhere, with 2 if Go is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from backends.building import (
    JAEGER,
    VICTORIA,
    VIEWER,
    GoError,
    ask_version,
    build,
    build_collector,
    find_go,
)
from backends.configuring import try_configure
from backends.filtering import look_at, send_strangers
from backends.finding import Run
from backends.judging import judge
from backends.pictures import Picture, draw
from backends.playing import play_all
from backends.reporting import write_report
from backends.running import (
    Server,
    open_balancer,
    open_fan,
    open_gateway,
    open_jaeger,
    open_victoria,
    open_viewer,
    validate_shipped,
)
from linq_otel._lifecycle import JOINS
from linq_otel.testing import SCENARIOS
from support.otlp_sinks import Sink, open_http_sink


REPORT = Path(__file__).resolve().parents[2] / "docs" / "reports" / "backends.md"
# The decision about the last traces, and a batch.
_DECISION_SECONDS = 6.0
_OPENERS = {JAEGER.name: open_jaeger, VIEWER.name: open_viewer, VICTORIA.name: open_victoria}


def main() -> int:
    """
    Build, play, read back, report.
    """
    options = _parse()
    try:
        go = find_go()
    except GoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    begun = time.monotonic()
    builds = [build(go, recipe) for recipe in (JAEGER, VIEWER, VICTORIA)]
    collector = build_collector(go)
    for made in (*builds, collector):
        _say(f"{made.recipe.title}: {made.complaint or 'is there'}")
    if collector.path is None:
        return 1
    pairs = list(product(options.scenarios or SCENARIOS, options.joins or JOINS))
    run = Run([*builds, collector])
    with tempfile.TemporaryDirectory(prefix="linq-otel-backends-") as folder, ExitStack() as stack:
        _run(run, pairs, Path(folder), stack)
        if options.pictures:
            run.pictures = _draw(run)
    run.seconds = time.monotonic() - begun
    run.go = ask_version(go)
    write_report(run, options.report)
    for line in run.failures:
        _say(f"FAILED: {line}")
    _say(f"{len(run.plays)} plays; the report is {options.report}")
    return 1 if run.failures else 0


def _run(run: Run, pairs: list[tuple[str, str]], folder: Path, stack: ExitStack) -> None:
    *builds, collector = run.builds
    assert collector.path is not None
    program = collector.path
    run.servers = [
        stack.enter_context(_OPENERS[made.recipe.name](made.path, folder))
        for made in builds
        if made.path is not None
    ]
    sinks = [stack.enter_context(open_http_sink()) for _ in range(2)]
    gateways = [
        stack.enter_context(open_gateway(program, folder, f"gateway-{n}", sink.endpoint))
        for n, sink in enumerate(sinks, 1)
    ]
    balancer = stack.enter_context(open_balancer(program, folder, gateways))
    fan = stack.enter_context(open_fan(program, folder, [*run.servers, balancer]))
    _say(f"{len(pairs)} plays, each for some seconds")
    begun = time.monotonic()
    run.plays, complaints = play_all(pairs, fan, folder)
    run.failures = [*validate_shipped(program), *complaints]
    run.play_seconds = time.monotonic() - begun
    _judge(run, balancer, sinks)


def _judge(run: Run, balancer: Server, sinks: list[Sink]) -> None:
    run.verdicts, run.read_seconds = judge(run.plays, run.servers, sinks)
    if not send_strangers(balancer):
        run.failures.append("the balancer did not take what it was sent")
    run.tries = try_configure([*run.servers, balancer])
    time.sleep(_DECISION_SECONDS)
    run.filtered = look_at(sinks)
    run.collect_failures()


def _draw(run: Run) -> list[Picture]:
    viewers = [server for server in run.servers if server.name == VIEWER.name]
    return [picture for server in viewers for picture in draw(server, run.plays)]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="backends", description=__doc__)
    parser.add_argument("--scenarios", nargs="*", choices=list(SCENARIOS))
    parser.add_argument("--joins", nargs="*", choices=list(JOINS))
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--pictures", action="store_true", help="draw the pages of a viewer")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
