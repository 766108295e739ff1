"""
Asks an endpoint whether it takes an export of nothing, within a bounded time.
"""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from linq_otel.errors import ConfigurationError

from ._answers import judge
from ._variables import find_exporter_variable
from ._waiting import call_side_by_side


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from linq_otel._backends import Protocol

    from ._answers import CheckResult, Fault
    from ._targets import Target


_TRANSPORTS: Final[Mapping[Protocol, tuple[str, str]]] = {
    "grpc": ("._over_grpc", "opentelemetry-exporter-otlp-proto-grpc"),
    "http/protobuf": ("._over_http", "opentelemetry-exporter-otlp-proto-http"),
}


def get_transport(protocol: Protocol) -> Any:
    """
    Return the module that speaks *protocol*; gRPC's is large, and not everybody has it.

    Raises:
        ConfigurationError: If its exporters are not installed.
    """
    module, distribution = _TRANSPORTS[protocol]
    try:
        return import_module(module, __package__)
    except ImportError as error:
        raise ConfigurationError(
            f"{protocol} needs another package: type pip install {distribution}"
        ) from error


def check_all(targets: Sequence[Target], timeout: float) -> tuple[CheckResult, ...]:
    """
    Send each of *targets* an export of nothing.

    Args:
        targets: Where to.
        timeout: Seconds after which no answer is one, for all together.

    Raises:
        ConfigurationError: If the exporters of a protocol are not installed.
    """
    faults = find_faults(targets, timeout)
    return tuple(judge(target, *fault) for target, fault in zip(targets, faults, strict=True))


def find_faults(targets: Sequence[Target], timeout: float) -> list[tuple[Fault | None, str]]:
    """
    Send each of *targets* an export of nothing; returns what kind of fault each is, and its proof.

    Args:
        targets: Where to.
        timeout: Seconds after which no answer is one, for all together.

    Raises:
        ConfigurationError: If the exporters of a protocol are not installed.
    """
    # By their places in the list: one signal may have several endpoints.
    asks = [
        partial(_ask, number, get_transport(target.protocol), target, timeout)
        for number, target in enumerate(targets)
    ]
    answers = dict(call_side_by_side(asks, timeout))
    return [answers.get(number, ("time", "no answer")) for number in range(len(targets))]


def _ask(
    number: int, transport: Any, target: Target, timeout: float
) -> tuple[int, tuple[Fault | None, str]]:
    certificate = find_exporter_variable(os.environ, target.signal, "CERTIFICATE")
    if certificate is not None and not Path(certificate.value).is_file():
        return number, ("certificate", "no such file")
    path = certificate.value if certificate is not None else None
    with suppress_instrumentation():
        return number, transport.probe(target, timeout, path)
