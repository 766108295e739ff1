"""
What an OTLP export holds, in either encoding, and how each is answered.

The specification wants the answer in the encoding of the question, errors too
(https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from linq_otel._otlp_fields import to_object
from linq_otel._otlp_json import parse_spans

from ._bodies import BodyError
from ._protobuf_spans import read_request


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._otlp_json import SpanRecord


PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
MEDIA_TYPES: Final = (PROTOBUF, JSON)
_REQUESTS: Final[Mapping[str, Any]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
# What gRPC calls it (https://grpc.io/docs/guides/status-codes/); a Status has no HTTP number.
_CODES: Final[Mapping[int, int]] = {400: 3, 405: 12, 413: 8, 415: 3, 500: 13, 503: 14}
_UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True)
class Export:
    """
    The spans of one export; ``rejected`` counts those that cannot be kept.
    """

    spans: tuple[SpanRecord, ...]
    rejected: int


def parse_export(signal: str, media_type: str, body: bytes) -> Export:
    """
    Read an export; one of metrics or logs has no spans, and has to be sound all the same.

    Raises:
        BodyError: It cannot be decoded (400).
    """
    try:
        if media_type == JSON:
            request = to_object(json.loads(body) if body else {})
            found = list(parse_spans(request)) if signal == "traces" else []
        else:
            message = _REQUESTS[signal].FromString(body)
            found = list(read_request(message)) if signal == "traces" else []
    except (DecodeError, ValueError, RecursionError) as error:
        raise BodyError(400, f"the body is no OTLP export of {signal}") from error
    spans = tuple(span for span in found if span is not None)
    return Export(spans, len(found) - len(spans))


def write_success(media_type: str, rejected: int, reason: str) -> bytes:
    """
    Write the answer to an export of spans of which *rejected* were not taken.

    One of metrics or logs that is taken whole is answered alike.
    """
    if media_type == JSON:
        # 64-bit numbers are texts in protobuf's JSON.
        partial = {"rejectedSpans": str(rejected), "errorMessage": reason}
        return json.dumps({"partialSuccess": partial} if rejected else {}).encode("ascii")
    answer = ExportTraceServiceResponse()
    if rejected:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = reason
    return bytes(answer.SerializeToString())


def write_failure(media_type: str, status: int, reason: str) -> bytes:
    """
    Write a ``google.rpc.Status``.
    """
    code = _CODES.get(status, _UNKNOWN)
    if media_type != PROTOBUF:
        return json.dumps({"code": code, "message": reason}).encode("ascii")
    # Two fields: a number (1) and a text (2), shorter than 128 bytes.
    text = reason.encode()[:127]
    return bytes([0x08, code, 0x12, len(text)]) + text
