"""
As many origins as one likes, each computed from its number.

A store of ten million cannot be filled by way of a list. The ids are spread evenly and yet come in
order, so that an engine can be filled as fast as it writes, and any of them can be asked for later.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel._origins import Origin


if TYPE_CHECKING:
    from collections.abc import Iterator


NOW: Final = 1_790_000_000
_NS: Final = 1_000_000_000
_MIX: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
_HOLES: Final = ("0" * 32, "1" * 32, "2" * 32)
# In order of their names, as an engine keeps them.
_KINDS: Final = {2: ("message", "trace"), 3: ("key", "message", "trace")}


@dataclass(frozen=True, slots=True)
class Numbered:
    """
    The origins 0 to *size*, each under 2 keys, or under 3 as with an idempotency key.
    """

    size: int
    keys: int = 3

    def origin(self, number: int) -> Origin:
        """
        Return one of them.
        """
        message, trace, key = self._ids(number)
        return self.make(message, trace, key)

    def make(self, message: str, trace: str, key: str) -> Origin:
        """
        Return the origin of a message that was answered at once; its ids are 32 hex digits.
        """
        return Origin(
            traceparent=f"00-{'5' * 32}-{'6' * 16}-03",
            lifecycle=f"00-{trace}-{'7' * 16}-01",
            linq_trace_ids=(trace,),
            message_id=str(uuid.UUID(message)),
            chat_id="0c965f04-94b4-4b1e-a3a5-5a1b2c3d4e5f",
            idempotency_key=key if "key" in _KINDS[self.keys] else None,
            requested_at=NOW * _NS,
            accepted_at=NOW * _NS + 180_000_000,
        )

    def texts(self) -> Iterator[str]:
        """
        Return the origins as JSON, in order of their numbers.
        """
        template = self._template()
        return (template % holes for _, holes in self._of_kind("message"))

    def numbered_keys(self) -> Iterator[tuple[str, int]]:
        """
        Return each key, with the number of its origin, in order of the keys.
        """
        for kind in _KINDS[self.keys]:
            for number, (key, _) in enumerate(self._of_kind(kind)):
                yield key, number

    def rows(self) -> Iterator[tuple[str, str]]:
        """
        Return each key, with its origin as JSON, in order of the keys.
        """
        template = self._template()
        for kind in _KINDS[self.keys]:
            for key, holes in self._of_kind(kind):
                yield key, template % holes

    def _of_kind(self, kind: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        has_key = "key" in _KINDS[self.keys]
        for number in range(self.size):
            message, trace, key = self._ids(number)
            dashed = (
                f"{message[:8]}-{message[8:12]}-{message[12:16]}-{message[16:20]}-{message[20:]}"
            )
            name = dashed if kind == "message" else trace if kind == "trace" else key
            holes = (trace, trace, dashed, key) if has_key else (trace, trace, dashed)
            yield f"{kind}:{name}", holes

    def _ids(self, number: int) -> tuple[str, str, str]:
        step = 2**128 // self.size
        low, mixed = number * step, number * _MIX
        first, second, third = (
            f"{low + (mixed + shift) % step:032x}" for shift in (0, _MIX >> 1, _MIX >> 2)
        )
        return first, second, third

    def _template(self) -> str:
        message, trace, key = _HOLES
        text = self.make(message, trace, key).to_json().replace("%", "%%")
        for hole in (trace, str(uuid.UUID(message)), key):
            text = text.replace(hole, "%s")
        return text
