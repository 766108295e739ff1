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
_INSTRUMENTORS: Final = {
    "httpx": (_HTTPX, "HTTPXClientInstrumentor"),
    "httpx2": (_HTTPX, "HTTPX2ClientInstrumentor"),
    "requests": (f"{_PACKAGE}.requests", "RequestsInstrumentor"),
    "urllib3": (f"{_PACKAGE}.urllib3", "URLLib3Instrumentor"),
    "urllib": (f"{_PACKAGE}.urllib", "URLLibInstrumentor"),
}


def is_instrumented(library: str) -> bool:
    """
    Tell whether the instrumentor of *library* is active in this process.
    """
    # Not imported: who has not loaded it has not activated it.
    module, name = _INSTRUMENTORS[library]
    instrumentor: Any = getattr(sys.modules.get(module), name, None)
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


def is_client_instrumented(library: str, client: Any, url: Any) -> bool:
    """
    Tell whether a request to *url* by a *client* of httpx or httpx2 would have been given headers.
    """
    if _HTTPX not in sys.modules:
        return False
    transport: object = client._transport_for_url(url)  # noqa: SLF001  # No public way to ask.
    kind: Any = type(transport)
    if kind.__module__ == _HTTPX:
        return True
    if getattr(client, "_is_instrumented_by_opentelemetry", False):
        return True
    return _is_wrapped(kind, library) and is_instrumented(library)


@lru_cache(maxsize=64)
def _is_wrapped(transport: type, library: str) -> bool:
    # It wraps the two transports of the library, and no other that an app may have.
    return any(
        base.__module__.partition(".")[0] == library
        and base.__name__ in {"HTTPTransport", "AsyncHTTPTransport"}
        for base in transport.__mro__
    )
