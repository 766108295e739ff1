"""
One host: a program with a clock of its own, traced without its knowledge.

    CHAOS_CLOCK_OFFSET=-180 CHAOS_TRACED=1 python -m chaos.host uvicorn app:app

Hosts' clocks differ by minutes. libfaketime would say so to every library, and makes
``time.sleep`` fail; so the clocks that Python programs read are set here, before anything else is
imported. What stands between two moments goes by the monotonic clock, which is left alone.
"""

from __future__ import annotations

import logging
import os
import runpy
import sys
import time


LOG_FORMAT = "%(created).6f %(process)d %(message)s"


def set_clock(seconds: float) -> None:
    """
    Let this process's wall clock go wrong by *seconds*.
    """
    true_time, true_time_ns = time.time, time.time_ns
    nanoseconds = int(seconds * 1e9)
    time.time = lambda: true_time() + seconds
    time.time_ns = lambda: true_time_ns() + nanoseconds


def main() -> None:
    """
    Run the module that is named, with its arguments.
    """
    set_clock(float(os.environ["CHAOS_CLOCK_OFFSET"]))
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    if os.environ["CHAOS_TRACED"] == "1":
        # What `opentelemetry-instrument` has Python do before the program.
        from opentelemetry.instrumentation.auto_instrumentation import initialize  # noqa: PLC0415

        initialize()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
