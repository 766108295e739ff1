"""
Answers whose bodies their callers read later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel._idempotency import parse_body
from linq_otel._shield import shield


if TYPE_CHECKING:
    from linq_otel._calls import Call
    from linq_otel._origins import Origin
    from linq_otel._tracing import Tracing


class LateBody:
    """
    A call whose answer's body its caller reads later.
    """

    __slots__ = ("_call", "_tracing")

    def __init__(self, tracing: Tracing, call: Call) -> None:
        self._tracing = tracing
        self._call = call

    def arrive(self, body: object) -> None:
        """
        The caller has read the whole *body*.
        """
        if self._learn(body):
            origins = self._tracing.origins
            origins.save(self._settle(origins.find(self._call.settlement.replay_keys)))

    async def aarrive(self, body: object) -> None:
        """
        The same off the event loop.
        """
        if self._learn(body):
            origins = self._tracing.origins
            await origins.asave(
                self._settle(await origins.afind(self._call.settlement.replay_keys))
            )

    def _learn(self, body: object) -> bool:
        with shield("reading a late body"):
            parsed = parse_body(body)
            self._call.settlement.learn(parsed)
            return parsed is not None
        return False

    def _settle(self, known: tuple[str, Origin] | None) -> Origin | None:
        return self._call.settlement.settle_late(known)
