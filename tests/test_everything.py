from __future__ import annotations

import logging
from typing import Any

import pytest

from linq_otel import LinqInstrumentor, instrument, uninstrument
from linq_otel._runtime import get_tracing
from linq_otel.errors import ConfigurationError
from linq_otel.stores.memory import MemoryStore
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor, WebhookOptions
from support import payloads as p


def are_on() -> tuple[bool, bool]:
    """
    Tell which of the instrumentors has instrumented.
    """
    instrumentors: tuple[Any, Any] = (LinqInstrumentor(), LinqWebhooksInstrumentor())
    return tuple(one.is_instrumented_by_opentelemetry for one in instrumentors)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what linq_otel logged: OpenTelemetry has a line of its own for a second call.
    """
    return [record.getMessage() for record in caplog.records if record.name == "linq_otel"]


class TestInstrument:
    def test_is_every_instrumentor(self) -> None:
        """
        One call instruments calls and webhooks, and one call takes both out.
        """
        instrument(join="message", duplicates="answer")
        assert are_on() == (True, True)
        uninstrument()
        assert are_on() == (False, False)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"join": "sideways"}, "join must be one of linq, app, message, link"),
            ({"duplicates": "drop"}, "duplicates"),
            ({"enforce": True}, "enforce needs the paths it guards"),
            ({"jion": "app"}, ", ".join(sorted(WebhookOptions.__annotations__))),
            ({"secret": "x"}, r"; did you mean 'webhook_secret'\?"),
            ({"webhook_paths": "/w"}, r"; did you mean 'paths'\?"),
            ({"store": "mongo://x"}, "no store at 'mongo:'"),
            ({"webhook_secret": "whsec_?"}, "webhook_secret must be 'whsec_' and base64"),
            ({"paths": 7}, "paths has a value we cannot use: it must be paths that begin with /"),
            ({"paths": ["/w", 7]}, "paths has a value we cannot use"),
            ({"paths": ["/w", ""]}, "paths has a value we cannot use"),
            ({"paths": "/w?x=1"}, "paths has a value we cannot use: .* without a query"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, options: dict[str, Any], said: str) -> None:
        """
        A wrong option is an error that says what to type, and nothing is patched.
        """
        with pytest.raises(ConfigurationError, match=said):
            instrument(**options)
        assert are_on() == (False, False)


class TestTwice:
    def test_reports_what_comes_too_late(self, caplog: pytest.LogCaptureFixture) -> None:
        """
        A second call changes nothing, and names the options that differ from the first.
        """
        instrument(join="linq", stages=True, paths="/w", webhook_secret=p.SECRET)
        try:
            with caplog.at_level(logging.WARNING, "linq_otel"):
                instrument(join="linq", stages=None, paths=["/w"], webhook_secret=p.SECRET)
                assert complaints(caplog) == []
                instrument(join="app", paths="/w", max_body=9, webhook_secret=p.OTHER_SECRET)
            assert get_tracing().settings.join == "linq"
        finally:
            uninstrument()
        late = (
            "options count in the first instrument() alone, until uninstrument(): "
            "configured already: {} passed over (logged once)"
        )
        assert complaints(caplog) == [
            late.format("join, webhook_secret"),
            late.format("max_body"),
        ]

    @pytest.mark.parametrize("options", [{"join": "sideways"}, {"max_body": 0}, {"secret": "x"}])
    def test_refuses_what_is_wrong(self, options: dict[str, Any]) -> None:
        """
        A wrong option is an error in a second call as well.
        """
        instrument()
        try:
            with pytest.raises(ConfigurationError):
                instrument(**options)
        finally:
            uninstrument()

    def test_of_one_instrumentor(self, caplog: pytest.LogCaptureFixture) -> None:
        """
        Either instrumentor says so itself, and knows OpenTelemetry's own keywords.
        """
        sender, receiver = LinqInstrumentor(), LinqWebhooksInstrumentor()
        sender.instrument(join="message")
        receiver.instrument(join="message", max_body=9)
        try:
            with caplog.at_level(logging.WARNING, "linq_otel"):
                sender.instrument(skip_dep_check=True)
                receiver.instrument(max_body=9, skip_dep_check=True)
                assert complaints(caplog) == []
                sender.instrument(join="app")
                receiver.instrument(store=MemoryStore())
        finally:
            uninstrument()
        said = [line.partition("configured already: ")[2] for line in complaints(caplog)]
        assert said == ["join passed over (logged once)", "store passed over (logged once)"]
