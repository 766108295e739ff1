"""
What AWS hands to a Lambda function, and what may become of it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from fuzz.deliveries import make_delivery
from fuzz.odd import chance, make_odd
from fuzz.receiving import shielding
from linq_otel import _shield
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks.aws_lambda import linq_webhook
from support import payloads as p


if TYPE_CHECKING:
    from random import Random

    from fuzz.bench import Bench
    from fuzz.deliveries import Delivery


_ANSWERS: Final = (
    None, {}, {"statusCode": 200}, {"statusCode": "500"}, {"statusCode": None}, "ok", 5,
    {"statusCode": 10**400}, {"statusCode": "٣"}, {"statusCode": -1}, {"statusCode": True},
)  # fmt: skip
_REFUSALS: Final = {200, 400, 401}


class Lambdas:
    """
    A function behind receivers of every kind.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._answer: Any = None
        self._functions = [
            linq_webhook(
                lambda _event, _context: self._answer,
                receiver=WebhookReceiver(
                    secret,
                    enforce=enforce,
                    clock=lambda: p.SIGNED_AT,
                    tracer_provider=bench.tracer_provider,
                    meter_provider=bench.meter_provider,
                    logger_provider=bench.logger_provider,
                ),
            )
            for secret, enforce in ((None, False), (p.SECRET, False), (p.SECRET, True))
        ]

    def __call__(self, random: Random) -> None:
        """
        Call one of them, whose answer is its own, or a refusal of ours.
        """
        delivery = make_delivery(random)
        event = _make_event(random, delivery)
        self._answer = random.choice(_ANSWERS)
        self._bench.clear()
        _shield.tally.clear()
        with shielding(is_on=False):
            answer = random.choice(self._functions)(event, None)
        assert answer is self._answer or answer["statusCode"] in _REFUSALS
        self._bench.check((*delivery.private, p.SECRET))


def _make_event(random: Random, delivery: Delivery) -> Any:
    pairs = [(n, v) for n, v in delivery.pairs if isinstance(n, str) and isinstance(v, str)]
    body: Any = delivery.raw.decode("latin-1")
    is_encoded = chance(random, 2)
    if is_encoded:
        body = base64.b64encode(delivery.raw).decode()
    event: dict[str, Any] = {"body": body, "isBase64Encoded": is_encoded}
    event["headers"] = random.choice((dict(pairs), None, delivery.headers()))
    if chance(random, 3):
        event["multiValueHeaders"] = {name: [value] for name, value in pairs}
    if chance(random, 2):
        event["httpMethod"] = "POST"
    else:
        event["requestContext"] = {"http": {"method": "POST"}}
    while chance(random, 4):
        event[random.choice(list(event))] = make_odd(random, delivery.secrets)
    return event if not chance(random, 20) else make_odd(random, delivery.secrets)
