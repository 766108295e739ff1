"""
What a reader is told, and what it must never guess.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from linq_otel.errors import ConfigurationError

from ._zones import get_zone


if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


Bodies = Literal["none", "shape", "redacted", "full"]
Proxy = Literal["caddy", "cloudflare", "envoy", "mitmproxy", "nginx", "pino"]
PROXIES: Final[tuple[str, ...]] = get_args(Proxy)
Format = Literal["ndjson", "json", "csv", "har", "panel", Proxy]
FORMATS: Final[tuple[str, ...]] = get_args(Format)
_WORDS: Final = {
    "bodies": get_args(Bodies),
    "format": (None, *FORMATS),
    "dst": ("earlier", "later"),
    "date_order": (None, "mdy", "dmy", "ymd"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """
    How rows are read.

    Attributes:
        format: How the files are written; found out if None.
        encoding: Of text without a byte order mark; never guessed.
        timezone: The zone of local times: an IANA name or ``+02:00``. Without it a local time is
            rejected; a zone that is written in a time goes before it.
        dst: Which of two moments a repeated local hour means.
        us_zones: True reads ``EST``, ``MDT`` and their like; the letters mean other zones abroad.
        date_order: How ``04/11/2025`` is meant; without it such a date is rejected.
        day: The day of rows that give a time alone; a date without a year is the nearest to it.
        base_url: What relative URLs hang under.
        columns: Your names of columns to ours: ``{"Fecha": "timestamp"}``, or several that are
            joined, ``{"https://{host}{path}": "url"}``; dots lead into objects.
        provider: The provider of rows that do not tell.
        bodies: What is kept of bodies: ``none``, their ``shape``, ``redacted`` or ``full``.
        allow_full_bodies: Must be true as well for ``full``: those hold what people wrote.
        pseudonym_key: Keeps a keyed hash of phone numbers (``linq.phone.hash``); without it none.
        max_entry: Characters one row may have.
        now_ns: The present, against which times in the future are refused.

    Raises:
        ConfigurationError: A value is none of those allowed.
    """

    format: Format | None = None
    encoding: str | None = None
    timezone: str | None = None
    dst: Literal["earlier", "later"] = "earlier"
    us_zones: bool = False
    date_order: Literal["mdy", "dmy", "ymd"] | None = None
    day: date | None = None
    base_url: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    provider: str | None = None
    bodies: Bodies = "none"
    allow_full_bodies: bool = False
    pseudonym_key: str | None = field(default=None, repr=False)
    max_entry: int = 8_000_000
    now_ns: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.
        """
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                known = ", ".join(str(word) for word in words if word)
                raise ConfigurationError(f"{name} must be one of {known}")
        if self.bodies == "full" and not self.allow_full_bodies:
            raise ConfigurationError("full bodies hold what people wrote: allow_full_bodies=True")
        if self.timezone is not None and get_zone(self.timezone) is None:
            raise ConfigurationError(
                f"timezone {self.timezone!r} is no IANA name (America/Denver) and no +hh:mm"
            )
