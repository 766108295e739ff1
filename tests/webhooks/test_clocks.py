from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest

from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
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


class TestReceiversClock:
    def test_is_suspected_once(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
        """A receiver ten minutes off says what to look at, though a forged delivery came first."""
        receiver = WebhookReceiver(
            p.SECRET, clock=lambda: p.SIGNED_AT - 600, tracer_provider=desk.provider
        )
        body = p.body_of("message.delivered")
        forged = p.standard_headers(body, p.OTHER_SECRET)
        caplog.set_level(logging.WARNING, "linq_otel")
        for headers in (forged, p.standard_headers(body), p.standard_headers(body)):
            with receiver.process(headers, body) as event:
                assert event is None
        assert [record.getMessage() for record in caplog.records] == [
            "a webhook was not joined: the timestamp is outside the tolerance (logged once)",
            (
                "a webhook was not joined: the timestamp is outside the tolerance of 300 s: "
                "signed by Linq 600 s after the time that this host's clock shows; "
                "is the clock right? (linq-otel doctor --clock https://api.linqapp.com) "
                "(logged once)"
            ),
        ]


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
