"""
Query APIs over real HTTP, answering in the shapes that Jaeger and Tempo answer in.

Jaeger's up to 2.13 were taken from a running Jaeger (see ``tests/backends``, which asks a real
one), those of 2.21 from its source and the answers its own tests expect, VictoriaTraces' from its
source. Tempo's are those of its documentation (https://grafana.com/docs/tempo/latest/api_docs/):
ids in base64, enums by name, ``batches`` in the first version of the API.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit


if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from linq_otel._otlp_json import SpanRecord


Answer = tuple[int, "bytes | dict[str, Any]"]


@dataclass
class Seen:
    """
    What a server was asked: paths with their parameters, and headers.
    """

    url: str
    paths: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


@contextmanager
def serve(answer: Callable[[str, dict[str, str]], Answer]) -> Generator[Seen]:
    """
    Serve what *answer* says to a path and its parameters, while the block lasts.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            seen.paths.append(parts.path)
            seen.headers.append({name.lower(): value for name, value in self.headers.items()})
            given = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, said = answer(parts.path, given)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        seen = Seen(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join(5)


JAEGERS = ("1", "2.13", "2.21", "victoria-traces")
"""Those that `jaeger` can be: what of its API each has differs."""


def jaeger(spans: Sequence[SpanRecord], kind: str = "2.13") -> Callable[..., Answer]:
    """
    Answer with these spans as Jaeger of this version, or as what stands in for it.
    """

    def answer(path: str, given: dict[str, str]) -> Answer:
        if path.startswith("/api/v3/"):
            return _NO_V3[kind] if kind in _NO_V3 else _answer_v3(spans, kind, path, given)
        if kind == "2.21" and path in {"/api/services", "/api/traces"}:
            return 404, b"404 page not found\n"
        return _answer_page(spans, path, given)

    return answer


_NO_V3: dict[str, Answer] = {
    "1": (404, b"404 page not found\n"),
    "victoria-traces": (400, b"unsupported path requested\n"),
}
_NONE: Answer = (404, {"error": {"httpCode": 404, "message": "No traces found"}})


_V3_NAMES = {
    "2.13": ("service_name", "start_time_min", "start_time_max", "num_traces"),
    "2.21": ("serviceName", "startTimeMin", "startTimeMax", "searchDepth"),
}


def _answer_v3(spans: Sequence[SpanRecord], kind: str, path: str, given: dict[str, str]) -> Answer:
    found = [span for span in spans if span.otel_trace_id == path.rpartition("/")[2]]
    if path == "/api/v3/services":
        return 200, {"services": sorted({span.service_name for span in spans})}
    if path == "/api/v3/traces":
        service, since, until, depth = (given.get(f"query.{name}") for name in _V3_NAMES[kind])
        if not (since or "").endswith("Z") or not (until or "").endswith("Z"):
            return 400, {"error": {"httpCode": 400, "message": "a time range is required"}}
        if not depth:
            return 500, {"error": {"httpCode": 500, "message": "search depth must be above 0"}}
        # Before 2.19 attributes were disregarded.
        wanted = json.loads(given["query.attributes"]) if kind == "2.21" else {}
        hits = {
            span.otel_trace_id
            for span in spans
            if span.service_name == service and wanted.items() <= span.attributes.items()
        }
        found = [span for span in spans if span.otel_trace_id in hits]
    return (200, {"result": {"resourceSpans": [_otlp(span) for span in found]}}) if found else _NONE


def _answer_page(spans: Sequence[SpanRecord], path: str, given: dict[str, str]) -> Answer:
    if path == "/api/services":
        names = sorted({span.service_name for span in spans})
        return 200, {"data": names, "total": len(names), "limit": 0, "errors": None}
    if path == "/api/traces":
        ((key, value),) = json.loads(given["tags"]).items()
        hits = {
            span.otel_trace_id
            for span in spans
            if span.attributes.get(key) == value and span.service_name == given["service"]
        }
        return 200, {"data": [_old_trace(spans, each) for each in sorted(hits)], "errors": None}
    otel_trace_id = path.rpartition("/")[2]
    if path.startswith("/api/traces/") and any(s.otel_trace_id == otel_trace_id for s in spans):
        return 200, {"data": [_old_trace(spans, otel_trace_id)], "errors": None}
    return 404, {"data": None, "errors": [{"code": 404, "msg": "trace not found"}]}


def tempo(spans: Sequence[SpanRecord], *, has_v2: bool = True) -> Callable[..., Answer]:
    """
    Answer as Tempo with these spans; without the second version of its API as before 2.7.
    """

    def answer(path: str, given: dict[str, str]) -> Answer:
        if path == "/api/search":
            hits = sorted({each.otel_trace_id for each in spans if _is_hit(each, given["q"])})
            return 200, {"traces": [{"traceID": each.lstrip("0")} for each in hits], "metrics": {}}
        otel_trace_id = path.rpartition("/")[2]
        found = [
            _otlp(span, is_tempo=True) for span in spans if span.otel_trace_id == otel_trace_id
        ]
        if path.startswith("/api/v2/traces/") and has_v2:
            trace = {"resourceSpans": found} if found else {}
            return 200, {"trace": trace, "metrics": {}, "status": "COMPLETE"}
        return (200, {"batches": found}) if found and "/v2/" not in path else (404, b"")

    return answer


def write_lines(spans: Sequence[SpanRecord]) -> str:
    """
    Write spans as OTLP JSON lines.
    """
    return "".join(json.dumps({"resourceSpans": [_otlp(span)]}) + "\n" for span in spans)


def _is_hit(span: SpanRecord, query: str) -> bool:
    terms = re.findall(r'(span[.:][\w.]+) = "([^"]*)"', query)
    assert query == "{ " + " || ".join(f'{name} = "{value}"' for name, value in terms) + " }"
    return any(
        span.span_id == value
        if name == "span:id"
        else value in _flat(span.attributes.get(name.removeprefix("span.")))
        for name, value in terms
    )


def _flat(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _otlp(span: SpanRecord, *, is_tempo: bool = False) -> dict[str, Any]:
    def write_id(text: str) -> str:
        return base64.b64encode(bytes.fromhex(text)).decode() if is_tempo else text

    kinds = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
    errors: dict[str, Any] = {"code": "STATUS_CODE_ERROR" if is_tempo else 2}
    written = {
        "traceId": write_id(span.otel_trace_id),
        "spanId": write_id(span.span_id),
        **({"parentSpanId": write_id(span.parent_span_id)} if span.parent_span_id else {}),
        "name": span.name,
        "kind": f"SPAN_KIND_{span.kind}" if is_tempo else kinds.index(span.kind),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
        "links": [
            {
                "traceId": write_id(link.otel_trace_id),
                "spanId": write_id(link.span_id),
                "attributes": _pairs(link.attributes),
            }
            for link in span.links
        ],
        "status": errors if span.status == "ERROR" else {},
    }
    return {
        "resource": {"attributes": _pairs({"service.name": span.service_name})},
        "scopeSpans": [{"scope": {"name": span.scope_name}, "spans": [written]}],
    }


def _pairs(attributes: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def _old_trace(spans: Sequence[SpanRecord], otel_trace_id: str) -> dict[str, Any]:
    found = [span for span in spans if span.otel_trace_id == otel_trace_id]
    names = sorted({span.service_name for span in found})
    return {
        "traceID": otel_trace_id,
        "spans": [_old_span(span, f"p{names.index(span.service_name)}") for span in found],
        "processes": {f"p{at}": {"serviceName": name} for at, name in enumerate(names)},
    }


def _old_span(span: SpanRecord, process: str) -> dict[str, Any]:
    parents = [("CHILD_OF", span.otel_trace_id, span.parent_span_id)] if span.parent_span_id else []
    links = [("FOLLOWS_FROM", link.otel_trace_id, link.span_id) for link in span.links]
    tags: dict[str, object] = {
        "otel.scope.name": span.scope_name,
        **span.attributes,
        "span.kind": span.kind.lower(),
        **({"error": True, "otel.status_code": "ERROR"} if span.status == "ERROR" else {}),
    }
    return {
        "traceID": span.otel_trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": [
            {"refType": kind, "traceID": trace, "spanID": span_id}
            for kind, trace, span_id in parents + links
        ],
        "startTime": span.start_ns // 1_000,
        "duration": (span.end_ns - span.start_ns) // 1_000,
        "tags": [{"key": key, "type": "string", "value": value} for key, value in tags.items()],
        "processID": process,
        "warnings": None,
    }
