from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from linq_otel.doctor import examine
from linq_otel.doctor._clocks import ask_clock, choose_clock, judge_offset
from linq_otel.doctor._findings import tell
from linq_otel.export._plans import make_plan
from linq_otel.export._wishes import Wishes
from support.findings import in_environment, pick
from support.otlp_processes import find_free_ports
from support.payloads import OTHER_SECRET, SECRET


if TYPE_CHECKING:
    from collections.abc import Iterator


EXAMPLE = "export LINQ_WEBHOOK_SECRET=whsec_…, the signing_secret of your subscription"
NTP = "timedatectl set-ntp true"


class TestSecret:
    def test_missing(self) -> None:
        """Without one, anybody may write into the traces."""
        assert in_environment("webhooks.secret") == [
            ("webhooks.secret.missing", "warning", EXAMPLE)
        ]

    def test_missing_where_it_is_needed(self) -> None:
        """To enforce without one refuses everything."""
        environ = {
            "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE": "true",
            "OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "/hook",
        }
        found = examine(environ=environ, is_live=False)
        assert [f.title for f in found if f.code == "webhooks.secret.missing"] == [
            "no webhook secret: enforce refuses every webhook"
        ]

    def test_two(self) -> None:
        """While they are rotated there are two; the tolerance is told."""
        found = examine(environ={"LINQ_WEBHOOK_SECRET": f"{SECRET} {OTHER_SECRET}"}, is_live=False)
        assert [f for f in found if f.code.startswith("webhooks.secret")] == [
            tell(
                "webhooks.secret",
                "webhooks are verified with 2 secrets; a signature may be 300 s old",
            )
        ]

    @pytest.mark.parametrize(
        ("secret", "fault"),
        [
            ("YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==", "it does not begin with whsec_"),
            ("whsec_not*base64", "it is not base64 behind whsec_"),
            ("whsec_YWJj", "it is too short to be whole"),
            ("whsec_", "it is too short to be whole"),
        ],
    )
    def test_invalid(self, secret: str, fault: str) -> None:
        """What is wrong with one is told without a letter of it."""
        found = examine(environ={"LINQ_WEBHOOK_SECRET": secret}, is_live=False)
        assert [f for f in found if f.code.startswith("webhooks.secret")] == [
            tell(
                "webhooks.secret.invalid",
                f"the webhook secret is none: {fault}",
                detail="No signature can match it.",
                remedy=EXAMPLE,
            )
        ]

    def test_unpadded(self) -> None:
        """Base64 without its padding is base64."""
        assert pick(
            examine(environ={"LINQ_WEBHOOK_SECRET": SECRET.rstrip("=")}, is_live=False),
            "webhooks.secret",
        ) == [("webhooks.secret", "ok", "")]


class TestPaths:
    def test_named(self) -> None:
        """Where webhooks arrive is told."""
        found = examine(environ={"OTEL_PYTHON_LINQ_WEBHOOK_PATHS": "/a, /b"}, is_live=False)
        assert [f.title for f in found if f.code == "webhooks.paths"] == [
            "webhooks arrive at /a, /b"
        ]

    def test_enforced_nowhere(self) -> None:
        """To enforce needs to know where."""
        assert in_environment("webhooks.enf", OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE="true") == [
            (
                "webhooks.enforce.idle",
                "warning",
                "export OTEL_PYTHON_LINQ_WEBHOOK_PATHS=/webhooks/linq",
            )
        ]


class TestJoin:
    @pytest.mark.parametrize("join", ["linq", "message", "link"])
    def test_needs_nothing(self, join: str) -> None:
        """Three modes need nothing."""
        assert in_environment("join", OTEL_PYTHON_LINQ_JOIN=join) == [("join", "ok", "")]

    @pytest.mark.parametrize(
        "more",
        [
            {"OTEL_PYTHON_LINQ_CARRIER": "idempotency_key"},
            {"OTEL_PYTHON_LINQ_STORE": "sqlite:///x.db"},
        ],
    )
    def test_app_has_what_it_needs(self, more: dict[str, str]) -> None:
        """The fourth needs the carrier or a shared store."""
        assert in_environment("join", OTEL_PYTHON_LINQ_JOIN="app", **more) == [("join", "ok", "")]

    def test_app_alone(self) -> None:
        """And says so where it has neither."""
        assert in_environment("join", OTEL_PYTHON_LINQ_JOIN="app") == [
            (
                "join.unshared",
                "warning",
                (
                    "export OTEL_PYTHON_LINQ_STORE=redis://…, or "
                    "OTEL_PYTHON_LINQ_CARRIER=idempotency_key"
                ),
            )
        ]


@contextmanager
def clock_server(date: str | None) -> Iterator[str]:
    """
    Answer HEAD requests with this Date, or with none; None is the right one.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(405)
            self.send_header("Date", self.date_time_string() if date is None else date)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class TestClock:
    def test_right(self) -> None:
        """Any HTTP server tells the time, whatever else it says."""
        with clock_server(None) as url:
            assert ask_clock(f"{url}/v3?key=secret", 2) == [
                tell("clock", f"this host's clock agrees with that of {url}/v3")
            ]

    def test_far_off(self) -> None:
        """Years apart, no signature is any good."""
        with clock_server("Mon, 01 Jan 2024 00:00:00 GMT") as url:
            assert pick(ask_clock(url, 2), "clock") == [("clock.beyond-tolerance", "problem", NTP)]

    @pytest.mark.parametrize("date", ["", "yesterday"])
    def test_no_date(self, date: str) -> None:
        """A server that does not tell is no clock."""
        with clock_server(date) as url:
            assert pick(ask_clock(url, 2), "clock") == [
                ("clock.unknown", "warning", "linq-otel doctor --clock with another URL")
            ]

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1", "nonsense", "http://127.0.0.1:{port}"])
    def test_nobody_there(self, url: str) -> None:
        """Nor is nobody, nor what is no URL of HTTP."""
        url = url.format(port=find_free_ports(1)[0])
        assert [f.code for f in ask_clock(url, 2)] == ["clock.unknown"]

    def test_a_minute_off(self) -> None:
        """The direction is told, and what it does to the picture."""
        assert judge_offset(-60, "example.com") == tell(
            "clock.off",
            "this host's clock is 60 s behind that of example.com",
            detail="Stages are drawn with Linq's times, and will seem early or late by as much.",
            remedy=NTP,
        )

    def test_unchecked(self) -> None:
        """Nobody is asked unless somebody is named."""
        assert in_environment("clock") == [
            ("clock.unchecked", "note", "linq-otel doctor --clock https://api.linqapp.com")
        ]

    def test_whom_to_ask(self) -> None:
        """An exporter's host is, if it is another one than this; who was named comes first."""
        targets = {
            place: make_plan(Wishes("otlp", endpoint=place), {}).targets
            for place in ("http://127.0.0.1:4318", "https://otel.example.com:4318")
        }
        far = targets["https://otel.example.com:4318"]
        assert choose_clock(None, targets["http://127.0.0.1:4318"]) is None
        assert choose_clock(None, far) == "https://otel.example.com:4318/v1/traces"
        assert choose_clock("http://clock", far) == "http://clock"
