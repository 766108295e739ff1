"""
An export in words: what goes where, who decided that, and how to say the same without code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from ._variables import ENDPOINT, HEADERS, PROTOCOL, TEMPORALITY, endpoint_of


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.resources import Resource

    from ._plans import Plan
    from ._providers import How, Outlet
    from ._targets import Target


__all__ = ["explain", "find_variables"]

_PROVIDERS: Final[Mapping[How, str]] = {
    "global": "by a provider made for it, now the global one",
    "added": "beside what the app's own provider exports",
    "private": "by a private provider, as the app's own takes no other export: "
    "pass it to instrument()",
    "there": "by the app's own provider, which exports there already: nothing is added",
}
_UNNAMED: Final = "unknown_service"


def explain(plan: Plan, outlets: Sequence[Outlet], resource: Resource) -> str:
    """
    Say what was chosen and why; keys are not shown.
    """
    lines = [f"Export to {plan.backend.title}"]
    lines += [f"  {what}: {text}" for what, text in _say_signals(plan, outlets)]
    lines += _say_service(outlets, resource)
    if plan.backend.late is not None and plan.backend.late_action == "clamp":
        hours = plan.backend.late.total_seconds() / 3600
        source = plan.backend.late_source or plan.backend.source
        lines.append(f"  spans older than {hours:g} hours are not taken ({source})")
    if any(target.protocol == "grpc" for target in plan.targets):
        lines.append("  gRPC is not safe across a fork: under gunicorn --preload use http/protobuf")
    variables = find_variables(plan)
    if variables:
        lines.append("  The same without code:")
        lines += [f"    {name}={value}" for name, value in variables.items()]
    return "\n".join(lines)


def _say_signals(plan: Plan, outlets: Sequence[Outlet]) -> Iterator[tuple[str, str]]:
    for outlet in outlets:
        target = outlet.target
        yield target.signal, f"to {target.url}, {_PROVIDERS[outlet.how]}"
        chosen = f"{target.endpoint_from}; {target.protocol} by {target.protocol_from}"
        yield "  chosen by", chosen
        if target.headers:
            yield "  headers", f"{', '.join(target.headers)} (their values are not shown)"
        if target.compression != "none":
            yield "  compression", target.compression
    for signal, why in plan.skipped.items():
        yield signal, f"not exported: {why}"


def _say_service(outlets: Sequence[Outlet], resource: Resource) -> Iterator[str]:
    if any(outlet.is_ours for outlet in outlets):
        name = str(resource.attributes.get("service.name", _UNNAMED)).partition(":")[0]
        advice = ": type service_name=… or set OTEL_SERVICE_NAME"
        yield f"  service.name: {name}{advice if name == _UNNAMED else ''}"
    if any(not outlet.is_ours for outlet in outlets):
        yield "  resource and sampler: those of the app's own provider"


def find_variables(plan: Plan) -> dict[str, str]:
    """
    Return the standard variables that configure any SDK the same, without keys.
    """
    if not plan.targets:
        return {}
    variables: dict[str, str] = {}
    said = [_find_variables_of(plan, target) for target in plan.targets]
    if all(each == said[0] for each in said) and all(map(_has_base, plan.targets)):
        variables.update(said[0])
    else:
        for target, each in zip(plan.targets, said, strict=True):
            own = f"_OTLP_{target.signal.upper()}_"
            variables |= {name.replace("_OTLP_", own): value for name, value in each.items()}
            variables[endpoint_of(target.signal)] = target.url
    for signal in plan.skipped:
        variables[f"OTEL_{signal.upper()}_EXPORTER"] = "none"
    if plan.backend.delta and "metrics" not in plan.skipped:
        variables[TEMPORALITY] = "delta"
    return variables


def _find_variables_of(plan: Plan, target: Target) -> dict[str, str]:
    variables = {ENDPOINT: _base(target), PROTOCOL: target.protocol}
    if target.headers:
        pairs = {
            name: value if value in plan.backend.headers.values() else "<yours>"
            for name, value in target.headers.items()
        }
        variables[HEADERS] = ",".join(f"{name}={value}" for name, value in pairs.items())
    return variables


def _base(target: Target) -> str:
    url = urlsplit(target.url)
    return urlunsplit(url._replace(path=url.path.removesuffix(f"/v1/{target.signal}")))


def _has_base(target: Target) -> bool:
    # The variable of one signal may name a path that no other signal could share.
    return target.protocol == "grpc" or target.url.endswith(f"/v1/{target.signal}")
