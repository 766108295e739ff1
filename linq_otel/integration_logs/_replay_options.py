"""
How entries are sent: where to, as what, and how fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from linq_otel._lifecycle import JOINS
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from linq_otel._lifecycle import Join
    from linq_otel.stores import Store


Signal = Literal["traces", "logs", "both"]
SIGNALS: Final[tuple[str, ...]] = get_args(Signal)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """
    How entries are sent.

    Attributes:
        endpoint: The base URL of an OTLP receiver; without it the ``OTEL_EXPORTER_OTLP_*``
            variables count.
        protocol: ``http/protobuf`` or ``grpc``.
        headers: Sent with each request.
        output: A file of OTLP JSON lines to add to, in place of an endpoint.
        exporters: Exporters of the OpenTelemetry SDK by signal, in place of either; the caller
            shuts them down.
        signal: ``traces``, ``logs`` or ``both``.
        store: Where the origins of sent messages are kept: joins calls to their lives.
        join: How the app joins lives.
        by_request_id: True takes a CRM's request id for its trace id.
        detail: True adds the attributes that are on request.
        rate: Spans a second at most.
        batch_size: Spans in one request.
        checkpoint: A file that remembers how far an import came.
        pause: Seconds before a refused batch is tried again.
        progress: Called with the number of entries sent so far.

    Raises:
        ConfigurationError: A value cannot be used.
    """

    endpoint: str | None = None
    protocol: str = "http/protobuf"
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    output: str | Path | None = None
    exporters: Mapping[str, Any] | None = None
    signal: Signal = "traces"
    store: Store | None = None
    join: Join = "linq"
    by_request_id: bool = False
    detail: bool = False
    rate: float | None = None
    batch_size: int = 512
    checkpoint: str | Path | None = None
    pause: float = 2.0
    progress: Callable[[int], object] | None = None

    def __post_init__(self) -> None:
        """
        Refuse what cannot be meant.
        """
        if self.signal not in SIGNALS:
            raise ConfigurationError(f"signal must be one of {', '.join(SIGNALS)}")
        if self.join not in JOINS:
            raise ConfigurationError(f"join must be one of {', '.join(JOINS)}")
        if self.rate is not None and not 0 < self.rate < inf:
            raise ConfigurationError("rate must be a number above 0")
        if self.batch_size < 1:
            raise ConfigurationError("batch_size must be at least 1")

    @property
    def signals(self) -> tuple[str, ...]:
        """
        What is sent.
        """
        return ("traces", "logs") if self.signal == "both" else (self.signal,)
