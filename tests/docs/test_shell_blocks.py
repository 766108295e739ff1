"""
Every line of shell on a page: its words are those the commands know, and harmless ones are run.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from generate_commands import find_commands  # type: ignore[import-not-found]  # Of docs/.
from typer.main import get_command

from linq_otel.cli._app import app
from support.doc_blocks import ROOT, Block, find_blocks
from support.toml_files import read_toml


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


BLOCKS = find_blocks("sh")
PYPROJECT = read_toml(ROOT / "pyproject.toml")
# Commands whose words are not ours to check, each with where its use is tested, or why not.
OF_OTHERS = {
    "celery": "tests/docs/test_quickstarts.py",
    "curl": "needs an account, or tests/docs/test_quickstarts.py",
    "docker": "its files are parsed, and run by tests/backends where they can be",
    "export": "sets a variable",
    "flask": "tests/docs/test_quickstarts.py",
    "git": "of whoever contributes",
    "gunicorn": "tests/receivers/test_untouched_apps.py",
    "kill": "ends what a line above it began",
    "opentelemetry-instrument": "tests/receivers/test_untouched_apps.py",
    "uvicorn": "tests/docs/test_quickstarts.py",
}
_ASSIGNMENT = re.compile(r"[A-Z_]+=")


def split(block: Block) -> Iterator[list[str]]:
    """
    Yield each command of a block as its words, without comments and assignments.
    """
    lines = block.code.replace("\\\n", " ").splitlines()
    for line in lines:
        for part in re.split(r"\s(?:&&|\|\|?)\s", line.strip().removesuffix("&")):
            words = shlex.split(part, comments=True)
            while words and _ASSIGNMENT.match(words[0]):
                words = words[1:]
            if words:
                yield words


COMMANDS = [(block, words) for block in BLOCKS for words in split(block)]


class TestShell:
    def test_known(self) -> None:
        """
        Each command and its options exist.
        """
        wrong = []
        for block, words in COMMANDS:
            name = Path(words[0]).name
            if name not in CHECKS and name not in OF_OTHERS:
                wrong.append(f"{block}: there is no rule for {name}")
            elif name in CHECKS and not CHECKS[name](block, words[1:]):
                wrong.append(f"{block}: {shlex.join(words)}")
        assert wrong == []

    @pytest.mark.parametrize(
        "block", [one for one in BLOCKS if one.code.startswith("printf")], ids=str
    )
    def test_hashes(self, block: Block) -> None:
        """
        A line that makes a derived id makes one that stands on its page.
        """
        done = subprocess.run(
            ["bash", "-c", block.code], capture_output=True, text=True, check=True, timeout=20
        )
        assert f"`{done.stdout.strip()}`" in (ROOT / block.page).read_text(encoding="utf-8")


def knows_linq_otel(_: Block, words: list[str]) -> bool:
    """
    Look a command of ours up, and its options.
    """
    commands = find_commands()
    plain = [word for word in words if not word.startswith("-")]
    if not plain:
        known = {word for one in get_command(app).params for word in one.opts}
    else:
        name = max((n for n in commands if " ".join(plain).startswith(n)), key=len, default=None)
        if name is None:
            return False
        known = {word for one in commands[name].params for word in (*one.opts, *one.secondary_opts)}
    asked = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    return asked <= known | {"-h", "--help"}


def knows_python(block: Block, words: list[str]) -> bool:
    """
    Look up what Python is to run.
    """
    if words[:2] == ["-m", "linq_otel.testing"]:
        return knows_simulator(words[2:])
    if words[0] == "-m":
        return words[1] in {"build", "mkdocs", "pip", "pytest", "venv"}
    named = {one.title for one in find_blocks("python") if one.page == block.page}
    return words[0] in {"app.py", *named} or (ROOT / words[0]).is_file()


def knows_simulator(words: list[str]) -> bool:
    """
    Let the simulator read its options.
    """
    from linq_otel.testing.__main__ import _parse_options  # noqa: PLC0415

    try:
        return isinstance(_parse_options(words), argparse.Namespace)
    except SystemExit:
        return False


def knows_make(_: Block, words: list[str]) -> bool:
    """
    Look up a target, which says what it is for.
    """
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    asked = {word for word in words if "=" not in word}
    return asked <= set(targets)


def knows_pip(_: Block, words: list[str]) -> bool:
    """
    Look up the extras of ours that are asked for.
    """
    known = PYPROJECT["project"]["optional-dependencies"]
    asked = [re.fullmatch(r"(?:linq-otel|\.)\[([\w,]+)\]", word) for word in words]
    extras = {extra for match in asked if match for extra in match[1].split(",")}
    groups = {after for before, after in pairwise(words) if before == "--group"}
    is_known = extras <= set(known) and groups <= set(PYPROJECT["dependency-groups"])
    return words[0] == "install" and is_known


def knows_any(_: Block, __: list[str]) -> bool:
    """
    Let a harmless word be.
    """
    return True


CHECKS: dict[str, Callable[[Block, list[str]], bool]] = {
    "cut": knows_any,
    "linq-otel": knows_linq_otel,
    "make": knows_make,
    "pip": knows_pip,
    "pre-commit": knows_any,
    "printf": knows_any,
    "pytest": knows_any,
    "python": knows_python,
    "python3": knows_python,
    "sha256sum": knows_any,
}
