"""
Answers in JSON that any span can be in: what strangers wrote must not break the answer.

Half a character (a lone surrogate) cannot be written as UTF-8, so JSON's own escapes are used.
"""

from __future__ import annotations

import json

from starlette.responses import Response


class JSONAnswer(Response):
    """
    An answer of one JSON document, in ASCII.
    """

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """
        Write *content* down.
        """
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
