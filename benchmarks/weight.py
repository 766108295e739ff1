"""
How many bytes does a message take in a store?

::

    python benchmarks/weight.py --engine redis --messages 100000

saves origins and claims events through the store itself, in no order, as traffic does: a message
is one origin under two keys, or three with an idempotency key, and three claimed events.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final


_ROOT = Path(__file__).resolve().parents[1]
# The servers are the ones the tests start.
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from numbered_origins import Numbered  # noqa: E402  # Needs the path.

from linq_otel.stores import open_store  # noqa: E402  # As above.


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Weigh = Callable[[], int]
    """Returns the bytes an engine takes by now."""


_EVENTS: Final = 3


def place_sqlite(_stack: ExitStack, folder: Path) -> tuple[str, Weigh]:
    """
    Return where a file is, and what weighs it.
    """
    place = folder / "linq.db"
    return f"sqlite:///{place}", lambda: place.stat().st_size


def place_redis(stack: ExitStack, folder: Path) -> tuple[str, Weigh]:
    """
    Start a server.
    """
    from redis import Redis  # noqa: PLC0415  # Of this engine alone.

    from support.redis_servers import open_redis  # noqa: PLC0415  # As above.

    server = stack.enter_context(open_redis(folder))
    asking = stack.enter_context(Redis(port=server.port))
    return server.url, lambda: int(asking.info("memory")["used_memory"])


def place_postgresql(stack: ExitStack, folder: Path) -> tuple[str, Weigh]:
    """
    Start a server.
    """
    import psycopg  # noqa: PLC0415  # Of this engine alone.

    from support.sql_servers import open_postgres  # noqa: PLC0415  # As above.

    server = stack.enter_context(open_postgres(folder))
    asking = stack.enter_context(psycopg.connect(server.url, autocommit=True))

    def weigh() -> int:
        row = asking.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row
        return int(row[0])

    return server.url, weigh


ENGINES: Final = {"sqlite": place_sqlite, "redis": place_redis, "postgresql": place_postgresql}


def weigh(engine: str, messages: int, keys: int, folder: Path) -> tuple[float, float]:
    """
    Return the bytes of an origin, and those of a claimed event.
    """
    origins, dice = Numbered(messages, keys), random.Random(0)
    numbers = list(range(messages))
    dice.shuffle(numbers)
    with ExitStack() as stack:
        url, weigh_all = ENGINES[engine](stack, folder)
        with closing(open_store(url)) as store:
            store.save(origins.origin(0))
            weights = [weigh_all()]
            for number in numbers:
                store.save(origins.origin(number))
            weights.append(weigh_all())
            for _ in range(messages * _EVENTS):
                store.claim(str(uuid.UUID(int=dice.getrandbits(128), version=4)))
            weights.append(weigh_all())
        empty, with_origins, with_events = weights
        of_events = (with_events - with_origins) / messages / _EVENTS
        return (with_origins - empty) / messages, of_events


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Weigh and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--messages", type=int, default=100_000)
    options = parser.parse_args(arguments)
    for keys in (2, 3):
        with tempfile.TemporaryDirectory() as folder:
            origin, event = weigh(options.engine, options.messages, keys, Path(folder))
        whole = origin + _EVENTS * event
        print(
            f"{options.engine}, {keys} keys: {origin:.0f} bytes an origin, {event:.0f} an event, "
            f"{whole:.0f} a message"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
