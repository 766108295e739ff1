"""
Origins to keep in stores, and a clock to let them age.
"""

from __future__ import annotations

from linq_otel._origins import Origin


TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LIFECYCLE = "00-2eff5df5a0c94e1b8d7f6a5b4c3d2e1f-00f067aa0ba902b7-01"


def accepted(name: str, *, trace: str | None = None, key: str | None = None) -> Origin:
    """
    Return the origin of a message that Linq has accepted.
    """
    return Origin(
        traceparent=TRACEPARENT,
        lifecycle=LIFECYCLE,
        linq_trace_ids=(trace,) if trace else (),
        message_id=name,
        idempotency_key=key,
        requested_at=1_000,
        accepted_at=2_000,
    )


def provisional(key: str) -> Origin:
    """
    Return the origin of a call whose answer is still under way.
    """
    return Origin(traceparent=TRACEPARENT, idempotency_key=key, requested_at=1_000)


class Clock:
    """
    Seconds since the epoch, which pass when told to.
    """

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        """
        Return the time.
        """
        return self.now

    def advance(self, seconds: float) -> None:
        """
        Let *seconds* pass.
        """
        self.now += seconds
