"""
Other instrumentations: those of HTTP clients and of web frameworks, and which are active.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._findings import tell
from ._objects import entry_points, find_class, list_instances
from ._scene import DISABLED_INSTRUMENTATIONS


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
_SDK: Final = "linq-python"
_INSTALL: Final = "pip install opentelemetry-instrumentation-httpx"
EXAMINE: Final = "linq-otel doctor --import yourapp.main:app"
"""What sees more than the environment."""
COVERED: Final = "httpx, httpx2, requests, urllib3, urllib and aiohttp"
"""The HTTP clients whose calls of Linq are traced without the SDK."""


@dataclass(frozen=True, slots=True)
class _Framework:
    """
    One web framework.

    Attributes:
        module: What an app that serves with it has imported.
        by_hand: What takes its webhooks in an app that adds it itself.
        server: The entry point of the instrumentation of its requests.
        activate: How code activates that.
        app: The class of its apps, if they are marked one by one.
    """

    module: str
    by_hand: str
    server: str
    activate: str
    app: str = ""


_ASGI: Final = "webhooks.asgi.LinqWebhookMiddleware"
_FRAMEWORKS: Final = {
    "starlette": _Framework(
        "starlette.applications",
        _ASGI,
        "starlette",
        "StarletteInstrumentor.instrument_app(app)",
        "Starlette",
    ),
    "fastapi": _Framework(
        "fastapi", _ASGI, "fastapi", "FastAPIInstrumentor.instrument_app(app)", "FastAPI"
    ),
    "flask": _Framework(
        "flask",
        "webhooks.wsgi.LinqWebhookMiddleware",
        "flask",
        "FlaskInstrumentor().instrument_app(app)",
        "Flask",
    ),
    "django": _Framework(
        "django.core.handlers.base",
        "webhooks.django.LinqWebhookMiddleware",
        "django",
        "DjangoInstrumentor().instrument() before get_wsgi_application()",
    ),
    "aiohttp": _Framework(
        "aiohttp.web",
        "webhooks.aiohttp.linq_webhook_middleware",
        "aiohttp-server",
        "AioHttpServerInstrumentor().instrument() before web.Application()",
    ),
}
_CONTRIB: Final = "opentelemetry."
_IS_ACTIVE: Final = "_is_instrumented_by_opentelemetry"


def find_of_clients(
    scene: Scene, packages: Mapping[str, Sequence[Distribution]]
) -> Iterator[Finding]:
    """
    Yield which instrumentation records the requests that go to Linq.
    """
    installed = _find_installed(_CLIENTS, scene)
    active = [name for name, is_active in installed.items() if is_active or _has_client(name)]
    if scene.settings.http_spans == "own":
        named = active if scene.is_live else list(installed)
        verb = "is" if len(named) == 1 else "are"
        silent = f"; {', '.join(named)} {verb} silent beneath them" if named else ""
        yield tell("http.own", f"http_spans=own: linq-otel draws each request on the wire{silent}")
    elif scene.is_live:
        yield _judge_nested(active, installed, packages)
    elif installed:
        yield tell(
            "http.nested.unseen",
            f"http_spans=nested: installed for the requests on the wire: {', '.join(installed)}",
            detail="They record them where opentelemetry-instrument starts the app, or its code "
            "calls their instrument().",
            remedy=EXAMINE,
        )
    else:
        yield _tell_nested_missing("no HTTP instrumentation is installed", _INSTALL)


def _judge_nested(
    active: Sequence[str], installed: Mapping[str, bool], packages: Mapping[str, object]
) -> Finding:
    through = "aiohttp-client" if "httpx_aiohttp" in sys.modules else "httpx"
    # The SDK sends by httpx, even if the app sends by others as well.
    if active and (_SDK not in packages or {"httpx", through} & set(active)):
        verb = "records" if len(active) == 1 else "record"
        return tell(
            "http.nested", f"http_spans=nested: {', '.join(active)} {verb} the requests on the wire"
        )
    if active:
        why = f"{', '.join(active)} alone {'is' if len(active) == 1 else 'are'} active: "
        return _tell_nested_missing(f"{why}{_SDK} sends by httpx", _INSTALL)
    if installed:
        why = f"no HTTP instrumentation is active ({', '.join(installed)} could be)"
        return _tell_nested_missing(why, "HTTPXClientInstrumentor().instrument()")
    return _tell_nested_missing("no HTTP instrumentation is installed", _INSTALL)


def _tell_nested_missing(why: str, remedy: str) -> Finding:
    return tell(
        "http.nested.missing",
        f"http_spans=nested, and {why}",
        detail="No request on the wire has a span.",
        remedy=f"{remedy}, or export OTEL_PYTHON_LINQ_HTTP_SPANS=own",
    )


def _has_client(name: str) -> bool:
    """
    True if one client of httpx is instrumented by itself.
    """
    if name not in {"httpx", "httpx2"}:
        return False
    classes = [find_class(name, kind) for kind in ("Client", "AsyncClient")]
    return any(getattr(client, _IS_ACTIVE, False) for client in list_instances(classes))


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
    if not scene.is_live:
        yield _foresee_servers(there, scene)
        return
    served = [name for name in there if _FRAMEWORKS[name].module in sys.modules]
    # A process that serves nothing needs no SERVER span.
    if served:
        yield _judge_servers(served, scene)


def _foresee_servers(there: Sequence[str], scene: Scene) -> Finding:
    installed = _find_installed(tuple(_FRAMEWORKS[name].server for name in there), scene)
    if not installed:
        return _tell_uninstalled(there)
    return tell(
        "webhooks.server.unseen",
        f"installed for the requests of webhooks: {', '.join(installed)}",
        detail="They record SERVER spans where opentelemetry-instrument starts the app, or its "
        f"code calls their instrument(); process spans {_place_process_spans(scene)}.",
        remedy=EXAMINE,
    )


def _judge_servers(served: Sequence[str], scene: Scene) -> Finding:
    by_server = {_FRAMEWORKS[name].server: name for name in served}
    installed = _find_installed(tuple(by_server), scene)
    active = [
        server
        for server, is_active in installed.items()
        if _is_serving(_FRAMEWORKS[by_server[server]], is_active=is_active)
    ] or _find_middlewares()
    if active:
        return tell(
            "webhooks.server",
            f"{', '.join(active)} {'records' if len(active) == 1 else 'record'} SERVER spans; "
            f"process spans {_place_process_spans(scene)}",
        )
    if not installed:
        return _tell_uninstalled(served)
    first = next(iter(installed))
    return tell(
        "webhooks.server.missing",
        f"installed, and not active: the instrumentation of {', '.join(installed)}",
        detail="Webhooks are joined all the same; the requests they came in have no SERVER span.",
        remedy=_FRAMEWORKS[by_server[first]].activate
        if scene.has_code
        else f"opentelemetry-instrument, with {first} not in {DISABLED_INSTRUMENTATIONS}",
    )


def _tell_uninstalled(names: Sequence[str]) -> Finding:
    return tell(
        "webhooks.server.missing",
        "no instrumentation of them is installed, or all are switched off",
        detail="Webhooks are joined all the same; the requests they came in have no SERVER span.",
        remedy=f"pip install opentelemetry-instrumentation-{_FRAMEWORKS[names[0]].server}",
    )


def _is_serving(framework: _Framework, *, is_active: bool) -> bool:
    """
    True if its requests have spans: where apps are marked, one that was made before is not.
    """
    kind = find_class(framework.module, framework.app) if framework.app else None
    # Its instrumentation puts a class of its own in the place of the framework's.
    bases = [b for b in (kind.__mro__ if kind else ()) if not b.__module__.startswith(_CONTRIB)]
    apps = list_instances(bases[:1])
    return any(getattr(app, _IS_ACTIVE, False) for app in apps) if apps else is_active


def _find_middlewares() -> list[str]:
    """
    Return which middlewares an app has put around itself by hand.
    """
    found: list[str] = []
    for name in ("asgi", "wsgi"):
        kind = find_class(f"opentelemetry.instrumentation.{name}", "OpenTelemetryMiddleware")
        if kind is None:
            continue
        # Starlette makes them with the first request; until then it has their classes.
        planned = list_instances([find_class("starlette.middleware", "Middleware")])
        if list_instances([kind]) or any(getattr(each, "cls", None) is kind for each in planned):
            found.append(name)
    return found


def _tell_framework(name: str, version: str, scene: Scene) -> Finding:
    by_hand = f"linq_otel.{_FRAMEWORKS[name].by_hand}"
    if scene.is_receiving:
        return tell("webhooks.framework", f"{name} {version}: instrumented")
    return tell("webhooks.framework", f"{name} {version}: by instrument(), or {by_hand}")


def _place_process_spans(scene: Scene) -> str:
    if scene.settings.join == "link":
        return "stay under them"
    return "hang in the message's trace, with links both ways"


def _find_installed(wanted: tuple[str, ...], scene: Scene) -> dict[str, bool]:
    """
    Return those of *wanted* that are installed, and whether each is active in this process.

    Those that a variable switches off count as not installed where no process is seen.
    """
    found: dict[str, bool] = {}
    for entry in entry_points("opentelemetry_instrumentor"):
        if entry.name not in wanted or (not scene.is_live and scene.is_switched_off(entry.name)):
            continue
        # Not loaded: what was not imported was not activated.
        kind: Any = getattr(sys.modules.get(entry.module), entry.attr, None)
        is_active = kind is not None and bool(kind().is_instrumented_by_opentelemetry)
        found[entry.name] = is_active
    return dict(sorted(found.items()))
