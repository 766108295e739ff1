from __future__ import annotations

import io
import itertools
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linq_otel import __version__
from linq_otel._otlp_json import SpanRecord, read_spans
from linq_otel.cli._demo_report import report_demo
from linq_otel.cli._demo_story import DemoOptions, Story
from support.command_line import run_command as run


README = Path(__file__).parents[2] / "README.md"
TRACE = "ab" * 16
NUMBERS = itertools.count(1)
ID_OF_SEED_7 = "7ada5ef2-bd3d-43d3-8f20-c23a469b471b"


def make_span(name: str, *, service: str = "notifications", operation: str = "") -> SpanRecord:
    """
    Make a span about the message ``m``.
    """
    attributes = {"linq.message.id": "m", "messaging.operation.name": operation}
    return SpanRecord(
        otel_trace_id=TRACE,
        span_id=f"{next(NUMBERS):016x}",
        parent_span_id=None,
        name=name,
        kind="INTERNAL",
        start_ns=1,
        end_ns=2,
        attributes=attributes,
        links=(),
        status="UNSET",
        service_name=service,
        scope_name="linq_otel",
    )


def names(picture: str) -> list[str]:
    """
    Return the names of the rows of a waterfall, sorted.
    """
    rows = re.findall(r"^ *\d+ [│├└─ ]*[←→»«·] (.+?)(?: \[|  |…)", picture, re.MULTILINE)
    return sorted(rows)


class TestDemo:
    def test_draws_what_the_readme_shows(self, tmp_path: Path) -> None:
        """
        The README's picture has the very rows that the demo draws; what happens is said before.
        """
        shown = README.read_text(encoding="utf-8").split("<!-- demo -->")[1]
        done = run("demo", cwd=tmp_path)
        assert done.stderr == ""
        assert done.returncode == 0
        assert names(done.stdout) == names(shown)
        assert len(names(shown)) == 17
        assert "\x1b" not in done.stdout
        head, said, *_ = done.stdout.split("\n\n")
        assert head == (
            "Scenario read.\n"
            "Store: shared (an SQLite file that sender and receiver both open).\n"
            "Join: linq (the lifecycle is in the trace of Linq's trace id)."
        )
        assert [line.split(" s  ")[1] for line in said.splitlines()] == [
            "a FastAPI app and a local Linq start",
            "a shop starts, and will tell a customer that an order is on its way",
            "shop -> Linq     POST /v3/chats: 201",
            "Linq -> receiver message.sent: 200",
            "Linq -> receiver message.delivered: 200",
            "Linq -> receiver message.read: 200",
            "that was all; sender and receiver have exported their spans",
        ]
        assert done.stdout.splitlines()[-2:] == [
            "All 3 webhooks of this message are joined to the call that sent it.",
            "The 17 spans are in linq-demo.otlp.jsonl (OTLP JSON lines).",
        ]
        spans = read_spans((tmp_path / "linq-demo.otlp.jsonl").read_text("utf-8").splitlines())
        assert ID_OF_SEED_7 not in {span.attributes.get("linq.message.id") for span in spans}

    @pytest.mark.slow
    @pytest.mark.parametrize("join", ["app", "link"])
    def test_joins_in_every_mode_though_linq_ids_differ(self, join: str, tmp_path: Path) -> None:
        """
        Events that carry trace ids of their own still find the call.
        """
        arguments = ("demo", "--json", "--join", join, "--scenario", "differing-trace-ids")
        done = run(*arguments, "--output", "spans.jsonl", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["joined"], document["not_joined"]) == (3, 0)
        lives = {s["otel_trace_id"] for s in document["spans"] if s["name"].startswith("message ")}
        assert len(lives) == 1
        assert (lives == {document["otel_trace_id"]}) is (join == "app")
        lines = (tmp_path / "spans.jsonl").read_text(encoding="utf-8").splitlines()
        written = {(span.otel_trace_id, span.span_id) for span in read_spans(lines)}
        assert written == {(s["otel_trace_id"], s["span_id"]) for s in document["spans"]}

    @pytest.mark.slow
    def test_late_read_without_a_store(self, tmp_path: Path) -> None:
        """
        A read three hours later is dated so, and nothing is dated ahead.

        Without a store that both share, the app's trace is not found, and that is said.
        """
        arguments = ("--scenario", "late-read", "--join", "app", "--store", "none", "--seed", "7")
        done = run("demo", *arguments, cwd=tmp_path)
        now = time.time_ns()
        assert done.returncode == 1
        assert "Linq -> receiver message.read, 3 hours later: 200" in done.stdout
        kinds = ", ".join(f"process message.{stage}" for stage in ("delivered", "read", "sent"))
        assert "\n".join(done.stdout.splitlines()[-3:-1]) == (
            f"Not joined to the call that sent the message: {kinds}.\n"
            "The receiver cannot find what the sender kept. With a store that both share, --store "
            "shared, it joins them."
        )
        spans = read_spans((tmp_path / "linq-demo.otlp.jsonl").read_text("utf-8").splitlines())
        assert max(span.end_ns for span in spans) < now
        ages = {span.name: (now - span.start_ns) / 3.6e12 for span in spans}
        assert round(ages["POST /orders"]) == round(ages["process message.delivered"]) == 3
        assert round(ages["process message.read"]) == 0
        assert {span.attributes.get("linq.message.id") for span in spans} == {None, ID_OF_SEED_7}
        for span in spans:
            longest = 3 if span.name == "message read" else 0
            assert round((span.end_ns - span.start_ns) / 3.6e12) == longest, span.name

    def test_joins_no_forged_event(self, tmp_path: Path) -> None:
        """
        What a stranger sends is drawn as unverified and in no message's life.
        """
        done = run("demo", "--json", "--scenario", "forged", cwd=tmp_path)
        document = json.loads(done.stdout)
        life = {s["otel_trace_id"] for s in document["spans"] if s["name"] == "linq message"}
        unverified = [
            s for s in document["spans"] if s["attributes"].get("linq.webhook.verified") is False
        ]
        assert len(unverified) == 2
        assert not life & {span["otel_trace_id"] for span in unverified}
        assert (document["joined"], document["store"]) == (2, "shared")
        assert done.stderr.startswith("Scenario forged.\nStore: shared (")
        assert "Linq -> receiver message.sent (forged): 200\n" in done.stderr

    @pytest.mark.parametrize(
        ("joined", "verdict"),
        [
            (0, "No webhook of this message arrived, so there was nothing to join."),
            (1, "The one webhook of this message is joined to the call that sent it."),
            (2, "Both webhooks of this message are joined to the call that sent it."),
            (3, "All 3 webhooks of this message are joined to the call that sent it."),
        ],
    )
    def test_verdict(self, joined: int, verdict: str) -> None:
        """
        However many there were, it is a sentence.
        """
        options = DemoOptions("read", "linq", None, Path("x"), None, as_json=False)
        call = make_span("linq message", service="shop")
        handled = [make_span("process message.sent", operation="process") for _ in range(joined)]
        story = Story({"otel_trace_id": TRACE, "message_id": "m"}, (), (call, *handled))
        out = io.StringIO()
        assert report_demo(options, story, out) == (0 if joined else 1)
        spans = f"The {joined + 1} spans are" if joined else "The span is"
        assert out.getvalue().splitlines()[-2:] == [
            verdict,
            f"{spans} in x (OTLP JSON lines).",
        ]

    def test_names_an_endpoint_that_does_not_listen(self, tmp_path: Path) -> None:
        """
        A dead endpoint is said at once, in one line, with exit code 2.
        """
        with socket.create_server(("127.0.0.1", 0)) as listener:
            dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
        done = run("demo", "--endpoint", dead, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr == f"linq-otel: nothing listens at {dead}; is the backend up?\n"

    def test_names_an_output_it_cannot_write(self, tmp_path: Path) -> None:
        """
        An output in a folder that is not there is said in one line, with exit code 2.
        """
        done = run("demo", "--scenario", "sms", "--output", "no/such/file", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("linq-otel: no/such/file cannot be written: ")

    @pytest.mark.parametrize("option", ["--scenario", "--join", "--store"])
    def test_lists_the_words_it_knows(self, option: str, tmp_path: Path) -> None:
        """
        A wrong word is answered with the right ones, and exit code 2.
        """
        done = run("demo", option, "sideways", cwd=tmp_path)
        assert done.returncode == 2
        assert "'sideways' is not one of" in re.sub(r"[│\s]+", " ", done.stderr)


class TestCommand:
    def test_says_what_to_install(self, tmp_path: Path) -> None:
        """
        Without the packages of the extra, one line says how to get them.
        """
        code = (
            "import sys; sys.modules['typer'] = None; import linq_otel.cli as c; sys.exit(c.main())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 2
        assert done.stderr == (
            "linq-otel: linq-otel needs more packages: pip install 'linq-otel[cli]'\n"
        )

    def test_prints_its_version(self, tmp_path: Path) -> None:
        """
        ``--version`` prints the version the package says it has.
        """
        assert run("--version", cwd=tmp_path).stdout == f"linq-otel {__version__}\n"
