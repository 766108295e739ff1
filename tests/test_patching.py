"""
Our functions in other people's classes: like what they replace, and gone when they are out.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import urllib.request
from functools import wraps
from importlib import import_module
from itertools import permutations
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import httpx
import pytest
import requests
import urllib3
import wrapt
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from linq_otel import LinqInstrumentor, instrument, uninstrument
from linq_otel._patching import Patches
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor
from support.scripted_linq import ScriptedLinq


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


THEIRS: dict[str, Any] = {
    "httpx": HTTPXClientInstrumentor,
    "httpx2": HTTPX2ClientInstrumentor,
    "requests": RequestsInstrumentor,
    "urllib": URLLibInstrumentor,
    "urllib3": URLLib3Instrumentor,
    "aiohttp": AioHttpClientInstrumentor,
    "aiohttp server": AioHttpServerInstrumentor,
    "fastapi": FastAPIInstrumentor,
    "flask": FlaskInstrumentor,
    "starlette": StarletteInstrumentor,
}
PREDICATES = (
    inspect.isfunction,
    inspect.isroutine,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    inspect.signature,
    inspect.getmodule,
    inspect.getsource,
)
NAMES = ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__")
# Ours waits for them.
for module in ("django.core.handlers.base", "fastapi", "flask", "aiohttp.web"):
    import_module(module)
SENT = b'{"message":{"parts":[{"type":"text","value":"Hello"}]}}'


def getter_of(method: Any) -> Any:
    """Return *method*, or of a property what gets its value."""
    return method.fget if isinstance(method, property) else method


def replaced() -> list[tuple[type, str, Any, Any]]:
    """Return class, name, original and function of every method that ours stands for."""
    patches = (*LinqInstrumentor()._patches, LinqWebhooksInstrumentor()._patches)
    return [
        (owner, name, getter_of(layer.original), getter_of(vars(owner)[name]))
        for each in patches
        if each is not None
        for owner, name, layer in each._patched
    ]


class Owner:
    """A class that is wrapped by many."""

    def ask(self, value: int) -> int:
        """Return *value*."""
        return value


ASK = Owner.ask


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    with ScriptedLinq() as linq:
        yield linq


@pytest.fixture
def on(provider: TracerProvider) -> Iterator[Callable[[], None]]:
    """Return what puts ours in, into everything."""

    def instrument_all() -> None:
        instrument(tracer_provider=provider, paths=["/webhooks/linq"])

    yield instrument_all
    if LinqInstrumentor().is_instrumented_by_opentelemetry:
        uninstrument()


class TestAlike:
    def test_inspected(self, on: Callable[[], None], linq: ScriptedLinq) -> None:
        """Nothing that looks at a method sees a difference."""
        on()
        url = f"{linq.base_url}/v3/chats"
        urllib.request.urlopen(url, SENT, timeout=5).read()  # noqa: S310
        requests.post(url, SENT, stream=True, timeout=5).close()
        with httpx.stream("POST", url, content=SENT):
            pass
        methods = replaced()
        assert len(methods) > 20
        differing = [
            (owner.__name__, name, predicate.__name__)
            for owner, name, original, ours in methods
            for predicate in PREDICATES
            if predicate(original) != predicate(ours)
        ]
        differing += [
            (owner.__name__, name, attribute)
            for owner, name, original, ours in methods
            for attribute in NAMES
            if getattr(original, attribute) != getattr(ours, attribute)
        ]
        assert differing == []
        for owner, name, _, ours in methods:
            assert copy.deepcopy(ours) is ours
            # The SDK says it is elsewhere, and a property is no function.
            if owner.__module__.partition(".")[0] != "linq" and name != "handler":
                assert pickle.loads(pickle.dumps(ours)) is ours  # noqa: S301
                assert getattr(owner, name) is ours

    def test_mocked(self, on: Callable[[], None]) -> None:
        """A coroutine function is mocked as one."""
        on()
        with mock.patch.object(aiohttp.ClientSession, "_request") as request:
            assert isinstance(request, mock.AsyncMock)
        with mock.patch.object(httpx.AsyncClient, "send") as send:
            assert isinstance(send, mock.AsyncMock)

    def test_deep_copies(self, on: Callable[[], None]) -> None:
        """Objects of the libraries are copied and pickled as ever."""
        on()
        session = requests.Session()
        assert type(copy.deepcopy(session)) is requests.Session
        assert pickle.loads(pickle.dumps(session)).headers == session.headers  # noqa: S301
        retry = copy.deepcopy(urllib3.Retry(3))
        assert retry.increment("GET", "/").total == 2


def orders() -> list[tuple[str, ...]]:
    """Return every order in which ours and theirs come and go."""
    steps = ("ours on", "ours off", "theirs on", "theirs off")
    return [
        order
        for order in permutations(steps)
        if order.index("ours on") < order.index("ours off")
        and order.index("theirs on") < order.index("theirs off")
    ]


def steps_of(
    name: str, on: Callable[[], None], provider: TracerProvider
) -> dict[str, Callable[[], object]]:
    """Return what each step of an order does, *name* being theirs."""
    theirs = THEIRS[name]()
    return {
        "ours on": on,
        "ours off": uninstrument,
        "theirs on": lambda: theirs.instrument(tracer_provider=provider),
        "theirs off": theirs.uninstrument,
    }


def get(library: str, url: str) -> None:
    """Ask for *url*."""
    if library.startswith("httpx"):
        import_module(library).get(url)
    elif library == "requests":
        requests.get(url, timeout=5)
    elif library == "urllib":
        urllib.request.urlopen(url, timeout=5).read()  # noqa: S310
    else:
        with urllib3.PoolManager() as manager:
            manager.request("GET", url)


# The server's makes a subclass of an aiohttp class that warns of that.
@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
class TestOrders:
    @pytest.mark.parametrize("order", orders(), ids=", ".join)
    @pytest.mark.parametrize("name", THEIRS)
    def test_originals(
        self, name: str, order: tuple[str, ...], on: Callable[[], None], provider: TracerProvider
    ) -> None:
        """Both come and go in every order, twice, and in the end the originals are there."""
        on()
        before = {(owner, name): original for owner, name, original, _ in replaced()}
        uninstrument()
        steps = steps_of(name, on, provider)
        for step in order * 2:
            steps[step]()
        left = [
            at for at, original in before.items() if getter_of(vars(at[0])[at[1]]) is not original
        ]
        assert left == []

    @pytest.mark.parametrize("order", orders(), ids=", ".join)
    @pytest.mark.parametrize("name", ["httpx", "httpx2", "requests", "urllib", "urllib3"])
    def test_active(
        self,
        *,
        name: str,
        order: tuple[str, ...],
        on: Callable[[], None],
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        linq: ScriptedLinq,
    ) -> None:
        """Each is active from when it comes until it goes."""
        steps = steps_of(name, on, provider)
        active: set[str] = set()
        for step in order:
            steps[step]()
            who, what = step.split()
            (active.add if what == "on" else active.discard)(who)
            exporter.clear()
            get(name, f"http://127.0.0.1:{linq.server_port}/elsewhere")
            assert len(exporter.get_finished_spans()) == ("theirs" in active)
            exporter.clear()
            get(name, f"{linq.base_url}/v3/chats")
            scopes = {s.instrumentation_scope.name for s in exporter.get_finished_spans()}
            assert ("linq" in scopes or "linq_otel" in scopes) == ("ours" in active)

    def test_of_one_object(
        self,
        on: Callable[[], None],
        provider: TracerProvider,
        exporter: InMemorySpanExporter,
        linq: ScriptedLinq,
    ) -> None:
        """One opener, or one session, is given back by theirs alone, and keeps ours."""
        URLLibInstrumentor().instrument(tracer_provider=provider)
        RequestsInstrumentor().instrument(tracer_provider=provider)
        on()
        opener, session = urllib.request.build_opener(), requests.Session()
        URLLibInstrumentor().uninstrument_opener(opener)
        RequestsInstrumentor().uninstrument_session(session)
        elsewhere = f"http://127.0.0.1:{linq.server_port}/elsewhere"
        opener.open(elsewhere, timeout=5).read()
        session.get(elsewhere, timeout=5)
        assert exporter.get_finished_spans() == ()
        opener.open(f"{linq.base_url}/v3/chats", timeout=5).read()
        session.get(f"{linq.base_url}/v3/chats", timeout=5)
        names = [s.name for s in exporter.get_finished_spans() if s.kind.name == "INTERNAL"]
        assert names == ["linq chats.list_chats", "linq chats.list_chats"]
        URLLibInstrumentor().uninstrument()
        RequestsInstrumentor().uninstrument()


class TestChains:
    """What comes off, where several lie over each other."""

    @pytest.fixture(autouse=True)
    def original(self) -> Iterator[None]:
        """Put the original back, if a test fails."""
        yield
        Owner.ask = ASK  # type: ignore[method-assign]

    def put(self, monkeypatch: pytest.MonkeyPatch, seen: list[str]) -> Patches:
        """Put our wrapper in."""
        patches = Patches("a library")

        def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
            seen.append("ours")
            return wrapped(*args, **kwargs)

        module = mock.Mock(Owner=Owner)
        monkeypatch.setitem(__import__("sys").modules, "a_library", module)
        patches.wrap("a_library", "Owner", "ask", wrapper)
        return patches

    def cover(self, mark: str, seen: list[str]) -> None:
        """Cover the method as another library does, with a plain function."""
        beneath = Owner.ask

        @wraps(beneath)
        def theirs(self: Any, value: int) -> int:
            seen.append(mark)
            return beneath(self, value)

        setattr(theirs, mark, True)
        Owner.ask = theirs  # type: ignore[method-assign]

    def uncover(self, mark: str) -> None:
        """Take it off again, as such a library does: by its mark."""
        if getattr(Owner.ask, mark, False):
            Owner.ask = Owner.ask.__wrapped__  # type: ignore[attr-defined, method-assign]

    def test_two_beneath(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two plain wrappers and one of wrapt's beneath ours come off one by one."""
        seen: list[str] = []

        def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
            seen.append("wrapt")
            return wrapped(*args, **kwargs)

        self.cover("first", seen)
        wrapt.wrap_function_wrapper(Owner, "ask", wrapper)
        self.cover("second", seen)
        patches = self.put(monkeypatch, seen)
        steps = []
        for take_off in (
            lambda: None,
            lambda: self.uncover("second"),
            lambda: setattr(Owner, "ask", Owner.ask.__wrapped__),  # type: ignore[attr-defined]
            lambda: self.uncover("first"),
        ):
            take_off()
            seen.clear()
            assert Owner().ask(7) == 7
            steps.append(tuple(seen))
        assert steps == [
            ("ours", "second", "wrapt", "first"),
            ("ours", "wrapt", "first"),
            ("ours", "first"),
            ("ours",),
        ]
        patches.remove()
        assert Owner.ask is ASK

    def test_ours_between(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ours is taken out from between two others, which come off to the original."""
        seen: list[str] = []
        self.cover("first", seen)
        patches = self.put(monkeypatch, seen)
        self.cover("second", seen)
        patches.remove()
        assert Owner().ask(7) == 7
        assert seen == ["second", "first"]
        self.uncover("second")
        self.uncover("first")
        assert Owner.ask is ASK
