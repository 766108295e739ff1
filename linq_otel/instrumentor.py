"""
The instrumentor of the Linq SDK: ``opentelemetry-instrument`` finds it by its entry point ``linq``.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from ._client import SdkSeams
from ._patching import Patches
from ._runtime import configure_tracing, forget_tracing
from ._shield import report


if TYPE_CHECKING:
    from collections.abc import Collection

    from typing_extensions import Unpack

    from ._settings import Options


__all__ = ["LinqInstrumentor"]

_INSTRUMENTS = ("linq-python >= 0.20",)


class LinqInstrumentor(BaseInstrumentor):
    """
    Traces every call made through ``linq-python``.

    ::

        from linq_otel import LinqInstrumentor

        LinqInstrumentor().instrument(store="sqlite:///linq.db")

    The keywords are those of :class:`linq_otel.Options`, each with an
    environment variable behind it.
    """

    _patches: Patches | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """
        Return the distribution this instruments.
        """
        return _INSTRUMENTS

    def _instrument(self, **kwargs: Unpack[Options]) -> None:
        tracing = configure_tracing(kwargs)
        if not _has_linq_sdk():
            # Several distributions on PyPI import as `linq`; ours is not among those here.
            report("linq-python", "linq-python is not installed; its calls are not traced")
            return
        self._patches = Patches("the Linq SDK")
        SdkSeams(tracing).install(self._patches)

    def _uninstrument(self, **_kwargs: Any) -> None:
        patches, self._patches = self._patches, None
        if patches is not None:
            patches.remove()
        forget_tracing()


def instrument(**options: Unpack[Options]) -> None:
    """
    Instrument everything this package knows: the Linq SDK.

    Args:
        **options: See :class:`linq_otel.Options`; each may be left out.

    Raises:
        ConfigurationError: If an option has a value we cannot use.
    """
    LinqInstrumentor().instrument(**cast("dict[str, Any]", options))


def uninstrument() -> None:
    """
    Give the original functions back and forget the options.
    """
    LinqInstrumentor().uninstrument()


def _has_linq_sdk() -> bool:
    try:
        distribution("linq-python")
    except PackageNotFoundError:
        return False
    return True
