"""
Leaving a context that may not be the one that was entered.

A generator or a coroutine may be closed elsewhere: by the garbage collector, by
an event loop that ends, or by a framework that runs the two halves of a
dependency in two threads. A token of ``contextvars`` is refused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context


if TYPE_CHECKING:
    from contextvars import ContextVar, Token


def leave(
    variable: ContextVar[Any],
    entered: Token[Any],
    context: Context | None,
    attached: Token[Context] | None,
) -> bool:
    """
    Undo a ``set`` and the attaching of *context*, if it was attached; False in another context.
    """
    try:
        variable.reset(entered)
    except ValueError:
        # OpenTelemetry's `detach` would log an error.
        if attached is not None and otel_context.get_current() is context:
            # A copy of the context that was entered.
            before = attached.old_value
            otel_context.attach(before if isinstance(before, Context) else Context())
        return False
    if attached is not None:
        otel_context.detach(attached)
    return True
