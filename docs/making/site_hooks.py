# ruff: noqa: INP001  # A script of MkDocs.
"""
Makes one text serve twice: read in the repository, and built as the site.

A page links to ``../examples/…`` as the repository has it. The site's root is ``docs/``, so the
files beside it are brought in, and links that lead there are turned to where they are then.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File


if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples")
_KINDS = {".json", ".md", ".py", ".yaml"}
_LINK = re.compile(r"(?P<open>\]\()(?P<target>[^)#\s]+)")
_ADDRESS = re.compile(r"[a-z]+:|#|/")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """
    Bring in what stands beside ``docs/``.
    """
    for path in sorted(_find_outside()):
        place = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """
    Turn the links that leave ``docs/``, or come from outside of it.
    """
    place = page.file.src_uri
    is_outside = page.file.generated_by is not None
    home = posixpath.dirname(place if is_outside else f"docs/{place}")

    def turn(match: re.Match[str]) -> str:
        target = match["target"]
        if _ADDRESS.match(target):
            return match[0]
        meant = posixpath.normpath(posixpath.join(home, target))
        there = _find_page(meant).removeprefix("docs/")
        return match["open"] + posixpath.relpath(there, posixpath.dirname(place) or ".")

    return _LINK.sub(turn, markdown)


def _find_page(meant: str) -> str:
    """
    Return the page of a folder, or of the next one above it that has one.
    """
    while (ROOT / meant).is_dir():
        page = f"{meant}/README.md"
        if (ROOT / page).exists():
            return page
        meant = posixpath.dirname(meant)
    return meant


def _find_outside() -> list[Path]:
    named = [ROOT / name for name in OUTSIDE]
    found = [path for top in named for path in (top.rglob("*") if top.is_dir() else [top])]
    return [path for path in found if path.suffix in _KINDS and "__pycache__" not in path.parts]
