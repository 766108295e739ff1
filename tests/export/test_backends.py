from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.export import BACKENDS
from linq_otel.export._backends import Backend, get_backend


EVERY = [*BACKENDS.values(), *(b.direct for b in BACKENDS.values() if b.direct is not None)]
each_backend = pytest.mark.parametrize("backend", EVERY, ids=lambda backend: backend.title)


class TestTable:
    def test_names(self) -> None:
        """These names stay."""
        assert list(BACKENDS) == [
            "jaeger",
            "tempo",
            "grafana-cloud",
            "honeycomb",
            "datadog",
            "otlp",
        ]

    @each_backend
    def test_sources(self, backend: Backend) -> None:
        """Each row says where it is written, at whoever makes the backend."""
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
        """Only Datadog documents how old a span may be."""
        late = {backend.title: backend.late for backend in EVERY if backend.late is not None}
        assert late == {
            "the Datadog Agent": timedelta(hours=18),
            "Datadog's OTLP intake": timedelta(hours=18),
        }

    @each_backend
    def test_documented(self, backend: Backend) -> None:
        """The page on backends shows each row: endpoints, headers, variables and its source."""
        page = Path(__file__).parents[2].joinpath("docs/backends.md").read_text(encoding="utf-8")
        shown = [*backend.endpoints.values(), *backend.headers, *backend.key_variables]
        shown += [*backend.instance_variables, *backend.region_variables, *backend.regions]
        assert [text for text in [*shown, backend.source] if text not in page] == []


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
            "jaeger, tempo, grafana-cloud, honeycomb, datadog, otlp, where otlp is any endpoint "
            "that speaks OTLP"
        )

    def test_far(self) -> None:
        """What is near to nothing is answered with all there is."""
        with pytest.raises(ConfigurationError) as caught:
            get_backend("x-ray")
        assert str(caught.value) == (
            "there is no backend 'x-ray'; the names are jaeger, tempo, grafana-cloud, honeycomb, "
            "datadog, otlp, where otlp is any endpoint that speaks OTLP"
        )
