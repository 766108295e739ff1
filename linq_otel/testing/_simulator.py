"""
The front door: one object that is a whole Linq for as long as a ``with`` block lasts.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from linq_otel.testing._api._server import ApiServer
from linq_otel.testing._happenings import Heard, hear, made_up, tempting_data
from linq_otel.testing._state._account import RATE_LIMIT, Account, SendRates
from linq_otel.testing._state._attempts import Attempts
from linq_otel.testing._state._clock import SimulatedClock
from linq_otel.testing._state._errors import ApiError
from linq_otel.testing._state._ids import Ids
from linq_otel.testing._state._messages import OWN_LINE, Conversations
from linq_otel.testing._state._scenario import Scenario, get_scenario
from linq_otel.testing._webhooks._deliveries import Deliveries
from linq_otel.testing._webhooks._subscriptions import Subscriptions
from linq_otel.testing._world import World


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from linq_otel.testing._state._records import (
        Accepted,
        Delivery,
        Inbound,
        ReceivedRequest,
        Subscription,
    )


class LinqSimulator:
    """
    A local Linq Partner API V3 over real HTTP.

    Every call of the API answers, with an ``X-Trace-ID`` of its own; sends follow a ``Scenario``,
    and their webhooks are signed and delivered at least once, as Linq documents it.

    Waits are simulated, and the clock is real: at ``speed=10`` what a scenario has after a minute
    happens after six seconds, and is dated so. At ``speed=0``, where everything happens at once,
    webhooks are dated as the scenario has it, which is in the future.

    It refuses what Linq documents that it refuses: among others a ``from`` that is not one of
    its ``lines``, a link in the message that begins a chat, and a message over the ``rate_limit``.

    The same seed gives the same chat, message, event and trace ids, secrets and jitter, as long as
    the same requests are made: a message's id depends on its idempotency key, or on its place in
    its chat; a trace id on the request. What cannot repeat is which of several threads comes first,
    so the order of lines in ``requests`` and ``deliveries`` may vary.

    Example:
        ::

            with LinqSimulator(seed=7, scenario="read", speed=0) as linq:
                linq.subscribe("http://127.0.0.1:9999/webhooks")
                client = LinqAPIV3(api_key=linq.api_key, base_url=linq.base_url)
                ...
                linq.wait_until_idle()

    Args:
        seed: Of every id and all jitter.
        scenario: What happens to sends that ``script`` says nothing about; a name in ``SCENARIOS``.
        speed: Simulated seconds per real second; 0 or infinity means that waits take no time.
        host: A loopback address to listen on.
        port: 0 picks a free one.
        api_key: The bearer token to ask for; by default one is made from the seed.
        start: What its clock begins with, in seconds since the epoch; by default now.
        clock: Real time in seconds since the epoch, for signatures.
        delivery_timeout: Real seconds an endpoint has to answer; Linq's own limit is 10.
        lines: Your phone numbers; the first is the one that Linq picks where a send names none. A
            number that ``receive`` delivers to is one of them from then on.
        rate_limit: Messages that one of them may send to the same people in a minute, which takes
            as long as ``speed`` says; ``None`` for any number.

    Raises:
        ValueError: No such scenario, no line, or a host that is not loopback.
    """

    def __init__(  # noqa: PLR0913 - keywords, each with a default
        self,
        *,
        seed: int = 0,
        scenario: Scenario | str = "delivered",
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str | None = None,
        start: float | None = None,
        clock: Callable[[], float] = time.time,
        delivery_timeout: float = 10.0,
        lines: Sequence[str] = (OWN_LINE,),
        rate_limit: int | None = RATE_LIMIT,
    ) -> None:
        _check_host(host)
        if not lines:
            raise ValueError("an account without a phone number can send nothing")
        attempts = Attempts(get_scenario(scenario))
        ids = Ids(seed)
        simulated = SimulatedClock(start=clock() if start is None else start, speed=speed)
        deliveries = Deliveries(
            ids=ids, clock=simulated, real_clock=clock, timeout=delivery_timeout
        )
        self._world = World(
            ids=ids,
            clock=simulated,
            api_key=api_key or f"linq_{ids.hex32('api-key')}",
            account=Account(lines, SendRates(rate_limit, simulated)),
            attempts=attempts,
            conversations=Conversations(ids),
            deliveries=deliveries,
            subscriptions=Subscriptions(ids=ids, clock=simulated, deliveries=deliveries),
        )
        self._closing = threading.Lock()
        self._is_closed = False
        self._server = self._open_server(host, port)

    def _open_server(self, host: str, port: int) -> ApiServer:
        try:
            return ApiServer((host, port), self._world)
        except OSError:
            self._world.deliveries.close()
            raise

    def __enter__(self) -> Self:
        """
        Return itself; it listens already.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        Close.
        """
        self.close()

    def close(self) -> None:
        """
        Hang up on everyone and stop every thread; webhooks still to come are dropped.
        """
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._world.deliveries.interrupt()
                self._server.close()
                self._world.deliveries.close()

    @property
    def base_url(self) -> str:
        """
        What to give the SDK as ``base_url``.
        """
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/api/partner"

    @property
    def api_key(self) -> str:
        """
        The only bearer token that is let in.
        """
        return self._world.api_key

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """
        Every request so far, oldest first; the last 100,000 are kept.
        """
        return tuple(self._world.requests)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """
        Every delivery attempt that is over, oldest first; the last 100,000 are kept.
        """
        return tuple(self._world.deliveries.log)

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """
        Every message taken on, oldest first; two of the same text are a double send.
        """
        return tuple(self._world.accepted)

    def subscribe(
        self,
        target_url: str,
        events: tuple[str, ...] | None = None,
        *,
        signing_secret: str | None = None,
    ) -> Subscription:
        """
        Have webhooks delivered to a URL.

        Args:
            target_url: May end in ``?version=2025-01-01``; the newest version is the default.
            events: The event types wanted; ``None`` for all, even ones Linq does not have yet.
            signing_secret: The secret an endpoint knows already, ``whsec_`` and base64. Linq makes
                up one for each subscription, and so does the simulator without it.

        Raises:
            ValueError: The URL is taken, is none, or names an unknown version.
        """
        wanted = None if events is None else tuple(events)
        secret = {} if signing_secret is None else {"signing_secret": signing_secret}
        with self._world.lock:
            try:
                return self._world.subscriptions.add(target_url, wanted, **secret)
            except ApiError as error:
                raise ValueError(str(error)) from None

    def script(
        self, scenario: Scenario | str, times: int | None = 1, *, to: str | None = None
    ) -> None:
        """
        Say what happens to the next sends; scripts queue up.

        Args:
            scenario: A scenario or the name of one.
            times: For how many sends; ``None`` for all from now on.
            to: Only for sends to this handle, before any other script. With several clients at
                work it says which send meets what, whoever comes first.

        Raises:
            ValueError: No such scenario, or *to* without a number of *times*.
        """
        found = get_scenario(scenario)
        if to is not None and times is None:
            raise ValueError("a script for one handle needs a number of times")
        with self._world.lock:
            if to is not None and times is not None:
                self._world.attempts.script_to(to, found, times)
            else:
                self._world.attempts.script(found, times)

    def receive(
        self,
        text: str = "hi",
        *,
        from_: str = "+15550100",
        to: str = OWN_LINE,
        reply_to: str | None = None,
        service: str = "iMessage",
    ) -> Inbound:
        """
        Let someone send us a message, which is told as ``message.received`` unless we block them.

        Args:
            text: What they say.
            from_: Who they are.
            to: Which of our lines they write to.
            reply_to: The id of the message they reply to.
            service: ``iMessage``, ``RCS`` or ``SMS``.
        """
        heard = Heard(text=text, sender=from_, line=to, reply_to=reply_to, service=service)
        with self._world.lock:
            return hear(self._world, heard)

    def emit(self, event_type: str, data: Mapping[str, Any], **envelope: Any) -> str:
        """
        Deliver an event of any type, made up or not, to whoever wants it.

        Args:
            event_type: Such as ``phone_number.status_updated``.
            data: The same for both payload versions.
            **envelope: Fields to replace or add, such as ``trace_id`` or ``created_at``.

        Returns:
            The event's id.
        """
        with self._world.lock:
            event = made_up(self._world, event_type, data, envelope)
            self._world.subscriptions.tell(event)
        return event.event_id

    def forge(self, body: bytes | None = None, **envelope: Any) -> str:
        """
        Deliver an event with a wrong signature to every subscriber that would take it.

        Args:
            body: The exact bytes (UTF-8); by default an invented ``message.delivered``.
            **envelope: Fields to replace or add in the invented one.

        Returns:
            The event id it claims.
        """
        with self._world.lock:
            event_type = str(envelope.get("event_type", "message.delivered"))
            data = tempting_data(self._world)
            event = made_up(self._world, event_type, data, envelope)
            for letter in self._world.subscriptions.letters(event):
                forged = letter.body if body is None else body
                self._world.deliveries.post(replace(letter, body=forged, forged=True))
        return event.event_id

    def wait_until_idle(self, timeout: float = 10.0) -> None:
        """
        Wait until every webhook scheduled so far was delivered or given up.

        Args:
            timeout: Real seconds.

        Raises:
            TimeoutError: Something is still to come.
        """
        self._world.deliveries.pending.wait_until_idle(timeout)


def _check_host(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"the simulator listens on loopback only, not on {host!r}")
