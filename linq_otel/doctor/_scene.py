"""
What is examined: an app's process from inside, or only the environment it will run in.

Decided once, so that every finding speaks of the same set-up. Nothing here is
set up by looking: no provider is made, no store opened, no variable reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import NoOpTracerProvider, ProxyTracerProvider

from linq_otel._runtime import find_tracing
from linq_otel._settings import Settings
from linq_otel.instrumentor import LinqInstrumentor
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor

from ._variables import without_invalid


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._settings import Options


SECONDS: Final = 2.0
"""How long anything that is asked may take."""


@dataclass(frozen=True, slots=True)
class Scene:
    """
    One set-up.

    Attributes:
        environ: The environment variables; their values are never shown.
        settings: The options in force: the app's own, else the environment's.
        provider: The tracer provider in force.
        is_live: True if this is an app's own process.
        is_tracing: True if calls are traced in it.
        is_receiving: True if webhook endpoints are instrumented in it.
        clock_url: Whose clock to compare with, if anybody's.
        seconds: How long anything that is asked may take.
    """

    environ: Mapping[str, str] = field(repr=False)
    settings: Settings
    provider: Any
    is_live: bool = False
    is_tracing: bool = False
    is_receiving: bool = False
    clock_url: str | None = None
    seconds: float = SECONDS

    @property
    def has_provider(self) -> bool:
        """
        True if somebody has set a provider that records.
        """
        return not isinstance(self.provider, (ProxyTracerProvider, NoOpTracerProvider))

    @property
    def is_sdk(self) -> bool:
        """
        True if the provider is the SDK's, or made of it.
        """
        return any(
            base.__module__.startswith("opentelemetry.sdk.") for base in type(self.provider).__mro__
        )


def look(
    environ: Mapping[str, str],
    options: Options,
    *,
    is_live: bool | None = None,
    clock_url: str | None = None,
) -> Scene:
    """
    Look at this process.

    Args:
        environ: The environment variables.
        options: Options that win over those in force.
        is_live: Whether this is an app's process; None finds out.
        clock_url: Whose clock to compare with.

    Raises:
        ConfigurationError: If one of *options* has a value we cannot use.
    """
    tracing = find_tracing()
    if tracing is None or options:
        settings = Settings.read(options, without_invalid(environ))
    else:
        settings = tracing.settings
    provider = settings.tracer_provider or trace.get_tracer_provider()
    is_set = not isinstance(provider, ProxyTracerProvider)
    return Scene(
        environ=environ,
        settings=settings,
        provider=provider,
        is_live=(is_set or tracing is not None) if is_live is None else is_live,
        is_tracing=bool(LinqInstrumentor().is_instrumented_by_opentelemetry),
        is_receiving=bool(LinqWebhooksInstrumentor().is_instrumented_by_opentelemetry),
        clock_url=clock_url,
    )
