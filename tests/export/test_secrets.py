from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.export import configure
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel.export import Export
    from support.otlp_sinks import Sink


SECRET = "sek.ret-0123456789"


class TestSecrets:
    @pytest.mark.parametrize(
        "wishes",
        [
            {"backend": "honeycomb", "api_key": SECRET},
            {"backend": "datadog", "api_key": SECRET, "region": "us5"},
            {
                "backend": "grafana-cloud",
                "api_key": SECRET,
                "instance_id": "1",
                "region": "prod-eu-west-2",
            },
            {"backend": "otlp", "headers": {"authorization": f"Bearer {SECRET}"}},
        ],
    )
    def test_plans(self, wishes: dict[str, Any]) -> None:
        """Nothing that is decided from a key shows it."""
        plan = make_plan(Wishes(**wishes), {})
        assert SECRET not in repr(Wishes(**wishes)) + repr(plan) + str(plan)
        assert all(SECRET in str(t.headers) or "authorization" in t.headers for t in plan.targets)

    @pytest.mark.parametrize(
        "wishes",
        [
            {"backend": "honeycomb", "api_key": f"{SECRET}\n{SECRET}"},
            {"backend": "honeycomb", "api_key": f"{SECRET}é"},
            {"backend": "jaeger", "api_key": SECRET},
            {"backend": "otlp", "headers": {"authorization": f"{SECRET}\r\n" * 2}},
            {"backend": "otlp", "headers": {f"{SECRET} ": "x", "": SECRET}},
            {"backend": "otlp", "endpoint": f"https://user:{SECRET}@host"},
            {"backend": "otlp", "endpoint": f"https://host/?key={SECRET}"},
            {"backend": "otlp", "endpoint": f"user:{SECRET}@host"},
            {"backend": "honeycomb", "api_key": SECRET, "region": "mars"},
            {"backend": "honeycomb", "api_key": SECRET, "endpoint": "http://api.honeycomb.io"},
        ],
    )
    def test_errors(self, wishes: dict[str, Any]) -> None:
        """No error repeats a key, whatever is wrong with it."""
        with pytest.raises(ConfigurationError) as caught:
            configure(**wishes)
        assert SECRET not in str(caught.value)

    def test_failures(
        self,
        sink: Sink,
        start: Callable[..., Export],
        vendor: object,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither what fails nor what is explained of it shows a key, not even in debugging."""
        caplog.set_level(logging.DEBUG)
        sink.status = 401
        sink.code = type(sink.code).UNAUTHENTICATED
        export = start(
            "honeycomb",
            endpoint=sink.endpoint,
            api_key=SECRET,
            tracer_provider=vendor,
            metrics=False,
            logs=False,
        )
        assert export.tracer_provider is not None
        export.tracer_provider.get_tracer("t").start_span("s").end()
        assert not export.flush(5)
        results = export.check()
        texts = [record.getMessage() for record in caplog.records]
        assert [SECRET in text for text in [export.explain(), repr(export), repr(results)]] == [
            False,
            False,
            False,
        ]
        assert [text for text in texts if SECRET in text] == []
        assert [text for text in texts if "refused the key" in text] != []
