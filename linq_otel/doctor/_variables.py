"""
The variables of this package: which are set, misspelt, or say what nobody understands.

The app starts whatever they say, and logs a line that few people see. Values
are not repeated: some are keys, and a store's URL holds a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from linq_otel import environment_variables as names
from linq_otel._backends import BACKENDS
from linq_otel._environment import (
    BOOLEANS,
    EXCLUDED_EVERYWHERE,
    Carrier,
    HttpSpans,
    are_hosts,
    find_misspelt,
    is_pattern,
)
from linq_otel._late import LATE_CHOICES
from linq_otel._lifecycle import JOINS
from linq_otel._signing_secrets import SECRET_VARIABLE
from linq_otel.export._variables import BACKEND, REGION

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._findings import Finding


KNOWN: Final = (*names.__all__, BACKEND, REGION)
"""What this package reads that begins with OTEL_PYTHON_LINQ_."""
_BYTES: Final = "a whole number of bytes above 0"


def find_in_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """
    Yield what there is to say of the variables.
    """
    known = [name for name in (*KNOWN, SECRET_VARIABLE) if environ.get(name, "").strip()]
    if known:
        yield tell("environment.set", f"set: {', '.join(sorted(known))}")
    for name, meant in sorted(find_misspelt(environ).items()):
        yield _tell_misspelt(name, meant)
    for name in find_invalid(environ):
        rule = _RULES_OF_ALL[name][1]
        example = f"export {name}={_EXAMPLES[name]}" if name in _EXAMPLES else f"unset {name}"
        yield tell(
            "environment.invalid",
            f"{name} must be {rule}",
            detail="Its default is used instead.",
            remedy=example,
        )


def find_invalid(environ: Mapping[str, str]) -> list[str]:
    """
    Return the variables whose values cannot be understood.
    """
    return [
        name
        for name, (is_fit, _) in _RULES_OF_ALL.items()
        if environ.get(name, "").strip() and not is_fit(environ[name].strip())
    ]


def without_invalid(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return *environ* without them and without what is misspelt, as the app behaves.
    """
    passed_over = {*find_invalid(environ), *find_misspelt(environ)}
    return {name: value for name, value in environ.items() if name not in passed_over}


def _tell_misspelt(name: str, meant: str) -> Finding:
    return tell(
        "environment.misspelt",
        f"unknown variable {name}",
        detail=f"Did you mean {meant}?" if meant else "No variable has a name like it.",
        remedy=f"export {meant}=…; unset {name}" if meant else f"unset {name}",
    )


def _is_word_of(words: tuple[str, ...]) -> tuple[Callable[[str], bool], str]:
    return lambda text: text.lower() in words, f"one of {', '.join(words)}"


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0  # noqa: PLR2004  # Digits.


def _are_paths(text: str) -> bool:
    paths = [part.strip() for part in text.split(",") if part.strip()]
    return bool(paths) and all(path.startswith("/") for path in paths)


_YES_OR_NO: Final = _is_word_of(tuple(BOOLEANS))
_MILLISECONDS: Final = (_is_whole, "a whole number of milliseconds above 0")
RULES: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    names.OTEL_PYTHON_LINQ_JOIN: _is_word_of(JOINS),
    names.OTEL_PYTHON_LINQ_CARRIER: _is_word_of(get_args(Carrier)),
    names.OTEL_PYTHON_LINQ_HTTP_SPANS: _is_word_of(get_args(HttpSpans)),
    names.OTEL_PYTHON_LINQ_LATE: _is_word_of(LATE_CHOICES),
    names.OTEL_PYTHON_LINQ_STAGES: _YES_OR_NO,
    names.OTEL_PYTHON_LINQ_STAGE_EVENTS: _YES_OR_NO,
    names.OTEL_PYTHON_LINQ_CAPTURE_CONTENT: _YES_OR_NO,
    names.OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE: _YES_OR_NO,
    names.OTEL_PYTHON_LINQ_LATE_AFTER: _MILLISECONDS,
    names.OTEL_PYTHON_LINQ_STUCK_AFTER: _MILLISECONDS,
    names.OTEL_PYTHON_LINQ_STORE_TIMEOUT: _MILLISECONDS,
    names.OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY: (_is_whole, _BYTES),
    names.OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES: _is_word_of(("mark", "answer")),
    names.OTEL_PYTHON_LINQ_WEBHOOK_PATHS: (_are_paths, "paths that begin with /"),
    names.OTEL_PYTHON_LINQ_EXCLUDED_URLS: (is_pattern, "comma-separated regular expressions"),
    names.OTEL_PYTHON_LINQ_HOSTS: (are_hosts, "a host, host:port, or several with commas"),
    BACKEND: _is_word_of(tuple(BACKENDS)),
}
"""What each variable may say, in the order of the list of variables."""
_RULES_OF_ALL: Final = {**RULES, EXCLUDED_EVERYWHERE: RULES[names.OTEL_PYTHON_LINQ_EXCLUDED_URLS]}
_EXAMPLES: Final = {
    names.OTEL_PYTHON_LINQ_JOIN: "linq",
    names.OTEL_PYTHON_LINQ_LATE_AFTER: "3600000",
    names.OTEL_PYTHON_LINQ_STUCK_AFTER: "300000",
    names.OTEL_PYTHON_LINQ_STORE_TIMEOUT: "50",
    names.OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY: "1048576",
    names.OTEL_PYTHON_LINQ_WEBHOOK_PATHS: "/webhooks/linq",
    BACKEND: "jaeger",
}
