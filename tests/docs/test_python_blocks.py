"""
Every block of Python on a page is run, each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from linq_otel.testing import LinqSimulator
from support.doc_blocks import Block, find_blocks
from support.doc_grounds import CANNOT_RUN, GROUNDS, REPLACED, SECRET, Ground
from support.doc_stage import environment_of, open_collector
from support.redis_servers import open_redis
from support.webhook_sink import open_webhook_sink


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path


# Those with a title are whole programs, run by what their page says (test_quickstarts.py).
BLOCKS = [block for block in find_blocks("python") if block.title is None]
_SECONDS = 60


def is_for(block: Block, page: str, phrase: str) -> bool:
    """
    Answer whether a row of a table is about this block.
    """
    return block.page == page and phrase in block.code


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    """
    Yield what blocks are told in place of a page's addresses, and their environment.
    """
    folder = tmp_path_factory.mktemp("redis")
    with (
        open_collector() as collector,
        open_redis(folder) as redis,
        open_webhook_sink() as endpoint,
        LinqSimulator(seed=7, speed=0) as linq,
    ):
        yield {
            **environment_of(collector),
            "LINQ_API_V3_BASE_URL": linq.base_url,
            "LINQ_API_V3_API_KEY": linq.api_key,
            "LINQ_WEBHOOK_SECRET": SECRET,
            "{collector}": collector.url,
            "{endpoint}": endpoint,
            "{redis}": redis.url,
        }


class TestBlocks:
    @pytest.mark.parametrize("block", BLOCKS, ids=str)
    def test_run(self, block: Block, places: Mapping[str, str], tmp_path: Path) -> None:
        """
        The block runs to its end and complains of nothing.
        """
        if any(is_for(block, *row) for row in CANNOT_RUN):
            return
        ground = next((g for g in GROUNDS if is_for(block, g.page, g.phrase)), Ground("", ""))
        code = "\n".join([ground.before, adapt(block.code, places), ground.then])
        assert find_complaint(code, places, tmp_path) is None

    def test_what_fails_is_seen(self, places: Mapping[str, str], tmp_path: Path) -> None:
        """
        A block that raises, or fails in a thread of its own, is not taken for a good one.
        """
        raising = find_complaint("int('a')", places, tmp_path)
        threaded = "import threading\nthreading.Thread(target=int, args=('a',)).start()"
        assert (raising or "").endswith("invalid literal for int() with base 10: 'a'")
        assert "Traceback" in (find_complaint(threaded, places, tmp_path) or "")

    @pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: ground.phrase)
    def test_grounds_are_used(self, ground: Ground) -> None:
        """
        What is laid under a block is laid under one block, and not under none.
        """
        under = [block for block in BLOCKS if is_for(block, ground.page, ground.phrase)]
        assert len(under) == 1

    def test_exceptions_are_blocks(self) -> None:
        """
        What is said not to run is there, with a reason.
        """
        missing = [row for row in CANNOT_RUN if not any(is_for(block, *row) for block in BLOCKS)]
        assert (missing, [reason for reason in CANNOT_RUN.values() if len(reason) < 20]) == ([], [])


def find_complaint(code: str, places: Mapping[str, str], folder: Path) -> str | None:
    """
    Run *code* in a process of its own; return what it complained of, or None.
    """
    (folder / "block.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "block.py"],
        cwd=folder,
        env={name: value for name, value in places.items() if not name.startswith("{")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    is_good = done.returncode == 0 and "Traceback" not in done.stderr
    return None if is_good else done.stderr.strip()[-3000:]


def adapt(code: str, places: Mapping[str, str]) -> str:
    """
    Put the places of this run where the page has its own.
    """
    for shown, used in REPLACED.items():
        code = code.replace(shown, used)
    for name in ("{collector}", "{endpoint}", "{redis}"):
        code = code.replace(name, places[name])
    return code
