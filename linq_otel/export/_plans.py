"""
What is to be exported where: decided from arguments and environment, before anything is made.

Pure, so that every mistake that can be known beforehand is an error with a
text, and none of them leaves half an export behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel._backends import SIGNALS, get_backend
from linq_otel.errors import ConfigurationError

from ._targets import Aim
from ._variables import (
    BACKEND,
    ENDPOINT,
    REGION,
    Found,
    endpoint_of,
    find_destination,
    find_refusal,
    find_variable,
)


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Backend, Signal

    from ._targets import Target
    from ._wishes import Wishes


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is exported where.

    Attributes:
        skipped: Why a signal is not exported.
    """

    backend: Backend
    region: str | None
    targets: tuple[Target, ...]
    skipped: Mapping[Signal, str]


def make_plan(wishes: Wishes, environ: Mapping[str, str]) -> Plan:
    """
    Decide what is exported where; a variable of the standard wins over a wish.

    Raises:
        ConfigurationError: If that cannot work; the text says what to type.
    """
    backend = _choose_backend(wishes, environ)
    region = _find_region(wishes, environ, backend)
    if region is not None and backend.direct is not None:
        backend = backend.direct
    elif wishes.api_key is not None and not backend.needs_key and backend.direct is not None:
        sites = ", ".join(backend.direct.regions)
        raise ConfigurationError(
            f"{backend.title} needs no api_key: leave it out, or type region= as well "
            f"({sites}) to export to {backend.direct.title} without it"
        )
    skipped: dict[Signal, str] = {
        s: why for s in SIGNALS if (why := _find_skip(s, wishes, environ, backend))
    }
    aim = Aim(wishes, environ, backend, _check_region(backend, region))
    targets = tuple(aim.get_target(signal) for signal in SIGNALS if signal not in skipped)
    return Plan(backend, aim.region, targets, skipped)


def _choose_backend(wishes: Wishes, environ: Mapping[str, str]) -> Backend:
    if wishes.backend is not None:
        return get_backend(wishes.backend)
    named = find_variable(environ, BACKEND)
    if named is not None:
        return get_backend(named.value, named.where)
    if wishes.endpoint is not None or find_destination(environ) is not None:
        return get_backend("otlp")
    raise ConfigurationError(
        f"nothing says where to export to: type configure('jaeger'), set {BACKEND}=jaeger, "
        f"or set {ENDPOINT}"
    )


def _names_place(wishes: Wishes, environ: Mapping[str, str]) -> bool:
    """
    Tell whether every signal has a place to go to, be it a backend's default.
    """
    if wishes.backend is not None or wishes.endpoint is not None:
        return True
    return find_variable(environ, BACKEND, ENDPOINT) is not None


def _find_region(wishes: Wishes, environ: Mapping[str, str], backend: Backend) -> Found | None:
    if wishes.region is not None:
        return Found(str(wishes.region).strip(), "region=")
    return find_variable(environ, REGION, *backend.region_variables)


def _check_region(backend: Backend, said: Found | None) -> str | None:
    if said is None:
        return backend.default_region
    region = said.value.lower()
    if backend.regions and region not in backend.regions:
        where = "" if said.where == "region=" else f", as {said.where} says"
        raise ConfigurationError(
            f"{backend.title} has no region {region!r}{where}: "
            f"type one of {', '.join(backend.regions)}"
        )
    # It becomes a part of a host's name.
    if not region.replace("-", "").isalnum() or not region.isascii():
        raise ConfigurationError(f"{said.where} must be letters, digits and dashes")
    return region


def _find_skip(
    signal: Signal, wishes: Wishes, environ: Mapping[str, str], backend: Backend
) -> str | None:
    refusal = find_refusal(environ, signal)
    if refusal is not None:
        return refusal
    wish = wishes.signals.get(signal)
    if wish is False:
        return f"{signal}=False"
    # Somebody may have a place of its own for what the backend does not take.
    if find_variable(environ, endpoint_of(signal)) is not None:
        return None
    if not _names_place(wishes, environ):
        unsaid = f"set {endpoint_of(signal)}, or {ENDPOINT} for every signal"
        if wish:
            raise ConfigurationError(f"nothing says where to export {signal} to: {unsaid}")
        return f"nothing says where to; {unsaid}"
    if signal in backend.signals:
        return None
    alone = f"{backend.title} takes {' and '.join(backend.signals)} alone"
    if wish:
        raise ConfigurationError(f"{alone}: leave out {signal}=True")
    return alone
