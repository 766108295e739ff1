from __future__ import annotations

import pytest

from linq_otel._idempotency import find_idempotency_key, parse_body
from linq_otel._targets import LinqHosts, Target, hosts_in, parse_target


class TestLinqHosts:
    @pytest.mark.parametrize(
        ("url", "is_linq"),
        [
            ("https://api.linqapp.com/api/partner/v3/chats", True),
            ("https://API.linqapp.com/api/partner/v3/chats", True),
            ("https://api.linqapp.com:443/v3/chats", True),
            ("https://api.linqapp.com/v3/chats?x=1", True),
            ("http://127.0.0.1:8080/api/partner/v3/chats", True),
            ("https://gateway.example/linq/v3/chats", False),
            ("https://gateway.example/linq/api/partner/v3/chats", False),
            ("https://api.linqapp.com/api/partner/v2/chats", True),
            ("https://api.linqapp.com/v2/chats", False),
            ("https://shop.example/api/partner/v2/chats", False),
            ("https://api.linqapp.com/api/partner/v3", False),
            ("https://api.linqapp.com/x?to=/v3/chats", False),
            ("https://cdn.linqapp.com/v3/file", False),
            ("https://uploads.linqapp.com/v3/file?X-Amz-Signature=abc", False),
            ("https://api.linqapp.com.evil.example/v3/chats", False),
            ("ftp://api.linqapp.com/v3/chats", False),
            ("https://[::1/v3/chats", False),
            ("https://api.linqapp.com:port/v3/chats", False),
            ("/v3/chats", False),
            ("", False),
        ],
    )
    def test_default(self, url: str, *, is_linq: bool) -> None:
        """Linq is its own host with any base URL, and Linq's own path on any host."""
        assert (LinqHosts(()).find_target("POST", url) is not None) is is_linq

    @pytest.mark.parametrize(
        ("host", "url", "is_linq"),
        [
            ("linq.test", "https://linq.test/v3/chats", True),
            (" LINQ.test ", "http://linq.test:8080/x/v3/chats", True),
            ("linq.test:8080", "http://linq.test:8080/v3/chats", True),
            ("linq.test:8080", "http://linq.test/v3/chats", False),
            ("linq.test:443", "https://linq.test/v3/chats", True),
            ("https://linq.test/api", "https://linq.test/v3/chats", True),
            ("https://linq.test/api", "http://linq.test/v3/chats", False),
            ("[::1]:80", "http://[::1]/v3/chats", True),
            ("", "https:///v3/chats", False),
            ("[", "https://linq.test/v3/chats", False),
            ("linq.test:port", "https://linq.test/v3/chats", False),
        ],
    )
    def test_given(self, host: str, url: str, *, is_linq: bool) -> None:
        """A host may be given with a port, and a base URL stands for both."""
        assert (LinqHosts([host]).find_target("POST", url) is not None) is is_linq

    def test_environment(self) -> None:
        """Base URLs are taken from wherever people keep them."""
        environ = {
            "LINQ_API_V3_BASE_URL": "http://a.test",
            "LINQ_BASE_URL": "http://b.test",
            "LINQ_API_BASE": "",
            "LINQ_API_BASE_URL": "http://c.test",
            "LINQ_API_KEY": "secret",
        }
        assert hosts_in(environ) == ("http://a.test", "http://b.test", "http://c.test")


class TestTarget:
    @pytest.mark.parametrize(
        ("url", "target", "origin"),
        [
            (
                "https://u:p@Linq.test/v3/x?q=1#f",
                Target("GET", "https", "linq.test", 443, "/v3/x"),
                "https://linq.test",
            ),
            (
                "http://linq.test:8080/v3/x",
                Target("GET", "http", "linq.test", 8080, "/v3/x"),
                "http://linq.test:8080",
            ),
            (
                "http://[::1]:81/v3/x",
                Target("GET", "http", "::1", 81, "/v3/x"),
                "http://[::1]:81",
            ),
        ],
    )
    def test_parsed(self, url: str, target: Target, origin: str) -> None:
        """A target has neither query nor credentials."""
        assert parse_target("GET", url) == target
        assert target.origin == origin


class TestIdempotencyKey:
    @pytest.mark.parametrize(
        ("body", "headers", "key"),
        [
            ({"message": {"idempotency_key": "a"}}, {}, "a"),
            ({"poll": {"idempotency_key": "b"}}, {}, "b"),
            ({}, {"IDEMPOTENCY-KEY": "c"}, "c"),
            ({"message": {"idempotency_key": ""}}, {"Idempotency-Key": "c"}, "c"),
            ({"message": {"idempotency_key": 7}}, {}, None),
            ([], {}, None),
        ],
    )
    def test_found(self, body: object, headers: dict[str, object], key: str | None) -> None:
        """A key is where Linq takes it; anything else is none."""
        assert find_idempotency_key(body, headers) == key

    @pytest.mark.parametrize(
        ("body", "parsed"),
        [
            (b'{"a": 1}', {"a": 1}),
            (bytearray(b"[1]"), [1]),
            ('{"a": 1}', {"a": 1}),
            (b"\xff", None),
            (b"", None),
            (b"[" * 100_000, None),
            (b" " * (1024 * 1024) + b"1", None),
            ({"a": 1}, None),
            (iter([b"1"]), None),
            (None, None),
        ],
    )
    def test_body(self, body: object, parsed: object) -> None:
        """Only what lies there is parsed, and only if it is not too long."""
        assert parse_body(body) == parsed
