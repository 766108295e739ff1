"""
What a body says, as far as it can be read whole.

A body that is cut off, packed or no JSON at all is given up: nothing is taken from a part of it,
because half an answer may say the opposite of the whole.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel.integration_logs._findings import UnusableError


if TYPE_CHECKING:
    from ._json_values import JsonReader


_LAYERS_AT_MOST: Final = 3
_TRUTHS: Final = {"true": True, "false": False}


@dataclass(slots=True)
class Body:
    """
    A body, read.

    Attributes:
        value: Its JSON; None if it has none that can be trusted.
        text: Compact JSON, or the text as it stood; None for no body.
        is_whole: False if it was cut off, or is no JSON: then nothing is known of what it said.
    """

    value: object = None
    text: str | None = None
    is_whole: bool = True

    @property
    def is_empty(self) -> bool:
        """
        True if there was nothing in it.
        """
        return not self.text or self.text in {'""', "null"}

    @property
    def size(self) -> int | None:
        """
        Its bytes.
        """
        if self.text is None:
            return None
        return len(self.text) if self.text.isascii() else len(self.text.encode("utf-8", "replace"))


_NONE: Final = Body()
EMPTY: Final = Body(None, "")
"""A body that is known to be empty."""


def parse_body(
    value: object, reader: JsonReader, *, encoding: object = None, truncated: object = False
) -> Body:
    """
    Read a body as it stands in a row.

    Args:
        value: JSON, or text that is JSON, perhaps twice over; or anything else.
        reader: Reads JSON.
        encoding: ``base64`` if the text is.
        truncated: True if the row says that it was cut.
    """
    if value is None:
        return _NONE
    if isinstance(value, str):
        text = _decode(value, encoding)
        if text is None:
            return Body(None, value, is_whole=False)
        return _parse_text(text, reader, is_cut=truncated is True)
    return Body(value, reader.write(value), is_whole=truncated is not True)


def _decode(text: str, encoding: object) -> str | None:
    if encoding != "base64":
        return text
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _parse_text(text: str, reader: JsonReader, *, is_cut: bool) -> Body:
    stripped = text.strip()
    if not stripped:
        return Body(None, "", is_whole=not is_cut)
    if stripped in _TRUTHS:
        return Body(_TRUTHS[stripped], stripped, is_whole=not is_cut)
    value: object = stripped
    for _ in range(_LAYERS_AT_MOST):
        if not isinstance(value, str) or value[:1] not in '{["':
            break
        try:
            value = reader.parse(value)
        except UnusableError:
            break
    if isinstance(value, str):
        return Body(None, stripped, is_whole=False)
    return Body(value, reader.write(value), is_whole=not is_cut)
