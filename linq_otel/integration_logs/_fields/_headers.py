"""
Headers, in any of the six ways tools write them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


Headers = dict[str, tuple[str, ...]]
_LINE: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:(.*)", re.DOTALL | re.ASCII)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PAIR: Final = 2


def parse_headers(value: object) -> Headers:
    """
    Return lower-case names to values, in order; what is no header is left out.
    """
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        # By far the most common, so without a detour.
        found: Headers = {
            name.strip().lower(): (item.strip(),) if isinstance(item, str) else _texts(item)
            for name, item in named.items()
        }
        return found if len(found) == len(named) else _gather(named.items())
    return _gather(_pairs(value))


def first(headers: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """
    Return the first value of the header *name*; None without one.
    """
    values = headers.get(name)
    return values[0] if values else None


def _gather(pairs: Iterable[tuple[str, object]]) -> Headers:
    found: Headers = {}
    for name, item in pairs:
        key = name.strip().lower()
        found[key] = found.get(key, ()) + _texts(item)
    return found


def _texts(item: object) -> tuple[str, ...]:
    if isinstance(item, str):
        return (item.strip(),)
    if isinstance(item, list):
        return tuple(str(one).strip() for one in cast("list[object]", item) if one is not None)
    return () if item is None else (str(item),)


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, str):
        yield from _from_lines(_LINE_END.split(value))
    if not isinstance(value, list):
        return
    items = cast("list[object]", value)
    if items and all(isinstance(item, str) for item in items):
        lines = cast("list[str]", items)
        if all(_LINE.fullmatch(line) for line in lines):
            yield from _from_lines(lines)
        else:
            yield from zip(lines[::2], lines[1::2], strict=False)
        return
    for item in items:
        yield from _from_item(item)


def _from_item(item: object) -> Iterator[tuple[str, object]]:
    if isinstance(item, dict):
        named = {key.lower(): one for key, one in cast("dict[str, object]", item).items()}
        name = named.get("name", named.get("key"))
        if isinstance(name, str):
            yield name, named.get("value")
    elif isinstance(item, list):
        pair = cast("list[object]", item)
        if len(pair) == _PAIR and isinstance(pair[0], str):
            yield pair[0], pair[1]


def _from_lines(lines: list[str]) -> Iterator[tuple[str, object]]:
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is not None:
            yield match[1], match[2].strip()
