"""
What people write to each other, and how to reach them, is in no signal of ours.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import linq as sdk
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from support.scripted_linq import CHAT_ID, Reply, refusal
from support.sending import text_message


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq import LinqAPIV3
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from support.scripted_linq import ScriptedLinq


phones = st.from_regex(r"\+1555[0-9]{7}", fullmatch=True)
emails = st.from_regex(r"[a-z]{4,8}[.+_-][a-z]{4,8}@example\.(com|org)", fullmatch=True)
texts = st.text(st.characters(categories=("L", "N", "Zs")), min_size=12, max_size=30).map(
    lambda text: f"secret {text}"
)


def refused(client: LinqAPIV3, *args: Any, **kwargs: Any) -> None:
    """
    Make a call whose refusal quotes everything.
    """
    with pytest.raises(sdk.APIStatusError):
        client.post(*args, cast_to=object, **kwargs)


def say_everything(
    client: LinqAPIV3, linq: ScriptedLinq, phone: str, email: str, text: str
) -> None:
    """
    Put the three wherever the API takes anything.
    """
    key = f"{phone}/{email}"
    message = text_message(text, idempotency_key=key)
    client.chats.create(from_=phone, to=[phone, email], message=message)
    client.chats.messages.send(CHAT_ID, message=message, extra_headers={"x-note": quote(text)})
    client.chats.list_chats(from_=phone, to=email)
    for who in (phone, phone[1:], email, text):
        part = quote(who, safe="")
        client.post(f"/v3/payments/handles/{part}/verify", cast_to=object, body={"code": text})
        client.get(f"/v3/payments/handles/{part}/connection", cast_to=object)
        client.post(f"/v3/phone_numbers/{part}/reputation_audit", cast_to=object)
        client.get(f"/v3/available_number?to={part}#{part}", cast_to=object)
        client.get(f"/v3/chats/{part}", cast_to=object)
        client.get(f"/v3/{part}/{part}", cast_to=object)
        linq.script(Reply(linq_trace_id=quote(who)))
        client.post("/v3/messages", cast_to=object, options={"headers": {"Idempotency-Key": "k"}})
        answer = {"chat_id": who, "message": {"id": who}}
        linq.script(Reply(202, answer))
        client.post("/v3/messages", cast_to=object)
        error = refusal(1003, f"no such handle: {who}", detail=text, status=who)
        linq.script(Reply(400, {**error, "trace_id": who}, linq_trace_id=None))
        refused(client, "/v3/messages", body={"to": who})
        error["error"] = {"code": who, "doc_url": f"https://example.com/?{part}", "message": who}
        linq.script(Reply(422, error, headers={"retry-after": part}))
        refused(client, "/v3/messages", body={"to": who})


class TestPrivacy:
    @examples(max_examples=12)
    @given(phone=phones, email=emails, text=texts)
    def test_nothing_personal(
        self,
        *,
        instrumented: None,
        client: LinqAPIV3,
        linq: ScriptedLinq,
        exporter: InMemorySpanExporter,
        caplog: pytest.LogCaptureFixture,
        phone: str,
        email: str,
        text: str,
    ) -> None:
        """No span, link, event or log record of ours holds a handle, a text or a key."""
        exporter.clear()
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="linq_otel"):
            say_everything(client, linq, phone, email, text)
        said = "\n".join(span.to_json() for span in exporter.get_finished_spans())
        said += "\n".join(
            f"{r.getMessage()} {r.exc_info} {r.args}"
            for r in caplog.records
            if r.name.startswith("linq_otel")
        )
        assert "chats.messages.send" in said
        personal = (phone, phone[1:], email, text, "secret-token")
        for word in personal:
            for spelling in (word, quote(word), quote(word, safe=""), ascii(word)[1:-1]):
                assert spelling not in said

    def test_failures_of_ours(
        self,
        *,
        start: Callable[..., None],
        client: LinqAPIV3,
        exporter: InMemorySpanExporter,
        shielded: Callable[[], Any],
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Even where we fail, the log line has the place and the type, and no text."""
        from linq_otel import _client  # noqa: PLC0415  # Only here.

        def fail(*_: object) -> None:
            raise ValueError("+15550100 said hello")

        for name in ("describe_request", "note_response", "learn_ids", "operation_of"):
            with monkeypatch.context() as patch, shielded(), caplog.at_level(logging.DEBUG):
                patch.setattr(_client, name, fail)
                start()
                assert client.chats.messages.send(CHAT_ID, message=text_message()) is not None
        records = [r for r in caplog.records if r.name == "linq_otel"]
        lines = [r.getMessage() for r in records if r.levelno != logging.INFO]
        assert [line.partition(" at ")[0] for line in lines] == [
            "beginning an attempt failed: ValueError",
            "ending an attempt failed: ValueError",
            "reading an answer failed: ValueError",
            "opening a call failed: ValueError",
        ]
        assert "+15550100" not in caplog.text.replace(f"/{CHAT_ID}", "")
