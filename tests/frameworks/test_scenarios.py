"""
One table of scenarios over every adapter: what the app answers, and what is drawn.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings

from support import payloads as p
from support.spans import Tree, trees
from support.web_apps import configure_django
from support.web_hosts import over_sockets


if TYPE_CHECKING:
    from tests.frameworks.conftest import Site


KEYS = (
    "error.type",
    "http.response.status_code",
    "linq.webhook.duplicate",
    "linq.webhook.rejected",
    "linq.webhook.verified",
)
BODY = p.body_of("message.delivered")
LIFE = p.LINQ_TRACE_ID


def signed(body: bytes, secret: str = p.SECRET, ago: int = 0) -> list[tuple[str, str]]:
    return list(p.headers_of(body, secret, signed_at=int(time.time()) - ago).items())


def process(event_type: str = "message.delivered", status: str = "UNSET", **facts: Any) -> Tree:
    """
    Return the span of a handler: verified, and answered with 202 unless *facts* say else.
    """
    given = {"linq.webhook.verified": True, "http.response.status_code": 202}
    given |= {name.replace("__", "."): value for name, value in facts.items()}
    kept = {name: value for name, value in given.items() if value is not None}
    return Tree(f"process {event_type}", "CONSUMER", kept, (), status)


DELIVERED = Tree("message delivered")


@dataclass(frozen=True)
class Row:
    """
    One scenario.

    Attributes:
        name: What it is.
        drawn: The roots that appear in the life's trace, in order of start.
        elsewhere: Those that appear in other traces.
        path: Where it is posted.
        body: What is posted.
        headers: Makes its headers.
        times: How often it is posted.
    """

    name: str
    drawn: tuple[Tree, ...] = ()
    elsewhere: tuple[Tree, ...] = ()
    path: str = "/hook"
    body: bytes = BODY
    headers: Any = field(default=signed)
    times: int = 1


def refused(reason: str, body: Any) -> tuple[Tree, ...]:
    verdict = {"linq__webhook__verified": False, "linq__webhook__rejected": reason}
    return (process(**verdict),)


UNKNOWN = p.body_of("teleport.beam.started")
ROWS = [
    Row("valid", (DELIVERED, process())),
    Row("bad signature", elsewhere=refused("signature", BODY),
        headers=lambda body: signed(body, p.OTHER_SECRET)),
    Row("stale", elsewhere=refused("timestamp", BODY), headers=lambda body: signed(body, ago=3600)),
    Row("duplicate", (DELIVERED, DELIVERED, process(), process(linq__webhook__duplicate=True)),
        times=2),
    Row("unknown event", elsewhere=(process("teleport.beam.started"),), body=UNKNOWN),
    Row("malformed", body=b'{"event_type": '),
    Row("streaming answer", (DELIVERED, process(http__response__status_code=200)), path="/stream"),
    Row("an answer the framework gives",
        (DELIVERED, process(http__response__status_code=404)), path="/missing"),
    Row("long body", body=b"x" * (1024 * 1024 + 1)),
    Row("not from Linq", headers=lambda body: [("content-type", "application/json")]),
]  # fmt: skip


def drawn(site: Site) -> tuple[tuple[Tree, ...], tuple[Tree, ...]]:
    """
    Return the roots in the trace of the life, and those elsewhere.
    """
    found = trees(
        [_without_links(span) for span in site.desk.spans if span.name != "linq message"],
        keys=KEYS,
    )
    life = found.pop(LIFE, ())
    return life, tuple(root for roots in found.values() for root in roots)


def _without_links(span: Any) -> Any:
    span._links = ()
    return span


class TestScenarios:
    @pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
    def test_what_is_answered_and_drawn(self, site: Site, row: Row) -> None:
        """The app is given the same, answers the same, and the traces are those of the table."""
        with site.open_bare() as post:
            expected = post(row.path, row.body, row.headers(row.body))
        with site.open() as post:
            given = [post(row.path, row.body, row.headers(row.body)) for _ in range(row.times)]
        assert given == [expected] * row.times
        assert site.seen.bodies == [row.body] * row.times
        assert drawn(site) == (row.drawn, row.elsewhere)

    def test_over_a_socket(self, site: Site) -> None:
        """The same behind a real server."""
        with over_sockets(), site.open_bare() as post:
            expected = post("/hook", BODY, signed(BODY))
        with over_sockets(), site.open() as post:
            given = post("/hook", BODY, signed(BODY))
        assert (given, site.seen.bodies) == (expected, [BODY])
        assert drawn(site) == ((DELIVERED, process()), ())

    def test_a_handler_that_raises(self, site: Site) -> None:
        """The framework answers as it would, and the span says what went wrong, not its text."""
        with site.open_bare() as post:
            expected = post("/fail", BODY, signed(BODY))
        with site.open() as post:
            given = post("/fail", BODY, signed(BODY))
        assert (given.status, expected.status) == (500, 500)
        if not site.name.startswith("django"):
            assert given == expected
        (span,) = [span for span in site.desk.spans if span.name.startswith("process ")]
        sees_answer_alone = not site.is_instrumented and site.name.split()[0] in {"flask", "django"}
        assert span.attributes["error.type"] == ("500" if sees_answer_alone else "LookupError")
        assert (span.status.status_code.name, span.events) == ("ERROR", ())

    def test_joins_the_message_that_was_sent(self, site: Site) -> None:
        """With an origin in the store the handler hangs under the anchor of the message."""
        with site.open() as post:
            site.desk.send()
            post("/hook", BODY, signed(BODY))
        process = site.desk.one("process message.delivered")
        assert process["parent"] == site.desk.one("linq message")["id"]
        assert site.desk.one("message delivered")["parent"] == process["parent"]
        assert process["attributes"]["linq.origin"] == "message"

    def test_the_headers_of_the_answer_are_the_app_s(self, site: Site) -> None:
        """Linq reads its routing header back, and two cookies stay two."""
        with site.open() as post:
            headers = [
                (k.lower(), v.partition(";")[0])
                for k, v in post("/hook", BODY, signed(BODY)).headers
            ]
        wanted = [("linq-routing", "r1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
        assert [item for item in headers if item[0] in {"linq-routing", "set-cookie"}] == wanted

    def test_the_user_s_code_runs_inside(self, site: Site) -> None:
        """What the handler draws hangs under the process span."""
        tracer = site.desk.provider.get_tracer("app")
        note = site.seen.note

        def note_in_span(body: bytes) -> str:
            with tracer.start_as_current_span("app work"):
                return note(body)

        site.seen.note = note_in_span  # type: ignore[method-assign]  # A tap.
        with site.open() as post:
            post("/hook", BODY, signed(BODY))
        assert (
            site.desk.one("app work")["parent"] == site.desk.one("process message.delivered")["id"]
        )


class TestEnforcing:
    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (BODY, signed(BODY, p.OTHER_SECRET), 401),
            (BODY, [], 401),
            (b"{}", None, 400),
            (BODY, None, 202),
        ],
        ids=["forged", "unsigned", "no event", "good"],
    )
    def test_we_answer_for_the_app(self, site: Site, body: Any, headers: Any, status: int) -> None:
        """401 for what is not Linq's, 400 for what is no event; the app sees neither."""
        with site.open(enforce=True, paths=["/hook"]) as post:
            reply = post("/hook", body, signed(body) if headers is None else headers)
        assert reply.status == status
        assert site.seen.bodies == ([body] if status == 202 else [])
        if status != 202:
            assert (reply.body, site.desk.spans) == (b"", ())

    @pytest.mark.parametrize("path", ["/hook/", "/HOOK", "/hook%0A", "/./hook", "/ho%6Fk"])
    def test_a_path_that_a_route_may_take_for_ours_is_guarded(self, site: Site, path: str) -> None:
        """Routers strip slashes, ignore case, or let a line break follow."""
        with site.open(enforce=True, paths=["/hook"]) as post:
            assert post(path, BODY, []).status == 401
            assert site.seen.bodies == []


class TestDjango:
    @pytest.mark.parametrize(
        "site", [("django wsgi", False), ("django asgi", False)], ids=str, indirect=True
    )
    def test_more_than_the_site_allows(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Django refuses the body when the app reads it, as it does without us."""
        caplog.set_level(logging.CRITICAL, "django.security.RequestDataTooBig")
        configure_django(site.seen)
        monkeypatch.setattr(django_settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", 10)
        with site.open_bare() as post:
            expected = post("/hook", BODY, signed(BODY))
        with site.open() as post:
            given = post("/hook", BODY, signed(BODY))
        assert (given.status, given.body) == (expected.status, expected.body)
        assert (given.status, site.seen.bodies, site.desk.spans) == (400, [], ())


class TestDuplicates:
    def test_a_repeated_event_is_answered(self, site: Site) -> None:
        """200 without the app; the span says that it is a duplicate."""
        with site.open(duplicates="answer") as post:
            replies = [post("/hook", BODY, signed(BODY)) for _ in range(3)]
        assert [reply.status for reply in replies] == [202, 200, 200]
        assert [reply.body for reply in replies[1:]] == [b"", b""]
        assert site.seen.bodies == [BODY]
        again = process(linq__webhook__duplicate=True, http__response__status_code=200)
        assert drawn(site)[0] == (DELIVERED, DELIVERED, DELIVERED, process(), again, again)

    def test_an_event_whose_handler_failed_is_handled_again(self, site: Site) -> None:
        """Linq delivers it again for that very reason."""
        with site.open(duplicates="answer") as post:
            for path in ("/fail", "/fail", "/hook", "/hook"):
                post(path, BODY, signed(BODY))
        assert site.seen.bodies == [BODY] * 3

    def test_a_stranger_s_repetition_is_the_app_s(self, site: Site) -> None:
        """What did not verify is never answered for the app, nor does it mark anything."""
        forged = signed(BODY, p.OTHER_SECRET)
        with site.open(duplicates="answer") as post:
            given = [post("/hook", BODY, h).status for h in (forged, forged, signed(BODY), forged)]
        assert given == [202] * 4
        assert site.seen.bodies == [BODY] * 4
