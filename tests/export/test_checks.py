from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import grpc
import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.export import CheckResult, _checks, configure
from linq_otel.export._checks import check_all
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._backends import Signal
    from linq_otel.export import Export
    from linq_otel.export._targets import Target
    from support.otlp_sinks import Sink


ENDPOINT = "endpoint= or OTEL_EXPORTER_OTLP_ENDPOINT"


def aim(endpoint: str, protocol: str = "http/protobuf", backend: str = "otlp") -> Target:
    signals: dict[Signal, bool | None] = {"traces": True, "metrics": False, "logs": False}
    wishes = Wishes(backend, endpoint, protocol=protocol, signals=signals)
    return make_plan(wishes, {}).targets[0]


def ask(target: Target, timeout: float = 5.0) -> CheckResult:
    (result,) = check_all([target], timeout)
    return result


def refusal(target: Target, timeout: float = 5.0) -> str:
    result = ask(target, timeout)
    assert not result.is_ok
    return result.message.replace(target.url, "URL")


class TestTaken:
    @pytest.mark.parametrize("status", [200, 202])
    def test_http(self, http_sink: Sink, status: int) -> None:
        """An endpoint that takes an export of nothing is one."""
        http_sink.status = status
        target = aim(http_sink.endpoint)
        assert ask(target) == CheckResult(
            "traces", target.url, is_ok=True, message=f"{target.url} takes traces"
        )
        assert [(a.path, a.message.ByteSize()) for a in http_sink.arrivals] == [("/v1/traces", 0)]

    def test_grpc(self, grpc_sink: Sink) -> None:
        """The same over gRPC."""
        target = aim(grpc_sink.endpoint, "grpc")
        assert ask(target).message == f"{target.url} takes traces"

    def test_headers(self, sink: Sink, start: Callable[..., Export], vendor: object) -> None:
        """Each signal's endpoint is asked, with the headers of an export."""
        providers = dict.fromkeys(("tracer_provider", "meter_provider", "logger_provider"), vendor)
        export = start("otlp", endpoint=sink.endpoint, headers={"X-Key": "k"}, **providers)
        results = export.check()
        assert [(r.signal, r.is_ok) for r in results] == [
            ("traces", True),
            ("metrics", True),
            ("logs", True),
        ]
        assert [arrival.headers["x-key"] for arrival in sink.arrivals] == ["k", "k", "k"]

    @pytest.mark.parametrize("status", [429, 503])
    def test_busy(self, http_sink: Sink, status: int) -> None:
        """One that has no room at the moment is one, too."""
        http_sink.status = status
        result = ask(aim(http_sink.endpoint))
        assert result.is_ok
        assert result.message.endswith(
            f"has no room at the moment ({status}): exports are tried again"
        )


class TestRefused:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (
                401,
                (
                    "Honeycomb refused the key (401): type the right key: api_key=… or "
                    "HONEYCOMB_API_KEY (and the region it is of: us, eu)"
                ),
            ),
            (
                403,
                (
                    "Honeycomb refused the key (403): type the right key: api_key=… or "
                    "HONEYCOMB_API_KEY (and the region it is of: us, eu)"
                ),
            ),
            (404, f"URL takes no OTLP (404): type the base URL of one that does as {ENDPOINT}"),
            (405, f"URL takes no OTLP (405): type the base URL of one that does as {ENDPOINT}"),
            (
                302,
                f"URL sends its callers elsewhere (302): type that place as {ENDPOINT}",
            ),
            (
                413,
                "URL takes no batch as large (413): set OTEL_BSP_MAX_EXPORT_BATCH_SIZE to less",
            ),
            (
                500,
                (
                    "URL refused the export (500): see "
                    "https://docs.honeycomb.io/send-data/opentelemetry/"
                ),
            ),
        ],
    )
    def test_status(self, http_sink: Sink, status: int, said: str) -> None:
        """Each status is answered with what to type."""
        http_sink.status = status
        assert refusal(aim(http_sink.endpoint, backend="honeycomb")) == said

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (
                grpc.StatusCode.UNAUTHENTICATED,
                (
                    "Honeycomb refused the key (UNAUTHENTICATED): type the right key: api_key=… or "
                    "HONEYCOMB_API_KEY (and the region it is of: us, eu)"
                ),
            ),
            (
                grpc.StatusCode.UNIMPLEMENTED,
                "Honeycomb takes no traces (UNIMPLEMENTED): type traces=False",
            ),
        ],
    )
    def test_code(self, grpc_sink: Sink, code: grpc.StatusCode, said: str) -> None:
        """The same for the codes of gRPC."""
        grpc_sink.code = code
        assert refusal(aim(grpc_sink.endpoint, "grpc", "honeycomb")) == said

    def test_grpc_is_spoken(self, grpc_sink: Sink) -> None:
        """HTTP to a port of gRPC is the wrong protocol."""
        assert refusal(aim(grpc_sink.endpoint)) == (
            "what listens at URL speaks no http/protobuf (BadStatusLine): type protocol='grpc', "
            "or the port where http/protobuf is spoken, which is mostly 4318"
        )

    def test_http_is_spoken(self, http_sink: Sink) -> None:
        """Speaking gRPC to a port of HTTP is the wrong protocol."""
        assert refusal(aim(http_sink.endpoint, "grpc")) == (
            "what listens at URL speaks no grpc (UNAVAILABLE): type protocol='http/protobuf', "
            "or the port where grpc is spoken, which is mostly 4317"
        )

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_no_tls_is_spoken(self, sink: Sink, protocol: str) -> None:
        """TLS to a port without is the wrong scheme."""
        target = aim(sink.endpoint.replace("http:", "https:"), protocol)
        proof = "UNAVAILABLE" if protocol == "grpc" else "SSLError"
        assert refusal(target) == (
            f"URL is not spoken to in TLS ({proof}): type http:// in {ENDPOINT}"
        )

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_nobody_listens(self, protocol: str) -> None:
        """A port where nobody listens is the wrong one, or its server is down."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        proof = "UNAVAILABLE" if protocol == "grpc" else "ConnectionRefusedError"
        assert refusal(aim(f"http://127.0.0.1:{port}", protocol)) == (
            f"nothing listens at URL ({proof}): start it there, or type where it is as {ENDPOINT}"
        )

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_silence(self, protocol: str) -> None:
        """One that never answers is waited for no longer than was said."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            target = aim(f"http://127.0.0.1:{listener.getsockname()[1]}", protocol)
            with timed() as timing:
                said = refusal(target, 0.3)
        assert timing.net < 2
        assert said.startswith("URL did not answer in time (")

    def test_certificate(self, http_sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file of certificates that is not there is named."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file")
        assert refusal(aim(http_sink.endpoint)) == (
            "the certificate of URL is not trusted (no such file): set "
            "OTEL_EXPORTER_OTLP_CERTIFICATE to the file of who signed it"
        )

    def test_variables(self, http_sink: Sink) -> None:
        """What a variable said is to be put right there."""
        http_sink.status = 404
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{http_sink.endpoint}/x"}
        (target, *_) = make_plan(Wishes("jaeger"), environ).targets
        assert refusal(target) == (
            "URL takes no OTLP (404): type the base URL of one that does as "
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        )


class TestConfigure:
    def test_checks_first(self, http_sink: Sink) -> None:
        """With `check`, an endpoint that refuses is an error."""
        http_sink.status = 401
        with pytest.raises(ConfigurationError, match=r"^the OTLP endpoint refused the key \(401\)"):
            configure("otlp", endpoint=http_sink.endpoint, check=True)

    def test_checks_nothing(
        self, http_sink: Sink, start: Callable[..., Export], vendor: object
    ) -> None:
        """Without, nothing is sent before there is something to send."""
        start("jaeger", endpoint=http_sink.endpoint, tracer_provider=vendor).shutdown(5)
        assert http_sink.arrivals == []

    @pytest.mark.parametrize(
        ("protocol", "distribution"),
        [
            ("grpc", "opentelemetry-exporter-otlp-proto-grpc"),
            ("http/protobuf", "opentelemetry-exporter-otlp-proto-http"),
        ],
    )
    def test_missing_package(
        self, protocol: str, distribution: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An exporter that is not installed is named as pip knows it."""

        def refuse(*_arguments: object) -> None:
            raise ModuleNotFoundError

        monkeypatch.setattr(_checks, "import_module", refuse)
        with pytest.raises(ConfigurationError) as caught:
            configure("otlp", protocol=protocol)
        assert str(caught.value) == (
            f"{protocol} needs another package: type pip install {distribution}"
        )
