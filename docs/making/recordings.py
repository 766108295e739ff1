# ruff: noqa: INP001  # A part of scripts.
"""
What was recorded of the plays, kept so that pictures made of it are the same every time.

A play has other ids and other milliseconds each time it is played. Its recording holds them once,
without the ids: pictures are drawn from recordings alone, and a test plays every play again and
compares all that a play repeats (:func:`shape`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from linq_otel._otlp_json import LinkRecord, SpanRecord


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan


FILE = Path(__file__).parents[1] / "pictures" / "recordings.json"
SHOWN = (
    "error.type",
    "http.request.resend_count",
    "http.response.status_code",
    "linq.attempts",
    "linq.error.code",
    "linq.late",
    "linq.origin",
    "linq.retry_after",
    "linq.service",
    "linq.stage",
    "linq.webhook.duplicate",
    "linq.webhook.rejected",
    "linq.webhook.verified",
)
"""The attributes that pages speak of."""
_START_NS = 1_770_112_800_000_000_000
_SEPARATOR = "/"
Recording: TypeAlias = "list[dict[str, Any]]"


def record(spans: Iterable[ReadableSpan]) -> Recording:
    """
    Write spans down without their ids: traces and spans are numbers, in order of time.
    """
    ordered = sorted(spans, key=lambda span: (span.start_time or 0, span.end_time or 0))
    # A repeated delivery writes its stage again, under the same id: a backend keeps one.
    kept = list({_key(span.context): span for span in reversed(ordered)}.values())[::-1]
    numbers = {_key(span.context): number for number, span in enumerate(kept)}
    traces = list(dict.fromkeys(span.context.trace_id for span in kept))
    base = kept[0].start_time or 0
    return [_write(span, numbers, traces, base) for span in kept]


def _key(context: Any) -> tuple[int, int]:
    return context.trace_id, context.span_id


def _write(span: ReadableSpan, numbers: Any, traces: list[int], base: int) -> dict[str, Any]:
    attributes = span.attributes or {}
    return {
        "service": span.resource.attributes["service.name"],
        "name": span.name,
        "kind": span.kind.name,
        "status": span.status.status_code.name,
        "trace": traces.index(span.context.trace_id),
        "parent": None if span.parent is None else numbers.get(_key(span.parent), "elsewhere"),
        "start_ns": (span.start_time or 0) - base,
        "end_ns": (span.end_time or 0) - base,
        "links": [
            [numbers.get(_key(link.context)), (link.attributes or {}).get("linq.link", "")]
            for link in span.links
        ],
        "attributes": {key: attributes[key] for key in SHOWN if key in attributes},
    }


def shape(recording: Recording) -> list[list[Any]]:
    """
    Return what every run of a play repeats: all but times, in an order of its own.
    """
    return sorted(
        [
            _path(recording, number),
            span["service"],
            span["kind"],
            span["status"],
            sorted([_path(recording, target), kind] for target, kind in span["links"]),
            json.dumps(span["attributes"], sort_keys=True),
        ]
        for number, span in enumerate(recording)
    )  # fmt: skip


def _path(recording: Recording, number: int | str | None) -> str:
    if not isinstance(number, int):
        return "elsewhere"
    span = recording[number]
    above = "" if span["parent"] is None else _path(recording, span["parent"]) + _SEPARATOR
    return above + span["name"]


def rebuild(name: str, recording: Recording) -> list[SpanRecord]:
    """
    Return the spans of a recording, with ids that are made of its name.
    """
    ids = [_made_up(name, "span", number, 16) for number in range(len(recording))]
    traces = [_made_up(name, "trace", span["trace"], 32) for span in recording]
    return [
        SpanRecord(
            otel_trace_id=traces[number],
            span_id=ids[number],
            parent_span_id=_find_parent(span["parent"], ids),
            name=span["name"],
            kind=span["kind"],
            start_ns=_START_NS + span["start_ns"],
            end_ns=_START_NS + span["end_ns"],
            attributes=span["attributes"],
            links=tuple(_rebuild_links(span["links"], ids, traces)),
            status=span["status"],
            service_name=span["service"],
            scope_name="",
        )
        for number, span in enumerate(recording)
    ]


def _find_parent(parent: int | str | None, ids: Sequence[str]) -> str | None:
    if parent is None:
        return None
    return ids[parent] if isinstance(parent, int) else "e" * 16


def _rebuild_links(
    links: Sequence[Any], ids: Sequence[str], traces: Sequence[str]
) -> Iterable[LinkRecord]:
    for target, kind in links:
        trace, span = ("e" * 32, "e" * 16) if target is None else (traces[target], ids[target])
        yield LinkRecord(trace, span, {"linq.link": kind})


def _made_up(name: str, kind: str, number: int, digits: int) -> str:
    return hashlib.sha256(f"{name} {kind} {number}".encode()).hexdigest()[:digits]


def read_recordings() -> dict[str, Recording]:
    """
    Read every recording, by the name of its play.
    """
    recordings: dict[str, Recording] = json.loads(FILE.read_text("utf-8"))
    return recordings


def write_recordings(recordings: dict[str, Recording]) -> None:
    """
    Write them, one span a line.
    """
    stories = [
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(span) for span in spans) + "\n]"
        for name, spans in sorted(recordings.items())
    ]
    FILE.write_text("{\n" + ",\n".join(stories) + "\n}\n", "utf-8")
