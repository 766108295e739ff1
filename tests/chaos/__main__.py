"""
Thousands of messages through everything that goes wrong, store by store.

    PYTHONPATH=tests python -m chaos --messages 2000 --seed 7 --store all --join linq

What is checked is what an OTLP receiver got. The same seed injects the same faults. The exit status
is 1 if anything is not as promised, and the messages and spans that show it are printed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console

from chaos.case import Case
from chaos.checks import check
from chaos.engines import ENGINES
from chaos.evidence import Settings
from chaos.report import print_report
from chaos.run import play
from linq_otel._lifecycle import Join
from support.otlp_receivers import get_test_agent, open_test_agent


if TYPE_CHECKING:
    from collections.abc import Sequence


HELP = {
    "messages": "how many orders there are",
    "seed": "of every choice",
    "senders": "processes that send",
    "receivers": "processes that take webhooks",
    "rate": "messages a second",
    "rounds": "how often each disturbance happens",
    "speed": "simulated seconds per second",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run over one store or all of them, and say what was found.
    """
    options = vars(_parse_options(arguments))
    settings = Settings(**options)
    console = Console(width=120, file=sys.stdout)
    stores = list(ENGINES) if settings.store == "all" else [settings.store]
    broken = [store for store in stores if not is_clean(console, replace(settings, store=store))]
    console.print(f"broken: {', '.join(broken)}" if broken else "all as promised")
    return 1 if broken else 0


def is_clean(console: Console, settings: Settings) -> bool:
    """
    Run over one store, print the table, and answer whether all is as promised.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"linq-chaos-{settings.store}-"))
    (folder / "agent").mkdir()
    with open_test_agent(get_test_agent(), folder / "agent") as agent:
        case = Case(play(settings, agent, folder))
    findings = check(case)
    print_report(console, case, findings)
    if findings.deviations:
        console.print(f"What the processes wrote is in {folder}")
    else:
        shutil.rmtree(folder)
    return not findings.deviations


def _parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    defaults = {field.name: field.default for field in fields(Settings)}
    for name, explanation in HELP.items():
        default = defaults[name]
        parser.add_argument(f"--{name}", type=type(default), default=default, help=explanation)
    parser.add_argument("--store", choices=[*ENGINES, "all"], default="all")
    parser.add_argument("--join", choices=get_args(Join), default="linq")
    parser.add_argument(
        "--carrier", action="store_true", help="let idempotency keys carry the sender's context"
    )
    parser.add_argument(
        "--without-us",
        action="store_false",
        dest="traced",
        help="leave the instrumentation out: what is checked of the apps must hold as well",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
