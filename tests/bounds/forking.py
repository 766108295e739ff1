"""
A program that sends messages and gets their webhooks, and becomes several processes meanwhile.

::

    python forking.py HOW STORE FOLDER

HOW is ``os``, which forks while threads send and receive, ``c``, which forks as uWSGI does, without
Python's knowledge, or ``fork`` or ``spawn``, as ``multiprocessing`` starts its processes. Spans and
the ids of messages go to files in FOLDER.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from linq import LinqAPIV3
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from linq_otel import LinqInstrumentor
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.scripted_linq import SENT
from support.sending import send


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan


FORKS: Final = 6
MESSAGES_OF_A_CHILD: Final = 6
_CHILD_SECONDS: Final = 40


class Files(SpanProcessor):
    """
    Writes each span at once, into a file of the process it ends in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_end(self, span: ReadableSpan) -> None:
        """
        Write one line.
        """
        attributes = dict(span.attributes or {})
        row = {
            "name": span.name,
            "trace": f"{span.context.trace_id:032x}",
            "span": f"{span.context.span_id:016x}",
            "parent": f"{span.parent.span_id:016x}" if span.parent else None,
            "message": attributes.get("linq.message.id"),
            "origin": attributes.get("linq.origin"),
        }
        append(self._folder / f"{os.getpid()}.spans", json.dumps(row))


def append(path: Path, line: str) -> None:
    """
    Append a line in one piece, whoever else does.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


class Host:
    """
    One process: a client and a receiver.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self._folder = folder
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(Files(folder))
        LinqInstrumentor().instrument(
            tracer_provider=provider,
            store=store,
            # Where a life is drawn is in the store alone, and a slow machine may take its time.
            join="app",
            store_timeout=10.0,
        )
        http = httpx.Client(transport=httpx.MockTransport(_accept))
        self._client = LinqAPIV3(api_key="k", base_url="http://l/api/partner", http_client=http)
        self._receiver = WebhookReceiver()

    def live(self, times: int = 1) -> None:
        """
        Send messages, and get the webhooks of each.
        """
        for _ in range(times):
            self.receive(self.send())

    def send(self) -> str:
        """
        Send a message, and return its id.
        """
        message_id: str = send(self._client).message.id
        append(self._folder / f"{os.getpid()}.messages", message_id)
        return message_id

    def receive(self, message_id: str) -> None:
        """
        Get the webhooks of a message, whoever has sent it.
        """
        for stage in ("sent", "delivered", "read"):
            envelope = p.envelope(
                f"message.{stage}",
                p.message_data(stage, message_id=message_id),
                event_id=str(uuid.uuid4()),
                linq_trace_id=os.urandom(16).hex(),
            )
            with self._receiver.process({}, p.encode(envelope)):
                pass


def _accept(request: httpx.Request) -> httpx.Response:
    message = {**SENT["message"], "id": str(uuid.uuid4())}
    headers = {"X-Trace-ID": os.urandom(16).hex()}
    return httpx.Response(202, json={**SENT, "message": message}, headers=headers, request=request)


def fork_in_traffic(host: Host, *, is_shared: bool) -> list[int]:
    """
    Fork again and again while threads send and receive; return how the children ended.
    """
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            host.live()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    children: dict[int, int] = {}
    for number in range(FORKS):
        time.sleep(0.02 + 0.007 * number)
        handed = host.send()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _be_child(host, handed, writing)
        os.close(writing)
        children[child] = reading
    statuses = [_take_over(host, *each, is_shared=is_shared) for each in children.items()]
    stop.set()
    for thread in threads:
        thread.join(_CHILD_SECONDS)
    return statuses


def _be_child(host: Host, handed: str, writing: int) -> None:
    """
    Send and receive as the parent does, and end without a word to what is the parent's.
    """

    def work() -> None:
        threads = [
            threading.Thread(target=host.live, args=(MESSAGES_OF_A_CHILD // 2,)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        host.receive(handed)
        for thread in threads:
            thread.join()
        os.write(writing, host.send().encode())

    _end_after(work)


def _end_after(work: Callable[[], None]) -> None:
    status = 1
    with suppress(BaseException):
        # A child that waits for a thread it does not have is killed.
        signal.alarm(_CHILD_SECONDS)
        work()
        status = 0
    os._exit(status)


def _take_over(host: Host, child: int, reading: int, *, is_shared: bool) -> int:
    """
    Get the webhooks of the message a child sent last; return how the child ended.
    """
    with os.fdopen(reading, "rb") as pipe:
        message_id = pipe.read().decode()
    if message_id and is_shared:
        host.receive(message_id)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fork_in_c(host: Host) -> list[int]:
    """
    Fork twice by the C library alone, which calls no hook of Python; return how the children ended.
    """
    # With Python's lock held, as uWSGI does it too.
    fork = ctypes.PyDLL(None).fork
    host.live()
    children: list[int] = []
    for _ in range(2):
        child: int = fork()
        if child == 0:
            _end_after(lambda: host.live(MESSAGES_OF_A_CHILD))
        children.append(child)
    host.live(MESSAGES_OF_A_CHILD)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


_host: Host | None = None


def live_in_worker(folder: str, store: str) -> None:
    """
    Live some messages in a worker of ``multiprocessing``, which may have a host from its parent.
    """
    global _host  # noqa: PLW0603  # What a fork inherits is global by nature.
    if _host is None:
        _host = Host(Path(folder), store)
    _host.live(MESSAGES_OF_A_CHILD)


def start_workers(how: str, folder: str, store: str) -> list[int]:
    """
    Let several processes work at the same time; return how they ended.
    """
    if how == "fork":
        live_in_worker(folder, store)
    context: Any = multiprocessing.get_context(how)
    workers = [context.Process(target=live_in_worker, args=(folder, store)) for _ in range(3)]
    for worker in workers:
        worker.start()
    if how == "fork":
        live_in_worker(folder, store)
    for worker in workers:
        worker.join(_CHILD_SECONDS)
    return [-1 if worker.exitcode is None else worker.exitcode for worker in workers]


def main(how: str, store: str, folder: str) -> None:
    """
    Print how every child has ended.
    """
    if how == "os":
        host = Host(Path(folder), store)
        statuses = fork_in_traffic(host, is_shared=not store.startswith("memory:"))
    elif how == "c":
        statuses = fork_in_c(Host(Path(folder), store))
    else:
        statuses = start_workers(how, folder, store)
    sys.stdout.write(f"{statuses}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
