"""
What is to be exported where: decided from arguments and environment, before anything is made.

Pure, so that every mistake that can be known beforehand is an error with a
text, and none of them leaves half an export behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError

from ._backends import SIGNALS, get_backend
from ._targets import Aim
from ._variables import BACKEND, ENDPOINT, REGION, find_refusal, find_variable


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._backends import Backend, Signal
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
        return get_backend(named.value)
    if wishes.endpoint is not None or find_variable(environ, ENDPOINT) is not None:
        return get_backend("otlp")
    raise ConfigurationError(
        f"nothing says where to export to: type configure('jaeger'), set {BACKEND}=jaeger, "
        f"or set {ENDPOINT}"
    )


def _find_region(wishes: Wishes, environ: Mapping[str, str], backend: Backend) -> str | None:
    if wishes.region is not None:
        return str(wishes.region).strip().lower()
    found = find_variable(environ, REGION, *backend.region_variables)
    return found.value.lower() if found is not None else None


def _check_region(backend: Backend, region: str | None) -> str | None:
    if region is None:
        return backend.default_region
    if backend.regions and region not in backend.regions:
        raise ConfigurationError(
            f"{backend.title} has no region {region!r}: type one of {', '.join(backend.regions)}"
        )
    # It becomes a part of a host's name.
    if not region.replace("-", "").isalnum() or not region.isascii():
        raise ConfigurationError("region= must be letters, digits and dashes")
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
    elsewhere = find_variable(environ, f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    if signal in backend.signals or elsewhere is not None:
        return None
    alone = f"{backend.title} takes {' and '.join(backend.signals)} alone"
    if wish:
        raise ConfigurationError(f"{alone}: leave out {signal}=True")
    return alone
