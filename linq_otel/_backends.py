"""
What each backend documents of its OTLP endpoint and of old spans, as data.

Everything here stands in the page named beside it. What a backend does not
document is left out, and what differs by account (a region, a key) is asked
for instead of guessed. ``configure``, ``late=`` and ``import --backend`` all
take these names, and no others.
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
Action: TypeAlias = Literal["keep", "clamp", "link"]

PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf")
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
DEFAULT_PROTOCOL: Final[Protocol] = "http/protobuf"


@dataclass(frozen=True, slots=True)
class Backend:
    """
    One backend, as its documentation describes it.

    Attributes:
        name: What it is called wherever one is named.
        title: What it calls itself.
        source: The page of its documentation that says so.
        signals: What it takes.
        endpoints: The base URL by protocol; ``{region}`` stands for the value
            of the region.
        regions: The values by region; without any, every region is taken as
            it is, if `endpoints` ask for one.
        default_region: The region if none is given.
        region_example: What a region looks like, where every one is taken.
        headers: What it must be sent: ``{key}`` is the API key, ``{basic}``
            the instance id and the key as HTTP's basic authentication.
        key_variables: The variables its documentation keeps the key in.
        instance_variables: The same for the instance id.
        region_variables: The same for the region.
        domains: Where its cloud is, which speaks https alone.
        late: How old may be what it still takes; None if any age is taken, or
            none is documented.
        late_action: What is done by default about spans that are older.
        late_source: The page that says so, where it is another.
        hidden: How old may be what it still shows everywhere; None if any age.
        note: What becomes of what is older, or what to set.
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
    region_example: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    key_variables: tuple[str, ...] = ()
    instance_variables: tuple[str, ...] = ()
    region_variables: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    late: timedelta | None = None
    late_action: Action = "keep"
    late_source: str = ""
    hidden: timedelta | None = None
    note: str = "no limit is documented"
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
_DROPPED: Final = "older spans are dropped"
_DATADOG_LATE: Final = timedelta(hours=18)
_DATADOG_LATE_SOURCE: Final = "https://docs.datadoghq.com/tracing/troubleshooting/"

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
    late_action="clamp",
    late_source=_DATADOG_LATE_SOURCE,
    note=_DROPPED,
    delta=True,
)

_ALL: Final = (
    Backend(
        name="jaeger",
        title="Jaeger",
        source="https://www.jaegertracing.io/docs/latest/getting-started/",
        signals=("traces",),
        endpoints=_LOCAL,
        hidden=timedelta(hours=72),
        note="kept; with Elasticsearch, --es.max-span-age hides older ones",
    ),
    Backend(
        name="tempo",
        title="Grafana Tempo",
        source="https://grafana.com/docs/tempo/latest/configuration/",
        signals=("traces",),
        endpoints=_LOCAL,
        hidden=timedelta(seconds=36),
        note="kept, but missing from generated metrics and from searches by time: look up by "
        "trace id",
    ),
    Backend(
        name="victoria-traces",
        title="VictoriaTraces",
        source="https://docs.victoriametrics.com/victoriatraces/data-ingestion/",
        signals=("traces",),
        endpoints={
            # Takes gRPC where -otlpGRPCListenAddr says.
            "grpc": "http://localhost:4317",
            "http/protobuf": "http://localhost:10428/insert/opentelemetry",
        },
        late=timedelta(days=7),
        late_action="clamp",
        late_source="https://docs.victoriametrics.com/victoriatraces/",
        note="older spans are dropped, unless -retentionPeriod says otherwise",
    ),
    Backend(
        name="loki",
        title="Grafana Loki",
        source="https://grafana.com/docs/loki/latest/send-data/otel/",
        signals=("logs",),
        endpoints={"http/protobuf": "http://localhost:3100/otlp"},
        late=timedelta(days=7),
        note="older log records are refused: reject_old_samples_max_age",
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
        region_example="prod-us-central-0",
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
        late_action="clamp",
        late_source=_DATADOG_LATE_SOURCE,
        note=_DROPPED,
        delta=True,
        direct=_DATADOG_DIRECT,
    ),
    Backend(
        name="dynatrace",
        title="Dynatrace",
        source="https://docs.dynatrace.com/docs/ingest-from/opentelemetry/otlp-api",
        endpoints={"http/protobuf": "https://{region}.live.dynatrace.com/api/v2/otlp"},
        region_example="abc12345",
        headers={"authorization": "Api-Token {key}"},
        key_variables=("DT_API_TOKEN",),
        domains=("dynatrace.com",),
        # The end of a span, that is.
        late=timedelta(hours=1),
        late_action="clamp",
        late_source="https://docs.dynatrace.com/docs/ingest-from/opentelemetry",
        note=_DROPPED,
        delta=True,
    ),
    Backend(
        name="dash0",
        title="Dash0",
        source="https://www.dash0.com/hub/integrations/int_otlp/overview",
        endpoints={"grpc": "https://{region}:4317", "http/protobuf": "https://{region}"},
        regions={
            "eu-west-1": "ingress.eu-west-1.aws.dash0.com",
            "us-west-2": "ingress.us-west-2.aws.dash0.com",
            "us-east-2": "ingress.us-east-2.aws.dash0.com",
            "europe-west4": "ingress.europe-west4.gcp.dash0.com",
        },
        headers={"authorization": "Bearer {key}"},
        key_variables=("DASH0_AUTH_TOKEN",),
        domains=("dash0.com",),
        late=timedelta(hours=6),
        late_action="clamp",
        late_source="https://www.dash0.com/documentation",
        note=_DROPPED,
    ),
    Backend(
        name="newrelic",
        title="New Relic",
        source="https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp",
        endpoints={"grpc": "https://{region}:443", "http/protobuf": "https://{region}"},
        regions={"us": "otlp.nr-data.net", "eu": "otlp.eu01.nr-data.net"},
        default_region="us",
        headers={"api-key": "{key}"},
        key_variables=("NEW_RELIC_LICENSE_KEY",),
        domains=("nr-data.net",),
        late=timedelta(seconds=90),
        late_action="link",
        late_source="https://docs.newrelic.com/docs/distributed-tracing/concepts/how-new-relic-distributed-tracing-works/",
        note="a trace takes no span 90 s after its last one",
        delta=True,
    ),
    Backend(
        name="sumologic",
        title="the Sumo Logic collector",
        source="https://www.sumologic.com/help/docs/send-data/opentelemetry-collector/",
        endpoints=_LOCAL,
        # And 24 hours from a trace's first span to its last.
        late=timedelta(hours=24),
        late_action="clamp",
        late_source="https://www.sumologic.com/help/docs/apm/traces/",
        note=_DROPPED,
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
