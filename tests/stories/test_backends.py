from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from linq_otel.stories import join_traces, story_document
from linq_otel.stories._sources import IncompleteError, SourceError
from linq_otel.stories._sources._gathering import MOST_TRACES
from linq_otel.stories._sources._http import QueryApi, check_url, parse_headers
from linq_otel.stories._sources._jaeger import Jaeger
from linq_otel.stories._sources._tempo import Tempo, write_query
from linq_otel.stories._sources._viewer import RunningViewer
from stories.query_apis import JAEGERS, jaeger, serve, tempo
from stories.telling import CHAT_ID, HOUR, MESSAGE_ID, READ, SHOP, handler, tell
from support.otlp_processes import find_free_ports
from support.span_records import HOOK, LIFE, record


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._otlp_json import SpanRecord


EVENT_ID = "448ebf57-b150-44ea-aa01-6e65464d30b2"
# Nothing in the life points at it; only its message's id leads there.
UNLINKED = handler("message.read", 3 * HOUR + 40, trace=HOOK)
STRANGER = record("GET /", 0, 1, trace="8" * 32, kind="SERVER")
SPANS = (*READ, UNLINKED, STRANGER)
STORY = {*(span.span_id for span in READ), UNLINKED.span_id}


def ask_jaeger(url: str, wanted: str) -> list[SpanRecord]:
    return Jaeger(QueryApi("Jaeger", url)).find_spans(wanted)


def ask_tempo(url: str, wanted: str) -> list[SpanRecord]:
    return Tempo(QueryApi("Tempo", url)).find_spans(wanted)


class TestEveryBackend:
    @pytest.mark.parametrize("wanted", [SHOP, LIFE, HOOK, MESSAGE_ID, MESSAGE_ID.upper(),
                                        CHAT_ID, EVENT_ID, LIFE.upper()])  # fmt: skip
    @pytest.mark.parametrize(
        ("backend", "ask"), [(jaeger(SPANS), ask_jaeger), (tempo(SPANS), ask_tempo)],
        ids=["jaeger", "tempo"],
    )  # fmt: skip
    def test_tells_the_whole_story(
        self,
        wanted: str,
        backend: Callable[..., object],
        ask: Callable[[str, str], list[SpanRecord]],
    ) -> None:
        """Whichever id is asked for, every trace of the message comes whole, and no other."""
        with serve(backend) as server:
            spans = ask(server.url, wanted)
        assert {span.span_id for span in spans} == STORY
        assert sorted(spans, key=str) == sorted((*READ, UNLINKED), key=str)

    @pytest.mark.parametrize(
        ("backend", "ask"), [(jaeger(SPANS), ask_jaeger), (tempo(SPANS), ask_tempo)],
        ids=["jaeger", "tempo"],
    )  # fmt: skip
    @pytest.mark.parametrize("wanted", ["9" * 32, "nope", "9" * 16])
    def test_knows_nothing_of_other_ids(
        self,
        backend: Callable[..., object],
        ask: Callable[[str, str], list[SpanRecord]],
        wanted: str,
    ) -> None:
        """An id nobody knows leads nowhere."""
        with serve(backend) as server:
            assert ask(server.url, wanted) == []

    @pytest.mark.parametrize(
        ("backend", "ask"), [(jaeger, ask_jaeger), (tempo, ask_tempo)], ids=["jaeger", "tempo"]
    )
    def test_is_asked_for_so_many_traces(
        self, backend: Callable[..., object], ask: Callable[[str, str], list[SpanRecord]]
    ) -> None:
        """In a web of a thousand traces a bound is kept; nearest come first."""
        ids = [f"{number + 1:032x}" for number in range(1_000)]
        hub = record("hub", 0, 1, trace=ids[0], links=tuple((it, "1" * 16, "") for it in ids[1:]))
        others = [record("one", 2, 3, trace=each, span_id="1" * 16) for each in ids[1:]]
        with serve(backend([hub, *others])) as server:  # type: ignore[arg-type]
            spans = ask(server.url, ids[0])
        assert [span.otel_trace_id for span in spans] == ids[:MOST_TRACES]

    @pytest.mark.parametrize(
        ("backend", "ask"), [(jaeger, ask_jaeger), (tempo, ask_tempo)], ids=["jaeger", "tempo"]
    )
    def test_is_asked_for_so_many_links_in_a_row(
        self, backend: Callable[..., object], ask: Callable[[str, str], list[SpanRecord]]
    ) -> None:
        """A conversation goes on and on; four links away is far enough."""
        ids = [f"{number + 1:032x}" for number in range(9)]
        chain = [
            record("one", at, at + 1, trace=one, links=((following, "1" * 16, "reply_to"),))
            for at, (one, following) in enumerate(pairwise(ids))
        ]
        with serve(backend(chain)) as server:  # type: ignore[arg-type]
            spans = ask(server.url, ids[0])
        assert [span.otel_trace_id for span in spans] == ids[:5]


class TestJaeger:
    @pytest.mark.parametrize("kind", ["2.13", "2.21"])
    @pytest.mark.parametrize("wanted", [LIFE, MESSAGE_ID.upper(), EVENT_ID])
    def test_of_version_2_is_read(self, kind: str, wanted: str) -> None:
        """With the API of its page, and after 2.20 without: every trace, and no other."""
        with serve(jaeger(SPANS, kind)) as server:
            spans = ask_jaeger(server.url, wanted)
        assert sorted(spans, key=str) == sorted((*READ, UNLINKED), key=str)

    @pytest.mark.parametrize("kind", ["1", "victoria-traces"])
    @pytest.mark.parametrize("wanted", [LIFE, MESSAGE_ID])
    def test_without_api_v3_is_read_too(self, kind: str, wanted: str) -> None:
        """There times end at microseconds and links say nothing; the rest is the same."""
        with serve(jaeger(SPANS, kind)) as server:
            spans = ask_jaeger(server.url, wanted)
        plain = [
            replace(span, links=tuple(replace(link, attributes={}) for link in span.links))
            for span in (*READ, UNLINKED)
        ]
        assert sorted(spans, key=str) == sorted(plain, key=str)

    @pytest.mark.parametrize("kind", JAEGERS)
    @pytest.mark.parametrize("wanted", ["9" * 32, "nope"])
    def test_knows_nothing_of_other_ids(self, kind: str, wanted: str) -> None:
        """An unknown id leads nowhere, however the server says that it is unknown."""
        with serve(jaeger(SPANS, kind)) as server:
            assert ask_jaeger(server.url, wanted) == []

    def test_of_version_1_knows_errors(self) -> None:
        """Errors and foreign kinds are read from tags."""
        span = replace(STRANGER, status="ERROR", parent_span_id="1" * 16)
        with serve(jaeger([span], "1")) as server:
            assert ask_jaeger(server.url, STRANGER.otel_trace_id) == [span]

    @pytest.mark.parametrize("page", [(404, b""), (200, b"<!doctype html>")])
    def test_may_show_a_page_where_there_is_no_api(self, page: tuple[int, bytes]) -> None:
        """An API that is gone may be said by 404, or by the page of its users."""
        newest = jaeger(SPANS, "2.21")

        def answer(path: str, given: dict[str, str]) -> object:
            return newest(path, given) if path.startswith("/api/v3/") else page

        with serve(answer) as server:  # type: ignore[arg-type]
            assert {span.span_id for span in ask_jaeger(server.url, MESSAGE_ID)} == STORY
            assert ask_jaeger(server.url, "9" * 32) == []

    def test_may_disregard_what_is_searched_for(self) -> None:
        """What a search hands out and has not the id is left alone."""
        newest, deaf = jaeger(SPANS, "2.21"), jaeger(SPANS, "2.13")

        def answer(path: str, given: dict[str, str]) -> object:
            return (deaf if path == "/api/v3/traces" else newest)(path, given)

        with serve(answer) as server:  # type: ignore[arg-type]
            assert {span.span_id for span in ask_jaeger(server.url, MESSAGE_ID)} == STORY
            assert ask_jaeger(server.url, "nope") == []

    @pytest.mark.parametrize("failing", ["/api/services", "/api/traces", f"/api/v3/traces/{SHOP}"])
    def test_keeps_what_it_has_handed_out(self, failing: str) -> None:
        """A request that fails afterwards takes no span away, and is told of."""
        whole = jaeger(SPANS)

        def answer(path: str, given: dict[str, str]) -> object:
            return (500, b"") if path == failing else whole(path, given)

        with serve(answer) as server:  # type: ignore[arg-type]
            with pytest.raises(IncompleteError) as caught:
                ask_jaeger(server.url, LIFE)
            assert str(caught.value) == f"Jaeger at {server.url} answers with status 500"
        assert {span.span_id for span in caught.value.partial} >= {
            span.span_id for span in READ if span.otel_trace_id == LIFE
        }


class TestTempo:
    def test_before_version_2_is_read_too(self) -> None:
        """The first version of the API hands out the same spans."""
        with serve(tempo(SPANS, has_v2=False)) as server:
            spans = ask_tempo(server.url, MESSAGE_ID)
        assert sorted(spans, key=str) == sorted((*READ, UNLINKED), key=str)

    def test_finds_a_span_by_its_id(self) -> None:
        """TraceQL knows spans by their ids."""
        with serve(tempo(SPANS)) as server:
            spans = ask_tempo(server.url, UNLINKED.span_id.upper())
        assert {span.span_id for span in spans} == STORY

    def test_query(self) -> None:
        """Ids are quoted, whatever is in them."""
        assert write_query('a"\\') == (
            '{ span.linq.message.id = "a\\"\\\\" || span.linq.trace_id = "a\\"\\\\" || '
            'span.linq.trace_ids = "a\\"\\\\" || span.linq.event.id = "a\\"\\\\" || '
            'span.linq.chat.id = "a\\"\\\\" }'
        )


class TestViewer:
    def test_hands_back_what_it_was_sent(self) -> None:
        """A story's document is read back into the very spans it was written from."""
        listed = tell(READ[1], trace_ids=("8" * 32, LIFE))
        (story,) = join_traces([*READ[:1], listed, *READ[2:]])

        def answer(path: str, given: dict[str, str]) -> tuple[int, dict[str, object]]:
            if path == "/api/find":
                found = {"otel_trace_id": LIFE, "span_id": None}
                return (200, found) if given["id"] == MESSAGE_ID else (404, {"error": "unknown"})
            assert path == f"/api/stories/{LIFE}"
            return 200, story_document(story)

        with serve(answer) as server:
            viewer = RunningViewer(QueryApi("the viewer", server.url))
            assert viewer.find_spans(MESSAGE_ID) == list(story.spans)
            assert viewer.find_spans("nope") == []


class TestTroubles:
    @pytest.mark.parametrize(
        ("status", "body", "said"),
        [
            (401, b"", "Jaeger at URL wants credentials (401): --header 'Authorization: …'"),
            (403, b"", "Jaeger at URL wants credentials (403): --header 'Authorization: …'"),
            (302, b"", "Jaeger at URL redirects (302); give the address it leads to"),
            (500, b"{}", "Jaeger at URL answers with status 500"),
            (200, b"<html>", "Jaeger at URL answers with no JSON object; is this its query API?"),
            (200, b"[]", "Jaeger at URL answers with no JSON object; is this its query API?"),
            (
                200,
                b'{"result": {"resourceSpans": 7}}',
                "Jaeger at URL answers with what is no trace: resourceSpans is no list",
            ),
        ],
    )
    def test_are_said_in_a_line(self, status: int, body: bytes, said: str) -> None:
        """Whatever a backend answers, one line says what and where."""
        with serve(lambda _path, _given: (status, body)) as server:
            with pytest.raises(SourceError) as caught:
                ask_jaeger(server.url, LIFE)
            assert str(caught.value) == said.replace("URL", server.url)

    def test_of_a_backend_that_is_down(self) -> None:
        """Where nobody listens, it is asked whether it is up."""
        (port,) = find_free_ports(1)
        with pytest.raises(SourceError) as caught:
            ask_tempo(f"http://127.0.0.1:{port}", LIFE)
        assert str(caught.value) == (
            f"Tempo at http://127.0.0.1:{port} cannot be reached (Connection refused); is it up?"
        )

    def test_of_a_backend_that_is_slow(self) -> None:
        """No answer is waited for longer than agreed."""

        def answer(_path: str, _given: dict[str, str]) -> tuple[int, bytes]:
            time.sleep(0.5)
            return 200, b"{}"

        with serve(answer) as server:
            jaeger = Jaeger(QueryApi("Jaeger", server.url, seconds=0.1))
            with pytest.raises(SourceError, match=r"cannot be reached \(timed out\)"):
                jaeger.find_spans(LIFE)

    def test_of_what_is_no_query_api(self) -> None:
        """A server without services to list is not Jaeger's."""
        with (
            serve(lambda _path, _given: (404, b"")) as server,
            pytest.raises(SourceError, match="has no services to list"),
        ):
            ask_jaeger(server.url, MESSAGE_ID)


class TestHeaders:
    def test_are_sent_and_never_shown(self) -> None:
        """Credentials reach the backend, and no text of ours."""
        sent = parse_headers(("Authorization: Bearer s3cret", "X-Scope-OrgID:  team "))
        with serve(jaeger(SPANS)) as server:
            api = QueryApi("Jaeger", server.url, sent)
            Jaeger(api).find_spans(LIFE)
            assert {each["authorization"] for each in server.headers} == {"Bearer s3cret"}
            assert {each["x-scope-orgid"] for each in server.headers} == {"team"}
        assert "s3cret" not in repr(api)

    def test_do_not_follow_a_redirect(self) -> None:
        """Where a backend points elsewhere, the credentials do not go along."""
        sent = parse_headers(("Authorization: Bearer s3cret",))
        with (
            serve(lambda _path, _given: (307, b"")) as server,
            pytest.raises(SourceError, match="redirects"),
        ):
            Jaeger(QueryApi("Jaeger", server.url, sent)).find_spans(LIFE)
        assert server.paths == [f"/api/v3/traces/{LIFE}"]

    @pytest.mark.parametrize("line", ["Authorization", "a b: c", ": c", "A: b\r\nC: d", "A: \x00"])
    def test_are_checked(self, line: str) -> None:
        """What is no header is refused, and not repeated."""
        with pytest.raises(SourceError) as caught:
            parse_headers((line,))
        assert str(caught.value) == "a header is written 'Name: value', in quotes"


class TestUrl:
    @pytest.mark.parametrize(
        ("given", "used"),
        [
            ("http://127.0.0.1:16686/", "http://127.0.0.1:16686"),
            ("jaeger:16686", "http://jaeger:16686"),
            ("https://tempo.example/tempo/", "https://tempo.example/tempo"),
        ],
    )
    def test_is_the_base(self, given: str, used: str) -> None:
        """A path stays, a slash at the end goes, and plain HTTP is what is meant."""
        assert check_url(given) == used

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "", "http://", "http://a b", "http://h:99999", "ftp://h"]
    )
    def test_is_no_other(self, url: str) -> None:
        """Files and the like are not asked."""
        with pytest.raises(SourceError, match="named by its URL"):
            check_url(url)

    @pytest.mark.parametrize("url", ["http://me:s3cret@h", "http://h?token=s3cret"])
    def test_holds_no_credentials(self, url: str) -> None:
        """An address is shown; what is in it would be, too."""
        with pytest.raises(SourceError) as caught:
            check_url(url)
        assert "s3cret" not in str(caught.value)
