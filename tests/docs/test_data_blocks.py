"""
Blocks that are data parse, and no block is in a language that nothing here looks at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from support.doc_blocks import Block, find_blocks
from support.toml_files import parse_toml


if TYPE_CHECKING:
    from collections.abc import Callable


PARSERS: dict[str, Callable[[str], Any]] = {
    "ini": str,
    "json": json.loads,
    "toml": parse_toml,
    "yaml": yaml.safe_load,
}
# Run by test_python_blocks.py and test_quickstarts.py, checked by test_shell_blocks.py, or plain.
ELSEWHERE = {"", "python", "sh", "text"}


def is_parsed(block: Block) -> bool:
    try:
        return bool(PARSERS[block.language](block.code))
    except (ValueError, yaml.YAMLError):
        return False


class TestData:
    def test_parsed(self) -> None:
        """
        Each block is what it says it is, and not empty.
        """
        wrong = [str(block) for block in find_blocks(*PARSERS) if not is_parsed(block)]
        assert wrong == []

    def test_languages(self) -> None:
        """
        Every block is in a language that some test looks at.
        """
        languages = {block.language for block in find_blocks()}
        assert languages - set(PARSERS) - ELSEWHERE == set()
