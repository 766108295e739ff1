"""
Servers as they are deployed, spoken to in raw HTTP.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from support import payloads as p
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import open_program


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow

BODY = p.body_of("message.delivered")
APPS = {
    "flask": """
from flask import Flask, request
from linq_otel import instrument

instrument(enforce=True, paths=["/hook"])
app = Flask("shop")


@app.route("/hook", methods=["GET", "POST", "PUT"], strict_slashes=False)
def hook():
    print("handled", request.method, len(request.get_data()), flush=True)
    return "ok"
""",
    "django": """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path
from linq_otel.webhooks import WebhookReceiver


def hook(request):
    print("handled", request.method, len(request.body), flush=True)
    return HttpResponse("ok")


urlpatterns = [re_path(r"^hook/?$", hook)]
settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["linq_otel.webhooks.django.LinqWebhookMiddleware"],
    LINQ_WEBHOOK_PATHS=["/hook"], LINQ_WEBHOOK_RECEIVER=WebhookReceiver(enforce=True),
)
app = get_wsgi_application()
""",
    "starlette": """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from linq_otel import instrument

instrument(enforce=True, paths=["/hook"])


async def hook(request):
    print("handled", request.method, len(await request.body()), flush=True)
    return PlainTextResponse("ok")


routes = [Route("/hook", hook, methods=["GET", "POST", "PUT"])]
app = Starlette(routes=[*routes, Mount("/sub", app=Starlette(routes=routes))])
""",
}
GUNICORN = ["-m", "gunicorn", "--log-level", "error", "--bind", f"{LOOPBACK}:{{}}", "shop:app"]
UVICORN = [
    "-m",
    "uvicorn",
    "--log-level",
    "error",
    "--root-path",
    "/api",
    "--port",
    "{}",
    "shop:app",
]
COMMANDS = {"flask": GUNICORN, "django": GUNICORN, "starlette": UVICORN}


def chunked(end: bytes) -> bytes:
    return b"%x\r\n%s\r\n%s" % (len(BODY), BODY, end)


def request(
    body: bytes, *headers: str, method: str = "POST", path: str = "/hook", is_chunked: bool = False
) -> bytes:
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}"
    lines = [f"{method} {path} HTTP/1.1", "Host: shop.test", "Connection: close", length, *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def signed() -> list[str]:
    headers = p.headers_of(BODY, signed_at=int(time.time()))
    return [f"{name}: {value}" for name, value in headers.items()]


BROKEN = {
    "no size": b"zz\r\n", "a sign": b"-1\r\n\r\n", "an extension": b"1;\x00=\xff\r\na\r\n0\r\n\r\n",
    "a trailer": b"0\r\nno trailer\r\n\r\n", "no end": b"0\r\nXX", "too large": b"f" * 17 + b"\r\n",
}  # fmt: skip
PATHS = ("/hook/", "//hook", "/hook%0a", "/sub/hook", "/api/hook", "/ho%6fk", "/Hook")
FORGED = {
    "unsigned": request(BODY),
    **{
        f"a chunk, then {name}": request(chunked(end), is_chunked=True)
        for name, end in BROKEN.items()
    },
    **{f"{path}": request(BODY, path=path) for path in PATHS},
    "lower case": request(BODY, method="post"),
    "another method": request(BODY, method="PUT"),
    "a body where none is expected": request(BODY, method="GET"),
}


def ask(port: int, raw: bytes) -> bytes:
    """
    Send *raw*, and return the status line that comes back, if any.
    """
    with socket.create_connection((LOOPBACK, port), timeout=20) as connection:
        connection.sendall(raw)
        if b"chunked" in raw:
            # What was declared does not come.
            connection.shutdown(socket.SHUT_WR)
        try:
            return connection.recv(4096).split(b"\r\n")[0]
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("name", APPS)
def test_no_forged_body_reaches_the_handler(name: str, tmp_path: Path) -> None:
    """A good delivery does, before and after, and a probe without a body."""
    (tmp_path / "shop.py").write_text(APPS[name])
    (port,) = find_free_ports(1)
    command = [part.format(port) for part in COMMANDS[name]]
    environment = {"LINQ_WEBHOOK_SECRET": p.SECRET + "\n"}
    with open_program("shop", command, environment, tmp_path) as running:
        running.wait_until(lambda: is_open(LOOPBACK, port), "open port")
        good = request(BODY, *signed())
        answers = [ask(port, raw) for raw in (good, *FORGED.values())]
        answers += [ask(port, raw) for raw in (request(b"", method="GET"), good)]
        assert running.wait_for_lines(3) == running.lines == [
            f"handled POST {len(BODY)}", "handled GET 0", f"handled POST {len(BODY)}"
        ]  # fmt: skip
    assert [answer.split()[1] for answer in (answers[0], *answers[-2:])] == [b"200"] * 3
    passed = {
        kind for kind, answer in zip(FORGED, answers[1:-2], strict=True) if b" 200 " in answer
    }
    assert passed == set()
