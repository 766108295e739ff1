"""
An exporter whose failures are explained, once.

Exporters log what they were answered. The line added here says what to type.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from linq_otel._shield import report, shield

from ._checks import check_all


if TYPE_CHECKING:
    from ._targets import Target


_CHECK_SECONDS: Final = 5.0
_QUIET_SECONDS: Final = 60.0


class Watched:
    """
    Passes everything on to *exporter*, and looks into what fails.

    A class of one's own for each signal would have to follow what each
    version of the SDK asks of an exporter; this has whatever the real one has.

    Attributes:
        failures: How many exports have failed.
    """

    def __init__(self, exporter: Any, target: Target) -> None:
        self._wrapped = exporter
        self._target = target
        self._quiet_until = 0.0
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """
        Export, and say what to type if that fails for a reason that will not pass.
        """
        try:
            result = self._wrapped.export(*args, **kwargs)
        except Exception:
            self._explain()
            raise
        if getattr(result, "name", "") != "SUCCESS":
            self._explain()
        return result

    def _explain(self) -> None:
        self.failures += 1
        if time.monotonic() < self._quiet_until:
            return
        self._quiet_until = time.monotonic() + _QUIET_SECONDS
        with shield("explaining a failed export"):
            (found,) = check_all([self._target], _CHECK_SECONDS)
            if not found.is_ok:
                report(
                    f"export {found.signal}: {found.message}",
                    f"{found.signal} are not exported: {found.message}",
                )
