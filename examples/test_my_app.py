"""
The tests of an app that sends by Linq and takes its webhooks: no account, no network, no mocks.

::

    pip install 'linq-otel[demo]' pytest
    pytest examples/test_my_app.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from linq import LinqAPIV3
from opentelemetry import trace

from linq_otel.testing.spans import assert_one_trace
from linq_otel.webhooks import WebhookReceiver


if TYPE_CHECKING:
    from linq_otel.testing import EventFactory
    from linq_otel.testing.spans import LinqSpans

tracer = trace.get_tracer("my_app")


def place_order() -> str:
    """
    Stand in for your app: send one message, and return its id.
    """
    with LinqAPIV3() as linq, tracer.start_as_current_span("place order"):
        answer = linq.chats.create(
            from_="+15550100000",
            to=["+15550100123"],
            message={"parts": [{"type": "text", "value": "Your order is on its way."}]},
        )
    return answer.chat.message.id


def take_webhook(headers: dict[str, str], body: bytes) -> int:
    """
    Stand in for your endpoint: act on one webhook, and return the status it answers.
    """
    with WebhookReceiver().process(headers, body) as event:
        if event is not None:
            tracer.start_span("update order").end()
        return 401 if event is None else 200


@pytest.mark.linq(join="app", seed=7)
@pytest.mark.usefixtures("linq_simulator")
def test_order(linq_event: EventFactory, linq_spans: LinqSpans) -> None:
    """A message, from the order to its delivery, is one trace."""
    message_id = place_order()
    assert take_webhook(*linq_event("message.delivered", message_id=message_id)) == 200
    outline = """
        place order
          linq chats.create [PRODUCER] -> lifecycle: linq message
            POST /v3/chats [CLIENT]
            linq message
              message accepted
              message delivered
              process message.delivered [CONSUMER]
                update order
    """
    assert_one_trace(linq_spans.of_message(message_id), outline, traces=1)
