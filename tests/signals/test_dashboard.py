from __future__ import annotations

import json
import re
from typing import Any

from linq_otel import _attributes
from linq_otel._instruments import INSTRUMENTS
from support import prometheus_servers
from support.prometheus_servers import name_series


DASHBOARD: dict[str, Any] = json.loads(prometheus_servers.DASHBOARD.read_text("utf-8"))
ALERTS = prometheus_servers.ALERTS.read_text("utf-8")
# Prometheus makes these of the resource: service.name and service.instance.id.
OF_THE_RESOURCE = {"job", "instance", "le", "__name__"}


LABELS = {
    name: {key.replace(".", "_") for key in one.attributes}
    for one in INSTRUMENTS
    for name in name_series(one)
}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    (panel["title"], target["expr"], target.get("legendFormat", ""))
    for panel in PANELS
    for target in panel["targets"]
    if "expr" in target
]
RULES = re.findall(r"expr: (?:\|\n)?(.*?)\n        (?:for|labels):", ALERTS, re.DOTALL)


def find_unknown(query: str, legend: str = "") -> set[str]:
    """Return what *query* asks for that is neither a series nor a label here."""
    asked = re.sub(r"\b(?:by|on|group_left) \([^)]*\)", "", query)
    series = set(re.findall(r"\b(?:linq|messaging|http)_\w+(?=\s*[{[)])", asked))
    if not series or series - set(LABELS):
        return series - set(LABELS) or {"no series"}
    known = OF_THE_RESOURCE.union(*(LABELS[name] for name in series))
    inside = ",".join(re.findall(r"\{([^}]*)\}", query))
    used = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", inside))
    for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
        used |= {label.strip() for label in listed.split(",")}
    return (used | set(re.findall(r"\{\{(\w+)\}\}", legend))) - known


class TestDashboard:
    def test_queries(self) -> None:
        """Each panel asks for what this package measures."""
        unknown = {
            (title, name)
            for title, query, legend in QUERIES
            for name in find_unknown(query, legend)
        }
        assert unknown == set()

    def test_every_metric_is_on_it(self) -> None:
        """Nothing is measured that nobody can see."""
        seen = " ".join(query for _, query, _ in QUERIES)
        unseen = [one.name for one in INSTRUMENTS if not any(x in seen for x in name_series(one))]
        # Calls that send are among the calls.
        assert unseen == ["messaging.client.operation.duration"]

    def test_traces(self) -> None:
        """The search for a life names our anchor and attributes that exist."""
        (query,) = [t["query"] for panel in PANELS for t in panel["targets"] if "query" in t]
        keys = {value for name, value in vars(_attributes).items() if name.isupper()}
        assert f'name = "{_attributes.ANCHOR}"' in query
        assert set(re.findall(r"span\.([a-z_.]+)", query)) <= keys

    def test_data_sources_are_variables(self) -> None:
        """It can be imported anywhere."""
        sources = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
        variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
        assert sources == {"${metrics}", "${traces}"}
        assert {"metrics", "traces", "service", "id"} == variables

    def test_panels_do_not_overlap(self) -> None:
        """Each place of the grid is one panel's."""
        places = [
            (x, y)
            for panel in DASHBOARD["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(places) == len(set(places))
        assert max(x for x, _ in places) < 24


class TestAlerts:
    def test_rules(self) -> None:
        """Each rule asks for what this package measures."""
        unknown = {(query, name) for query in RULES for name in find_unknown(query)}
        assert unknown == set()

    def test_all_of_them_are_checked(self) -> None:
        """The rules an operator begins with are there."""
        assert re.findall(r"alert: (\w+)", ALERTS) == [
            "LinqDeliveryRateLow",
            "LinqDeliverySlow",
            "LinqFailures",
            "LinqRateLimited",
            "LinqWebhookLag",
            "LinqWebhooksUnverified",
            "LinqMessagesStuck",
            "LinqStoreDown",
        ]
        assert len(RULES) == 8
