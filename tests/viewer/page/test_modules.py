from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import linq_otel


if TYPE_CHECKING:
    from playwright.sync_api import Page

    from linq_otel.viewer import Viewer


pytestmark = pytest.mark.slow


PAGE = Path(linq_otel.__file__).parent / "viewer" / "page"


def run(page: Page, module: str, code: str) -> Any:
    """
    Return what *code* makes of a module, in the browser.
    """
    return page.evaluate(f"import('/page/{module}.js').then((it) => {code})")


@pytest.fixture
def at_home(page: Page, empty_viewer: Viewer) -> Page:
    """
    Return a page that modules can be loaded into.
    """
    page.goto("/")
    return page


class TestFiles:
    def test_are_those_of_the_list(self) -> None:
        """
        The list in index.html, which exporters go by, names every script and style once.
        """
        index = (PAGE / "index.html").read_text("utf-8")
        named = re.findall(r'^<(?:link|script) [^>]*"page/([^"]+)"', index, re.MULTILINE)
        present = {it.name for it in PAGE.iterdir()} - {"index.html"}
        assert sorted(named) == sorted(present)

    def test_can_be_joined(self) -> None:
        """
        Each import and export is one line, and is of a module that stands above.
        """
        index = (PAGE / "index.html").read_text("utf-8")
        order = [*re.findall(r'modulepreload" href="page/([^"]+)"', index), "main.js"]
        for at, name in enumerate(order):
            lines = (PAGE / name).read_text("utf-8").splitlines()
            statements = [it for it in lines if it.startswith(("import ", "export "))]
            assert [it for it in statements if not it.endswith(";")] == []
            needed = re.findall(r'from "\./([^"]+)"', "\n".join(statements))
            assert set(needed) <= set(order[:at])

    def test_are_short_and_say_why(self) -> None:
        """
        Each module begins with its reason and can be read at a sitting.
        """
        for path in PAGE.glob("*.js"):
            lines = path.read_text("utf-8").splitlines()
            assert lines[0].startswith("// ")
            assert len(lines) <= 200

    def test_set_no_markup_and_no_style_text(self) -> None:
        """
        Nothing turns a string into elements, code or style.
        """
        forbidden = re.compile(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|"
            r"cssText|DOMParser|https?://(?!www\.w3\.org)"
        )
        for path in PAGE.glob("*.js"):
            assert forbidden.findall(path.read_text("utf-8")) == []


class TestTimes:
    @pytest.mark.parametrize(
        ("ns", "words"),
        [
            (0, "0"),
            (999, "999 ns"),
            (1_250, "1.3 µs"),
            (99_000_000, "99 ms"),
            (3_999_000_000, "4.0 s"),
            (59_949_999_999, "59.9 s"),
            (59_950_000_000, "1 m 00 s"),
            (10_920_000_000_000, "3 h 02 m"),
            (-1_000_000, "-1.0 ms"),
        ],
    )
    def test_are_spelt_as_in_the_terminal(self, at_home: Page, ns: int, words: str) -> None:
        """
        A length of time has the words `linq-otel show` has for it.
        """
        assert run(at_home, "times", f"it.spellDuration({ns}n)") == words

    def test_keep_their_last_digit(self, at_home: Page) -> None:
        """
        Nanoseconds since the epoch are more than a Number holds.
        """
        spelt = run(at_home, "times", "it.spellUtc(it.readNs('1795346630328209929'))")
        assert spelt == "2026-11-22 11:23:50.328209929"

    def test_are_read_from_anything(self, at_home: Page) -> None:
        """
        What is no number of nanoseconds is the fallback.
        """
        words = ["NaN", "", "1e9", "0x10", "-", "9" * 40]
        code = f"{words}.map((text) => String(it.readNs(text, 7n)))"
        assert run(at_home, "times", code) == ["7"] * 6


class TestAxis:
    def test_folds_what_is_long_beside_the_rest(self, at_home: Page) -> None:
        """
        Hours and then seconds are folded; what is left keeps one scale and fills the width.
        """
        waits = "[{from: 10, to: 1010}, {from: 1020, to: 1e6}, {from: 1e6 + 10, to: 1e6 + 12}]"
        pieces = run(at_home, "axis", f"it.layAxis(1e6 + 20, {waits}, new Set(), 0.1)")
        folded = [piece["folded"] is not None for piece in pieces]
        assert folded == [False, True, False, True, False]
        assert pieces[-1]["left"] + pieces[-1]["width"] == pytest.approx(1)
        plain = [piece for piece in pieces if not piece["folded"]]
        scales = [piece["width"] / (piece["to"] - piece["from"]) for piece in plain]
        assert scales == pytest.approx([scales[0]] * 3)

    def test_never_turns_back(self, at_home: Page) -> None:
        """
        A later moment is never further left, and each moment is found again where it is drawn.
        """
        moments = "Array.from({length: 200}, (_, n) => n * 51)"
        code = (
            "((pieces) => %s.map((ns) => [ns, it.toShare(pieces, ns), "
            "it.toOffset(pieces, it.toShare(pieces, ns))]))"
            "(it.layAxis(10200, [{from: 100, to: 9000}], new Set(), 0.1))"
        )
        rows = run(at_home, "axis", code % moments)
        shares = [share for _, share, _ in rows]
        assert shares == sorted(shares)
        assert [back for *_, back in rows] == pytest.approx([ns for ns, *_ in rows])
