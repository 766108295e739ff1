"""
The site builds without a warning, and its pages load nothing from anywhere else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.doc_blocks import DOCS, ROOT


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow


_SECONDS = 110
# What a browser fetches by itself; a link that a reader may follow is not among it.
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?(?P<src>[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?(?:canonical|next|prev|alternate))[^>]*"""
    r"""\bhref=["']?(?P<href>[^"'\s>]+)"""
)
_IN_STYLES = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])(?P<url>[^"')\s]+)""")
_ELSEWHERE = re.compile(r"(?:https?:)?//")
# What the theme's script fetches only where a page has such a thing; none of ours has.
FETCHED_FOR = ('class="mermaid"', 'data-md-component="source"', 'class="giscus"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Build the site.
    """
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


class TestSite:
    def test_pages(self, site: Path) -> None:
        """
        Every page of the repository is a page of the site.
        """
        pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
        built = {path.relative_to(site).as_posix() for path in site.rglob("index.html")}
        expected = {page.removesuffix(".md").removesuffix("index") for page in pages}
        missing = {
            page for page in expected if f"{page.rstrip('/')}/index.html".lstrip("/") not in built
        }
        assert missing == set()

    def test_loads_nothing_from_elsewhere(self, site: Path) -> None:
        """
        No page and no style sheet names a thing to fetch from another host.
        """
        found: list[str] = []
        for page in site.rglob("*.html"):
            text = page.read_text("utf-8")
            named = [match["src"] or match["href"] for match in _LOADED.finditer(text)]
            named += [word for word in FETCHED_FOR if word in text]
            found += [one for one in named if _ELSEWHERE.match(one) or one in FETCHED_FOR]
        for sheet in site.rglob("*.css"):
            urls = [match["url"] for match in _IN_STYLES.finditer(sheet.read_text("utf-8"))]
            found += [url for url in urls if _ELSEWHERE.match(url)]
        for picture in site.rglob("pictures/*.svg"):
            text = picture.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
            found += re.findall(r"https?://[^\"\s]+", text)
        assert found == []

    def test_the_watch_sees(self) -> None:
        """
        What the test above looks for is found where it is.
        """
        page = '<link rel="stylesheet" href="https://a.example/x.css"><script src=//b.example/y>'
        seen = [match["src"] or match["href"] for match in _LOADED.finditer(page)]
        assert seen == ["https://a.example/x.css", "//b.example/y"]
        style = '@import "https://c.example/z.css"; a { b: url(//d.example/w) }'
        urls = [match["url"] for match in _IN_STYLES.finditer(style)]
        assert urls == ["https://c.example/z.css", "//d.example/w"]

    def test_search(self, site: Path) -> None:
        """
        The search knows the pages.
        """
        index = (site / "search" / "search_index.json").read_text("utf-8")
        assert '"location":"troubleshooting/#429-rate-limit"' in index
