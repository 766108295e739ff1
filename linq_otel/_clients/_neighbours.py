"""
Whether OpenTelemetry's own instrumentation of a library is active.

Our calls silence it, so that no request is drawn twice, and with it the
headers it sends. Where it is active we send them in its place, and nowhere
else: who sent no ``traceparent`` yesterday sends none today.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any, Final


_PACKAGE: Final = "opentelemetry.instrumentation"
_HTTPX: Final = f"{_PACKAGE}.httpx"
_NAMES: Final = {
    "httpx": "HTTPXClientInstrumentor",
    "requests": "RequestsInstrumentor",
    "urllib3": "URLLib3Instrumentor",
    "urllib": "URLLibInstrumentor",
}


def is_instrumented(library: str) -> bool:
    """
    Tell whether the instrumentor of *library* is active in this process.
    """
    # Not imported: who has not loaded it has not activated it.
    module: Any = sys.modules.get(f"{_PACKAGE}.{library}")
    instrumentor: Any = getattr(module, _NAMES[library], None)
    if instrumentor is None:
        return False
    return bool(instrumentor().is_instrumented_by_opentelemetry)


def is_session_instrumented(session: Any) -> bool:
    """
    Tell whether an aiohttp *session* was made with a trace configuration of OpenTelemetry's.
    """
    module = f"{_PACKAGE}.aiohttp_client"
    if module not in sys.modules:
        return False
    configs: Any = getattr(session, "_trace_configs", None) or ()
    signals = [signal for config in configs for signal in config.on_request_start]
    return any(getattr(signal, "__module__", None) == module for signal in signals)


def is_client_instrumented(client: Any, url: Any) -> bool:
    """
    Tell whether an httpx *client*'s request to *url* would have been given headers.
    """
    if _HTTPX not in sys.modules:
        return False
    transport: object = client._transport_for_url(url)  # noqa: SLF001  # No public way to ask.
    kind: Any = type(transport)
    if kind.__module__ == _HTTPX:
        return True
    if getattr(client, "_is_instrumented_by_opentelemetry", False):
        return True
    return _is_wrapped(kind) and is_instrumented("httpx")


@lru_cache(maxsize=64)
def _is_wrapped(transport: type) -> bool:
    # It wraps the two transports of httpx, and no other that an app may have.
    names = {base.__name__ for base in transport.__mro__ if _is_of_httpx(base)}
    return bool(names & {"HTTPTransport", "AsyncHTTPTransport"})


def _is_of_httpx(base: type) -> bool:
    return base.__module__.partition(".")[0] == "httpx"
