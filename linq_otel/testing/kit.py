"""
The test kit without pytest: a context manager, and a mixin for :mod:`unittest`.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linq_otel.testing._environment import (
    API_KEY,
    BASE_URL,
    WEBHOOK_SECRET,
    find_secret,
    set_variables,
)
from linq_otel.testing._signed_events import EventFactory
from linq_otel.testing._simulator import LinqSimulator
from linq_otel.testing._spans._asserting import assert_one_trace
from linq_otel.testing._spans._opening import find_provider, open_ids, open_spans
from linq_otel.testing._webhooks._events import NEWEST


if TYPE_CHECKING:
    import unittest
    from collections.abc import Generator, Iterable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from linq_otel.testing._spans._asserting import Expected
    from linq_otel.testing._spans._collected import LinqSpans
    from linq_otel.testing._spans._counted_ids import CountedIds
    from linq_otel.testing._state._scenario import Scenario

    _TestCase = unittest.TestCase
else:
    _TestCase = object


__all__ = ["LinqKit", "LinqTestCase", "open_test_kit"]


@dataclass(frozen=True, slots=True)
class LinqKit:
    """
    All a test of a Linq app needs.

    Attributes:
        simulator: A local Linq, which clients built without arguments talk to.
        event: Makes signed webhooks; the app knows its secret by ``LINQ_WEBHOOK_SECRET``.
        ids: OpenTelemetry ids, which count from 1.
        spans: What has been traced.
    """

    simulator: LinqSimulator
    event: EventFactory
    ids: CountedIds
    spans: LinqSpans


@contextmanager
def open_test_kit(  # noqa: PLR0913 - keywords, each with a default
    *,
    scenario: Scenario | str = "delivered",
    seed: int = 0,
    speed: float = 0.0,
    secret: str | None = None,
    version: str = NEWEST,
    tracer_provider: TracerProvider | None = None,
    **options: Any,
) -> Generator[LinqKit, None, None]:
    """
    Open a local Linq and collect spans while the block lasts.

    ::

        with open_test_kit(scenario="read") as kit:
            kit.simulator.subscribe(url, signing_secret=kit.event.secret)
            message_id = place_order()
            kit.simulator.wait_until_idle()
            assert_one_trace(kit.spans.of_message(message_id))

    Args:
        scenario: What becomes of messages.
        seed: Of every id that Linq would make up.
        speed: Simulated seconds per real second; 0 means that waits take no time.
        secret: The webhooks' signing secret; by default that of ``LINQ_WEBHOOK_SECRET``, else made
            from the seed.
        version: The payload version of events made here.
        tracer_provider: The provider to look at; by default the global one, which is made if there
            is none.
        **options: As for :func:`linq_otel.instrument`.

    Raises:
        ConfigurationError: An option is wrong, or there are any and the app is instrumented
            already.
        ValueError: No such scenario or payload version.
    """
    provider = tracer_provider or find_provider()
    event = EventFactory(secret or find_secret(), version=version, seed=seed)
    with ExitStack() as opened:
        simulator = opened.enter_context(LinqSimulator(seed=seed, scenario=scenario, speed=speed))
        variables = {BASE_URL: simulator.base_url, API_KEY: simulator.api_key}
        opened.enter_context(set_variables(**variables, **{WEBHOOK_SECRET: event.secret}))
        ids = opened.enter_context(open_ids(provider))
        spans = opened.enter_context(open_spans(provider, **options))
        yield LinqKit(simulator, event, ids, spans)


class LinqTestCase(_TestCase):
    """
    Gives each test of a :class:`unittest.TestCase` a kit of its own.

    ::

        class OrderTest(LinqTestCase, unittest.TestCase):
            linq_options = {"scenario": "read"}

            def test_order(self) -> None:
                message_id = place_order()
                self.linq.simulator.wait_until_idle()
                self.assert_one_trace(self.linq.spans.of_message(message_id))

    Stands before the test case among the bases, so that its ``setUp`` comes first; one of your own
    calls ``super().setUp()``.

    Attributes:
        linq_options: Keywords of :func:`open_test_kit`.
        linq: The kit.
    """

    linq_options: Mapping[str, Any] = {}
    linq: LinqKit

    def setUp(self) -> None:
        """
        Open the kit; it is closed when the test is over, however it ends.
        """
        super().setUp()
        opened = ExitStack()
        self.addCleanup(opened.close)
        self.linq = opened.enter_context(open_test_kit(**self.linq_options))

    def assert_one_trace(
        self,
        spans: Iterable[ReadableSpan],
        expected: Expected | None = None,
        *,
        traces: int | None = None,
    ) -> None:
        """
        Assert that the spans are one joined trace.

        As :func:`linq_otel.testing.spans.assert_one_trace` does, with its arguments.
        """
        assert_one_trace(spans, expected, traces=traces)
