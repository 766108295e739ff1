"""
The instrumentor of webhook endpoints: its entry point is ``linq_webhooks``.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from linq_otel._patching import Patches
from linq_otel._runtime import adopt_tracing, forget_tracing, report_late, report_passed_over
from linq_otel._shield import report, type_name
from linq_otel.errors import ConfigurationError

from ._endpoint import Endpoint
from ._frameworks import SEAMS
from ._options import LinqWebhooksConfiguration, WebhookOptions, WebhookSettings, split
from ._receiver import WebhookReceiver, check_secrets, find_secrets


if TYPE_CHECKING:
    from collections.abc import Collection

    from typing_extensions import Unpack

    from linq_otel._settings import Settings

__all__ = ["LinqWebhooksInstrumentor", "WebhookOptions"]


class LinqWebhooksInstrumentor(BaseInstrumentor):
    """
    Joins the Linq webhooks that arrive in Starlette, FastAPI, Flask, Django or aiohttp.

    ::

        from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor

        LinqWebhooksInstrumentor().instrument(paths=["/webhooks/linq"])

    The keywords are those of :class:`WebhookOptions`, each
    with an environment variable behind it. Those that ``LinqInstrumentor``
    has too (``store``, ``join`` and so on) count only if the process is not
    configured yet: a sender and a receiver share one store, and what was
    configured first is kept.

    A framework is patched once the app has imported it. Apps that were built
    before, and but for Django even those that serve already, are instrumented
    too; Django must not have loaded its middlewares. Where ``enforce`` cannot
    guard a framework, its import raises ``ConfigurationError``.
    """

    configuration = LinqWebhooksConfiguration
    """What the declarative configuration file may say (OpenTelemetry SDK 1.44 and later)."""

    _patches: Patches | None = None
    _adopted: bool = False
    _settings: WebhookSettings = WebhookSettings()

    @property
    def settings(self) -> WebhookSettings:
        """
        The options in force.
        """
        return self._settings

    def instrumentation_dependencies(self) -> Collection[str]:
        """
        Return nothing: a framework that is not there is passed over.
        """
        return ()

    def instrument(self, **kwargs: Any) -> None:
        """
        Instrument the web frameworks; once it has done so, other options are reported.

        Args:
            **kwargs: See :class:`WebhookOptions`.

        Raises:
            ConfigurationError: If an option has a value we cannot use.
        """
        if self.is_instrumented_by_opentelemetry:
            own, shared = split(cast("WebhookOptions", kwargs))
            wanted = WebhookSettings.read(own)
            report_passed_over(shared)
            report_late(n for n in own if getattr(wanted, n) != getattr(self._settings, n))
        super().instrument(**kwargs)

    def _instrument(self, **kwargs: Unpack[WebhookOptions]) -> None:
        own, shared = split(kwargs)
        self._settings = settings = WebhookSettings.read(own)
        if shared:
            self._adopted = adopt_tracing(shared)
        self._check_secrets(enforce=settings.enforce, is_typed=bool(kwargs))
        receiver = _Receiver(
            enforce=settings.enforce, duplicates=settings.duplicates, max_body=settings.max_body
        )
        self._patches = patches = Patches("the web framework")
        endpoint = Endpoint(settings.paths, receiver)
        try:
            for module, seam in SEAMS.items():
                patches.when_imported(module, partial(_install, seam, patches, endpoint))
        except ConfigurationError:
            self._uninstrument()
            raise

    def _check_secrets(self, *, enforce: bool, is_typed: bool) -> None:
        try:
            check_secrets(find_secrets(), enforce=enforce)
        except ConfigurationError as error:
            if is_typed:
                self._forget()
                raise
            # `opentelemetry-instrument` would log it and start the app with nothing guarded.
            report("webhooks: secret", f"{error}; no webhook is let in")

    def _uninstrument(self, **_kwargs: Any) -> None:
        patches, self._patches = self._patches, None
        if patches is not None:
            patches.remove()
        self._forget()

    def _forget(self) -> None:
        if self._adopted:
            self._adopted = False
            forget_tracing()


class _Receiver(WebhookReceiver):
    """
    A receiver whose secrets were looked at before.
    """

    def _check_secrets(self, own: Settings | None) -> None:
        """Nothing is left to check: without a secret that works, it refuses."""


def _install(seam: str, patches: Patches, endpoint: Endpoint) -> None:
    try:
        # Only now: a seam imports its framework.
        import_module(f"{__package__}._frameworks.{seam}").install(patches, endpoint)
    except Exception as error:
        if not endpoint.enforces:
            raise
        raise ConfigurationError(f"enforce cannot guard {seam}: {type_name(error)}") from error
    if endpoint.enforces and not patches.is_whole:
        raise ConfigurationError(f"enforce cannot guard this version of {seam}")
