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
from difflib import get_close_matches
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast, get_args

from ._environment import (
    Carrier,
    HttpSpans,
    are_hosts,
    is_capture_allowed,
    is_pattern,
    read_environment,
    split,
)
from ._late import LATE_CHOICES, choose_late_policy
from ._lifecycle import JOINS, STUCK_AFTER, Join
from ._signing_secrets import SECRET_VARIABLE, read_secrets, split_secrets
from .errors import ConfigurationError
from .stores import Store


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from ._events import Event

    Provider = TracerProvider | MeterProvider | LoggerProvider
    Option = str | bool | float | Store | Sequence[str] | Callable[..., None] | Provider | None


__all__ = [
    "Carrier",
    "HttpSpans",
    "Options",
    "RequestHook",
    "ResponseHook",
    "Settings",
    "WebhookHook",
]

RequestHook = Callable[["Span", Any], None]
ResponseHook = Callable[["Span", Any, Any], None]
WebhookHook = Callable[["Span", "Event"], None]


class Options(TypedDict, total=False):
    """
    The keywords of ``instrument()``; each may be left out.

    Attributes:
        tracer_provider: Where spans go; the global provider if left out.
        meter_provider: Where metrics go; the global provider if left out.
        logger_provider: Where log events go; the global provider if left out.
        store: A store, or the URL of one (:func:`linq_otel.stores.open_store`).
        store_timeout: Seconds a shared store may take for one operation; after
            that a call goes on without it (default 0.05).
        join: Which trace a message's life is drawn in: ``linq``, ``app``,
            ``message`` or ``link``.
        stages: False draws no anchor and no stage spans.
        stage_events: True tells each stage as a log event too, in the trace of
            the span that sent the message.
        stuck_after: Seconds after which an accepted message that was not sent
            counts as stuck (default 300).
        carrier: ``idempotency_key`` gives each message that the SDK sends
            without a key one that carries the sending span, so that its
            webhooks join with no store; ``none`` (default) leaves requests as
            they are.
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
        late: What becomes of spans too old for the backend: ``keep``, ``clamp``,
            ``link``, or the name of a backend whose limits are known.
        late_after: The age in seconds from which that is done, in place of the
            backend's own.
        handle_key: Shows senders and recipients as hashes keyed with it
            (HMAC-SHA256); without it they are not shown at all.
        capture_content: True shows the text of messages, if
            ``OTEL_PYTHON_LINQ_CAPTURE_CONTENT`` is ``true`` as well.
        request_hook: Called with the call's span and the request of each
            attempt: an ``httpx.Request`` of the SDK, else the HTTP library's
            own; where that has none, an object with ``method``, ``host`` and
            ``path``.
        response_hook: Called with the call's span, that request, and the HTTP
            library's own response, for each attempt that was answered.
        webhook_hook: Called with the ``process`` span and the event.
    """

    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None
    logger_provider: LoggerProvider | None
    store: Store | str | None
    store_timeout: float | None
    join: Join | None
    stages: bool | None
    stage_events: bool | None
    stuck_after: float | None
    carrier: Carrier | None
    http_spans: HttpSpans | None
    webhook_secret: str | Sequence[str] | None
    excluded_urls: str | None
    hosts: str | Sequence[str] | None
    late: str | None
    late_after: float | None
    handle_key: str | None
    capture_content: bool | None
    request_hook: RequestHook | None
    response_hook: ResponseHook | None
    webhook_hook: WebhookHook | None


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The options in force; see :class:`Options`.
    """

    tracer_provider: TracerProvider | None = None
    meter_provider: MeterProvider | None = None
    logger_provider: LoggerProvider | None = None
    store: Store | str = "memory:"
    store_timeout: float = 0.05
    join: Join = "linq"
    stages: bool = True
    stage_events: bool = False
    stuck_after: float = STUCK_AFTER
    carrier: Carrier = "none"
    http_spans: HttpSpans = "own"
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    excluded_urls: str = ""
    hosts: tuple[str, ...] = ()
    late: str = "keep"
    late_after: float | None = None
    handle_key: str | None = field(default=None, repr=False)
    capture_content: bool = False
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
        given_secret = cast("str | Sequence[str]", chosen.pop("webhook_secret", ()))
        # A wrong one in the environment stays: it lets nothing in, and the app starts.
        secrets = read_secrets(given_secret, "webhook_secret") or split_secrets(
            environ.get(SECRET_VARIABLE, "")
        )
        for name, value in read_environment(environ).items():
            chosen.setdefault(name, value)
        if given.get("late_after") is not None:
            _check_late(cast("str", chosen.get("late", "keep")))
        if chosen.get("capture_content") and not is_capture_allowed(environ):
            chosen["capture_content"] = False
        hosts = split(cast("str | Sequence[str]", chosen.pop("hosts", "")))
        return cls(webhook_secrets=secrets, hosts=hosts, **cast("dict[str, Any]", chosen))


def refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    """
    Make sure that each of *names* is *known*.

    Raises:
        ConfigurationError: If one is not; the text says which was meant.
    """
    options = sorted(known)
    for unknown in sorted(set(names) - set(options)):
        meant = _find_meant(unknown, options)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ConfigurationError(
            f"unknown option {unknown!r}; the options are {', '.join(options)}{hint}"
        )


def _find_meant(unknown: str, options: Sequence[str]) -> str | None:
    # People add or leave out a prefix: `secret`, `webhook_paths`.
    ends = {option.removeprefix("webhook_"): option for option in options}
    end = re.sub("^(webhooks?|linq|otel|python)_|_url$", "", unknown.lower())
    near = get_close_matches(end, ends, 1) or get_close_matches(end, options, 1)
    return ends.get(near[0], near[0]) if near else None


def _check(chosen: Mapping[str, object]) -> None:
    refuse_unknown(chosen, Options.__annotations__)
    _check_word("join", chosen.get("join", "linq"), JOINS)
    _check_word("carrier", chosen.get("carrier", "none"), get_args(Carrier))
    _check_word("late", chosen.get("late", "keep"), LATE_CHOICES)
    _check_word("http_spans", chosen.get("http_spans", "own"), get_args(HttpSpans))
    for name, (is_fit, what) in _KINDS.items():
        if name in chosen and not is_fit(chosen[name]):
            raise ConfigurationError(f"{name} must be {what}")


def _check_late(late: str) -> None:
    if choose_late_policy(late, None).action == "keep":
        raise ConfigurationError(
            f"late_after needs late=clamp, link or a backend with a limit: late={late} keeps "
            "every span"
        )


def _check_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise ConfigurationError(f"{name} must be one of {', '.join(words)}; it is {value!r}")


def _is_seconds(value: object) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < cast("float", value) < float("inf")


def _is_texts(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(part, str) for part in cast("Sequence[object]", value))
    return isinstance(value, str)


def _has(method: str) -> Callable[[object], bool]:
    # A class has the methods of its instances, and none of them works.
    return lambda value: hasattr(value, method) and not isinstance(value, type)


def _is_hook(value: object) -> bool:
    # What a coroutine function returns would never be awaited.
    parts = (value, getattr(type(value), "__call__", None))  # noqa: B004  # Not whether, but which.
    return callable(value) and not any(map(iscoroutinefunction, parts))


_KINDS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "stages": (lambda value: isinstance(value, bool), "True or False"),
    "excluded_urls": (is_pattern, "comma-separated regular expressions"),
    "store": (
        lambda value: isinstance(value, (str, Store)) and not isinstance(value, type),
        "a URL or an object with is_shared, save, find, claim and close",
    ),
    "store_timeout": (_is_seconds, "a number of seconds above 0"),
    "tracer_provider": (
        _has("get_tracer"),
        "an OpenTelemetry TracerProvider",
    ),
    "logger_provider": (
        _has("get_logger"),
        "an OpenTelemetry LoggerProvider",
    ),
    "stage_events": (lambda value: isinstance(value, bool), "True or False"),
    "stuck_after": (_is_seconds, "a number of seconds above 0"),
    "meter_provider": (_has("get_meter"), "an OpenTelemetry MeterProvider"),
    "hosts": (are_hosts, "a host, host:port, or a list of them"),
    "webhook_secret": (_is_texts, "a whsec_ text, or a list of them"),
    "late_after": (_is_seconds, "a number of seconds above 0"),
    "handle_key": (
        lambda value: isinstance(value, str) and bool(value.strip()),
        "a text, not empty",
    ),
    "capture_content": (lambda value: isinstance(value, bool), "True or False"),
    "request_hook": (_is_hook, "callable, and no coroutine function"),
    "response_hook": (_is_hook, "callable, and no coroutine function"),
    "webhook_hook": (_is_hook, "callable, and no coroutine function"),
}
