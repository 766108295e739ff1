"""
Asks each backend, by its own API, what it has of a trace.

All of them are read into one shape, so that what they have can be compared: with each other, and
with what the processes recorded themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from linq_otel._otlp_json import SpanRecord, read_spans


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from backends.running import Server


_SECONDS = 20
_KINDS = {"client", "consumer", "internal", "producer", "server"}


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What is compared of a span. Links and attributes are those with `linq.` in their names.
    """

    otel_trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service_name: str
    links: frozenset[tuple[str, str, str]]
    attributes: frozenset[tuple[str, str]]
    is_error: bool

    def without_labels(self) -> Seen:
        """
        The same as Jaeger's older API has it.

        Links say nothing of themselves there, and a span that is both parent and linked stands
        there once.
        """
        references = {(trace, span, "") for trace, span, _ in self.links}
        if self.parent_span_id is not None:
            references.add((self.otel_trace_id, self.parent_span_id, ""))
        return replace(self, parent_span_id=None, links=frozenset(references))


def see(span: SpanRecord) -> Seen:
    """
    Reduce a span as it was exported to what is compared.
    """
    return Seen(
        span.otel_trace_id,
        span.span_id,
        span.parent_span_id,
        span.name,
        span.kind,
        span.service_name,
        frozenset(
            (link.otel_trace_id, link.span_id, str(link.attributes.get("linq.link", "")))
            for link in span.links
        ),
        _reduce(span.attributes.items()),
        is_error=span.status == "ERROR",
    )


def _reduce(attributes: Iterable[tuple[str, object]]) -> frozenset[tuple[str, str]]:
    return frozenset((k, _text(v)) for k, v in attributes if k.startswith("linq."))


def _text(value: object) -> str:
    """
    Write a value down the same, whichever way a backend keeps it.
    """
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return _text(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return str(value)


def read_jaeger(server: Server, otel_trace_id: str) -> set[Seen]:
    """
    Read a trace by Jaeger's API v3, which answers in OTLP.
    """
    answer = _ask(f"{server.query_endpoint}/api/v3/traces/{otel_trace_id}")
    return {see(span) for span in read_spans([json.dumps(answer["result"])])} if answer else set()


def read_jaeger_warnings(server: Server, otel_trace_id: str) -> list[tuple[str, str]]:
    """
    Answer what Jaeger finds odd about a trace: the name of each span, and what it says of it.

    It says so again each time a trace in its memory is read.
    """
    return [
        (span["operationName"], warning)
        for span in _ask_spans(server, otel_trace_id)
        for warning in sorted(set(span["warnings"] or []))
    ]


def read_jaeger_ui(server: Server, otel_trace_id: str) -> set[Seen]:
    """
    Read a trace by the API of Jaeger's page, which VictoriaTraces has, too.
    """
    return {_see_jaeger(span) for span in _ask_spans(server, otel_trace_id)}


def _ask_spans(server: Server, otel_trace_id: str) -> list[dict[str, Any]]:
    answer = _ask(f"{server.query_endpoint}/api/traces/{otel_trace_id}")
    return [
        {**span, "process": trace["processes"][span["processID"]]}
        for trace in (answer or {}).get("data") or []
        for span in trace["spans"]
    ]


def _see_jaeger(span: dict[str, Any]) -> Seen:
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    kind = tags.get("span.kind", "internal")
    return Seen(
        span["traceID"].zfill(32),
        span["spanID"].zfill(16),
        None,
        span["operationName"],
        kind.upper() if kind in _KINDS else "INTERNAL",
        span["process"]["serviceName"],
        frozenset(
            (reference["traceID"].zfill(32), reference["spanID"].zfill(16), "")
            for reference in span["references"] or []
        ),
        _reduce(tags.items()),
        is_error=_text(tags.get("error", "")) == "true",
    )


def read_viewer(server: Server, otel_trace_id: str) -> set[Seen]:
    """
    Read a trace by otel-desktop-viewer's JSON-RPC.
    """
    call = {"jsonrpc": "2.0", "id": 1, "method": "searchSpans", "params": [otel_trace_id]}
    answer = _ask(f"{server.query_endpoint}/rpc", call)
    spans = ((answer or {}).get("result") or {}).get("spans") or []
    return {_see_viewer(span["spanData"]) for span in spans}


def _see_viewer(span: dict[str, Any]) -> Seen:
    links = ((link, _pairs(link)) for link in span["links"])
    return Seen(
        span["traceID"],
        span["spanID"],
        span["parentSpanID"],
        span["name"],
        span["kind"].upper(),
        str(_pairs(span["resource"])["service.name"]),
        frozenset(
            (link["traceID"], link["spanID"], str(said.get("linq.link", "")))
            for link, said in links
        ),
        _reduce(_pairs(span).items()),
        is_error=span["statusCode"].upper() == "ERROR",
    )


def _pairs(holder: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in holder["attributes"]}


READERS: dict[str, Callable[[Server, str], set[Seen]]] = {
    "Jaeger": read_jaeger,
    "otel-desktop-viewer": read_viewer,
    "VictoriaTraces": read_jaeger_ui,
}


def _ask(url: str, call: object = None) -> Any:
    """
    Answer the JSON of a GET, or of a POST of *call*; None where there is nothing.
    """
    body = None if call is None else json.dumps(call).encode()
    request = Request(url, data=body, headers={"content-type": "application/json"})  # noqa: S310
    try:
        with urlopen(request, timeout=_SECONDS) as response:  # noqa: S310  # Both are loopback.
            return json.load(response)
    except HTTPError as error:
        with error:
            if error.code == 404:
                return None
            raise
