"""
Where spans leave for, and whether anybody takes them there.

Asked with an export of nothing, so that no backend shows what was only a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError
from linq_otel.export._checks import check_all
from linq_otel.export._plans import make_plan
from linq_otel.export._variables import BACKEND, DISABLED, find_destination
from linq_otel.export._wishes import Wishes

from ._findings import tell
from ._places import show_url
from ._processors import find_of_processors, read_outlets, show_headers


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linq_otel.export._answers import CheckResult
    from linq_otel.export._targets import Target

    from ._findings import Finding
    from ._processors import Outlet
    from ._scene import Scene


@dataclass(frozen=True, slots=True)
class Exports:
    """
    Where a set-up exports to.

    Attributes:
        findings: What is known without asking.
        targets: Who is to be asked.
    """

    findings: tuple[Finding, ...]
    targets: tuple[Target, ...] = ()


def read_exports(scene: Scene) -> Exports:
    """
    Read where *scene* exports to: from its provider, else from its environment.
    """
    if scene.has_provider and scene.is_sdk:
        return _read_provider(scene)
    if scene.has_provider or scene.is_live:
        return Exports(())
    return _read_environment(scene)


def ask_exports(targets: Sequence[Target], seconds: float) -> list[Finding]:
    """
    Ask each of *targets* whether it takes an export.
    """
    try:
        answers = check_all(targets, seconds)
    except ConfigurationError as error:
        return [_split("export.invalid", str(error))]
    return [_judge(target, answer) for target, answer in zip(targets, answers, strict=True)]


def _read_provider(scene: Scene) -> Exports:
    outlets = read_outlets(scene.provider)
    targets = {outlet.target.url: outlet.target for outlet in outlets if outlet.target}
    findings = [
        *find_of_processors(outlets),
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


def _read_environment(scene: Scene) -> Exports:
    environ = scene.environ
    if find_destination(environ) is None:
        return Exports(tuple(_find_off(environ.get("OTEL_TRACES_EXPORTER", ""))) or (_UNSET,))
    try:
        plan = make_plan(Wishes(), environ)
    except ConfigurationError as error:
        return Exports((_split("export.invalid", str(error)),))
    skipped = plan.skipped.get("traces", "")
    # That all is switched off is told as such.
    off = () if skipped.startswith(DISABLED) else _find_off(skipped.rpartition("=")[2])
    return Exports((*off, *_find_headers(plan.targets)), plan.targets)


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


def _judge(target: Target, answer: CheckResult) -> Finding:
    if answer.is_ok:
        how = "grpc" if target.protocol == "grpc" else "http"
        return tell("export.endpoint", f"{show_url(target.url)} takes {target.signal} by {how}")
    return _split("export.failed", answer.message)


def _split(code: str, message: str) -> Finding:
    # "what is wrong: what to type", as every error of ours that can be helped.
    seen, _, remedy = message.partition(": ")
    return tell(code, seen, remedy=remedy or "see docs/backends.md")


_UNSET = tell(
    "export.unset",
    "no variable says where to export to",
    detail="An app may say so in its code.",
    remedy=f"export {BACKEND}=jaeger, or linq_otel.export.configure('jaeger')",
)
