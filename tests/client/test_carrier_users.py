"""
The user's own word on a key, and the user's own objects: neither is ever touched.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from linq import BadRequestError, LinqAPIV3
from linq._models import FinalRequestOptions

from linq_otel.testing import LinqSimulator
from support.carrying import (
    HEADER,
    LINE,
    PEER,
    POLL,
    TEXT,
    Line,
    carrying,
    chat_body,
    open_line,
    read_wire,
    untraced,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import TracerProvider

    Call = Callable[[Line], Any]


@pytest.fixture
def line() -> Iterator[Line]:
    """
    Yield a chat at a simulated Linq, made before anything is instrumented.
    """
    with LinqSimulator(seed=7, speed=0) as linq, open_line(linq) as line:
        yield line


def post(path: str, **more: Any) -> Call:
    return lambda line: line.client.post(path, cast_to=object, **more)


OWN: dict[str, Call] = {
    "message": lambda line: line.client.chats.create(
        from_=LINE, to=[PEER], message={**TEXT, "idempotency_key": "order 7"}
    ),
    "empty": lambda line: line.client.chats.messages.send(
        line.chat_id, message={**TEXT, "idempotency_key": ""}
    ),
    "null": post("/v3/chats", body=chat_body(idempotency_key=None)),
    "poll": lambda line: line.client.chats.polls.create(
        line.chat_id, poll={**POLL, "idempotency_key": "poll 7"}
    ),
    "at the top": lambda line: line.send(extra_body={"idempotency_key": "order 7"}),
    "extra body": lambda line: line.send(
        extra_body={"message": {**TEXT, "idempotency_key": "order 7"}}
    ),
    "header": lambda line: line.client.messages.create(
        to=[PEER], message=TEXT, idempotency_key="order 7"
    ),
    "empty header": lambda line: line.client.messages.create(
        to=[PEER], message=TEXT, idempotency_key=""
    ),
    "header that does not count": lambda line: line.send(
        extra_headers={"IDEMPOTENCY-KEY": "order 7"}
    ),
    "body of a call with a header": lambda line: line.client.messages.create(
        to=[PEER], message={**TEXT, "idempotency_key": "order 7"}
    ),
    "default header": lambda line: line.client.with_options(
        default_headers={"Idempotency-Key": "order 7"}
    ).messages.create(to=[PEER], message=TEXT),
    "option": post("/v3/chats", body=chat_body(), options={"idempotency_key": "order 7"}),
}


class TestUsersOwn:
    @pytest.mark.parametrize("name", OWN)
    def test_untouched(self, line: Line, provider: TracerProvider, name: str) -> None:
        """Whatever the user says of a key, also that there is none, is sent as they wrote it."""
        before = untraced(line, OWN[name])
        with carrying(tracer_provider=provider):
            OWN[name](line)
        assert line.wire()[-1] == read_wire(line.linq.requests[-1])
        assert line.wire()[-1].rest == before
        assert line.carried() == [{}, {}]

    def test_keys_of_the_sdk(self, line: Line, provider: TracerProvider) -> None:
        """An SDK that is told to send keys of its own does so."""
        line.client._idempotency_header = "Idempotency-Key"
        with carrying(tracer_provider=provider):
            line.client.messages.create(to=[PEER], message=TEXT)
        (request,) = line.linq.requests[1:]
        assert request.headers[HEADER].startswith("stainless-python-retry-")
        assert line.carried() == [{}]

    def test_header_of_the_http_client(self, provider: TracerProvider) -> None:
        """So does a client of httpx that the user has set up."""
        with (
            LinqSimulator(seed=7, speed=0) as linq,
            httpx.Client(headers={"Idempotency-Key": "order 7"}) as http,
            open_line(linq, http_client=http) as line,
            carrying(tracer_provider=provider),
        ):
            line.client.messages.create(to=[PEER], message=TEXT)
            assert line.linq.requests[-1].headers[HEADER] == "order 7"
            assert line.carried() == [{}]

    @pytest.mark.parametrize(
        "more",
        [
            {"content": b'{"from":"+15550100000","to":["+15550100123"],"message":{"parts":[]}}'},
            {"body": [1]},
            {"body": {"message": "text"}},
            {"body": {"parts": []}},
            {"body": None},
        ],
    )
    def test_other_bodies(self, line: Line, provider: TracerProvider, more: dict[str, Any]) -> None:
        """A body that is no object with a message in it is not looked into."""

        def call(line: Line) -> None:
            with pytest.raises(BadRequestError):
                post("/v3/chats", **more)(line)

        before = untraced(line, call)
        with carrying(tracer_provider=provider):
            call(line)
        assert line.wire()[-1].rest == before

    def test_files(self, line: Line, provider: TracerProvider) -> None:
        """Nor is one that is sent as a form, whose boundary alone differs each time."""
        more = {"body": chat_body(), "files": [("a", b"b")]}
        with carrying(tracer_provider=provider), pytest.raises(BadRequestError):
            post("/v3/chats", **more)(line)
        (request,) = line.linq.requests[1:]
        assert (b"idempotency_key" in request.body, HEADER in request.headers) == (False, False)


class TestExtraBody:
    def test_message(self, line: Line, provider: TracerProvider) -> None:
        """What ``extra_body`` puts in place of the message is what carries the key."""
        extra = {"message": {"parts": [{"type": "text", "value": "Instead"}]}, "seen": True}

        def call(line: Line) -> None:
            line.send(extra_body=extra)

        before, copied = untraced(line, call), copy.deepcopy(extra)
        with carrying(tracer_provider=provider):
            call(line)
        assert (set(line.carried()[-1]), line.wire()[-1].rest) == ({"message"}, before)
        assert extra == copied

    def test_others(self, line: Line, provider: TracerProvider) -> None:
        """Fields beside the message change nothing."""
        with carrying(tracer_provider=provider):
            line.send(extra_body={"seen": True})
        assert [set(keys) for keys in line.carried()] == [{"message"}]


class TestUsersObjects:
    def test_body(self, line: Line, provider: TracerProvider) -> None:
        """The very same objects can be sent again: each time with a key of its own."""
        body = chat_body()
        message, headers = body["message"], {"X-Own": "1"}
        before = copy.deepcopy((body, headers))
        with carrying(tracer_provider=provider):
            for _ in range(2):
                post("/v3/messages", body=body, options={"headers": headers})(line)
        assert (body, headers) == before
        assert body["message"] is message
        one, two = line.carried()
        assert (set(one), set(two)) == ({"message", "header"},) * 2
        assert line.accepted() == [one["message"], two["message"]]
        assert [r.headers["x-own"] for r in line.linq.requests[1:]] == ["1", "1"]

    def test_options(self, line: Line, provider: TracerProvider) -> None:
        """An object of options that the app has built stays as it is."""
        options = FinalRequestOptions.construct(
            method="post", url="/v3/chats", json_data=chat_body(), max_retries=0
        )
        before, body = dict(options), copy.deepcopy(options.json_data)
        with carrying(tracer_provider=provider):
            line.client.request(object, options)
            line.client.request(cast_to=object, options=options)
        assert (dict(options), options.json_data) == (before, body)
        one, two = line.carried()
        assert one != two

    def test_answer(self, line: Line, provider: TracerProvider) -> None:
        """What the SDK returns is what the caller gets."""
        made: list[Any] = []
        process = LinqAPIV3._process_response

        class Client(LinqAPIV3):
            def _process_response(self, **kwargs: Any) -> Any:
                made.append(process(self, **kwargs))
                return made[-1]

        settings = {"api_key": line.linq.api_key, "base_url": line.linq.base_url}
        with carrying(tracer_provider=provider), Client(**settings) as client:
            answer = client.chats.messages.send(line.chat_id, message=TEXT)
        assert [answer is each for each in made] == [True]


class TestNothingRaises:
    def test_client(self, line: Line, provider: TracerProvider, shielded: Any) -> None:
        """A client that cannot be asked for its headers sends without a key."""

        class Client(LinqAPIV3):
            sulks = False

            @property
            def default_headers(self) -> Any:
                if self.sulks:
                    # Whoever asks first is us.
                    self.sulks = False
                    raise RuntimeError("no")
                return super().default_headers

        settings = {"api_key": line.linq.api_key, "base_url": line.linq.base_url}
        with Client(**settings) as client, carrying(tracer_provider=provider), shielded():
            client.sulks = True
            answer = client.chats.messages.send(line.chat_id, message=TEXT)
        assert (answer.chat_id, line.carried()) == (line.chat_id, [{}])
