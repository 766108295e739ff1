from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from linq_otel.doctor import CODES
from linq_otel.stores import open_store
from linq_otel.testing import LinqSimulator
from support import payloads as p
from support.command_line import LINQ_OTEL, environment_of_a_person, run_command
from support.otlp_processes import find_free_ports
from support.otlp_sinks import open_http_sink


if TYPE_CHECKING:
    from collections.abc import Iterator


HERE = Path(__file__).parent
TESTS = HERE.parent
PLACES = {"PYTHONPATH": str(TESTS.parent), "NO_PROXY": "*"}
APP = """
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from linq_otel import instrument
    from linq_otel.export import configure

    print("hello from the app")
    instrumented = False

    def start():
        global instrumented
        trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": "shop"})))
        configure("otlp", metrics=False, logs=False)
        instrument(paths=["/webhooks/linq"])
        instrumented = True
"""


def run(*arguments: str, folder: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """
    Run the command as a person would; answer its exit code and what it printed.
    """
    done = run_command("doctor", *arguments, cwd=folder, **{**PLACES, **environment})
    return done.returncode, done.stdout, done.stderr


def environ_of(more: dict[str, str]) -> dict[str, str]:
    return environment_of_a_person(**{**PLACES, **more})


def normalize(screen: str, **places: str) -> str:
    """
    Replace what differs from machine to machine: places, figures and versions.
    """
    for name, place in places.items():
        screen = screen.replace(place, f"<{name}>")
    screen = re.sub(r"\d+(\.\d+)? ms", "N ms", screen)
    screen = re.sub(r"\b(0|[1-9]\d*)\.\d+\.\d+\b", "N.N.N", screen)
    return re.sub(r"release 1\.\d+", "release 1.N", screen)


def check_golden(name: str, screen: str) -> None:
    """
    Compare a screen with the one that was written down; UPDATE_GOLDEN=1 writes it down.
    """
    path = HERE / "golden" / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen, "utf-8")
    assert screen == path.read_text("utf-8")


def codes(document: str) -> list[str]:
    return [finding["code"] for finding in json.loads(document)["findings"]]


class TestScreen:
    def test_good(self, tmp_path: Path) -> None:
        """A set-up in which nothing is wrong: the whole screen, and exit code 0."""
        store = f"sqlite:///{tmp_path}/linq.db"
        open_store(store).close()
        (tmp_path / "shop.py").write_text(dedent(APP))
        with open_http_sink() as sink:
            code, out, err = run(
                "--import",
                "shop:start()",
                "--clock",
                sink.endpoint,
                folder=tmp_path,
                COLUMNS="160",
                LINQ_WEBHOOK_SECRET=p.SECRET,
                OTEL_PYTHON_LINQ_STORE=store,
                OTEL_PYTHON_LINQ_STORE_TIMEOUT="5000",
                LINQ_API_V3_API_KEY="do-not-show-me",
                OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
                OTEL_EXPORTER_OTLP_HEADERS="authorization=do-not-show-me",
            )
        assert (code, err) == (0, "hello from the app\n")
        check_golden("doctor-good.txt", normalize(out, sink=sink.endpoint, folder=str(tmp_path)))

    def test_bad(self, tmp_path: Path) -> None:
        """One in which much is: the whole screen, and exit code 1."""
        ports = find_free_ports(2)
        endpoint, store = (f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
        code, out, err = run(
            folder=tmp_path,
            LINQ_WEBHOOK_SECRET="do-not-show-me",
            LINQ_API_V3_LOG="debug",
            OTEL_PYTHON_LINQ_STORE=f"redis://:do-not-show-me@{store}/0",
            OTEL_PYTHON_LINQ_JION="app",
            OTEL_PYTHON_LINQ_STAGES="perhaps",
            OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
            OTEL_TRACES_SAMPLER="traceidratio",
            OTEL_TRACES_SAMPLER_ARG="0.1",
            OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST=".*",
        )
        assert (code, err) == (1, "")
        assert "do-not-show-me" not in out
        check_golden("doctor-bad.txt", normalize(out, endpoint=endpoint, store=store))

    def test_narrow_ascii(self) -> None:
        """A terminal that knows neither width nor signs gets words it can show."""
        code, out, _ = run(COLUMNS="60", PYTHONIOENCODING="ascii", NO_COLOR="1")
        assert code == 0
        assert out.isascii()
        assert "\x1b" not in out
        prose = [line for line in out.splitlines() if ">" not in line]
        assert [line for line in prose if len(line) > 60] == []

    def test_cut_off(self) -> None:
        """`doctor | head` ends without a complaint."""
        command = f"{sys.executable} -m linq_otel.cli doctor --json | head -c 20"
        done = subprocess.run(
            ["bash", "-c", command],
            env=environ_of({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr) == ('{\n  "version": 1,\n  ', "")


class TestJson:
    def test_document(self) -> None:
        """One document: a version, counts, and each finding whole."""
        code, out, err = run("--json", OTEL_SDK_DISABLED="true")
        document = json.loads(out)
        assert (code, err) == (1, "")
        assert sorted(document) == ["counts", "findings", "linq_otel", "python", "version"]
        assert document["version"] == 1
        assert list(document["counts"]) == ["problem", "warning", "note", "ok"]
        assert document["counts"]["problem"] == 1
        assert {
            "code": "otel.disabled",
            "severity": "problem",
            "title": "OTEL_SDK_DISABLED=true switches OpenTelemetry off",
            "detail": "",
            "remedy": "unset OTEL_SDK_DISABLED",
        } in document["findings"]

    def test_order(self) -> None:
        """Findings stand in the order of the table of codes."""
        _, out, _ = run("--json")
        order = list(CODES)
        numbers = [order.index(code) for code in codes(out)]
        assert numbers == sorted(numbers)


class TestImport:
    def test_uninstrumented(self, tmp_path: Path) -> None:
        """An app that sets nothing up is a problem; what it prints stays out of the document."""
        (tmp_path / "shop.py").write_text("print('hello')\napp = object()\n")
        code, out, err = run("--json", "--import", "shop:app", folder=tmp_path)
        assert (code, err) == (1, "hello\n")
        assert [c for c in codes(out) if CODES[c].severity == "problem"] == [
            "otel.provider.missing",
            "linq.uninstrumented",
        ]

    @pytest.mark.parametrize(
        ("text", "name", "said"),
        [
            ("import nothing_of_that_name", "shop", "raised ModuleNotFoundError"),
            ("raise SystemExit(3)", "shop", "raised SystemExit"),
            ("x = 1", "shop:app", "raised AttributeError"),
            ("x = 1", "shop:x()", "raised TypeError"),
        ],
    )
    def test_failing(self, tmp_path: Path, text: str, name: str, said: str) -> None:
        """An app that cannot be imported is told in one line, with what to type, and code 2."""
        (tmp_path / "shop.py").write_text(text)
        assert run("--import", name, folder=tmp_path) == (
            2,
            "",
            f"linq-otel: {name} {said}: see python -c 'import shop'\n",
        )

    def test_what_is_no_name(self) -> None:
        """What is no name of a module is not imported."""
        assert run("--import", "os; print(1)") == (
            2,
            "",
            "linq-otel: --import takes module, module:attribute or module:function()\n",
        )

    @pytest.mark.slow
    def test_under_auto_instrumentation(self, tmp_path: Path) -> None:
        """`opentelemetry-instrument linq-otel doctor` examines what that sets up."""
        with open_http_sink() as sink:
            done = subprocess.run(
                [
                    str(Path(sys.executable).parent / "opentelemetry-instrument"),
                    *LINQ_OTEL,
                    "doctor",
                    "--json",
                ],
                env=environ_of(
                    {
                        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                        "OTEL_SERVICE_NAME": "shop",
                    }
                ),
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        wanted = {"otel.provider", "otel.ids", "otel.processor", "export.endpoint", "linq.seams"}
        assert done.returncode == 0, done.stderr
        assert wanted - set(codes(done.stdout)) == set()


class TestMarks:
    def test_of_two_processes(self, tmp_path: Path) -> None:
        """What one process leaves, another finds, if they share the store."""
        one, two = f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"
        code, out, err = run("--leave-mark", "--store", one)
        assert (code, err) == (0, "")
        found = re.search(r"→ linq-otel doctor --find-mark (\w+)\n", out)
        assert found is not None
        results = [
            run("--find-mark", found[1], "--json", OTEL_PYTHON_LINQ_STORE=url) for url in (one, two)
        ]
        assert [(code, codes(out)) for code, out, _ in results] == [
            (0, ["store.mark.found"]),
            (1, ["store.mark.missing"]),
        ]

    def test_without_a_store(self) -> None:
        """Without a store there is nowhere to leave it."""
        assert run("--leave-mark") == (
            2,
            "",
            "linq-otel: name a store: --store URL, or set OTEL_PYTHON_LINQ_STORE\n",
        )

    def test_both(self) -> None:
        """One process does the one, and the other the other."""
        code, _, err = run("--leave-mark", "--find-mark", "7f3a")
        assert code == 2
        assert "--leave-mark is for one process" in err


@contextmanager
def listening(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """
    Run ``doctor --listen`` on a free port; yield the process and where it listens.
    """
    process = subprocess.Popen(
        [*LINQ_OTEL, "doctor", "--listen", "0", *arguments],
        env=environ_of(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        pipe: Any = process.stderr if "--json" in arguments else process.stdout
        first = pipe.readline()
        yield process, re.findall(r"http://127\.0\.0\.1:\d+/", first)[0]
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


class TestListen:
    @pytest.mark.parametrize(
        ("scenario", "verdict", "code"),
        [("read", "capture.join", 0), ("differing-trace-ids", "capture.join.unsafe", 1)],
    )
    def test_simulated_account(
        self, tmp_path: Path, scenario: str, verdict: str, code: int
    ) -> None:
        """Webhooks of a real sender are recorded, verified and judged."""
        saved = tmp_path / "webhooks.jsonl"
        arguments = ("--count", "3", "--json", "--save", str(saved))
        with (
            LinqSimulator(seed=7, speed=50.0) as linq,
            listening(*arguments, LINQ_WEBHOOK_SECRET=p.SECRET) as (process, url),
        ):
            linq.subscribe(
                url, ("message.sent", "message.delivered", "message.read"), signing_secret=p.SECRET
            )
            linq.script(scenario)
            answer = httpx.post(
                f"{linq.base_url}/v3/chats",
                headers={"authorization": f"Bearer {linq.api_key}"},
                json={
                    "from": "+15550100000",
                    "to": ["+15550100002"],
                    "message": {"parts": [{"type": "text", "value": p.TEXT}]},
                },
            )
            linq.wait_until_idle()
            out, err = process.communicate(timeout=30)
        send = tmp_path / "sends.json"
        send.write_text(json.dumps({"headers": dict(answer.headers), "body": answer.json()}))
        assert process.returncode == code, out
        assert verdict in codes(out)
        assert "capture.signatures" in codes(out)
        assert "+1555" not in out + err
        assert p.TEXT not in out + err
        assert saved.stat().st_mode & 0o777 == 0o600
        again = run(
            "--json", "--capture", str(saved), "--sends", str(send), LINQ_WEBHOOK_SECRET=p.SECRET
        )
        expected = {"capture.join": "capture.sends", "capture.join.unsafe": "capture.sends.unequal"}
        assert again[0] == code
        assert [c for c in codes(again[1]) if c.startswith(("capture.sends", "capture.join"))] == [
            expected[verdict],
            verdict,
        ]

    def test_lines(self) -> None:
        """Each webhook is a line as it arrives, with nothing a person wrote."""
        body = p.body_of("message.sent")
        with listening("--count", "3", LINQ_WEBHOOK_SECRET=p.SECRET) as (process, url):
            for content, headers in (
                (body, p.standard_headers(body, signed_at=1_790_000_100)),
                (p.body_of("chat.created", trace_id="abc"), {}),
                (b"nonsense", {}),
            ):
                request = urllib.request.Request(url, content, headers, method="POST")  # Loopback.  # noqa: S310  # Loopback.
                urllib.request.urlopen(request, timeout=10).close()  # As above.  # noqa: S310  # As above.
            out, _ = process.communicate(timeout=30)
        lines = [re.sub(r"[+-]\d+ s", "N s", line) for line in out.splitlines()[:3]]
        assert lines == [
            (
                f"message.sent  message {p.MESSAGE_ID}  trace {p.LINQ_TRACE_ID}  verified  "
                "N s after signing"
            ),
            "chat.created  no message  malformed trace id  unsigned",
            "? no webhook of Linq: the body is not JSON",
        ]
        assert p.TEXT not in out

    def test_disk_is_full(self) -> None:
        """What cannot be kept is not answered with 200, and ends in one line."""
        with listening("--save", "/dev/full") as (process, url):
            status = httpx.post(url, content=p.body_of("message.sent")).status_code
            out, err = process.communicate(timeout=30)
        assert (process.returncode, status, len(out.splitlines())) == (2, 503, 1)
        assert err == "linq-otel: what arrived cannot be written: No space left on device\n"

    def test_taken_port(self) -> None:
        """A port that somebody has is said in one line."""
        with open_http_sink() as sink:
            port = sink.endpoint.rpartition(":")[2]
            code, out, err = run("--listen", port)
        assert (code, out) == (2, "")
        assert err == (
            f"linq-otel: port {port} cannot be listened on: Address already in use; "
            "type --listen 0 for a free one\n"
        )

    def test_time_is_up(self) -> None:
        """Nothing within the time given is a finding."""
        code, out, _ = run("--listen", "0", "--seconds", "0.2", "--json")
        assert (code, codes(out)) == (1, ["capture.empty"])


class TestCapture:
    def test_several_files(self, tmp_path: Path) -> None:
        """A shell's list of files after one option is taken as it is."""
        for number, name in enumerate(("message.sent", "message.delivered"), 1):
            body = p.body_of(name, event_id=f"{p.EVENT_ID[:-1]}{number}")
            (tmp_path / f"{number}.json").write_bytes(body)
        files = sorted(map(str, tmp_path.glob("*.json")))
        code, out, _ = run("--capture", *files, "--json")
        assert (code, codes(out)) == (
            0,
            [
                "capture.read",
                "capture.signatures.none",
                "capture.version",
                "capture.keys.none",
                "capture.ids",
                "capture.sends.unknown",
                "capture.join",
            ],
        )

    def test_no_file(self) -> None:
        """A file that is not there is an error of one line."""
        assert run("--capture", "nowhere.jsonl") == (
            2,
            "",
            "linq-otel: nowhere.jsonl cannot be read: No such file or directory\n",
        )


class TestMisuse:
    @pytest.mark.parametrize(
        "arguments", [("--join", "both"), ("--listen", "70000"), ("--count", "0"), ("--bogus",)]
    )
    def test_exit_code(self, arguments: tuple[str, ...]) -> None:
        """What is not understood ends with 2."""
        assert run(*arguments)[0] == 2

    def test_help(self) -> None:
        """The help says what it is for, shows examples, and names the exit codes."""
        code, out, _ = run("--help")
        assert code == 0
        for words in ("what to type", "linq-otel doctor --leave-mark", "Exits with 0"):
            assert words in out


class TestCodes:
    def test_each_is_tested(self) -> None:
        """Every code stands in a test as a word of its own."""
        sources = [*TESTS.glob("doctor/test_*.py"), HERE / "test_doctor.py"]
        text = "\n".join(path.read_text("utf-8") for path in sources)
        assert [code for code in CODES if f'"{code}"' not in text] == []

    def test_each_is_documented(self) -> None:
        """The table of the page is the table of the code."""
        page = (TESTS.parent / "docs/doctor.md").read_text("utf-8")
        rows = re.findall(r"^\| `([\w.-]+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)
        assert rows == [(name, code.severity, code.meaning) for name, code in CODES.items()]
