"""
What an endpoint answered to an empty export, and what to type where that was a refusal.

Exporters retry, log a line for each batch, and name neither the argument nor
the variable that is wrong. This does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ._variables import ENDPOINT, PROTOCOL


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Protocol, Signal

    from ._targets import Target


__all__ = ["CheckResult", "Fault", "judge"]

Fault = str
"""One low-cardinality word; :data:`_ADVICE` has what to type for each."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """
    What became of an empty export.

    Attributes:
        signal: ``traces``, ``metrics`` or ``logs``.
        url: Where it was sent.
        is_ok: True if the endpoint took it.
        message: One line: that it was taken, or what is wrong and what to type.
    """

    signal: Signal
    url: str
    is_ok: bool
    message: str


_KEY: Final = "type the right key: {key}"
_ADVICE: Final[Mapping[Fault, str]] = {
    "key": f"{{title}} refused the key ({{detail}}): {_KEY}",
    "path": "{url} takes no OTLP ({detail}): type the base URL of one that does as {endpoint}",
    "signal": "{title} takes no {signal} ({detail}): type {without}",
    "protocol": "what listens at {url} speaks no {protocol} ({detail}): type {other}",
    "closed": "nothing listens at {url} ({detail}): start it there, or type where it is as "
    "{endpoint}",
    "host": "the host of {url} is not known ({detail}): type another as {endpoint}",
    "time": "{url} did not answer in time ({detail}): type another as {endpoint}, or let this "
    "host through its firewall",
    "tls": "{url} is not spoken to in TLS ({detail}): type http:// in {endpoint}",
    "plain": "{url} is spoken to in TLS alone ({detail}): type https:// in {endpoint}",
    "certificate": "the certificate of {url} is not trusted ({detail}): set "
    "OTEL_EXPORTER_OTLP_CERTIFICATE to the file of who signed it",
    "moved": "{url} sends its callers elsewhere ({detail}): type that place as {endpoint}",
    "size": "{url} takes no batch as large ({detail}): set OTEL_BSP_MAX_EXPORT_BATCH_SIZE to less",
    "busy": "{url} has no room at the moment ({detail}): exports are tried again",
    "other": "{url} refused the export ({detail}): see {source}",
}
_PASSING: Final = frozenset({"busy"})


def judge(target: Target, fault: Fault | None, detail: str) -> CheckResult:
    """
    Say in one line what *fault* means for *target*; None is no fault.

    Args:
        target: Where the export went.
        fault: What kind of refusal it was.
        detail: A status or the name of an error, never a text of the endpoint:
            it may repeat what it was sent.
    """
    if fault is None:
        return CheckResult(
            target.signal, target.url, is_ok=True, message=f"{target.url} takes {target.signal}"
        )
    message = _ADVICE[fault].format(
        title=target.backend.title,
        url=target.url,
        signal=target.signal,
        protocol=target.protocol,
        detail=detail,
        source=target.backend.source,
        key=_say_key(target),
        endpoint=_say_endpoint(target),
        other=_say_other(target),
        without=f"{target.signal}=False"
        if target.has_code
        else f"OTEL_{target.signal.upper()}_EXPORTER=none",
    )
    return CheckResult(target.signal, target.url, is_ok=fault in _PASSING, message=message)


def _say_key(target: Target) -> str:
    backend = target.backend
    if not backend.needs_key:
        by_code = "headers={'authorization': …} or " if target.has_code else ""
        return f"{by_code}OTEL_EXPORTER_OTLP_HEADERS"
    said = " or ".join([*(["api_key=…"] if target.has_code else []), *backend.key_variables])
    if backend.instance_variables:
        by_keyword = "instance_id=… or " if target.has_code else ""
        said += f", with {by_keyword}{' or '.join(backend.instance_variables)}"
    if backend.regions:
        said += f" (and the region it is of: {', '.join(backend.regions)})"
    return said


def _say_endpoint(target: Target) -> str:
    named = target.endpoint_from
    if named.startswith("OTEL_"):
        return named
    return "endpoint= or OTEL_EXPORTER_OTLP_ENDPOINT" if target.has_code else ENDPOINT


def _say_other(target: Target) -> str:
    other: Protocol = "grpc" if target.protocol == "http/protobuf" else "http/protobuf"
    port = 4317 if target.protocol == "grpc" else 4318
    if target.protocol_from.startswith("OTEL_"):
        said = f"{target.protocol_from}={other}"
    else:
        said = f"protocol={other!r}" if target.has_code else f"{PROTOCOL}={other}"
    return f"{said}, or the port where {target.protocol} is spoken, which is mostly {port}"
