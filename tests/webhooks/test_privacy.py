from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from linq_otel import _shield
from linq_otel.errors import (
    WebhookError,
)
from linq_otel.testing import EVENT_TYPES
from support import payloads as p
from support.webhook_desk import Desk


if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from linq_otel.webhooks import Event


BODY = p.body_of("message.delivered")


INVENTED = "teleport.beam.started"


# Realistic private things, each of which must never be seen outside the payload.
HANDLES = st.one_of(
    st.from_regex(r"\+1555\d{7}", fullmatch=True),
    st.from_regex(r"1555\d{7}", fullmatch=True),
    st.from_regex(r"\(555\) \d{3}-\d{4}", fullmatch=True),
    st.from_regex(r"1-555-\d{3}-\d{4}", fullmatch=True),
    st.from_regex(r"tel:\+1555\d{7}", fullmatch=True),
    st.from_regex(r"iMessage;-;\+1555\d{7}", fullmatch=True),
    st.from_regex(r"[a-z]{3,9}\.[a-z]{3,9}@example\.(com|org)", fullmatch=True),
    st.from_regex(r"[a-z]{4,9} [a-z]{4,9}, [A-Z][a-z]{3,9}!", fullmatch=True),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """
    Give the path of every string in a payload.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))
    else:
        yield path


def put(payload: Any, path: tuple[Any, ...], value: str) -> None:
    for step in path[:-1]:
        payload = payload[step]
    payload[path[-1]] = value


TYPES = ["message.read", "message.received", "message.failed", "reaction.added", "poll.failed"]


class TestPrivacy:
    @given(
        event_type=st.sampled_from(TYPES),
        version=st.sampled_from(p.VERSIONS),
        secret=st.sampled_from([None, p.SECRET]),
        signed=st.booleans(),
        private=HANDLES,
        data=st.data(),
    )
    def test_nothing_private_leaves_the_payload(
        self,
        caplog: pytest.LogCaptureFixture,
        event_type: str,
        version: str,
        secret: str | None,
        *,
        signed: bool,
        private: str,
        data: st.DataObject,
    ) -> None:
        """Put into any field or header, it is in no span, link, log line or error of ours."""
        payload = p.envelope(event_type, p.data_of(event_type, version), version=version)
        payload["data"]["reply_to"] = {"message_id": p.REPLIED_ID}
        for place in data.draw(st.lists(st.sampled_from(sorted(places(payload), key=str)))):
            put(payload, place, private)
        body = p.encode(payload)
        headers = p.headers_of(body) if signed else {}
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(["X-Webhook-Subscription-ID", "X-Webhook-Event"]))
            headers[name] = private
        _shield.tally.clear()
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="linq_otel"):
            shown = "".join(everything_shown(body, headers, secret))
        shown += "".join(record.getMessage() for record in caplog.records)
        assert private not in shown

    @given(
        data=st.fixed_dictionaries(
            {
                "id": st.uuids().map(str),
                "chat_id": st.uuids().map(str),
                "message_id": st.uuids().map(str),
                "sender": HANDLES,
            }
        ),
        event_type=st.sampled_from([*EVENT_TYPES, INVENTED]),
    )
    def test_no_id_is_in_a_name(self, event_type: str, data: dict[str, str]) -> None:
        """Span names are of low cardinality, whatever the payload."""
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        desk = Desk(provider, exporter)
        desk.deliver(p.envelope(event_type, data))
        stages = {f"message {stage}" for stage in ("sent", "delivered", "read", "failed")}
        assert {span.name for span in desk.spans} <= {
            "POST /hook",
            f"process {event_type}",
            *stages,
        }


def everything_shown(body: bytes, headers: dict[str, str], secret: str | None) -> Iterator[str]:
    """
    Give all the text that leaves us: spans, events in ``repr``, and errors.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for join in ("linq", "link"):
        desk = Desk(provider, exporter, {"join": join}, secret=secret)
        yield repr(desk.deliver(body, headers=headers))
    for enforcing in (True, False) if secret else (False,):
        strict = Desk(provider, exporter, secret=secret, enforce=enforcing)
        try:
            yield repr(strict.receiver.accept(headers, body))
        except WebhookError as error:
            yield f"{error!r} {error} {error.reason}"
    for span in exporter.get_finished_spans():
        yield span.to_json(None)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "event_type": st.one_of(st.sampled_from(TYPES), JSON),
        **dict.fromkeys(["event_id", "trace_id", "created_at", "webhook_version"], JSON),
        "data": st.one_of(
            JSON,
            st.dictionaries(
                st.sampled_from(["id", "message_id", "chat", "direction", "sent_at", "reply_to"]),
                JSON,
            ),
        ),
    },
)


HEADERS = st.one_of(
    st.none(),
    st.just(p.headers_of(BODY)),
    st.dictionaries(st.sampled_from(list(p.headers_of(BODY))), JSON),
    JSON,
)


class TestArbitraryDeliveries:
    @given(
        body=st.one_of(
            st.binary(), st.text(), ENVELOPES, ENVELOPES.map(json.dumps), JSON.map(json.dumps), JSON
        ),
        headers=HEADERS,
        secret=st.sampled_from([None, p.SECRET]),
        verified=st.sampled_from([None, True, False]),
    )
    def test_the_handler_runs_once_and_nothing_is_raised(
        self, desk: Desk, body: Any, headers: Any, secret: str | None, *, verified: bool | None
    ) -> None:
        """Whatever is delivered, even where our shield would let our own failures out."""
        wild = Desk(desk.provider, desk.exporter, secret=secret)
        ran: list[Event | None] = []
        with wild.receiver.process(headers, body, verified=verified) as event:
            ran.append(event)
        assert len(ran) == 1
        assert ran[0] is None or ran[0].verified is not False
