"""
What an operator may choose to show of people and their messages: nothing, by default.

Handles (phone numbers, e-mail addresses) are shown as keyed hashes alone, so
that one person's messages can be found by whoever holds the key. Texts are
shown if the app says so and the environment it runs in does too: a developer's
keyword must not be enough to spill what production carries.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast

from . import _attributes as a
from ._json import as_mapping


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._events import Event


_LONGEST_TEXT: Final = 4_096
_MOST_RECIPIENTS: Final = 32


class Disclosure:
    """
    Reads from payloads what may be shown of them.

    Args:
        handle_key: Keys the hashes of handles; None shows none.
        content: True shows texts.

    Attributes:
        is_on: True if anything may be shown.
    """

    def __init__(self, handle_key: str | None, *, content: bool) -> None:
        self._key = handle_key.encode() if handle_key else None
        self._content = content
        self.is_on = bool(self._key or content)

    def of_event(self, event: Event) -> dict[str, Any]:
        """
        Return what may be shown of a webhook's event.
        """
        data = as_mapping(event.payload.get("data"))
        sender = as_mapping(data.get("sender_handle") or data.get("from_handle")).get("handle")
        # The older payload version has the parts one level down.
        message = as_mapping(data.get("message")) or data
        return self._show(sender or data.get("from"), (), message)

    def of_request(self, body: object) -> dict[str, Any]:
        """
        Return what may be shown of a message that is about to be sent.
        """
        request = as_mapping(body)
        return self._show(
            request.get("from"), _listed(request.get("to")), as_mapping(request.get("message"))
        )

    def hash_handle(self, handle: object) -> str | None:
        """
        Return the keyed hash of *handle*; None for what is none, or without a key.

        It is the first 32 hex digits of HMAC-SHA256 over the handle in lower
        case and without spaces.
        """
        if self._key is None or not isinstance(handle, str) or not handle.strip():
            return None
        plain = "".join(handle.split()).lower().encode("utf-8", "surrogatepass")
        return hmac.new(self._key, plain, sha256).hexdigest()[:32]

    def _show(
        self, sender: object, recipients: Sequence[object], message: Mapping[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        sent_by = self.hash_handle(sender)
        if sent_by is not None:
            found[a.SENDER_HASH] = sent_by
        hashes = [self.hash_handle(each) for each in recipients[:_MOST_RECIPIENTS]]
        if any(hashes):
            found[a.RECIPIENT_HASHES] = [each for each in hashes if each is not None]
        text = _text_of(message) if self._content else ""
        if text:
            found[a.MESSAGE_TEXT] = text
        return found


def _text_of(message: Mapping[str, Any]) -> str:
    parts = [as_mapping(part) for part in _listed(message.get("parts"))]
    texts = [part.get("value") for part in parts if part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))[:_LONGEST_TEXT]


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, (list, tuple)):
        return cast("Sequence[object]", value)
    return () if value is None else (value,)
