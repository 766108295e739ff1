"""
What each backend documents of its OTLP endpoint, as data.

Everything here stands in the page named beside it. What a backend does not
document is left out, and what differs by account (a region, a key) is asked
for instead of guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Mapping


Protocol: TypeAlias = Literal["grpc", "http/protobuf"]
Signal: TypeAlias = Literal["traces", "metrics", "logs"]

PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf")
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
DEFAULT_PROTOCOL: Final[Protocol] = "http/protobuf"


@dataclass(frozen=True, slots=True)
class Backend:
    """
    One backend, as its documentation describes it.

    Attributes:
        name: What ``configure`` calls it.
        title: What it calls itself.
        source: The page of its documentation that says so.
        signals: What it takes.
        endpoints: The base URL by protocol; ``{region}`` stands for the value
            of the region.
        regions: The values by region; without any, every region is taken as
            it is, if `endpoints` ask for one.
        default_region: The region if none is given.
        headers: What it must be sent: ``{key}`` is the API key, ``{basic}``
            the instance id and the key as HTTP's basic authentication.
        key_variables: The variables its documentation keeps the key in.
        instance_variables: The same for the instance id.
        region_variables: The same for the region.
        domains: Where its cloud is, which speaks https alone.
        late: How old a span may be that it still takes; None if any age is
            taken, or none is documented.
        delta: Whether it wants metrics as changes since the last export.
        direct: The same backend without an agent in between, chosen by
            giving a region.
    """

    name: str
    title: str
    source: str
    signals: tuple[Signal, ...] = SIGNALS
    endpoints: Mapping[Protocol, str] = field(default_factory=dict[Protocol, str])
    regions: Mapping[str, str] = field(default_factory=dict[str, str])
    default_region: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    key_variables: tuple[str, ...] = ()
    instance_variables: tuple[str, ...] = ()
    region_variables: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    late: timedelta | None = None
    delta: bool = False
    direct: Backend | None = None

    @property
    def needs_key(self) -> bool:
        """
        True if it takes nothing without a key.
        """
        return bool(self.key_variables)


_LOCAL: Final[Mapping[Protocol, str]] = {
    "grpc": "http://localhost:4317",
    "http/protobuf": "http://localhost:4318",
}

_DATADOG_SITES: Final = {
    "us1": "datadoghq.com",
    "us3": "us3.datadoghq.com",
    "us5": "us5.datadoghq.com",
    "eu1": "datadoghq.eu",
    "ap1": "ap1.datadoghq.com",
    "ap2": "ap2.datadoghq.com",
}
# https://docs.datadoghq.com/tracing/troubleshooting/: up to 18 hours in the past.
_DATADOG_LATE: Final = timedelta(hours=18)

_DATADOG_DIRECT: Final = Backend(
    name="datadog",
    title="Datadog's OTLP intake",
    source="https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/",
    # The traces intake speaks no gRPC.
    endpoints={"http/protobuf": "https://otlp.{region}"},
    regions=_DATADOG_SITES,
    # Without `compute_stats` the intake counts no requests, errors and durations.
    headers={"dd-api-key": "{key}", "compute_stats": "true"},
    key_variables=("DD_API_KEY",),
    domains=("datadoghq.com", "datadoghq.eu"),
    late=_DATADOG_LATE,
    delta=True,
)

_ALL: Final = (
    Backend(
        name="jaeger",
        title="Jaeger",
        source="https://www.jaegertracing.io/docs/latest/getting-started/",
        signals=("traces",),
        endpoints=_LOCAL,
    ),
    Backend(
        name="tempo",
        title="Grafana Tempo",
        source="https://grafana.com/docs/tempo/latest/configuration/",
        signals=("traces",),
        endpoints=_LOCAL,
    ),
    Backend(
        name="grafana-cloud",
        title="Grafana Cloud",
        source="https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/",
        endpoints={"http/protobuf": "https://otlp-gateway-{region}.grafana.net/otlp"},
        headers={"authorization": "{basic}"},
        key_variables=("GRAFANA_CLOUD_API_KEY",),
        instance_variables=("GRAFANA_CLOUD_INSTANCE_ID",),
        region_variables=("GRAFANA_CLOUD_ZONE",),
        domains=("grafana.net",),
    ),
    Backend(
        name="honeycomb",
        title="Honeycomb",
        source="https://docs.honeycomb.io/send-data/opentelemetry/",
        endpoints={"grpc": "https://{region}:443", "http/protobuf": "https://{region}"},
        regions={"us": "api.honeycomb.io", "eu": "api.eu1.honeycomb.io"},
        default_region="us",
        headers={"x-honeycomb-team": "{key}"},
        key_variables=("HONEYCOMB_API_KEY",),
        domains=("honeycomb.io",),
    ),
    Backend(
        name="datadog",
        title="the Datadog Agent",
        source="https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest_in_the_agent/",
        endpoints=_LOCAL,
        late=_DATADOG_LATE,
        delta=True,
        direct=_DATADOG_DIRECT,
    ),
    Backend(
        name="otlp",
        title="the OTLP endpoint",
        source="https://opentelemetry.io/docs/specs/otel/protocol/exporter/",
        endpoints=_LOCAL,
    ),
)

BACKENDS: Final[Mapping[str, Backend]] = {backend.name: backend for backend in _ALL}
"""Every backend by its name."""


def get_backend(name: object, where: str = "") -> Backend:
    """
    Return the backend called *name*.

    Args:
        name: As it was typed.
        where: The variable it was typed in, for the error.

    Raises:
        ConfigurationError: If there is none; the text names the nearest.
    """
    wanted = str(name).strip().lower()
    if wanted in BACKENDS:
        return BACKENDS[wanted]
    near = get_close_matches(wanted, BACKENDS, n=1)
    hint = f"did you mean {near[0]!r}? The names are" if near else "the names are"
    raise ConfigurationError(
        f"there is no backend {name!r}{where and f', as {where} says'}; "
        f"{hint} {', '.join(BACKENDS)}, "
        "where otlp is any endpoint that speaks OTLP"
    )
