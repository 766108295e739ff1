"""
Prints the test files that concern what was changed: ``python -m support.changed_tests [BASE]``.

The nearest tests of a module are taken: those that have its name, and those that import it unless
they are too many for a minute; else those that reach it through ``tests/support``; else those of
the modules that import it. Changes are those since the commit *BASE*, without which they are the
ones that are not committed yet.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from grimp import build_graph


if TYPE_CHECKING:
    from grimp import ImportGraph


ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
MOST_FILES = 12
"""How many files of tests are taken for one module: what two processors run in a minute."""
# Files that no test imports, and the tests that read them.
READERS = {
    "docs/": ("tests/docs", "tests/test_docs.py"),
    "examples/": ("tests/test_examples.py", "tests/docs"),
    "linq_otel/": ("tests/test_architecture.py",),
    "linq_otel/viewer/page/": ("tests/viewer/page",),
    "CONTRIBUTING.md": ("tests/test_docs.py", "tests/docs/test_shell_blocks.py"),
    "README.md": ("tests/test_docs.py", "tests/docs/test_shell_blocks.py"),
    "pyproject.toml": ("tests/docs/test_shell_blocks.py",),
}


def find_tests(changed: list[str]) -> list[str]:
    """
    Return the tests that concern the files *changed*, all as paths from the root.
    """
    found = {path for path in changed if is_test_file(path) and (ROOT / path).is_file()}
    for path in changed:
        name = module_of(path)
        if name is not None and not is_test_file(path):
            found.update(each.relative_to(ROOT).as_posix() for each in find_nearest(name))
        for prefix, readers in READERS.items():
            found.update(readers if path.startswith(prefix) else ())
    return sorted(found)


def find_nearest(module: str) -> list[Path]:
    """
    Return the nearest tests of *module*, at most `MOST_FILES` but for those that have its name.
    """
    files = sorted(TESTS.rglob("test_*.py"))
    word = module.rpartition(".")[2].removeprefix("_")
    named = [path for path in files if path.stem in {f"test_{word}", f"test_{word}s"}]
    direct = [path for path in files if module in imported_by(path, through_support=False)]
    if named or direct:
        return named + (direct if len(direct) <= MOST_FILES or not named else [])[:MOST_FILES]
    behind = [path for path in files if module in imported_by(path)]
    if behind:
        return behind[:MOST_FILES]
    if module not in import_graph().modules:
        # A help of tests that none imports, or a module that is gone.
        return []
    above = sorted(import_graph().find_modules_that_directly_import(module))
    nearest = [path for each in above for path in find_nearest(each)]
    return list(dict.fromkeys(nearest))[:MOST_FILES]


@cache
def import_graph() -> ImportGraph:
    return build_graph("linq_otel")


def is_test_file(path: str) -> bool:
    return path.startswith("tests/") and Path(path).match("test_*.py")


def module_of(path: str) -> str | None:
    """
    Return the name under which tests import the file at *path*; None if it is no module.
    """
    parts = Path(path).with_suffix("").parts
    if not path.endswith(".py") or parts[0] not in {"linq_otel", "tests"}:
        return None
    parts = parts[1:] if parts[0] == "tests" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imported_by(path: Path, *, through_support: bool = True) -> frozenset[str]:
    """
    Return the modules that the file at *path* imports, and those of ``support`` behind them.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    for name in sorted(found) if through_support else ():
        helper = TESTS.joinpath(*name.split(".")).with_suffix(".py")
        if name.startswith("support.") and helper.is_file() and helper != path:
            found |= imported_by(helper)
    return frozenset(found)


def list_changes(base: str) -> list[str]:
    """
    Return the files that differ from the commit *base*, with new ones that Git does not ignore.
    """
    asked = (
        ["git", "diff", "--name-only", base],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    texts = [
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for command in asked
    ]
    return sorted({line for text in texts for line in text.splitlines()})


if __name__ == "__main__":
    print("\n".join(find_tests(list_changes(*sys.argv[1:2] or ["HEAD"]))))  # noqa: T201  # Its job.
