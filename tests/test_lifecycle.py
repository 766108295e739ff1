from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags, get_current_span

from linq_otel._events import Event
from linq_otel._ids import derive_otel_trace_id, derive_span_id
from linq_otel._lifecycle import (
    JOINS,
    Join,
    Lifecycle,
    Role,
    StageTimes,
    app_lifecycle,
    context_under,
    derive_lifecycle,
    find_lifecycle,
    fit_stage,
    get_stage,
    role_of,
    stage_times,
)
from linq_otel._origins import Origin
from linq_otel.testing import EVENT_TYPES
from support.origins import LIFECYCLE, TRACEPARENT


LINQ_TRACE_ID = "2eff5df5a0c94e1b8d7f6a5b4c3d2e1f"
MESSAGE_ID = "347d62c2-2170-4754-8d30-c76d0c727d96"
BY_TRACE = Lifecycle(int(LINQ_TRACE_ID, 16), derive_span_id("anchor", LINQ_TRACE_ID))
BY_MESSAGE = Lifecycle(derive_otel_trace_id(MESSAGE_ID), derive_span_id("anchor", MESSAGE_ID))
MICROSECOND = 1_000

STAGES = {
    f"{family}.{stage}": stage
    for family in ("message", "poll")
    for stage in ("sent", "delivered", "read", "failed")
}
INBOUND = {"message.received", "poll.received"}
MEMBERS = {
    "message.edited",
    "poll.reaction.added",
    "poll.updated",
    "poll.vote.added",
    "poll.vote.removed",
    "reaction.added",
    "reaction.removed",
}


def expected_role(event_type: str) -> Role:
    if event_type in STAGES:
        return Role.STAGE
    if event_type in INBOUND:
        return Role.INBOUND
    return Role.MEMBER if event_type in MEMBERS else Role.AMBIENT


class TestRoles:
    @pytest.mark.parametrize("event_type", EVENT_TYPES)
    def test_every_event_type(self, event_type: str) -> None:
        """Each type Linq sends has one role, without a direction as with ``outbound``."""
        expected = expected_role(event_type)
        assert role_of(Event(event_type)) is expected
        assert role_of(Event(event_type, direction="outbound")) is expected

    def test_the_table_is_of_real_types(self) -> None:
        """No role is given to a type that Linq does not send."""
        assert (STAGES.keys() | INBOUND | MEMBERS) - set(EVENT_TYPES) == set()

    @pytest.mark.parametrize("event_type", sorted(STAGES))
    def test_stage_of_an_inbound_message(self, event_type: str) -> None:
        """That we have read somebody's message is no stage of one we sent."""
        assert role_of(Event(event_type, direction="inbound")) is Role.MEMBER

    @pytest.mark.parametrize("event_type", ["message.levitated", "weather.changed"])
    def test_type_of_the_future(self, event_type: str) -> None:
        """A type nobody knows yet stays where it arrived."""
        assert role_of(Event(event_type)) is Role.AMBIENT

    @pytest.mark.parametrize(("event_type", "stage"), sorted(STAGES.items()))
    def test_stage(self, event_type: str, stage: str) -> None:
        """Messages and polls have the same stages."""
        assert get_stage(Event(event_type)) == stage

    def test_no_stage(self) -> None:
        """An event of another role has no stage to get."""
        with pytest.raises(KeyError):
            get_stage(Event("message.received"))


class TestDeriveLifecycle:
    @pytest.mark.parametrize("join", ["linq", "link", "app"])
    def test_by_linq_trace_id(self, join: Join) -> None:
        """Linq's trace id names the trace; case does not matter."""
        assert derive_lifecycle(join, LINQ_TRACE_ID, MESSAGE_ID) == BY_TRACE
        assert derive_lifecycle(join, LINQ_TRACE_ID.upper(), None) == BY_TRACE

    def test_by_message_id(self) -> None:
        """Mode ``message`` trusts the message id alone."""
        assert derive_lifecycle("message", LINQ_TRACE_ID, MESSAGE_ID) == BY_MESSAGE

    def test_mode_message_without_message(self) -> None:
        """Without a message id there is still the trace id."""
        assert derive_lifecycle("message", LINQ_TRACE_ID, None) == BY_TRACE

    @pytest.mark.parametrize("join", JOINS)
    @pytest.mark.parametrize("malformed", [None, "", "0" * 32, "req_123", "1" * 31])
    def test_malformed_linq_trace_id(self, join: Join, malformed: str | None) -> None:
        """A Linq trace id that is none falls back to the message id, or to nothing."""
        assert derive_lifecycle(join, malformed, MESSAGE_ID) == BY_MESSAGE
        assert derive_lifecycle(join, malformed, None) is None

    def test_nothing_decided(self) -> None:
        """A derived life leaves the sampling decision to the sampler."""
        assert BY_TRACE.sampled is None


class TestAppLifecycle:
    @pytest.mark.parametrize("flags", [TraceFlags.SAMPLED, TraceFlags.DEFAULT])
    def test_under_the_sender(self, flags: int) -> None:
        """It is drawn in the sender's trace, with the sender's decision."""
        sender = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(flags))
        expected = Lifecycle(7, derive_span_id("anchor", "k1"), sampled=bool(flags))
        assert app_lifecycle(sender, "k1") == expected


class TestFindLifecycle:
    EVENT = Event("message.read", linq_trace_id="f" * 32, message_id=MESSAGE_ID)

    @pytest.mark.parametrize("join", JOINS)
    @pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False)])
    def test_the_senders_choice(self, join: Join, flags: str, *, sampled: bool) -> None:
        """What the sender stored holds, whatever this process is set to or the event says."""
        origin = Origin(TRACEPARENT, lifecycle=f"{LIFECYCLE[:-2]}{flags}")
        expected = Lifecycle(int(LINQ_TRACE_ID, 16), 0x00F067AA0BA902B7, sampled)
        assert find_lifecycle(join, self.EVENT, origin) == expected

    @pytest.mark.parametrize("lifecycle", ["", "garbage"])
    def test_origin_without_a_choice(self, lifecycle: str) -> None:
        """An origin that names no life leaves it to the event's ids."""
        origin = Origin(TRACEPARENT, lifecycle=lifecycle)
        found = find_lifecycle("message", self.EVENT, origin)
        assert found == find_lifecycle("message", self.EVENT, None) == BY_MESSAGE


class TestLifecycle:
    @pytest.mark.parametrize("sampled", [True, False])
    def test_span_context(self, *, sampled: bool) -> None:
        """The anchor is a remote parent with the decision given."""
        expected = SpanContext(
            BY_TRACE.otel_trace_id,
            BY_TRACE.anchor_id,
            is_remote=True,
            trace_flags=TraceFlags(sampled),
        )
        assert BY_TRACE.span_context(sampled=sampled) == expected

    def test_stages_differ(self) -> None:
        """Stages of one life, and of lives in one trace, have ids of their own."""
        other = replace(BY_TRACE, anchor_id=1)
        ids = {life.stage_id(stage) for life in (BY_TRACE, other) for stage in ("sent", "read")}
        assert len(ids) == 4

    def test_context_under(self) -> None:
        """The parent is the context's span, and nothing else of the context changes."""
        parent = BY_TRACE.span_context(sampled=True)
        context = context_under(parent, Context({"mood": "cheerful"}))
        assert get_current_span(context).get_span_context() == parent
        assert context["mood"] == "cheerful"


ACCEPTED, SENT, DELIVERED, READ, CREATED, NOW = 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5, 9
ORIGIN = Origin(TRACEPARENT, requested_at=900_000, accepted_at=ACCEPTED)


class TestStageTimes:
    @pytest.mark.parametrize(
        ("event", "start", "end"),
        [
            (Event("message.sent", sent_at=SENT), ACCEPTED, SENT),
            (Event("message.delivered", sent_at=SENT, delivered_at=DELIVERED), SENT, DELIVERED),
            (Event("message.delivered", delivered_at=DELIVERED), ACCEPTED, DELIVERED),
            (
                Event("message.read", sent_at=SENT, delivered_at=DELIVERED, read_at=READ),
                DELIVERED,
                READ,
            ),
            (Event("message.read", sent_at=SENT, read_at=READ), SENT, READ),
            (Event("poll.read", read_at=READ), ACCEPTED, READ),
            (Event("message.failed", sent_at=SENT, failed_at=READ), SENT, READ),
            (Event("message.failed", failed_at=READ), ACCEPTED, READ),
            (Event("message.failed", created_at=READ), ACCEPTED, READ),
        ],
    )
    def test_from_the_stage_before(self, event: Event, start: int, end: int) -> None:
        """A stage lasts from the latest stage known before it to its own moment."""
        assert stage_times(event, ORIGIN, NOW) == StageTimes(start, end, end)

    @pytest.mark.parametrize(
        ("event", "moment"),
        [
            (Event("message.sent", sent_at=SENT, created_at=CREATED), SENT),
            (Event("message.sent", created_at=SENT), SENT),
            (Event("message.sent"), NOW * 1_000_000),
        ],
    )
    def test_without_an_origin(self, event: Event, moment: int) -> None:
        """With nothing before it a stage is a microsecond, ending at the best time known."""
        times = stage_times(event, None, NOW * 1_000_000)
        assert times == StageTimes(moment - MICROSECOND, moment, moment)

    def test_out_of_order(self) -> None:
        """A stage said to end before it began keeps its end, and is a microsecond."""
        event = Event("message.read", delivered_at=READ, read_at=DELIVERED)
        assert stage_times(event, ORIGIN, NOW) == StageTimes(
            DELIVERED - MICROSECOND, DELIVERED, DELIVERED
        )

    def test_before_its_anchor(self) -> None:
        """A stage said to lie before the request is moved behind it, and says so."""
        event = Event("message.sent", sent_at=5)
        times = stage_times(event, ORIGIN, NOW)
        assert times == StageTimes(900_000, 901_000, 5)
        assert times.clamped

    @given(st.integers(0, 2**63), st.integers(0, 2**63), st.integers(0, 2**62))
    def test_fit(self, start: int, moment: int, floor: int) -> None:
        """A stage is never shorter than a microsecond, never early, and true where it can be."""
        times = fit_stage(start, moment, floor=floor)
        assert times.end - times.start >= MICROSECOND
        assert times.start >= floor
        assert times.moment == moment
        assert times.clamped is (moment < floor + MICROSECOND)
        assert times.end == (floor + MICROSECOND if times.clamped else moment)
        if floor <= start <= times.end - MICROSECOND:
            assert times.start == start

    @given(
        st.sampled_from(sorted(STAGES)),
        st.lists(st.none() | st.integers(1, 2**62), min_size=5, max_size=5),
        st.none() | st.tuples(st.integers(1, 2**61), st.integers(0, 2**61)),
        st.integers(2_000, 2**62),
    )
    def test_any_payload(
        self,
        event_type: str,
        times: list[int | None],
        call: tuple[int, int] | None,
        now: int,
    ) -> None:
        """Whatever times a payload holds, its stage can be drawn under its anchor."""
        created, sent, delivered, read, failed = times
        event = Event(
            event_type,
            created_at=created,
            sent_at=sent,
            delivered_at=delivered,
            read_at=read,
            failed_at=failed,
        )
        origin = None
        if call is not None:
            origin = Origin(TRACEPARENT, requested_at=call[0], accepted_at=sum(call))
        drawn = stage_times(event, origin, now)
        assert drawn.end - drawn.start >= MICROSECOND
        assert drawn.start >= (origin.requested_at if origin else 0)
        assert drawn.clamped or drawn.end == drawn.moment
