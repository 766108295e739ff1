"""
The tracer provider: whether there is one, whose it is, and whether it takes our ids.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import NoOpTracerProvider

from linq_otel._tracer import TracerSource, find_vendor_advice
from linq_otel.export._variables import BACKEND, DISABLED, find_destination

from ._findings import tell
from ._neighbours import EXAMINE
from ._objects import find_class, list_instances
from ._places import show_url
from ._processors import read_outlets
from ._scene import DISABLED_INSTRUMENTATIONS, is_of_sdk


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._findings import Finding
    from ._scene import Scene


_OF_SDK: Final = "instrument(tracer_provider=…) with a TracerProvider of the SDK"
_WITHOUT_CODE: Final = "unset OTEL_PYTHON_TRACER_PROVIDER, so that the SDK's TracerProvider is used"
_CODE: Final = (
    "linq_otel.export.configure('jaeger') before instrument(), "
    "or opentelemetry-instrument python app.py"
)
_VARIABLE: Final = f"pip install opentelemetry-distro, or export {BACKEND}=jaeger"
_SERVICE: Final = "export OTEL_SERVICE_NAME=shop"
_ALWAYS_ON: Final = ("AlwaysOn", "ParentBased{root:AlwaysOn")


def find_of_provider(scene: Scene) -> Iterator[Finding]:
    """
    Yield what there is to say of the provider.
    """
    yield from _find_switches(scene)
    if not scene.has_provider or isinstance(scene.provider, NoOpTracerProvider):
        yield _tell_missing(scene)
        yield from _find_idle(scene)
        yield from _find_service_in(scene)
        return
    yield _tell_kind(scene)
    if scene.other_provider is not None:
        yield _tell_two(scene)
    yield from _find_idle(scene)
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
    for name in sorted(scene.switched_off & {"linq", "linq_webhooks", "*"}):
        yield tell(
            "otel.instrumentor.off",
            f"{DISABLED_INSTRUMENTATIONS} names {name!r}",
            detail="opentelemetry-instrument leaves it out.",
            remedy=f"take {name} out of {DISABLED_INSTRUMENTATIONS}",
        )


def _tell_missing(scene: Scene) -> Finding:
    if scene.is_live:
        return tell(
            "otel.provider.missing",
            "the app has set no TracerProvider: its spans go nowhere",
            remedy=find_vendor_advice() or (_CODE if scene.has_code else _VARIABLE),
        )
    return tell(
        "otel.provider.unseen",
        "no app was examined, only the environment",
        detail="What an app sets up in its own code cannot be seen from here.",
        remedy=EXAMINE,
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
        remedy=f"{_OF_SDK if scene.has_code else _WITHOUT_CODE}, or leave it as it is",
    )


def _tell_two(scene: Scene) -> Finding:
    return tell(
        "otel.provider.two",
        f"instrument() was given a TracerProvider ({_describe(scene.provider)}), and another one "
        f"is global ({_describe(scene.other_provider)})",
        detail="The spans of linq_otel go by the first, those of the app and its frameworks by the "
        "second: each backend gets a part of a trace.",
        remedy="instrument() without tracer_provider=, or with the global one",
    )


def _find_idle(scene: Scene) -> Iterator[Finding]:
    """
    Yield the providers that the app has set up and that linq_otel's spans do not go by.

    OpenTelemetry takes the first that is set; it logs a warning for the others, and drops them.
    """
    if not scene.is_live:
        return
    idle = _list_idle(scene)
    if idle:
        # What nothing holds any more was dropped on purpose.
        del idle
        gc.collect()
        idle = _list_idle(scene)
    for provider in idle:
        yield tell(
            "otel.provider.idle",
            f"a TracerProvider is set up that is neither global nor given to instrument(): "
            f"{_describe(provider)}",
            detail="OpenTelemetry keeps the first that set_tracer_provider() is called with, or "
            "linq_otel.export.configure() sets, and passes over the others.",
            remedy="trace.set_tracer_provider(…) before configure(), which adds its export to it"
            if scene.has_code
            else "leave set_tracer_provider(…) out where opentelemetry-instrument starts the app",
        )


def _list_idle(scene: Scene) -> list[Any]:
    used = (scene.provider, scene.global_provider)
    # Wrappers of providers keep what they wrap under this name.
    ids = {id(o) for each in used for o in (each, getattr(each, "provider", None))}
    classes = [find_class("opentelemetry.sdk.trace", "TracerProvider")]
    return [o for o in list_instances(classes) if id(o) not in ids and _is_set_up(o)]


def _is_set_up(provider: Any) -> bool:
    exporting = [outlet for outlet in read_outlets(provider) if outlet.exporter]
    if exporting:
        return any(not outlet.is_local and not outlet.is_ended for outlet in exporting)
    return not str(provider.sampler.get_description()).startswith(_ALWAYS_ON)


def _describe(provider: Any) -> str:
    if not is_of_sdk(provider):
        return f"{type(provider).__module__}.{type(provider).__qualname__}"
    outlets = [o for o in read_outlets(provider) if o.exporter]
    sampling = str(provider.sampler.get_description())
    name = str(provider.resource.attributes.get("service.name", ""))
    parts = [
        ", ".join(
            f"{o.exporter} to {show_url(o.target.url)}" if o.target else o.exporter for o in outlets
        )
        or "no exporter",
        f"service.name {name}" if _is_named(name) else "no service.name",
        *([] if sampling.startswith(_ALWAYS_ON) else [f"sampler {sampling}"]),
    ]
    return ", ".join(parts)


def _tell_ids(scene: Scene) -> Finding:
    if TracerSource(scene.provider).derives_ids:
        return tell("otel.ids", "span ids are derived: a webhook delivered twice writes one span")
    return tell(
        "otel.ids.random",
        "span ids are random: this tracer takes no id generator",
        detail="A webhook that is delivered twice draws its stages twice, "
        "and late spans may lack their parent.",
        remedy=_OF_SDK if scene.has_code else _WITHOUT_CODE,
    )


def _find_service_in(scene: Scene) -> Iterator[Finding]:
    environ = scene.environ
    pairs = [part.partition("=") for part in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")]
    named = {name.strip(): value.strip() for name, _, value in pairs}
    name = environ.get("OTEL_SERVICE_NAME", "").strip() or named.get("service.name", "")
    # An app may name it in its code, but hardly one that leaves the export to the environment.
    if name or find_destination(environ) is not None:
        yield _tell_service(name)
    elif not scene.is_live:
        yield tell(
            "otel.service.unset",
            "no variable names the service",
            detail="An app may name it in its code.",
            remedy=_SERVICE,
        )


def _tell_service(name: str) -> Finding:
    if _is_named(name):
        return tell("otel.service", f"service.name is {name}")
    return tell(
        "otel.service.unknown",
        "no service.name: a backend shows all services as one",
        remedy=_SERVICE,
    )


def _is_named(service: str) -> bool:
    return bool(service.strip()) and not service.startswith("unknown_service")
