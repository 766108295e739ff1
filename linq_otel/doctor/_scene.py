"""
What is examined: an app's process from inside, or only the environment it will run in.

Decided once, so that every finding speaks of the same set-up. Nothing here is
set up by looking: no provider is made, no store opened, no variable reported.
"""

from __future__ import annotations

import sys
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
    from linq_otel.webhooks._options import WebhookSettings


SECONDS: Final = 2.0
"""How long anything that is asked may take."""
DISABLED_INSTRUMENTATIONS: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
"""What opentelemetry-instrument leaves out."""
# Imported by the sitecustomize of opentelemetry-instrument, and by nothing else.
_AUTO: Final = "opentelemetry.instrumentation.auto_instrumentation"


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
        webhooks: The options of webhook endpoints in force, if they are instrumented.
        global_provider: The global tracer provider; it may be the one in force.
        is_auto: True if ``opentelemetry-instrument`` started the process.
        clock_url: Whose clock to compare with, if anybody's.
        seconds: How long anything that is asked may take.
    """

    environ: Mapping[str, str] = field(repr=False)
    settings: Settings
    provider: Any
    is_live: bool = False
    is_tracing: bool = False
    is_receiving: bool = False
    webhooks: WebhookSettings | None = None
    global_provider: Any = None
    is_auto: bool = False
    clock_url: str | None = None
    seconds: float = SECONDS

    @property
    def has_provider(self) -> bool:
        """
        True if somebody has set a provider that records.
        """
        return not is_unset(self.provider)

    @property
    def is_sdk(self) -> bool:
        """
        True if the provider is the SDK's, or made of it.
        """
        return is_of_sdk(self.provider)

    @property
    def other_provider(self) -> Any:
        """
        The global provider, if ``instrument()`` was given another one; else None.
        """
        known = {id(self.provider), id(getattr(self.provider, "provider", None))}
        other = self.global_provider
        # Wrappers of providers keep what they wrap under this name.
        is_same = bool(known & {id(other), id(getattr(other, "provider", self))})
        return None if is_same or is_unset(other) else other

    @property
    def has_code(self) -> bool:
        """
        True if code sets the process up, so that keywords can be advised; else only variables can.
        """
        return self.is_live and not self.is_auto

    def is_switched_off(self, name: str) -> bool:
        """
        True if ``opentelemetry-instrument`` leaves out the instrumentation *name*.
        """
        return bool({name, "*"} & self.switched_off)

    @property
    def switched_off(self) -> set[str]:
        """
        The names of the instrumentations that it leaves out, or ``*``.
        """
        said = self.environ.get(DISABLED_INSTRUMENTATIONS, "")
        return {part.strip() for part in said.split(",") if part.strip()}


def is_unset(provider: object) -> bool:
    """
    True if *provider* stands for one that was never set, or records nothing.
    """
    return provider is None or isinstance(provider, (ProxyTracerProvider, NoOpTracerProvider))


def is_of_sdk(provider: object) -> bool:
    """
    True if *provider* is the SDK's, or derived from it.
    """
    return any(base.__module__.startswith("opentelemetry.sdk.") for base in type(provider).__mro__)


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
    global_provider = trace.get_tracer_provider()
    provider = settings.tracer_provider or global_provider
    is_set = not isinstance(provider, ProxyTracerProvider)
    is_receiving = bool(LinqWebhooksInstrumentor().is_instrumented_by_opentelemetry)
    return Scene(
        environ=environ,
        settings=settings,
        provider=provider,
        is_live=(is_set or tracing is not None) if is_live is None else is_live,
        is_tracing=bool(LinqInstrumentor().is_instrumented_by_opentelemetry),
        is_receiving=is_receiving,
        webhooks=LinqWebhooksInstrumentor().settings if is_receiving else None,
        global_provider=global_provider,
        is_auto=_AUTO in sys.modules,
        clock_url=clock_url,
    )
