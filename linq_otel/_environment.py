"""
The options that the environment names, by words that a person can type there.

A wrong one is logged and passed over, because the app must start. Its value is
not repeated: some are keys.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, cast, get_args

from . import environment_variables
from ._late import LATE_CHOICES
from ._lifecycle import JOINS
from ._shield import report
from ._signing_secrets import SECRET_VARIABLE
from ._targets import is_host
from .environment_variables import (
    OTEL_PYTHON_LINQ_CAPTURE_CONTENT,
    OTEL_PYTHON_LINQ_CARRIER,
    OTEL_PYTHON_LINQ_EXCLUDED_URLS,
    OTEL_PYTHON_LINQ_HANDLE_KEY,
    OTEL_PYTHON_LINQ_HOSTS,
    OTEL_PYTHON_LINQ_HTTP_SPANS,
    OTEL_PYTHON_LINQ_JOIN,
    OTEL_PYTHON_LINQ_LATE,
    OTEL_PYTHON_LINQ_LATE_AFTER,
    OTEL_PYTHON_LINQ_STAGE_EVENTS,
    OTEL_PYTHON_LINQ_STAGES,
    OTEL_PYTHON_LINQ_STORE,
    OTEL_PYTHON_LINQ_STORE_TIMEOUT,
    OTEL_PYTHON_LINQ_STUCK_AFTER,
)


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Carrier = Literal["none", "idempotency_key"]
HttpSpans = Literal["own", "nested"]

_PREFIX: Final = "OTEL_PYTHON_LINQ_"
_PREFIXES: Final = ("OTEL_PYTHON_LINQ", "OTEL_LINQ_", "LINQ_OTEL_")
# The two with BACKEND are read by the export.
_KNOWN: Final = (
    *environment_variables.__all__,
    f"{_PREFIX}BACKEND",
    f"{_PREFIX}BACKEND_REGION",
    SECRET_VARIABLE,
)
EXCLUDED_EVERYWHERE: Final = "OTEL_PYTHON_EXCLUDED_URLS"
"""What every instrumentation reads that has no variable of its own."""
BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
"""What an environment variable may say for yes and no."""


def read_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """
    Return the options that *environ* names; what cannot be understood is reported and left out.
    """
    found: dict[str, object] = {}
    for name, meant in find_misspelt(environ).items():
        hint = f"; did you mean {meant}?" if meant else ""
        report(f"environment: {name}", f"unknown variable {name}{hint}")
    _take(found, "join", environ, OTEL_PYTHON_LINQ_JOIN, {join: join for join in JOINS})
    carriers = {word: word for word in get_args(Carrier)}
    _take(found, "carrier", environ, OTEL_PYTHON_LINQ_CARRIER, carriers)
    own_or_nested = {word: word for word in get_args(HttpSpans)}
    _take(found, "http_spans", environ, OTEL_PYTHON_LINQ_HTTP_SPANS, own_or_nested)
    _take(found, "stages", environ, OTEL_PYTHON_LINQ_STAGES, BOOLEANS)
    _take(found, "stage_events", environ, OTEL_PYTHON_LINQ_STAGE_EVENTS, BOOLEANS)
    late = {word: word for word in LATE_CHOICES}
    _take(found, "late", environ, OTEL_PYTHON_LINQ_LATE, late)
    _take_milliseconds(found, "late_after", environ, OTEL_PYTHON_LINQ_LATE_AFTER)
    _take_milliseconds(found, "stuck_after", environ, OTEL_PYTHON_LINQ_STUCK_AFTER)
    if environ.get(OTEL_PYTHON_LINQ_STORE, "").strip():
        found["store"] = environ[OTEL_PYTHON_LINQ_STORE].strip()
    if environ.get(OTEL_PYTHON_LINQ_HANDLE_KEY, "").strip():
        found["handle_key"] = environ[OTEL_PYTHON_LINQ_HANDLE_KEY]
    _take_milliseconds(found, "store_timeout", environ, OTEL_PYTHON_LINQ_STORE_TIMEOUT)
    is_ours = bool(environ.get(OTEL_PYTHON_LINQ_EXCLUDED_URLS))
    variable = OTEL_PYTHON_LINQ_EXCLUDED_URLS if is_ours else EXCLUDED_EVERYWHERE
    excluded = environ.get(variable, "")
    if is_pattern(excluded):
        found["excluded_urls"] = excluded
    else:
        report(f"environment: {variable}", f"{variable} holds no regular expression; it is ignored")
    hosts = environ.get(OTEL_PYTHON_LINQ_HOSTS, "")
    if are_hosts(hosts):
        found["hosts"] = hosts
    else:
        report(
            f"environment: {OTEL_PYTHON_LINQ_HOSTS}",
            f"{OTEL_PYTHON_LINQ_HOSTS} must be a host, host:port, or several with commas; "
            "it is ignored",
        )
    return found


def is_capture_allowed(environ: Mapping[str, str]) -> bool:
    """
    Tell whether who runs the app allows what its code asks for: texts of messages in signals.
    """
    variable = OTEL_PYTHON_LINQ_CAPTURE_CONTENT
    if BOOLEANS.get(environ.get(variable, "").strip().lower()):
        return True
    report(f"environment: {variable}", f"no content is captured: {variable}=true allows it")
    return False


def find_misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return the variables of *environ* that look like this package's and are not, with those meant.

    One is empty if no variable has a name like it.
    """
    is_verified = bool(environ.get(SECRET_VARIABLE))
    return {
        name: _find_meant(name)
        for name in environ
        # An app may have variables that are named like the secret, beside it.
        if _is_misspelt(name) and not (is_verified and name.startswith("LINQ_WEBHOOK"))
    }


def _is_misspelt(name: str) -> bool:
    # Without these, no name is near, and to compare one with all that are known takes 0.1 ms.
    if name in _KNOWN or not ("LINQ" in name or name.startswith("OTEL_PYTHON_")):
        return False
    return name.startswith(_PREFIXES) or bool(get_close_matches(name, _KNOWN, 1, 0.93))


def _find_meant(name: str) -> str:
    if get_close_matches(name, (SECRET_VARIABLE,), 1, 0.8):
        return SECRET_VARIABLE
    # What all of them begin with makes any two alike.
    ends = {known.removeprefix(_PREFIX): known for known in _KNOWN}
    end = re.sub("^(OTEL|PYTHON|LINQ|_)+", "", name)
    near = get_close_matches(end, ends, 1, 0.6)
    return ends[near[0]] if near else ""


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


def _take_milliseconds(
    found: dict[str, object], name: str, environ: Mapping[str, str], variable: str
) -> None:
    text = environ.get(variable, "").strip()
    if not text:
        return
    # Milliseconds, as the specification has it for every duration in the environment.
    if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0:  # noqa: PLR2004  # Digits.
        found[name] = int(text) / 1000
    else:
        report(
            f"environment: {variable}",
            f"{variable} must be a whole number of milliseconds; its default is used instead",
        )


def split(texts: str | Sequence[str]) -> tuple[str, ...]:
    """
    Split a text of hosts at its commas and spaces; a list is taken as it is.
    """
    # A host holds no commas or spaces, so both may separate them.
    if isinstance(texts, str):
        return tuple(texts.replace(",", " ").split())
    return tuple(texts)


def are_hosts(texts: object) -> bool:
    """
    Tell whether *texts* is one text of hosts, or a list of them.
    """
    if isinstance(texts, (list, tuple)):
        parts = cast("Sequence[object]", texts)
        return all(isinstance(part, str) and is_host(part) for part in parts)
    return isinstance(texts, str) and all(map(is_host, split(texts)))


def is_pattern(text: object) -> bool:
    """
    Tell whether *text* is what :func:`compile_excluded` takes.
    """
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
