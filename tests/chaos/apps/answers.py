"""
What the receiving apps answer: settled by the request alone, so that anyone can tell what is due.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Mapping


STATUSES = (200, 201, 202, 200)
_REFUSED_OF_256 = 8


def get_answer(headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    """
    Return the status and the JSON for one delivery.

    One in 32 is answered 503, for a reason of the app's own. Linq's next try has another
    timestamp, and so another fate.
    """
    event_id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    fate = sha256(f"{event_id} {stamp}".encode()).digest()
    taken = {"event": event_id, "digest": sha256(body).hexdigest()}
    if fate[0] < _REFUSED_OF_256:
        return 503, {**taken, "error": "busy"}
    return STATUSES[fate[1] % len(STATUSES)], taken
