"""
The page about testing: what stands on it is run, by pytest and by unittest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from linq_otel.testing._trials import _verdicts
from linq_otel.testing._trials._verdicts import Finding
from support.doc_blocks import ROOT, find_blocks
from support.environments import plain_environment
from support.kit_plugin import PLUGIN


if TYPE_CHECKING:
    from pathlib import Path


PAGE = "docs/testing.md"
FILES = {block.title: block.code for block in find_blocks("python") if block.page == PAGE}
PICTURE = next(b.code for b in find_blocks("text") if b.code.startswith("AssertionError"))
WRONG = """
import shop
from linq_otel.testing.spans import assert_one_trace


def test_order(linq_simulator, linq_event, linq_spans):
    message_id = shop.place_order()
    shop.take_webhook(*linq_event("message.delivered", message_id=message_id))
    left_out = ("process message.delivered", "update order")
    spans = [s for s in linq_spans.of_message(message_id) if s.name not in left_out]
    assert_one_trace(spans, OUTLINE)


OUTLINE = '''
place order
  linq chats.create [CLIENT]
    POST /v3/chats
linq message
  message accepted
  message read
'''
"""
ALONE = ["-p", "no:cacheprovider", "-W", "error", "-q"]


def run(folder: Path, *arguments: str, code: int = 0) -> list[str]:
    """
    Run Python in a folder; answer the lines it printed.
    """
    kept = plain_environment("PYTEST_")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return (done.stdout + done.stderr).strip().splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    A folder with every file of the page.
    """
    for title, code in FILES.items():
        if title is not None:
            (tmp_path / title).write_text(code)
    return tmp_path


@pytest.mark.slow
class TestPage:
    def test_pytest(self, folder: Path) -> None:
        """Every suite on the page passes, unittest's too, as pytest runs it."""
        told = run(folder, "-m", "pytest", *PLUGIN, *ALONE)
        assert told[-1].startswith("8 passed in ")

    def test_failure(self, folder: Path) -> None:
        """A failure is drawn as the page has it."""
        (folder / "test_wrong.py").write_text(WRONG)
        told = run(folder, "-m", "pytest", *PLUGIN, *ALONE, "test_wrong.py", code=1)
        drawn = [line[8:] for line in told if line.startswith("E  ")]
        assert "\n".join(drawn) == PICTURE.rstrip()

    def test_unittest(self, folder: Path) -> None:
        """Its test case needs no pytest."""
        assert run(folder, "-m", "unittest", "-q", "test_cases.py")[-1] == "OK"

    def test_verdicts(self) -> None:
        """Every verdict of the command stands in its table, and no other."""
        page = (ROOT / PAGE).read_text("utf-8")
        table = page.split("| verdict | when |\n|---|---|\n")[1].split("\n\n")[0]
        named = [
            word.strip("`")
            for row in table.splitlines()
            for word in row.split("|")[1].strip().split(", ")
        ]
        known = [one.kind for one in vars(_verdicts).values() if isinstance(one, Finding)]
        assert sorted(named) == sorted(known)


@pytest.mark.slow
class TestExample:
    def test_my_app(self, tmp_path: Path) -> None:
        """The example of a suite passes: examples/test_my_app.py."""
        example = str(ROOT / "examples" / "test_my_app.py")
        options = ["--rootdir", str(tmp_path), "-c", os.devnull, *PLUGIN, *ALONE]
        told = run(tmp_path, "-m", "pytest", *options, example)
        assert told[-1].startswith("1 passed in ")
