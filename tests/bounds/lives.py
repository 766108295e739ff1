"""
Messages from the call to the last webhook, one after another, in one process that does both.

The call is one of the real SDK, whose answer comes without a network; nothing is exported. What
is left over of each message is what this process would die of in the end.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import httpx
from linq import APIStatusError, LinqAPIV3
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from linq_otel import LinqInstrumentor
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.stores.memory import MemoryStore


_CHATS: Final = 200
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """
    What this process holds.

    Attributes:
        resident: Bytes of memory.
        blocks: Blocks of Python's own allocator; unlike bytes, the same in every run.
        descriptors: Open files, sockets and pipes.
        threads: Threads of Python.
    """

    resident: int
    blocks: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Usage:
        """
        Look, once what is garbage is gone.
        """
        gc.collect()
        pages = Path("/proc/self/statm").read_text().split()[1]
        return cls(
            int(pages) * _PAGE,
            sys.getallocatedblocks(),
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
        )


class Drawn(SpanProcessor):
    """
    Counts the spans that would be exported.
    """

    def __init__(self) -> None:
        self.count = 0

    def on_end(self, span: object) -> None:
        """
        Count one.
        """
        self.count += 1


class Soak:
    """
    Lives messages, each with ids of its own.

    Args:
        client: Sends them.
        receiver: Gets their webhooks.
        random: Makes the ids.
    """

    def __init__(self, client: LinqAPIV3, receiver: WebhookReceiver, random: Random) -> None:
        self._client = client
        self._receiver = receiver
        self._random = random
        self._chats = [_make_id(random) for _ in range(_CHATS)]
        self._message: dict[str, Any] = {}
        self._linq_trace_id = ""

    def live(self, number: int) -> None:
        """
        Send message *number*, and get all that Linq has to say of it.
        """
        self._message = {"id": _make_id(self._random), "chat": self._random.choice(self._chats)}
        self._linq_trace_id = f"{self._random.getrandbits(128):032x}"
        with suppress(APIStatusError):
            send(self._client, **({"idempotency_key": f"key-{number}"} if number % 5 == 0 else {}))
        self._deliver("sent")
        self._deliver("delivered", times=2 if number % 7 == 0 else 1)
        self._deliver("failed" if number % 10 == 0 else "read")
        if number % 4 == 0:
            self._deliver("received")
        if number % 50 == 0:
            self._receive_rubbish(number)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Accept the message, as Linq does; one in a hundred is refused.
        """
        headers = {"X-Trace-ID": self._linq_trace_id}
        if self._random.randrange(100) == 0:
            refusal = {"success": False, "error": {"code": 1001, "message": p.TEXT}}
            return httpx.Response(400, json=refusal, headers=headers, request=request)
        message = {
            "id": self._message["id"],
            "created_at": p.at(1),
            "delivery_status": "pending",
            "is_read": False,
            "parts": [],
        }
        body = {"chat_id": self._message["chat"], "message": message}
        return httpx.Response(202, json=body, headers=headers, request=request)

    def _deliver(self, stage: str, times: int = 1) -> None:
        inbound = stage == "received"
        message_id = _make_id(self._random) if inbound else self._message["id"]
        data = p.message_data(stage, message_id=message_id, inbound=inbound)
        if stage == "failed":
            data = {**p.failed_data(), "message_id": message_id}
        envelope = p.envelope(
            f"message.{stage}",
            {**data, "chat": {"id": self._message["chat"]}},
            event_id=_make_id(self._random),
            linq_trace_id=self._linq_trace_id,
        )
        body = p.encode(envelope)
        for _ in range(times):
            with self._receiver.process({}, body):
                pass

    def _receive_rubbish(self, number: int) -> None:
        invented = p.body_of(f"made.up_{'abcdefghij'[number % 10]}")
        for body in (b"{", f"[{number}]".encode(), invented):
            with self._receiver.process({"webhook-id": str(number)}, body):
                pass


@contextmanager
def open_soak(store: MemoryStore, seed: int = 1) -> Iterator[tuple[Soak, Drawn]]:
    """
    Yield a process that is instrumented as apps are, with a count of the spans it draws.
    """
    drawn, reader = Drawn(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(drawn)
    soak: Soak | None = None

    def answer(request: httpx.Request) -> httpx.Response:
        assert soak is not None
        return soak.answer(request)

    instrumentor = LinqInstrumentor()
    instrumentor.instrument(tracer_provider=tracers, meter_provider=meters, store=store)
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as http,
        LinqAPIV3(api_key="k", base_url="http://linq.test/api/partner", http_client=http) as client,
    ):
        soak = Soak(client, WebhookReceiver(), Random(seed))
        try:
            yield soak, drawn
        finally:
            instrumentor.uninstrument()
            tracers.shutdown()
            meters.shutdown()


def _make_id(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
