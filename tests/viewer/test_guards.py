from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.viewer import Viewer, ViewerOptions, open_viewer
from support.viewer_answers import ask, send


PATHS = ["/", "/page/main.js", "/api/messages", "/api/changes", "/api/find?id=1"]


def find_port(viewer: Viewer) -> int:
    return urlsplit(viewer.url).port or 0


class TestHosts:
    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize(
        "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}"]
    )
    def test_of_others(self, viewer: Viewer, path: str, host: str) -> None:
        """A name that leads to loopback by DNS rebinding is not answered, nor another port's."""
        answer = ask(viewer, path, host=host.format(port=find_port(viewer)))
        assert (answer.status, answer.document) == (
            403,
            {"error": "this viewer answers by the name of this host alone"},
        )

    def test_of_others_do_not_export(self, viewer: Viewer) -> None:
        """Nor are spans taken by such a name."""
        assert send(viewer, b"", host="evil.example").status == 403

    def test_missing(self, viewer: Viewer) -> None:
        """A request of the old days that names no host is not answered."""
        with socket.create_connection(("127.0.0.1", find_port(viewer)), 10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 403 ")

    @pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}"])
    def test_own(self, viewer: Viewer, host: str) -> None:
        """This host's own names are answered."""
        answer = ask(viewer, "/api/messages", host=host.format(port=find_port(viewer)))
        assert (answer.status, answer.document["total"]) == (200, 0)


class TestOrigins:
    @pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "null"])
    @pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
    def test_of_others(self, viewer: Viewer, path: str, origin: str) -> None:
        """A page of another origin, be it of this host, cannot put spans in."""
        answer = send(viewer, b"", path, origin=origin)
        assert (answer.status, answer.document) == (
            403,
            {"error": "this viewer does not answer pages of other origins"},
        )

    def test_own(self, viewer: Viewer) -> None:
        """The page itself may."""
        assert send(viewer, b"", origin=viewer.url, sec_fetch_site="same-origin").status == 200

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    @pytest.mark.parametrize("path", ["/api/messages", "/api/changes", "/v1/traces"])
    def test_sites_of_others(self, viewer: Viewer, path: str, site: str) -> None:
        """What a browser asks for another site's page is not answered, though it has no origin."""
        assert ask(viewer, path, sec_fetch_site=site).status == 403

    def test_links_to_the_page(self, viewer: Viewer) -> None:
        """A link on another page may lead to ours."""
        assert ask(viewer, "/", sec_fetch_site="cross-site").status == 200


class TestHeaders:
    @pytest.mark.parametrize(
        ("path", "status"),
        [("/", 200), ("/page/main.js", 200), ("/api/messages", 200), ("/none", 404)],
    )
    def test_of_every_answer(self, viewer: Viewer, path: str, status: int) -> None:
        """Each answer is strict with what a browser may do with it, and is kept by nobody."""
        answer = ask(viewer, path)
        named = ("cross-origin-opener-policy", "cross-origin-resource-policy", "referrer-policy",
                 "x-content-type-options", "cache-control", "content-security-policy")  # fmt: skip
        assert answer.status == status
        assert {name: answer.headers[name] for name in named} == {
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
            "connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
            "form-action 'none'",
        }
        assert "server" not in answer.headers

    @pytest.mark.parametrize(
        ("name", "media_type"),
        [
            ("main.js", "text/javascript; charset=utf-8"),
            ("colors.css", "text/css; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ],
    )
    def test_of_files(self, viewer: Viewer, name: str, media_type: str) -> None:
        """Nosniff holds a browser to the type, so each is right."""
        answer = ask(viewer, f"/page/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, media_type)

    @pytest.mark.parametrize(
        "path",
        ["/page/../__init__.py", "/page/%2e%2e%2f__init__.py", "/page/..%5c__init__.py", "/page/"],
    )
    def test_of_no_files(self, viewer: Viewer, path: str) -> None:
        """No path leads out of the page's folder."""
        assert ask(viewer, path).status == 404

    @pytest.mark.parametrize("path", ["/api/messages", "/", "/page/main.js"])
    def test_of_other_methods(self, viewer: Viewer, path: str) -> None:
        """What is asked by GET is not posted to."""
        answer = ask(viewer, path, "POST")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.document == {"error": "this is asked by GET"}


class TestAddresses:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104  # Refused.
    def test_of_the_network(self, host: str) -> None:
        """Nothing but loopback is listened on."""
        with pytest.raises(ConfigurationError) as caught:
            open_viewer(ViewerOptions(host=host, port=0))
        assert str(caught.value) == (
            f"the viewer has no password and listens on this host alone, not on {host}; "
            "leave --host out, or forward the port"
        )

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
    def test_of_this_host(self, host: str) -> None:
        """Each loopback address is."""
        with open_viewer(ViewerOptions(host=host, port=0)) as viewer:
            assert ask(viewer, "/api/messages").status == 200

    def test_that_are_taken(self, viewer: Viewer) -> None:
        """A taken port is told with the remedy."""
        port = find_port(viewer)
        with pytest.raises(ConfigurationError) as caught:
            open_viewer(ViewerOptions(port=port))
        assert str(caught.value) == (
            f"port {port} of 127.0.0.1 is taken, by a collector or another viewer perhaps; "
            "choose another one with --port, and give it to the app as well"
        )
