"""
The instrumentor of the Linq SDK: ``opentelemetry-instrument`` finds it by its entry point ``linq``.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from ._client import SdkSeams
from ._clients import install_clients
from ._configuration import LinqConfiguration
from ._patching import Patches
from ._runtime import configure_tracing, forget_tracing, get_tracing, report_passed_over
from ._unwrap import install_unwrap


if TYPE_CHECKING:
    from collections.abc import Collection

    from typing_extensions import Unpack

    from ._settings import Options


__all__ = ["LinqInstrumentor"]


class LinqInstrumentor(BaseInstrumentor):
    """
    Traces every call of the Linq API: through ``linq-python``, or by bare HTTP.

    ::

        from linq_otel import LinqInstrumentor

        LinqInstrumentor().instrument(store="sqlite:///linq.db")

    The keywords are those of :class:`linq_otel.Options`, each with an
    environment variable behind it.
    """

    configuration = LinqConfiguration
    """What the declarative configuration file may say (OpenTelemetry SDK 1.44 and later)."""

    _patches: tuple[Patches, ...] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        """
        Return nothing: without the SDK there is bare HTTP to trace, if only the standard library's.
        """
        return ()

    def instrument(self, **kwargs: Any) -> None:
        """
        Trace the calls of this process; once it does so, other options are reported.

        Args:
            **kwargs: See :class:`linq_otel.Options`.

        Raises:
            ConfigurationError: If an option has a value we cannot use.
        """
        if self.is_instrumented_by_opentelemetry:
            report_passed_over(kwargs)
        super().instrument(**kwargs)

    def _instrument(self, **kwargs: Unpack[Options]) -> None:
        # Without options, what a webhook endpoint was configured with stays in force.
        tracing = configure_tracing(kwargs) if kwargs else get_tracing()
        sdk, clients = Patches("the Linq SDK"), Patches("an HTTP library")
        self._patches = (sdk, clients)
        # Several distributions on PyPI import as `linq`; ours may not be among those here.
        if _has_linq_sdk():
            sdk.when_imported("linq._base_client", partial(SdkSeams(tracing).install, sdk))
            sdk.when_imported("linq.resources.webhooks", partial(install_unwrap, tracing, sdk))
        install_clients(tracing, clients)

    def _uninstrument(self, **_kwargs: Any) -> None:
        for patches in self._patches:
            patches.remove()
        self._patches = ()
        forget_tracing()


def _has_linq_sdk() -> bool:
    try:
        distribution("linq-python")
    except PackageNotFoundError:
        return False
    return True
