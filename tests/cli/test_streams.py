from __future__ import annotations

import io
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
from rich.table import Table

from linq_otel.cli._streams import escape, guard_streams, spell_line
from linq_otel.cli._waterfall import build_console
from support.command_line import run_command
from support.log_rows import lines, row


if TYPE_CHECKING:
    from pathlib import Path


EVIL = "x\x1b]52;c;eA==\x07\x9b31m\u202e\u200b\x7f[/red]"
ESCAPED = r"x\x1b]52;c;eA==\x07\x9b31m\u202e\u200b\x7f[/red]"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class TestEscaping:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("Grüße 👍🏽 日本 e\u0301", "Grüße 👍🏽 日本 e\u0301"),
            ("a\tb\n", "a\tb\n"),
            (EVIL, ESCAPED),
            ("\r\x00\u2066\ufeff\udcff", r"\r\x00\u2066\ufeff\udcff"),
        ],
    )
    def test_text(self, text: str, shown: str) -> None:
        """Letters, marks, line ends and tabs stay; what cannot be seen is spelled out."""
        assert escape(text) == shown

    def test_one_line(self) -> None:
        """A name with a line end cannot make a second line."""
        assert spell_line("a\nb") == r"a\nb"

    def test_streams(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that is written by print is escaped; the line ends of a table stay."""
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with guard_streams():
            sys.stdout.write(f"{EVIL}\r\n")
            sys.stderr.writelines([EVIL, "\n"])
        assert (out.getvalue(), err.getvalue()) == (f"{ESCAPED}\r\n", f"{ESCAPED}\n")
        assert (sys.stdout, sys.stderr) == (out, err)

    def test_a_console(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A console escapes what is in its tables, and reads no markup there."""
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setenv("COLUMNS", "100")
        with guard_streams():
            console = build_console(sys.stdout)
            table = Table(box=None, show_header=False)
            table.add_row("x\x1b]52;c;\u202e[/red]", "next")
            console.print(table)
        assert out.getvalue().split() == [r"x\x1b]52;c;\u202e[/red]", "next"]


class TestCommands:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["show", "a1", "--file", EVIL], "linq-otel: {} cannot be read: No such file"),
            (["stats", EVIL], "linq-otel: {}: no such file"),
            (["prune", "--store", EVIL], "linq-otel: no store at '{}:'"),
        ],
    )
    def test_arguments(self, arguments: list[str], said: str) -> None:
        """An argument in an error is one line that cannot steer a terminal."""
        evil = arguments[-1].replace("/", "")
        done = run_command(*arguments[:-1], evil)
        assert done.stderr.startswith(said.format(ESCAPED.replace("/", "")))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert CONTROLS.search(done.stderr) is None

    def test_rows(self, tmp_path: Path) -> None:
        """Rows of a log, its name and its figures are printed without control characters."""
        log = tmp_path / "rows\x1b[31m.ndjson"
        text = lines(row(), row(method=EVIL), row(url=f"https://x.test/{EVIL}"), {"method": EVIL})
        log.write_text(text, "utf-8")
        for form in ("table", "csv", "html"):
            done = run_command("stats", str(log), "--as", form)
            said = done.stdout.replace("\r\n", "\n") + done.stderr
            assert (done.returncode, CONTROLS.search(said)) == (3, None)

    def test_json(self) -> None:
        """In JSON the text is whole, by JSON's own escapes."""
        done = run_command("why", EVIL, "-", "--json", given=lines(row()))
        assert CONTROLS.search(done.stdout) is None
        assert json.loads(done.stdout)["question"] == EVIL
