from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from support.racing import (
    ANCHOR,
    DERIVED,
    SLACK,
    WAIT,
    fresh,
    later,
    now,
    shared_desk,
    time_delivery,
)


if TYPE_CHECKING:
    from support.webhook_desk import Desk


def signed(ago: float) -> dict[str, str]:
    """
    Return the header that says when Linq signed a delivery.
    """
    return {"webhook-timestamp": str(int(time.time() - ago))}


class TestClocks:
    def test_a_clock_that_is_ahead(self, desk: Desk) -> None:
        """An event Linq made this second waits for its sender, though ours says minutes ago."""
        desk = shared_desk(desk)
        with later(0.1, desk.send):
            desk.deliver(fresh(created_at=now(-180)), headers=signed(180))
        assert desk.one("message sent")["parent"] == ANCHOR

    @pytest.mark.timing
    def test_a_clock_that_is_behind(self, desk: Desk) -> None:
        """A redelivery an hour later does not wait, though by our clock it is from the future."""
        desk = shared_desk(desk)
        timing = time_delivery(desk, fresh(created_at=now(180)), signed(-3780))
        assert timing.net < WAIT
        assert desk.one("message sent")["parent"] == DERIVED

    @pytest.mark.timing
    def test_no_timestamp(self, desk: Desk) -> None:
        """A delivery that does not say goes by our own clock."""
        desk = shared_desk(desk)
        headers = {"webhook-timestamp": "soon"}
        timing = time_delivery(desk, fresh(created_at=now(-180)), headers)
        assert timing.net < WAIT + SLACK
        assert desk.one("message sent")["parent"] == DERIVED
