"""
The receiver under fuzz: whatever is delivered, the app's own code runs as it would without us.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from fuzz.apps import App, HandlerError
from fuzz.deliveries import make_delivery
from fuzz.odd import chance
from fuzz.rows import RowStore, make_origin, make_row
from linq_otel import _shield
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random

    from opentelemetry.sdk.trace import ReadableSpan

    from fuzz.bench import Bench
    from fuzz.deliveries import Delivery
    from linq_otel.stores import Store


_SECRETS: Final = (p.SECRET, p.SECRET.removeprefix("whsec_"))
_SAID_OF_A_STRANGER: Final = frozenset({
    "messaging.system", "messaging.operation.name", "messaging.operation.type", "error.type",
    "linq.webhook.verified", "linq.webhook.rejected", "linq.event.type",
    "http.response.status_code",
})  # fmt: skip
_SETTINGS: Final = tuple(
    (*guarding, *others)
    for guarding in ((None, False), (p.SECRET, False), (p.SECRET, True))
    for others in product(("mark", "answer"), ("linq", "app", "message", "link"))
)


class Receiving:
    """
    Apps of every setting, and a delivery to one of them at a time.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._loop = asyncio.new_event_loop()
        self._tracer = bench.tracer_provider.get_tracer("server")
        self._store, self._rows = MemoryStore(size=1_000), RowStore()
        self._apps = [self._build(self._store, *setting) for setting in _SETTINGS]
        self._poisoned = [self._build(self._rows, *setting) for setting in _SETTINGS]

    def close(self) -> None:
        """
        Close the event loop.
        """
        self._loop.close()

    def __call__(self, random: Random) -> None:
        """
        Make a delivery, receive it twice, and look at what was drawn.
        """
        delivery = make_delivery(random)
        is_poisoned, is_served = chance(random, 3), chance(random, 2)
        app = random.choice(self._poisoned if is_poisoned else self._apps)
        error = HandlerError(*delivery.private) if chance(random, 6) else None
        receive = random.choice((
            app.process, app.process, app.process, app.handle, app.handle, app.aprocess, app.accept
        ))  # fmt: skip
        self._prepare(random, delivery)
        drawn = []
        for _ in range(2):
            self._bench.clear()
            _shield.tally.clear()
            # Of a row that is no origin, the shield has something to keep from the app.
            with shielding(is_on=is_poisoned):
                told = self._receive(receive, delivery, error, is_served=is_served)
            self._bench.check((*delivery.private, *_SECRETS), told)
            _check_tally(_shield.tally.counts())
            _check_strangers(self._bench.spans)
            drawn.append(_derived(self._bench.spans))
        assert drawn[0] == drawn[1]

    def _build(self, store: Store, secret: str | None, *more: Any) -> App:
        enforce, duplicates, join = more
        receiver = WebhookReceiver(
            secret,
            enforce=enforce,
            duplicates=duplicates,
            clock=lambda: p.SIGNED_AT,
            join=join,
            stage_events=enforce,
            store=store,
            tracer_provider=self._bench.tracer_provider,
            meter_provider=self._bench.meter_provider,
            logger_provider=self._bench.logger_provider,
        )
        return App(receiver, secret, self._loop)

    def _prepare(self, random: Random, delivery: Delivery) -> None:
        self._store.close()
        self._rows.fill({})
        if chance(random, 2):
            origin = make_origin(random, *delivery.ids)
            self._store.save(origin)
            row = make_row(random, origin, delivery.secrets)
            self._rows.fill(dict.fromkeys(origin.keys, row))

    def _receive(
        self,
        receive: Callable[[Delivery, HandlerError | None], str],
        delivery: Delivery,
        error: HandlerError | None,
        *,
        is_served: bool,
    ) -> str:
        if not is_served:
            return receive(delivery, error)
        with self._tracer.start_as_current_span("POST /hook"):
            return receive(delivery, error)


@contextmanager
def shielding(*, is_on: bool) -> Iterator[None]:
    """
    Keep our own failures from the app, or let them out.
    """
    before = _shield.is_strict()
    _shield._strict = not is_on
    try:
        yield
    finally:
        _shield._strict = before


def _check_tally(counts: Mapping[str, int]) -> None:
    """
    What our shield kept from the app is nothing but rows that are no origins.
    """
    failures = {kind.rpartition(" ")[2] for kind in counts if kind.endswith("Error")}
    assert failures <= {"StoreError", "UnreadableOriginError"}


def _check_strangers(spans: Sequence[ReadableSpan]) -> None:
    """
    A delivery that did not verify draws one span, in the trace it arrived in, and no id of it.
    """
    for span in spans:
        attributes = span.attributes or {}
        if "linq.webhook.rejected" in attributes:
            assert attributes.keys() <= _SAID_OF_A_STRANGER
            assert span.links == ()
            assert {other.name for other in spans} <= {span.name, "POST /hook"}
            assert {other.context.trace_id for other in spans} == {span.context.trace_id}


def _derived(spans: Sequence[ReadableSpan]) -> set[tuple[str, int, int, int]]:
    """
    Return the ids that must be the same whenever the same is delivered.
    """
    return {
        (s.name, s.context.trace_id, s.context.span_id, s.parent.span_id if s.parent else 0)
        for s in spans
        if s.name.startswith("message ")
    }
