from __future__ import annotations

import json
import subprocess
from contextlib import closing
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linq_otel.cli._show_output import Output
from linq_otel.cli._showing import ShowOptions, run_show
from linq_otel.errors import ConfigurationError
from linq_otel.stores import open_store
from linq_otel.stories._sources._http import QueryApi
from linq_otel.stories._sources._jaeger import Jaeger
from linq_otel.stories._sources._viewer import RunningViewer
from linq_otel.stories._sources._wanted import parse_wanted
from linq_otel.viewer import ViewerOptions, open_viewer
from stories.query_apis import jaeger, serve, tempo, write_lines
from stories.telling import CHAT_ID, HOUR, MESSAGE_ID, READ, SHOP, handler, stage, tell
from support.command_line import LINQ_OTEL, run_command
from support.origins import accepted
from support.otlp_processes import find_free_ports
from support.span_records import HOOK, LIFE, record


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


REPOSITORY = Path(__file__).resolve().parents[2]
NO_ID = (
    "linq-otel: that is no id: paste a trace id, or the id of a message, an event, a chat "
    "or a span\n"
)
KNOWN = f"""\
The store knows the message; its spans are in a backend: add --jaeger, --tempo or --file.
  message         {MESSAGE_ID}
  chat            {CHAT_ID}
  Linq trace ids  {LIFE}
  requested       2026-09-21 14:13:20.000 UTC
  accepted        2026-09-21 14:13:20.250 UTC
  life's trace    {LIFE}
  sender's trace  {SHOP}
  sender's span   {"b" * 16}
  sampled         yes
"""
PICTURE = """\
message 21051baf-8743-4ee8-aa9c-6e3316a85b5c: read · outbound · iMessage · chats.create
2 traces joined by links · 8 spans · 3 h 00 m · from 2026-09-21 14:13:20 UTC
                                  0            499 ms    999 ms    3 h 00 m
                                  ──────⋯486ms⋯───⋯498ms⋯───⋯2h59m⋯────────
trace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa · shop · 2 spans
1 ← POST /orders                  ━━━━━━                                       12 ms
2 └ » linq chats.create           ━━━━━                                       9.0 ms  ↪ 3 lifecycle
trace 22222222222222222222222222222222 · shop · hooks · 6 spans
3 · linq message                  ◆                                                0  ↪ 2 send
4 ├ · message accepted [hooks]    ━━━━━                                       9.0 ms
5 ├ · message sent [hooks]            ━━┄┄┄┄┄┄┄━━                             490 ms
6 ├ · message delivered [hooks]                 ━━┄┄┄┄┄┄┄━━                   500 ms
7 └ · message read [hooks]                                ━━┄┄┄┄┄┄┄━        2 h 59 m
8 « process message.read [hooks]                                     ━━━━━━    10 ms

← serves  » sends  « receives  · inside  ◆ a moment  ┄ wait, folded  ↪ links to row
"""


def run(
    *arguments: str, folder: Path | None = None, fed: str = "", **environment: str
) -> tuple[int, str, str]:
    """
    Run the command as a person would; answer its exit code and what it printed.
    """
    places = {"PYTHONPATH": str(REPOSITORY), **environment}
    done = run_command("show", *arguments, cwd=folder, given=fed, **places)
    return done.returncode, done.stdout, done.stderr


def plain(picture: str) -> str:
    """
    Return *picture* without the blanks at the ends of its lines.
    """
    return "".join(line.rstrip() + "\n" for line in picture.splitlines())


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Return a file with one message's spans, and a stranger's."""
    path = tmp_path / "spans.jsonl"
    path.write_text(write_lines([*READ, record("GET /", 0, 1, trace="8" * 32)]))
    return str(path)


class TestPicture:
    def test_is_drawn_from_a_file(self, file: str) -> None:
        """One message, from the call to the read, and nothing of others."""
        status, printed, complaint = run(MESSAGE_ID, "--file", file)
        assert (status, plain(printed), complaint) == (0, PICTURE, "")

    def test_is_drawn_from_a_pipe(self) -> None:
        """A dash is standard input."""
        status, printed, complaint = run(LIFE, "--file", "-", fed=write_lines(READ))
        assert (status, plain(printed), complaint) == (0, PICTURE, "")

    @pytest.mark.parametrize(("option", "backend"), [("--jaeger", jaeger), ("--tempo", tempo)])
    def test_is_drawn_from_a_backend(self, option: str, backend: object) -> None:
        """Jaeger and Tempo are asked for the message, and for all that is linked to it."""
        with serve(backend(READ)) as server:  # type: ignore[operator]  # Either makes an answer.
            status, printed, complaint = run(MESSAGE_ID, option, server.url)
        assert (status, plain(printed), complaint) == (0, PICTURE, "")

    def test_is_drawn_though_searching_fails(self) -> None:
        """What was fetched is drawn, and one line says that more may be missing."""
        whole = jaeger(READ)

        def answer(path: str, given: dict[str, str]) -> object:
            return (500, b"") if path == "/api/services" else whole(path, given)

        with serve(answer) as server:  # type: ignore[arg-type]
            status, printed, complaint = run(LIFE, "--jaeger", server.url)
            unknown = run(MESSAGE_ID, "--jaeger", server.url)
        failure = f"Jaeger at {server.url} answers with status 500"
        assert (status, plain(printed)) == (0, PICTURE)
        assert complaint == f"linq-otel: not all may be here: {failure}\n"
        assert unknown == (2, "", f"linq-otel: {failure}\n")

    def test_takes_a_traceparent(self, file: str) -> None:
        """What a log line holds may be pasted whole."""
        status, printed, _ = run(f"00-{SHOP}-{'b' * 16}-01", "--file", file)
        assert (status, plain(printed)) == (0, PICTURE)

    def test_has_parts_that_nothing_links(self, tmp_path: Path) -> None:
        """What speaks of the message and hangs on no link is drawn too, and it is said why."""
        path = tmp_path / "spans.jsonl"
        path.write_text(write_lines([handler("message.read", 3 * HOUR, trace=HOOK), *READ]))
        status, printed, _ = run(MESSAGE_ID, "--file", str(path))
        lines = printed.splitlines()
        assert status == 0
        assert lines[1].startswith("This message is in 3 traces, in 2 parts that no link joins: ")
        assert lines[2].startswith("3 traces in 2 parts that no link joins · 9 spans · ")

    def test_cannot_steer_the_terminal(self, tmp_path: Path) -> None:
        """Whatever spans hold, no control character is printed."""
        path = tmp_path / "spans.jsonl"
        evil = [
            tell(replace(span, name=f"{span.name}\x1b[2J"), service="\x1b[31m") for span in READ
        ]
        path.write_text(write_lines(evil))
        status, printed, _ = run(MESSAGE_ID, "--file", str(path))
        assert status == 0
        assert "\x1b" not in printed

    def test_ends_where_its_reader_does(self, file: str) -> None:
        """A pipe that is closed early is no error."""
        command = f"{' '.join(LINQ_OTEL)} show {MESSAGE_ID} --file {file} | head -1"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr) == (PICTURE.splitlines(keepends=True)[0], "")


def show(wanted: str, *spans: SpanRecord, as_json: bool = False) -> tuple[int, str, str]:
    """
    Run the command in this process on *spans*; answer its exit code and what it printed.
    """
    out, err = StringIO(), StringIO()
    source = SpansAtHand(spans)
    options = ShowOptions(parse_wanted(wanted), (source,), Output(as_json=as_json))
    return run_show(options, out, err), out.getvalue(), err.getvalue()


@dataclass(frozen=True)
class SpansAtHand:
    """
    A source that has its spans.
    """

    spans: tuple[SpanRecord, ...]
    title: str = "these"

    def find_spans(self, wanted: str) -> list[SpanRecord]:  # As every source.
        """
        Return all of them.
        """
        return list(self.spans)


class TestBeginnings:
    @pytest.mark.parametrize(
        "wanted", [MESSAGE_ID[:8], f"{MESSAGE_ID[:8]}…", f'"{LIFE[:8]}..."', CHAT_ID[:8].upper()]
    )
    def test_stand_for_the_id(self, wanted: str) -> None:
        """What the page shows of an id does, with the dots that stand for the rest."""
        assert show(wanted, *READ) == show(MESSAGE_ID, *READ)

    def test_are_not_asked_of_a_backend(self) -> None:
        """Where a backend finds whole ids alone, that is said."""
        with serve(jaeger(READ)) as server:
            source = Jaeger(QueryApi("Jaeger", server.url))
            err = StringIO()
            options = ShowOptions(MESSAGE_ID[:8], (source,), Output())
            assert run_show(options, StringIO(), err) == 1
        assert err.getvalue() == (
            f"linq-otel: nothing is known of that id in Jaeger at {server.url}; Jaeger and Tempo "
            "find whole ids alone\n"
        )

    def test_of_several_are_an_error(self) -> None:
        """What several ids begin with leads nowhere; one line names them."""
        other = tell(record("it", 0, 1, trace="8" * 32), message_id=f"{MESSAGE_ID[:8]}-other")
        with pytest.raises(ConfigurationError) as caught:
            show(MESSAGE_ID[:8], *READ, other)
        assert str(caught.value) == (
            f"several ids begin with {MESSAGE_ID[:8]}; give more of the one meant: "
            f"message {MESSAGE_ID}, message {MESSAGE_ID[:8]}-other"
        )

    def test_are_asked_of_a_viewer(self) -> None:
        """A viewer completes an id as well, and names several alike."""
        with open_viewer(ViewerOptions(port=0)) as viewer:
            source = RunningViewer(QueryApi("the viewer", viewer.url))
            viewer.read(write_lines(READ).splitlines())
            assert len(source.find_spans(MESSAGE_ID[:8])) == len(READ)
            other = tell(record("it", 0, 1, trace="8" * 32), message_id=f"{MESSAGE_ID[:8]}-other")
            viewer.read(write_lines([other]).splitlines())
            with pytest.raises(ConfigurationError) as caught:
                source.find_spans(MESSAGE_ID[:8])
        assert str(caught.value).startswith(f"several ids begin with {MESSAGE_ID[:8]}; give more")


class TestSeveralMessages:
    def test_in_one_trace_are_told_apart(self) -> None:
        """The message asked for is told of, not the first of its trace."""
        second = tell(stage("delivered", 20, 90), message_id="m2-id", trace_id="9" * 32)
        spans = [*READ, second]
        heads = [show(wanted, *spans)[1].splitlines()[0] for wanted in (MESSAGE_ID, "m2-id")]
        assert heads == [
            f"message {MESSAGE_ID}: read · outbound · iMessage · chats.create",
            "message m2-id: delivered · outbound · iMessage",
        ]


class TestViewer:
    def test_that_runs_is_asked(self, tmp_path: Path) -> None:
        """What a viewer on this host was sent is drawn in the terminal, too."""
        with open_viewer(ViewerOptions(port=0)) as viewer:
            viewer.read(write_lines(READ).splitlines())
            status, printed, complaint = run(MESSAGE_ID, "--viewer", viewer.url)
        assert (status, plain(printed), complaint) == (0, PICTURE, "")


class TestJson:
    def test_is_one_document(self, file: str) -> None:
        """Where it was found, and the stories, as a page would draw them."""
        status, printed, complaint = run(READ[-1].span_id, "--file", file, "--json")
        document = json.loads(printed)
        assert (status, complaint) == (0, "")
        (story,) = document.pop("stories")
        assert document == {
            "otel_trace_id": LIFE,
            "span_id": READ[-1].span_id,
            "source": file,
            "origin": None,
        }
        assert (story["version"], story["message"]["state"]) == (1, "read")
        assert [trace["otel_trace_id"] for trace in story["traces"]] == [SHOP, LIFE]


class TestPerfetto:
    def test_is_written_to_a_file(self, file: str, tmp_path: Path) -> None:
        """The picture is drawn all the same, and it is said where the file goes."""
        target = tmp_path / "trace.json"
        status, printed, complaint = run(MESSAGE_ID, "--file", file, "--perfetto", str(target))
        assert (status, plain(printed)) == (0, PICTURE)
        assert complaint == f"linq-otel: wrote {target}; open it at https://ui.perfetto.dev\n"
        events = json.loads(target.read_text())["traceEvents"]
        assert sorted({event["ph"] for event in events}) == ["M", "X", "f", "s"]

    def test_is_printed_alone(self, file: str) -> None:
        """A dash is standard output, and then there is no picture."""
        status, printed, complaint = run(MESSAGE_ID, "--file", file, "--perfetto", "-")
        assert (status, complaint) == (0, "")
        assert json.loads(printed)["displayTimeUnit"] == "ms"

    def test_cannot_be_written_everywhere(self, file: str, tmp_path: Path) -> None:
        """A folder that is not there is named in a line."""
        target = tmp_path / "nowhere" / "trace.json"
        status, _, complaint = run(MESSAGE_ID, "--file", file, "--perfetto", str(target))
        assert status == 2
        assert complaint == f"linq-otel: {target} cannot be written: No such file or directory\n"


class TestNotFound:
    def test_says_where_was_looked(self, file: str) -> None:
        """An id nobody knows is 1, and one line names every place."""
        with serve(jaeger(READ)) as server:
            result = run("9" * 32, "--file", file, "--jaeger", server.url)
        looked = f"{file}, Jaeger at {server.url}"
        assert result == (1, "", f"linq-otel: nothing is known of that id in {looked}\n")

    def test_is_not_said_where_a_place_could_not_be_asked(self, file: str) -> None:
        """A backend that is down is 2: the id may well be known there."""
        (port,) = find_free_ports(1)
        url = f"http://127.0.0.1:{port}"
        status, printed, complaint = run("9" * 32, "--file", file, "--jaeger", url)
        assert (status, printed) == (2, "")
        said = f"Jaeger at {url} cannot be reached (Connection refused); is it up?"
        assert complaint == f"linq-otel: {said}\n"

    @pytest.mark.parametrize("wanted", ["", "two words", "x" * 300, "a\nb"])
    def test_is_not_said_of_what_is_no_id(self, wanted: str, file: str) -> None:
        """What cannot be an id is 2, and it is said what could be."""
        assert run(wanted, "--file", file) == (
            2,
            "",
            NO_ID,
        )

    def test_keeps_credentials_to_itself(self) -> None:
        """No complaint shows a header."""
        with serve(lambda _path, _given: (401, b"")) as server:
            header = "Authorization: Bearer s3cret"
            status, printed, complaint = run(LIFE, "--tempo", server.url, "--header", header)
        assert (status, printed) == (2, "")
        assert "wants credentials (401)" in complaint
        assert "s3cret" not in complaint


class TestStore:
    @pytest.fixture
    def store(self, tmp_path: Path) -> str:
        """Return a store that knows one message."""
        url = f"sqlite:///{tmp_path / 'linq.db'}"
        origin = replace(
            accepted(MESSAGE_ID),
            traceparent=f"00-{SHOP}-{'b' * 16}-01",
            lifecycle=f"00-{LIFE}-{'c' * 16}-01",
            linq_trace_ids=(LIFE,),
            chat_id=CHAT_ID,
            idempotency_key="d" * 32,
            requested_at=1_790_000_000_000_000_000,
            accepted_at=1_790_000_000_250_000_000,
        )
        with closing(open_store(url)) as opened:
            opened.save(origin)
        return url

    def test_alone_tells_what_it_knows(self, store: str) -> None:
        """Without spans there are ids and times, and no hash of the key."""
        assert run(MESSAGE_ID.upper(), "--store", store) == (0, KNOWN, "")

    def test_alone_tells_it_as_json(self, store: str) -> None:
        """The same as one document."""
        status, printed, complaint = run(LIFE, "--store", store, "--json")
        assert (status, complaint) == (0, "")
        assert json.loads(printed) == {
            "otel_trace_id": None,
            "span_id": None,
            "source": "the store",
            "stories": [],
            "origin": {
                "found_by": "trace",
                "message_id": MESSAGE_ID,
                "chat_id": CHAT_ID,
                "linq_trace_ids": [LIFE],
                "requested_ns": "1790000000000000000",
                "accepted_ns": "1790000000250000000",
                "lifecycle_otel_trace_id": LIFE,
                "sender_otel_trace_id": SHOP,
                "sender_span_id": "b" * 16,
                "is_sampled": True,
            },
        }

    def test_leads_to_spans_that_do_not_say_the_id(self, store: str, tmp_path: Path) -> None:
        """An id that only the store knows finds the trace its message's life is drawn in."""
        path = tmp_path / "spans.jsonl"
        path.write_text(write_lines([replace(span, attributes={}) for span in READ]))
        status, printed, _ = run(MESSAGE_ID, "--store", store, "--file", str(path))
        assert status == 0
        assert f"trace {LIFE} · shop · hooks · 6 spans" in printed

    def test_leads_to_spans_where_searching_fails(self, store: str) -> None:
        """The trace that the store names is fetched, though the id cannot be searched for."""
        whole = jaeger(READ)

        def answer(path: str, given: dict[str, str]) -> object:
            return (500, b"") if path == "/api/services" else whole(path, given)

        with serve(answer) as server:  # type: ignore[arg-type]
            result = run(MESSAGE_ID, "--store", store, "--jaeger", server.url)
        assert (result[0], plain(result[1])) == (0, PICTURE)
        assert result[2] == (
            f"linq-otel: not all may be here: Jaeger at {server.url} answers with status 500\n"
        )

    def test_without_the_message(self, store: str) -> None:
        """What it does not know is 1."""
        assert run("nope", "--store", store) == (
            1,
            "",
            "linq-otel: nothing is known of that id in the store\n",
        )

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        """A file that is missing is 2, and is not made by looking."""
        path = tmp_path / "missing.db"
        result = run("nope", "--store", f"sqlite:///{path}")
        assert result == (
            2,
            "",
            f"linq-otel: the store cannot be asked: there is no file {path}\n",
        )
        assert not path.exists()


class TestGuesses:
    def test_are_the_demos_file(self, tmp_path: Path) -> None:
        """Where nobody names a place, the demo's file is looked into, and that is said."""
        (tmp_path / "linq-demo.otlp.jsonl").write_text(write_lines(READ))
        status, printed, complaint = run(MESSAGE_ID, folder=tmp_path)
        assert (status, plain(printed)) == (0, PICTURE)
        assert complaint == "linq-otel: from linq-demo.otlp.jsonl\n"

    def test_are_the_store_of_the_environment(self, tmp_path: Path) -> None:
        """The store that the app is configured with is asked, too."""
        url = f"sqlite:///{tmp_path / 'linq.db'}"
        with closing(open_store(url)) as opened:
            opened.save(accepted(MESSAGE_ID))
        status, printed, _ = run(MESSAGE_ID, folder=tmp_path, OTEL_PYTHON_LINQ_STORE=url)
        assert status == 0
        assert printed.splitlines()[1] == f"  message         {MESSAGE_ID}"

    def test_that_lead_nowhere_say_what_to_type(self, tmp_path: Path) -> None:
        """If there is nothing at all to look into, the options are named."""
        store = f"sqlite:///{tmp_path / 'missing.db'}"
        status, printed, complaint = run("nope", folder=tmp_path, OTEL_PYTHON_LINQ_STORE=store)
        # A Jaeger may run on this machine, where it always does.
        assert status in {1, 2}
        assert printed == ""
        assert complaint.splitlines()[0] == (
            f"linq-otel: the store cannot be asked: there is no file {tmp_path / 'missing.db'}"
        )


class TestHelp:
    def test_teaches(self) -> None:
        """What it is for, an example and the exit codes are in it."""
        status, printed, _ = run("--help", NO_COLOR="1", TERM="dumb")
        assert status == 0
        said = " ".join(printed.split())
        assert "Show one message's life as a waterfall" in said
        assert "linq-otel show 21051baf" in said
        assert "Exits with 0 if the id is known" in said
