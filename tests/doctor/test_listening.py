from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel.doctor import _listening
from linq_otel.doctor._listening import Listener
from support import payloads as p


if TYPE_CHECKING:
    from collections.abc import Iterator


BODY = p.body_of("message.sent")
NAMED = (
    "? refused: it names another host than this one, and no tunnel says that it passed it on "
    "(X-Forwarded-For): let yours do so, or write Host anew (ngrok http --host-header=rewrite)"
)
FROM_A_PAGE = "? refused: a page in a browser sent it"


class Listening:
    """
    A listener, and what it has noted and told.
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.told: list[str] = []
        self.listener = Listener(0, lambda _, record: self.records.append(record), self.told.append)

    def post(self, body: bytes | list[bytes] = BODY, **headers: str) -> int:
        """
        Post one webhook, in chunks if it is a list; return the status.
        """
        host = self.listener.url.split("/")[2]
        client = http.client.HTTPConnection(host, timeout=10)
        known = {name.replace("_", "-"): value for name, value in headers.items()}
        is_chunked = isinstance(body, list)
        if is_chunked and "Transfer-Encoding" not in known:
            known["Transfer-Encoding"] = "chunked"
        client.request("POST", "/hook", body, known, encode_chunked=is_chunked)
        status = client.getresponse().status
        client.close()
        return status

    @property
    def unread(self) -> list[str]:
        """Why deliveries could not be read."""
        return [why for _, why in self.listener.samples.unread]


@pytest.fixture
def listening() -> Iterator[Listening]:
    """
    Yield one that listens.
    """
    made = Listening()
    with made.listener:
        yield made


class TestBodies:
    def test_chunked(self, listening: Listening) -> None:
        """A delivery in chunks is recorded byte for byte, as one with a length is."""
        assert listening.post([BODY[:10], BODY[10:]], **p.headers_of(BODY)) == 200
        assert listening.post(BODY) == 200
        assert [d.body for d in listening.listener.samples.deliveries] == [BODY, BODY]
        assert [record["body"] for record in listening.records] == [BODY.decode()] * 2

    @pytest.mark.parametrize(
        ("body", "headers", "status", "why"),
        [
            ([b"x" * 2**20, b"x"], {}, 413, "its body is larger than 1 MiB"),
            (b"", {"Content_Length": "1048577"}, 413, "its body is larger than 1 MiB"),
            (b"", {"Content_Length": "-1"}, 400, "its Content-Length is no number"),
            (
                b"",
                {"Transfer_Encoding": "gzip"},
                501,
                "its body comes in a transfer coding that is not known",
            ),
            (b"zz\r\n", {"Transfer_Encoding": "chunked"}, 400, "its body is not well chunked"),
        ],
    )
    def test_unreadable(
        self,
        listening: Listening,
        body: bytes | list[bytes],
        headers: dict[str, str],
        status: int,
        why: str,
    ) -> None:
        """What cannot be read is not answered with 200, and is told at the end."""
        assert listening.post(body, **headers) == status
        listening.listener.wait(1, 10)
        assert listening.unread == [why]
        assert listening.records == [{}]

    def test_full(self, listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
        """Beyond the most that is kept, listening ends, and the rest may come again."""
        monkeypatch.setattr(_listening, "_MOST_KEPT", 2)
        assert [listening.post() for _ in range(3)] == [200, 200, 503]
        listening.listener.wait(None, None)
        assert len(listening.listener.samples.deliveries) == 2


class TestStrangers:
    @pytest.mark.parametrize(
        ("headers", "told"),
        [
            # A page whose own name leads to this host, as DNS rebinding has it.
            ({"Host": "evil.example:4319", "Origin": "http://evil.example:4319"}, FROM_A_PAGE),
            ({"Origin": "null"}, FROM_A_PAGE),
            ({"Origin": "http://localhost:3000"}, FROM_A_PAGE),
            ({"Sec_Fetch_Site": "cross-site"}, FROM_A_PAGE),
            ({"X_Forwarded_For": "203.0.113.7", "Origin": "http://evil.example"}, FROM_A_PAGE),
            ({"Host": "evil.example:4319"}, NAMED),
            ({"Host": "localhost.evil.example"}, NAMED),
            ({"Host": "127.0.0.1.evil.example:80"}, NAMED),
        ],
    )
    def test_refused(self, listening: Listening, headers: dict[str, str], told: str) -> None:
        """A page writes nothing into the recording; why is told once."""
        assert [listening.post(**headers) for _ in range(2)] == [403, 403]
        assert listening.told == [told]
        assert listening.listener.samples.deliveries == ()
        assert listening.records == []

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "localhost:4319"},
            {"Host": "[::1]:4319"},
            # ngrok and cloudflared pass the public name on, and say so.
            {"Host": "abc.ngrok-free.app", "X_Forwarded_For": "203.0.113.7"},
            {"Host": "abc.trycloudflare.com", "Cf_Connecting_Ip": "203.0.113.7"},
            # As fetch() of Node has it, by which Linq's CLI forwards.
            {"Sec_Fetch_Mode": "cors"},
        ],
    )
    def test_taken(self, listening: Listening, headers: dict[str, str]) -> None:
        """This host's own programs and tunnels are heard."""
        assert listening.post(**headers) == 200
        assert listening.told == []
        assert len(listening.listener.samples.deliveries) == 1
