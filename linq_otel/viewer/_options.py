"""
What a viewer may be told, in one place: where it listens, and how much it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # Dataclasses name their types at runtime.

from linq_otel._lifecycle import STUCK_AFTER


DEFAULT_PORT = 4318
"""The port of OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp-default-port)."""


@dataclass(frozen=True, slots=True)
class ViewerOptions:
    """
    Where a viewer listens and what it keeps.

    Attributes:
        host: A loopback address or ``localhost``; nothing else is listened on.
        port: 0 takes a free one.
        keep: Spans kept; beyond them the oldest whole traces leave.
        keep_days: Days after which a trace leaves that nothing was added to.
        database: A SQLite file to keep them in; without one, they go with the viewer.
        stuck_after: Seconds after which a message is stuck that was accepted and not sent, or sent
            and not delivered where a receipt is due: SMS, MMS and group chats report none.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    keep: int = 100_000
    keep_days: float = 7.0
    database: Path | None = None
    stuck_after: float = STUCK_AFTER
