"""
What hangs on a provider: its span processors and their exporters.

The SDK has no public way to ask, and wrappers of exporters are common; what
cannot be read is named by its type and left at that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from linq_otel._backends import get_backend
from linq_otel.export._targets import Target
from linq_otel.export._variables import BACKEND, ENDPOINT, PROTOCOL

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ._findings import Finding


_TO_PROCESSORS: Final = ("_active_span_processor", "_span_processors")
_TO_EXPORTER: Final = (("span_exporter",), ("_batch_processor", "_exporter"), ("_exporter",))
_TO_HEADERS: Final = (("_headers",), ("_client", "_headers"))
# What every export has, and nobody chose.
_USUAL_HEADERS: Final = frozenset({"content-encoding", "content-type", "user-agent"})
_MOST_LAYERS: Final = 5
_APP: Final = "the app's exporter"


@dataclass(frozen=True, slots=True)
class Outlet:
    """
    One processor and what it exports with.

    Attributes:
        processor: The name of its type.
        exporter: The same of its exporter; empty if there is none to be seen.
        target: Where it exports to, if that can be read.
        header_names: Of the headers that the app chose.
        is_ended: True if it was shut down.
    """

    processor: str
    exporter: str
    target: Target | None = None
    header_names: tuple[str, ...] = field(default=())
    is_ended: bool = False

    @property
    def is_simple(self) -> bool:
        """
        True if it exports each span as it ends, in the thread that ends it.
        """
        return self.processor == "SimpleSpanProcessor"

    @property
    def is_local(self) -> bool:
        """
        True if what it exports with keeps or prints spans in this process.
        """
        return self.exporter in {"ConsoleSpanExporter", "InMemorySpanExporter"}


def read_outlets(provider: object, *, has_code: bool = True) -> list[Outlet]:
    """
    Return what hangs on *provider*, in order; *has_code* as in a :class:`Target`.
    """
    found: Any = _follow(provider, _TO_PROCESSORS)
    processors: Iterable[object] = tuple(found) if found is not None else ()
    outlets = [_read(processor) for processor in processors]
    if has_code:
        return outlets
    return [replace(o, target=_by_variables(o.target)) if o.target else o for o in outlets]


def _by_variables(target: Target) -> Target:
    # One that configure() made knows what it was decided by.
    is_ours = target.endpoint_from != _APP
    said = {} if is_ours else {"endpoint_from": ENDPOINT, "protocol_from": PROTOCOL}
    return replace(target, has_code=False, **said)  # type: ignore[arg-type]  # Texts, both.


def find_of_processors(outlets: list[Outlet], *, has_code: bool) -> Iterator[Finding]:
    """
    Yield what there is to say of how spans are handed on.
    """
    exporting = [outlet for outlet in outlets if outlet.exporter]
    simple = [outlet for outlet in exporting if outlet.is_simple and not outlet.is_local]
    if not exporting:
        names = ", ".join(outlet.processor for outlet in outlets)
        yield tell(
            "otel.processor.none",
            f"the provider exports nothing{f': it has {names} alone' if names else ''}",
            remedy="linq_otel.export.configure('jaeger') before instrument()"
            if has_code
            else f"export OTEL_TRACES_EXPORTER=otlp, or {BACKEND}=jaeger",
        )
    for outlet in simple:
        yield tell(
            "otel.processor.simple",
            f"{outlet.exporter} is behind a SimpleSpanProcessor",
            detail="Each span is exported in the request that ends it, which waits for the answer.",
            remedy=f"provider.add_span_processor(BatchSpanProcessor({outlet.exporter}(…)))",
        )
    batches = [outlet for outlet in exporting if outlet not in simple]
    if batches:
        named = ", ".join(f"{outlet.processor} → {outlet.exporter}" for outlet in batches)
        yield tell("otel.processor", f"spans go through {named}")


def show_headers(headers: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the names of the headers that somebody chose.
    """
    return tuple(sorted({name.lower() for name in headers} - _USUAL_HEADERS))


def _read(processor: object) -> Outlet:
    exporter = next((e for path in _TO_EXPORTER if (e := _follow(processor, path))), None)
    if exporter is None:
        return Outlet(type(processor).__name__, "")
    exporter, target = _unwrap(exporter)
    target = target or _find_target(exporter)
    names = show_headers(target.headers) if target else ()
    is_ended = any(_follow(*each) is True for each in _to_ended(processor, exporter))
    return Outlet(type(processor).__name__, type(exporter).__name__, target, names, is_ended)


def _to_ended(processor: object, exporter: object) -> Iterator[tuple[object, tuple[str, ...]]]:
    yield processor, ("_batch_processor", "_shutdown")
    yield processor, ("done",)
    yield exporter, ("_shutdown",)


def _unwrap(exporter: Any) -> tuple[Any, Target | None]:
    """
    Return what is inside wrappers, and where it exports to if a wrapper of ours knows.
    """
    target: Target | None = None
    for _ in range(_MOST_LAYERS):
        known: dict[str, Any] = getattr(exporter, "__dict__", {})
        inner: Any = known.get("_wrapped")
        if inner is None:
            break
        found: Any = known.get("_target")
        target = found if isinstance(found, Target) else target
        exporter = inner
    return exporter, target


def _find_target(exporter: object) -> Target | None:
    endpoint: Any = getattr(exporter, "_endpoint", None)
    module = type(exporter).__module__
    if not isinstance(endpoint, str) or not module.startswith("opentelemetry.exporter.otlp."):
        return None
    is_grpc = ".grpc." in module
    if is_grpc and "://" not in endpoint:
        scheme = "http" if getattr(exporter, "_insecure", False) else "https"
        endpoint = f"{scheme}://{endpoint}"
    return Target(
        signal="traces",
        backend=get_backend("otlp"),
        protocol="grpc" if is_grpc else "http/protobuf",
        url=endpoint,
        headers=_read_headers(exporter),
        compression="none",
        endpoint_from=_APP,
        protocol_from=_APP,
    )


def _read_headers(exporter: object) -> dict[str, str]:
    found: Any = next((h for path in _TO_HEADERS if (h := _follow(exporter, path))), None)
    if not found:
        return {}
    pairs = cast("Iterable[tuple[object, object]]", dict(found).items())
    return {
        str(name): str(value) for name, value in pairs if str(name).lower() not in _USUAL_HEADERS
    }


def _follow(start: Any, path: Iterable[str]) -> Any:
    for name in path:
        start = getattr(start, name, None)
    return start
