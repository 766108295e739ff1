"""
Span links for apps that are traced already: no store, no middleware, no new spans.

The app keeps the traces it has. A span of its own that concerns a message,
say the one of a webhook or of a job that reads its status, is linked to the
message's life, so that one click leads there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from opentelemetry import trace

from ._events import Event
from ._linking import Target, enrich, find_links
from ._origins import Origin
from ._runtime import get_tracing
from ._shield import shield
from .errors import ConfigurationError


if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span
    from typing_extensions import Unpack


__all__ = ["LinkTarget", "link_to_linq", "linq_links"]

_TYPES: Final[dict[str, type]] = {
    "linq_trace_id": str,
    "message_id": str,
    "event": Event,
    "origin": Origin,
}


class LinkTarget(TypedDict, total=False):
    """
    What is known of a message; at least one must be given, and each may be None.

    Attributes:
        linq_trace_id: The ``X-Trace-ID`` of the send, or the ``trace_id`` of a
            webhook. It names the life, except under ``join="message"``.
        message_id: The message. Alone it names the life under
            ``join="message"``; elsewhere it becomes an attribute, and the life
            if the Linq trace id beside it is malformed.
        event: A webhook, as ``WebhookReceiver.accept`` returns it. One that
            failed verification links nothing, whatever else is given.
        origin: What was kept of the send (:mod:`linq_otel.origins`). Its word
            on where the life is drawn comes first, and it alone can name the
            sending span, and the life under ``join="app"``.
    """

    linq_trace_id: str | None
    message_id: str | None
    event: Event | None
    origin: Origin | None


def link_to_linq(span: Span | None = None, **target: Unpack[LinkTarget]) -> None:
    """
    Link a span of the app's own to a message's life, and say which message it is.

    ::

        with tracer.start_as_current_span("refund"):
            link_to_linq(linq_trace_id=row.linq_trace_id, message_id=row.message_id)

    The links say in ``linq.link`` what they lead to: ``lifecycle`` is the
    anchor of the message's life, ``send`` the span that sent it, ``cause`` the
    call that led to an event of no message. A life that is not sampled, an id
    that is malformed, and an event of no known message give none. A span that
    does not record is left alone.

    Args:
        span: The span; the current one if left out.
        **target: See :class:`LinkTarget`.

    Raises:
        ConfigurationError: If nothing is given to link to.
        TypeError: If something is given that is not what it should be.
    """
    known = _read(target)
    _check("span", span, trace.Span)
    with shield("linking a span"):
        enrich(get_tracing(), span or trace.get_current_span(), known)


def linq_links(**target: Unpack[LinkTarget]) -> list[Link]:
    """
    Return the links of :func:`link_to_linq`, for a span that is yet to be started.

    Samplers see the links a span is started with, and none that come later::

        links = linq_links(linq_trace_id=row.linq_trace_id)
        with tracer.start_as_current_span("refund", links=links):
            ...

    Args:
        **target: See :class:`LinkTarget`.

    Raises:
        ConfigurationError: If nothing is given to link to.
        TypeError: If something is given that is not what it should be.
    """
    known = _read(target)
    with shield("finding links"):
        return find_links(get_tracing(), known)
    return []


def _read(target: LinkTarget) -> Target:
    given: dict[str, Any] = {**target}
    if not given:
        raise ConfigurationError(f"nothing to link to: give one of {', '.join(_TYPES)}")
    for name, value in given.items():
        if name not in _TYPES:
            raise TypeError(f"unexpected keyword {name!r}; give one of {', '.join(_TYPES)}")
        _check(name, value, _TYPES[name])
    return Target(**given)


def _check(name: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} must be {kind.__name__} or None, not {type(value).__name__}")
