"""
Calls that are given a key of ours, and what is seen of it on the wire.

The form of a key is written down here from ``docs/carrier.md``, and not taken from the library.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linq import LinqAPIV3

from linq_otel import instrument, uninstrument


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import SpanContext

    from linq_otel.testing import LinqSimulator
    from linq_otel.testing._state._records import ReceivedRequest


KEY = re.compile(r"linq-otel-1-(00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3])-[0-9a-f]{16}")
LINE, PEER = "+15550100000", "+15550100123"
HEADER = "idempotency-key"
TEXT: dict[str, Any] = {"parts": [{"type": "text", "value": "Hello"}]}
POLL: dict[str, Any] = {"options": [{"text": "yes"}, {"text": "no"}]}
FIRST_KEY = "linq-otel-1-00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00112233445566ff"


def traceparent_of(span: SpanContext) -> str:
    """
    Write a span as W3C Trace Context has it, version 00.
    """
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags & 3:02x}"


@dataclass(frozen=True)
class Wire:
    """
    What came over the wire: the places of keys, and the rest of the request.
    """

    keys: dict[str, str]
    rest: tuple[str, str, dict[str, str], bytes]


def read_wire(request: ReceivedRequest) -> Wire:
    """
    Part a request from the keys in it that have the form of ours; the rest keeps its bytes.
    """
    found: dict[str, str] = {}
    body, headers = request.body, dict(request.headers)
    parsed = json.loads(body) if body.startswith(b"{") else {}
    for part in ("message", "poll"):
        inner = parsed.get(part)
        key = inner.get("idempotency_key") if isinstance(inner, dict) else None
        if isinstance(key, str) and KEY.fullmatch(key):
            found[part] = key
            body = body.replace(f',"idempotency_key":"{key}"'.encode(), b"", 1)
    if KEY.fullmatch(headers.get(HEADER, "")):
        found["header"] = headers.pop(HEADER)
    if found:
        headers["content-length"] = str(len(body))
    return Wire(found, (request.method, request.path, headers, body))


@dataclass
class Line:
    """
    A simulated Linq with a chat in it, and a client of the unmodified SDK.
    """

    linq: LinqSimulator
    client: LinqAPIV3
    chat_id: str
    message_id: str

    def wire(self) -> list[Wire]:
        """
        Return what came since the chat was made.
        """
        return [read_wire(request) for request in self.linq.requests[1:]]

    def carried(self) -> list[dict[str, str]]:
        """
        Return the keys of ours in each request, by where they stand.
        """
        return [wire.keys for wire in self.wire()]

    def accepted(self) -> list[str | None]:
        """
        Return the key under which each message was taken on.
        """
        return [message.idempotency_key for message in self.linq.accepted[1:]]

    def send(self, **more: Any) -> Any:
        """
        Send a message to the chat.
        """
        return self.client.chats.messages.send(self.chat_id, message=TEXT, **more)


@contextmanager
def open_line(linq: LinqSimulator, **options: Any) -> Iterator[Line]:
    """
    Connect a client to *linq*, and make a chat while nothing is instrumented yet.
    """
    settings = {"api_key": linq.api_key, "base_url": linq.base_url, **options}
    with LinqAPIV3(**settings) as client:
        chat = client.chats.create(from_=LINE, to=[PEER], message=TEXT).chat
        # What becomes of this first message nobody shall hear.
        linq.wait_until_idle()
        yield Line(linq, client, chat.id, chat.message.id)


@contextmanager
def carrying(**options: Any) -> Iterator[None]:
    """
    Instrument the process, with the carrier, while the block runs.
    """
    instrument(**{"carrier": "idempotency_key", **options})
    try:
        yield
    finally:
        uninstrument()


def chat_body(**more: Any) -> dict[str, Any]:
    """
    Return the body of a new chat whose first message has *more* in it.
    """
    return {"from": LINE, "to": [PEER], "message": {**TEXT, **more}}


def untraced(line: Line, call: Callable[[Line], Any]) -> Any:
    """
    Return what goes over the wire for *call* while nothing is instrumented.
    """
    call(line)
    return line.wire()[-1].rest


# Each call that takes a key, and where ours stands in it.
CARRIERS: dict[str, tuple[Callable[[Line], Any], set[str]]] = {
    "chats.create": (
        lambda line: line.client.chats.create(from_=LINE, to=["+15550100124"], message=TEXT),
        {"message"},
    ),
    "chats.messages.send": (
        lambda line: line.client.chats.messages.send(line.chat_id, message=TEXT),
        {"message"},
    ),
    "messages.create": (
        lambda line: line.client.messages.create(to=[PEER], message=TEXT),
        {"message", "header"},
    ),
    "chats.polls.create": (
        lambda line: line.client.chats.polls.create(line.chat_id, poll=POLL),
        {"poll"},
    ),
}
