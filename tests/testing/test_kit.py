"""
The kit without pytest's fixtures: a context manager, and test cases of the standard library.
"""

from __future__ import annotations

import asyncio
import os
import unittest
from typing import TYPE_CHECKING

import pytest
from linq import AsyncLinqAPIV3, LinqAPIV3

from linq_otel.instrumentor import LinqInstrumentor
from linq_otel.testing.kit import LinqTestCase, open_test_kit
from linq_otel.testing.spans import assert_one_trace
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.scripts import run_script


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import TracerProvider


VARIABLES = ("LINQ_API_V3_BASE_URL", "LINQ_API_V3_API_KEY", "LINQ_WEBHOOK_SECRET")
LIFE = """
    linq chats.create [PRODUCER] -> lifecycle: linq message
      POST /v3/chats [CLIENT]
    linq message -> send: linq chats.create
      message accepted
      message read
      process message.read -> send: linq chats.create
    """


def place_order() -> str:
    parts = [{"type": "text", "value": "hello"}]
    with LinqAPIV3() as linq:
        answer = linq.chats.create(
            from_="+15550100000", to=["+15550100123"], message={"parts": parts}
        )
    return answer.chat.message.id


def variables() -> list[str | None]:
    return [os.environ.get(name) for name in VARIABLES]


class TestOpenTestKit:
    def test_one_message(self, provider: TracerProvider) -> None:
        """A send and its webhook are one trace; afterwards all is as it was."""
        with open_test_kit(tracer_provider=provider, seed=7) as kit:
            assert variables() == [kit.simulator.base_url, kit.simulator.api_key, kit.event.secret]
            message_id = place_order()
            with WebhookReceiver().process(*kit.event("message.read", message_id=message_id)):
                pass
            assert_one_trace(kit.spans.of_message(message_id), LIFE, traces=2)
            context = kit.spans.get("linq chats.create").get_span_context()
        assert context is not None
        assert f"{context.trace_id:032x}" == kit.ids.otel_trace_id(1)
        assert variables() == [None, None, None]
        assert not LinqInstrumentor().is_instrumented_by_opentelemetry

    def test_a_test_that_fails(
        self, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever happens inside, all is undone, and what was set is set again."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", p.SECRET)
        seen: list[str] = []

        def fail() -> None:
            with open_test_kit(tracer_provider=provider, scenario="sms") as kit:
                seen.append(kit.event.secret)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert seen == [p.SECRET]
        assert variables() == [None, None, p.SECRET]
        assert not LinqInstrumentor().is_instrumented_by_opentelemetry

    def test_global_provider(self) -> None:
        """Where the app has no provider, a global one is made, and its own spans are seen too."""
        code = """
            from opentelemetry import trace
            from linq_otel.testing.kit import open_test_kit

            tracer = trace.get_tracer("shop")
            for _ in range(2):
                with open_test_kit() as kit:
                    with tracer.start_as_current_span("place order"):
                        pass
                    assert trace.get_tracer_provider() is kit.spans.tracer_provider
                    print(kit.spans.tree(), kit.spans.get().context.trace_id)
        """
        assert run_script(code) == "place order [INTERNAL] 1\n" * 2


def run_case(case: type[unittest.TestCase]) -> list[str]:
    """
    Run every test of a case, and answer what it complained of.
    """
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return [told.strip().splitlines()[-1] for _, told in (*result.failures, *result.errors)]


class TestLinqTestCase:
    def test_case(self, provider: TracerProvider) -> None:
        """Each test has a kit of its own, with the options of its class."""
        seen: list[str] = []

        class OrderTest(LinqTestCase, unittest.TestCase):
            linq_options: Mapping[str, object] = {"tracer_provider": provider, "seed": 7}

            def setUp(self) -> None:
                super().setUp()
                self.message_id = place_order()

            def test_joined(self) -> None:
                spans = self.linq.spans.of_message(self.message_id)
                self.assert_one_trace(spans, "linq chats.create\n  ...\nlinq message\n  ...")

            def test_first(self) -> None:
                seen.append(self.message_id)

            def test_second(self) -> None:
                seen.append(self.message_id)

            def test_wrong(self) -> None:
                self.assert_one_trace(self.linq.spans, "linq message\n  ...\n...", traces=1)

        assert run_case(OrderTest) == ["  message accepted [INTERNAL]"]
        assert seen == ["340c8c15-2fb7-4d40-959f-c2ff0857e2a8"] * 2
        assert variables() == [None, None, None]

    def test_asynchronous_case(self, provider: TracerProvider) -> None:
        """It mixes with test cases of coroutines as well."""

        class OrderTest(LinqTestCase, unittest.IsolatedAsyncioTestCase):
            linq_options: Mapping[str, object] = {"tracer_provider": provider, "join": "app"}

            async def test_joined(self) -> None:
                parts = [{"type": "text", "value": "hello"}]
                async with AsyncLinqAPIV3() as linq:
                    await linq.chats.create(
                        from_="+15550100000", to=["+15550100123"], message={"parts": parts}
                    )
                spans = await asyncio.to_thread(self.linq.spans.finished)
                self.assert_one_trace(spans, traces=1)

        assert run_case(OrderTest) == []
