"""
The other instrumentations: who draws the requests on the wire, and who those of webhooks.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from ._findings import Finding
    from ._scene import Scene


# By the names of their entry points, which are those of the libraries.
_CLIENTS: Final = ("aiohttp-client", "httpx", "httpx2", "requests", "urllib", "urllib3")
# By the names of their distributions. Those that stand on a covered one are covered by it.
_UNCOVERED: Final = (
    "aiosonic",
    "curl-cffi",
    "httplib2",
    "niquests",
    "primp",
    "pycurl",
    "treq",
    "urllib3-future",
)
COVERED: Final = "httpx, httpx2, requests, urllib3, urllib and aiohttp"
"""The HTTP clients whose calls of Linq are traced without the SDK."""
_SERVERS: Final = ("aiohttp-server", "asgi", "django", "fastapi", "flask", "starlette", "wsgi")
# Each framework with what takes its webhooks by hand, and what draws its requests.
_FRAMEWORKS: Final = {
    "starlette": ("webhooks.asgi.LinqWebhookMiddleware", "starlette"),
    "fastapi": ("webhooks.asgi.LinqWebhookMiddleware", "fastapi"),
    "flask": ("webhooks.wsgi.LinqWebhookMiddleware", "flask"),
    "django": ("webhooks.django.LinqWebhookMiddleware", "django"),
    "aiohttp": ("webhooks.aiohttp.linq_webhook_middleware", "aiohttp-server"),
}


def find_of_clients(scene: Scene) -> Iterator[Finding]:
    """
    Yield who draws the requests that go to Linq.
    """
    installed = _find_installed(_CLIENTS)
    named = _name(installed, scene)
    if scene.settings.http_spans == "own":
        silent = f"; {named} {_be(installed)} silent beneath them" if installed else ""
        yield tell("http.own", f"http_spans=own: linq-otel draws each request on the wire{silent}")
    elif installed:
        verb = "draw" if "," in named else "draws"
        yield tell("http.nested", f"http_spans=nested: {named} {verb} the requests on the wire")
    else:
        yield tell(
            "http.nested.missing",
            "http_spans=nested, and no HTTP instrumentation is installed",
            detail="No request on the wire has a span.",
            remedy="pip install opentelemetry-instrumentation-httpx, "
            "or export OTEL_PYTHON_LINQ_HTTP_SPANS=own",
        )


def find_uncovered(packages: Mapping[str, Sequence[Distribution]]) -> Iterator[Finding]:
    """
    Yield the HTTP clients whose calls are not traced, if any is installed.
    """
    there = [name for name in _UNCOVERED if name in packages]
    if there:
        yield tell(
            "http.client.uncovered",
            f"calls of Linq by {', '.join(there)} are not traced",
            detail=f"Those of linq-python are, and those by {COVERED}.",
        )


def find_of_frameworks(
    scene: Scene, packages: Mapping[str, Sequence[Distribution]]
) -> Iterator[Finding]:
    """
    Yield which web frameworks there are, and what becomes of webhooks in them.
    """
    there = [name for name in _FRAMEWORKS if name in packages]
    # FastAPI stands on Starlette, and most know it by that name alone.
    if "fastapi" in there:
        there.remove("starlette")
    if not there:
        yield tell(
            "webhooks.framework.none",
            "no web framework is installed here",
            detail="WebhookReceiver takes the headers and the body of any; "
            "linq_otel.webhooks.aws_lambda those of AWS Lambda.",
        )
        return
    for name in there:
        yield _tell_framework(name, packages[name][0].version, scene)
    servers = _find_installed((*(_FRAMEWORKS[name][1] for name in there), "asgi", "wsgi"))
    if servers:
        yield tell(
            "webhooks.server",
            f"{_name(servers, scene)} {'draws' if len(servers) == 1 else 'draw'} SERVER spans; "
            f"process spans {_place_process_spans(scene)}",
        )
    else:
        yield tell(
            "webhooks.server.missing",
            "no instrumentation of them is installed",
            detail="Webhooks are joined all the same; the requests they came in are not drawn.",
            remedy=f"pip install opentelemetry-instrumentation-{there[0]}",
        )


def _tell_framework(name: str, version: str, scene: Scene) -> Finding:
    by_hand = f"linq_otel.{_FRAMEWORKS[name][0]}"
    if scene.is_receiving:
        return tell("webhooks.framework", f"{name} {version}: instrumented")
    return tell("webhooks.framework", f"{name} {version}: by instrument(), or {by_hand}")


def _place_process_spans(scene: Scene) -> str:
    if scene.settings.join == "link":
        return "stay under them"
    return "hang in the message's trace, with links both ways"


def _find_installed(wanted: tuple[str, ...]) -> dict[str, bool]:
    """
    Return those of *wanted* that are installed, and whether each is active in this process.
    """
    found: dict[str, bool] = {}
    for entry in entry_points(group="opentelemetry_instrumentor"):
        if entry.name in wanted:
            # Not loaded: who has not imported it has not activated it.
            kind: Any = getattr(sys.modules.get(entry.module), entry.attr, None)
            is_active = kind is not None and bool(kind().is_instrumented_by_opentelemetry)
            found[entry.name] = is_active
    return dict(sorted(found.items()))


def _name(installed: Mapping[str, bool], scene: Scene) -> str:
    active = [name for name, is_active in installed.items() if is_active]
    if scene.is_live and active:
        return ", ".join(active)
    return ", ".join(installed)


def _be(names: Mapping[str, bool]) -> str:
    return "is" if len(names) == 1 else "are"
