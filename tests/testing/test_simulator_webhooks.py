"""
Deliveries: signatures, both payload versions, retries, duplicates, forgeries, and when they come.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from linq_otel.testing import EVENT_TYPES, LinqSimulator


if TYPE_CHECKING:
    from linq import LinqAPIV3

    from conftest import Endpoint


TEXT = {"parts": [{"type": "text", "value": "hello"}]}
LINE = "+15550100000"


def events(endpoint: Endpoint) -> list[dict[str, Any]]:
    """
    What the endpoint was told, as dictionaries.
    """
    return [json.loads(body) for _, body in endpoint.received]


class TestSignatures:
    def test_both_verify(self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint) -> None:
        """
        Each delivery verifies by Standard Webhooks, by Linq's older scheme, and by the SDK.
        """
        subscription = linq.subscribe(endpoint.url)
        linq.receive("hi")
        linq.wait_until_idle()
        headers, body = endpoint.received[0]
        Webhook(subscription.signing_secret).verify(body, headers)
        content = headers["x-webhook-timestamp"].encode() + b"." + body
        key = subscription.signing_secret.encode()
        legacy = hmac.new(key, content, hashlib.sha256).hexdigest()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            event = client.webhooks.unwrap(
                body.decode(), headers=headers, key=subscription.signing_secret
            )
        assert headers["x-webhook-signature"] == legacy
        assert headers["x-webhook-subscription-id"] == subscription.id
        assert headers["x-webhook-event"] == event.event_type == "message.received"
        assert headers["webhook-id"] == event.event_id == linq.deliveries[0].event_id

    def test_a_forged_delivery_does_not_verify(
        self, linq: LinqSimulator, endpoint: Endpoint
    ) -> None:
        """
        Its signature has the right form and the wrong key, and it is not tried again.
        """
        endpoint.statuses = [503]
        subscription = linq.subscribe(endpoint.url)
        event_id = linq.forge(trace_id="0" * 31 + "1")
        linq.wait_until_idle()
        [(headers, body)] = endpoint.received
        with pytest.raises(WebhookVerificationError):
            Webhook(subscription.signing_secret).verify(body, headers)
        claimed = json.loads(body)
        assert (claimed["event_id"], claimed["trace_id"]) == (event_id, "0" * 31 + "1")
        assert [(d.forged, d.status) for d in linq.deliveries] == [(True, 503)]


class TestPayloads:
    def test_the_two_versions_of_one_event(
        self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        The same event id and trace id, each id where its version has it.
        """
        linq.subscribe(f"{endpoint.url}?version=2025-01-01", events=("message.read",))
        linq.subscribe(f"{endpoint.url}?version=2026-02-03", events=("message.read",))
        linq.script("read")
        sent = client.chats.create(
            from_=LINE, to=["+15550100"], message={**TEXT, "idempotency_key": "order-1"}
        )
        linq.wait_until_idle()
        old, new = sorted(events(endpoint), key=lambda event: event["webhook_version"])
        message_id, chat_id = sent.chat.message.id, sent.chat.id
        assert old["event_id"] == new["event_id"]
        assert old["trace_id"] == new["trace_id"] == linq.accepted[0].linq_trace_id
        assert (old["data"]["message_id"], old["data"]["chat_id"]) == (message_id, chat_id)
        assert old["data"]["message"]["id"] == message_id
        assert (new["data"]["id"], new["data"]["chat"]["id"]) == (message_id, chat_id)
        assert old["data"]["idempotency_key"] == new["data"]["idempotency_key"] == "order-1"
        assert old["data"]["read_at"] == new["data"]["read_at"] == new["created_at"]
        # What is null of these two, the older version leaves out.
        assert {"effect", "reply_to"} & set(old["data"]["message"]) == set()
        assert (new["data"]["effect"], new["data"]["reply_to"]) == (None, None)

    def test_effect_and_reply(
        self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        Where they are given, the older version says so.
        """
        linq.subscribe(f"{endpoint.url}?version=2025-01-01", events=("message.sent",))
        first = client.chats.create(from_=LINE, to=["+15550100"], message=TEXT).chat
        more = {
            "effect": {"type": "screen", "name": "confetti"},
            "reply_to": {"message_id": first.message.id},
        }
        client.chats.messages.send(first.id, message={**TEXT, **more})
        linq.wait_until_idle()
        told = {
            event["data"]["message"]["id"]: event["data"]["message"] for event in events(endpoint)
        }
        reply = told[linq.accepted[1].message_id]
        assert (reply["effect"], reply["reply_to"]) == (more["effect"], more["reply_to"])

    @pytest.mark.parametrize("scenario", ["read", "failed"])
    @pytest.mark.parametrize("kind", ["message", "poll"])
    def test_payloads_are_what_the_sdk_says(
        self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint, scenario: str, kind: str
    ) -> None:
        """
        Each lifecycle event passes strict validation by the SDK's own class for it.
        """
        from linq import types  # noqa: PLC0415

        linq.subscribe(endpoint.url)
        chat = client.chats.create(from_=LINE, to=["+15550100"], message=TEXT).chat.id
        linq.script(scenario)
        if kind == "poll":
            poll = {"options": [{"text": "a"}, {"text": "b"}]}
            client.post(f"/v3/chats/{chat}/polls", cast_to=object, body={"poll": poll})
        else:
            client.chats.messages.send(chat, message=TEXT)
        client.messages.add_reaction(linq.accepted[0].message_id, operation="add", type="love")
        client.messages.update(linq.accepted[0].message_id, text="edited")
        group = client.chats.create(from_=LINE, to=["+15550100", "+15550101"], message=TEXT).chat.id
        client.chats.participants.add(group, handle="+15550102")
        client.post(f"/v3/chats/{chat}/background", cast_to=object, body={"type": "color"})
        client.delete(f"/v3/chats/{chat}/location", cast_to=object)
        linq.wait_until_idle()
        seen = set()
        for event in events(endpoint):
            name = event["event_type"].replace("_", " ").replace(".", " ").title().replace(" ", "")
            if (model := getattr(types, f"{name}WebhookEvent", None)) is not None:
                pydantic.TypeAdapter(model).validate_python(event)
            seen.add(event["event_type"])
        stages = {"sent", "delivered", "read"} if scenario == "read" else {"sent", "failed"}
        assert {f"{kind}.{stage}" for stage in stages} | {
            "chat.created",
            "reaction.added",
            "message.edited",
            "participant.added",
            "chat.background_updated",
            "location.sharing.stopped",
        } <= seen

    def test_any_event_can_be_emitted(self, linq: LinqSimulator, endpoint: Endpoint) -> None:
        """
        Every type there is, and one there is not, with any field of the envelope replaced.
        """
        linq.subscribe(endpoint.url)
        ids = [linq.emit(event_type, {"a": 1}) for event_type in EVENT_TYPES]
        ids.append(linq.emit("horse.fed", {}, trace_id="odd", api_version="v9"))
        linq.wait_until_idle()
        told = {event["event_id"]: event for event in events(endpoint)}
        assert [told[one]["event_type"] for one in ids] == [*EVENT_TYPES, "horse.fed"]
        assert (told[ids[-1]]["trace_id"], told[ids[-1]]["api_version"]) == ("odd", "v9")

    def test_received(self, linq: LinqSimulator, endpoint: Endpoint) -> None:
        """
        An inbound message is told with its ids, its sender, and what it replies to.
        """
        linq.subscribe(endpoint.url)
        first = linq.receive("hi", from_="+15550107")
        reply = linq.receive("and?", from_="+15550107", reply_to=first.message_id)
        linq.wait_until_idle()
        told = {event["event_id"]: event for event in events(endpoint)}
        data = told[reply.event_id]["data"]
        assert (data["id"], data["chat"]["id"]) == (reply.message_id, first.chat_id)
        assert data["reply_to"] == {"message_id": first.message_id, "part_index": 0}
        assert (data["direction"], data["sender_handle"]["handle"]) == ("inbound", "+15550107")
        assert told[reply.event_id]["trace_id"] == reply.linq_trace_id


class TestRetries:
    def test_trouble_is_retried(self, linq: LinqSimulator, endpoint: Endpoint) -> None:
        """
        5xx and 429 are tried again with the same body and a fresh signature, until a 2xx.
        """
        subscription = linq.subscribe(endpoint.url)
        endpoint.statuses = [500, 429, 503]
        linq.receive()
        linq.wait_until_idle()
        assert [(d.attempt, d.status) for d in linq.deliveries] == [
            (1, 500),
            (2, 429),
            (3, 503),
            (4, 200),
        ]
        assert len({(body, h["webhook-id"]) for h, body in endpoint.received}) == 1
        for headers, body in endpoint.received:
            Webhook(subscription.signing_secret).verify(body, headers)

    @pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
    def test_refusal_is_not(self, linq: LinqSimulator, endpoint: Endpoint, status: int) -> None:
        """
        Any other answer ends it.
        """
        linq.subscribe(endpoint.url)
        endpoint.statuses = [status]
        linq.receive()
        linq.wait_until_idle()
        assert [(d.attempt, d.status) for d in linq.deliveries] == [(1, status)]

    def test_given_up_after_half_an_hour(self, linq: LinqSimulator) -> None:
        """
        An endpoint nobody listens at is tried with backoff for 30 simulated minutes.
        """
        linq.subscribe("http://127.0.0.1:1/")
        linq.receive()
        linq.wait_until_idle()
        assert [(d.attempt, d.status) for d in linq.deliveries] == [
            (attempt, None) for attempt in range(1, 12)
        ]

    def test_a_slow_endpoint_is_tried_again(self, linq: LinqSimulator, endpoint: Endpoint) -> None:
        """
        No answer within the timeout counts as a failure.
        """
        endpoint.is_slow = True
        linq.subscribe(endpoint.url)
        linq.receive()
        deadline = time.monotonic() + 5
        while len(endpoint.received) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        endpoint.release.set()
        linq.wait_until_idle()
        assert [d.status for d in linq.deliveries] == [None, 200]

    def test_signed_when_tried(self, endpoint: Endpoint) -> None:
        """
        Payload times are simulated, the signature's time is the injected real clock's.
        """
        with LinqSimulator(speed=0, start=1e9, clock=lambda: 2e9) as linq:
            linq.subscribe(endpoint.url)
            linq.receive()
            linq.wait_until_idle()
        [(headers, body)] = endpoint.received
        assert headers["webhook-timestamp"] == headers["x-webhook-timestamp"] == "2000000000"
        assert json.loads(body)["created_at"].startswith("2001-09-09T01:46:4")


class TestSubscriptions:
    def test_life_of_one(self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint) -> None:
        """
        Its secret is shown once; it hears what it asked for, while it is active.
        """
        made = client.webhook_subscriptions.create(
            target_url=endpoint.url, subscribed_events=["message.received"]
        )
        shown = client.webhook_subscriptions.retrieve(made.id).to_dict()
        linq.receive("one")
        linq.emit("message.sent", {})
        linq.wait_until_idle()
        client.webhook_subscriptions.update(made.id, is_active=False)
        linq.receive("two")
        linq.wait_until_idle()
        client.webhook_subscriptions.delete(made.id)
        headers, body = endpoint.received[0]
        Webhook(made.signing_secret).verify(body, headers)
        assert "signing_secret" not in shown
        assert [event["data"]["parts"][0]["value"] for event in events(endpoint)] == ["one"]
        assert client.webhook_subscriptions.list().subscriptions == []

    def test_a_url_is_subscribed_once(self, linq: LinqSimulator) -> None:
        """
        The second time is an error.
        """
        linq.subscribe("http://127.0.0.1:1/")
        with pytest.raises(ValueError, match="already exists"):
            linq.subscribe("http://127.0.0.1:1/")

    def test_edits_are_kept_from_the_older_version(
        self, linq: LinqSimulator, client: LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        ``message.edited`` goes to 2026-02-03 subscribers only.
        """
        linq.subscribe(f"{endpoint.url}?version=2025-01-01", events=("message.edited",))
        linq.subscribe(f"{endpoint.url}?version=2026-02-03", events=("message.edited",))
        sent = client.chats.create(from_=LINE, to=["+15550100"], message=TEXT)
        client.messages.update(sent.chat.message.id, text="better")
        linq.wait_until_idle()
        assert [event["webhook_version"] for event in events(endpoint)] == ["2026-02-03"]

    def test_limited_to_a_line(self, linq: LinqSimulator, endpoint: Endpoint, client: Any) -> None:
        """
        Only that line's messages come, with the chat id in the header asked for.
        """
        client.webhook_subscriptions.create(
            target_url=endpoint.url,
            subscribed_events=["message.received"],
            extra_body={"phone_numbers": ["+15550199"], "routing_key_header": "Linq-Chat-Id"},
        )
        linq.receive("other line")
        heard = linq.receive("this line", to="+15550199")
        linq.wait_until_idle()
        chats = [headers["linq-chat-id"] for headers, _ in endpoint.received]
        assert chats == [heard.chat_id]

    def test_payments(self, linq: LinqSimulator, endpoint: Endpoint, client: Any) -> None:
        """
        A canceled payment request is told with its own id.
        """
        linq.subscribe(endpoint.url)
        asked = client.payment_requests.create(amount=5, currency="usd")
        client.payment_requests.cancel(asked.id)
        linq.wait_until_idle()
        assert [(event["event_type"], event["data"]["id"]) for event in events(endpoint)] == [
            ("payment.canceled", asked.id)
        ]


class TestClosing:
    def test_nothing_is_left_running(self, endpoint: Endpoint) -> None:
        """
        Closing in the middle of everything leaves no thread, and may be done twice.
        """
        endpoint.is_slow = True
        before = set(threading.enumerate())
        with LinqSimulator(speed=0.001) as linq:
            linq.subscribe(endpoint.url)
            for _ in range(30):
                linq.receive()
            with pytest.raises(TimeoutError):
                linq.wait_until_idle(0.05)
        linq.close()
        ours = {t for t in set(threading.enumerate()) - before if "linq-simulator" in t.name}
        assert ours == set()
