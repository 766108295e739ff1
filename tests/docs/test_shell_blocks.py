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
    @pytest.mark.parametrize(
        ("block", "words"), COMMANDS, ids=[f"{block} {words[0]}" for block, words in COMMANDS]
    )
    def test_known(self, block: Block, words: list[str]) -> None:
        """
        The command and its options exist.
        """
        name = Path(words[0]).name
        if name in OF_OTHERS:
            return
        assert name in CHECKS, f"{block}: there is no rule for {name}"
        CHECKS[name](block, words[1:])

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


def check_linq_otel(block: Block, words: list[str]) -> None:
    """
    Look a command of ours up, and its options.
    """
    commands = find_commands()
    plain = [word for word in words if not word.startswith("-")]
    if not plain:
        known = {word for one in get_command(app).params for word in one.opts}
    else:
        name = max((n for n in commands if " ".join(plain).startswith(n)), key=len, default=None)
        assert name is not None, f"{block}: no command {words}"
        known = {word for one in commands[name].params for word in (*one.opts, *one.secondary_opts)}
    asked = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    assert asked - known - {"-h", "--help"} == set()


def check_python(block: Block, words: list[str]) -> None:
    """
    Look up what Python is to run.
    """
    if words[:2] == ["-m", "linq_otel.testing"]:
        check_simulator(words[2:])
    elif words[0] == "-m":
        assert words[1] in {"build", "mkdocs", "pip", "pytest", "venv"}
    else:
        named = {one.title for one in find_blocks("python") if one.page == block.page}
        assert words[0] in {"app.py", *named} or (ROOT / words[0]).is_file()


def check_simulator(words: list[str]) -> None:
    """
    Let the simulator read its options.
    """
    from linq_otel.testing.__main__ import _parse_options  # noqa: PLC0415

    assert isinstance(_parse_options(words), argparse.Namespace)


def check_make(_: Block, words: list[str]) -> None:
    """
    Look up a target, which says what it is for.
    """
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    asked = {word for word in words if "=" not in word}
    assert asked - set(targets) == set()


def check_pip(_: Block, words: list[str]) -> None:
    """
    Look up the extras of ours that are asked for.
    """
    assert words[0] == "install"
    known = PYPROJECT["project"]["optional-dependencies"]
    asked = [re.fullmatch(r"(?:linq-otel|\.)\[([\w,]+)\]", word) for word in words]
    extras = {extra for match in asked if match for extra in match[1].split(",")}
    assert extras - set(known) == set()
    groups = [after for before, after in pairwise(words) if before == "--group"]
    assert set(groups) - set(PYPROJECT["dependency-groups"]) == set()


def check_own(_: Block, words: list[str]) -> None:
    """
    Let a harmless word be.
    """
    assert isinstance(words, list)


CHECKS: dict[str, Callable[[Block, list[str]], None]] = {
    "cut": check_own,
    "linq-otel": check_linq_otel,
    "make": check_make,
    "pip": check_pip,
    "printf": check_own,
    "pytest": check_own,
    "python": check_python,
    "python3": check_python,
    "sha256sum": check_own,
}
