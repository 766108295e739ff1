from __future__ import annotations

import pytest

from support import payloads as p
from support.webhook_desk import ACCEPTED_AT, REQUESTED_AT, Desk
from support.webhook_spans import MICROSECOND


class TestTimes:
    def test_an_event_before_its_answer_is_fitted_in(self, desk: Desk) -> None:
        """A clock that is behind moves no span before its anchor; the true time is kept."""
        desk.send()
        data = p.message_data("sent") | {"sent_at": p.at(-30)}
        desk.deliver(p.envelope("message.sent", data))
        span = desk.one("message sent")
        assert span["times"] == (REQUESTED_AT, REQUESTED_AT + MICROSECOND)
        assert span["attributes"]["linq.time.clamped"] is True
        assert span["attributes"]["linq.stage.time"] == p.at(-30)

    def test_an_event_between_request_and_answer_keeps_its_moment(self, desk: Desk) -> None:
        """Linq may have sent the message before we read the answer: nothing is clamped."""
        desk.send()
        desk.deliver(p.envelope("message.sent", p.message_data("sent") | {"sent_at": p.at(0.5)}))
        span = desk.one("message sent")
        assert span["times"] == (p.at_ns(0.5) - MICROSECOND, p.at_ns(0.5))
        assert "linq.time.clamped" not in span["attributes"]

    def test_a_stage_is_never_of_no_length(self, desk: Desk) -> None:
        """Delivered in the instant it was sent still lasts a microsecond."""
        desk.send()
        data = p.message_data("delivered") | {"delivered_at": p.at(2.0)}
        desk.deliver(p.envelope("message.delivered", data))
        assert desk.one("message delivered")["times"] == (p.at_ns(2) - MICROSECOND, p.at_ns(2))

    @pytest.mark.parametrize("missing", [None, "soon", 5, "9999-12-31T23:59:59Z", "0001-01-01"])
    def test_a_missing_time_is_the_event_s_own(self, desk: Desk, missing: object) -> None:
        """``created_at`` stands in for what is missing or makes no sense."""
        desk.send()
        data = p.message_data("delivered") | {"sent_at": missing, "delivered_at": missing}
        desk.deliver(p.envelope("message.delivered", data))
        assert desk.one("message delivered")["times"] == (ACCEPTED_AT, p.at_ns(7200))

    def test_without_an_origin_a_lone_moment_lasts_a_microsecond(self, desk: Desk) -> None:
        """Nothing is known of what came before it."""
        desk.stage("sent")
        assert desk.one("message sent")["times"] == (p.at_ns(2) - MICROSECOND, p.at_ns(2))

    def test_without_any_time_it_is_now(self, desk: Desk) -> None:
        """The span ends between the arrival and the answer of its webhook."""
        desk.deliver(
            p.envelope("message.failed", {"message_id": p.MESSAGE_ID}, created_at="garbage")
        )
        start, end = desk.one("message failed")["times"]
        earliest, latest = desk.one("POST /hook")["times"]
        assert (earliest <= end <= latest, end - start) == (True, MICROSECOND)
