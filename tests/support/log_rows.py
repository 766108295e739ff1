"""
Rows of integration logs, written down as a test wants them.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from linq_otel.integration_logs import read


if TYPE_CHECKING:
    from linq_otel.integration_logs import Entry, Reading


GHL = "https://services.leadconnectorhq.com"
INBOUND = f"{GHL}/conversations/messages/inbound"
TIME = "2025-11-04T16:02:11.482Z"
TIME_NS = 1_762_272_131_482_000_000
NOW_NS = 1_762_300_800_000_000_000
"""2025-11-05T00:00:00Z: the present of every test."""
MADE = {"success": True, "messageId": "msgEXAMPLE0000000001"}


def row(**changes: Any) -> dict[str, Any]:
    """
    Return a hand-off to GoHighLevel that was delivered, with *changes*; None takes a field out.
    """
    whole = {"method": "POST", "url": INBOUND, "status": 201, "timestamp": TIME}
    whole["response"] = {"headers": {}, "body": MADE}
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def answered(body: Any, status: Any = 201, **changes: Any) -> dict[str, Any]:
    """
    Return a hand-off that was answered so.
    """
    headers = changes.pop("headers", {})
    return row(status=status, response={"headers": headers, "body": body}, **changes)


def lines(*rows: dict[str, Any]) -> str:
    """
    Write *rows* as NDJSON.
    """
    return "".join(json.dumps(one) + "\n" for one in rows)


@dataclass(frozen=True)
class Read:
    """
    Everything that came of a reading.
    """

    entries: list[Entry]
    reading: Reading

    @property
    def entry(self) -> Entry:
        """
        The only entry.
        """
        (one,) = self.entries
        return one

    @property
    def rejects(self) -> list[tuple[int, str, str]]:
        """
        Line, field and reason of what was left out.
        """
        return [(one.line, one.field, one.reason) for one in self.reading.rejected]

    @property
    def warnings(self) -> dict[str, int]:
        """
        How often each warning was given.
        """
        return {one.code: one.count for one in self.reading.warnings}


def read_bytes(content: bytes, **options: Any) -> Read:
    """
    Read a file of this content.
    """
    reading = read(io.BytesIO(content), now_ns=NOW_NS, **options)
    return Read(list(reading), reading)


def read_text(text: str, **options: Any) -> Read:
    """
    Read a file of this text.
    """
    return read_bytes(text.encode("utf-8", "surrogatepass"), **options)


def read_rows(*rows: dict[str, Any], **options: Any) -> Read:
    """
    Read *rows* as NDJSON.
    """
    return read_text(lines(*rows), **options)


def ns(text: str) -> int:
    """
    Return an ISO time as nanoseconds.
    """
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
