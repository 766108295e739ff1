"""
What an import costs an app that starts, each in an interpreter of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from measuring import Line, added, compare, find_sum, medians, order_of


if TYPE_CHECKING:
    from measuring import Costs, Effort


_OURS: Final = "import linq_otel"
_DOOR: Final = "from linq_otel import instrument"
_THEIRS: Final = "import opentelemetry.trace"
_STATEMENTS: Final = (_THEIRS, _OURS, _DOOR)
# Neither the SDK, nor a framework, nor a driver.
_UNWANTED: Final = {
    "aiohttp",
    "django",
    "fastapi",
    "flask",
    "httpx",
    "linq",
    "opentelemetry.sdk",
    "psycopg",
    "pymysql",
    "redis",
    "requests",
    "sqlalchemy",
    "sqlite3",
    "starlette",
}
_PROGRAM: Final = """
import sys, time
began = time.process_time()
{statement}
taken = time.process_time() - began
import json
print(json.dumps([taken * 1000, sorted(sys.modules)]))
"""


def measure(effort: Effort) -> list[Line]:
    """
    Import each, in turns.
    """
    costs: Costs = {statement: [] for statement in _STATEMENTS}
    loaded: dict[str, set[str]] = {}
    for number in range(effort.scale(30, 3) + 1):
        for statement in order_of(list(_STATEMENTS), number):
            taken, loaded[statement] = run(statement)
            if number:  # The first round writes what is compiled.
                costs[statement].append(taken)
    unwanted = sorted(loaded[_OURS] & _UNWANTED)
    assert not unwanted, f"{_OURS} loads {unwanted}"
    return [
        Line(
            f"{_OURS}: added",
            _THEIRS,
            find_sum(costs, added(_OURS, _THEIRS)),
            15.0,
            unit="ms",
            costs=medians(costs),
        ),
        Line(_OURS, _THEIRS, compare(costs, {_OURS: 1}, {_THEIRS: 1})),
        Line(f"{_DOOR}: added", _THEIRS, find_sum(costs, added(_DOOR, _THEIRS)), unit="ms"),
    ]


def run(statement: str) -> tuple[float, set[str]]:
    """
    Return the milliseconds it took in a fresh interpreter, and what was loaded then.
    """
    program = [sys.executable, "-c", _PROGRAM.format(statement=statement)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60)
    taken, modules = json.loads(done.stdout)
    return float(taken), set(modules)
