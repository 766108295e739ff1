from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes


if TYPE_CHECKING:
    from linq_otel.export._plans import Plan


NEAR = "http://localhost:4318"
TRACES = "http://localhost:4318/v1/traces"


def plan(environ: dict[str, str] | None = None, **wishes: Any) -> Plan:
    return make_plan(Wishes(**wishes), environ or {})


def urls(made: Plan) -> dict[str, str]:
    return {target.signal: target.url for target in made.targets}


def complaint(environ: dict[str, str] | None = None, **wishes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(environ, **wishes)
    return str(caught.value)


class TestBackend:
    @pytest.mark.parametrize("name", ["jaeger", "tempo"])
    def test_traces_alone(self, name: str) -> None:
        """A store of traces gets nothing else, and it is said why."""
        made = plan(backend=name)
        assert urls(made) == {"traces": TRACES}
        alone = f"{made.backend.title} takes traces alone"
        assert made.skipped == {"metrics": alone, "logs": alone}

    @pytest.mark.parametrize("name", ["datadog", "otlp"])
    def test_everything_near(self, name: str) -> None:
        """An agent or a collector beside the app gets all signals."""
        assert urls(plan(backend=name)) == {
            "traces": TRACES,
            "metrics": "http://localhost:4318/v1/metrics",
            "logs": "http://localhost:4318/v1/logs",
        }

    def test_honeycomb(self) -> None:
        """Honeycomb has a cloud in the US and one in the EU, each with both protocols."""
        us = plan(backend="honeycomb", api_key="k")
        eu = plan(backend="honeycomb", api_key="k", region="eu", protocol="grpc")
        assert urls(us)["traces"] == "https://api.honeycomb.io/v1/traces"
        assert urls(eu)["traces"] == "https://api.eu1.honeycomb.io:443"
        assert us.targets[0].headers == {"x-honeycomb-team": "k"}
        assert us.targets[0].compression == "gzip"

    def test_grafana_cloud(self) -> None:
        """Grafana Cloud is told by zone, and authenticates the instance and its token."""
        made = plan(
            {
                "GRAFANA_CLOUD_ZONE": "prod-eu-west-2",
                "GRAFANA_CLOUD_INSTANCE_ID": "12",
                "GRAFANA_CLOUD_API_KEY": "glc_x",
            },
            backend="grafana-cloud",
        )
        base = "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp/v1"
        assert urls(made) == {
            "traces": f"{base}/traces",
            "metrics": f"{base}/metrics",
            "logs": f"{base}/logs",
        }
        assert made.targets[0].headers == {"authorization": "Basic MTI6Z2xjX3g="}

    @pytest.mark.parametrize(
        ("name", "region", "traces", "header"),
        [
            (
                "dynatrace",
                "abc12345",
                "https://abc12345.live.dynatrace.com/api/v2/otlp/v1/traces",
                {"authorization": "Api-Token k"},
            ),
            (
                "dash0",
                "europe-west4",
                "https://ingress.europe-west4.gcp.dash0.com/v1/traces",
                {"authorization": "Bearer k"},
            ),
            ("newrelic", "eu", "https://otlp.eu01.nr-data.net/v1/traces", {"api-key": "k"}),
        ],
    )
    def test_clouds(self, name: str, region: str, traces: str, header: dict[str, str]) -> None:
        """A key goes into the header that its cloud reads, and is asked for where it is missing."""
        made = plan(backend=name, region=region, api_key="k")
        assert urls(made)["traces"] == traces
        assert {str(target.headers) for target in made.targets} == {str(header)}
        assert complaint(backend=name, region=region).startswith(
            f"{made.backend.title} needs a key: type api_key=… (or set "
        )

    @pytest.mark.parametrize(
        ("name", "example"), [("dynatrace", "abc12345"), ("dash0", "eu-west-1")]
    )
    def test_region_is_asked_for(self, name: str, example: str) -> None:
        """Where each region has an endpoint of its own, one is shown as an example."""
        asked = f"has an endpoint for each region: type region={example!r}"
        assert asked in complaint(backend=name, api_key="k")

    def test_stores_of_one_signal(self) -> None:
        """VictoriaTraces takes traces where it takes them, and Loki logs."""
        victoria = plan(backend="victoria-traces")
        loki = plan(backend="loki")
        base = "http://localhost:10428/insert/opentelemetry"
        assert urls(victoria) == {"traces": f"{base}/v1/traces"}
        assert urls(loki) == {"logs": "http://localhost:3100/otlp/v1/logs"}
        assert set(victoria.skipped) | set(loki.skipped) == {"traces", "metrics", "logs"}

    def test_datadog_without_an_agent(self) -> None:
        """A site chooses Datadog's own intake."""
        made = plan({"DD_API_KEY": "k"}, backend="datadog", region="eu1")
        assert urls(made)["traces"] == "https://otlp.datadoghq.eu/v1/traces"
        assert made.targets[0].headers == {"dd-api-key": "k", "compute_stats": "true"}

    def test_by_environment(self) -> None:
        """A variable names the backend and its region where the call names none."""
        environ = {
            "OTEL_PYTHON_LINQ_BACKEND": "honeycomb",
            "OTEL_PYTHON_LINQ_BACKEND_REGION": "EU",
            "HONEYCOMB_API_KEY": "k",
        }
        made = plan(environ)
        assert urls(made)["traces"] == "https://api.eu1.honeycomb.io/v1/traces"
        assert plan(environ, backend="jaeger").backend.name == "jaeger"

    @pytest.mark.parametrize(
        ("environ", "wishes"),
        [({}, {"endpoint": NEAR}), ({"OTEL_EXPORTER_OTLP_ENDPOINT": NEAR}, {})],
    )
    def test_unnamed(self, environ: dict[str, str], wishes: dict[str, Any]) -> None:
        """An endpoint alone is enough."""
        made = plan(environ, **wishes)
        assert (made.backend.name, urls(made)["traces"]) == ("otlp", TRACES)

    @pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
    def test_one_signal_alone(self, signal: str) -> None:
        """The endpoint of one signal is enough for it, and the others are told what they need."""
        url = "https://collector.test/in"
        made = plan({f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT": url})
        assert (made.backend.name, urls(made)) == ("otlp", {signal: url})
        assert made.skipped == {
            other: "nothing says where to; set "
            f"OTEL_EXPORTER_OTLP_{other.upper()}_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT for "
            "every signal"
            for other in ("traces", "metrics", "logs")
            if other != signal
        }

    def test_signal_wished_for(self) -> None:
        """Who asks for a signal that nothing says the endpoint of is told which variable to set."""
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": TRACES}
        assert complaint(environ, signals={"logs": True}) == (
            "nothing says where to export logs to: set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, "
            "or OTEL_EXPORTER_OTLP_ENDPOINT for every signal"
        )

    def test_signal_of_a_named_backend(self) -> None:
        """A backend that is named has a default for the signals that have no endpoint."""
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector.test/in"}
        assert urls(plan(environ, backend="otlp")) == {
            "traces": "http://collector.test/in",
            "metrics": "http://localhost:4318/v1/metrics",
            "logs": "http://localhost:4318/v1/logs",
        }

    @pytest.mark.parametrize(
        ("environ", "said"),
        [
            (
                {"OTEL_PYTHON_LINQ_BACKEND": "hunycomb"},
                (
                    "there is no backend 'hunycomb', as OTEL_PYTHON_LINQ_BACKEND says; "
                    "did you mean 'honeycomb'? The names are "
                ),
            ),
            (
                {
                    "OTEL_PYTHON_LINQ_BACKEND": "honeycomb",
                    "OTEL_PYTHON_LINQ_BACKEND_REGION": "mars",
                },
                (
                    "Honeycomb has no region 'mars', as OTEL_PYTHON_LINQ_BACKEND_REGION says: "
                    "type one of us, eu"
                ),
            ),
            (
                {"OTEL_PYTHON_LINQ_BACKEND": "grafana-cloud", "GRAFANA_CLOUD_ZONE": "evil.test/"},
                "GRAFANA_CLOUD_ZONE must be letters, digits and dashes",
            ),
        ],
    )
    def test_names_the_variable(self, environ: dict[str, str], said: str) -> None:
        """What a variable says wrongly is reported under its name."""
        assert complaint(environ).startswith(said)

    def test_nothing_said(self) -> None:
        """Where nothing says where to, it is said how to say it."""
        assert complaint() == (
            "nothing says where to export to: type configure('jaeger'), set "
            "OTEL_PYTHON_LINQ_BACKEND=jaeger, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        )


class TestStandardVariables:
    def test_win(self) -> None:
        """What the standard variables say counts, whatever the code says."""
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.test:4317",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_HEADERS": "X-Team=a%20b,authorization=Bearer%20x",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        }
        made = plan(
            environ,
            backend="jaeger",
            endpoint=NEAR,
            protocol="http/protobuf",
            headers={"x-team": "c", "x-more": "d"},
        )
        (target,) = made.targets
        assert (target.url, target.protocol, target.compression) == (
            "https://collector.test:4317",
            "grpc",
            "none",
        )
        assert target.headers == {"x-team": "a b", "x-more": "d", "authorization": "Bearer x"}
        assert (target.endpoint_from, target.protocol_from) == (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        )

    def test_one_signal(self) -> None:
        """A variable of one signal wins over that of all, and is the whole URL."""
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:9090/api/v1/otlp/v1/metrics",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://localhost:4317",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
        }
        assert urls(plan(environ)) == {
            "traces": TRACES,
            "metrics": "http://localhost:9090/api/v1/otlp/v1/metrics",
            "logs": "http://localhost:4317",
        }

    def test_elsewhere(self) -> None:
        """What a backend does not take goes where its own variable says."""
        environ = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://localhost:9090/v1/metrics"}
        made = plan(environ, backend="jaeger")
        assert urls(made) == {"traces": TRACES, "metrics": "http://localhost:9090/v1/metrics"}

    @pytest.mark.parametrize(
        ("environ", "skipped"),
        [
            ({"OTEL_TRACES_EXPORTER": "none"}, {"traces": "OTEL_TRACES_EXPORTER=none"}),
            ({"OTEL_TRACES_EXPORTER": "console"}, {"traces": "OTEL_TRACES_EXPORTER=console"}),
            ({"OTEL_TRACES_EXPORTER": "console,otlp"}, {}),
            ({"OTEL_TRACES_EXPORTER": "otlp_proto_http"}, {}),
            (
                {"OTEL_SDK_DISABLED": "TRUE"},
                dict.fromkeys(("traces", "metrics", "logs"), "OTEL_SDK_DISABLED=true"),
            ),
            ({"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": " "}, {}),
        ],
    )
    def test_refusals(self, environ: dict[str, str], skipped: dict[str, str]) -> None:
        """Who switches a signal off in the environment has it off."""
        assert plan(environ, backend="otlp").skipped == skipped

    @pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
    def test_no_compression(self, protocol: str) -> None:
        """`none` is none, also for gRPC, whose exporter refuses the word."""
        environ = {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        assert plan(environ, backend="jaeger", protocol=protocol).targets[0].compression == "none"

    def test_deflate(self) -> None:
        """HTTP can be deflated, gRPC cannot."""
        environ = {"OTEL_EXPORTER_OTLP_COMPRESSION": "deflate"}
        assert plan(environ, backend="jaeger").targets[0].compression == "deflate"
        assert complaint(environ, backend="jaeger", protocol="grpc") == (
            "OTEL_EXPORTER_OTLP_COMPRESSION must be gzip or none for grpc"
        )


class TestProtocol:
    @pytest.mark.parametrize(
        ("endpoint", "protocol", "where"),
        [
            ("http://localhost:4317", "grpc", "the port of endpoint="),
            ("http://localhost:4318", "http/protobuf", "the port of endpoint="),
            ("http://localhost:80", "http/protobuf", "the default"),
        ],
    )
    def test_by_port(self, endpoint: str, protocol: str, where: str) -> None:
        """The usual ports say which protocol is spoken there."""
        (target,) = plan(backend="jaeger", endpoint=endpoint).targets
        assert (target.protocol, target.protocol_from) == (protocol, where)

    @pytest.mark.parametrize(
        ("endpoint", "protocol", "said"),
        [
            (
                "http://localhost:4317",
                "http/protobuf",
                (
                    "endpoint= names port 4317, where grpc is spoken, and the protocol is "
                    "http/protobuf: type http://localhost:4318, or protocol='grpc' "
                    "(OTEL_EXPORTER_OTLP_PROTOCOL)"
                ),
            ),
            (
                "http://[::1]:4318/base",
                "grpc",
                (
                    "endpoint= names port 4318, where http/protobuf is spoken, and the protocol is "
                    "grpc: type http://[::1]:4317/base, or protocol='http/protobuf' "
                    "(OTEL_EXPORTER_OTLP_PROTOCOL)"
                ),
            ),
        ],
    )
    def test_wrong_port(self, endpoint: str, protocol: str, said: str) -> None:
        """The port of the other protocol is an error that says both ways out."""
        assert complaint(backend="jaeger", endpoint=endpoint, protocol=protocol) == said

    def test_unknown(self) -> None:
        """A protocol there is no exporter for is an error that names those there are."""
        assert complaint({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, backend="jaeger") == (
            "OTEL_EXPORTER_OTLP_PROTOCOL must be one of grpc, http/protobuf; it is 'http/json'"
        )

    def test_not_taken(self) -> None:
        """A protocol the backend does not speak is an error that says which it speaks."""
        wishes: dict[str, Any] = {"region": "us1", "api_key": "k", "protocol": "grpc"}
        assert complaint(backend="datadog", **wishes) == (
            "Datadog's OTLP intake takes no grpc: type protocol='http/protobuf' "
            "(OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)"
        )


class TestEndpoint:
    @pytest.mark.parametrize(
        "endpoint", [NEAR, f"{NEAR}/", TRACES, f"{TRACES}/", f" {NEAR} ", f"{NEAR}/v1/logs"]
    )
    def test_base(self, endpoint: str) -> None:
        """The base URL is enough, and the URL of one signal is understood."""
        assert urls(plan(backend="jaeger", endpoint=endpoint)) == {"traces": TRACES}

    def test_path(self) -> None:
        """A path of its own stays before that of the signal."""
        endpoint = "http://localhost:10428/insert/opentelemetry"
        assert urls(plan(backend="jaeger", endpoint=endpoint)) == {
            "traces": "http://localhost:10428/insert/opentelemetry/v1/traces"
        }

    def test_grpc_has_no_path(self) -> None:
        """An endpoint of gRPC is a host and a port alone."""
        endpoint = "https://tempo.test:443/ignored"
        assert urls(plan(backend="tempo", endpoint=endpoint, protocol="grpc")) == {
            "traces": "https://tempo.test:443"
        }

    @pytest.mark.parametrize(
        ("endpoint", "said"),
        [
            ("localhost:4318", "endpoint= must be a URL: type http://localhost:4318 instead"),
            ("grpc://c:4317", "endpoint= must be a URL: type http://c:4317 instead"),
            ("c.test:443/x", "endpoint= must be a URL: type https://c.test:443 instead"),
            ("", "endpoint= must be a URL: type http://localhost:4318 instead"),
            ("http://x:port", "endpoint= is no URL: type http://localhost:4318, say"),
            ("http://[", "endpoint= is no URL: type http://localhost:4318, say"),
            (
                "https://user:pass@x",
                "endpoint= must not hold a password: type it as api_key= instead",
            ),
            (
                "http://x/?key=1",
                "endpoint= must end with its path: leave out what follows it",
            ),
        ],
    )
    def test_malformed(self, endpoint: str, said: str) -> None:
        """What is no URL is answered with one, and no secret in it is repeated."""
        assert complaint(backend="jaeger", endpoint=endpoint) == said

    def test_in_the_clear(self) -> None:
        """No key is sent to a cloud without encryption."""
        assert complaint(backend="honeycomb", api_key="k", endpoint="http://api.honeycomb.io") == (
            "endpoint= would send the key in the clear: type https://api.honeycomb.io"
        )

    def test_of_a_collector(self) -> None:
        """Where a collector stands in between, it has the key, or is sent the one that is given."""
        without = plan(backend="honeycomb", endpoint=NEAR).targets[0]
        given = plan(backend="honeycomb", endpoint=NEAR, api_key="k").targets[0]
        assert (without.url, without.headers) == (TRACES, {})
        assert (given.url, given.headers) == (TRACES, {"x-honeycomb-team": "k"})

    @pytest.mark.parametrize("signal", ["TRACES_", ""])
    def test_redirected(self, signal: str) -> None:
        """Where a variable sends an export elsewhere, the key of the cloud does not go along."""
        environ = {f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT": "http://collector.test:4318/v1/traces"}
        (target, *_) = plan({**environ, "HONEYCOMB_API_KEY": "k"}, backend="honeycomb").targets
        assert (target.url, target.headers) == ("http://collector.test:4318/v1/traces", {})


class TestKeys:
    @pytest.mark.parametrize(
        ("wishes", "said"),
        [
            (
                {"backend": "honeycomb"},
                (
                    "Honeycomb needs a key: type api_key=… (or set HONEYCOMB_API_KEY); see "
                    "https://docs.honeycomb.io/send-data/opentelemetry/"
                ),
            ),
            (
                {"backend": "grafana-cloud", "region": "prod-us-central-0"},
                (
                    "Grafana Cloud needs a key: type api_key=… (or set GRAFANA_CLOUD_API_KEY) and "
                    "instance_id=… (or set GRAFANA_CLOUD_INSTANCE_ID); see "
                    "https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/"
                ),
            ),
            (
                {"backend": "grafana-cloud", "region": "prod-us-central-0", "api_key": "k"},
                (
                    "Grafana Cloud needs a key: type instance_id=… (or set "
                    "GRAFANA_CLOUD_INSTANCE_ID); see "
                    "https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/"
                ),
            ),
            (
                {"backend": "grafana-cloud"},
                (
                    "Grafana Cloud has an endpoint for each region: type "
                    "region='prod-us-central-0' or endpoint= as its page shows yours, or set "
                    "OTEL_PYTHON_LINQ_BACKEND_REGION or GRAFANA_CLOUD_ZONE "
                    "(https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/)"
                ),
            ),
            (
                {"backend": "datadog", "api_key": "k"},
                (
                    "the Datadog Agent needs no api_key: leave it out, or type region= as well "
                    "(us1, us3, us5, eu1, ap1, ap2) to export to Datadog's OTLP intake without it"
                ),
            ),
            (
                {"backend": "jaeger", "api_key": "k"},
                (
                    "Jaeger asks for no api_key: type the header your endpoint wants instead, "
                    "headers={'authorization': …}"
                ),
            ),
        ],
    )
    def test_missing_or_needless(self, wishes: dict[str, Any], said: str) -> None:
        """Where a key is missing, or needed by nobody, it is said what to type."""
        assert complaint(**wishes) == said

    def test_as_a_header(self) -> None:
        """A key in the standard variable is one."""
        environ = {"OTEL_EXPORTER_OTLP_HEADERS": "X-Honeycomb-Team=k"}
        assert plan(environ, backend="honeycomb").targets[0].headers == {"x-honeycomb-team": "k"}

    def test_of_one_signal(self) -> None:
        """The headers of one signal take the place of those of all."""
        environ = {
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2",
        }
        made = plan(environ, backend="otlp")
        assert [target.headers for target in made.targets] == [{"b": "2"}, {"a": "1"}, {"a": "1"}]

    def test_copied_with_a_line_break(self) -> None:
        """Space around a key, which comes of copying, is left out."""
        made = plan(backend="honeycomb", api_key=" k\n")
        assert made.targets[0].headers == {"x-honeycomb-team": "k"}

    @pytest.mark.parametrize("key", ["", "  ", "a\nb", "kéy", "a\x00b", 7])
    def test_unsendable(self, key: Any) -> None:
        """A key no header can hold is an error, which does not repeat it."""
        assert complaint(backend="honeycomb", api_key=key) == (
            "api_key= must be one line of plain characters: copy it again, without a line break"
        )

    @pytest.mark.parametrize("name", ["", "a b", "a:b", "ä"])
    def test_unsendable_name(self, name: str) -> None:
        """A name no header can have is an error."""
        assert complaint(backend="jaeger", headers={name: "x"}) == (
            "headers= holds a name that no header can have"
        )

    def test_unsendable_variable(self) -> None:
        """A malformed variable is an error that names it."""
        assert complaint({"OTEL_EXPORTER_OTLP_HEADERS": "oops"}, backend="jaeger") == (
            "OTEL_EXPORTER_OTLP_HEADERS must be name=value pairs with commas between them"
        )


class TestRegion:
    def test_unknown(self) -> None:
        """A region there is not is an error that names those there are."""
        assert complaint(backend="honeycomb", api_key="k", region="mars") == (
            "Honeycomb has no region 'mars': type one of us, eu"
        )

    def test_becomes_a_host(self) -> None:
        """What becomes part of a host's name can be nothing else."""
        wishes: dict[str, Any] = {"region": "evil.test/", "api_key": "k", "instance_id": "1"}
        assert complaint(backend="grafana-cloud", **wishes) == (
            "region= must be letters, digits and dashes"
        )


class TestSignals:
    def test_off(self) -> None:
        """A signal that is not wanted is not exported."""
        made = plan(backend="otlp", signals={"traces": False, "metrics": None, "logs": True})
        assert list(urls(made)) == ["metrics", "logs"]
        assert made.skipped == {"traces": "traces=False"}

    def test_not_taken(self) -> None:
        """Asking for what a backend does not take is an error."""
        assert complaint(backend="jaeger", signals={"metrics": True}) == (
            "Jaeger takes traces alone: leave out metrics=True"
        )
