"""
Every block of code on every page, as tests of the documentation find it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r'title="(?P<title>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """
    One block of code.

    Attributes:
        page: The page, from the root of the repository.
        line: Where it begins there.
        language: What it says it is; empty if it says nothing.
        title: The name of the file it is, if it is one.
        code: What stands in it.
    """

    page: str
    line: int
    language: str
    title: str | None
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def find_pages() -> list[Path]:
    """
    Return every page of the repository.
    """
    top = [ROOT / name for name in _TOP]
    below = [*DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return [path for path in (*top, *sorted(below)) if path.exists()]


def find_blocks(*languages: str) -> list[Block]:
    """
    Return the blocks of *languages*, or of all.
    """
    blocks = [block for page in find_pages() for block in _read_blocks(page)]
    return [block for block in blocks if not languages or block.language in languages]


def _read_blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        title = _TITLE.search(found["rest"])
        yield Block(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            title=title["title"] if title else None,
            code=dedent(found["code"]),
        )
