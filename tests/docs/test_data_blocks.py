"""
Blocks that are data parse, and no block is in a language that nothing here looks at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
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


class TestData:
    @pytest.mark.parametrize("block", find_blocks(*PARSERS), ids=str)
    def test_parsed(self, block: Block) -> None:
        """
        The block is what it says it is, and not empty.
        """
        assert PARSERS[block.language](block.code)

    def test_languages(self) -> None:
        """
        Every block is in a language that some test looks at.
        """
        languages = {block.language for block in find_blocks()}
        assert languages - set(PARSERS) - ELSEWHERE == set()
