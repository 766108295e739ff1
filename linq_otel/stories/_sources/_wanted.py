"""
What people paste, made into the id they mean.
"""

from __future__ import annotations

import re
from typing import Final

from linq_otel.errors import ConfigurationError


_LONGEST: Final = 256
_TRACEPARENT: Final = re.compile(
    r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", re.IGNORECASE
)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)


def parse_wanted(text: str) -> str:
    """
    Return the id in *text*, the trace's where it is a whole ``traceparent``.

    Raises:
        ConfigurationError: If it cannot be an id.
    """
    # The page shows the beginning of an id, and "…" behind it.
    wanted = text.strip().strip("\"'").removesuffix("…").removesuffix("...")
    if not wanted or len(wanted) > _LONGEST or not wanted.isprintable() or " " in wanted:
        raise ConfigurationError(
            "that is no id: paste a trace id, or the id of a message, an event, a chat or a span"
        )
    traceparent = _TRACEPARENT.fullmatch(wanted)
    return traceparent[1] if traceparent else wanted


def is_otel_trace_id(wanted: str) -> bool:
    """
    True if *wanted* can be the id of an OpenTelemetry trace, and so a Linq trace id as well.
    """
    return _TRACE_ID.fullmatch(wanted) is not None


def is_span_id(wanted: str) -> bool:
    """
    True if *wanted* can be the id of a span.
    """
    return _SPAN_ID.fullmatch(wanted) is not None
