"""
What is kept of a request or a response: harmless headers, and of its body what was asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ._entries import Panel
from ._fields._headers import first
from ._redaction import (
    find_media_type,
    is_kept_header,
    is_masked,
    is_secret_name,
    redact_header,
    redact_value,
    shape_of,
)
from ._twins import make_twin


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._fields._bodies import Body
    from ._fields._headers import Headers
    from ._fields._json_values import JsonReader
    from ._findings import Findings
    from ._options import Bodies


_PlainPanel: Final = make_twin(Panel)
_EMPTY: Final = Panel()
_SHORT: Final = 10
_READ_ALREADY: Final = frozenset({"content-type", "date"})
_BODY_AT_MOST: Final = 2_000  # Characters: what the strictest backends keep of one value.


def keep_panel(
    headers: Headers, body: Body, bodies: Bodies, reader: JsonReader, findings: Findings
) -> Panel:
    """
    Return what may be kept of one side of a call.
    """
    if not headers and body.text is None:
        return _EMPTY
    content_type = first(headers, "content-type")
    panel = _PlainPanel(
        keep_headers(headers, findings),
        find_media_type(content_type) if content_type else None,
        body.size,
        _keep_body(body, bodies, reader),
    )
    panel.__class__ = Panel
    return panel


def keep_headers(headers: Headers, findings: Findings) -> Mapping[str, tuple[str, ...]]:
    """
    Return the headers that are known to be harmless; secrets are counted.
    """
    kept: dict[str, tuple[str, ...]] = {}
    for name, values in headers.items():
        fate = _fate_of(name)
        if fate == "kept":
            # One short number is by far the most common, and kept as it is.
            is_plain = len(values) == 1 and len(values[0]) < _SHORT and values[0].isdecimal()
            kept[name] = values if is_plain else tuple(map(redact_header, values))
        elif fate == "secret":
            is_hidden = bool(values) and is_masked(values[0])
            findings.warn("secret_masked" if is_hidden else "secret_dropped")
    return kept


@lru_cache(maxsize=1_024)
def _fate_of(name: str) -> str:
    if is_kept_header(name):
        return "read" if name in _READ_ALREADY else "kept"
    return "secret" if is_secret_name(name) else "dropped"


def _keep_body(body: Body, bodies: Bodies, reader: JsonReader) -> str | None:
    if bodies == "none" or body.text is None:
        return None
    if bodies == "full":
        return body.text[:_BODY_AT_MOST]
    if body.value is None:
        # No JSON: a page, a form, a sentence. Nothing in it is known by its name.
        return None if bodies == "shape" else str(redact_value(body.text))
    kept = shape_of(body.value) if bodies == "shape" else redact_value(body.value)
    return reader.write(kept)[:_BODY_AT_MOST]
