from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from linq_otel import __version__
from linq_otel._otlp_json import read_spans
from support.command_line import run_command as run


README = Path(__file__).parents[2] / "README.md"


def names(picture: str) -> list[str]:
    """
    Return the names of the rows of a waterfall, sorted.
    """
    rows = re.findall(r"^ *\d+ [│├└─ ]*[←→»«·] (.+?)(?: \[|  |…)", picture, re.MULTILINE)
    return sorted(rows)


class TestDemo:
    def test_draws_what_the_readme_shows(self, tmp_path: Path) -> None:
        """
        The README's picture has the very rows that the demo draws.
        """
        shown = README.read_text(encoding="utf-8").split("<!-- demo -->")[1]
        done = run("demo", cwd=tmp_path)
        assert done.stderr == ""
        assert done.returncode == 0
        assert names(done.stdout) == names(shown)
        assert len(names(shown)) == 17

    def test_prints_plain_text_where_there_is_no_terminal(self, tmp_path: Path) -> None:
        """
        A pipe gets no escape sequences and the verdict in words.
        """
        done = run("demo", "--scenario", "sms", cwd=tmp_path)
        assert "\x1b" not in done.stdout
        assert "All 1 webhooks of this message are joined to the call that sent it." in done.stdout

    @pytest.mark.slow
    @pytest.mark.parametrize("join", ["linq", "app", "message", "link"])
    def test_joins_in_every_mode_though_linq_ids_differ(self, join: str, tmp_path: Path) -> None:
        """
        Events that carry trace ids of their own still find the call, in each mode.
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
        assert document["joined"] == 2

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

    @pytest.mark.parametrize("option", ["--scenario", "--join"])
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
