"""
The simulator as a process of its own: ``python -m linq_otel.testing --port 0 --scenario read``.

It says where it is in one line of JSON, and stops on SIGTERM, Ctrl-C, or when a parent that feeds
its standard input through a pipe is gone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import secrets
import signal
import stat
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from linq_otel.testing._simulator import LinqSimulator
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._messages import OWN_LINE
from linq_otel.testing._state._scenario import SCENARIOS


if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from linq_otel.testing._state._records import Subscription


_PROGRAM = "python -m linq_otel.testing"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run until told to stop. Returns 2 for options that cannot be used, and 0 otherwise.
    """
    options = _parse_options(arguments)
    stop = threading.Event()

    def stop_soon(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    try:
        with _open_simulator(options) as linq:
            subscriptions = [_subscribe(linq, url, options.seed) for url in options.subscribe]
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, stop_soon)
            _introduce(linq, subscriptions)
            _stop_with_parent(stop)
            stop.wait()
    except _UsageError as error:
        sys.stderr.write(f"{_PROGRAM}: {error}\n")
        return 2
    return 0


class _UsageError(Exception):
    """
    An option cannot be used; its text says why.
    """


def _open_simulator(options: argparse.Namespace) -> LinqSimulator:
    try:
        return LinqSimulator(
            seed=_new_seed() if options.seed is None else options.seed,
            scenario=options.scenario,
            speed=options.speed,
            host=options.host,
            port=options.port,
            # The ids are new each time, and what a shell was told to use is not.
            api_key=options.api_key or _make_key(options.seed),
            lines=options.line or (OWN_LINE,),
        )
    except (ValueError, OverflowError) as error:
        raise _UsageError(str(error)) from error
    except OSError as error:
        place = f"{options.host}:{options.port}"
        raise _UsageError(f"cannot listen on {place}: {error.strerror}") from error


def _subscribe(linq: LinqSimulator, url: str, seed: int | None) -> Subscription:
    secret = Ids(seed or 0).secret("subscription", url, 0)
    shown = url.partition("?")[0]
    try:
        return linq.subscribe(url, signing_secret=secret)
    except ValueError as error:
        hint = "" if "://" in url else f"; did you mean {f'http://{shown}'!r}?"
        raise _UsageError(f"--subscribe {shown!r}: {error}{hint}") from error


def _new_seed() -> int:
    return secrets.randbits(32)


def _make_key(seed: int | None) -> str:
    return f"linq_{Ids(seed or 0).hex32('api-key')}"


def _parse_speed(text: str) -> float:
    speed = float(text)
    if math.isnan(speed) or speed < 0:
        raise ValueError
    return speed


def _parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, help="of every id and all jitter; by default a new one")
    parser.add_argument("--scenario", choices=SCENARIOS, default="delivered")
    parser.add_argument(
        "--speed",
        type=_parse_speed,
        default=1.0,
        metavar="NUMBER",
        help="seconds of the scenario per second. 0 waits for nothing, and dates webhooks as the "
        "scenario has it, which is in the future",
    )
    parser.add_argument("--api-key", help="the bearer token to ask for")
    parser.add_argument(
        "--line",
        action="append",
        default=[],
        metavar="NUMBER",
        help=f"a phone number to send from, by default {OWN_LINE}; repeat it for several",
    )
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
