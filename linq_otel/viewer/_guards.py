"""
What every request passes before anything reads it: is it from this host's own page or programs?

A page of a stranger in the browser next to ours can send requests to loopback, and with a name of
its own that leads here (DNS rebinding) read the answers. Such a request names a host that is not
ours, or says where it comes from; it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

from ._json_answers import JSONAnswer


if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_HTTP_PORT: Final = 80
_OWN_SITES: Final = frozenset({"same-origin", "none"})


class Guard:
    """
    Passes on to *app* what this host's own programs ask, and says strict things of every answer.

    Args:
        app: What answers.
        host: The address listened on.
        port: The port listened on.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._app = app
        names = [*_NAMES, f"[{host}]" if ":" in host else host]
        self._hosts = {f"{name}:{port}" for name in names}
        if port == _HTTP_PORT:
            self._hosts.update(names)
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request.
        """
        if scope["type"] != "http":
            return
        refusal = self._refuse(scope["method"], scope["path"], Headers(scope=scope))
        app = self._app if refusal is None else JSONAnswer({"error": refusal}, 403)
        await app(scope, receive, _with_headers(send))

    def _refuse(self, method: str, path: str, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "this viewer answers by the name of this host alone"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return "this viewer does not answer pages of other origins"
        is_page = method in {"GET", "HEAD"} and not path.startswith(("/api/", "/v1/"))
        # A link on another page may lead to ours; what ours asks for, others may not.
        if not is_page and headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return "this viewer does not answer pages of other sites"
        return None


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return send_with_headers
