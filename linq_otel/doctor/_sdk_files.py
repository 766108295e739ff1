"""
Linq's SDK as it lies on the disk: which methods it has, and which operations.

Read and not imported: an import takes half a second, and in an app's process it
is the app's to decide.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from linq_otel._client import SdkSeams
from linq_otel._patching import Patches
from linq_otel._unwrap import install_unwrap


if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution
    from pathlib import Path

    from linq_otel._patching import Weave, Wrapper


_VERBS: Final = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}
Seam = tuple[str, str, str]
"""A module, a class in it, and a method of that."""


class _Notes(Patches):
    """
    Notes what would be patched, and patches nothing.
    """

    def __init__(self) -> None:
        super().__init__("the Linq SDK")
        self.seams: list[Seam] = []

    def wrap(self, module: str, owner_name: str, name: str, wrapper: Wrapper) -> None:
        del wrapper
        self.seams.append((module, owner_name, name))

    def weave(self, module: str, owner_name: str, name: str, weave: Weave) -> None:
        del weave
        self.seams.append((module, owner_name, name))


def list_seams() -> list[Seam]:
    """
    Return every method of the SDK that ``instrument()`` patches.
    """
    notes = _Notes()
    # Without its tracing: it is asked what it would weave, and nothing is woven.
    seams = SdkSeams.__new__(SdkSeams)
    seams.install(notes)
    tracing: Any = None
    install_unwrap(tracing, notes)
    return notes.seams


def find_missing(sdk: Distribution) -> list[Seam]:
    """
    Return those of them that *sdk* does not have.
    """
    seams = list_seams()
    there = {module: _find_methods(sdk, module) for module in {seam[0] for seam in seams}}
    return [seam for seam in seams if seam[1:] not in there[seam[0]]]


def find_requests(sdk: Distribution) -> set[tuple[str, str]]:
    """
    Return the method and the path template of every request that *sdk* makes.
    """
    found: set[tuple[str, str]] = set()
    for path in sdk.files or ():
        if path.suffix == ".py" and path.parts[:2] == ("linq", "resources"):
            located = _locate(sdk, str(path))
            if located.is_file():
                found.update(_read_requests(located, located.stat().st_mtime_ns))
    return found


@lru_cache(maxsize=512)
def _read_requests(path: Path, modified: int) -> frozenset[tuple[str, str]]:
    # All files of a release take 0.2 s, and a process may examine itself more than once.
    del modified
    return frozenset(_list_requests(_parse(path)))


def _find_methods(sdk: Distribution, module: str) -> frozenset[tuple[str, str]]:
    base = module.replace(".", "/")
    places = (_locate(sdk, f"{base}.py"), _locate(sdk, f"{base}/__init__.py"))
    found = next((place for place in places if place.is_file()), None)
    return _read_methods(found, found.stat().st_mtime_ns) if found else frozenset()


@lru_cache(maxsize=512)
def _read_methods(path: Path, modified: int) -> frozenset[tuple[str, str]]:
    # As above.
    del modified
    return frozenset(_list_methods(_parse(path)))


def _list_methods(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield node.name, part.name


def _list_requests(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            verb = _VERBS.get(node.func.attr)
            path = _read_path(node.args[0])
            if verb and path:
                yield verb, path


def _read_path(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.startswith("/v3/") else ""
    if isinstance(node, ast.JoinedStr):
        # Older releases write f-strings where newer ones name a template.
        parts = [str(v.value) if isinstance(v, ast.Constant) else "{id}" for v in node.values]
        path = "".join(parts)
        return path if path.startswith("/v3/") else ""
    return ""


def _locate(sdk: Distribution, path: str) -> Path:
    found: Any = sdk.locate_file(path)
    located: Path = found
    return located


def _parse(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))
