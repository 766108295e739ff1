"""
The SDK's own ``unwrap``, which apps call that have no middleware of ours.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from linq import AsyncLinqAPIV3, LinqAPIV3
from linq.resources.webhooks import AsyncWebhooksResource, WebhooksResource
from standardwebhooks import WebhookVerificationError

from linq_otel._patching import Patches
from linq_otel._shield import tally
from linq_otel._unwrap import install_unwrap
from support import payloads as p
from support.racing import Shared
from support.webhook_desk import Desk, Life, outline


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Tracer

    from linq_otel._tracing import Tracing
    from linq_otel.stores.memory import MemoryStore


LIFE = Life.by_linq_trace_id()
ATTRIBUTES = {
    "linq.event.id": p.EVENT_ID,
    "linq.event.type": "message.delivered",
    "linq.webhook.version": p.NEW,
    "linq.webhook.subscription.id": p.SUBSCRIPTION_ID,
    "linq.webhook.verified": True,
    "linq.trace_id": p.LINQ_TRACE_ID,
    "linq.message.id": p.MESSAGE_ID,
    "linq.chat.id": p.CHAT_ID,
    "linq.service": "iMessage",
}
BODY = p.body_of("message.delivered")


def signed(body: bytes) -> dict[str, str]:
    # The SDK reads the system's clock.
    return p.headers_of(body, signed_at=int(time.time()))


@pytest.fixture
def patches() -> Iterator[Patches]:
    patches = Patches("the Linq SDK")
    yield patches
    patches.remove()


@pytest.fixture
def installed(tracing: Tracing, patches: Patches) -> Tracing:
    """
    Wrap what the default options wrap.
    """
    install_unwrap(tracing, patches)
    return tracing


@pytest.fixture
def client() -> Iterator[LinqAPIV3]:
    with LinqAPIV3(api_key="k", webhook_secret=p.SECRET) as client:
        yield client


@pytest.fixture
def hook(app: Tracer, exporter: InMemorySpanExporter) -> Callable[..., dict[str, Any]]:
    """
    Return what unwraps a body in a span of the app's own, and outlines that span.
    """

    def _hook(client: Any, body: bytes = BODY, **more: Any) -> dict[str, Any]:
        with app.start_as_current_span("POST /linq"):
            client.webhooks.unwrap(body.decode(), headers=signed(body), **more)
        return outline(exporter.get_finished_spans()[-1])

    return _hook


@pytest.mark.usefixtures("installed")
class TestSpan:
    def test_is_linked(self, client: LinqAPIV3, hook: Callable[..., dict[str, Any]]) -> None:
        """The app's span says which event it serves, and leads to the message's life."""
        span = hook(client)
        assert (span["attributes"], span["links"]) == (ATTRIBUTES, [("lifecycle", LIFE.anchor)])

    def test_of_the_async_client(self, hook: Callable[..., dict[str, Any]]) -> None:
        """Its `unwrap` is a plain function, called on the event loop."""

        async def serve() -> dict[str, Any]:
            async with AsyncLinqAPIV3(api_key="k", webhook_secret=p.SECRET) as client:
                return hook(client)

        span = asyncio.run(serve())
        assert (span["attributes"], span["links"]) == (ATTRIBUTES, [("lifecycle", LIFE.anchor)])

    def test_a_key_of_the_call(self, hook: Callable[..., dict[str, Any]]) -> None:
        """The SDK takes the key in either place."""
        with LinqAPIV3(api_key="k") as client:
            assert hook(client, key=p.SECRET)["links"] == [("lifecycle", LIFE.anchor)]

    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize(
        "event_type", ["message.sent", "message.read", "message.failed", "reaction.added"]
    )
    def test_all_is_read_from_the_raw_payload(
        self,
        client: LinqAPIV3,
        hook: Callable[..., dict[str, Any]],
        event_type: str,
        version: str,
    ) -> None:
        """Whatever class the SDK gives the event."""
        told = hook(client, p.body_of(event_type, version))["attributes"]
        assert [told[f"linq.{key}"] for key in ("event.type", "webhook.version")] == [
            event_type,
            version,
        ]
        assert [told[f"linq.{key}"] for key in ("message.id", "chat.id")] == [
            p.MESSAGE_ID,
            p.CHAT_ID,
        ]

    def test_nothing_but_ids(self, client: LinqAPIV3, hook: Callable[..., dict[str, Any]]) -> None:
        """No number, address or text of the payload."""
        told = repr(hook(client, p.body_of("message.received")))
        assert [word for word in (p.PHONE, p.EMAIL, p.TEXT) if word in told] == []

    def test_no_event_of_ours(self, client: LinqAPIV3, hook: Callable[..., dict[str, Any]]) -> None:
        """A payload without a type is the SDK's business alone."""
        span = hook(client, b'{"hello": "world"}')
        assert (span["attributes"], span["links"]) == ({}, [])

    def test_none(self, client: LinqAPIV3) -> None:
        """Without a span there is nothing to link, and nothing to fail."""
        event: Any = client.webhooks.unwrap(BODY.decode(), headers=signed(BODY))
        assert event.trace_id == p.LINQ_TRACE_ID


class TestOrigin:
    @pytest.mark.usefixtures("installed")
    def test_found_in_the_store(
        self, desk: Desk, client: LinqAPIV3, hook: Callable[..., dict[str, Any]]
    ) -> None:
        """Where the sender is known, the span leads there too."""
        desk.send()
        sender = desk.one("linq chats.messages.send")["id"]
        assert hook(client)["links"] == [("lifecycle", LIFE.anchor), ("send", sender)]

    def test_a_shared_store_is_not_asked_on_the_event_loop(
        self,
        configure: Callable[..., Tracing],
        patches: Patches,
        desk: Desk,
        client: LinqAPIV3,
        hook: Callable[..., dict[str, Any]],
    ) -> None:
        """The life is derived instead; in a thread the store is asked."""
        shared = Shared()
        install_unwrap(configure(store=shared), patches)
        desk = Desk(desk.provider, desk.exporter, store=shared)
        desk.send()
        sender = desk.one("linq chats.messages.send")["id"]

        async def serve() -> dict[str, Any]:
            return hook(client)

        assert asyncio.run(serve())["links"] == [("lifecycle", LIFE.anchor)]
        assert shared.finds == 0
        assert hook(client)["links"] == [("lifecycle", LIFE.anchor), ("send", sender)]

    @pytest.mark.usefixtures("forgiving", "installed")
    def test_a_store_that_fails(
        self,
        store: MemoryStore,
        client: LinqAPIV3,
        hook: Callable[..., dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It costs the way to the sender, and neither the event nor the life."""
        monkeypatch.setattr(store, "find", None)
        assert hook(client)["links"] == [("lifecycle", LIFE.anchor)]
        assert tally.counts() == {"looking up an origin: TypeError": 1}


@pytest.mark.usefixtures("installed")
class TestInsideAHandler:
    @pytest.mark.parametrize("join", ["linq", "link"])
    def test_of_the_same_event(self, desk: Desk, join: str, client: LinqAPIV3, app: Tracer) -> None:
        """The process span around it says all this already, and no span within repeats it."""
        desk = Desk(desk.provider, desk.exporter, {"join": join, "stages": False})
        with desk.serving(), desk.receiver.process(signed(BODY), BODY):
            client.webhooks.unwrap(BODY.decode(), headers=signed(BODY))
            with app.start_as_current_span("inner"):
                client.webhooks.unwrap(BODY.decode(), headers=signed(BODY))
        process, inner = desk.one("process message.delivered"), desk.one("inner")
        assert ("linq.webhook.verified" in process["attributes"], inner["attributes"]) == (
            False,
            {},
        )
        webhook = ("webhook", desk.one("POST /hook")["id"])
        assert process["links"] == [webhook] * (join == "linq")

    def test_of_another_event(self, desk: Desk, client: LinqAPIV3, app: Tracer) -> None:
        """A webhook that was kept and is read later is one of its own."""
        other = p.body_of("message.read", event_id="67c4f9d2-0000-4000-8000-000000000002")
        with desk.receiver.process(signed(BODY), BODY), app.start_as_current_span("inner"):
            client.webhooks.unwrap(other.decode(), headers=signed(other))
        assert desk.one("inner")["links"] == [("lifecycle", LIFE.anchor)]


class TestCaller:
    """
    What an app sees of all this: nothing.
    """

    def test_is_given_the_very_object(self, tracing: Tracing, patches: Patches) -> None:
        """Of whatever the SDK made of the payload."""
        made = object()

        class Resource(WebhooksResource):
            def unwrap(self, *args: Any, **kwargs: Any) -> Any:
                return super().unwrap(*args, **kwargs)

        original = WebhooksResource.unwrap
        WebhooksResource.unwrap = lambda *_, **__: made
        try:
            install_unwrap(tracing, patches)
            with LinqAPIV3(api_key="k") as client:
                assert Resource(client).unwrap("x", headers={}) is made
        finally:
            patches.remove()
            WebhooksResource.unwrap = original

    @pytest.mark.usefixtures("installed")
    @pytest.mark.parametrize(
        ("body", "more", "error"),
        [
            (BODY, {"headers": {}}, WebhookVerificationError),
            (BODY, {"headers": p.headers_of(BODY)}, WebhookVerificationError),
            (BODY, {"webhook-signature": "no comma"}, ValueError),
            (BODY, {"key": p.OTHER_SECRET}, WebhookVerificationError),
            (b"[", {}, ValueError),
        ],
    )
    def test_is_given_the_very_exceptions(
        self, desk: Desk, client: LinqAPIV3, body: bytes, more: Any, error: type[Exception]
    ) -> None:
        """What does not verify links nothing, and raises what the SDK raises."""
        if "webhook-signature" in more:
            # Signed now: a suite that runs for long would find it too old.
            more = {"headers": {**signed(body), **more}}
        with desk.serving(), pytest.raises(error) as raised:
            client.webhooks.unwrap(body.decode(), **{"headers": signed(body), **more})
        assert raised.traceback[-1].path.parts[-2] != "linq_otel"
        span = desk.one("POST /hook")
        assert (span["attributes"], span["links"]) == ({}, [])

    @pytest.mark.usefixtures("installed")
    def test_without_a_key(self, app: Tracer) -> None:
        """The SDK's own error says what is missing."""
        with (
            LinqAPIV3(api_key="k") as client,
            app.start_as_current_span("POST /linq"),
            pytest.raises(ValueError, match="Cannot verify a webhook without a key"),
        ):
            client.webhooks.unwrap(BODY.decode(), headers=signed(BODY))

    def test_is_given_the_original_back(self, tracing: Tracing, patches: Patches) -> None:
        """Both classes are as they were."""
        before = (vars(WebhooksResource)["unwrap"], vars(AsyncWebhooksResource)["unwrap"])
        install_unwrap(tracing, patches)
        assert vars(WebhooksResource)["unwrap"] is not before[0]
        patches.remove()
        assert (vars(WebhooksResource)["unwrap"], vars(AsyncWebhooksResource)["unwrap"]) == before

    def test_of_an_sdk_without_it(
        self, tracing: Tracing, patches: Patches, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is put in, and nothing fails."""
        monkeypatch.delattr(WebhooksResource, "unwrap")
        monkeypatch.delattr(AsyncWebhooksResource, "unwrap")
        install_unwrap(tracing, patches)
        assert ("unwrap" in vars(WebhooksResource), "unwrap" in vars(AsyncWebhooksResource)) == (
            False,
            False,
        )

    @pytest.mark.usefixtures("forgiving", "installed")
    def test_of_our_failures(
        self, client: LinqAPIV3, app: Tracer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are counted, and the event is returned."""
        monkeypatch.setattr("linq_otel._unwrap.parse_event", None)
        with app.start_as_current_span("POST /linq"):
            event: Any = client.webhooks.unwrap(BODY.decode(), headers=signed(BODY))
        assert event.event_type == "message.delivered"
        assert tally.counts() == {"linking a webhook's span: TypeError": 1}
