"""
What pages promise: every command, every door, every symptom, and lines that a log really has.
"""

from __future__ import annotations

import re
from pathlib import Path

from generate_commands import PAGE, find_commands, render

import linq_otel
from support.doc_blocks import DOCS, ROOT
from test_public_api import DOORS


SOURCES = "\n".join(
    path.read_text("utf-8") for path in Path(linq_otel.__file__).parent.rglob("*.py")
)
# The rows of Linq's list, by the words their headings have here.
SYMPTOMS = (
    "401 Unauthorized",
    "400 E.164 format",
    "403 Phone number denied",
    "409 Chat still creating",
    "429 Rate limit",
    "5xx Infrastructure",
    "Webhook not received",
    "No `message.delivered` or `message.read` after a send",
    "Duplicate webhooks",
)
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
LOGGED = (
    "no webhook secret is set: deliveries join unverified",
    "a webhook was not joined: ",
    "no signature of the delivery matches a secret",
    "is paused, joins go by derived ids until it works: ",
    "works again after ",
    "saving origins",
    "looking up origins",
)


class TestCommandsPage:
    def test_fresh(self) -> None:
        """
        The page is what ``python docs/making/generate_commands.py`` writes.
        """
        assert PAGE.read_text("utf-8") == render(find_commands())

    def test_commands_say_what_they_are_for(self) -> None:
        """
        A command has a sentence, and every option of it has one.
        """
        commands = find_commands()
        undocumented = [name for name, command in commands.items() if not command.help]
        undocumented += [
            f"{name} {one.name}"
            for name, command in commands.items()
            for one in command.params
            if not one.help
        ]
        assert undocumented == []


class TestApiPages:
    def test_doors(self) -> None:
        """
        Every door of the package, and every module an app may import, is on a page, once.
        """
        pages = "".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
        shown = re.findall(r"^::: ([\w.]+)$", pages, re.MULTILINE)
        adapters = [f"linq_otel.webhooks.{n}" for n in ("wsgi", "django", "aiohttp", "aws_lambda")]
        assert set(DOORS) - set(shown) == set()
        assert sorted(shown) == sorted(dict.fromkeys([*DOORS, *adapters, "linq_otel.logs"]))


class TestTroubleshootingPage:
    def test_symptoms(self) -> None:
        """
        Each of Linq's common issues is a section with a waterfall and something to do.
        """
        text = (DOCS / "troubleshooting.md").read_text("utf-8")
        sections = dict(SECTION.findall(text))
        bare = [name for name in SYMPTOMS if "<!-- play: " not in sections[name]]
        idle = [name for name, section in sections.items() if "**Do:**" not in section]
        assert list(sections)[: len(SYMPTOMS)] == list(SYMPTOMS)
        assert (bare, idle) == ([], ["Traces are torn", "Reporting to Linq"])

    def test_log_lines(self) -> None:
        """
        A log line that a page quotes is one that the code writes.
        """
        shown = (DOCS / "troubleshooting.md").read_text("utf-8")
        shown += (DOCS / "production.md").read_text("utf-8")
        not_shown = [line for line in LOGGED if line not in shown]
        not_written = [line for line in LOGGED if line not in SOURCES]
        assert (not_shown, not_written) == ([], [])


class TestDashboardsPage:
    def test_alerts(self) -> None:
        """
        The alerts on the page are those of the file, in its order.
        """
        rules = (ROOT / "examples/backends/grafana/alerts.yaml").read_text("utf-8")
        shown = (DOCS / "dashboards.md").read_text("utf-8")
        assert re.findall(r"^\| `(Linq\w+)`", shown, re.MULTILINE) == re.findall(
            r"alert: (\w+)", rules
        )

    def test_metrics(self) -> None:
        """
        Every metric in a query is one that Prometheus has of us.
        """
        pages = (DOCS / "metrics.md").read_text("utf-8")
        names = re.findall(r"^\| `([\w.]+)`", pages, re.MULTILINE)
        known = {name.replace(".", "_") for name in names}
        asked = re.findall(
            r"\b((?:linq|messaging)_\w+?)(?:_seconds)?(?:_total|_bucket)?[{\[]",
            (DOCS / "dashboards.md").read_text("utf-8"),
        )
        assert (len(asked) > 5, set(asked) - known) == (True, set())
