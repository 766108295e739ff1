"""
The options of webhook endpoints in apps that do not add our middleware themselves.

As for all options: a keyword wins over the environment, a wrong keyword is an
error, and a wrong environment variable is reported and passed over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from linq_otel._environment import BOOLEANS
from linq_otel._settings import Options
from linq_otel._shield import report
from linq_otel.environment_variables import (
    OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES,
    OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE,
    OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY,
    OTEL_PYTHON_LINQ_WEBHOOK_PATHS,
)
from linq_otel.errors import ConfigurationError

from ._receiver import MAX_BODY, Duplicates


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


class WebhookOptions(Options, total=False):
    """
    The keywords of ``LinqWebhooksInstrumentor().instrument()``; each may be left out.

    Attributes:
        paths: The paths webhooks arrive at, or one text of them with commas;
            without any, a request is a webhook if its headers say so.
        enforce: True answers for the app: 401 where the signature is bad, 400
            where there is no event. Needs *paths*.
        duplicates: ``mark`` or ``answer``, as for ``WebhookReceiver``.
        max_body: Bytes above which a body is passed on unread.
    """

    paths: Sequence[str] | str | None
    enforce: bool | None
    duplicates: Duplicates | None
    max_body: int | None


@dataclass(frozen=True)
class LinqWebhooksConfiguration:
    """
    What OpenTelemetry's declarative configuration file can say under ``linq_webhooks``.

    Attributes:
        paths: As for :class:`WebhookOptions`.
        enforce: As for :class:`WebhookOptions`.
        duplicates: As for :class:`WebhookOptions`.
        max_body: As for :class:`WebhookOptions`.
        store: The URL of the store.
        join: ``linq``, ``app``, ``message`` or ``link``.
        stages: False draws no anchor and no stage spans.
        webhook_secret: The signing secret, several of them separated by
            spaces; better given by ``${LINQ_WEBHOOK_SECRET}``.
    """

    paths: list[str] | None = None
    enforce: bool | None = None
    duplicates: str | None = None
    max_body: int | None = None
    store: str | None = None
    join: str | None = None
    stages: bool | None = None
    webhook_secret: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """
    The options in force; see :class:`WebhookOptions`.
    """

    paths: tuple[str, ...] = ()
    enforce: bool = False
    duplicates: Duplicates = "mark"
    max_body: int = MAX_BODY

    @classmethod
    def read(
        cls, given: Mapping[str, object], environ: Mapping[str, str] = os.environ
    ) -> WebhookSettings:
        """
        Read the options: *given* first, then *environ*, then the defaults.

        Raises:
            ConfigurationError: If a given option has a value we cannot use, or
                there are no paths to enforce at.
        """
        chosen = {name: _checked(name, given[name]) for name in _READERS if name in given}
        for name, (variable, read) in _READERS.items():
            text = environ.get(variable, "").strip()
            if name not in chosen and text:
                _take(chosen, name, variable, read(text))
        settings = cls(**cast("dict[str, Any]", chosen))
        if settings.enforce and not settings.paths:
            # From the environment too: an app that believes itself guarded must not start.
            raise ConfigurationError(
                "enforce needs the paths it guards: paths=, or " + OTEL_PYTHON_LINQ_WEBHOOK_PATHS
            )
        return settings


def split(options: WebhookOptions) -> tuple[dict[str, object], Options]:
    """
    Part the options of this door from those the whole package shares.
    """
    given = {name: value for name, value in options.items() if value is not None}
    own = {name: given.pop(name) for name in _READERS if name in given}
    return own, cast("Options", given)


def _read_paths(text: str) -> tuple[str, ...] | None:
    paths = tuple(part.strip() for part in text.split(",") if part.strip())
    return paths if paths and all(map(_is_path, paths)) else None


def _is_path(text: str) -> bool:
    # No request's path has a query or a fragment in it.
    return text.startswith("/") and not set(text) & {"?", "#"}


def _read_number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004  # Digits.
    return int(text) if is_number and int(text) else None


_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "paths": (OTEL_PYTHON_LINQ_WEBHOOK_PATHS, _read_paths),
    "enforce": (OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE, lambda text: BOOLEANS.get(text.lower())),
    "duplicates": (
        OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES,
        {word: word for word in get_args(Duplicates)}.get,
    ),
    "max_body": (OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY, _read_number),
}


def _take(chosen: dict[str, object], name: str, variable: str, value: object) -> None:
    if value is None:
        said = f"{variable} has a value we cannot use: {_RULES[name]}; it is ignored"
        report(f"environment: {variable}", said)
    else:
        chosen[name] = value


def _checked(name: str, value: object) -> object:
    if name == "paths":
        value = _checked_paths(value)
    is_good = {
        "paths": isinstance(value, tuple),
        "enforce": isinstance(value, bool),
        "duplicates": value in get_args(Duplicates),
        "max_body": type(value) is int and value > 0,
    }
    if not is_good[name]:
        raise ConfigurationError(f"{name} has a value we cannot use: {_RULES[name]}")
    return value


def _checked_paths(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return _read_paths(value) if value else ()
    if not isinstance(value, (list, tuple, set, frozenset)):
        return None
    parts = cast("Collection[object]", value)
    if any(not isinstance(part, str) or not _read_paths(part) for part in parts):
        return None
    return tuple(cast("str", part).strip() for part in parts)


_RULES = {
    "paths": "it must be paths that begin with /, without a query",
    "enforce": "it must be True or False",
    "duplicates": "it must be mark or answer",
    "max_body": "it must be a number of bytes above 0",
}
