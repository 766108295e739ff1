"""
The tracer provider: whether there is one, whose it is, and whether it takes our ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.trace import NoOpTracerProvider

from linq_otel._tracer import TracerSource, find_vendor_advice
from linq_otel.export._variables import DISABLED, find_destination

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._findings import Finding
    from ._scene import Scene


_INSTRUMENTORS: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_EXAMINE: Final = "linq-otel doctor --import yourapp.main:app"


def find_of_provider(scene: Scene) -> Iterator[Finding]:
    """
    Yield what there is to say of the provider.
    """
    yield from _find_switches(scene)
    if not scene.has_provider or isinstance(scene.provider, NoOpTracerProvider):
        yield _tell_missing(scene)
        yield from _find_service_in(scene)
        return
    yield _tell_kind(scene)
    yield _tell_ids(scene)
    if scene.is_sdk:
        yield _tell_service(str(scene.provider.resource.attributes.get("service.name", "")))


def _find_switches(scene: Scene) -> Iterator[Finding]:
    if scene.environ.get(DISABLED, "").strip().lower() == "true":
        yield tell(
            "otel.disabled",
            f"{DISABLED}=true switches OpenTelemetry off",
            remedy=f"unset {DISABLED}",
        )
    named = {part.strip() for part in scene.environ.get(_INSTRUMENTORS, "").split(",")}
    for name in sorted(named & {"linq", "linq_webhooks", "*"}):
        yield tell(
            "otel.instrumentor.off",
            f"{_INSTRUMENTORS} names {name!r}",
            detail="opentelemetry-instrument leaves it out.",
            remedy=f"take {name} out of {_INSTRUMENTORS}",
        )


def _tell_missing(scene: Scene) -> Finding:
    if scene.is_live:
        return tell(
            "otel.provider.missing",
            "the app has set no TracerProvider: its spans go nowhere",
            remedy=find_vendor_advice()
            or "linq_otel.export.configure('jaeger') before instrument(), "
            "or opentelemetry-instrument python app.py",
        )
    return tell(
        "otel.provider.unseen",
        "no app was examined, only the environment",
        detail="What an app sets up in its own code cannot be seen from here.",
        remedy=_EXAMINE,
    )


def _tell_kind(scene: Scene) -> Finding:
    provider: object = scene.provider
    kind = type(provider)
    name = f"{kind.__module__.partition('._')[0]}.{kind.__qualname__}"
    if scene.is_sdk:
        return tell("otel.provider", f"the provider is {name}")
    return tell(
        "otel.provider.foreign",
        f"the provider is another vendor's: {name}",
        detail="Spans are recorded; which of them are exported, and where to, it knows alone.",
        remedy="instrument(tracer_provider=…) with a TracerProvider of the SDK, "
        "or leave it as it is",
    )


def _tell_ids(scene: Scene) -> Finding:
    if TracerSource(scene.provider).derives_ids:
        return tell("otel.ids", "span ids are derived: a webhook delivered twice writes one span")
    return tell(
        "otel.ids.random",
        "span ids are random: this tracer takes no id generator",
        detail="A webhook that is delivered twice draws its stages twice, "
        "and late spans may lack their parent.",
        remedy="instrument(tracer_provider=…) with a TracerProvider of the SDK",
    )


def _find_service_in(scene: Scene) -> Iterator[Finding]:
    environ = scene.environ
    pairs = [part.partition("=") for part in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")]
    named = {name.strip(): value.strip() for name, _, value in pairs}
    name = environ.get("OTEL_SERVICE_NAME", "").strip() or named.get("service.name", "")
    # An app may name it in its code, but hardly one that leaves the export to the environment.
    if name or find_destination(environ) is not None:
        yield _tell_service(name)


def _tell_service(name: str) -> Finding:
    if name and not name.startswith("unknown_service"):
        return tell("otel.service", f"service.name is {name}")
    return tell(
        "otel.service.unknown",
        "no service.name: a backend shows all services as one",
        remedy="export OTEL_SERVICE_NAME=shop",
    )
