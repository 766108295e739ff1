"""
Webhooks whose idempotency key carries the sending span: joined with nothing stored.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanContext, TraceFlags

from linq_otel._carrier import PLACES, format_carrier
from linq_otel._events import Event, parse_event
from linq_otel._lives import SendFacts, begin_life
from linq_otel._operations import OPERATIONS, operation_of
from linq_otel._origins import Origin, hash_key
from linq_otel._runtime import configure_tracing
from linq_otel.links import linq_links
from support import payloads as p
from support.carrying import FIRST_KEY, KEY, carrying
from support.racing import Shared
from support.webhook_desk import ACCEPTED_AT, REQUESTED_AT, Desk, Life, digest, label
from support.webhook_spans import LIFE


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENDER = f"{TRACE_ID}-{SPAN_ID}"
NONCE = "00112233445566ff"
UNSAMPLED = f"linq-otel-1-00-{TRACE_ID}-{SPAN_ID}-00-{NONCE}"
MODES = ("linq", "app", "message", "link")
STAGES = ("sent", "delivered", "read")
APP_LIFE = Life(TRACE_ID, digest("anchor", hash_key(FIRST_KEY)))
LIVES = {"linq": LIFE, "app": APP_LIFE, "message": Life.by_message(), "link": LIFE}


def told(stage: str = "sent", version: str = p.NEW, key: object = FIRST_KEY, **more: Any) -> bytes:
    """
    Return ``message.{stage}`` of a message with this key.
    """
    data = p.message_data(stage, version) | {"idempotency_key": key}
    return p.encode(p.envelope(f"message.{stage}", data, version=version) | more)


def desk_of(desk: Desk, **options: object) -> Desk:
    return Desk(desk.provider, desk.exporter, options)


class TestKey:
    def test_written(self) -> None:
        """The form of ``docs/carrier.md``, short enough, and another nonce each time."""
        span = SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), is_remote=False)
        one, two = format_carrier(span), format_carrier(span)
        assert one is not None
        assert two is not None
        assert one[:-16] == two[:-16] == UNSAMPLED[:-16]
        assert one != two
        assert (len(one), KEY.fullmatch(one) is not None) == (84, True)

    def test_no_span(self) -> None:
        """No span, no key."""
        assert format_carrier(SpanContext(0, 0, is_remote=False)) is None

    def test_flags(self) -> None:
        """Two flags have a meaning; a key with others in it could not be read by anybody."""
        written: list[str | None] = []
        for flags in range(256):
            span = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(flags))
            written.append(parse_event(told(key=format_carrier(span))).traceparent)
        assert written == [f"00-{1:032x}-{2:016x}-{flags & 3:02x}" for flags in range(256)]


class TestEvent:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("stage", STAGES)
    def test_both_versions(self, stage: str, version: str) -> None:
        """The sending span is read from either payload; the key itself is a hash, as ever."""
        event = parse_event(told(stage, version))
        assert event.traceparent == f"00-{TRACE_ID}-{SPAN_ID}-01"
        assert event.sender is not None
        assert (label(event.sender), event.sender.is_remote) == (SENDER, True)
        assert event.idempotency_key == hash_key(FIRST_KEY)
        assert FIRST_KEY not in repr(event)
        assert asdict(event)["traceparent"] == event.traceparent

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_null(self, version: str) -> None:
        """Most messages have no key."""
        event = parse_event(told(version=version, key=None))
        assert (event.traceparent, event.sender, event.idempotency_key) == (None, None, None)

    @pytest.mark.parametrize(
        "key",
        [
            "order 7",
            FIRST_KEY.upper(),
            FIRST_KEY.replace("otel-1-", "otel-2-"),
            FIRST_KEY.replace("-1-00-", "-1-01-"),
            FIRST_KEY.replace("-1-00-", "-1-ff-"),
            FIRST_KEY.replace(TRACE_ID, "0" * 32),
            FIRST_KEY.replace(SPAN_ID, "0" * 16),
            FIRST_KEY.replace(TRACE_ID, TRACE_ID.upper()),
            FIRST_KEY.replace(TRACE_ID, TRACE_ID[1:]),
            FIRST_KEY.replace(TRACE_ID, "g" + TRACE_ID[1:]),
            FIRST_KEY.replace("-01-", "-04-"),
            FIRST_KEY.replace("-01-", "-1-"),
            FIRST_KEY[:-1],
            FIRST_KEY[:-17],
            FIRST_KEY + "0",
            FIRST_KEY + "\n",
            " " + FIRST_KEY,
            FIRST_KEY + "-" + "0" * 255,
            FIRST_KEY.replace("a", "\u0430"),
            FIRST_KEY.replace("0", "\u0660"),
            f"00-{TRACE_ID}-{SPAN_ID}-01",
        ],
    )
    def test_foreign(self, desk: Desk, key: str) -> None:
        """What is nearly a key of ours is somebody's own: it carries nothing and is hashed."""
        event = parse_event(told(key=key))
        is_short = len(key) <= 255
        assert event.traceparent is None
        assert event.idempotency_key == (hash_key(key) if is_short else None)
        app = desk_of(desk, join="app")
        app.deliver(told(key=key))
        process = app.one("process message.sent")
        assert (process["parent"], process["attributes"]["linq.origin"]) == (LIFE.anchor, "none")

    @pytest.mark.parametrize("key", [7, True, [FIRST_KEY], {"key": FIRST_KEY}])
    def test_no_text(self, key: object) -> None:
        """A key that is no text is none."""
        event = parse_event(told(key=key))
        assert (event.traceparent, event.idempotency_key) == (None, None)

    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_inbound(self, desk: Desk, version: str) -> None:
        """A message of somebody else was sent by no span of ours, whatever its key says."""
        data = p.message_data("x", version, inbound=True) | {"idempotency_key": FIRST_KEY}
        body = p.encode(p.envelope("message.received", data, version=version))
        assert parse_event(body).traceparent is None
        app = desk_of(desk, join="app")
        app.deliver(body)
        process = app.one("process message.received")
        assert process["id"].partition("-")[0] == p.LINQ_TRACE_ID
        assert process["attributes"]["linq.origin"] == "none"


class TestJoinModes:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("join", MODES)
    def test_whole_life(self, desk: Desk, join: str, version: str) -> None:
        """Nothing is stored: ``app`` is joined, elsewhere the life stays, and all are linked."""
        desk = desk_of(desk, join=join)
        for stage in STAGES:
            desk.deliver(told(stage, version))
        life = LIVES[join]
        assert [
            (desk.one(f"message {stage}")["id"], desk.one(f"message {stage}")["parent"])
            for stage in STAGES
        ] == [(f"{life.otel_trace_id}-{life.stage_id(stage)}", life.anchor) for stage in STAGES]
        servers = desk.named("POST /hook")
        for stage, server in zip(STAGES, servers, strict=True):
            process = desk.one(f"process message.{stage}")
            beside = ("lifecycle", life.anchor) if join == "link" else ("webhook", server["id"])
            assert process["parent"] == (server["id"] if join == "link" else life.anchor)
            assert process["links"] == [("send", SENDER), beside]
            assert process["attributes"]["linq.origin"] == "carrier"

    @pytest.mark.parametrize("join", MODES)
    def test_without_stages(self, desk: Desk, join: str) -> None:
        """Where no anchor is drawn, ``app`` hangs the handler under the sending span itself."""
        desk = desk_of(desk, join=join, stages=False)
        desk.deliver(told())
        process, server = desk.one("process message.sent"), desk.one("POST /hook")
        parents = {"app": SENDER, "link": server["id"]}
        assert process["parent"] == parents.get(join)
        traces = {"app": TRACE_ID, "link": server["id"].partition("-")[0]}
        expected = traces.get(join, LIVES[join].otel_trace_id)
        assert process["id"].partition("-")[0] == expected
        assert [link for link in process["links"] if link[0] == "send"] == [("send", SENDER)]

    def test_no_ids(self, desk: Desk) -> None:
        """An event that names neither message nor trace has a sender all the same."""
        for join in ("linq", "app"):
            desk = desk_of(desk, join=join)
            data = p.message_data("sent") | {"id": None, "idempotency_key": FIRST_KEY}
            desk.deliver(p.envelope("message.sent", data, linq_trace_id=None))
        in_linq, in_app = desk.named("process message.sent")
        assert in_linq["links"] == [("cause", SENDER)]
        assert in_app["parent"] == APP_LIFE.anchor

    def test_receiver_needs_no_option(self, desk: Desk) -> None:
        """The option is the sender's: a key says by itself that it is one of ours."""
        desk = desk_of(desk, join="app", carrier="none")
        desk.deliver(told())
        assert desk.one("message sent")["parent"] == APP_LIFE.anchor

    def test_a_redelivery_writes_the_same_stage(self, desk: Desk) -> None:
        """Also in another process."""
        for _ in range(2):
            desk = desk_of(desk, join="app")
            desk.deliver(told())
        one, two = desk.named("message sent")
        assert one == two


class TestFailed:
    @pytest.fixture
    def failed(self) -> bytes:
        """Return a failure, which repeats no key in either version."""
        return p.encode(p.envelope("message.failed", p.failed_data()))

    def test_without_a_store(self, desk: Desk, failed: bytes) -> None:
        """It cannot know the app's trace, and is drawn in the trace of Linq's id."""
        desk = desk_of(desk, join="app")
        desk.deliver(told())
        desk.deliver(failed)
        assert desk.one("message sent")["parent"] == APP_LIFE.anchor
        assert desk.one("message failed")["parent"] == LIFE.anchor
        assert desk.one("process message.failed")["attributes"]["linq.origin"] == "none"

    def test_with_a_store(self, desk: Desk, failed: bytes) -> None:
        """The message's id joins it."""
        desk = desk_of(desk, join="app")
        desk.send(idempotency_key=FIRST_KEY)
        desk.deliver(failed)
        assert desk.one("message failed")["parent"] == desk.one("linq message")["id"]
        assert desk.one("process message.failed")["attributes"]["linq.origin"] == "message"


class TestSampling:
    @pytest.fixture
    def provider(self, exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
        """Yield a provider that follows its parents."""
        provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        yield provider
        provider.shutdown()

    @pytest.mark.parametrize(
        ("key", "drawn"), [(UNSAMPLED, []), (FIRST_KEY, ["message sent", "process message.sent"])]
    )
    def test_app(self, desk: Desk, key: str, drawn: list[str]) -> None:
        """The sender's decision is followed, whatever the receiver's own would be."""
        desk = desk_of(desk, join="app")
        desk.deliver(told(key=key))
        assert [span.name for span in desk.spans] == drawn

    def test_no_link(self, exporter: InMemorySpanExporter) -> None:
        """A sender that was not recorded is no target of a link."""
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        desk = Desk(provider, exporter, {"join": "linq"})
        desk.deliver(told(key=UNSAMPLED))
        process, server = desk.one("process message.sent"), desk.one("POST /hook")
        assert (process["parent"], process["links"]) == (LIFE.anchor, [("webhook", server["id"])])
        assert process["attributes"]["linq.origin"] == "carrier"
        provider.shutdown()


class TestStore:
    @pytest.mark.parametrize("by", ["message", "trace", "key"])
    @pytest.mark.parametrize("join", MODES)
    def test_it_comes_first(self, desk: Desk, join: str, by: str) -> None:
        """What the sender kept is more than what it could carry, by whichever key it is found."""
        desk = desk_of(desk, join=join)
        other = Life("ab" * 16, "cd" * 8)
        kept = {
            "message": {"message_id": p.MESSAGE_ID},
            "trace": {"linq_trace_ids": (p.LINQ_TRACE_ID,)},
            "key": {"idempotency_key": hash_key(FIRST_KEY)},
        }
        desk.store.save(
            Origin(
                traceparent=f"00-{'ab' * 16}-{'ef' * 8}-01",
                lifecycle=f"00-{other.otel_trace_id}-{other.anchor_id}-01",
                accepted_at=ACCEPTED_AT,
                **kept[by],
            )
        )
        desk.deliver(told())
        process = desk.one("process message.sent")
        assert desk.one("message sent")["parent"] == other.anchor
        assert process["links"][0] == ("send", f"{'ab' * 16}-{'ef' * 8}")
        assert process["attributes"]["linq.origin"] == by

    @pytest.mark.parametrize("sampled", [True, False])
    def test_both_agree(self, desk: Desk, *, sampled: bool) -> None:
        """Under ``app`` the sender derives the very anchor that the key tells a receiver."""
        desk = desk_of(desk, join="app")
        flags = TraceFlags(int(sampled))
        sender = SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), False, flags)  # noqa: FBT003  # The API's signature.
        key = format_carrier(sender)
        assert key is not None
        facts = SendFacts(
            operation=operation_of("post", "/v3/chats"),
            sender=sender,
            linq_trace_id=p.LINQ_TRACE_ID,
            linq_trace_ids=(p.LINQ_TRACE_ID,),
            message_id=p.MESSAGE_ID,
            chat_id=p.CHAT_ID,
            idempotency_key=hash_key(key),
            began_at=REQUESTED_AT,
            answered_at=ACCEPTED_AT,
        )
        with desk.provider.get_tracer("app").start_as_current_span("call") as span:
            origin = begin_life(desk.receiver.tracing, span, facts)
        assert origin is not None
        elsewhere = desk_of(desk, join="app")
        elsewhere.deliver(told(key=key))
        anchor = f"{TRACE_ID}-{digest('anchor', hash_key(key))}"
        assert origin.lifecycle == f"00-{anchor}-{flags:02x}"
        names = ("message sent", "process message.sent")
        parents = [span["parent"] for name in names for span in elsewhere.named(name)]
        assert parents == ([anchor] * 2 if sampled else [])


class TestTrust:
    @pytest.mark.parametrize("join", MODES)
    @pytest.mark.parametrize("version", p.VERSIONS)
    def test_forged(self, guarded: Desk, join: str, version: str) -> None:
        """A key in a delivery with a bad signature is a stranger's word, and joins nothing."""
        desk = Desk(guarded.provider, guarded.exporter, {"join": join}, secret=p.SECRET)
        body = told(version=version)
        event = desk.deliver(body, headers=p.headers_of(body, p.OTHER_SECRET))
        assert event is None
        server, process = desk.one("POST /hook"), desk.one("process message.sent")
        assert {span.name for span in desk.spans} == {"POST /hook", "process message.sent"}
        assert (process["parent"], process["links"], server["links"]) == (server["id"], [], [])
        assert "linq.origin" not in process["attributes"]

    def test_the_hook_is_told_nothing_of_it(self, guarded: Desk) -> None:
        """Nor can the app's own hook be led astray."""
        seen: list[Event] = []

        def hook(_span: object, event: Event) -> None:
            seen.append(event)

        desk = Desk(guarded.provider, guarded.exporter, {"webhook_hook": hook}, secret=p.SECRET)
        body = told()
        desk.deliver(body, headers=p.headers_of(body, p.OTHER_SECRET))
        assert [(event.verified, event.traceparent) for event in seen] == [(False, None)]

    @pytest.mark.parametrize("secret", [p.SECRET, None])
    def test_verified_or_unasked(self, desk: Desk, secret: str | None) -> None:
        """With a good signature it joins, and so it does where no secret is set."""
        desk = Desk(desk.provider, desk.exporter, {"join": "app"}, secret=secret)
        desk.deliver(told())
        assert desk.one("message sent")["parent"] == APP_LIFE.anchor


class TestPrivacy:
    @pytest.mark.parametrize("join", MODES)
    def test_key(self, desk: Desk, join: str) -> None:
        """The key is in no span of the receiver; only what it carries is."""
        desk = desk_of(desk, join=join)
        for stage in STAGES:
            desk.deliver(told(stage))
        written = "".join(span.to_json() for span in desk.spans)
        assert ("linq-otel-1" in written, NONCE in written) == (False, False)


class TestLinks:
    @pytest.mark.parametrize("join", MODES)
    def test_of_an_event(self, desk: Desk, join: str) -> None:
        """An app that links its own spans needs no origin: the event has it."""
        configure_tracing({"tracer_provider": desk.provider, "join": join})
        links = linq_links(event=parse_event(told()), linq_trace_id=p.LINQ_TRACE_ID)
        assert [
            (dict(link.attributes or {})["linq.link"], label(link.context)) for link in links
        ] == [("lifecycle", LIVES[join].anchor), ("send", SENDER)]

    def test_of_the_sdk_s_unwrap(self, desk: Desk) -> None:
        """On an event loop a shared store cannot be asked, and need not be."""
        body = told()
        headers = p.standard_headers(body, signed_at=int(time.time()))
        app = desk.provider.get_tracer("app")

        async def run() -> None:
            with app.start_as_current_span("hook"):
                client.webhooks.unwrap(body.decode(), headers=headers)

        with (
            carrying(tracer_provider=desk.provider, store=Shared(), join="app"),
            LinqAPIV3(api_key="k", webhook_secret=p.SECRET) as client,
        ):
            asyncio.run(run())
        assert desk.one("hook")["links"] == [("lifecycle", APP_LIFE.anchor), ("send", SENDER)]

    def test_of_one_that_did_not_verify(self, desk: Desk) -> None:
        """A stranger's word links nothing."""
        assert linq_links(event=parse_event(told(), verified=False)) == []

    def test_an_origin_comes_first(self, desk: Desk) -> None:
        """What was kept wins here too."""
        origin = Origin(
            traceparent=f"00-{'ab' * 16}-{'ef' * 8}-01", lifecycle=f"00-{'ab' * 16}-{'cd' * 8}-01"
        )
        links = linq_links(event=parse_event(told()), origin=origin)
        assert [label(link.context) for link in links] == [
            f"{'ab' * 16}-{'cd' * 8}",
            f"{'ab' * 16}-{'ef' * 8}",
        ]


class TestPage:
    def test_example(self) -> None:
        """The key on the page is one, and what the page derives from it is so."""
        page = (Path(__file__).parents[2] / "docs" / "carrier.md").read_text("utf-8")
        (key,) = {found[0] for found in KEY.finditer(page)}
        assert (key, len(key)) == (FIRST_KEY, 84)
        event = parse_event(told(key=key))
        assert event.traceparent == f"00-{TRACE_ID}-{SPAN_ID}-01"
        hashed = hash_key(key)
        assert [word in page for word in (hashed, digest("anchor", hashed))] == [True, True]

    def test_calls(self) -> None:
        """Its table names the calls that are given a key, and no others."""
        page = (Path(__file__).parents[2] / "docs" / "carrier.md").read_text("utf-8")
        rows = re.findall(r"^\| `([a-z.]+)` \|", page, re.MULTILINE)
        assert rows == list(PLACES)
        assert set(PLACES) <= {operation.name for operation in OPERATIONS if operation.starts_life}
