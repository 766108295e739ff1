from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from linq_otel.errors import (
    SignatureError,
)
from linq_otel.stores.memory import MemoryStore
from linq_otel.testing import EVENT_TYPES
from linq_otel.webhooks import Event, WebhookReceiver
from support import payloads as p
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from linq_otel._origins import Origin


BODY = p.body_of("message.delivered")


INVENTED = "teleport.beam.started"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what was logged for people to read.
    """
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


class TestProcess:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("event_type", [*EVENT_TYPES, INVENTED])
    def test_every_type_runs_in_a_span_of_its_name(
        self, guarded: Desk, event_type: str, version: str
    ) -> None:
        """The 75 types Linq has, and one it does not have yet."""
        event = guarded.deliver(p.body_of(event_type, version))
        assert event is not None
        span = guarded.one(f"process {event_type}")
        assert (span["kind"], span["status"]) == ("CONSUMER", "UNSET")
        kept = {k: span["attributes"][k] for k in ("linq.event.type", "linq.webhook.verified")}
        assert kept == {"linq.event.type": event_type, "linq.webhook.verified": True}

    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("is_group", [True, False, None, 1, "true"])
    def test_a_group_is_said_to_be_one(self, desk: Desk, version: str, is_group: object) -> None:
        """Where the payload's chat says so, in either version, and nowhere else."""
        data = p.message_data("sent", version)
        holder = data["chat"] if version == p.NEW else data
        holder["is_group"] = is_group
        desk.deliver(p.body_of("message.sent", version, data=data))
        said = [
            desk.one(name)["attributes"].get("linq.chat.is_group")
            for name in ("process message.sent", "message sent")
        ]
        assert said == [True if is_group is True else None] * 2

    def test_the_handler_s_spans_are_inside(self, desk: Desk) -> None:
        """The process span is the current one while the handler runs."""
        body = p.body_of("message.sent")
        with desk.receiver.process({}, body):
            inside = trace.get_current_span().get_span_context()
        assert (
            f"{inside.trace_id:032x}-{inside.span_id:016x}"
            == desk.one("process message.sent")["id"]
        )
        assert not trace.get_current_span().get_span_context().is_valid

    def test_a_coroutine_has_the_same(self, guarded: Desk) -> None:
        """`aprocess` draws what `process` draws."""

        async def handle() -> Event | None:
            async with guarded.receiver.aprocess(p.headers_of(BODY), BODY) as event:
                return event

        event = asyncio.run(handle())
        assert event is not None
        assert event.verified is True
        assert [span.name for span in guarded.spans] == [
            "message delivered",
            "process message.delivered",
        ]

    def test_what_the_handler_raises_passes_through(self, desk: Desk) -> None:
        """The very same object; its type is recorded, and not a word of its text."""
        error = KeyError(p.TEXT)
        with pytest.raises(KeyError) as caught, desk.receiver.process({}, BODY):
            raise error
        assert caught.value is error
        span = desk.one("process message.delivered")
        assert (span["status"], span["description"], span["events"]) == ("ERROR", None, [])
        assert span["attributes"]["error.type"] == "KeyError"
        assert p.TEXT not in "".join(s.to_json() for s in desk.spans)

    @pytest.mark.parametrize("error", [StopIteration(1), GeneratorExit(), KeyboardInterrupt()])
    def test_even_what_a_generator_would_change(self, desk: Desk, error: BaseException) -> None:
        """Exceptions that mean something to generators pass through ours unchanged."""
        with pytest.raises(type(error)) as caught, desk.receiver.process({}, BODY):
            raise error
        assert caught.value is error

    def test_a_webhook_error_of_the_app_passes_through(self, desk: Desk) -> None:
        """The app may use our errors for its own purposes."""
        error = SignatureError("app", "the app's own")
        with pytest.raises(SignatureError) as caught, desk.receiver.process({}, BODY):
            raise error
        assert caught.value is error
        assert desk.one("process message.delivered")["attributes"]["error.type"] == (
            "linq_otel.errors.SignatureError"
        )

    def test_a_cancelled_handler_is_no_error(self, desk: Desk) -> None:
        """Cancellation is the server's business."""

        async def handle(started: asyncio.Event) -> None:
            async with desk.receiver.aprocess({}, BODY):
                started.set()
                await asyncio.sleep(10)

        async def run() -> None:
            started = asyncio.Event()
            task = asyncio.create_task(handle(started))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(run())
        span = desk.one("process message.delivered")
        assert (span["status"], "error.type" in span["attributes"]) == ("UNSET", False)

    def test_the_webhook_hook_sees_span_and_event(self, desk: Desk) -> None:
        """An app may add what it knows."""

        def hook(span: trace.Span, event: Event) -> None:
            span.set_attribute("app.chat", event.chat_id or "")

        hooked = Desk(desk.provider, desk.exporter, {"webhook_hook": hook})
        hooked.stage("sent")
        assert hooked.one("process message.sent")["attributes"]["app.chat"] == p.CHAT_ID

    @pytest.mark.usefixtures("forgiving")
    def test_a_hook_that_raises_costs_nothing(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One line is logged, without the error's text; handler and stages are as ever."""

        def hook(span: trace.Span, event: Event) -> None:
            raise ValueError(p.TEXT)

        hooked = Desk(desk.provider, desk.exporter, {"webhook_hook": hook})
        assert hooked.stage("sent") is not None
        assert hooked.stage("sent") is not None
        (line,) = [line for line in warnings(caplog) if "hook failed" in line]
        assert line.startswith("the webhook hook failed: ValueError at test_process.py:")
        assert p.TEXT not in line
        assert len(hooked.named("process message.sent")) == 2

    def test_without_any_provider_the_handler_runs(self) -> None:
        """Nothing is set up, and nothing is drawn."""
        with WebhookReceiver().process({}, BODY) as event:
            assert event is not None
            assert event.message_id == p.MESSAGE_ID


class Broken(MemoryStore):
    """
    A store that is down.
    """

    def save(self, origin: Origin) -> None:
        """
        Fail.
        """
        raise OSError(p.TEXT)

    def find(self, *keys: str) -> tuple[str, Origin] | None:
        """
        Fail.
        """
        raise OSError(p.TEXT)

    def claim(self, event_id: str) -> bool:
        """
        Fail.
        """
        raise OSError(p.TEXT)


class BrokenElsewhere(Broken):
    is_shared = True


@pytest.mark.usefixtures("forgiving")
class TestStoreThatIsDown:
    @pytest.mark.parametrize("store", [Broken, BrokenElsewhere])
    @pytest.mark.parametrize("event_type", ["message.sent", "message.received", "call.ended"])
    def test_it_costs_the_join_and_not_the_handler(
        self,
        desk: Desk,
        caplog: pytest.LogCaptureFixture,
        store: type[MemoryStore],
        event_type: str,
    ) -> None:
        """The life is derived instead; each kind of failure is logged once, without its text."""
        down = Desk(desk.provider, desk.exporter, store=store())

        async def handle() -> Event | None:
            async with down.receiver.aprocess({}, body) as event:
                return event

        body = p.body_of(event_type)
        for _ in range(2):
            assert down.deliver(body) is not None
            assert asyncio.run(handle()) is not None
        assert len(down.named(f"process {event_type}")) == 4
        lines = [line for line in warnings(caplog) if "OSError" in line]
        assert len(lines) == len(set(lines)) <= 4
        assert not any(p.TEXT in line for line in lines)


class TestUnknownTypes:
    def test_their_number_in_span_names_is_bounded(self, desk: Desk) -> None:
        """After two hundred types nobody knows, a name stands for all others; known ones stay."""
        for number in range(203):
            word = "".join("abcdefghij"[int(digit)] for digit in f"{number:03d}")
            body = p.encode(p.envelope(f"made.{word}", {}, event_id=None, linq_trace_id=None))
            with desk.receiver.process({}, body, verified=True):
                pass
        desk.stage("sent")
        names = [span.name for span in desk.spans if span.name.startswith("process ")]
        assert (len(set(names)), names[200:]) == (
            202,
            ["process _OTHER"] * 3 + ["process message.sent"],
        )
        types = [(span.attributes or {})["linq.event.type"] for span in desk.spans[:203]]
        assert (len(set(types)), types[200:]) == (201, ["_OTHER"] * 3)

    def test_without_a_secret_one_name_stands_for_all(
        self, desk: Desk, guarded: Desk, exporter: InMemorySpanExporter
    ) -> None:
        """A stranger may have made them up; what Linq sends keeps its own, and what is signed."""
        for event_type in ("made.up", "other.made_up", "message.levitated", *EVENT_TYPES):
            desk.deliver(p.envelope(event_type, {}, linq_trace_id=None))
        found = [
            (span.name, (span.attributes or {})["linq.event.type"])
            for span in exporter.get_finished_spans()
            if span.name.startswith("process ")
        ]
        others = [("process _OTHER", "_OTHER")] * 3
        assert found == others + [(f"process {known}", known) for known in EVENT_TYPES]
        body = p.body_of("teleport.beam.started")
        with guarded.receiver.process(p.headers_of(body), body):
            pass
        attributes = guarded.one("process teleport.beam.started")["attributes"]
        assert attributes["linq.event.type"] == "teleport.beam.started"
