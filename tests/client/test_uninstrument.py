from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import wrapt
from linq import _base_client

from linq_otel import LinqInstrumentor, instrument, uninstrument
from linq_otel.errors import ConfigurationError
from support.readings import attempts, pick
from support.scripted_linq import MESSAGE_ID, SOON, Reply, nth_trace_id
from support.sending import asend, send
from support.spans import by_name


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import AsyncLinqAPIV3, LinqAPIV3
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from support.scripted_linq import ScriptedLinq

    Finished = Callable[[], tuple[ReadableSpan, ...]]
    Start = Callable[..., None]


CALL = "linq chats.messages.send"
SEAMS = (
    ("SyncAPIClient", "request"),
    ("AsyncAPIClient", "request"),
    ("BaseClient", "_build_request"),
    ("SyncAPIClient", "_sleep_for_retry"),
    ("AsyncAPIClient", "_sleep_for_retry"),
    ("SyncAPIClient", "_process_response"),
    ("AsyncAPIClient", "_process_response"),
    ("BaseClient", "_make_status_error_from_response"),
)


def functions() -> dict[tuple[str, str], Any]:
    """
    Return what stands at each seam.
    """
    return {(owner, name): vars(getattr(_base_client, owner)).get(name) for owner, name in SEAMS}


ORIGINALS = functions()


class TestUninstrument:
    def test_originals(self, start: Start) -> None:
        """`uninstrument()` gives back the very functions that were there."""
        start()
        patched = [seam for seam, function in functions().items() if function is ORIGINALS[seam]]
        uninstrument()
        left = [seam for seam, function in functions().items() if function is not ORIGINALS[seam]]
        assert (patched, left) == ([], [])

    def test_silent(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """Afterwards nothing is traced, by a client from before either."""
        start()
        send(client)
        before = finished()
        uninstrument()
        send(client)
        assert finished() == before

    def test_again(
        self, start: Start, client: LinqAPIV3, finished: Finished, provider: TracerProvider
    ) -> None:
        """A process can be instrumented again, with other options."""
        start()
        uninstrument()
        start(stages=False)
        send(client)
        assert [s.name for s in finished()] == ["POST /v3/chats/{chat_id}/messages", CALL]

    def test_twice(
        self,
        start: Start,
        client: LinqAPIV3,
        finished: Finished,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Instrumenting twice says so and traces once; so does uninstrumenting twice."""
        start()
        with caplog.at_level(logging.WARNING):
            instrument()
        assert "already instrumented" in caplog.text
        send(client)
        assert [s.name for s in finished()].count(CALL) == 1
        uninstrument()
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            uninstrument()
        assert "already uninstrumented" in caplog.text
        assert functions() == ORIGINALS

    def test_instrumentor(
        self, provider: TracerProvider, client: LinqAPIV3, finished: Finished
    ) -> None:
        """`LinqInstrumentor` is the same door, and takes keywords of other instrumentors too."""
        LinqInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
        try:
            send(client)
        finally:
            LinqInstrumentor().uninstrument()
        assert by_name(finished(), CALL).name == CALL

    def test_wrong_option(self) -> None:
        """An option with a wrong value raises, and patches nothing."""
        with pytest.raises(ConfigurationError, match="join"):
            instrument(join="sideways")  # type: ignore[typeddict-item]
        assert functions() == ORIGINALS

    def test_inside_a_call(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """A call under way while we are taken out ends its spans and gives its answer."""
        start()
        client._client.event_hooks["request"].append(lambda _request: uninstrument())
        assert send(client).message.id == MESSAGE_ID
        assert {s.name for s in finished()} >= {CALL, "POST /v3/chats/{chat_id}/messages"}
        assert functions() == ORIGINALS


class TestForeignWrapper:
    @pytest.fixture(autouse=True)
    def restored(self) -> Any:
        """Put the SDK's functions back, whatever a test left there."""
        yield
        uninstrument()
        for (owner, name), function in ORIGINALS.items():
            setattr(getattr(_base_client, owner), name, function)

    @staticmethod
    def wrap(seen: list[str]) -> dict[tuple[str, str], Any]:
        """Wrap every seam as another library would."""

        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            seen.append(wrapped.__name__)
            return wrapped(*args, **kwargs)

        for owner, name in SEAMS:
            wrapt.wrap_function_wrapper(_base_client, f"{owner}.{name}", wrapper)
        return functions()

    def test_on_top(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """A wrapper put over ours stays where it is, and ours beneath it does nothing."""
        seen: list[str] = []
        start()
        theirs = self.wrap(seen)
        uninstrument()
        assert functions() == theirs
        send(client)
        assert finished() == ()
        assert seen == ["request", "_build_request", "_process_response"]

    def test_on_top_and_again(
        self, start: Start, client: LinqAPIV3, linq: ScriptedLinq, finished: Finished
    ) -> None:
        """Instrumented again above it, each request is still seen once."""
        start()
        self.wrap([])
        uninstrument()
        start(stages=False)
        linq.script(Reply(503, {}, headers=SOON))
        send(client)
        assert attempts(finished(), "http.request.resend_count") == [("ERROR", None), ("UNSET", 1)]
        call = by_name(finished(), CALL)
        assert pick(call, "linq.attempts", "linq.trace_ids") == (
            2,
            (nth_trace_id(1), nth_trace_id(2)),
        )

    def test_beneath(self, start: Start, client: LinqAPIV3, finished: Finished) -> None:
        """A wrapper that was there before us is what is given back."""
        seen: list[str] = []
        theirs = self.wrap(seen)
        start()
        send(client)
        uninstrument()
        assert functions() == theirs
        assert seen == ["request", "_build_request", "_process_response"]
        assert by_name(finished(), CALL).name == CALL


class TestMissingSeam:
    @pytest.mark.parametrize(("owner", "name"), SEAMS)
    def test_sync(
        self,
        *,
        start: Start,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        finished: Finished,
        monkeypatch: pytest.MonkeyPatch,
        owner: str,
        name: str,
    ) -> None:
        """An SDK without a seam is traced as far as it goes: without `request`, as bare HTTP."""
        self.move(monkeypatch, owner, name)
        start()
        linq.script(Reply(503, {}, headers=SOON))
        assert send(client).message.id == MESSAGE_ID
        assert CALL in {s.name for s in finished()}
        uninstrument()
        assert name not in vars(getattr(_base_client, owner))

    @pytest.mark.parametrize(("owner", "name"), SEAMS)
    def test_async(
        self,
        *,
        start: Start,
        aconnect: Callable[..., AsyncLinqAPIV3],
        linq: ScriptedLinq,
        finished: Finished,
        monkeypatch: pytest.MonkeyPatch,
        owner: str,
        name: str,
    ) -> None:
        """So is its async client."""
        import asyncio  # noqa: PLC0415  # One use.

        self.move(monkeypatch, owner, name)
        start()
        linq.script(Reply(503, {}, headers=SOON))

        async def run() -> Any:
            async with aconnect() as client:
                return await asend(client)

        assert asyncio.run(run()).message.id == MESSAGE_ID
        assert CALL in {s.name for s in finished()}

    def test_missing_class(
        self,
        start: Start,
        client: LinqAPIV3,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A class that is gone is reported, each of its seams once."""
        monkeypatch.delattr(_base_client, "AsyncAPIClient")
        start()
        lines = [r.getMessage() for r in caplog.records if r.name == "linq_otel"]
        assert lines == [
            f"the Linq SDK has no AsyncAPIClient.{name} (logged once)"
            for name in ("request", "_sleep_for_retry", "_process_response")
        ]
        assert send(client).message.id == MESSAGE_ID

    def test_missing_distribution(
        self,
        start: Start,
        client: LinqAPIV3,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Another package that imports as `linq` is left alone."""
        from linq_otel import instrumentor  # noqa: PLC0415  # Only here.

        monkeypatch.setattr(instrumentor, "_has_linq_sdk", lambda: False)
        start()
        assert functions() == ORIGINALS

    @staticmethod
    def move(monkeypatch: pytest.MonkeyPatch, owner: str, name: str) -> None:
        """Take a method off its class, but let the SDK find it on a base, so that it works."""
        cls = getattr(_base_client, owner)
        original = vars(cls)[name]
        monkeypatch.delattr(cls, name)
        beneath = _base_client.BaseClient if owner != "BaseClient" else None
        if beneath is None:
            for user in (_base_client.SyncAPIClient, _base_client.AsyncAPIClient):
                monkeypatch.setattr(user, name, original, raising=False)
        else:
            monkeypatch.setattr(beneath, name, original, raising=False)
