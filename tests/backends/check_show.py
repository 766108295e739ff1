"""
``linq-otel show`` against the real Jaeger that ``make backends`` builds, and runs this with.

With the API of its page, as Jaeger is up to 2.20, and without, as it is afterwards. No test of the
suite, as its name says: it needs Go.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from backends.building import CACHE, JAEGER
from backends.running import open_jaeger
from stories.query_apis import serve, write_lines
from stories.telling import CHAT_ID, HOUR, MESSAGE_ID, READ, handler, now
from support.command_line import run_command
from support.span_records import HOOK, LIFE, START


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PROGRAM = CACHE / f"{JAEGER.name}-{JAEGER.version}".lower()
EVENT_ID = "448ebf57-b150-44ea-aa01-6e65464d30b2"
# Jaeger is asked for the last thirty days.
SHIFT = time.time_ns() - 4 * HOUR * 1_000_000 - START
UNLINKED = handler("message.read", 3 * HOUR + 40, trace=HOOK)
SPANS = (*READ, UNLINKED)
WHOLE = {(span.otel_trace_id, span.span_id) for span in SPANS}


@pytest.fixture(scope="module")
def query_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the query address of a Jaeger that has one message's spans."""
    folder: Path = tmp_path_factory.mktemp("jaeger")
    with open_jaeger(PROGRAM, folder) as server:
        for line in write_lines(SPANS).splitlines():
            _send(server.http_endpoint, json.loads(line))
        yield server.query_endpoint


@pytest.fixture(scope="module")
def newer_url(query_url: str) -> Iterator[str]:
    """Yield the address of the same Jaeger, without the API of its page."""

    def answer(path: str, given: dict[str, str]) -> tuple[int, bytes]:
        if path in {"/api/services", "/api/traces"}:
            return 404, b"404 page not found\n"
        try:
            with urlopen(f"{query_url}{path}?{urlencode(given)}", timeout=10) as came:  # noqa: S310  # Loopback.
                return came.status, came.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    with serve(answer) as server:
        yield server.url


def _send(endpoint: str, request: dict[str, object]) -> None:
    body = json.dumps(request)
    for moment in {at for span in SPANS for at in (span.start_ns, span.end_ns)}:
        body = body.replace(str(moment), str(moment + SHIFT))
    headers = {"Content-Type": "application/json"}
    wanted = Request(f"{endpoint}/v1/traces", data=body.encode(), headers=headers)  # noqa: S310
    with urlopen(wanted, timeout=10) as answer:  # noqa: S310  # Both are loopback.
        assert json.load(answer) == {"partialSuccess": {}}


def show(*arguments: str) -> tuple[int, str, str]:
    """
    Run the command; answer its exit code and what it printed.
    """
    done = run_command("show", *arguments)
    return done.returncode, done.stdout, done.stderr


class TestJaeger:
    @pytest.mark.parametrize("version", ["query_url", "newer_url"])
    @pytest.mark.parametrize("wanted", [MESSAGE_ID, EVENT_ID, CHAT_ID, LIFE, READ[0].otel_trace_id])
    def test_tells_the_whole_story(
        self, request: pytest.FixtureRequest, version: str, wanted: str
    ) -> None:
        """Whichever id is asked for, all spans of the message come, each with its links."""
        query_url = request.getfixturevalue(version)
        status, printed, complaint = show(wanted, "--jaeger", query_url, "--json")
        document = json.loads(printed)
        assert (status, complaint) == (0, "")
        spans = {
            (trace["otel_trace_id"], span["span_id"]): span
            for story in document["stories"]
            for trace in story["traces"]
            for span in trace["spans"]
        }
        assert set(spans) == WHOLE
        assert spans[LIFE, "c" * 16]["links"] == [
            {"otel_trace_id": "a" * 32, "span_id": "b" * 16, "attributes": {"linq.link": "send"}}
        ]
        assert spans[LIFE, "c" * 16]["start_ns"] == str(now(1) + SHIFT)
        assert document["stories"][0]["message"]["state"] == "read"

    @pytest.mark.parametrize("version", ["query_url", "newer_url"])
    def test_does_not_know_every_id(self, request: pytest.FixtureRequest, version: str) -> None:
        """What Jaeger does not have is 1, with where was looked."""
        query_url = request.getfixturevalue(version)
        assert show("9" * 32, "--jaeger", query_url) == (
            1,
            "",
            f"linq-otel: nothing is known of that id in Jaeger at {query_url}\n",
        )
