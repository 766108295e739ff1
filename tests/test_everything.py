from __future__ import annotations

from typing import Any

import pytest

from linq_otel import LinqInstrumentor, instrument, uninstrument
from linq_otel.errors import ConfigurationError
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor, WebhookOptions


def are_on() -> tuple[bool, bool]:
    """
    Tell which of the instrumentors has instrumented.
    """
    instrumentors: tuple[Any, Any] = (LinqInstrumentor(), LinqWebhooksInstrumentor())
    return tuple(one.is_instrumented_by_opentelemetry for one in instrumentors)


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
        ],
    )
    def test_refuses_what_it_does_not_know(self, options: dict[str, Any], said: str) -> None:
        """
        A wrong option is an error that says what to type, and nothing is patched.
        """
        with pytest.raises(ConfigurationError, match=said):
            instrument(**options)
        assert are_on() == (False, False)
