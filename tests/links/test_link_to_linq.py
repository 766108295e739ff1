from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import INVALID_SPAN

from linq_otel._events import parse_event
from linq_otel._origins import Origin
from linq_otel.errors import ConfigurationError
from linq_otel.links import link_to_linq, linq_links
from support import payloads as p
from support.webhook_desk import Life, label, outline


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer

    from linq_otel._tracing import Tracing


LIFE = Life.by_linq_trace_id()
BY_MESSAGE = Life.by_message()
SENDER = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
ELSEWHERE = "1" * 32 + "-" + "2" * 16
MALFORMED = "trace_abc123def456"
ORIGIN = Origin(
    traceparent=f"00-{SENDER}-01",
    lifecycle=f"00-{LIFE.anchor}-01",
    linq_trace_ids=(p.OTHER_LINQ_TRACE_ID, p.LINQ_TRACE_ID),
    message_id=p.MESSAGE_ID,
    chat_id=p.CHAT_ID,
    requested_at=1,
    accepted_at=2,
)
OF_A_REACTION = replace(ORIGIN, lifecycle="", message_id=None)
INBOUND = replace(ORIGIN, traceparent=f"00-{ELSEWHERE}-01", lifecycle=f"00-{ELSEWHERE}-01")
DELIVERED = parse_event(p.body_of("message.delivered"), subscription_id="s1", verified=True)
IDENTITY = {
    "linq.trace_id": p.LINQ_TRACE_ID,
    "linq.message.id": p.MESSAGE_ID,
    "linq.chat.id": p.CHAT_ID,
}


def event(event_type: str, **overrides: object) -> Any:
    return parse_event(p.body_of(event_type, **overrides))


ELSEWHERE_SENT = event("message.sent", trace_id=p.OTHER_LINQ_TRACE_ID)


@pytest.fixture
def linked(app: Tracer, exporter: InMemorySpanExporter) -> Callable[..., dict[str, Any]]:
    """
    Return what links a span of the app's own, and returns its attributes and links.
    """

    def _linked(**target: Any) -> dict[str, Any]:
        exporter.clear()
        with app.start_as_current_span("refund"):
            link_to_linq(**target)
        (span,) = exporter.get_finished_spans()
        told = outline(span)
        return {"attributes": told["attributes"], "links": told["links"]}

    return _linked


@pytest.mark.usefixtures("tracing")
class TestTargets:
    """
    What each thing an app may know of a message gives, under the default join.
    """

    @pytest.mark.parametrize(
        ("target", "attributes", "links"),
        [
            (
                {"linq_trace_id": p.LINQ_TRACE_ID},
                {"linq.trace_id": p.LINQ_TRACE_ID},
                [("lifecycle", LIFE.anchor)],
            ),
            (
                {"linq_trace_id": p.LINQ_TRACE_ID.upper(), "message_id": p.MESSAGE_ID.upper()},
                {"linq.trace_id": p.LINQ_TRACE_ID.upper(), "linq.message.id": p.MESSAGE_ID},
                [("lifecycle", LIFE.anchor)],
            ),
            # In which trace its life is drawn, a message id alone cannot tell.
            ({"message_id": p.MESSAGE_ID}, {"linq.message.id": p.MESSAGE_ID}, []),
            # Both sides fall back to it where Linq's trace id is malformed.
            (
                {"linq_trace_id": MALFORMED, "message_id": p.MESSAGE_ID},
                {"linq.trace_id": MALFORMED, "linq.message.id": p.MESSAGE_ID},
                [("lifecycle", BY_MESSAGE.anchor)],
            ),
            ({"linq_trace_id": MALFORMED}, {"linq.trace_id": MALFORMED}, []),
            ({"linq_trace_id": "0" * 32}, {"linq.trace_id": "0" * 32}, []),
            ({"linq_trace_id": p.PHONE}, {}, []),
            ({"linq_trace_id": p.PHONE, "message_id": p.EMAIL}, {}, []),
            ({"linq_trace_id": ""}, {}, []),
            ({"linq_trace_id": None, "message_id": None, "event": None, "origin": None}, {}, []),
            (
                {"origin": ORIGIN},
                IDENTITY,
                [("lifecycle", LIFE.anchor), ("send", SENDER)],
            ),
            (
                {"origin": ORIGIN, "linq_trace_id": p.OTHER_LINQ_TRACE_ID},
                {**IDENTITY, "linq.trace_id": p.OTHER_LINQ_TRACE_ID},
                [("lifecycle", LIFE.anchor), ("send", SENDER)],
            ),
            (
                {"origin": OF_A_REACTION},
                {"linq.trace_id": p.LINQ_TRACE_ID, "linq.chat.id": p.CHAT_ID},
                [("cause", SENDER)],
            ),
            ({"origin": INBOUND}, IDENTITY, [("lifecycle", ELSEWHERE)]),
            (
                {"origin": replace(ORIGIN, traceparent="", lifecycle="nonsense")},
                IDENTITY,
                [],
            ),
            (
                {"origin": replace(ORIGIN, traceparent=f"00-{SENDER}-00")},
                IDENTITY,
                [("lifecycle", LIFE.anchor)],
            ),
        ],
    )
    def test_ids_and_origins(
        self,
        linked: Callable[..., dict[str, Any]],
        target: dict[str, Any],
        attributes: dict[str, Any],
        links: list[Any],
    ) -> None:
        """Malformed ids are attributes at most, and what is no id is not even that."""
        assert linked(**target) == {"attributes": attributes, "links": links}

    def test_an_event(self, linked: Callable[..., dict[str, Any]]) -> None:
        """All that is known of a delivery, and the life it reports on."""
        assert linked(event=DELIVERED) == {
            "attributes": {
                **IDENTITY,
                "linq.event.id": p.EVENT_ID,
                "linq.event.type": "message.delivered",
                "linq.webhook.version": p.NEW,
                "linq.webhook.subscription.id": "s1",
                "linq.webhook.verified": True,
                "linq.service": "iMessage",
            },
            "links": [("lifecycle", LIFE.anchor)],
        }

    @pytest.mark.parametrize(
        ("target", "links"),
        [
            ({"event": event("message.failed")}, [("lifecycle", LIFE.anchor)]),
            ({"event": event("poll.read")}, [("lifecycle", LIFE.anchor)]),
            (
                {"event": event("message.sent", trace_id=MALFORMED)},
                [("lifecycle", BY_MESSAGE.anchor)],
            ),
            (
                {"event": event("message.sent", trace_id=None)},
                [("lifecycle", BY_MESSAGE.anchor)],
            ),
            # Linq's own samples have one message under two trace ids: the origin repairs that.
            (
                {"event": ELSEWHERE_SENT, "origin": ORIGIN},
                [("lifecycle", LIFE.anchor), ("send", SENDER)],
            ),
            (
                {
                    "event": event("message.sent", trace_id="ab" * 16),
                    "linq_trace_id": p.LINQ_TRACE_ID,
                },
                [("lifecycle", LIFE.anchor)],
            ),
            # The root of an inbound life has an id nobody can derive.
            ({"event": event("message.received")}, []),
            (
                {"event": event("message.received"), "origin": INBOUND},
                [("lifecycle", ELSEWHERE)],
            ),
            ({"event": event("reaction.added")}, []),
            (
                {"event": event("reaction.added"), "origin": ORIGIN},
                [("lifecycle", LIFE.anchor), ("send", SENDER)],
            ),
            ({"event": event("payment.succeeded")}, []),
            ({"event": event("payment.succeeded"), "origin": ORIGIN}, [("cause", SENDER)]),
            (
                {"event": event("payment.succeeded"), "linq_trace_id": p.LINQ_TRACE_ID},
                [("lifecycle", LIFE.anchor)],
            ),
        ],
    )
    def test_events_by_role(
        self, linked: Callable[..., dict[str, Any]], target: dict[str, Any], links: list[Any]
    ) -> None:
        """As the handler of the same event would be placed, or as the app says."""
        assert linked(**target)["links"] == links

    @pytest.mark.parametrize(
        ("event_type", "shown"),
        [("message.delivered", "message.delivered"), ("ada.lovelace", "_OTHER")],
    )
    def test_an_event_that_did_not_verify(
        self, linked: Callable[..., dict[str, Any]], event_type: str, shown: str
    ) -> None:
        """A stranger's ids link nothing, and neither does what was looked up by them."""
        stranger = replace(event(event_type), verified=False)
        assert linked(event=stranger, origin=ORIGIN, linq_trace_id=p.LINQ_TRACE_ID) == {
            "attributes": {"linq.webhook.verified": False, "linq.event.type": shown},
            "links": [],
        }


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "target", "links"),
        [
            (
                {"join": "link"},
                {"linq_trace_id": p.LINQ_TRACE_ID},
                [("lifecycle", LIFE.anchor)],
            ),
            (
                {"join": "message"},
                {"message_id": p.MESSAGE_ID},
                [("lifecycle", BY_MESSAGE.anchor)],
            ),
            (
                {"join": "message"},
                {"event": DELIVERED},
                [("lifecycle", BY_MESSAGE.anchor)],
            ),
            (
                {"join": "message"},
                {"linq_trace_id": p.LINQ_TRACE_ID},
                [("lifecycle", LIFE.anchor)],
            ),
            (
                {"join": "app"},
                {"origin": replace(ORIGIN, lifecycle=f"00-{SENDER[:32]}-{'3' * 16}-01")},
                [("lifecycle", f"{SENDER[:32]}-{'3' * 16}"), ("send", SENDER)],
            ),
            ({"stages": False}, {"linq_trace_id": p.LINQ_TRACE_ID}, []),
            ({"stages": False}, {"origin": ORIGIN}, [("send", SENDER)]),
            ({"stages": False}, {"origin": INBOUND}, [("lifecycle", ELSEWHERE)]),
        ],
    )
    def test_links(
        self,
        configure: Callable[..., Tracing],
        linked: Callable[..., dict[str, Any]],
        options: dict[str, Any],
        target: dict[str, Any],
        links: list[Any],
    ) -> None:
        """Links go where the join in force has the life; without stages no anchor is drawn."""
        configure(**options)
        assert linked(**target)["links"] == links

    def test_nothing_configured(self, linked: Callable[..., dict[str, Any]]) -> None:
        """An app that has called nothing of ours gets its links all the same."""
        links = linked(linq_trace_id=p.LINQ_TRACE_ID)["links"]
        assert links == [("lifecycle", LIFE.anchor)]


class OneTrace(Sampler):
    """
    Takes the traces it is told to, and notes which it was asked about.
    """

    def __init__(self, taken: int) -> None:
        self.taken = taken
        self.asked: list[int] = []

    def should_sample(self, _parent: Any, trace_id: int, *_: Any, **__: Any) -> SamplingResult:
        """
        Answer for one trace.
        """
        self.asked.append(trace_id)
        taken = trace_id == self.taken
        return SamplingResult(Decision.RECORD_AND_SAMPLE if taken else Decision.DROP)

    def get_description(self) -> str:
        """
        Name it.
        """
        return "OneTrace"


class TestSampling:
    def test_the_sampler_is_asked(self, configure: Callable[..., Tracing]) -> None:
        """As a root, about the life: what is not drawn is not linked."""
        sampler = OneTrace(int(p.LINQ_TRACE_ID, 16))
        provider = TracerProvider(sampler=sampler)
        configure(tracer_provider=provider)
        (link,) = linq_links(linq_trace_id=p.LINQ_TRACE_ID)
        assert (label(link.context), link.context.trace_flags) == (LIFE.anchor, 1)
        assert linq_links(linq_trace_id=p.OTHER_LINQ_TRACE_ID) == []
        assert sampler.asked == [int(p.LINQ_TRACE_ID, 16), int(p.OTHER_LINQ_TRACE_ID, 16)]
        provider.shutdown()

    def test_an_origin_has_decided(self, configure: Callable[..., Tracing]) -> None:
        """The sender's decision holds, whatever the sampler here would say."""
        provider = TracerProvider(sampler=ALWAYS_OFF)
        configure(tracer_provider=provider)
        assert [label(link.context) for link in linq_links(origin=ORIGIN)] == [LIFE.anchor, SENDER]
        dropped = replace(ORIGIN, lifecycle=f"00-{LIFE.anchor}-00", traceparent=f"00-{SENDER}-00")
        assert linq_links(origin=dropped) == []
        provider.shutdown()


@pytest.mark.usefixtures("tracing")
class TestSpans:
    def test_the_one_given(self, app: Tracer, exporter: InMemorySpanExporter) -> None:
        """A span need not be current."""
        span = app.start_span("refund")
        link_to_linq(span, linq_trace_id=p.LINQ_TRACE_ID)
        span.end()
        (told,) = map(outline, exporter.get_finished_spans())
        assert told["links"] == [("lifecycle", LIFE.anchor)]

    def test_a_link_is_there_once(self, app: Tracer, exporter: InMemorySpanExporter) -> None:
        """Whoever else has linked the span to the same, and started it with that."""
        links = linq_links(linq_trace_id=p.LINQ_TRACE_ID)
        with app.start_as_current_span("refund", links=links):
            link_to_linq(event=DELIVERED)
            link_to_linq(origin=ORIGIN)
            link_to_linq(origin=ORIGIN)
        (told,) = map(outline, exporter.get_finished_spans())
        assert told["links"] == [("lifecycle", LIFE.anchor), ("send", SENDER)]

    def test_a_span_is_not_linked_to_itself(
        self, app: Tracer, exporter: InMemorySpanExporter
    ) -> None:
        """Its own origin, as `origin_from_response` gives it."""
        with app.start_as_current_span("send") as span:
            context = span.get_span_context()
            own = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
            link_to_linq(origin=replace(ORIGIN, traceparent=own))
        (told,) = map(outline, exporter.get_finished_spans())
        assert told["links"] == [("lifecycle", LIFE.anchor)]

    def test_before_it_is_started(self, app: Tracer, exporter: InMemorySpanExporter) -> None:
        """The very links, each saying what it is, as a sampler would see them."""
        links = linq_links(origin=ORIGIN, event=DELIVERED)
        assert [(label(k.context), dict(k.attributes or {})) for k in links] == [
            (LIFE.anchor, {"linq.link": "lifecycle"}),
            (SENDER, {"linq.link": "send"}),
        ]
        app.start_span("refund", links=links).end()
        spans: tuple[ReadableSpan, ...] = exporter.get_finished_spans()
        assert list(spans[0].links) == links

    def test_one_that_does_not_record(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is computed, and there need not be a span at all."""
        monkeypatch.setattr("linq_otel._linking.find_links", None)
        monkeypatch.setattr("linq_otel._linking.describe_target", None)
        link_to_linq(INVALID_SPAN, linq_trace_id=p.LINQ_TRACE_ID)
        link_to_linq(linq_trace_id=p.LINQ_TRACE_ID)


@pytest.mark.parametrize("function", [link_to_linq, linq_links])
class TestMistakes:
    @pytest.mark.parametrize(
        ("target", "error", "message"),
        [
            (
                {},
                ConfigurationError,
                "nothing to link to: give one of linq_trace_id, message_id, event, origin",
            ),
            ({"trace_id": "a"}, TypeError, "unexpected keyword 'trace_id'; give one of linq_trace"),
            ({"linq_trace_id": 7}, TypeError, "linq_trace_id must be str or None, not int"),
            ({"message_id": b"a"}, TypeError, "message_id must be str or None, not bytes"),
            ({"event": {"a": 1}}, TypeError, "event must be Event or None, not dict"),
            ({"origin": "{}"}, TypeError, "origin must be Origin or None, not str"),
        ],
    )
    def test_of_the_caller(
        self, function: Any, target: dict[str, Any], error: type[Exception], message: str
    ) -> None:
        """Said at once, and whether or not a span records."""
        with pytest.raises(error) as raised:
            function(**target)
        assert str(raised.value).startswith(message)

    @pytest.mark.usefixtures("forgiving", "tracing")
    def test_of_ours(self, function: Any, app: Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
        """They cost the link and nothing else."""
        for name in ("linq_otel._linking.find_links", "linq_otel.links.find_links"):
            monkeypatch.setattr(name, None)
        with app.start_as_current_span("refund"):
            assert not function(linq_trace_id=p.LINQ_TRACE_ID)


class TestSpanArgument:
    def test_must_be_one(self) -> None:
        """An id in its place is a mistake."""
        with pytest.raises(TypeError, match="span must be Span or None, not str"):
            link_to_linq(p.LINQ_TRACE_ID, message_id=p.MESSAGE_ID)
