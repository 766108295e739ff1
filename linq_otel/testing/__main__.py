"""
The simulator as a process of its own: ``python -m linq_otel.testing --port 0 --scenario read``.

It says where it is in one line of JSON, and stops on SIGTERM, Ctrl-C, or when a parent that feeds
its standard input through a pipe is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import stat
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from linq_otel.testing._simulator import LinqSimulator
from linq_otel.testing._state._scenario import SCENARIOS


if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from linq_otel.testing._state._records import Subscription


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run until told to stop.
    """
    options = _parse_options(arguments)
    stop = threading.Event()

    def stop_soon(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_soon)
    with LinqSimulator(
        seed=options.seed,
        scenario=options.scenario,
        speed=options.speed,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
    ) as linq:
        _introduce(linq, [linq.subscribe(url) for url in options.subscribe])
        _stop_with_parent(stop)
        stop.wait()
    return 0


def _parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m linq_otel.testing", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=0, help="of every id and all jitter")
    parser.add_argument("--scenario", choices=SCENARIOS, default="delivered")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per second")
    parser.add_argument("--api-key", help="the bearer token to ask for")
    parser.add_argument(
        "--subscribe", action="append", default=[], metavar="URL", help="where webhooks go"
    )
    return parser.parse_args(arguments)


def _introduce(linq: LinqSimulator, subscriptions: Sequence[Subscription]) -> None:
    told = [asdict(subscription) for subscription in subscriptions]
    ready = {"base_url": linq.base_url, "api_key": linq.api_key, "subscriptions": told}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _stop_with_parent(stop: threading.Event) -> None:
    """
    Only a pipe tells of a parent; ``/dev/null`` and a terminal do not.
    """
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(0).st_mode)
    except OSError:
        return
    if is_pipe:
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()


def _wait_for_end(stop: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
