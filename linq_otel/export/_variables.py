"""
The standard variables of OpenTelemetry's exporters, each for one signal or for all.

They win over whatever the code says: who runs an app can send its telemetry
elsewhere without touching it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linq_otel._backends import SIGNALS


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Signal


BACKEND: Final = "OTEL_PYTHON_LINQ_BACKEND"
REGION: Final = "OTEL_PYTHON_LINQ_BACKEND_REGION"
DISABLED: Final = "OTEL_SDK_DISABLED"
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
TEMPORALITY: Final = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"


@dataclass(frozen=True, slots=True)
class Found:
    """
    A value and where it is from, which is told to whoever asks why.
    """

    value: str
    where: str


def find_variable(environ: Mapping[str, str], *names: str) -> Found | None:
    """
    Answer the first of *names* that is set; an empty one counts as not set.
    """
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            return Found(value, name)
    return None


def find_exporter_variable(environ: Mapping[str, str], signal: Signal, what: str) -> Found | None:
    """
    Answer what the exporter of *signal* is told: its own variable, else that of all signals.
    """
    prefix = "OTEL_EXPORTER_OTLP"
    return find_variable(environ, f"{prefix}_{signal.upper()}_{what}", f"{prefix}_{what}")


def endpoint_of(signal: Signal) -> str:
    """
    Answer the variable that names the whole URL of one *signal*.
    """
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"


def find_destination(environ: Mapping[str, str]) -> Found | None:
    """
    Answer which variable says where to export to, be it one signal alone.
    """
    return find_variable(environ, BACKEND, ENDPOINT, *map(endpoint_of, SIGNALS))


def find_refusal(environ: Mapping[str, str], signal: Signal) -> str | None:
    """
    Answer which variable keeps *signal* from being exported by OTLP, or None.
    """
    if environ.get(DISABLED, "").strip().lower() == "true":
        return f"{DISABLED}=true"
    chosen = find_variable(environ, f"OTEL_{signal.upper()}_EXPORTER")
    if chosen is None:
        return None
    exporters = {part.strip().lower() for part in chosen.value.split(",")}
    if any(part == "otlp" or part.startswith("otlp_") for part in exporters):
        return None
    return f"{chosen.where}={chosen.value}"
