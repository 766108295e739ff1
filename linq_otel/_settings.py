"""
Every option, read once into a frozen object.

A keyword wins over the environment, and the environment over the default. A
wrong keyword is an error, because somebody typed it here; a wrong environment
variable is logged and passed over, because the app must start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast, get_args

from opentelemetry import trace

from ._lifecycle import JOINS, Join
from ._shield import report
from .environment_variables import (
    OTEL_PYTHON_LINQ_EXCLUDED_URLS,
    OTEL_PYTHON_LINQ_HOSTS,
    OTEL_PYTHON_LINQ_HTTP_SPANS,
    OTEL_PYTHON_LINQ_JOIN,
    OTEL_PYTHON_LINQ_STAGES,
    OTEL_PYTHON_LINQ_STORE,
)
from .errors import ConfigurationError
from .stores import Store


if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Span, TracerProvider

    from ._events import Event

    Option = str | bool | Store | Sequence[str] | Callable[..., None] | TracerProvider | None


__all__ = ["HttpSpans", "Options", "RequestHook", "ResponseHook", "Settings", "WebhookHook"]

HttpSpans = Literal["own", "nested"]
RequestHook = Callable[["Span", Any], None]
ResponseHook = Callable[["Span", Any, Any], None]
WebhookHook = Callable[["Span", "Event"], None]

_SECRET_VARIABLE: Final = "LINQ_WEBHOOK_SECRET"  # noqa: S105  # Its name; the SDK reads the same.
_EXCLUDED_EVERYWHERE: Final = "OTEL_PYTHON_EXCLUDED_URLS"
BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
"""What an environment variable may say for yes and no."""


class Options(TypedDict, total=False):
    """
    The keywords of ``instrument()``; each may be left out.

    Attributes:
        tracer_provider: Where spans go; the global provider if left out.
        store: A store, or the URL of one (:func:`linq_otel.stores.open_store`).
        join: Which trace a message's life is drawn in: ``linq``, ``app``,
            ``message`` or ``link``.
        stages: False draws no anchor and no stage spans.
        http_spans: ``own`` draws a span for each request on the wire and
            silences HTTP instrumentations beneath it; ``nested`` leaves the
            wire to them.
        webhook_secret: The signing secret of the subscription, or several of
            them while they are rotated.
        excluded_urls: Comma-separated regular expressions; a call whose URL
            matches one is not traced.
        hosts: ``host`` or ``host:port``, one or several: where Linq is called
            besides ``api.linqapp.com``, when it is called without the SDK. The
            hosts of ``LINQ_BASE_URL`` and its like are known already.
        request_hook: Called with the call's span and the request of each
            attempt: an ``httpx.Request`` of the SDK, else the HTTP library's
            own; where that has none, an object with ``method``, ``host`` and
            ``path``.
        response_hook: Called with the call's span, that request, and the HTTP
            library's own response, for each attempt that was answered.
        webhook_hook: Called with the ``process`` span and the event.
    """

    tracer_provider: TracerProvider | None
    store: Store | str | None
    join: Join | None
    stages: bool | None
    http_spans: HttpSpans | None
    webhook_secret: str | Sequence[str] | None
    excluded_urls: str | None
    hosts: str | Sequence[str] | None
    request_hook: RequestHook | None
    response_hook: ResponseHook | None
    webhook_hook: WebhookHook | None


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The options in force; see :class:`Options`.
    """

    tracer_provider: TracerProvider | None = None
    store: Store | str = "memory:"
    join: Join = "linq"
    stages: bool = True
    http_spans: HttpSpans = "own"
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    excluded_urls: str = ""
    hosts: tuple[str, ...] = ()
    request_hook: RequestHook | None = None
    response_hook: ResponseHook | None = None
    webhook_hook: WebhookHook | None = None

    @classmethod
    def read(cls, given: Options, environ: Mapping[str, str] = os.environ) -> Settings:
        """
        Read the options: *given* first, then *environ*, then the defaults.

        Raises:
            ConfigurationError: If a given option has a value we cannot use.
        """
        chosen = {k: v for k, v in given.items() if v is not None}
        _check(chosen)
        secret = cast("str | Sequence[str]", chosen.pop("webhook_secret", ()))
        for name, value in _from_environment(environ).items():
            chosen.setdefault(name, value)
        hosts = cast(
            "str | Sequence[str]", chosen.pop("hosts", environ.get(OTEL_PYTHON_LINQ_HOSTS, ""))
        )
        secrets = _split(secret) or _split(environ.get(_SECRET_VARIABLE, ""))
        return cls(webhook_secrets=secrets, hosts=_split(hosts), **cast("dict[str, Any]", chosen))


def _check(chosen: Mapping[str, object]) -> None:
    for unknown in sorted(set(chosen) - set(Options.__annotations__)):
        known = ", ".join(sorted(Options.__annotations__))
        raise ConfigurationError(f"unknown option {unknown!r}; the options are {known}")
    _check_word("join", chosen.get("join", "linq"), JOINS)
    _check_word("http_spans", chosen.get("http_spans", "own"), get_args(HttpSpans))
    if not isinstance(chosen.get("stages", True), bool):
        raise ConfigurationError("stages must be True or False")
    if not _is_pattern(chosen.get("excluded_urls", "")):
        raise ConfigurationError("excluded_urls must be comma-separated regular expressions")
    if not isinstance(chosen.get("store", ""), (str, Store)):
        raise ConfigurationError(
            "store must be a URL or an object with is_shared, save, find, claim and close"
        )
    if not hasattr(chosen.get("tracer_provider", trace), "get_tracer"):
        raise ConfigurationError("tracer_provider must be an OpenTelemetry TracerProvider")
    if not _is_texts(chosen.get("hosts", "")):
        raise ConfigurationError("hosts must be a host, host:port, or a list of them")
    if not _is_texts(chosen.get("webhook_secret", "")):
        raise ConfigurationError("webhook_secret must be a whsec_ text, or a list of them")
    for hook in ("request_hook", "response_hook", "webhook_hook"):
        if not callable(chosen.get(hook, print)):
            raise ConfigurationError(f"{hook} must be callable")


def _check_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise ConfigurationError(f"{name} must be one of {', '.join(words)}; it is {value!r}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    _take(found, "join", environ, OTEL_PYTHON_LINQ_JOIN, {join: join for join in JOINS})
    own_or_nested = {word: word for word in get_args(HttpSpans)}
    _take(found, "http_spans", environ, OTEL_PYTHON_LINQ_HTTP_SPANS, own_or_nested)
    _take(found, "stages", environ, OTEL_PYTHON_LINQ_STAGES, BOOLEANS)
    if environ.get(OTEL_PYTHON_LINQ_STORE):
        found["store"] = environ[OTEL_PYTHON_LINQ_STORE]
    variable = OTEL_PYTHON_LINQ_EXCLUDED_URLS
    excluded = environ.get(variable) or environ.get(_EXCLUDED_EVERYWHERE, "")
    if _is_pattern(excluded):
        found["excluded_urls"] = excluded
    else:
        report(f"environment: {variable}", f"{variable} holds no regular expression; it is ignored")
    return found


def _take(
    found: dict[str, object],
    name: str,
    environ: Mapping[str, str],
    variable: str,
    words: Mapping[str, object],
) -> None:
    text = environ.get(variable, "").strip().lower()
    if text in words:
        found[name] = words[text]
    elif text:
        report(
            f"environment: {variable}",
            f"{variable} must be one of {', '.join(words)}; its default is used instead",
        )


def _is_texts(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(part, str) for part in cast("Sequence[object]", value))
    return isinstance(value, str)


def _is_pattern(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(compile_excluded(text) or True)
    except re.error:
        return False


def compile_excluded(text: str) -> re.Pattern[str] | None:
    """
    Compile a comma-separated list of regular expressions; None for an empty one.

    Raises:
        re.error: If one of them is no regular expression.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return re.compile("|".join(f"(?:{part})" for part in parts)) if parts else None


def _split(texts: str | Sequence[str]) -> tuple[str, ...]:
    # Neither base64 nor a host holds commas or spaces, so both may separate them.
    if isinstance(texts, str):
        return tuple(texts.replace(",", " ").split())
    return tuple(texts)
