"""
Beside OpenTelemetry's own instrumentations of the same libraries, in either order of loading.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests
from linq import AsyncLinqAPIV3, DefaultAioHttpClient, LinqAPIV3
from opentelemetry.instrumentation.aiohttp_client import (
    AioHttpClientInstrumentor,
    create_trace_config,
)
from opentelemetry.instrumentation.httpx import (
    HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor,
    SyncOpenTelemetryTransport,
)
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from linq_otel import uninstrument
from support.lives import CALL, REQUEST
from support.scripts import run_script
from support.sending import asend, send
from support.spans import Tree, by_name, trees


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from support.raw_clients import RawClient
    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


INSTRUMENTORS: dict[str, Any] = {
    "httpx": HTTPXClientInstrumentor,
    "httpx2": HTTPX2ClientInstrumentor,
    "requests": RequestsInstrumentor,
    "urllib3": URLLib3Instrumentor,
    "urllib": URLLibInstrumentor,
    "aiohttp": AioHttpClientInstrumentor,
}
# Their wrapper lies over the one place at which ours can be.
BENEATH_THEIRS = {"requests prepared", "urllib3 pool", "urlopen", "urllib opener"}


@pytest.fixture(params=["theirs first", "ours first"])
def both(
    request: pytest.FixtureRequest, client: RawClient, start: Start, provider: TracerProvider
) -> Iterator[str]:
    """
    Instrument `client`'s library twice, in either order; give that order.
    """
    theirs = INSTRUMENTORS[client.library]()
    if request.param == "theirs first":
        theirs.instrument(tracer_provider=provider)
        start()
        yield request.param
        uninstrument()
        theirs.uninstrument()
    else:
        start()
        theirs.instrument(tracer_provider=provider)
        yield request.param
        theirs.uninstrument()


def scopes(spans: tuple[ReadableSpan, ...]) -> list[str]:
    """
    Return who drew the requests on the wire.
    """
    return [
        span.instrumentation_scope.name
        for span in spans
        if span.kind.name == "CLIENT" and span.instrumentation_scope
    ]


def traceparent_of(span: ReadableSpan) -> str:
    """
    Return the header that names `span`, but for its flags.
    """
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}"


class TestBoth:
    def test_one_span_on_the_wire(
        self, both: str, client: RawClient, linq: ScriptedLinq, url: str, finished: Finished
    ) -> None:
        """A request is drawn once, and still sends the context of the span that draws it."""
        client.send(url)
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        (request,) = linq.requests
        assert request.headers["traceparent"].startswith(traceparent_of(drawn))
        assert request.headers["authorization"] == "Bearer secret-token"

    def test_nesting(
        self, both: str, client: RawClient, linq: ScriptedLinq, url: str, finished: Finished
    ) -> None:
        """Ours is drawn as if alone; only where theirs lies over the one seam, under theirs."""
        client.send(url)
        call = by_name(finished(), CALL)
        app = trees(finished(), keys=())[f"{call.context.trace_id:032x}"]
        ours = Tree(CALL, "PRODUCER", links=(("lifecycle", "linq message"),))
        if both == "ours first" and client.name in BENEATH_THEIRS:
            assert app == (Tree("POST", "CLIENT", children=(ours,)),)
            return
        request = Tree(REQUEST, "CLIENT")
        assert app == (Tree(CALL, "PRODUCER", links=ours.links, children=(request,)),)

    def test_others_untouched(
        self, both: str, client: RawClient, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Requests to anybody else stay theirs alone."""
        client.send(f"http://127.0.0.1:{linq.server_port}/somewhere/else")
        assert len(finished()) == 1
        assert "linq" not in scopes(finished())[0]
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(finished()[0]))


class TestNested:
    def test_theirs(
        self,
        *,
        client: RawClient,
        start: Start,
        provider: TracerProvider,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
    ) -> None:
        """With `nested` the wire is theirs, and its header too."""
        theirs = INSTRUMENTORS[client.library]()
        theirs.instrument(tracer_provider=provider)
        start(http_spans="nested")
        client.send(url)
        uninstrument()
        theirs.uninstrument()
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        assert drawn.parent is not None
        assert drawn.parent.span_id == by_name(finished(), CALL).context.span_id
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(drawn))


class TestAlone:
    def test_no_header(
        self, instrumented: None, client: RawClient, linq: ScriptedLinq, url: str
    ) -> None:
        """Where nobody sent headers before, none are sent now."""
        client.send(url)
        assert "traceparent" not in linq.requests[0].headers

    def test_headers_as_before(
        self, start: Start, client: RawClient, linq: ScriptedLinq, url: str
    ) -> None:
        """The headers are the very same as without us."""
        client.send(url)
        start()
        client.send(url)
        before, after = linq.requests
        assert {**after.headers} == {**before.headers}
        assert after.body == before.body

    def test_another_library(
        self, instrumented: None, provider: TracerProvider, linq: ScriptedLinq, url: str
    ) -> None:
        """An instrumentation of another library adds no header either."""
        theirs = AioHttpClientInstrumentor()
        theirs.instrument(tracer_provider=provider)
        httpx.post(url, json={})
        theirs.uninstrument()
        assert "traceparent" not in linq.requests[0].headers


class TestBelow:
    def test_urllib3_below_requests(
        self,
        instrumented: None,
        provider: TracerProvider,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
    ) -> None:
        """Where only urllib3 is instrumented, requests over it send its header still."""
        import requests  # noqa: PLC0415  # One use.

        theirs = URLLib3Instrumentor()
        theirs.instrument(tracer_provider=provider)
        requests.post(url, json={}, timeout=5)
        theirs.uninstrument()
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(drawn))

    @pytest.mark.parametrize("way", ["instrument_client", "transport"])
    def test_one_client_of_httpx(
        self,
        *,
        instrumented: None,
        provider: TracerProvider,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
        way: str,
    ) -> None:
        """One client may be instrumented alone."""
        if way == "transport":
            transport = SyncOpenTelemetryTransport(httpx.HTTPTransport(), provider)
            client = httpx.Client(transport=transport)
        else:
            client = httpx.Client()
            HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)
        with client:
            client.post(url, json={})
        assert scopes(finished()) == ["linq_otel"]
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(drawn))

    def test_mock_transport(self, instrumented: None, provider: TracerProvider) -> None:
        """A transport that they do not instrument is sent no header."""
        seen: list[httpx.Headers] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers)
            return httpx.Response(202, json={})

        theirs = HTTPXClientInstrumentor()
        theirs.instrument(tracer_provider=provider)
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            client.post("https://api.linqapp.com/api/partner/v3/chats", json={})
        theirs.uninstrument()
        assert "traceparent" not in seen[0]

    def test_one_session_of_aiohttp(
        self,
        instrumented: None,
        provider: TracerProvider,
        linq: ScriptedLinq,
        url: str,
        finished: Finished,
    ) -> None:
        """So may one aiohttp session, whatever form its headers have."""

        async def run() -> None:
            config = create_trace_config(tracer_provider=provider)
            async with aiohttp.ClientSession(trace_configs=[config]) as session:
                for headers in (None, {"x-a": "1"}, [("x-a", "1"), ("x-a", "2")]):
                    async with session.post(url, json={}, headers=headers) as response:
                        await response.read()

        asyncio.run(run())
        drawn = [s for s in finished() if s.kind.name == "CLIENT"]
        assert scopes(finished()) == ["linq_otel"] * 3
        sent = [request.headers["traceparent"][:52] for request in linq.requests]
        assert sent == [traceparent_of(s) for s in drawn]
        assert linq.requests[1].headers["x-a"] == "1"


class TestSdk:
    @pytest.mark.parametrize("order", ["theirs first", "ours first"])
    def test_over_httpx(
        self,
        start: Start,
        provider: TracerProvider,
        linq: ScriptedLinq,
        finished: Finished,
        order: str,
    ) -> None:
        """A call of the SDK is drawn by us alone, and sends the header httpx sent before."""
        theirs = HTTPXClientInstrumentor()
        if order == "theirs first":
            theirs.instrument(tracer_provider=provider)
            start()
        else:
            start()
            theirs.instrument(tracer_provider=provider)
        with LinqAPIV3(api_key="secret-token", base_url=linq.base_url) as sdk:
            send(sdk)
        theirs.uninstrument()
        assert [s.name for s in finished()].count(CALL) == 1
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(drawn))

    def test_alone(self, instrumented: None, linq: ScriptedLinq) -> None:
        """Without theirs there is no header."""
        with LinqAPIV3(api_key="secret-token", base_url=linq.base_url) as sdk:
            send(sdk)
        assert "traceparent" not in linq.requests[0].headers

    def test_over_aiohttp(
        self, instrumented: None, provider: TracerProvider, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """So is a call over the SDK's aiohttp transport, whose header aiohttp's sent."""
        theirs = AioHttpClientInstrumentor()
        theirs.instrument(tracer_provider=provider)

        async def run() -> None:
            client = DefaultAioHttpClient()
            async with AsyncLinqAPIV3(
                api_key="secret-token", base_url=linq.base_url, http_client=client
            ) as sdk:
                await asend(sdk)

        asyncio.run(run())
        theirs.uninstrument()
        assert [s.name for s in finished()].count(CALL) == 1
        (drawn,) = [s for s in finished() if s.kind.name == "CLIENT"]
        assert linq.requests[0].headers["traceparent"].startswith(traceparent_of(drawn))


class TestSeamOfRequests:
    def test_a_neighbour_that_is_imported_late(self) -> None:
        """``Session.request`` is left alone until there is an instrumentation to silence."""
        script = """
            import requests
            from linq_otel import instrument, uninstrument
            from opentelemetry.sdk.trace import TracerProvider
            before = requests.Session.request
            instrument(tracer_provider=TracerProvider(shutdown_on_exit=False))
            print(requests.Session.request is before)
            import opentelemetry.instrumentation.requests
            print(requests.Session.request is before)
            uninstrument()
            print(requests.Session.request is before)
        """
        assert run_script(script).split() == ["True", "False", "True"]

    def test_missing(
        self, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Where it is gone that is said, and ``send`` is patched all the same."""
        before = requests.Session.send
        monkeypatch.delattr(requests.Session, "request")
        start()
        assert requests.Session.send is not before
        lines = [record.getMessage() for record in caplog.records if record.name == "linq_otel"]
        assert lines == ["an HTTP library has no Session.request (logged once)"]
