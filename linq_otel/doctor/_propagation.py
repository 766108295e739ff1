"""
In which headers trace context travels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.propagate import get_global_textmap

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._findings import Finding


def find_of_propagators() -> Iterator[Finding]:
    """
    Yield what there is to say of the propagators.
    """
    headers = sorted(get_global_textmap().fields)
    if "traceparent" in headers:
        yield tell("otel.propagators", f"trace context travels in {', '.join(headers)}")
        return
    yield tell(
        "otel.propagators.other",
        f"trace context travels in {', '.join(headers) or 'no header'}, not in traceparent",
        detail="What is stored for webhooks is not concerned; calls between your own services are.",
        remedy="export OTEL_PROPAGATORS=tracecontext,baggage",
    )
