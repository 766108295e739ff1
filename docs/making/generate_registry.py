# ruff: noqa: INP001  # A script.
"""
Writes ``docs/registry``: what we emit, as a semantic-convention registry.

::

    python docs/making/generate_registry.py

OpenTelemetry Weaver reads it: ``weaver registry check -r docs/registry`` checks it, and ``weaver
registry live-check -r docs/registry`` compares what a running app sends with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from generate_attributes import Constant, read_constants

from linq_otel import _attributes as a
from linq_otel._instruments import INSTRUMENTS


FOLDER = Path(__file__).parents[1] / "registry"
SEMCONV = "1.44.0"


@dataclass(frozen=True)
class Span:
    """
    One kind of span of ours, and every attribute it may have.
    """

    id: str
    kind: str
    brief: str
    attributes: tuple[str, ...]


_MESSAGE = (a.LINQ_TRACE_ID, a.MESSAGE_ID, a.CHAT_ID)
_EVENT = (*_MESSAGE, a.EVENT_ID, a.EVENT_TYPE, a.SERVICE)
_MESSAGING = (a.MESSAGING_SYSTEM, a.MESSAGING_OPERATION_NAME, a.MESSAGING_OPERATION_TYPE)
_REFUSAL = (a.ERROR_CODE, a.ERROR_DOC_URL, a.RETRY_AFTER, a.ERROR_TYPE)
_SHOWN = (a.SENDER_HASH, a.MESSAGE_TEXT)
_CALL = (
    *_MESSAGE,
    a.OPERATION,
    a.LINQ_TRACE_IDS,
    a.ATTEMPTS,
    a.REPLAY,
    *_REFUSAL,
    *_SHOWN,
    a.RECIPIENT_HASHES,
)
SPANS = (
    Span("linq.send", "producer", "A call that sends a message.", (*_CALL, *_MESSAGING)),
    Span("linq.call", "internal", "Any other call of the API.", (*_CALL, a.MESSAGING_SYSTEM)),
    Span(
        "linq.attempt",
        "client",
        "One request on the wire.",
        (
            a.HTTP_REQUEST_METHOD,
            a.HTTP_REQUEST_RESEND_COUNT,
            a.HTTP_RESPONSE_STATUS_CODE,
            a.URL_FULL,
            a.URL_TEMPLATE,
            a.SERVER_ADDRESS,
            a.SERVER_PORT,
            a.LINQ_TRACE_ID,
            *_REFUSAL,
        ),
    ),
    Span("linq.message", "internal", "The root of a message's life.", (*_MESSAGE, a.OPERATION)),
    Span(
        "linq.message.stage",
        "internal",
        "One stage of a message's life.",
        (
            *_EVENT,
            a.OPERATION,
            a.STAGE_NAME,
            a.STAGE_TIME,
            a.CLAMPED,
            a.LATE,
            a.ERROR_CODE,
            a.ERROR_TYPE,
        ),
    ),
    Span(
        "linq.process",
        "consumer",
        "One run of a webhook handler.",
        (
            *_EVENT,
            *_MESSAGING,
            *_SHOWN,
            a.MESSAGING_MESSAGE_ID,
            a.ORIGIN,
            a.DUPLICATE,
            a.VERIFIED,
            a.REJECTED,
            a.WEBHOOK_VERSION,
            a.SUBSCRIPTION_ID,
            a.HTTP_RESPONSE_STATUS_CODE,
            a.ERROR_TYPE,
        ),
    ),
)


def render(constants: list[Constant]) -> dict[str, str]:
    """
    Return the files of the registry, by name.
    """
    ours = [one for one in constants if one.is_key and one.value.startswith("linq.")]
    return {
        "registry_manifest.yaml": _dump(
            {
                "name": "linq_otel",
                "description": "What linq_otel emits.",
                "semconv_version": "0.1.0",
                "schema_base_url": "https://linq-otel.example/schemas/",
                "dependencies": [
                    {
                        "name": "otel",
                        "registry_path": (
                            "https://github.com/open-telemetry/semantic-conventions/archive/refs/tags/"
                            f"v{SEMCONV}.zip[model]"
                        ),
                    }
                ],
            }
        ),
        "attributes.yaml": _dump({"groups": [_attributes(ours)]}),
        "spans.yaml": _dump({"groups": [_span(span) for span in SPANS]}),
        "metrics.yaml": _dump(
            {"groups": [_metric(one) for one in INSTRUMENTS if one.name.startswith("linq.")]}
        ),
    }


def _attributes(ours: list[Constant]) -> dict[str, Any]:
    listed = []
    for one in ours:
        kind, meaning, stability = one.facts
        brief = meaning.replace("``", "`")
        listed.append(
            {
                "id": one.value,
                "type": kind,
                "stability": stability,
                "brief": f"{brief[0].upper()}{brief[1:]}.",
                **_examples(kind, meaning),
            }
        )
    return {
        "id": "registry.linq",
        "type": "attribute_group",
        "display_name": "Linq",
        "brief": "Attributes of calls of the Linq messaging API and of its webhooks.",
        "attributes": listed,
    }


def _examples(kind: str, meaning: str) -> dict[str, Any]:
    # The page's own examples are the words it sets in code.
    words = re.findall(r"``([^`]+)``", meaning) if kind == "string" else []
    return {"examples": words} if words else {}


def _span(span: Span) -> dict[str, Any]:
    return {
        "id": f"span.{span.id}",
        "type": "span",
        "span_kind": span.kind,
        "stability": "development",
        "brief": span.brief,
        "attributes": [
            {"ref": key, "requirement_level": "recommended"}
            for key in sorted(dict.fromkeys(span.attributes))
        ],
    }


def _metric(one: Any) -> dict[str, Any]:
    return {
        "id": f"metric.{one.name}",
        "type": "metric",
        "metric_name": one.name,
        "instrument": one.kind,
        "unit": one.unit,
        "stability": "development",
        "brief": one.description,
        **(
            {
                "attributes": [
                    {"ref": key, "requirement_level": "recommended"} for key in one.attributes
                ]
            }
            if one.attributes
            else {}
        ),
    }


def _dump(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in render(read_constants()).items():
        (FOLDER / name).write_text(text, "utf-8")
