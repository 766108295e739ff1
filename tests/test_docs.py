from __future__ import annotations

import re
from pathlib import Path

import pytest

from linq_otel import Options, environment_variables
from linq_otel.testing import SCENARIOS


ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(page: Path) -> str:
    """
    Return the text of a page.
    """
    return page.read_text(encoding="utf-8")


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_python_on_them_compiles(self, page: Path) -> None:
        """
        Each block of Python on a page is Python.
        """
        for block in re.findall(r"```python\n(.*?)```", read(page), re.DOTALL):
            compile(block, str(page), "exec")

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_links_lead_somewhere(self, page: Path) -> None:
        """
        Each relative link names a file that is there.
        """
        targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page))
        missing = [target for target in targets if not (page.parent / target).exists()]
        assert missing == []

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
    def test_phone_numbers_on_them_are_fictional(self, page: Path) -> None:
        """
        Every phone number in an example is one that nobody has.
        """
        numbers = re.findall(r"\+1\d{7,}", read(page))
        assert [number for number in numbers if not number.startswith("+1555")] == []


class TestReadme:
    def test_lists_every_option(self) -> None:
        """
        Each keyword of ``instrument()`` stands in the README's table, and no other.
        """
        table = read(ROOT / "README.md").split("## Options")[1].split("\n\n")[2]
        named = {
            name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
        }
        assert named == set(Options.__annotations__)

    def test_lists_every_environment_variable(self) -> None:
        """
        Each variable we read stands in the README.
        """
        named = set(re.findall(r"OTEL_PYTHON_LINQ_\w+", read(ROOT / "README.md")))
        assert named == {name for name in vars(environment_variables) if name.startswith("OTEL_")}


class TestTestingPage:
    def test_lists_every_scenario(self) -> None:
        """
        Each named scenario of the simulator stands in its table, and no other.
        """
        table = read(ROOT / "docs" / "testing.md").split("## Scenarios")[1].split("\n\n")[1]
        named = re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)
        assert set(named) == set(SCENARIOS)
