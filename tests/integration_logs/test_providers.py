from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.integration_logs import Operation, Provider, _providers
from linq_otel.integration_logs._providers import load_providers
from linq_otel.integration_logs._providers._model import find_first, find_path
from support.log_rows import GHL, answered, read_rows


PIPEDRIVE = Provider(
    name="pipedrive",
    title="Pipedrive",
    hosts=(".pipedrive.com",),
    operations=(Operation("message.log", "POST", "/v1/notes", ("data.id",)),),
    ids={"record_id": ("response.data.id",)},
)
HUBSPOT = "https://api.hubapi.com/crm"
SALESFORCE = "https://acme.my.salesforce.com/services/data/v64.0"


def install(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("pipedrive", value, _providers.ENTRY_POINTS)
    monkeypatch.setattr(_providers, "entry_points", lambda group: [point])


class TestProviders:
    @pytest.mark.parametrize(
        ("method", "url", "provider", "operation"),
        [
            ("POST", f"{GHL}/conversations/messages/inbound", "gohighlevel", "message.inbound"),
            ("POST", f"{GHL}/contacts/upsert", "gohighlevel", "contact.upsert"),
            ("POST", f"{GHL}/contacts/", "gohighlevel", "contact.create"),
            ("PUT", f"{GHL}/contacts/abc", "gohighlevel", "contact.update"),
            ("POST", f"{GHL}/oauth/token", "gohighlevel", "token.refresh"),
            ("GET", f"{GHL}/nobody/knows", "gohighlevel", "other"),
            ("POST", f"{HUBSPOT}/v3/objects/communications", "hubspot", "message.log"),
            ("POST", f"{HUBSPOT}/objects/2026-03/communications", "hubspot", "message.log"),
            ("POST", f"{HUBSPOT}/v3/objects/contacts/search", "hubspot", "search"),
            ("PATCH", f"{HUBSPOT}/v3/objects/deals/1", "hubspot", "record.update"),
            ("POST", f"{SALESFORCE}/sobjects/Task", "salesforce", "task.create"),
            ("PATCH", f"{SALESFORCE}/sobjects/Contact/Id__c/7", "salesforce", "contact.upsert"),
            ("GET", f"{SALESFORCE}/query?q=x", "salesforce", "search"),
            ("POST", "https://leadconnectorhq.com.evil.example/a", "other", "other"),
        ],
    )
    def test_route(self, method: str, url: str, provider: str, operation: str) -> None:
        """Host and path say whose system it is, and what it was asked."""
        entry = read_rows(answered({}, method=method, url=url)).entry
        assert (entry.provider, entry.operation) == (provider, operation)

    def test_entry_point(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An installed package brings a CRM of its own."""
        install(monkeypatch, "tests_integration:PIPEDRIVE")
        monkeypatch.setattr(EntryPoint, "load", lambda _: PIPEDRIVE)
        entry = read_rows(
            answered({"data": {"id": 7}}, url="https://acme.pipedrive.com/v1/notes")
        ).entry
        assert (entry.provider, entry.operation, entry.ids) == (
            "pipedrive",
            "message.log",
            {"record_id": "7"},
        )
        assert entry.outcome.delivery == "delivered"

    def test_entry_point_of_something_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that is no provider is said by its name."""
        install(monkeypatch, "string:digits")
        with pytest.raises(ConfigurationError, match="'pipedrive' is no Provider"):
            load_providers()

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("no text in GoHighLevel", "gohighlevel"),
            ("GHL?", "gohighlevel"),
            ("Hub Spot", "hubspot"),
            ("where is it", None),
        ],
    )
    def test_mentioned(self, text: str, name: str | None) -> None:
        """A question names a CRM as people do."""
        found = load_providers().find_mentioned(text)
        assert (found.name if found else None) == name

    @pytest.mark.parametrize("verdict", ["delivered", "unconfirmed"])
    def test_of_another_crm(self, verdict: str) -> None:
        """A system nobody knows confirms by an id, too."""
        body: Any = {"id": "7"} if verdict == "delivered" else ""
        entry = read_rows(answered(body, url="https://crm.example/hook")).entry
        assert (entry.provider, entry.outcome.delivery) == ("other", verdict)


class TestPath:
    def test_steps(self) -> None:
        """Names, numbers and stars lead into JSON."""
        value = [{"a": None}, {"a": [{"b": 1}, {"b": 2}]}]
        assert [
            find_path(value, path)
            for path in ("1.a.1.b", "*.a.0.b", "*.a.*.b", "9.a", "a", "1.a.x")
        ] == [2, 1, 1, None, None, None]
        assert find_first({"x": "", "y": 3}, ("x", "y")) == 3
