"""
Which system a call went to, and what is known of it.
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from linq_otel.errors import ConfigurationError

from ._gohighlevel import GOHIGHLEVEL
from ._hubspot import HUBSPOT
from ._model import Operation, Provider
from ._salesforce import SALESFORCE


if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = ["OTHER", "WEBHOOK", "Operation", "Provider", "Providers", "load_providers"]

ENTRY_POINTS: Final = "linq_otel_integration_providers"

_WORD: Final = re.compile(r"\w+")

WEBHOOK: Final = Provider(
    name="webhook",
    title="your webhook endpoint",
    aliases=("webhook", "webhooks"),
    is_confirmed_by_status=True,
)
"""An endpoint of yours that Linq delivers webhooks to: its 2xx is the receipt."""

OTHER: Final = Provider(
    name="other",
    title="the other system",
    confirms=("id", "messageId", "data.id", "contact.id", "result.id", "success"),
    ids={
        "message_id": ("response.messageId", "response.message_id", "request.messageId"),
        "conversation_id": ("response.conversationId", "request.conversationId"),
        "contact_id": ("response.contactId", "request.contactId"),
        "record_id": ("response.id", "response.data.id"),
    },
    request_id_headers=("x-request-id", "cf-ray"),
    error_codes=("error.code", "code", "errorCode"),
    rate_limits=GOHIGHLEVEL.rate_limits,
)
"""Any system without a table of its own."""


class Providers:
    """
    The tables at hand.

    Args:
        tables: Asked in this order; the last resort is :data:`OTHER`.
    """

    def __init__(self, tables: Iterable[Provider]) -> None:
        self.tables: Final = (*tables, WEBHOOK, OTHER)
        self._by_name = {table.name: table for table in self.tables}
        self._by_alias = {alias: table for table in self.tables for alias in table.aliases}

    def find_named(self, name: str) -> Provider | None:
        """
        Return the provider of this name or alias.
        """
        name = name.strip().lower()
        return self._by_name.get(name) or self._by_alias.get(name)

    def find_mentioned(self, text: str) -> Provider | None:
        """
        Return the first provider whose name or alias stands in *text*.
        """
        words = text.lower()
        for table in self.tables:
            if any(alias in words for alias in (table.name, *table.aliases)):
                return table
        return None

    def find_asked(self, question: str) -> tuple[Provider, ...]:
        """
        Return the CRMs a question names, by whole words: *mother* does not name *other*.
        """
        words = f" {' '.join(_WORD.findall(question.lower()))} "
        return tuple(
            table
            for table in self.tables
            if table.name not in {WEBHOOK.name, OTHER.name}
            and any(f" {name} " in words for name in (table.name, *table.aliases))
        )

    def find_at(self, host: str) -> Provider | None:
        """
        Return the provider that answers at *host*; None for a stranger.
        """
        for table in self.tables:
            for known in table.hosts:
                if host == known.lstrip(".") or (known[0] == "." and host.endswith(known)):
                    return table
        return None


def load_providers() -> Providers:
    """
    Return our tables, those of installed packages before them.

    Raises:
        ConfigurationError: If an entry point is no :class:`Provider`.
    """
    theirs: list[Provider] = []
    for entry_point in entry_points(group=ENTRY_POINTS):
        table: object = entry_point.load()
        if not isinstance(table, Provider):
            raise ConfigurationError(f"the entry point {entry_point.name!r} is no Provider")
        theirs.append(table)
    return Providers([*theirs, GOHIGHLEVEL, HUBSPOT, SALESFORCE])
