"""
Holds what is shipped for operators to what it says of itself, without any of their programs.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from linq_otel import _attributes
from linq_otel._carrier import TAG


REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "examples" / "backends"
COMPOSE = sorted(SHIPPED.glob("*.compose.yaml"))
each_compose = pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)


def load(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def services(path: Path) -> dict[str, dict[str, Any]]:
    return load(path)["services"]  # type: ignore[no-any-return]


class TestCompose:
    def test_which(self) -> None:
        """One file for each backend that can be run, and one for the collector."""
        assert [path.name for path in COMPOSE] == [
            "collector.compose.yaml",
            "grafana.compose.yaml",
            "jaeger.compose.yaml",
            "victoria-traces.compose.yaml",
        ]

    @each_compose
    def test_loopback(self, path: Path) -> None:
        """Every port is published on loopback alone, once."""
        ports = [port for service in services(path).values() for port in service.get("ports", [])]
        assert ports != []
        assert len(ports) == len(set(ports))
        outside = [p for p in ports if not re.fullmatch(r"127\.0\.0\.1:(\d+):\1", p)]
        assert outside == []

    @each_compose
    def test_pinned(self, path: Path) -> None:
        """Every image is one release, not whatever is newest on the day."""
        images = {service["image"] for service in services(path).values()}
        assert [i for i in images if not re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", i)] == []

    @each_compose
    def test_mounts(self, path: Path) -> None:
        """What is mounted is there, and read-only."""
        mounts = [mount for s in services(path).values() for mount in s.get("volumes", [])]
        for mount in mounts:
            source, _, rights = mount.split(":")
            assert (path.parent / source).is_file()
            assert rights == "ro"

    @each_compose
    def test_says_how(self, path: Path) -> None:
        """Its comment has the line that starts it, and the README names it."""
        line = f"docker compose -f examples/backends/{path.name} up"
        assert line in path.read_text(encoding="utf-8")
        assert f"`{path.name}`" in (SHIPPED / "README.md").read_text(encoding="utf-8")

    def test_tried_version(self) -> None:
        """The collector that is run is of the release that the configurations are tried with."""
        (image,) = {
            service["image"]
            for name, service in services(SHIPPED / "collector.compose.yaml").items()
            if name != "jaeger"
        }
        manifest = load(Path(__file__).parent / "builder.yaml")
        assert image == f"otel/opentelemetry-collector-contrib:{manifest['dist']['version']}"
        parts = [
            part for kind in ("receivers", "processors", "exporters") for part in manifest[kind]
        ]
        assert {part["gomod"].rpartition(" v")[2] for part in parts} == {
            manifest["dist"]["version"]
        }


class TestCollector:
    def test_remembers(self) -> None:
        """Decisions outlive the spans they are about, for those kept and those not."""
        sampling = load(SHIPPED / "collector/gateway.yaml")["processors"]["tail_sampling"]
        cache = sampling["decision_cache"]
        assert set(cache) == {"sampled_cache_size", "non_sampled_cache_size"}
        assert min(cache.values()) >= 10 * sampling["num_traces"]

    def test_listens_on_loopback(self) -> None:
        """Unless the environment says otherwise, nobody outside reaches a collector."""
        for name in ("balancer", "gateway"):
            protocols = load(SHIPPED / f"collector/{name}.yaml")["receivers"]["otlp"]["protocols"]
            endpoints = [protocol["endpoint"] for protocol in protocols.values()]
            assert [e.startswith("${env:LISTEN:-127.0.0.1}:") for e in endpoints] == [True, True]

    def test_order(self) -> None:
        """What is not kept is not looked through; what leaves has been."""
        pipelines = load(SHIPPED / "collector/gateway.yaml")["service"]["pipelines"]
        assert pipelines["traces"]["processors"] == [
            "memory_limiter",
            "tail_sampling",
            "redaction",
            "batch",
        ]
        assert {name: "redaction" in p["processors"] for name, p in pipelines.items()} == {
            "traces": True,
            "metrics": True,
            "logs": True,
        }

    def test_balances_by_trace(self) -> None:
        """All spans of a trace meet in one gateway."""
        exporters = load(SHIPPED / "collector/balancer.yaml")["exporters"]
        assert exporters["load_balancing/traces"]["routing_key"] == "traceID"


BLOCKED = [
    re.compile(pattern)
    for pattern in load(SHIPPED / "collector/gateway.yaml")["processors"]["redaction"][
        "blocked_values"
    ]
]


class TestRedaction:
    @pytest.mark.parametrize(
        "text",
        ["+15550123", "call +15550100!", "a.b@example.com", "whsec_MTIzNDU2Nzg5MA=="],
    )
    def test_masks(self, text: str) -> None:
        """Handles and signing secrets are found wherever they stand."""
        assert any(pattern.search(text) for pattern in BLOCKED)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-02-03T10:00:00.123+00:00",
            "15fbf22283154c2b5203084f52648cf4",
            "21051baf-8743-4ee8-aa9c-6e3316a85b5c",
            "https://api.linqapp.com/api/partner/v3/chats/REDACTED/messages",
            "message.delivered",
            "httpx.ReadTimeout",
            f"{TAG}-AAAAAAAA",
        ],
    )
    def test_leaves(self, text: str) -> None:
        """What this package writes of itself is left as it is."""
        assert not any(pattern.search(text) for pattern in BLOCKED)


class TestNames:
    @pytest.mark.parametrize(
        "path",
        [
            "collector/gateway.yaml",
            "refinery/rules.yaml",
            "datadog-retention-filter.json",
        ],
    )
    def test_exist(self, path: str) -> None:
        """Every attribute of ours that a rule names is one that is written."""
        known = {
            node.value
            for node in ast.walk(ast.parse(Path(_attributes.__file__).read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        text = (SHIPPED / path).read_text(encoding="utf-8")
        named = set(re.findall(r"\blinq\.[a-z_.]+[a-z]", text))
        assert named != set()
        assert named - known == set()


# What Refinery takes, and refuses to start with anything else: `config/metadata/rulesMeta.yaml` and
# `configMeta.yaml` in its source. A rule's sampler may be a dynamic one alone.
REFINERY_RULE = {"Name", "Sampler", "Drop", "SampleRate", "Conditions", "Scope"}
REFINERY_SAMPLERS = {
    "DynamicSampler",
    "EMADynamicSampler",
    "EMAThroughputSampler",
    "WindowedThroughputSampler",
    "TotalThroughputSampler",
}
REFINERY_CONDITION = {"Field", "Fields", "Operator", "Value", "Datatype"}
REFINERY_OPERATORS = {
    "=",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "starts-with",
    "contains",
    "does-not-contain",
    "exists",
    "not-exists",
    "has-root-span",
    "matches",
}


class TestRefinery:
    def test_rules_are_valid(self) -> None:
        """Every key, sampler and operator of the rules is one that Refinery knows."""
        rules = load(SHIPPED / "refinery/rules.yaml")
        assert list(rules) == ["RulesVersion", "Samplers"]
        assert rules["RulesVersion"] == 2
        assert list(rules["Samplers"]) == ["__default__"]
        assert list(rules["Samplers"]["__default__"]) == ["RulesBasedSampler"]
        assert list(rules["Samplers"]["__default__"]["RulesBasedSampler"]) == ["Rules"]
        for rule in rules["Samplers"]["__default__"]["RulesBasedSampler"]["Rules"]:
            assert set(rule) <= REFINERY_RULE
            assert set(rule.get("Sampler", {})) <= REFINERY_SAMPLERS
            for condition in rule.get("Conditions", []):
                assert set(condition) <= REFINERY_CONDITION
                assert condition["Operator"] in REFINERY_OPERATORS

    def test_rules_end_with_one_that_fits_all(self) -> None:
        """All that has to do with Linq is kept, and a tenth of the rest."""
        rules = load(SHIPPED / "refinery/rules.yaml")
        sampler = rules["Samplers"]["__default__"]["RulesBasedSampler"]["Rules"]
        assert ["Conditions" in rule for rule in sampler] == [True] * (len(sampler) - 1) + [False]
        assert [rule["SampleRate"] for rule in sampler] == [1] * (len(sampler) - 1) + [10]

    def test_configuration(self) -> None:
        """It remembers its decisions, and says nothing that Refinery does not know."""
        assert load(SHIPPED / "refinery/config.yaml") == {
            "General": {"ConfigurationVersion": 2},
            "Traces": {"SendDelay": "2s", "TraceTimeout": "60s"},
            "SampleCache": {"KeptSize": 1_000_000, "DroppedSize": 10_000_000},
        }


class TestVendors:
    def test_victoria_traces(self) -> None:
        """A trace is looked for as far around a span as a message may wait to be read."""
        command = services(SHIPPED / "victoria-traces.compose.yaml")["victoria-traces"]["command"]
        assert "-search.traceMaxDurationWindow=48h" in command

    def test_datadog(self) -> None:
        """Datadog's filter keeps every trace with a span of a life in it."""
        filter_ = json.loads((SHIPPED / "datadog-retention-filter.json").read_text("utf-8"))
        assert filter_ == {
            "data": {
                "type": "apm_retention_filter",
                "attributes": {
                    "name": "Lives of Linq messages",
                    "enabled": True,
                    "filter_type": "spans-sampling-processor",
                    "filter": {"query": "@linq.trace_id:*"},
                    "rate": 1.0,
                    "trace_rate": 1.0,
                },
            }
        }
