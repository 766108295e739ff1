"""
What reading one delivery costs: its signature checked and its 2 kB of JSON made an event.
"""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Final

from deliveries import BODY_BYTES, SECRET, Delivery, make_delivery
from measuring import Line, Variant, compare, interleave, medians
from standardwebhooks import Webhook

from linq_otel.webhooks import WebhookReceiver


if TYPE_CHECKING:
    from collections.abc import Sequence

    from measuring import Effort


_THEIRS: Final = "standardwebhooks and json.loads"


def measure(effort: Effort) -> list[Line]:
    """
    Measure it, and what it consists of.
    """
    numbers, receiver, signer = count(), WebhookReceiver(SECRET), Webhook(SECRET)

    def deliver(size: int) -> list[Delivery]:
        return [make_delivery(next(numbers)) for _ in range(size)]

    def accept(deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            event = receiver.accept(each.headers, each.body)
        assert (event.verified, event.event_type) == (True, "message.delivered")

    def verify(deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            found = signer.verify(each.body, each.headers)
        assert found["event_type"] == "message.delivered"

    def verify_and_load(deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            signer.verify(each.body, each.headers)
            found = json.loads(each.body)
        assert found["event_type"] == "message.delivered"

    runs = {"ours": accept, _THEIRS: verify_and_load, "standardwebhooks": verify}
    assert len(deliver(1)[0].body) == BODY_BYTES
    variants = {name: Variant(run, deliver) for name, run in runs.items()}
    costs = interleave(variants, effort.rounds, effort.batch * 2)
    found = compare(costs, {"ours": 1}, {_THEIRS: 1})
    # It reads the JSON itself, and a second reading is what many apps do.
    alone = compare(costs, {"ours": 1}, {"standardwebhooks": 1})
    return [
        Line("parse and verify, 2 kB", _THEIRS, found, 1.3, costs=medians(costs)),
        Line("parse and verify, 2 kB", "standardwebhooks, whose JSON is used", alone),
    ]
