"""
``linq-otel simulate`` against real endpoints that answer well, badly, late, or not at all.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from linq_otel.cli._app import app
from linq_otel.errors import ConfigurationError, MalformedEventError, SignatureError
from linq_otel.testing import EVENT_TYPES, SCENARIOS
from linq_otel.webhooks import WebhookReceiver
from support.command_line import run_command
from support.otlp_processes import find_free_ports
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel import Event


SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"


@dataclass
class Endpoint:
    """
    Verifies, and answers what `act` says about each event and how often it has come.
    """

    act: Any = None
    verifies: bool = True
    seconds: float = 0.0
    location: str = ""
    deaf: bool = False
    url: str = ""
    events: list[Event] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def answer(self, headers: Any, body: bytes) -> int:
        """
        Return the status one delivery gets; 0 is none.
        """
        if self.deaf:
            return 200
        receiver = WebhookReceiver(SECRET if self.verifies else None)
        try:
            event = receiver.accept(headers, body)
        except (SignatureError, MalformedEventError) as error:
            return error.status
        self.events.append(event)
        times = self.seen[event.event_id or ""] = self.seen.get(event.event_id or "", 0) + 1
        time.sleep(self.seconds)
        return 200 if self.act is None else self.act(event, times)


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = endpoint.answer(self.headers.items(), body)
            if not status:
                return
            self.send_response(status)
            if endpoint.location:
                self.send_header("Location", endpoint.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks?token=abc"
        yield endpoint
        server.shutdown()
        thread.join()


def simulate(endpoint: Endpoint, *arguments: str) -> tuple[int, dict[str, Any]]:
    """
    Run the command with ``--json``; answer its exit code and its document.
    """
    options = ["simulate", "--to", endpoint.url, "--secret", SECRET, "--json", *arguments]
    done = CliRunner().invoke(app, options)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


def kinds(document: dict[str, Any]) -> dict[str, int]:
    return {finding["kind"]: finding["count"] for finding in document["findings"]}


FLAWS = ("forged", "replayed", "broken")


def told(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    keys = ("event_type", "attempt", "duplicate", "flaw", "status", "finding")
    return [tuple(request[key] for key in keys) for request in document["requests"]]


class TestGoodEndpoint:
    def test_default(self) -> None:
        """Three that must not pass, then three of one message, each answered as it should be."""
        with serving(Endpoint()) as endpoint:
            code, document = simulate(endpoint)
        stages = ("sent", "delivered", "read")
        assert told(document) == [
            *(("message.sent", 1, 0, flaw, 401, None) for flaw in FLAWS),
            *((f"message.{s}", 1, 0, None, 200, None) for s in stages),
        ]
        assert (code, document["is_as_liked"], document["findings"]) == (0, True, [])
        assert document["to"] == endpoint.url.partition("?")[0]
        assert len({event.message_id for event in endpoint.events}) == 1

    def test_everything(self) -> None:
        """Every scenario and every event type, in both versions, is signed and understood."""
        with serving(Endpoint()) as endpoint:
            code, document = simulate(
                endpoint, "--scenario", "all", "--event", "all", "--payload-version", "both"
            )
        assert (code, kinds(document)) == (0, {})
        requests = document["requests"]
        assert {r["scenario"] for r in requests} == {None, *SCENARIOS}
        for version, left_out in (("2025-01-01", {"message.edited"}), ("2026-02-03", set())):
            of_version = [r for r in requests if r["payload_version"] == version]
            shown = [r["event_type"] for r in of_version if r["scenario"] is None]
            assert shown == [e for e in (*EVENT_TYPES, "simulated.made_up") if e not in left_out]
        genuine = [r for r in requests if r["flaw"] is None]
        assert len(endpoint.events) == len(genuine)
        assert [e.event_id for e in endpoint.events] == [r["event_id"] for r in genuine]
        assert {e.webhook_version for e in endpoint.events} == {"2025-01-01", "2026-02-03"}

    def test_forged(self) -> None:
        """What is not from Linq is refused, and that is as it should be."""
        with serving(Endpoint()) as endpoint:
            code, document = simulate(endpoint, "--event", "message.sent", "--forged")
        assert (code, told(document)) == (
            0,
            [
                ("message.sent", 1, 0, "unsigned", 401, None),
                ("message.sent", 1, 0, "replayed", 401, None),
                ("message.sent", 1, 0, "broken", 401, None),
                ("message.sent", 1, 0, "forged", 401, None),
                ("message.sent", 1, 0, None, 200, None),
            ],
        )

    def test_duplicates(self) -> None:
        """Each comes again, with the same id."""
        with serving(Endpoint()) as endpoint:
            code, document = simulate(endpoint, "--scenario", "delivered", "--duplicates", "2")
        assert (code, sorted(endpoint.seen.values())) == (0, [3, 3])
        genuine = [r["duplicate"] for r in document["requests"] if not r["flaw"]]
        assert sorted(genuine) == [0, 0, 1, 1, 2, 2]

    def test_out_of_order_and_late(self) -> None:
        """They come in another order, long after they happened; a seed repeats it."""
        runs = []
        for seed in ("1", "1", "2"):
            with timed() as timing, serving(Endpoint()) as endpoint:
                simulate(
                    endpoint, "--scenario", "read", "--out-of-order", "--late", "3h", "--seed", seed
                )
            runs.append([(e.event_type, e.event_id) for e in endpoint.events])
            ages = [time.time() - (e.created_at or 0) / 1e9 for e in endpoint.events]
            assert len(ages) == 3
            assert min(ages) >= 3 * 3600
            assert max(ages) - timing.lost < 3 * 3600 + 120
        assert runs[0] == runs[1]
        assert runs[0] != runs[2]
        stages = [name.partition(".")[2] for name, _ in runs[0]]
        assert stages != ["sent", "delivered", "read"]
        assert sorted(stages) == ["delivered", "read", "sent"]

    def test_count_and_numbers(self) -> None:
        """Several messages, between the numbers named."""
        with serving(Endpoint()) as endpoint:
            people = ["--from", "+15550199", "--handle", "+12125550142"]
            code, _ = simulate(endpoint, "--event", "message.received", "--count", "3", *people)
        assert (code, len({event.message_id for event in endpoint.events})) == (0, 3)
        data = [event.payload["data"] for event in endpoint.events]
        assert {d["sender_handle"]["handle"] for d in data} == {"+12125550142"}
        assert {d["chat"]["owner_handle"]["handle"] for d in data} == {"+15550199"}

    def test_speed(self) -> None:
        """Simulated seconds pass at the speed asked for."""
        with serving(Endpoint()) as endpoint, timed() as timing:
            simulate(endpoint, "--scenario", "delivered", "--speed", "20")
        assert timing.seconds >= 0.25  # Six simulated seconds.
        assert timing.net < 5


class TestFindings:
    def run(self, *arguments: str, **endpoint: Any) -> tuple[int, dict[str, int]]:
        """
        Answer the exit code and how often each kind of finding was made.
        """
        with serving(Endpoint(**endpoint)) as served:
            code, document = simulate(served, *arguments)
        return code, kinds(document)

    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            ((), (1, {"accepted-forged": 1, "accepted-replayed": 1})),
            (
                ("--forged",),
                (1, {"accepted-forged": 1, "accepted-unsigned": 1, "accepted-replayed": 1}),
            ),
            (("--no-forged",), (0, {})),
        ],
    )
    def test_accepts_forgeries(
        self, arguments: tuple[str, ...], found: tuple[int, dict[str, int]]
    ) -> None:
        """An endpoint that does not verify is told so, by default too."""
        assert self.run("--event", "message.sent", *arguments, verifies=False) == found

    def test_reads_no_body(self) -> None:
        """One that does not even read what it is sent takes a broken body, too."""
        kinds = ("accepted-forged", "accepted-replayed", "accepted-broken")
        with serving(Endpoint(deaf=True)) as endpoint:
            code, document = simulate(endpoint, "--event", "message.sent")
        assert (code, [finding["kind"] for finding in document["findings"]]) == (1, [*kinds])
        assert all("enforce=True" in finding["remedy"] for finding in document["findings"])

    def test_unknown_type(self) -> None:
        """A type it does not know must not be an error; a known one that is one is told apart."""

        def act(event: Event, _times: int) -> int:
            return 500 if event.event_type == "simulated.made_up" else 200

        found = self.run("--event", "unknown", "--event", "call.ended", act=act)
        assert found == (1, {"unknown-type": 2})  # Linq would try again, and so did this.

    @pytest.mark.parametrize(
        ("status", "kind", "tries"),
        [
            (500, "error", 2),
            (503, "error", 2),
            (429, "throttled", 2),
            (404, "lost", 1),
            (401, "refused", 1),
            (308, "redirected", 1),
        ],
    )
    def test_statuses(self, status: int, kind: str, tries: int) -> None:
        """Each answer is taken as Linq takes it, and tried again where Linq would."""
        found = self.run("--event", "message.sent", act=lambda *_: status)
        assert found == (1, {kind: tries})

    def test_attempts(self) -> None:
        """A webhook is tried as often as asked for, until it is taken."""

        def act(_event: Event, times: int) -> int:
            return 500 if times < 3 else 204

        with serving(Endpoint(act=act)) as endpoint:
            code, document = simulate(endpoint, "--event", "message.sent", "--attempts", "5")
        assert [row[1:] for row in told(document)[3:]] == [
            (1, 0, None, 500, "error"),
            (2, 0, None, 500, "error"),
            (3, 0, None, 204, None),
        ]
        assert code == 1

    def test_duplicate_is_refused(self) -> None:
        """What was taken once must be taken again; another 2xx is as good."""

        def conflict(_event: Event, times: int) -> int:
            return 200 if times == 1 else 409

        def other(_event: Event, times: int) -> int:
            return 200 if times == 1 else 208

        arguments = ("--event", "message.sent", "--duplicates", "1")
        assert self.run(*arguments, act=conflict) == (1, {"duplicate": 1})
        assert self.run(*arguments, act=other) == (0, {})

    def test_redirect_is_not_followed(self) -> None:
        """Where a redirect leads nobody goes."""
        with (
            serving(Endpoint()) as elsewhere,
            serving(Endpoint(act=lambda *_: 307, location=elsewhere.url)) as endpoint,
        ):
            assert kinds(simulate(endpoint, "--no-forged")[1]) == {"redirected": 3}
        assert elsewhere.events == []

    def test_too_slow(self) -> None:
        """An answer over the limit is none."""
        found = self.run(
            "--event", "message.sent", "--time-limit", "0.3", "--attempts", "1", seconds=1.0
        )
        assert found == (1, {"too-slow": 1})

    def test_breaks_off(self) -> None:
        """A connection that ends without an answer is a finding, not a failure of the command."""
        found = self.run("--event", "message.sent", "--attempts", "1", act=lambda *_: 0)
        assert found == (1, {"broken": 1})


class TestUnreachable:
    @pytest.mark.parametrize(
        ("url", "message"),
        [
            (
                "http://127.0.0.1:{port}/hook?token=abc",
                "nothing listens at http://127.0.0.1:{port}/hook; start your endpoint",
            ),
            ("https://127.0.0.1:{tls}/hook", "no TLS with https://127.0.0.1:{tls}/hook: "),
            ("http://nowhere.invalid/hook", "there is no such host: http://nowhere.invalid/hook "),
        ],
    )
    def test_says_what_to_do(self, url: str, message: str) -> None:
        """One line, and no table."""
        (port,) = find_free_ports(1)
        with serving(Endpoint()) as endpoint:
            known = {"port": port, "tls": endpoint.url.split(":")[2].split("/")[0]}
            done = CliRunner().invoke(app, ["simulate", "--to", url.format(**known)])
        assert isinstance(done.exception, ConfigurationError)
        assert str(done.exception).startswith(message.format(**known))
        assert done.stdout == ""


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ([], "say where: --to http://localhost:8000/webhooks/linq"),
            (["--to", "localhost:8000"], "--to is a URL like"),
            (["--to", "ftp://localhost/x"], "--to is a URL like"),
            (["--to", "http://localhost:99999/"], "--to is a URL like"),
            (["--to", "http://u:p@localhost/"], "--to names a user or a password"),
            (["--to", "http://h/", "--scenario", "raed"], "did you mean read?"),
            (["--to", "http://h/", "--event", "mesage.sent"], "did you mean message.sent?"),
            (["--to", "http://h/", "--event", "zzz"], "see linq-otel simulate --list."),
            (["--to", "http://h/", "--payload-version", "1"], "2025-01-01, 2026-02-03, both"),
            (["--to", "http://h/", "--late", "soon"], "write 90s, 15m, 3h or 2d."),
            (["--to", "http://h/", "--handle", "+441632960001"], "--any-number takes one"),
            (["--to", "http://h/", "--secret", "???"], "whsec_ and base64"),
        ],
    )
    def test_misuse(self, arguments: list[str], complaint: str) -> None:
        """What is not understood is exit code 2, with what would be."""
        done = CliRunner().invoke(app, ["simulate", *arguments], env={"COLUMNS": "400"})
        assert (done.exit_code, done.stdout) == (2, "")
        assert complaint in done.stderr

    def test_nothing_to_send(self) -> None:
        """An event the version does not have is not silently left out when it is all there is."""
        options = ["--event", "message.edited", "--payload-version", "2025-01-01"]
        done = CliRunner().invoke(app, ["simulate", "--to", "http://h/", *options])
        assert str(done.exception) == "these events are not sent in this payload version"


class TestOutput:
    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """
        Run the command as a person would.
        """
        done = run_command("simulate", *arguments, **environment)
        return done.returncode, done.stdout, done.stderr

    def test_table(self) -> None:
        """A row for each request with a verdict, then what to do; who is sent to is said before."""

        def act(event: Event, _times: int) -> int:
            return 404 if event.event_type == "message.read" else 200

        with serving(Endpoint(act=act)) as endpoint:
            code, out, err = self.run("--to", endpoint.url, LINQ_WEBHOOK_SECRET=SECRET)
        rows = [line.split() for line in out.splitlines()]
        assert rows[0] == ["event", "id", "try", "special", "status", "ms", "verdict"]
        assert [(r[0], *r[2:5], *r[6:]) for r in rows[2:5]] == [
            ("message.sent", "1", flaw, "401", "ok") for flaw in FLAWS
        ]
        assert [(r[0], *r[2:4], *r[5:]) for r in rows[5:8]] == [
            ("message.sent", "1", "200", "ok"),
            ("message.delivered", "1", "200", "ok"),
            ("message.read", "1", "404", "lost"),
        ]
        assert out.splitlines()[-3:] == [
            "6 requests, 1 not answered as Linq would like it:",
            "   1 lost: a 4xx: Linq does not try again, the event is lost",
            "     answer 2xx to every event that is really from Linq",
        ]
        place = endpoint.url.partition("?")[0]
        assert (code, err) == (1, f"Sending made-up webhooks to {place}\n")

    def test_made_up_secret(self) -> None:
        """Without a secret one is made up and told, the same each time; the ids are new."""
        with serving(Endpoint(verifies=False)) as endpoint:
            runs = [self.run("--to", endpoint.url) for _ in range(2)]
            asked = [self.run("--to", endpoint.url, "--seed", "7") for _ in range(2)]
        assert [code for code, _, _ in runs] == [1, 1]
        assert "2 not answered as Linq would like it" in runs[0][1]
        assert runs[0][1].count("enforce=True") == 2
        assert runs[0][2] == runs[1][2]
        told = runs[0][2].splitlines()[1]
        assert told.startswith("Signed with a made-up secret: LINQ_WEBHOOK_SECRET=whsec_")
        ids = [[line.split()[1] for line in out.splitlines()[2:8]] for _, out, _ in (*runs, *asked)]
        assert ids[0] != ids[1]
        assert ids[2] == ids[3]

    def test_verdict(self) -> None:
        """A good run says what it means: what was taken, and what was refused or not tried."""
        liked = "answered as Linq would like it"
        once = ("--no-forged", "--event", "message.sent")
        untested = "and no signature tested"
        ends = {
            (): f"6 requests, each {liked}: 3 webhooks taken, 3 that Linq did not sign so refused.",
            once[:1]: f"3 requests, each {liked}: 3 webhooks taken, {untested}.",
            once: f"1 request, {liked}: 1 webhook taken, {untested}.",
        }
        with serving(Endpoint()) as endpoint:
            for arguments, end in ends.items():
                code, out, _ = self.run("--to", endpoint.url, "--secret", SECRET, *arguments)
                assert (code, " ".join(out.split("\n\n")[-1].split())) == (0, end)

    def test_no_event_is_dated_ahead(self) -> None:
        """Each event that is sent has happened, at any speed."""
        for arguments in (["--event", "message.read"], ["--scenario", "read", "--speed", "100"]):
            with serving(Endpoint()) as endpoint:
                simulate(endpoint, *arguments)
                assert max((e.created_at or 0) / 1e9 for e in endpoint.events) <= time.time()

    def test_nothing_of_anybody(self) -> None:
        """No number, text, secret or query is printed."""
        with serving(Endpoint()) as endpoint:
            for form in ([], ["--json"]):
                _, out, err = self.run("--to", endpoint.url, "--secret", SECRET, *form)
                for word in ("+1555", "Hello", "token", SECRET):
                    assert word not in out + err

    def test_other_machine(self) -> None:
        """That requests leave this machine is said before they do."""
        code, out, err = self.run("--to", "http://nowhere.invalid/hook", "--secret", SECRET)
        first, second = err.splitlines()
        assert first == (
            "Sending made-up webhooks to http://nowhere.invalid/hook, which is not this machine"
        )
        assert second.startswith("linq-otel: there is no such host: http://nowhere.invalid/hook")
        assert (code, out) == (2, "")

    def test_list(self) -> None:
        """Scenarios and events can be looked up, for people and for programs."""
        code, out, err = self.run("--list")
        assert (code, err) == (0, "")
        assert [name for name in (*SCENARIOS, *EVENT_TYPES, "unknown") if name not in out] == []
        document = json.loads(self.run("--list", "--json")[1])
        assert list(document["scenarios"]) == list(SCENARIOS)
        assert document["events"] == [*EVENT_TYPES, "unknown"]
