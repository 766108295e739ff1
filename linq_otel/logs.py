"""
Linq's ids on the app's own log records.

Inside a call of the API or the handler of a webhook, each record says which
message it is about, so that a log can be searched by what Linq's support
asks for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._calls import current_call
from ._deliveries import current_event
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import MutableMapping


__all__ = ["LinqLogFilter", "add_linq_ids"]


class LinqLogFilter(logging.Filter):
    """
    Puts ``linq_trace_id``, ``linq_message_id`` and ``linq_event_id`` on every record.

    They are empty outside of calls and handlers, so that a format may name them.
    It goes on a handler: a filter of a logger does not see its children's records.

    ::

        handler = logging.StreamHandler()
        handler.addFilter(LinqLogFilter())
        handler.setFormatter(logging.Formatter("%(message)s %(linq_trace_id)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """
        Add the ids to *record*, and let it pass.
        """
        ids = _current_ids()
        for name in ("linq_trace_id", "linq_message_id", "linq_event_id"):
            setattr(record, name, ids.get(name, ""))
        return True


def add_linq_ids(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """
    Add the ids that are known to an event of structlog; a processor.

    ::

        structlog.configure(processors=[add_linq_ids, structlog.processors.JSONRenderer()])
    """
    event_dict.update(_current_ids())
    return event_dict


def _current_ids() -> dict[str, str]:
    found: dict[str, str | None] = {}
    with shield("finding the ids for a log record"):
        event, call = current_event(), current_call()
        if event is not None and event.verified is not False:
            found = {
                "linq_trace_id": event.linq_trace_id,
                "linq_message_id": event.message_id,
                "linq_event_id": event.event_id,
            }
        # A call inside a handler is about another message.
        if call is not None:
            found = {
                "linq_trace_id": call.attempts.linq_trace_id,
                "linq_message_id": call.settlement.message_id,
            }
    return {name: value for name, value in found.items() if value is not None}
