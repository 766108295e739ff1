from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from linq import APIStatusError, LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.scripted_linq import CHAT_ID, SOON, Reply, ScriptedLinq, refusal
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

DOCS = Path(__file__).parents[2] / "docs"
EVENTS = (
    "message.sent",
    "message.delivered",
    "message.read",
    "message.failed",
    "message.received",
    "message.edited",
    "reaction.added",
    "poll.sent",
)


@pytest.fixture(scope="module")
def script() -> Iterator[Any]:
    """Yield the script that writes the registry, as a module."""
    sys.path.insert(0, str(DOCS / "making"))
    yield import_module("generate_registry")
    sys.path.remove(str(DOCS / "making"))


@pytest.fixture
def story(
    provider: TracerProvider, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> tuple[ReadableSpan, ...]:
    """Return the spans of calls that end well and badly, and of webhooks of many kinds."""
    monkeypatch.setenv("OTEL_PYTHON_LINQ_CAPTURE_CONTENT", "true")
    shown: Any = {"handle_key": "k", "capture_content": True, "late": "dynatrace"}
    with ScriptedLinq() as linq:
        instrument(tracer_provider=provider, webhook_secret=p.SECRET, **shown)
        try:
            with LinqAPIV3(api_key="k", base_url=linq.base_url) as client:
                linq.script(Reply(429, refusal(1007), headers={"retry-after": "2", **SOON}))
                send(client)
                client.chats.retrieve(CHAT_ID)
                client.post("/v3/chats", cast_to=object, body={"to": [p.PHONE], "from": p.PHONE})
                linq.script(Reply(400, refusal(1002)))
                with pytest.raises(APIStatusError):
                    send(client)
            receiver = WebhookReceiver(
                clock=lambda: p.SIGNED_AT, tracer_provider=provider, webhook_secret=p.SECRET
            )
            for version in (p.NEW, p.OLD):
                for event in EVENTS:
                    body = p.body_of(event, version)
                    for headers in (p.headers_of(body), {"webhook-id": "x"}):
                        with receiver.handling(headers, body) as handling:
                            assert handling is not None
                            handling.note_status(503)
        finally:
            uninstrument()
    return exporter.get_finished_spans()


def kind_of(span: ReadableSpan) -> str:
    """Return the registry's id of a span, by its name."""
    if span.name.startswith("linq "):
        is_send = span.kind.name == "PRODUCER"
        return "linq.message" if span.name == "linq message" else _call(is_send=is_send)
    first = span.name.partition(" ")[0]
    return {"message": "linq.message.stage", "process": "linq.process"}.get(first, "linq.attempt")


def _call(*, is_send: bool) -> str:
    return "linq.send" if is_send else "linq.call"


class TestRegistry:
    def test_is_not_stale(self, script: Any) -> None:
        """Its files are what ``python docs/making/generate_registry.py`` writes."""
        files = {path.name: path.read_text("utf-8") for path in script.FOLDER.iterdir()}
        assert files == script.render(script.read_constants())

    @pytest.mark.discloses
    def test_says_all_that_is_emitted(self, script: Any, story: tuple[ReadableSpan, ...]) -> None:
        """No span of ours has an attribute or a kind that its entry does not name."""
        spans = {span.id: span for span in script.SPANS}
        seen: dict[str, set[str]] = {}
        for span in story:
            entry = spans[kind_of(span)]
            assert span.kind.name.lower() == entry.kind
            seen.setdefault(entry.id, set()).update(span.attributes or {})
        assert set(seen) == set(spans)
        extra = {(name, key) for name, keys in seen.items() for key in keys}
        assert extra - {(s.id, key) for s in script.SPANS for key in s.attributes} == set()
