from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linq_otel._otlp_json import read_spans
from support.command_line import run_command
from support.log_rows import INBOUND, TIME, answered, lines, row
from support.span_sink import open_span_sink


if TYPE_CHECKING:
    import subprocess


SAMPLES = Path(__file__).parents[1] / "integration_logs" / "samples"
EIGHT = str(SAMPLES / "eight.ndjson")


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command, which talks to nobody but this host."""
    return run_command(*arguments, given=given, **{"NO_PROXY": "127.0.0.1", **environment})


class TestImport:
    def test_to_an_endpoint(self) -> None:
        """Rows arrive at an OTLP receiver, oldest first."""
        with open_span_sink() as sink:
            done = run("import", EIGHT, "--endpoint", sink.endpoint)
        assert (done.returncode, sink.names[0], len(sink.names)) == (
            0,
            "PATCH /crm/v3/objects/contacts/{email}",
            8,
        )
        assert done.stdout == "8 calls, 2025-11-02 07:30:12 to 2025-11-05 00:02:09 UTC\n8 sent\n"
        assert [line for line in done.stderr.splitlines() if line.startswith("too old")] == [
            "too old   some backends lose rows as old as these: name yours with --backend"
        ]

    def test_backend(self) -> None:
        """Case 56: rows older than a backend takes are said before, of one that is named alone."""
        done = run("import", EIGHT, "--dry-run", "--backend", "dash0")
        assert [line for line in done.stderr.splitlines() if line.startswith("too old")] == [
            "too old   dash0: 8 rows are older than 6 h; older spans are dropped"
        ]

    def test_a_dead_endpoint(self) -> None:
        """An endpoint where nothing listens is named in one line, before files are read."""
        done = run("import", EIGHT, "--endpoint", "http://127.0.0.1:9")
        reason = "nothing listens there (ConnectionRefusedError)"
        said = f"linq-otel: could not connect to http://127.0.0.1:9/v1/traces: {reason}\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)

    def test_by_environment(self) -> None:
        """Without an endpoint the exporters' own variables count."""
        with open_span_sink() as sink:
            done = run("import", EIGHT, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
        assert (done.returncode, len(sink.names)) == (0, 8)

    def test_to_a_file(self, tmp_path: Path) -> None:
        """Rows become OTLP JSON lines, from standard input too."""
        output = tmp_path / "spans.jsonl"
        done = run("import", "-", "--output", str(output), "--signal", "both", given=lines(row()))
        assert done.returncode == 0
        assert [span.name for span in read_spans(output.read_text().splitlines())] == [
            "POST /conversations/messages/inbound"
        ]

    def test_to_standard_output(self) -> None:
        """Standard output takes the lines of spans; what is said goes to standard error."""
        done = run("import", EIGHT, "--output", "-")
        assert (done.returncode, len(read_spans(done.stdout.splitlines()))) == (0, 8)
        assert done.stderr.splitlines()[-1] == "8 sent"

    def test_dry_run(self, tmp_path: Path) -> None:
        """A dry run shows the verdicts and sends nothing."""
        output = tmp_path / "spans.jsonl"
        done = run("import", EIGHT, "--dry-run", "--output", str(output))
        assert (done.returncode, output.exists()) == (0, False)
        assert "message.inbound  unconfirmed         1" in done.stdout

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (lines(row()), 0),
            (lines(row(), {"method": "POST"}), 3),
            (lines({"method": "POST"}), 1),
            ("", 1),
            ("<html>", 2),
        ],
    )
    def test_exit_codes(self, text: str, code: int) -> None:
        """0: every row was used; 3: some; 1: not one; 2: the file is not a log."""
        assert run("import", "-", "--dry-run", given=text).returncode == code

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("-", "--no-such-option"),
            ("-", "--timezone", "Mars/Base"),
            ("-", "--signal", "metrics"),
            ("-", "--backend", "nobody"),
            ("-", "--trace-from", "nowhere"),
            ("-", "--map", "Fecha"),
            ("-", "--map", "Fecha=nothing"),
            ("-", "--join", "nowhere"),
            ("-", "--rate", "nan"),
            ("-", "--endpoint", "localhost:4318"),
            ("-", "--output", "/missing/spans.jsonl"),
            ("-", "--bodies", "full"),
            ("-", "--store", "nosql:"),
        ],
    )
    def test_misuse(self, arguments: tuple[str, ...]) -> None:
        """What was not understood is 2, in one line."""
        done = run("import", *arguments, given=lines(row()))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)

    def test_rejects(self) -> None:
        """A rejected row is named by line, field and reason, and never by its value."""
        done = run("import", "-", "--dry-run", given=lines(row(), row(timestamp="+15551230001")))
        assert "rejected  -:2: timestamp: " in done.stderr
        assert "15551230001" not in done.stdout + done.stderr

    def test_table_from_the_dashboard(self) -> None:
        """A table with local times, and columns of another language."""
        text = f"Método;Dirección;Estado;Fecha\nPOST;{INBOUND};201;Nov 4, 2025, 9:02 AM\n"
        maps = ["Método=method", "Dirección=url", "Estado=status", "Fecha=timestamp"]
        named = [part for one in maps for part in ("--map", one)]
        done = run(
            "import",
            "-",
            "--dry-run",
            "--format",
            "csv",
            "--timezone",
            "America/Denver",
            *named,
            given=text,
            PYTHONUTF8="1",
        )
        assert (done.returncode, done.stdout.splitlines()[0]) == (
            0,
            "1 call, 2025-11-04 16:02:00 to 2025-11-04 16:02:00 UTC",
        )

    def test_goes_on(self, tmp_path: Path) -> None:
        """A second run with a checkpoint sends nothing again."""
        options = (
            "import",
            EIGHT,
            "--output",
            str(tmp_path / "o"),
            "--checkpoint",
            str(tmp_path / "c"),
        )
        assert [run(*options).stdout.splitlines()[1] for _ in range(2)] == [
            "8 sent",
            "0 sent, 8 sent by an earlier run",
        ]


class TestStats:
    def test_table(self) -> None:
        """The figures stand in tables."""
        done = run("stats", EIGHT)
        assert (
            done.returncode,
            "gohighlevel  message.inbound  delivered           1" in done.stdout,
        ) == (0, True)

    def test_json(self) -> None:
        """As JSON they are one document."""
        found = json.loads(run("stats", EIGHT, "--as", "json").stdout)
        assert found["throttled"] == [{"provider": "gohighlevel", "limit": "burst", "calls": 1}]

    def test_csv(self) -> None:
        """Case 27: as CSV no cell is a formula."""
        text = run("stats", "-", "--as", "csv", given=lines(answered({"code": "x"}, 400))).stdout
        rows = list(csv.reader(io.StringIO(text)))
        assert ["verdicts", "gohighlevel", "message.inbound", "rejected", "1"] in rows
        assert [cell for one in rows for cell in one if cell.startswith(("=", "+", "-", "@"))] == []

    def test_html(self, tmp_path: Path) -> None:
        """As HTML they are one page."""
        page = tmp_path / "page.html"
        done = run("stats", EIGHT, "--as", "html", "--output", str(page))
        assert (done.returncode, page.read_text().startswith("<!doctype html>")) == (0, True)

    def test_misuse(self) -> None:
        """Another form is none."""
        assert run("stats", EIGHT, "--as", "pdf").returncode == 2

    def test_a_device(self) -> None:
        """A device without line ends is no table."""
        done = run("stats", "/dev/zero", "--format", "csv")
        assert (done.returncode, done.stdout, done.stderr) == (
            2,
            "",
            "linq-otel: zero:1: the line is too long: it names no columns\n",
        )

    def test_columns(self) -> None:
        """Columns that are not known are named; a first row of people's data is not."""
        told = {
            "Fecha,Dirección": "columns Fecha, Dirección",
            "Fecha,Dirección,+15551230001": "the first line names no columns",
        }
        for line, found in told.items():
            done = run("stats", "-", "--format", "csv", given=f"{line}\n", PYTHONUTF8="1")
            assert done.stderr == f"linq-otel: -:1: {found}: name method and url with --map\n"


class TestReport:
    def test_files(self, tmp_path: Path) -> None:
        """The bundle is written, and its text names the failure."""
        done = run(
            "report", "row-0003", EIGHT, "--output", str(tmp_path), "--timezone", "America/Denver"
        )
        text = (tmp_path / "report.md").read_text()
        assert done.returncode == 0
        assert ("`2025-11-04 09:11:02-07:00`" in text, "+1555" in text) == (True, False)
        assert json.loads((tmp_path / "report.json").read_text())["asked"] == "row-0003"

    def test_bodies(self, tmp_path: Path) -> None:
        """Bodies come redacted, and only on request."""
        run("report", "row-0004", EIGHT, "--output", str(tmp_path), "--include-bodies")
        text = (tmp_path / "report.md").read_text()
        assert ('"phone":"REDACTED"' in text, "Ada" in text) == (True, False)

    def test_unknown(self, tmp_path: Path) -> None:
        """An id that no row has writes nothing."""
        done = run("report", "row-9999", EIGHT, "--output", str(tmp_path))
        assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (
            1,
            "linq-otel: no row and no store knows 'row-9999'\n",
            [],
        )


class TestWhy:
    def test_stopped(self) -> None:
        """The last attempt of a text says where it stopped."""
        done = run("why", "no text in GoHighLevel", EIGHT, "--id", "eight.ndjson:3")
        refusal = "401 Invalid token: access token is invalid"
        assert (done.returncode, done.stdout.splitlines()[-2:]) == (
            1,
            [
                f"Where it stopped: GoHighLevel refused it: {refusal}.",
                "What to do: Connect the integration again: its token is invalid or expired.",
            ],
        )

    def test_many(self) -> None:
        """Without an id each text counts, and a CRM is asked for where none is named."""
        done = run("why", "no text came", EIGHT)
        went = "GoHighLevel (3), HubSpot (1), Salesforce (1)"
        advice = "Name one of them: --id eight.ndjson:2, or an id of its message or trace."
        assert (done.returncode, done.stdout.splitlines()[-4:]) == (
            1,
            [
                "  1x delivered: HubSpot has it as message 710000001 (eight.ndjson:5)",
                "3 of 5 did not arrive, or are not confirmed.",
                f"What to do: {advice}",
                f"Which CRM? The question names none. Texts in these rows went to {went}.",
            ],
        )

    def test_one_contact(self) -> None:
        """An id narrows it down to one text."""
        done = run("why", "GHL", EIGHT, "--id", "cntEXAMPLE0000000001", "--json")
        assert (done.returncode, json.loads(done.stdout)["steps"][0]["delivery"]) == (
            0,
            "delivered",
        )

    def test_no_rows(self) -> None:
        """No rows are no answer."""
        assert (
            run(
                "why", "HubSpot", "-", given=f"Method,URL,Status,Source,Date\n,,,,{TIME}\n"
            ).returncode
            == 1
        )
