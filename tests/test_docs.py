from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from linq_otel import LinqInstrumentor, environment_variables
from linq_otel.testing import SCENARIOS
from linq_otel.webhooks.instrumentor import LinqWebhooksInstrumentor, WebhookOptions
from support.doc_blocks import find_pages


LinqConfiguration = LinqInstrumentor.configuration
LinqWebhooksConfiguration = LinqWebhooksInstrumentor.configuration
ROOT = Path(__file__).parents[1]
PAGES = find_pages()


def read(page: Path) -> str:
    """
    Return the text of a page.
    """
    return page.read_text(encoding="utf-8")


class TestPages:
    def test_links_lead_somewhere(self) -> None:
        """
        Each relative link names a file that is there.
        """
        missing = [
            (page.relative_to(ROOT).as_posix(), target)
            for page in PAGES
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page))
            if not (page.parent / target).exists()
        ]
        assert missing == []

    def test_phone_numbers_on_them_are_fictional(self) -> None:
        """
        Every phone number in an example is one that is given to no person.
        """
        real = [
            (page.relative_to(ROOT).as_posix(), number)
            for page in PAGES
            for number in re.findall(r"\+1\d{7,}", read(page))
            if not number.startswith("+1555")
        ]
        assert real == []

    def test_name_the_protocol_where_an_app_is_traced_from_outside(self) -> None:
        """
        ``opentelemetry-instrument`` sends by gRPC unless told otherwise; many receivers take none.
        """
        blocks = [
            (page.relative_to(ROOT).as_posix(), block)
            for page in [*PAGES, *sorted(ROOT.glob("examples/untouched/*.py"))]
            for block in re.findall(r"```sh\n(.*?)```|\A\"\"\"(.*?)\"\"\"", read(page), re.DOTALL)
        ]
        commands = [
            (name, text)
            for name, (fenced, docstring) in blocks
            if "opentelemetry-instrument " in (text := fenced or docstring)
        ]
        assert len(commands) >= 9
        silent = [name for name, text in commands if "OTEL_EXPORTER_OTLP_PROTOCOL=" not in text]
        assert silent == []


class TestConfigurationPage:
    def test_lists_every_option(self) -> None:
        """
        Each keyword of ``instrument()`` has a row in the table, and nothing else has.
        """
        rows = re.findall(r"^\| `(\w+)` \|", read(ROOT / "docs" / "configuration.md"), re.MULTILINE)
        assert sorted(rows) == sorted(WebhookOptions.__annotations__)

    def test_lists_every_environment_variable(self) -> None:
        """
        Each variable we read stands in the table, beside the option it sets.
        """
        page = read(ROOT / "docs" / "configuration.md")
        named = set(re.findall(r"^\| `\w+` \| `(OTEL_\w+)` \|", page, re.MULTILINE))
        assert named == {name for name in vars(environment_variables) if name.startswith("OTEL_")}

    def test_lists_every_line_of_the_file(self) -> None:
        """
        What the configuration file may say, of each instrumentor, stands in the table.
        """
        page = read(ROOT / "docs" / "configuration.md")
        named = set(re.findall(r"\| `(linq(?:_webhooks)?\.\w+)` \|", page))
        own = {field.name for field in fields(LinqWebhooksConfiguration)}
        shared = {field.name for field in fields(LinqConfiguration)}
        expected = {f"linq.{name}" for name in shared}
        expected |= {f"linq_webhooks.{name}" for name in own - shared}
        assert named == expected


class TestTestingPage:
    def test_lists_every_scenario(self) -> None:
        """
        Each named scenario of the simulator stands in its table, and no other.
        """
        table = read(ROOT / "docs" / "testing.md").split("## Scenarios")[1].split("\n\n")[1]
        named = re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE)
        assert set(named) == set(SCENARIOS)
