from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel._settings import Settings
from linq_otel._shield import tally
from support import payloads as p
from support.scripted_linq import ScriptedLinq
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

KEY = "a key of the operator"
ALLOWED = "OTEL_PYTHON_LINQ_CAPTURE_CONTENT"
OURS = ("linq.sender.hash", "linq.recipient.hashes", "linq.message.text")
CREATE = {
    "from": "+1 555 0100",
    "to": ["+15550123", "Someone@Example.com"],
    "message": {
        "parts": [
            {"type": "text", "value": "Hello"},
            {"type": "link", "value": "https://example.com"},
            {"type": "text", "value": "again"},
        ]
    },
}


def hash_of(handle: str) -> str:
    return hmac.new(KEY.encode(), handle.encode(), "sha256").hexdigest()[:32]


def shown(attributes: Any) -> dict[str, object]:
    return {key: value for key, value in dict(attributes).items() if key in OURS}


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """Yield a Linq on a free port."""
    with ScriptedLinq() as linq:
        yield linq


@pytest.mark.discloses
class TestEvents:
    @pytest.mark.parametrize("version", [p.NEW, p.OLD])
    def test_sender_and_text(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        monkeypatch: pytest.MonkeyPatch,
        version: str,
    ) -> None:
        """Both payload versions say who sent it and what it says."""
        monkeypatch.setenv(ALLOWED, "true")
        desk = Desk(provider, exporter, {"handle_key": KEY, "capture_content": True})
        desk.stage("sent", version)
        assert shown(desk.one("process message.sent")["attributes"]) == {
            "linq.sender.hash": hash_of(p.PHONE if version == p.NEW else p.EMAIL),
            "linq.message.text": p.TEXT,
        }
        # What stays for good, in the life of the message, has neither.
        assert shown(desk.one("message sent")["attributes"]) == {}

    def test_forged(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        """Of a stranger's delivery nothing is shown."""
        desk = Desk(provider, exporter, {"handle_key": KEY}, secret=p.SECRET)
        desk.deliver(p.body_of("message.sent"), headers={"webhook-id": "x"})
        assert shown(desk.one("process message.sent")["attributes"]) == {}


@pytest.mark.discloses
class TestCalls:
    def test_by_the_sdk(
        self,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        linq: ScriptedLinq,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Handles are compared without their spaces, and in lower case."""
        monkeypatch.setenv(ALLOWED, "true")
        instrument(tracer_provider=provider, handle_key=KEY, capture_content=True)
        try:
            with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                client.post("/v3/chats", cast_to=object, body=CREATE)
        finally:
            uninstrument()
        (call,) = [s for s in exporter.get_finished_spans() if s.name == "linq chats.create"]
        assert shown(call.attributes) == {
            "linq.sender.hash": hash_of("+15550100"),
            "linq.recipient.hashes": (hash_of("+15550123"), hash_of("someone@example.com")),
            "linq.message.text": "Hello\nagain",
        }

    def test_by_bare_http(
        self, provider: TracerProvider, exporter: InMemorySpanExporter, linq: ScriptedLinq
    ) -> None:
        """A call without the SDK shows the same."""
        instrument(tracer_provider=provider, handle_key=KEY, hosts=f"127.0.0.1:{linq.server_port}")
        try:
            httpx.post(f"{linq.base_url}/v3/chats", json=CREATE)
        finally:
            uninstrument()
        (call,) = [s for s in exporter.get_finished_spans() if s.name == "linq chats.create"]
        assert shown(call.attributes) == {
            "linq.sender.hash": hash_of("+15550100"),
            "linq.recipient.hashes": (hash_of("+15550123"), hash_of("someone@example.com")),
        }


class TestSwitches:
    @pytest.mark.parametrize(
        ("keyword", "variable", "captured"),
        [
            (True, "true", True),
            (True, "false", False),
            (True, None, False),
            (False, "true", False),
            (None, "true", False),
        ],
    )
    def test_content_needs_both(
        self, *, keyword: bool | None, variable: str | None, captured: bool
    ) -> None:
        """A developer's keyword alone, or an operator's variable alone, shows nothing."""
        environ = {} if variable is None else {ALLOWED: variable}
        assert Settings.read({"capture_content": keyword}, environ).capture_content is captured
        refused = {f"environment: {ALLOWED}": 1} if keyword and not captured else {}
        assert tally.counts() == refused

    def test_key_is_a_secret(self) -> None:
        """Settings may be logged."""
        assert KEY not in repr(Settings.read({"handle_key": KEY}))

    def test_nothing_by_default(
        self, provider: TracerProvider, exporter: InMemorySpanExporter
    ) -> None:
        """Who asks for nothing is shown nothing."""
        desk = Desk(provider, exporter)
        desk.stage("sent")
        assert shown(desk.one("process message.sent")["attributes"]) == {}
