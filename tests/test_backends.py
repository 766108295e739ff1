from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from linq_otel._backends import BACKENDS, Action, Backend, get_backend
from linq_otel._late import LATE_CHOICES
from linq_otel.cli._log_commands import _check_backend
from linq_otel.doctor._variables import RULES
from linq_otel.environment_variables import OTEL_PYTHON_LINQ_LATE
from linq_otel.errors import ConfigurationError
from linq_otel.export._variables import BACKEND
from linq_otel.integration_logs._windows import WINDOWS


DOCS = Path(__file__).parents[1] / "docs"
EVERY = [*BACKENDS.values(), *(b.direct for b in BACKENDS.values() if b.direct is not None)]
each_backend = pytest.mark.parametrize("backend", EVERY, ids=lambda backend: backend.title)


class TestTable:
    def test_names(self) -> None:
        """These names stay."""
        assert list(BACKENDS) == [
            "jaeger",
            "tempo",
            "victoria-traces",
            "loki",
            "grafana-cloud",
            "honeycomb",
            "datadog",
            "dynatrace",
            "dash0",
            "newrelic",
            "sumologic",
            "otlp",
        ]

    def test_are_one_vocabulary(self) -> None:
        """To export, for old spans and to import, the same names are taken."""
        assert set(LATE_CHOICES) == {*get_args(Action), *BACKENDS}
        assert {window.backend for window in WINDOWS} == set(BACKENDS)
        for name in BACKENDS:
            assert _check_backend(name) == name
            for variable in (BACKEND, OTEL_PYTHON_LINQ_LATE):
                is_right, _ = RULES[variable]
                assert is_right(name)

    @each_backend
    def test_sources(self, backend: Backend) -> None:
        """Each row says where it is written, on a page of the maker of the backend."""
        assert urlsplit(backend.source).scheme == "https"

    @each_backend
    def test_in_the_clear(self, backend: Backend) -> None:
        """What leaves the host leaves it encrypted, and so does every key."""
        for endpoint in backend.endpoints.values():
            url = urlsplit(endpoint)
            assert (url.scheme == "https") == (url.hostname != "localhost")
        assert backend.needs_key <= all(e.startswith("https:") for e in backend.endpoints.values())

    @each_backend
    def test_domains(self, backend: Backend) -> None:
        """The clouds' endpoints are in the domains that are held to https."""
        for endpoint in backend.endpoints.values():
            host = urlsplit(endpoint.replace("{region}", "region")).hostname or ""
            for place in backend.regions.values() or [host]:
                within = place if "{region}" in endpoint and backend.regions else host
                is_there = any(f".{within}".endswith(f".{d}") for d in backend.domains)
                assert is_there == endpoint.startswith("https:")

    def test_late(self) -> None:
        """These document how old a span may be, and what is done about older ones."""
        late = {b.title: (b.late_action, b.late) for b in EVERY if b.late_action != "keep"}
        assert late == {
            "VictoriaTraces": ("clamp", timedelta(days=7)),
            "the Datadog Agent": ("clamp", timedelta(hours=18)),
            "Datadog's OTLP intake": ("clamp", timedelta(hours=18)),
            "Dynatrace": ("clamp", timedelta(hours=1)),
            "Dash0": ("clamp", timedelta(hours=6)),
            "New Relic": ("link", timedelta(seconds=90)),
            "the Sumo Logic collector": ("clamp", timedelta(hours=24)),
        }
        assert [b.name for b in EVERY if b.late_action != "keep" and not b.late_source] == []

    @each_backend
    def test_documented(self, backend: Backend) -> None:
        """The page on backends shows each row: endpoints, headers, variables and its source."""
        page = (DOCS / "backends.md").read_text(encoding="utf-8")
        shown = [*backend.endpoints.values(), *backend.headers, *backend.key_variables]
        shown += [*backend.instance_variables, *backend.region_variables, *backend.regions]
        shown += [f'`"{backend.name}"', backend.source]
        assert [text for text in shown if text not in page] == []

    def test_documented_where_it_is_late(self) -> None:
        """The page on late spans has a row for each name, under what is done about it."""
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in (DOCS / "late-spans.md").read_text("utf-8").splitlines()
            if line.startswith("| `")
        ]
        shown = {
            name: action.partition("`")[2].partition("`")[0]
            for names, _, action in rows
            for name in re.findall(r"`([a-z0-9-]+)`", names)
        }
        assert shown == {name: backend.late_action for name, backend in BACKENDS.items()}

    def test_documented_where_it_is_imported_to(self) -> None:
        """The page on integration logs has a row for each backend that loses or hides old rows."""
        rows = (DOCS / "integration-logs.md").read_text("utf-8").splitlines()
        shown = {line.split("`")[1] for line in rows if line.startswith("| `") and "hour" in line}
        assert shown >= {window.backend for window in WINDOWS if window.hours is not None}


class TestGetBackend:
    def test_spelling(self) -> None:
        """Case and space around a name do not count."""
        assert get_backend(" Jaeger ") is BACKENDS["jaeger"]

    def test_near(self) -> None:
        """A slip is answered with the name that was meant."""
        with pytest.raises(ConfigurationError) as caught:
            get_backend("hunycomb")
        assert str(caught.value) == (
            "there is no backend 'hunycomb'; did you mean 'honeycomb'? The names are "
            "jaeger, tempo, victoria-traces, loki, grafana-cloud, honeycomb, datadog, dynatrace, "
            "dash0, newrelic, sumologic, otlp, where otlp is any endpoint that speaks OTLP"
        )

    def test_far(self) -> None:
        """What is near to nothing is answered with all there is."""
        with pytest.raises(ConfigurationError) as caught:
            get_backend("x-ray")
        assert str(caught.value) == (
            "there is no backend 'x-ray'; the names are jaeger, tempo, victoria-traces, loki, "
            "grafana-cloud, honeycomb, datadog, dynatrace, dash0, newrelic, sumologic, otlp, "
            "where otlp is any endpoint that speaks OTLP"
        )
