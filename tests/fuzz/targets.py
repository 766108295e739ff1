"""
All that is fuzzed, each a function of a `random.Random` that makes one input and judges it.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from fuzz.bench import open_bench
from fuzz.calling import read_exchange, read_request
from fuzz.engines import Engines
from fuzz.lambdas import Lambdas
from fuzz.reading import read_answer, read_event, read_row, read_words
from fuzz.receiving import Receiving
from fuzz.verifying import Verifying


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from random import Random

    Target = Callable[[Random], None]


TURNS: Final = (
    "receiver", "event", "receiver", "verifier", "receiver", "row", "receiver", "request",
    "receiver", "lambda", "receiver", "engine", "receiver", "answer", "receiver", "exchange",
    "verifier", "event", "row", "words",
)  # fmt: skip
"""Whose turn it is for input number 0, 1, 2 …, over and over."""


@contextmanager
def open_targets(folder: Path) -> Iterator[Mapping[str, Target]]:
    """
    Yield every target by name; files go to *folder*.
    """
    with ExitStack() as stack:
        bench = stack.enter_context(open_bench())
        engines, receiving = Engines(folder), Receiving(bench)
        for opened in (engines, receiving):
            stack.callback(opened.close)
        yield {
            "answer": read_answer,
            "engine": engines,
            "event": read_event,
            "exchange": read_exchange,
            "lambda": Lambdas(bench),
            "receiver": receiving,
            "request": read_request,
            "row": read_row,
            "verifier": Verifying(),
            "words": read_words,
        }
        bench.check_metrics()
