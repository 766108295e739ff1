"""
Rows within JSON of any shape: any object that has a method, a URL and a status or a time.

Nothing public says how the Logs page names what it loads (``integration_logs``, ``data.logs``,
edges and nodes of GraphQL), and the row that was opened comes as an object of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from linq_otel.integration_logs._fields._spellings import inside_spelling_of, spelling_of
from linq_otel.integration_logs._findings import UnusableError


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linq_otel.integration_logs._fields._json_values import JsonReader


_CALL: Final = frozenset({"method", "url"})
_SEEN: Final = frozenset({"status", "timestamp"})
_SIDES: Final = frozenset({"request", "response"})
_DEPTH_AT_MOST: Final = 48
# What servers write before JSON so that it is no script.
_GUARD: Final = re.compile(r"\s*(?:\)\]\}'?,?|while\(1\);|for\(;;\);)\s*")
_SCRIPT: Final = "<script"
_JSON_SCRIPT: Final = "application/json"


def is_row(value: object) -> bool:
    """
    Tell whether *value* is an object that holds one call.
    """
    if not isinstance(value, dict):
        return False
    row = cast("dict[str, object]", value)
    names = _names_of(tuple(row))
    if names >= _CALL and names & _SEEN:
        return True
    if "event_id" in row and "target_url" in row:
        return True  # A delivery of a webhook: its method is POST.
    inside: set[str] = set(names)
    for key, item in row.items():
        if isinstance(item, dict) and (found := spelling_of(key)) and found[0] in _SIDES:
            inside |= _inside_names_of(tuple(cast("dict[str, object]", item)))
    return "request" in names and inside >= _CALL and bool(inside & _SEEN)


@lru_cache(maxsize=1_024)
def _names_of(keys: tuple[str, ...]) -> frozenset[str]:
    return frozenset(found[0] for key in keys if (found := spelling_of(key)))


@lru_cache(maxsize=1_024)
def _inside_names_of(keys: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for key in keys if (name := inside_spelling_of(key)))


def is_har_entry(value: object) -> bool:
    """
    Tell whether *value* is an entry of a HAR.
    """
    return isinstance(value, dict) and "startedDateTime" in value and "request" in value


def find_rows(value: object, depth: int = 0) -> Iterator[dict[str, object]]:
    """
    Yield each row within *value*; what a row holds belongs to it and is not looked into.
    """
    if depth > _DEPTH_AT_MOST:
        return
    if isinstance(value, dict):
        row = cast("dict[str, object]", value)
        if is_row(row) or is_har_entry(row):
            yield row
            return
        items: Iterable[object] = row.values()
    elif isinstance(value, list):
        items = cast("list[object]", value)
    else:
        return
    for item in items:
        if isinstance(item, (dict, list)):
            yield from find_rows(cast("object", item), depth + 1)


def find_rows_in_text(text: str, reader: JsonReader) -> list[dict[str, object]]:
    """
    Return the rows within an answer: JSON, JSON lines, server-sent events, or a page's data.
    """
    guard = _GUARD.match(text)
    text = (text[guard.end() :] if guard else text).lstrip()
    if text[:1] in {"{", "["}:
        try:
            return list(find_rows(reader.parse(text)))
        except UnusableError:
            return [row for line in text.splitlines() for row in _find_in_json(line, reader)]
    if text[:1] == "<":
        return [row for part in _scripts_of(text) for row in _find_in_json(part, reader)]
    lines = (line.partition(":")[2] for line in text.splitlines() if line.startswith("data:"))
    return [row for line in lines for row in _find_in_json(line, reader)]


def _find_in_json(text: str, reader: JsonReader) -> list[dict[str, object]]:
    text = text.strip()
    if text[:1] not in {"{", "["}:
        return []
    try:
        return list(find_rows(reader.parse(text)))
    except UnusableError:
        return []


def _scripts_of(page: str) -> Iterator[str]:
    """
    Yield the JSON that a page carries along in its scripts.
    """
    for part in page.split(_SCRIPT)[1:]:
        tag, _, rest = part.partition(">")
        if _JSON_SCRIPT in tag:
            yield rest.partition("</script")[0]
