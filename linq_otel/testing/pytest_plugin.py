"""
Fixtures for suites of apps that use Linq. pytest finds them by the entry point ``linq_otel``.

Every suite of an environment loads this, and most want nothing of it: so nothing is imported and
nothing happens before a test asks for a fixture. ``-p no:linq_otel`` switches it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest


if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import TracerProvider

    from linq_otel.testing import EventFactory, LinqSimulator, TickingClock
    from linq_otel.testing.spans import CountedIds, LinqSpans


__all__ = [
    "linq_clock",
    "linq_event",
    "linq_ids",
    "linq_simulator",
    "linq_spans",
    "linq_tracer_provider",
    "pytest_configure",
]

_MARK = "linq"
_OF_SIMULATOR = (
    "scenario",
    "seed",
    "speed",
    "api_key",
    "start",
    "delivery_timeout",
    "lines",
    "rate_limit",
)
_OF_EVENTS = ("secret", "version", "seed")
_OF_CLOCK = ("start", "tick")
_TOLD = (
    "linq(scenario='read', seed=7, secret='whsec_…', version='2026-02-03', join='app', …): how the "
    "fixtures linq_simulator and linq_event are made; what else there is goes to instrument()."
)


def pytest_configure(config: pytest.Config) -> None:
    """
    Tell pytest of the mark.
    """
    config.addinivalue_line("markers", _TOLD)


@pytest.fixture
def linq_simulator(request: pytest.FixtureRequest) -> Iterator[LinqSimulator]:
    """
    A local Linq, which ``LinqAPIV3()`` without arguments talks to while the test runs.

    Waits take no time in it, and its ids are the same in every run. The mark ``linq`` says
    otherwise: ``@pytest.mark.linq(scenario="read", seed=7)``.
    """
    from linq_otel.testing import LinqSimulator  # noqa: PLC0415 - only when a test wants it
    from linq_otel.testing._environment import API_KEY, BASE_URL, set_variables  # noqa: PLC0415

    options: dict[str, Any] = {"speed": 0.0, **_read_mark(request, _OF_SIMULATOR)}
    with (
        LinqSimulator(**options) as linq,
        set_variables(**{BASE_URL: linq.base_url, API_KEY: linq.api_key}),
    ):
        yield linq


@pytest.fixture
def linq_event(request: pytest.FixtureRequest) -> Iterator[EventFactory]:
    """
    Makes signed webhooks.

    ::

        headers, body = linq_event("message.delivered", message_id=message_id)

    They are signed with the secret in ``LINQ_WEBHOOK_SECRET``, which is made up and set while the
    test runs if it is not; it is ``linq_event.secret``.
    """
    from linq_otel.testing import EventFactory  # noqa: PLC0415 - as above
    from linq_otel.testing._environment import (  # noqa: PLC0415
        WEBHOOK_SECRET,
        find_secret,
        set_variables,
    )

    options = _read_mark(request, _OF_EVENTS)
    event = EventFactory(options.pop("secret", None) or find_secret(), **options)
    with set_variables(**{WEBHOOK_SECRET: event.secret}):
        yield event


@pytest.fixture
def linq_clock(request: pytest.FixtureRequest) -> TickingClock:
    """
    A clock that stands still until told to ``advance``; give it to what takes a ``clock=``.
    """
    from linq_otel.testing import TickingClock  # noqa: PLC0415 - as above

    return TickingClock(**_read_mark(request, _OF_CLOCK))


@pytest.fixture
def linq_tracer_provider() -> TracerProvider:
    """
    The tracer provider that ``linq_spans`` looks at: the global one, made if there is none.

    Override this fixture if your app is given a provider of its own.
    """
    from linq_otel.testing.spans import find_provider  # noqa: PLC0415 - as above

    return find_provider()


@pytest.fixture
def linq_ids(linq_tracer_provider: TracerProvider) -> Iterator[CountedIds]:
    """
    OpenTelemetry ids that count from 1 while the test runs.
    """
    from linq_otel.testing.spans import open_ids  # noqa: PLC0415 - as above

    with open_ids(linq_tracer_provider) as ids:
        yield ids


@pytest.fixture
def linq_spans(
    request: pytest.FixtureRequest, linq_tracer_provider: TracerProvider
) -> Iterator[LinqSpans]:
    """
    All spans of the test, the app's own and Linq's; ``instrument()`` is done and undone around it.
    """
    from linq_otel.testing.spans import open_spans  # noqa: PLC0415 - as above

    # These come first: instrument() reads the variables they set.
    for name in ("linq_simulator", "linq_event"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    known = {*_OF_SIMULATOR, *_OF_EVENTS, *_OF_CLOCK}
    options = {name: value for name, value in _merge_marks(request).items() if name not in known}
    with open_spans(linq_tracer_provider, **options) as spans:
        yield spans


def _read_mark(request: pytest.FixtureRequest, names: tuple[str, ...]) -> dict[str, Any]:
    """
    Return what the marks of a test say about one fixture.
    """
    options = _merge_marks(request)
    known = {*_OF_SIMULATOR, *_OF_EVENTS, *_OF_CLOCK}
    strange = sorted(set(options) - known)
    if strange and "linq_spans" not in request.fixturenames:
        told = f"the mark linq says {', '.join(strange)}, which is nothing without linq_spans"
        pytest.fail(told, pytrace=False)
    return {name: value for name, value in options.items() if name in names}


def _merge_marks(request: pytest.FixtureRequest) -> dict[str, Any]:
    """
    Return what all marks of a test say; the one closest to it has the last word.
    """
    options: dict[str, Any] = {}
    for mark in request.node.iter_markers(_MARK):
        if mark.args:
            told = "the mark linq takes keywords only, such as scenario='read'"
            pytest.fail(told, pytrace=False)
        options = {**mark.kwargs, **options}
    return options
