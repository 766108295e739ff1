"""
Where spans leave for, and whether anybody takes them there.

Asked with an export of nothing, so that no backend shows what was only a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from linq_otel._backends import get_backend
from linq_otel.errors import ConfigurationError
from linq_otel.export._checks import check_all
from linq_otel.export._plans import make_plan
from linq_otel.export._variables import (
    BACKEND,
    DISABLED,
    PROTOCOL,
    find_destination,
    find_exporter_variable,
)
from linq_otel.export._wishes import Wishes

from ._findings import tell
from ._objects import entry_points
from ._places import show_url
from ._processors import find_of_processors, read_outlets, show_headers


if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from linq_otel.export._answers import CheckResult
    from linq_otel.export._targets import Target

    from ._findings import Finding
    from ._processors import Outlet
    from ._scene import Scene


_AUTO: Final = "opentelemetry-instrument"
# The SDK's, and that of every distro but one.
_DEFAULT: Final = "http://localhost:4317"
_AWS: Final = "aws-opentelemetry-distro"


@dataclass(frozen=True, slots=True)
class Exports:
    """
    Where a set-up exports to.

    Attributes:
        findings: What is known without asking.
        targets: The endpoints to ask.
        rivals: Where ``opentelemetry-instrument`` would export to by the same variables, if that is
            elsewhere or by another protocol: by the URL of the target.
    """

    findings: tuple[Finding, ...]
    targets: tuple[Target, ...] = ()
    rivals: Mapping[str, Target] = field(default_factory=dict[str, "Target"])


def read_exports(scene: Scene, packages: Container[str] = ()) -> Exports:
    """
    Read where *scene* exports to: from its provider, else from its environment.

    Args:
        scene: The set-up.
        packages: The names of what is installed.
    """
    if scene.has_provider and scene.is_sdk:
        return _read_provider(scene)
    if scene.has_provider or scene.is_live:
        return Exports(())
    return _read_environment(scene, packages)


def ask_exports(exports: Exports, seconds: float) -> list[Finding]:
    """
    Ask each endpoint of *exports* whether it takes an export.
    """
    targets = exports.targets
    try:
        answers = check_all([*targets, *exports.rivals.values()], seconds)
    except ConfigurationError as error:
        return [_split("export.invalid", str(error))]
    of_rivals = dict(zip(exports.rivals, answers[len(targets) :], strict=True))
    return [
        _judge(target, answer, exports.rivals.get(target.url), of_rivals.get(target.url))
        for target, answer in zip(targets, answers, strict=False)
    ]


def _read_provider(scene: Scene) -> Exports:
    outlets = read_outlets(scene.provider, has_code=scene.has_code)
    targets = {outlet.target.url: outlet.target for outlet in outlets if outlet.target}
    findings = [
        *find_of_processors(outlets, has_code=scene.has_code),
        *_find_headers(list(targets.values())),
        *(_tell_other(outlet) for outlet in outlets if outlet.exporter and not outlet.target),
    ]
    return Exports(tuple(findings), tuple(targets.values()))


def _tell_other(outlet: Outlet) -> Finding:
    why = "It keeps or prints spans here" if outlet.is_local else "It speaks no OTLP we know"
    return tell(
        "export.other",
        f"{outlet.exporter} cannot be asked",
        detail=f"{why}: whether its spans arrive, only its other end can tell.",
    )


def _read_environment(scene: Scene, packages: Container[str]) -> Exports:
    environ = scene.environ
    is_auto = has_configurator()
    if find_destination(environ) is None:
        off = tuple(_find_off(environ.get("OTEL_TRACES_EXPORTER", "")))
        return Exports(off or (_tell_unset(is_auto=is_auto),))
    try:
        plan = make_plan(Wishes(), environ)
    except ConfigurationError as error:
        return Exports((_split("export.invalid", str(error)),))
    skipped = plan.skipped.get("traces", "")
    # That all is switched off is told as such.
    off = () if skipped.startswith(DISABLED) else tuple(_find_off(skipped.rpartition("=")[2]))
    rivals = {t.url: r for t in plan.targets if (r := _find_rival(t, environ, packages))}
    return Exports((*off, *_find_headers(plan.targets)), plan.targets, rivals if is_auto else {})


def has_configurator() -> bool:
    """
    True if ``opentelemetry-instrument`` sets an SDK up here: a distro is installed.
    """
    return bool(entry_points("opentelemetry_configurator"))


def _find_rival(
    target: Target, environ: Mapping[str, str], packages: Container[str]
) -> Target | None:
    """
    Return where the SDK's own exporter would go, if no variable names the protocol.

    Its default is gRPC at any port; configure() goes by the port.
    """
    signal = target.signal
    said = find_exporter_variable(environ, signal, "PROTOCOL")
    exporters = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").lower()
    if said or "otlp_proto_http" in exporters or target.protocol == "grpc" or _AWS in packages:
        return None
    endpoint = find_exporter_variable(environ, signal, "ENDPOINT")
    url = urlsplit(endpoint.value if endpoint else _DEFAULT)
    return replace(
        target,
        backend=get_backend("otlp"),
        protocol="grpc",
        url=f"{url.scheme}://{url.netloc}",
        compression="none",
        protocol_from="the SDK's default",
    )


def _find_off(exporters: str) -> Iterator[Finding]:
    if exporters.strip().lower() in {"none", "console"}:
        yield tell(
            "export.off",
            f"OTEL_TRACES_EXPORTER={exporters.strip()} exports no span",
            remedy="unset OTEL_TRACES_EXPORTER",
        )


def _find_headers(targets: Sequence[Target]) -> Iterator[Finding]:
    named = {name for target in targets for name in show_headers(target.headers)}
    if named:
        yield tell(
            "export.headers",
            f"sent with each export: {', '.join(sorted(named))} (values not shown)",
        )


def _judge(
    target: Target, answer: CheckResult, rival: Target | None, of_rival: CheckResult | None
) -> Finding:
    place = f"{show_url(target.url)} takes {target.signal} by {_name(target)}"
    if rival is None or of_rival is None:
        if answer.is_ok:
            return tell("export.endpoint", place)
        return _split("export.failed", answer.message)
    if answer.is_ok and of_rival.is_ok:
        return tell("export.endpoint", f"{place} and by {_name(rival)}")
    if not answer.is_ok and not of_rival.is_ok:
        return _split("export.failed", answer.message)
    taken, refused = (target, rival) if answer.is_ok else (rival, target)
    exporter = _AUTO if answer.is_ok else "configure()"
    return tell(
        "export.protocol",
        f"{show_url(taken.url)} takes {taken.signal} by {_name(taken)}, and not by "
        f"{_name(refused)}, which {exporter} takes where {PROTOCOL} is not set",
        detail=(of_rival if answer.is_ok else answer).message.partition(": ")[0] + ".",
        remedy=f"export {PROTOCOL}={taken.protocol}",
    )


def _name(target: Target) -> str:
    return "grpc" if target.protocol == "grpc" else "http"


def _split(code: str, message: str) -> Finding:
    # "what is wrong: what to type", as every error of ours that can be helped.
    seen, _, remedy = message.partition(": ")
    return tell(code, seen, remedy=remedy or "see docs/backends.md")


def _tell_unset(*, is_auto: bool) -> Finding:
    auto = f" {_AUTO} exports to {_DEFAULT} by grpc." if is_auto else ""
    return tell(
        "export.unset",
        "no variable says where to export to",
        detail=f"An app may say so in its code.{auto}",
        remedy=f"export {BACKEND}=jaeger, or linq_otel.export.configure('jaeger')",
    )
