from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from linq_otel.viewer._switching import TLS_UNKNOWN
from support.command_line import LINQ_OTEL, environment_of_a_person, run_command
from support.life_lines import READ, make_uuid, write_life
from support.scripts import run_script


if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from linq_otel.viewer import Viewer


STARTED_WITH = "It shows the spans of an app that is started with these variables"
START = 1_790_000_000_000_000_000
LINES = list(write_life(1, START, READ))


def build_environment() -> dict[str, str]:
    return environment_of_a_person(PYTHONUNBUFFERED="1")


@contextmanager
def running(
    *arguments: str, **environment: str
) -> Generator[tuple[subprocess.Popen[str], str, list[str]]]:
    """
    Run ``view`` while the block lasts; yields it, the page's address and all it said at first.
    """
    process = subprocess.Popen(
        [*LINQ_OTEL, "view", *arguments],
        env={**build_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            assert process.stdout is not None
            said: list[str] = []
            while not said or said[-1] not in {"", "Ctrl-C ends it.\n"}:
                said.append(process.stdout.readline())
            (found,) = re.findall(r"The page is at (http://127\.0\.0\.1:\d+)\n", "".join(said))
            yield process, found, said
            process.kill()
    finally:
        process.kill()


def ask(url: str, path: str) -> Any:
    with urlopen(f"{url}{path}", timeout=20) as answer:  # noqa: S310  # Our own.
        return json.load(answer)


@pytest.fixture
def spans(tmp_path: Path) -> Path:
    """
    Return a file of one life.
    """
    file = tmp_path / "spans.jsonl"
    file.write_text("\n".join(LINES), encoding="utf-8")
    return file


class TestRunning:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_cleanly(self, number: signal.Signals, spans: Path, tmp_path: Path) -> None:
        """It says where it is, how to feed it, and what it cannot take; Ctrl-C ends it with 0."""
        asked = ("--port", "0", "--file", str(spans))
        with running(*asked, TMPDIR=str(tmp_path)) as (process, url, said):
            assert ask(url, "/api/messages")["counts"] == {"read": 1}
            with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as connection:
                connection.sendall(b"\x16\x03\x01")
            assert process.stderr is not None
            assert process.stderr.readline() == f"linq-otel: {TLS_UNKNOWN}\n"
            process.send_signal(number)
            assert process.communicate(timeout=20) == ("", "")
            assert process.returncode == 0
        assert said == [
            f"{len(LINES)} spans of {spans}\n",
            f"The page is at {url}\n",
            f"{STARTED_WITH}; gRPC is taken as well:\n",
            f"  export OTEL_EXPORTER_OTLP_ENDPOINT={url}\n",
            "  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n",
            "Ctrl-C ends it.\n",
        ]
        assert [file.name for file in tmp_path.iterdir()] == ["spans.jsonl"]

    @pytest.mark.slow
    def test_takes_the_demo(self, tmp_path: Path) -> None:
        """The demo's spans, exported over the wire, are one message that was read."""
        with running("--port", "0") as (_, url, _):
            file = tmp_path / "demo.jsonl"
            done = run_command("demo", "--json", "--endpoint", url, "--output", str(file))
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            found = ask(url, "/api/messages")
            (message,) = found["messages"]
            assert (found["total"], found["counts"]) == (1, {"read": 1})
            shown = ("message_id", "direction", "state", "operation", "service_names", "spans")
            assert {key: message[key] for key in shown} == {
                "message_id": told["message_id"],
                "direction": "outbound",
                "state": "read",
                "operation": "chats.create",
                "service_names": ["shop", "notifications"],
                "spans": len(told["spans"]),
            }
            story = ask(url, f"/api/stories/{message['otel_trace_id']}")
            drawn = {
                (trace["otel_trace_id"], span["span_id"], span["name"])
                for trace in story["traces"]
                for span in trace["spans"]
            }
            assert drawn == {(s["otel_trace_id"], s["span_id"], s["name"]) for s in told["spans"]}
            assert story["message"] == {**message, "split": None}


class TestFiles:
    def test_packed_and_piped(self, spans: Path, tmp_path: Path) -> None:
        """A gzipped file and standard input are read like any other."""
        packed = tmp_path / "spans.gz"
        packed.write_bytes(gzip.compress(spans.read_bytes()))
        pages = [tmp_path / f"{number}.html" for number in range(3)]
        texts = spans.read_text(encoding="utf-8")
        for source, page in zip((str(spans), str(packed), "-"), pages, strict=True):
            done = run_command("view", "--file", source, "--html", str(page), given=texts)
            assert (done.returncode, done.stderr, done.stdout) == (
                0,
                "",
                f"{page} holds the page; it needs no server and no network.\n",
            )
        assert len({page.read_text(encoding="utf-8") for page in pages}) == 1
        assert make_uuid(1, "message") in pages[0].read_text(encoding="utf-8")

    def test_half_a_line(self, spans: Path, tmp_path: Path) -> None:
        """A file that is being written to is shown as far as it is written."""
        spans.write_text(spans.read_text(encoding="utf-8")[:-40], encoding="utf-8")
        with running("--file", str(spans)) as (_, url, _):
            assert ask(url, "/api/messages")["messages"][0]["spans"] == len(LINES) - 1

    def test_a_database(self, spans: Path, tmp_path: Path) -> None:
        """What one run kept, the next shows, and a page is written of."""
        database, page = str(tmp_path / "spans.db"), tmp_path / "page.html"
        with running("--file", str(spans), "--database", database) as (process, url, _):
            before = ask(url, "/api/messages")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
        with running("--port", "0", "--database", database) as (_, url, _):
            assert ask(url, "/api/messages") == before
        asked = ("--id", make_uuid(1, "message"))
        done = run_command("view", "--database", database, "--html", str(page), *asked)
        assert (done.returncode, done.stderr) == (0, "")
        assert make_uuid(1, "message") in page.read_text(encoding="utf-8")


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--file", "no.jsonl"), "no.jsonl cannot be read: No such file or directory"),
            (
                ("--host", "0.0.0.0"),  # noqa: S104  # Refused.
                (
                    "the viewer has no password and listens on this host alone, not on 0.0.0.0; "
                    "leave --host out, or forward the port"
                ),
            ),
            (("--html", "x.html"), "--html needs spans: name a --file, or a --database"),
            (("--html", "x.html", "--file", "-"), "there are no spans in what was named"),
            (
                ("--html", "x.html", "--database", "no.db"),
                "there is no database no.db; name one a viewer has written",
            ),
            (
                ("--file", "/dev/null", "--html", "x.html", "--id", "7"),
                "there are no spans in what was named",
            ),
        ],
    )
    def test_one_line(self, arguments: tuple[str, ...], told: str) -> None:
        """What cannot be done is said in one line, with exit code 2."""
        done = run_command("view", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"linq-otel: {told}\n")

    def test_damaged_files(self, spans: Path) -> None:
        """The line that is no OTLP is named."""
        spans.write_text(f"{LINES[0]}\n\nnonsense\n", encoding="utf-8")
        done = run_command("view", "--file", str(spans))
        assert (done.returncode, done.stdout, done.stderr) == (
            2,
            "",
            f"linq-otel: {spans} holds no OTLP JSON lines: line 3: not JSON: Expecting value\n",
        )

    def test_a_taken_port(self, viewer: Viewer) -> None:
        """A taken port is said at once, with what to type."""
        port = viewer.url.rpartition(":")[2]
        done = run_command("view", "--port", port)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"linq-otel: port {port} of 127.0.0.1 is taken, by a collector or another viewer "
            "perhaps; choose another one with --port, and give it to the app as well\n"
        )

    def test_an_id_without_a_file(self) -> None:
        """An id is for the file that is written."""
        done = run_command("view", "--id", "7")
        assert done.returncode == 2
        assert "--id goes with --html" in done.stderr

    def test_without_its_packages(self) -> None:
        """Where the packages are missing, the line says what to install."""
        code = """
            import sys

            sys.modules["starlette"] = None
            from linq_otel.errors import MissingExtraError
            from linq_otel.viewer import open_viewer

            try:
                open_viewer()
            except MissingExtraError as error:
                print(error)
        """
        told = "linq-otel view needs more packages: pip install 'linq-otel[view]'\n"
        assert run_script(code) == told
