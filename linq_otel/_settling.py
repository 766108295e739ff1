"""
What an answered call leaves behind: the ids it learned, and the life it begins.

An answer's body may be read by the library, later by the caller, or never. A
life begins as soon as enough is known to say in which trace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import INVALID_SPAN

from . import _attributes as a
from ._events import parse_lower_id
from ._lives import (
    SendFacts,
    begin_life,
    early_origin,
    link_earlier_life,
    unsettled_origin,
)
from ._operations import find_id
from ._origins import hash_key
from ._shield import shield, swallow


if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from ._attempts import Attempts
    from ._operations import Operation
    from ._origins import Origin
    from ._tracing import Tracing


class Settlement:
    """
    Settles one call.

    Args:
        tracing: Draws the life.
        operation: What was called.
        call: The call's span.
        attempts: Know when it was answered, and under which Linq trace ids.
        began_at: When it began, Unix nanoseconds.
        idempotency_key: The user's key, hashed, or None.
    """

    __slots__ = (
        "_attempts",
        "_began_at",
        "_call",
        "_carries",
        "_chat_id",
        "_idempotency_key",
        "_message_id",
        "_operation",
        "_settled",
        "_tracing",
    )

    def __init__(  # noqa: PLR0913  # What a call is made of.
        self,
        tracing: Tracing,
        operation: Operation,
        call: Span,
        attempts: Attempts,
        *,
        began_at: int,
        idempotency_key: str | None,
    ) -> None:
        self._tracing = tracing
        self._operation = operation
        self._call = call
        self._attempts = attempts
        self._began_at = began_at
        self._idempotency_key = idempotency_key
        self._carries = False
        self._message_id: str | None = None
        self._chat_id: str | None = None
        self._settled: Origin | None = None

    def learn(self, answer: object) -> None:
        """
        Take the ids from *answer*: parsed JSON, or a model of the SDK.
        """
        operation = self._operation
        self._message_id = parse_lower_id(find_id(answer, operation.message_id_at))
        self._chat_id = parse_lower_id(find_id(answer, operation.chat_id_at))

    def learn_late(self, body: object) -> None:
        """
        Take the ids from a *body* that the caller has read after the call was over.
        """
        self.learn(body)
        self._attempts.learn_linq_trace_id(body)

    def carry(self, key: str) -> None:
        """
        Note that the request has a *key* of ours in it, which nobody else will use.
        """
        self._idempotency_key = hash_key(key)
        self._carries = True

    def early_origin(self) -> Origin | None:
        """
        Return what is known before the request leaves, for a webhook that overtakes it.

        A key that carries the context tells a webhook as much by itself.
        """
        if self._idempotency_key is None or self._carries or not self._operation.starts_life:
            return None
        with shield("preparing an early origin"):
            return early_origin(self._tracing, self._facts())
        return None

    @property
    def replay_keys(self) -> tuple[str, ...]:
        """
        The store keys under which this very message may be known already.

        Only a repeated idempotency key is answered with an earlier message.
        """
        if self._idempotency_key is None or self._carries or self._message_id is None:
            return ()
        return (f"message:{self._message_id}",)

    @property
    def unread_replay_keys(self) -> tuple[str, ...]:
        """
        The same while the message's id is not read: what its idempotency key was used for.
        """
        return () if self._idempotency_key is None else (f"key:{self._idempotency_key}",)

    def settle(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Begin the message's life, unless it has one; returns what to keep.

        Args:
            known: What the store holds under :attr:`replay_keys`.
        """
        if self._attempts.answered_at is None or not self._operation.causes_events:
            return None
        try:
            if known is not None and known[1].is_accepted:
                link_earlier_life(self._tracing, self._call, known[1])
                return None
            self._measure()
            return begin_life(self._tracing, self._call, self._facts())
        except Exception as error:
            swallow("beginning a message's life", error)
            return None

    def settle_unread(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Settle as far as the Linq trace id goes, while the caller has yet to read the body.

        Where the message's id decides, the life waits for the body.
        """
        if self._attempts.answered_at is None or not self._operation.causes_events:
            return None
        may_be_replay = known is not None and known[1].is_accepted
        with shield("settling an unread answer"):
            if may_be_replay or self._tracing.settings.join == "message":
                return unsettled_origin(self._facts())
            origin = begin_life(self._tracing, self._call, self._facts())
            if origin is not None and (origin.lifecycle or not self._operation.starts_life):
                self._settled = origin
            return origin
        return None

    def settle_late(self, known: tuple[str, Origin] | None) -> Origin | None:
        """
        Settle once the caller has read the body and :meth:`learn` was told; returns what to keep.

        The call's own span has ended, and is not touched.
        """
        with shield("settling a late answer"):
            if self._settled is not None:
                self._measure()
                message_id = self._message_id if self._operation.starts_life else None
                return replace(
                    self._settled,
                    linq_trace_ids=tuple(self._attempts.linq_trace_ids),
                    message_id=message_id,
                    chat_id=self._chat_id,
                )
            if known is not None and known[1].is_accepted:
                return None
            self._measure()
            return begin_life(self._tracing, INVALID_SPAN, self._facts())
        return None

    @property
    def message_id(self) -> str | None:
        """
        The message, once the answer has named it.
        """
        return self._message_id

    @property
    def chat_id(self) -> str | None:
        """
        The chat, once the answer has named it.
        """
        return self._chat_id

    def attributes(self) -> dict[str, Any]:
        """
        What the call's span says of its message.
        """
        found: dict[str, Any] = {}
        if self._message_id is not None:
            found[a.MESSAGE_ID] = self._message_id
        if self._chat_id is not None:
            found[a.CHAT_ID] = self._chat_id
        return found

    def _measure(self) -> None:
        answered_at = self._attempts.answered_at
        if not (self._attempts.is_measured and self._operation.starts_life) or answered_at is None:
            return
        self._tracing.unsent.note_accepted(self._message_id)
        self._tracing.replies.note_answer(self._chat_id, answered_at)

    def _facts(self) -> SendFacts:
        return SendFacts(
            operation=self._operation,
            sender=self._call.get_span_context(),
            linq_trace_id=self._attempts.linq_trace_id,
            linq_trace_ids=tuple(self._attempts.linq_trace_ids),
            message_id=self._message_id,
            chat_id=self._chat_id,
            idempotency_key=self._idempotency_key,
            began_at=self._began_at,
            answered_at=self._attempts.answered_at,
        )
