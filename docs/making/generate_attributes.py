# ruff: noqa: INP001  # A script.
"""
Writes ``docs/attributes.md`` from the module that lists what we emit.

::

    python docs/making/generate_attributes.py
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from linq_otel import _attributes


PAGE = Path(__file__).parents[1] / "attributes.md"

_HEAD = """\
# Attributes

Everything this package writes into a span, besides what an app's hooks add. This page is made from
`linq_otel/_attributes.py` by `python docs/making/generate_attributes.py`.

No message text, handle, phone number, e-mail address, URL query or exception text is in any of
them. *Stable* keys are those of the stable
[semantic conventions](https://opentelemetry.io/docs/specs/semconv/); a key in *development* may be
renamed in a minor release, with a note in the changelog.
"""
_KEY = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_FACTS = re.compile(r"(?P<type>[a-z]+(?:\[\])?); (?P<meaning>.+); (?P<stability>[a-z]+)\.")


class Constant(NamedTuple):
    """
    One constant of the module.
    """

    name: str
    value: str
    doc: str

    @property
    def is_key(self) -> bool:
        """
        True if it is the key of an attribute, and not a name of a span or a value.
        """
        return _KEY.fullmatch(self.value) is not None

    @property
    def facts(self) -> tuple[str, str, str]:
        """
        Type, meaning and stability of a key.

        Raises:
            ValueError: If the line under it does not say them.
        """
        match = _FACTS.fullmatch(self.doc)
        if match is None:
            raise ValueError(f"{self.name}: the line under it is not 'type; meaning; stability.'")
        return match["type"], match["meaning"], match["stability"]


def read_constants() -> list[Constant]:
    """
    Return every constant of the module, with the line under it, or an empty one.
    """
    body = ast.parse(Path(_attributes.__file__).read_text("utf-8")).body
    return [
        Constant(target.id, getattr(_attributes, target.id), _doc(below))
        for statement, below in pairwise([*body, ast.Pass()])
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def _doc(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return str(statement.value.value)
    return ""


def render(constants: list[Constant]) -> str:
    """
    Return the whole page.
    """
    keys = [constant for constant in constants if constant.is_key]
    ours = [key for key in keys if key.value.startswith("linq.")]
    theirs = [key for key in keys if key not in ours]
    links = [constant for constant in constants if constant.name.startswith("LINK_")]
    names = [one for one in constants if one not in keys and one not in links]
    facts = ("key", "type", "meaning", "stability")
    return "\n".join([
        _HEAD,
        _table("Ours", facts, [(key.value, *key.facts) for key in ours]),
        _table("Semantic conventions", facts, [(key.value, *key.facts) for key in theirs]),
        _table("Values of `linq.link`", ("value", "meaning"), [(x.value, x.doc) for x in links]),
        _table("Names", ("name", "meaning"), [(x.value, x.doc) for x in names]),
    ])  # fmt: skip


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"## {title}", "", _row(columns), "|---" * len(columns) + "|"]
    lines += [_row((f"`{first}`", *rest)) for first, *rest in rows]
    return "\n".join([*lines, ""])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("``", "`").rstrip(".") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(render(read_constants()), "utf-8")
