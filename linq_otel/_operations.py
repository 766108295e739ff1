"""
Says what a request to Linq does, from its method and path alone.

The SDK interpolates a path before anything of ours can see it, and people who call the API without
the SDK have only a URL. Both get the same names from here, and no id, phone number or e-mail
address ever becomes part of a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from linq_otel._operations_table import OPERATIONS, Operation, Paths


__all__ = ["OPERATIONS", "Operation", "find_id", "operation_of", "redacted_path"]

OTHER_METHOD = "_OTHER"
"""What OpenTelemetry's HTTP conventions call a method they do not know."""
REDACTED = "REDACTED"
"""What stands for a segment that is, or may be, a person's address."""

# HTTP conventions, `http.request.method`: RFC 9110 and PATCH.
_KNOWN_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
_ID = "{id}"
_CUT = "…"
_BEFORE_A_HANDLE = frozenset(
    {"available_number", "blocked_handles", "handles", "phone_numbers", "phonenumbers"}
)
_MOST_SEGMENTS_IN_NAME = 8
_LEGACY = "/v2/"
# What version 2 has in its paths beside the words of version 3.
_LEGACY_WORDS = frozenset(
    {"v2", "chat_messages", "find", "migrate_to_v3", "reactions", "webhook_subscriptions"}
)
_LONGEST_PATH = 256

_LONGEST_OPAQUE = 64
_OPAQUE = re.compile(rf"[0-9A-Za-z_-]{{1,{_LONGEST_OPAQUE}}}")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_PHONE_NUMBER = re.compile(r"[0-9](?:[_-]*[0-9]){6}")


@dataclass(slots=True)
class _Node:
    """
    One segment of the known paths, with what may come after it.
    """

    literals: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    variable: _Node | None = None
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])

    def add(self, segment: str) -> _Node:
        if not segment.startswith("{"):
            return self.literals.setdefault(segment, _Node())
        if self.variable is None:
            self.variable = _Node()
        return self.variable


def operation_of(method: str, path: str) -> Operation:
    """
    Return what a request does; one made up of its shape if it is not in the table.

    Args:
        method: The HTTP method, in any case.
        path: The path as the SDK has it, ``/v3/chats/c1/messages``, a URL's path, or a whole URL.
            What comes before ``/v3/`` depends on the base URL, and does not matter.

    """
    method = method.upper()
    path = _path_alone(path)
    start = path.find("/v3/")
    start = max(path.find(_LEGACY), 0) if start < 0 else start
    segments = [segment for segment in path[start:].split("/") if segment]
    return _find_known(method, segments) or _unknown(method, segments)


def redacted_path(path: str, operation: Operation) -> str:
    """
    Return the path as it may be recorded: its ids stay, the addresses of people do not.

    Whatever is not an opaque id or a word of the API, or holds seven digits that may be a phone
    number, becomes ``REDACTED``; so does what follows a word such as ``handles``, save where the
    operation takes an id there. A query is never part of it, and it has at most 256 characters.

    Args:
        path: As for `operation_of`.
        operation: What `operation_of` returned for it.

    """
    parts = [""]
    hides_next = False
    takes_an_id = operation.template.endswith("{phone_number_id}")
    for segment in islice(filter(None, _path_alone(path).split("/")), _LONGEST_PATH):
        hidden = hides_next or not (segment in _WORDS or _is_opaque(segment))
        hides_next = segment in _BEFORE_A_HANDLE and not takes_an_id
        parts.append(REDACTED if hidden else segment)
    shown = "/".join(parts)
    return (shown or "/") if len(shown) <= _LONGEST_PATH - len(_CUT) - 1 else _cut(parts)


def _cut(parts: list[str]) -> str:
    """
    Join the first *parts* that fit, and say that there are more.
    """
    shown = ""
    for part in parts[1:]:
        if len(shown) + len(part) + len(_CUT) + 2 > _LONGEST_PATH:
            return f"{shown}/{_CUT}"
        shown = f"{shown}/{part}"
    return shown


def find_id(answer: object, paths: Paths) -> str | None:
    """
    Return the first id that one of the paths leads to, or None.

    Args:
        answer: Decoded JSON, or one of the SDK's models. It may be anything, and may raise.
        paths: An operation's `message_id_at` or `chat_id_at`.

    """
    for path in paths:
        value = answer
        try:
            for name in path:
                value = _member(value, name)
        except Exception:  # noqa: S112  # A model may be the user's, with properties that raise.
            continue
        if isinstance(value, str) and value:
            return value
    return None


def _member(holder: Any, name: str) -> object:
    if type(holder) is dict:
        return cast("dict[str, object]", holder).get(name)
    # A model is not asked whether it is a mapping: that takes longer than all the rest.
    value = getattr(holder, name, None)
    if value is None and isinstance(holder, Mapping):
        value = cast("Mapping[str, object]", holder).get(name)
    return value


def _path_alone(path: str) -> str:
    """
    Cut off the query, the fragment, and the scheme and host of an absolute URL.
    """
    path = path.partition("?")[0].partition("#")[0]
    if not path.startswith("/") and "://" in path:
        return "/" + path.partition("://")[2].partition("/")[2]
    return path


def _find_known(method: str, segments: list[str]) -> Operation | None:
    node = _ROOT
    for segment in segments:
        following = node.literals.get(segment) or node.variable
        if following is None:
            return None
        node = following
    return node.operations.get(method)


def _unknown(method: str, segments: list[str]) -> Operation:
    method = method if method in _KNOWN_METHODS else OTHER_METHOD
    is_legacy = segments[:1] == ["v2"]
    words = _WORDS | _LEGACY_WORDS if is_legacy else _WORDS
    kept = [s if s in words else _ID for s in segments[:_MOST_SEGMENTS_IN_NAME]]
    if len(segments) > _MOST_SEGMENTS_IN_NAME:
        kept.append(_CUT)
    template = "/" + "/".join(kept)
    name = f"{method} {template}"
    return Operation(name, method, template, known=False, is_legacy=is_legacy)


def _is_opaque(segment: str) -> bool:
    if segment.isalpha() and segment.isascii():
        return len(segment) <= _LONGEST_OPAQUE
    if _UUID.fullmatch(segment):
        return True
    return bool(_OPAQUE.fullmatch(segment)) and not _PHONE_NUMBER.search(segment)


def _tree(operations: tuple[Operation, ...]) -> _Node:
    root = _Node()
    for operation in operations:
        node = root
        for segment in operation.template.split("/")[1:]:
            node = node.add(segment)
        node.operations[operation.method] = operation
    return root


_WORDS = frozenset(
    segment
    for operation in OPERATIONS
    for segment in operation.template.split("/")[1:]
    if not segment.startswith("{")
)
_ROOT = _tree(OPERATIONS)
