"""
What is measured, and when: one method for each moment worth a number.

The instruments are made once, with the tracing; an app may set its meter
provider up later. Until it has, nothing is computed for them.
"""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry import metrics
from opentelemetry.context import Context

from . import _attributes as a
from . import _instruments as i
from ._shield import shield
from ._version import __version__


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation

    from ._events import Event
    from ._instruments import Instrument
    from ._operations import Operation

    Facts = dict[str, str | int]


_TOO_MANY_REQUESTS: Final = 429
_MOST_CODES: Final = 100
_SECONDS_BETWEEN: Final = 0.1


class Counter(Protocol):
    """
    What knows how many messages are stuck.
    """

    def count(self) -> int | None:
        """
        Return how many; None if it does not know.
        """
        ...


class Meters:
    """
    The metrics that go to one provider; durations are seconds, times Unix nanoseconds.

    Args:
        provider: Where they go; the global one if None.
    """

    def __init__(self, provider: MeterProvider | None) -> None:
        self._provider = provider
        meter: Meter = metrics.get_meter("linq_otel", __version__, provider)
        made = {each.name: _make(meter, each) for each in i.INSTRUMENTS}
        self._made: dict[str, Any] = made
        self._is_on = False
        self._asks_again_at = 0.0
        self._codes: set[int] = set()
        self._has_zeros = False
        self._stuck: WeakSet[Counter] = WeakSet()
        meter.create_observable_gauge(
            i.STUCK.name, [_observe_stuck(self)], i.STUCK.unit, i.STUCK.description
        )

    @property
    def is_on(self) -> bool:
        """
        True once somebody reads the metrics; asked anew ten times a second at most.
        """
        if not self._is_on and (now := time.monotonic()) >= self._asks_again_at:
            # The API reads the environment for its answer: 4 µs of a call.
            self._asks_again_at = now + _SECONDS_BETWEEN
            # Its own providers only stand in for one.
            provider = self._provider or metrics.get_meter_provider()
            self._is_on = not type(provider).__module__.startswith("opentelemetry.metrics")
        return self._is_on

    def note_call(
        self,
        operation: Operation,
        seconds: float,
        error_type: str | None,
        requests: int,
        context: Context,
    ) -> None:
        """
        A call of the API is over.
        """
        facts: Facts = {a.OPERATION: operation.name}
        if requests > 1:
            self._add(i.RETRIES, facts, requests - 1)
        if error_type is not None:
            facts[a.ERROR_TYPE] = error_type
        self._record(i.CALL_DURATION, seconds, facts, context)
        if operation.starts_life:
            facts = {**_SEND, **facts}
            self._record(i.SEND_DURATION, seconds, facts, context)
            self._add(i.SENT_MESSAGES, facts)

    def note_attempt(self, seconds: float, facts: Facts, context: Context) -> None:
        """
        A request on the wire was answered, or came to nothing; *facts* are its span's.
        """
        kept = {key: facts[key] for key in i.ATTEMPT_DURATION.attributes if key in facts}
        self._record(i.ATTEMPT_DURATION, seconds, kept, context)

    def note_answer(self, operation: Operation, status: int, retry_after: float | None) -> None:
        """
        Linq has answered a request.
        """
        if status == _TOO_MANY_REQUESTS:
            self._add(i.RATE_LIMITED, {a.OPERATION: operation.name})
        if retry_after is not None:
            self._record(i.RETRY_AFTER, retry_after, {a.OPERATION: operation.name})

    def note_delivery(self, event_type: str, outcome: str) -> None:
        """
        A webhook has arrived.

        Args:
            event_type: Its type, one of a bounded number.
            outcome: ``new``, ``duplicate``, ``orphan``, ``unverified`` or ``malformed``.
        """
        self._add(i.DELIVERIES, {a.EVENT_TYPE: event_type, a.OUTCOME: outcome})

    def note_join(self, event_type: str, origin: str, *, is_mismatch: bool) -> None:
        """
        The origin of an event's message was looked up.

        Args:
            event_type: The event's.
            origin: How it was found, ``none`` if it was not.
            is_mismatch: True if the event's Linq trace id is none of the origin's.
        """
        self._add(i.JOINS, {a.ORIGIN: origin})
        if is_mismatch:
            self._add(i.MISMATCHES, {a.EVENT_TYPE: event_type})

    def note_lag(self, event_type: str, created_at: int, context: Context) -> None:
        """
        An event that Linq made at *created_at* has arrived for the first time.
        """
        self._record(i.LAG, _seconds_since(created_at), {a.EVENT_TYPE: event_type}, context)

    def note_handler(
        self, event_type: str, seconds: float, error_type: str | None, context: Context
    ) -> None:
        """
        A webhook's handler has returned, or raised.
        """
        facts: Facts = {**_PROCESS, a.EVENT_TYPE: event_type}
        if error_type is not None:
            facts[a.ERROR_TYPE] = error_type
        self._record(i.HANDLER_DURATION, seconds, facts, context)

    def note_stage(
        self, event: Event, stage: str, accepted_at: int | None, moment: int, context: Context
    ) -> None:
        """
        A message has come to *stage* at *moment*; told once for each message.
        """
        facts: Facts = {a.STAGE_NAME: stage}
        if event.service is not None:
            facts[a.SERVICE] = event.service
        if accepted_at is not None:
            # Two clocks are compared: Linq's and ours.
            seconds = max(0.0, (moment - accepted_at) / 1e9)
            self._record(i.STAGE_DURATION, seconds, facts, context)
        if event.error_code is not None and self._is_one_of_few(event.error_code):
            facts[a.ERROR_CODE] = event.error_code
        self._add(i.OUTCOMES, facts)

    def note_reply(self, seconds: float) -> None:
        """
        A message that came in has its first answer.
        """
        self._record(i.REPLY_DURATION, max(0.0, seconds), {})

    def watch_stuck(self, counter: Counter) -> None:
        """
        Ask *counter* how many messages are stuck whenever metrics are read, as long as it lives.
        """
        self._stuck.add(counter)

    def begin(self) -> None:
        """
        Make each known series at zero, once, as metrics are read for the first time.

        Prometheus counts what is added to a series, and so nothing of what it begins with.
        """
        if self._has_zeros:
            return
        self._has_zeros = True
        with shield("beginning the counters"):
            for instrument in i.INSTRUMENTS:
                for facts in instrument.zeros():
                    # They may be read inside a span, of which this is no exemplar.
                    self._made[instrument.name].add(0, facts, Context())

    def count_stuck(self) -> int | None:
        """
        Return how many messages are stuck; None if nobody knows.
        """
        known = [each for each in (counter.count() for counter in self._stuck) if each is not None]
        return sum(known) if known else None

    def note_store(self, operation: str, seconds: float, error_type: str | None = None) -> None:
        """
        The store did *operation*, or failed to.
        """
        facts: Facts = {a.STORE_OPERATION: operation}
        if error_type is not None:
            facts[a.ERROR_TYPE] = error_type
        self._record(i.STORE_DURATION, seconds, facts)

    def note_skipped(self, operation: str) -> None:
        """
        The store was not asked for *operation*, because it does not work.
        """
        self._add(i.STORE_SKIPPED, {a.STORE_OPERATION: operation})

    def note_lost(self) -> None:
        """
        One origin will never be in the store.
        """
        self._add(i.STORE_LOST, {})

    def _record(
        self, instrument: Instrument, value: float, facts: Facts, context: Context | None = None
    ) -> None:
        self._made[instrument.name].record(value, facts, context)

    def _add(self, instrument: Instrument, facts: Facts, number: int = 1) -> None:
        self._made[instrument.name].add(number, facts)

    def _is_one_of_few(self, code: int) -> bool:
        # Linq has some sixty codes; what a payload holds is not bound to them.
        if len(self._codes) < _MOST_CODES:
            self._codes.add(code)
        return code in self._codes


def meters_of(provider: MeterProvider | None) -> Meters:
    """
    Return the metrics that go to *provider*, the same as long as it lives.

    OpenTelemetry keeps every instrument that was ever made.
    """
    if provider is None:
        if not _of_the_process:
            _of_the_process.append(Meters(None))
        return _of_the_process[0]
    # Without a lock, which a fork would have to survive.
    return _of_providers.get(provider) or _of_providers.setdefault(provider, Meters(provider))


_of_the_process: Final[list[Meters]] = []
_of_providers: Final[WeakKeyDictionary[MeterProvider, Meters]] = WeakKeyDictionary()


def _observe_stuck(meters: Meters) -> Callable[[CallbackOptions], Iterable[Observation]]:
    # A provider holds its callbacks, and must not hold itself by them.
    find = weakref.ref(meters)

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        found = find()
        if found is None:
            return ()
        # The SDK calls this before it reads the counters, in every process that is read at all.
        found.begin()
        stuck = found.count_stuck()
        return () if stuck is None else (metrics.Observation(stuck),)

    return observe


_SEND: Final[Facts] = {
    a.MESSAGING_SYSTEM: "linq",
    a.MESSAGING_OPERATION_NAME: "send",
    a.MESSAGING_OPERATION_TYPE: "send",
}
_PROCESS: Final[Facts] = {
    a.MESSAGING_SYSTEM: "linq",
    a.MESSAGING_OPERATION_NAME: "process",
    a.MESSAGING_OPERATION_TYPE: "process",
}


def _make(meter: Meter, instrument: Instrument) -> Any:
    name, unit, description = instrument.name, instrument.unit, instrument.description
    if instrument.kind == "histogram":
        return meter.create_histogram(
            name, unit, description, explicit_bucket_boundaries_advisory=instrument.buckets
        )
    return meter.create_counter(name, unit, description) if instrument.kind == "counter" else None


def _seconds_since(moment: int) -> float:
    return max(0.0, (time.time_ns() - moment) / 1e9)
