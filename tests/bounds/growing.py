"""
Everything in the package that can grow, found by reading its source.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import linq_otel


if TYPE_CHECKING:
    from collections.abc import Iterator


PACKAGE: Final = Path(linq_otel.__file__).parent
# The simulator and the command live as long as a test or a terminal does, and what reads
# integration logs as long as a file is read: its memory is measured.
_SHORT_LIVED: Final = {"testing", "cli", "integration_logs"}
_KINDS: Final = frozenset({
    "Counter", "LifoQueue", "OrderedDict", "PriorityQueue", "Queue", "SimpleQueue", "WeakSet",
    "WeakKeyDictionary", "WeakValueDictionary", "defaultdict", "deque", "dict", "list", "set",
})  # fmt: skip


def find_growing() -> set[str]:
    """
    Return ``module.name`` of each container that is empty at first and outlives a function.

    Those are of a module or of an object. What a decorator caches counts too.
    """
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in _SHORT_LIVED:
            module = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {f"{module}.{name}" for name in _find_in(tree)}
    return found


def _find_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_empty_container(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_global = node in tree.body
            for target in targets:
                if isinstance(target, ast.Attribute):
                    yield target.attr
                elif is_global and isinstance(target, ast.Name):
                    yield target.id
        elif isinstance(node, ast.FunctionDef) and _is_cached(node):
            yield node.name


def _is_cached(function: ast.FunctionDef) -> bool:
    return any("cache" in ast.unparse(decorator) for decorator in function.decorator_list)


def _is_empty_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, (ast.List, ast.Set)):
        return not value.elts
    if not isinstance(value, ast.Call):
        return False
    function = value.func.value if isinstance(value.func, ast.Subscript) else value.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _KINDS and not value.args
