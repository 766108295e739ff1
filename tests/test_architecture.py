"""
What import-linter cannot say of the package's source; each test names every offender.

Its contracts stand in ``pyproject.toml``.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path

import linq_otel
from support.toml_files import read_toml


PACKAGE = Path(linq_otel.__file__).parent
ROOT = PACKAGE.parent

# Folders and modules that may need more of OpenTelemetry than its API and its helpers.
BEYOND_THE_API = {
    "cli": {"exporter", "sdk"},
    "export": {"exporter", "sdk"},
    "integration_logs": {"sdk"},
    "testing": {"sdk"},
    "viewer": {"proto"},
}
HELPERS = {"instrumentation", "semconv"}
# An engine is imported when its URL is opened, and a server when it is started, if it is installed.
IMPORTS_INSIDE_FUNCTIONS = {
    "stores": {"stores.memory", "stores.redis", "stores.sql", "stores.sqlite"},
    "viewer": {"viewer._opening"},
    "viewer._opening": {"viewer._grpc"},
}
STARTS_SPANS = {"_tracer"}
# Modules that call what users, stores, servers and the SDK give us, which may raise anything.
MEETS_FAILURES_OF_OTHERS = {
    "_circuits",
    "_exits",
    "_forks",
    "_guarding",
    "_operations",
    "_store_threads",
    "doctor._stores",
    "integration_logs._formats._workbooks",
    "webhooks._aiohttp",
    "webhooks._asgi",
    "webhooks._django",
    "webhooks._endpoint",
    "webhooks._environs",
    "webhooks.instrumentor",
}
# The simulator is a program of its own, which tests this one from outside.
SHARED_WITH_SIMULATOR = {"_event_types", "_operations_table", "_signing_secrets", "errors"}
# The kit instruments as an app would.
SHARED_WITH_KIT = {"_everything", "errors", "instrumentor", "webhooks.instrumentor"}
KIT = re.compile(r"testing\.(_spans(\..*)?|kit|pytest_plugin|spans)")


@dataclass
class Module:
    """
    One module of the package.

    Attributes:
        name: Its name inside the package; the package itself is ``""``.
        path: Its file.
        tree: Its source, parsed.
        at_top: What it imports when it is imported.
        for_types: What it imports for types alone.
        inside: What its functions import.
    """

    name: str
    path: Path
    tree: ast.Module
    at_top: set[str] = field(default_factory=set)
    for_types: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)

    @property
    def imports(self) -> set[str]:
        """
        All of them.
        """
        return self.at_top | self.for_types | self.inside

    @property
    def is_core(self) -> bool:
        """
        Answer whether an app's process may run it: neither a command nor a help for tests.
        """
        return self.name.partition(".")[0] not in {"cli", "testing"}

    @property
    def is_simulator(self) -> bool:
        """
        Answer whether it is part of the local Linq.
        """
        return self.name.partition(".")[0] == "testing" and not KIT.fullmatch(self.name)


@cache
def read_modules() -> dict[str, Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path, ast.parse(path.read_text("utf-8")))
    for module in found.values():
        read_imports(module, module.tree, module.at_top, found)
    return found


def read_imports(module: Module, node: ast.AST, into: set[str], modules: dict[str, Module]) -> None:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        into.update(imported(module, node, modules))
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        into = module.for_types
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        into = module.inside
    for child in ast.iter_child_nodes(node):
        read_imports(module, child, into, modules)


def imported(
    module: Module, node: ast.Import | ast.ImportFrom, modules: dict[str, Module]
) -> set[str]:
    """
    Return the modules one statement imports; ``from . import x`` is ``x`` if that is one.
    """
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    base = node.module or ""
    if node.level:
        package = f"linq_otel.{module.name}".rstrip(".").split(".")
        up = node.level - (module.path.name == "__init__.py")
        base = ".".join([*package[: len(package) - up], *([base] if base else [])])
    named = {f"{base}.{alias.name}" for alias in node.names}
    within = {name for name in named if name.removeprefix("linq_otel.") in modules}
    return within if len(within) == len(named) else within | {base}


def ours(imports: set[str]) -> set[str]:
    return {
        name.removeprefix("linq_otel").removeprefix(".")
        for name in imports
        if name.partition(".")[0] == "linq_otel"
    }


def core() -> list[Module]:
    return [module for module in read_modules().values() if module.is_core]


def simulator() -> list[Module]:
    return [module for module in read_modules().values() if module.is_simulator]


def kit() -> list[Module]:
    return [module for name, module in read_modules().items() if KIT.fullmatch(name)]


class TestImports:
    def test_what_is_imported_must_be_installed(self) -> None:
        """Each package that is imported is a dependency, or in an extra that a user installs."""
        project = read_toml(ROOT / "pyproject.toml")["project"]
        required = chain(project["dependencies"], *project["optional-dependencies"].values())
        known = {re.split(r"[\[<>=~!]", one)[0].replace("-", "_") for one in required}
        known |= {"linq_otel", "opentelemetry", *sys.stdlib_module_names}
        # Distributions of other names, what a dependency brings, hosts of an adapter and a plugin.
        known |= {"google", "grpc", "linq", "aiohttp", "packaging", "pytest"}
        unknown = {
            (module.name, name)
            for module in read_modules().values()
            for name in module.at_top | module.inside
            if name.partition(".")[0] not in known
        }
        assert unknown == set()

    def test_sdk(self) -> None:
        """The SDK and its exporters are loaded where spans are exported or read, nowhere else."""
        beyond = {
            (module.name, name)
            for module in read_modules().values()
            for name in module.imports
            if (part := opentelemetry_package(name))
            if part not in HELPERS | BEYOND_THE_API.get(module.name.partition(".")[0], set())
        }
        assert beyond == set()

    def test_inside_functions(self) -> None:
        """No import is hidden in a function, but of an engine by its URL and of the viewer's."""
        hidden = {module.name: ours(module.inside) for module in core() if ours(module.inside)}
        assert hidden == IMPORTS_INSIDE_FUNCTIONS
        foreign = {
            (module.name, name) for module in core() for name in module.inside if is_foreign(name)
        }
        assert foreign == set()

    def test_simulator_shares_nothing(self) -> None:
        """What tests the package from outside takes Linq's operations and the errors from it."""
        wrong = {
            (module.name, name)
            for module in simulator()
            for name in ours(module.imports) - SHARED_WITH_SIMULATOR
            if name not in {each.name for each in simulator()}
        }
        assert wrong | find_foreign(simulator(), {"standardwebhooks", "typing_extensions"}) == set()

    def test_kit_comes_by_the_doors(self) -> None:
        """What looks at spans instruments as an app would."""
        wrong = {
            (module.name, name)
            for module in kit()
            for name in ours(module.imports) - SHARED_WITH_KIT
            if name.partition(".")[0] != "testing"
        }
        assert wrong | find_foreign(kit(), {"opentelemetry", "pytest"}) == set()


class TestStatements:
    def test_one_place_starts_spans(self) -> None:
        """All spans are started by one rule."""
        starting = {
            module.name
            for module in core()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute)
            if node.attr in {"start_span", "start_as_current_span"}
        }
        assert starting == STARTS_SPANS

    def test_no_failure_is_lost(self) -> None:
        """What catches every exception raises it again, or logs and counts it."""
        swallowing = {
            (module.name, node.lineno)
            for module in core()
            if module.name not in MEETS_FAILURES_OF_OTHERS
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ExceptHandler)
            if node.type is None or {"Exception", "BaseException"} & names_in(node.type)
            if not (is_bare_raise(node.body[-1]) or is_call_of_swallow(node.body[0]))
        }
        assert swallowing == set()

    def test_nothing_is_printed(self) -> None:
        """A library speaks through its logger."""
        calls = {
            (module.name, node.func.id, node.lineno)
            for module in core()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in {"print", "input", "exec", "eval"}
        }
        assert calls == set()

    def test_no_bare_trace_id(self) -> None:
        """A name says whose trace id it holds: ``linq_trace_id`` or ``otel_trace_id``."""
        bare = {
            (module.name, node.lineno)
            for module in read_modules().values()
            for node in ast.walk(module.tree)
            if isinstance(node, (ast.Name, ast.arg, ast.FunctionDef, ast.AsyncFunctionDef))
            if "trace_id" in {getattr(node, part, None) for part in ("id", "arg", "name")}
        }
        assert bare == set()


def is_foreign(name: str) -> bool:
    return name.partition(".")[0] not in {"linq_otel", *sys.stdlib_module_names}


def find_foreign(modules: list[Module], allowed: set[str]) -> set[tuple[str, str]]:
    """
    Return what *modules* import of others' packages that are not *allowed*.
    """
    return {
        (module.name, name)
        for module in modules
        for name in module.imports
        if is_foreign(name) and name.partition(".")[0] not in allowed
    }


def opentelemetry_package(name: str) -> str | None:
    """
    Return which of OpenTelemetry's packages *name* is in; None for the API, and for others'.
    """
    parts = name.split(".")
    api = {"_logs", "context", "metrics", "propagate", "trace", "util"}
    if parts[0] != "opentelemetry" or len(parts) == 1 or parts[1] in api:
        return None
    return parts[1]


def names_in(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def is_call_of_swallow(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "swallow"
    )


def is_bare_raise(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and statement.exc is None
