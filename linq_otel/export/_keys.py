"""
Which headers a signal is exported with, and what to type where a key is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError

from ._headers import check_headers, check_value, fill_headers, parse_headers
from ._variables import find_exporter_variable, find_variable
from ._wishes import Wishes


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel._backends import Backend, Signal


def find_key_headers(
    wishes: Wishes, environ: Mapping[str, str], backend: Backend
) -> dict[str, str]:
    """
    Return the headers that *backend* must be sent, without those whose key nobody gave.

    Raises:
        ConfigurationError: If a key is given that it has no use for.
    """
    if wishes.api_key is not None and not backend.needs_key:
        raise ConfigurationError(
            f"{backend.title} asks for no api_key: type the header your endpoint wants instead, "
            "headers={'authorization': …}"
        )
    return fill_headers(backend, *_find_key(wishes, environ, backend))


def find_headers(wishes: Wishes, environ: Mapping[str, str], signal: Signal) -> dict[str, str]:
    """
    Return the headers wished for, and over them those of the environment.

    Raises:
        ConfigurationError: If one cannot be sent.
    """
    headers = check_headers(wishes.headers, "headers=")
    said = find_exporter_variable(environ, signal, "HEADERS")
    return headers if said is None else headers | parse_headers(said.value, said.where)


def check_key(
    backend: Backend, headers: Mapping[str, str], wishes: Wishes, environ: Mapping[str, str]
) -> None:
    """
    Make sure that *headers* hold all that *backend* must be sent.

    Raises:
        ConfigurationError: If one is missing; the text says every way to give it.
    """
    if set(backend.headers) - set(headers):
        found = _find_key(wishes, environ, backend)
        raise ConfigurationError(_ask(backend, *found, has_code=wishes != Wishes()))


def _find_key(
    wishes: Wishes, environ: Mapping[str, str], backend: Backend
) -> tuple[str | None, str | None]:
    """
    Answer the key and the instance it is of, where there are any.
    """
    return (
        _find(wishes.api_key, "api_key=", environ, backend.key_variables),
        _find(wishes.instance_id, "instance_id=", environ, backend.instance_variables),
    )


def _find(
    wish: str | None, where: str, environ: Mapping[str, str], variables: tuple[str, ...]
) -> str | None:
    if wish is not None:
        return check_value(wish, where)
    found = find_variable(environ, *variables)
    return check_value(found.value, found.where) if found is not None else None


def _ask(backend: Backend, key: str | None, instance: str | None, *, has_code: bool) -> str:
    """
    Say what is missing, and every way to give it.
    """
    lacking: list[str] = []
    if key is None:
        lacking.append(_say_ways("api_key", backend.key_variables, has_code=has_code))
    if backend.instance_variables and instance is None:
        lacking.append(_say_ways("instance_id", backend.instance_variables, has_code=has_code))
    verb = "type" if has_code else "set"
    return f"{backend.title} needs a key: {verb} {' and '.join(lacking)}; see {backend.source}"


def _say_ways(keyword: str, variables: tuple[str, ...], *, has_code: bool) -> str:
    named = " or ".join(variables)
    return f"{keyword}=… (or set {named})" if has_code else named
