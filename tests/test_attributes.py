from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pytest

import linq_otel
from linq_otel import _attributes


ROOT = Path(__file__).parents[1]
PACKAGE = Path(linq_otel.__file__).parent
LITERAL = re.compile(r"(linq|messaging)(\.[a-z][a-z_]*)+")


@cache
def script() -> Any:
    """
    Return the script that writes the page, as a module.
    """
    spec = util.spec_from_file_location("gen", ROOT / "docs" / "making" / "generate_attributes.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONSTANTS = script().read_constants()
KEYS = [constant for constant in CONSTANTS if constant.is_key]
IN_DEVELOPMENT = [
    key for key in KEYS if not key.value.startswith("linq.") and key.facts[2] == "development"
]


# Newer than the conventions' own package.
NOT_YET = {"HTTP_REQUEST_BODY_CONTENT", "HTTP_RESPONSE_BODY_CONTENT"}
# Reads like a key, and is a module of the SDK.
SDK_WEBHOOKS = "linq.resources.webhooks"
# The name of a log event.
EVENT_NAME = "linq.integration.call"


def convention(name: str) -> Any:
    """
    Return the key that the conventions' own package has under *name*; None if it has no such key.
    """
    group = name.split("_", maxsplit=1)[0].lower()
    module = import_module(f"opentelemetry.semconv._incubating.attributes.{group}_attributes")
    return getattr(module, name, None)


class TestAttributes:
    def test_each_has_a_line(self) -> None:
        """Every constant says what it is, in one sentence."""
        wrong = [one.name for one in CONSTANTS if not re.fullmatch(r"\S.{10,}\.", one.doc)]
        assert wrong == []

    def test_keys_say_type_and_stability(self) -> None:
        """A key's line begins with its type and ends with its stability."""
        types = {"string", "string[]", "int", "double", "boolean"}
        facts = {key.name: (key.facts[0], key.facts[2]) for key in KEYS}
        wrong = {
            name: (kind, stability)
            for name, (kind, stability) in facts.items()
            if kind not in types or stability not in {"stable", "development"}
        }
        assert wrong == {}

    def test_ours_are_in_development(self) -> None:
        """Only a key of the conventions is called stable, and it says where it is from."""
        called_stable = [
            key.name
            for key in KEYS
            if key.value.startswith("linq.") and key.facts[2] != "development"
        ]
        wrong_source = [
            key.name
            for key in KEYS
            if key.value.startswith("linq.") is ("semantic conventions" in key.doc)
        ]
        assert (called_stable, wrong_source) == ([], [])

    def test_conventions_in_development(self) -> None:
        """What is spelled out here is what the conventions' own package spells."""
        spelled = {key.name: key.value for key in IN_DEVELOPMENT if key.name not in NOT_YET}
        theirs = {name: convention(name) for name in spelled}
        assert spelled == theirs

    def test_every_value_once(self) -> None:
        """No two constants are the same key."""
        values = [key.value for key in KEYS]
        assert sorted(values) == sorted(set(values))

    def test_each_is_used(self) -> None:
        """A key nobody writes is no key of ours."""
        sources = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
        unused = [
            constant.name
            for constant in CONSTANTS
            if not any(f"a.{constant.name}" in source for source in sources)
        ]
        assert unused == []

    def test_no_key_is_spelled_elsewhere(self) -> None:
        """The list is complete: no other module spells a key of its own, but names of signals."""
        spelled = {
            (path.name, node.value)
            for path in [
                *PACKAGE.glob("_*.py"),
                *PACKAGE.glob("webhooks/*.py"),
                *PACKAGE.glob("integration_logs/*.py"),
            ]
            if path.name not in {"_attributes.py", "_instruments.py", "_log_events.py"}
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if LITERAL.fullmatch(node.value) and node.value not in {SDK_WEBHOOKS, EVENT_NAME}
        }
        assert spelled == set()

    def test_names_are_filled_in(self) -> None:
        """Templates of span names take the words they are given."""
        assert _attributes.CALL.format(operation="chats.create") == "linq chats.create"
        assert _attributes.STAGE.format(stage="read") == "message read"
        assert _attributes.PROCESS.format(event_type="message.read") == "process message.read"


class TestPage:
    def test_is_not_stale(self) -> None:
        """The page is what ``python docs/making/generate_attributes.py`` writes."""
        assert script().PAGE.read_text("utf-8") == script().render(CONSTANTS)

    def test_wrong_line(self) -> None:
        """A key without its facts stops the script, which names it."""
        wrong = script().Constant("NEW", "linq.new", "Something new.")
        with pytest.raises(ValueError, match="NEW: the line under it is not"):
            script().render([wrong])
