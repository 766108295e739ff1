"""
The headers that say who exports: keys, and what the environment adds.

They are secrets. Nothing here puts a value into a text that is shown.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Backend


__all__ = ["check_headers", "fill_headers", "parse_headers"]

_HTTP_TOKEN: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def parse_headers(text: str, where: str) -> dict[str, str]:
    """
    Parse ``name=value,name=value`` with percent-encoded values, as the specification has it.

    Raises:
        ConfigurationError: If a part is no pair, or no header; its value is not repeated.
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        name, is_pair, value = part.partition("=")
        if is_pair:
            found[name] = unquote(value.strip())
        elif part.strip():
            raise ConfigurationError(f"{where} must be name=value pairs with commas between them")
    return check_headers(found, where)


def check_headers(headers: Mapping[str, str], where: str) -> dict[str, str]:
    """
    Return *headers* by lower-case names, which gRPC asks for.

    Raises:
        ConfigurationError: If one cannot be sent; its value is not repeated.
    """
    checked: dict[str, str] = {}
    for name, value in headers.items():
        lowered = str(name).strip().lower()
        if not lowered or set(lowered) - _HTTP_TOKEN:
            raise ConfigurationError(f"{where} holds a name that no header can have")
        checked[lowered] = check_value(value, f"{where}, header {lowered}")
    return checked


def check_value(value: object, where: str) -> str:
    """
    Return *value* without the space around it, which comes of copying a key.

    Raises:
        ConfigurationError: If it is empty, or holds what no header can.
    """
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isascii() or not text.isprintable():
        raise ConfigurationError(
            f"{where} must be one line of plain characters: copy it again, without a line break"
        )
    return text


def fill_headers(backend: Backend, key: str | None, instance_id: str | None) -> dict[str, str]:
    """
    Return the headers *backend* must be sent; none that needs a key if there is none.
    """
    basic = ""
    if key and instance_id:
        basic = "Basic " + b64encode(f"{instance_id}:{key}".encode()).decode()
    values = {"{key}": key or "", "{basic}": basic}
    filled: dict[str, str] = {}
    for name, text in backend.headers.items():
        lacking = [mark for mark, value in values.items() if mark in text and not value]
        if not lacking:
            filled[name] = text.replace("{key}", values["{key}"]).replace("{basic}", basic)
    return filled
