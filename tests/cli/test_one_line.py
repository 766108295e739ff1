from __future__ import annotations

import subprocess

import pytest

from support.command_line import LINQ_OTEL
from support.command_line import run_command as run


PROGRAM = "python -m linq_otel.cli"


class TestMisuse:
    @pytest.mark.parametrize(
        ("arguments", "code", "command", "message"),
        [
            (["nope"], 2, "", "No such command 'nope'"),
            (["show"], 2, " show", "Missing argument 'ID'"),
            (["show", "a1", "b2"], 2, " show", "Got unexpected extra argument(s) (b2)"),
            (
                ["demo", "--join", "foo"],
                2,
                " demo",
                "Invalid value for '--join': 'foo' is not one of linq, app, message, link",
            ),
            (["import"], 2, " import", "Missing argument 'FILE...'"),
        ],
    )
    def test_is_told_in_one_line(
        self, arguments: list[str], code: int, command: str, message: str
    ) -> None:
        """
        The line names the command, what is wrong, and what to type; nothing else is printed.
        """
        done = run(*arguments)
        program = f"{PROGRAM}{command}"
        assert done.returncode == code
        assert (done.stdout, done.stderr) == (
            "",
            f"{program}: {message}. Try {program} --help\n",
        )

    def test_no_command(self) -> None:
        """
        Who names none is shown what there is.
        """
        done = run()
        assert done.returncode == 2
        told = done.stdout + done.stderr
        assert [
            name for name in ("demo", "doctor", "show", "view", "why") if name not in told
        ] == []


class TestPipes:
    def test_a_reader_that_leaves(self) -> None:
        """
        What nobody reads any more is no error, and no traceback.
        """
        with subprocess.Popen(
            [*LINQ_OTEL, "simulate", "--list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.wait(60) in {0, 1}
            assert process.stderr.read() == ""
