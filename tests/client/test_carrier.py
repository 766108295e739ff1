"""
A key of ours in the requests of the SDK: where it stands, in which form, and when there is none.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from linq import AsyncLinqAPIV3, omit
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from linq_otel._settings import Settings
from linq_otel.errors import ConfigurationError
from linq_otel.testing import LinqSimulator
from support.carrying import (
    CARRIERS,
    KEY,
    LINE,
    PEER,
    POLL,
    TEXT,
    Line,
    carrying,
    chat_body,
    open_line,
    traceparent_of,
    untraced,
)
from support.raw_clients import CLIENTS
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel import Options
    from support.raw_clients import RawClient

    Call = Callable[[Line], Any]


@pytest.fixture
def line() -> Iterator[Line]:
    """
    Yield a chat at a simulated Linq, made before anything is instrumented.
    """
    with LinqSimulator(seed=7, speed=0) as linq, open_line(linq) as line:
        yield line


QUIET: dict[str, Call] = {
    "voice memo": lambda line: line.client.chats.send_voicememo(
        line.chat_id, voice_memo_url="https://example.com/a.m4a"
    ),
    "app card": lambda line: line.client.messages.update_app_card(
        line.message_id, layout={"caption": "x"}
    ),
    "reaction": lambda line: line.client.messages.add_reaction(
        line.message_id, operation="add", type="love"
    ),
    "edit": lambda line: line.client.messages.update(line.message_id, text="x"),
    "payment request": lambda line: line.client.payment_requests.create(amount=5, currency="usd"),
    "payment": lambda line: line.client.post("/v3/payments", cast_to=object, body={"amount": 5}),
    "list": lambda line: line.client.chats.messages.list(line.chat_id),
    "typing": lambda line: line.client.chats.typing.start(line.chat_id),
}


class TestPlaces:
    @pytest.mark.parametrize("name", CARRIERS)
    def test_key(
        self,
        line: Line,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        name: str,
    ) -> None:
        """Each call that takes a key is given one that names its span, and is else as it was."""
        call, places = CARRIERS[name]
        before = untraced(line, call)
        with carrying(tracer_provider=provider):
            call(line)
        wire = line.wire()[-1]
        assert (set(wire.keys), wire.rest) == (places, before)
        (key,) = set(wire.keys.values())
        found = KEY.fullmatch(key)
        assert found is not None
        span = by_name(exporter.get_finished_spans(), f"linq {name}")
        assert found[1] == traceparent_of(span.context)
        assert len(key) == 84

    @pytest.mark.parametrize("name", CARRIERS)
    def test_async(
        self,
        line: Line,
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        name: str,
    ) -> None:
        """The async client's requests carry the same."""

        async def run() -> None:
            options = {"api_key": line.linq.api_key, "base_url": line.linq.base_url}
            async with AsyncLinqAPIV3(**options) as client:
                await {
                    "chats.create": lambda: client.chats.create(
                        from_=LINE, to=[PEER], message=TEXT
                    ),
                    "chats.messages.send": lambda: client.chats.messages.send(
                        line.chat_id, message=TEXT
                    ),
                    "messages.create": lambda: client.messages.create(to=[PEER], message=TEXT),
                    "chats.polls.create": lambda: client.chats.polls.create(
                        line.chat_id, poll=POLL
                    ),
                }[name]()

        with carrying(tracer_provider=provider):
            asyncio.run(run())
        (wire,) = line.wire()
        span = by_name(exporter.get_finished_spans(), f"linq {name}")
        assert set(wire.keys) == CARRIERS[name][1]
        assert {k.split("-", 3)[3].rsplit("-", 1)[0] for k in wire.keys.values()} == {
            traceparent_of(span.context)
        }

    @pytest.mark.parametrize("name", QUIET)
    def test_no_place(self, line: Line, provider: TracerProvider, name: str) -> None:
        """What takes no key is left alone, and so are payments, which are repeated by theirs."""
        before = untraced(line, QUIET[name])
        with carrying(tracer_provider=provider):
            QUIET[name](line)
        assert line.wire()[-1].rest == before
        assert line.carried() == [{}, {}]

    @pytest.mark.parametrize("name", ["with_raw_response", "with_streaming_response"])
    def test_other_answers(self, line: Line, provider: TracerProvider, name: str) -> None:
        """A call whose answer is read otherwise carries a key as well."""
        with carrying(tracer_provider=provider):
            messages = getattr(line.client.chats.messages, name)
            answer = messages.send(line.chat_id, message=TEXT)
            if name == "with_streaming_response":
                with answer as response:
                    response.read()
        assert [set(keys) for keys in line.carried()] == [{"message"}]

    def test_hand_written(self, line: Line, provider: TracerProvider) -> None:
        """``client.post`` is a call like any other."""
        with carrying(tracer_provider=provider):
            line.client.post("/v3/chats", cast_to=object, body=chat_body())
        assert [set(keys) for keys in line.carried()] == [{"message"}]

    @pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key"])
    def test_header_left_out(self, line: Line, provider: TracerProvider, name: str) -> None:
        """The SDK leaves the header out where there is no key; so it is no word of the user's."""
        with carrying(tracer_provider=provider):
            line.client.messages.create(to=[PEER], message=TEXT, extra_headers={name: omit})
        assert [set(keys) for keys in line.carried()] == [{"message", "header"}]


class TestEveryCallHasItsOwn:
    def test_calls(self, line: Line, provider: TracerProvider) -> None:
        """Two calls under one span are two keys, and two messages."""
        app = provider.get_tracer("app")
        with carrying(tracer_provider=provider), app.start_as_current_span("click"):
            line.send()
            line.send()
        one, two = line.carried()
        assert one != two
        assert line.accepted() == [one["message"], two["message"]]

    def test_seeded_ids(self, line: Line) -> None:
        """An app that seeds `random` draws the ids of its spans anew; its messages still go out."""
        for _ in range(2):
            random.seed(0)
            with carrying(tracer_provider=TracerProvider()):
                line.send()
        one, two = (keys["message"] for keys in line.carried())
        assert one.rsplit("-", 1)[0] == two.rsplit("-", 1)[0]
        assert line.accepted() == [one, two]


class TestNoSpan:
    def test_unsampled(self, line: Line) -> None:
        """What is not sampled is carried as such: the receiver follows the decision."""
        with carrying(tracer_provider=TracerProvider(sampler=ALWAYS_OFF)):
            line.send()
        (keys,) = line.carried()
        found = KEY.fullmatch(keys["message"])
        assert found is not None
        # The ids are drawn all the same, and the second bit says that they are random.
        assert found[1][-2:] in {"00", "02"}

    def test_no_provider(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without an SDK there is nothing to carry."""
        proxy = trace.ProxyTracerProvider()
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: proxy)
        before = untraced(line, Line.send)
        with carrying():
            line.send()
        assert line.wire()[-1].rest == before

    def test_provider_that_draws_nothing(self, line: Line) -> None:
        """A span that is none has no ids."""
        before = untraced(line, Line.send)
        with carrying(tracer_provider=trace.NoOpTracerProvider()):
            line.send()
        assert line.wire()[-1].rest == before

    @pytest.mark.parametrize("carrier", [None, "none"])
    def test_off(self, line: Line, provider: TracerProvider, carrier: str | None) -> None:
        """It is off unless it is asked for."""
        before = untraced(line, Line.send)
        with carrying(tracer_provider=provider, carrier=carrier):
            line.send()
        assert line.wire()[-1].rest == before

    def test_suppressed(self, line: Line, provider: TracerProvider) -> None:
        """A call that is not traced carries nothing."""
        before = untraced(line, Line.send)
        with carrying(tracer_provider=provider), suppress_instrumentation():
            line.send()
        assert line.wire()[-1].rest == before

    def test_excluded(self, line: Line, provider: TracerProvider) -> None:
        """Nor does one that the user has excluded."""
        before = untraced(line, Line.send)
        with carrying(tracer_provider=provider, excluded_urls="/messages"):
            line.send()
        assert line.wire()[-1].rest == before


class TestOption:
    def test_environment(
        self, line: Line, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An app that is instrumented from outside asks for it by a variable."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_CARRIER", " Idempotency_Key ")
        with carrying(tracer_provider=provider, carrier=None):
            line.send()
        with carrying(tracer_provider=provider, carrier="none"):
            line.send()
        assert [set(keys) for keys in line.carried()] == [{"message"}, set()]

    def test_misspelt(self, caplog: pytest.LogCaptureFixture) -> None:
        """A wrong keyword is an error, a wrong variable one line in the log."""
        with pytest.raises(
            ConfigurationError,
            match=r"^carrier must be one of none, idempotency_key; it is 'traceparent'$",
        ):
            Settings.read(cast("Options", {"carrier": "traceparent"}), {})
        assert Settings.read({}, {"OTEL_PYTHON_LINQ_CARRIER": "yes"}).carrier == "none"
        (line,) = (record.getMessage() for record in caplog.records)
        assert line.startswith("OTEL_PYTHON_LINQ_CARRIER must be one of none, idempotency_key; its")


class TestRawCalls:
    @pytest.mark.parametrize("raw", CLIENTS, ids=repr)
    def test_untouched(self, line: Line, provider: TracerProvider, raw: RawClient) -> None:
        """A request that the app has written itself goes out byte by byte."""
        url = f"{line.linq.base_url}/v3/chats/{line.chat_id}/messages"
        body = b'{"message": {"parts": [{"type": "text", "value": "Hello"}]}}'
        headers = {
            "Authorization": f"Bearer {line.linq.api_key}",
            "Content-Type": "application/json",
        }
        assert raw.post(url, body, dict(headers), 10.0)[0] == 202
        with carrying(tracer_provider=provider):
            assert raw.post(url, body, dict(headers), 10.0)[0] == 202
        before, after = line.wire()
        assert (after.keys, after.rest) == ({}, before.rest)


class TestPrivacy:
    def test_key(
        self,
        line: Line,
        exporter: InMemorySpanExporter,
        tmp_path: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The key stands in the request, and in no span, no log of ours and no store."""
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        caplog.set_level(0, "linq_otel")
        with carrying(tracer_provider=provider, store=f"sqlite:///{tmp_path}/linq.db"):
            line.send()
        provider.shutdown()
        (keys,) = line.carried()
        nonce = keys["message"].rsplit("-", 1)[1]
        written = [span.to_json() for span in exporter.get_finished_spans()]
        logged = [r.getMessage() for r in caplog.records if r.name.startswith("linq_otel")]
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert (len(written), len(stored) > 0) == (4, True)
        for place in ("".join(written), "".join(logged), stored.decode("latin-1")):
            assert "linq-otel-1" not in place
            assert nonce not in place
