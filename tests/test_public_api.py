from __future__ import annotations

import ast
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linq_otel
from linq_otel import environment_variables
from linq_otel._version import __version__
from support.scripts import run_script


if TYPE_CHECKING:
    from types import ModuleType


# `linq_otel.instrumentor` is an entry point; what it offers is offered by `linq_otel`.
DOORS = [
    "linq_otel",
    "linq_otel.doctor",
    "linq_otel.environment_variables",
    "linq_otel.errors",
    "linq_otel.export",
    "linq_otel.integration_logs",
    "linq_otel.links",
    "linq_otel.origins",
    "linq_otel.propagation",
    "linq_otel.stores",
    "linq_otel.stores.memory",
    "linq_otel.stores.own",
    "linq_otel.stores.redis",
    "linq_otel.stores.sql",
    "linq_otel.stores.sqlite",
    "linq_otel.stories",
    "linq_otel.testing",
    "linq_otel.testing.kit",
    "linq_otel.testing.spans",
    "linq_otel.viewer",
    "linq_otel.webhooks",
    "linq_otel.webhooks.asgi",
]
HEAVY = [
    "aiohttp",
    "fastapi",
    "httpx",
    "linq",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "pydantic",
    "redis",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "typer",
    "uvicorn",
]


def in_order(name: str) -> tuple[int, str]:
    """
    Sort as Ruff does: constants, classes, the rest.
    """
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def defined_in(module: ModuleType) -> set[str]:
    """
    Return the public names *module* defines itself.
    """
    assert module.__file__ is not None
    found: set[str] = set()
    for node in ast.parse(Path(module.__file__).read_text("utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


class TestDoors:
    def test_sorted(self) -> None:
        """The lists of names can be read, and hold each name once."""
        offered = {name: list(import_module(name).__all__) for name in DOORS}
        in_their_order = {name: sorted(set(names), key=in_order) for name, names in offered.items()}
        assert offered == in_their_order

    def test_complete(self) -> None:
        """What a door defines without an underscore, it offers."""
        doors = [import_module(name) for name in DOORS]
        helpers = {"V"}  # A type variable is of no use elsewhere.
        hidden = {
            (door.__name__, name)
            for door in doors
            for name in defined_in(door) - set(door.__all__) - helpers
        }
        assert hidden == set()

    def test_resolvable(self) -> None:
        """Each name is there, also for ``from … import *``, and says what it is."""
        missing, undocumented = set(), set()
        for door in DOORS:
            there: dict[str, Any] = {}
            exec(f"from {door} import *", there)  # noqa: S102  # The statement is what is tested.
            for name in import_module(door).__all__:
                if name not in there:
                    missing.add((door, name))
                elif callable(there[name]) and not there[name].__doc__:
                    undocumented.add((door, name))
        assert (missing, undocumented) == (set(), set())

    def test_what_the_front_door_offers(self) -> None:
        """These names stay."""
        assert linq_otel.__all__ == [
            "Event",
            "LinqInstrumentor",
            "Options",
            "__version__",
            "instrument",
            "uninstrument",
        ]
        assert dir(linq_otel) == linq_otel.__all__
        assert linq_otel.__version__ == __version__

    def test_unknown_name(self) -> None:
        """A slip is the error of any module."""
        with pytest.raises(AttributeError, match="module 'linq_otel' has no attribute 'trace'"):
            linq_otel.trace  # noqa: B018  # That is the test.


class TestEnvironmentVariables:
    def test_are_their_names(self) -> None:
        """The loader of OpenTelemetry takes the constants' names for the variables'."""
        names = environment_variables.__all__
        assert [getattr(environment_variables, name) for name in names] == names
        assert [name for name in names if not name.startswith("OTEL_PYTHON_LINQ_")] == []


# Tells what an import loads, which modules read the environment, and which threads run.
WATCH = """
    import json, os, sys

    before, readers = set(sys.modules), set()

    class Watched(type(os.environ)):
        def __getitem__(self, key):
            frame = sys._getframe(1)
            while frame.f_globals["__name__"] in ("os", "_collections_abc", "collections.abc"):
                frame = frame.f_back
            readers.add(frame.f_globals["__name__"])
            return super().__getitem__(key)

    os.environ.__class__ = Watched
    exec(sys.argv[1])
    import threading
    print(json.dumps({
        "loaded": [
            name for name in sorted(set(sys.modules) - before)
            if name.partition(".")[0] not in sys.stdlib_module_names
        ],
        "drivers": sorted({"sqlite3", "asyncio"} & (set(sys.modules) - before)),
        "readers": sorted(readers),
        "threads": threading.active_count(),
    }))
"""


def watch(statement: str) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(run_script(WATCH, statement))
    return seen


def heavy(seen: dict[str, Any]) -> set[str]:
    loaded = {*seen["loaded"], *seen["drivers"]}
    return {
        name for name in HEAVY if name in loaded or any(n.startswith(f"{name}.") for n in loaded)
    }


class TestImport:
    def test_package(self) -> None:
        """The package alone loads its version, reads nothing and starts nothing."""
        assert watch("import linq_otel") == {
            "loaded": ["linq_otel", "linq_otel._version"],
            "drivers": [],
            "readers": [],
            "threads": 1,
        }

    @pytest.mark.parametrize(
        "statement",
        [
            "from linq_otel import instrument",
            "from linq_otel import LinqInstrumentor, Event, Options, uninstrument",
            "from linq_otel.stores import open_store",
            "from linq_otel.stores import open_store; open_store('memory:')",
            "from linq_otel.webhooks import WebhookReceiver",
            "from linq_otel.webhooks.asgi import LinqWebhookMiddleware",
            "from linq_otel import errors, environment_variables",
            "from linq_otel.integration_logs import read",
        ],
    )
    def test_doors(self, statement: str) -> None:
        """No door loads the SDK, a framework or a driver, or reads the environment."""
        seen = watch(statement)
        assert heavy(seen) == set()
        assert [name for name in seen["readers"] if name.startswith("linq_otel")] == []
        assert seen["threads"] == 1

    def test_simulator(self) -> None:
        """The simulator knows neither OpenTelemetry nor Linq's SDK."""
        seen = watch("from linq_otel.testing import LinqSimulator")
        assert [n for n in seen["loaded"] if n.startswith(("opentelemetry", "linq."))] == []
        assert heavy(seen) == set()
        assert [name for name in seen["readers"] if name.startswith("linq_otel")] == []

    def test_the_watch_sees(self) -> None:
        """A read and a driver are seen where there are some."""
        seen = watch("import os, sqlite3; os.environ.get('HOME'); 'HOME' in os.environ")
        assert (seen["drivers"], seen["readers"]) == (["sqlite3"], ["__main__"])

    def test_without_extras(self) -> None:
        """The doors open where no framework, no SDK of Linq and no extra is installed."""
        code = """
            import sys

            for name in sys.argv[1].split():
                sys.modules[name] = None
            import linq_otel, linq_otel.stores, linq_otel.webhooks.asgi, linq_otel.testing
            from linq_otel import instrument
            linq_otel.webhooks.WebhookReceiver(store="memory:")
            print("open")
        """
        assert run_script(code, " ".join(HEAVY)) == "open\n"
