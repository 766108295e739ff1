"""
A delivery as an input: its headers, its body, and what of it must never be seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fuzz.bodies import hand_over, write_body
from fuzz.envelopes import make_envelope, mutate
from fuzz.headers import make_headers, shape
from fuzz.odd import make_secrets


if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzz.odd import Secrets


_WORD: Final = re.compile("[0-9A-Za-z_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One delivery.

    Attributes:
        pairs: Its headers.
        headers: The same as a framework has them; a new generator each time.
        raw: The bytes of its body.
        body: The same as it is handed over.
        verified: What the caller says of its signature.
        ids: The message id and the Linq trace id it had before it was spoilt.
        secrets: Whom it is about, and what was said.
        private: What of these must not be seen.
    """

    pairs: list[tuple[Any, Any]]
    headers: Callable[[], Any]
    raw: bytes
    body: Any
    verified: bool | None
    ids: tuple[str | None, str]
    secrets: Secrets
    private: tuple[str, ...]


def make_delivery(random: Random) -> Delivery:
    """
    Make a delivery of some event, in most cases with something wrong.
    """
    secrets = make_secrets(random)
    envelope = make_envelope(random, secrets)
    ids = _message_id(envelope["data"]), envelope["trace_id"]
    mutate(random, envelope, secrets)
    raw, is_broken = write_body(random, envelope)
    pairs = make_headers(random, raw, secrets)
    return Delivery(
        pairs,
        shape(random, pairs, secrets),
        raw,
        hand_over(random, raw),
        random.choice((None, None, None, None, None, None, True, True, False)),
        ids,
        secrets,
        # A byte put beside digits makes an id of them, and that is then no phone number.
        tuple(word for word in secrets.all if not is_broken or not _WORD.fullmatch(word)),
    )


def _message_id(data: dict[str, Any]) -> str | None:
    inner = data.get("message")
    found = data.get("message_id") or (
        inner.get("id") if isinstance(inner, dict) else data.get("id")
    )
    return found if isinstance(found, str) else None
