"""
Prints the test files that concern what was changed: ``python -m support.changed_tests [BASE]``.

A test file concerns a module that it imports, itself or through ``tests/support``. Changes are
those since the commit *BASE*, without which they are the ones that are not committed yet.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
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
    modules = {name for path in changed if (name := module_of(path))}
    found = {path for path in changed if is_test_file(path) and (ROOT / path).is_file()}
    found |= {
        path.relative_to(ROOT).as_posix()
        for path in sorted(TESTS.rglob("test_*.py"))
        if modules & imported_by(path)
    }
    for path in changed:
        for prefix, readers in READERS.items():
            found.update(readers if path.startswith(prefix) else ())
    return sorted(found)


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
def imported_by(path: Path) -> frozenset[str]:
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
    for name in sorted(found):
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
