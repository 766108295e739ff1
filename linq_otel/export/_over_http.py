"""
OTLP over HTTP: its exporters, and an empty export that tells what answers.
"""

from __future__ import annotations

import ssl
from http.client import HTTPException
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from ._faults import find_fault


if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPMessage

    from ._answers import Fault
    from ._targets import Target


_EXPORTERS: Final[Mapping[str, type[Any]]] = {
    "traces": OTLPSpanExporter,
    "metrics": OTLPMetricExporter,
    "logs": OTLPLogExporter,
}
_FAULTS: Final[Mapping[int, Fault]] = {
    400: "other",
    401: "key",
    403: "key",
    404: "path",
    405: "path",
    408: "time",
    413: "size",
    415: "path",
    429: "busy",
    501: "path",
    502: "busy",
    503: "busy",
    504: "busy",
}
_PLAIN_IS_REFUSED: Final = b"HTTP request to an HTTPS server"


def make_exporter(target: Target, **options: Any) -> Any:
    """
    Return an exporter to *target*; certificates and time-outs come of the standard variables.
    """
    return _EXPORTERS[target.signal](
        endpoint=target.url,
        headers=dict(target.headers),
        compression=Compression(target.compression),
        **options,
    )


class _Staying(HTTPRedirectHandler):
    """
    Follows nobody elsewhere, least of all with a key.
    """

    def redirect_request(  # noqa: PLR0913, PLR0917  # The signature of the class it overrides.
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """
        Answer that no request follows.
        """
        del req, fp, code, msg, headers, newurl


def probe(target: Target, timeout: float, certificate: str | None) -> tuple[Fault | None, str]:
    """
    Send an export of nothing, and answer what is wrong, if anything, with the proof of it.

    Args:
        target: Where to.
        timeout: Seconds for each step of it.
        certificate: The file of who is trusted; None for whom this machine trusts.
    """
    # An empty message of protobuf has no bytes.
    request = Request(target.url, data=b"", method="POST")  # noqa: S310  # Checked to be HTTP.
    for name, value in {**target.headers, "content-type": "application/x-protobuf"}.items():
        request.add_header(name, value)
    trust = HTTPSHandler(context=ssl.create_default_context(cafile=certificate))
    try:
        with build_opener(_Staying, trust).open(request, timeout=timeout) as response:
            return None, str(response.status)
    except HTTPError as error:
        with error:
            return _judge_status(error.code, error.read(200)), str(error.code)
    except URLError as error:
        return find_fault(error.reason)
    except (OSError, HTTPException) as error:
        return find_fault(error)


def _judge_status(status: int, body: bytes) -> Fault:
    if _PLAIN_IS_REFUSED in body:
        return "plain"
    if 300 <= status < 400:  # noqa: PLR2004  # The redirections of HTTP.
        return "moved"
    return _FAULTS.get(status, "other")
