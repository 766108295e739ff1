"""
Puts a key that carries the sender's context into one call of the SDK.

Only where the user says nothing about a key at all, and into copies: the very
objects the user gave may be sent again, and must then get a key of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ._carrier import PLACES, Place, format_carrier
from ._idempotency import FIELD, HEADER, mentions_idempotency_key
from ._json import as_mapping
from ._shield import shield


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._calls import Call

    Arguments = tuple[tuple[Any, ...], dict[str, Any]]


_OPTIONS: Final = "options"


def get_options(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """
    Return the ``FinalRequestOptions`` among the arguments of the SDK's ``request``.

    Raises:
        IndexError: If there are none.
    """
    return kwargs[_OPTIONS] if _OPTIONS in kwargs else args[1]


def body_of(options: Any) -> Mapping[str, Any]:
    """
    Return the body as the SDK will send it: what ``extra_body`` says comes first.
    """
    body, extra = as_mapping(options.json_data), as_mapping(options.extra_json)
    return {**body, **extra} if extra else body


def carry(call: Call, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """
    Return the arguments of the SDK's ``request`` with a key of ours in them, or as they are.

    Its retries send the same options again, and so the same key.
    """
    with shield("carrying the context"):
        options = get_options(args, kwargs)
        place = PLACES.get(call.operation.name)
        if place is not None and _is_free(options, client, place):
            key = format_carrier(call.span.get_span_context())
            if key is not None:
                arguments = _replace(args, kwargs, _with_key(options, place, key))
                call.settlement.carry(key)
                return arguments
    return args, kwargs


def _is_free(options: Any, client: Any, place: Place) -> bool:
    """
    Tell whether the user leaves the key to us: a key, none on purpose, and any other body do not.
    """
    if options.idempotency_key is not None or getattr(client, "_idempotency_header", None):
        # Somebody has the SDK send keys of its own.
        return False
    if options.files is not None or getattr(options, "content", None) is not None:
        return False
    holder: object = getattr(options, _holder_of(options, place))
    # Other mappings are refused by json, and shall be.
    if not (isinstance(holder, dict) and isinstance(cast("Any", holder).get(place.part), dict)):
        return False
    return not mentions_idempotency_key(body_of(options), _header_names(options, client))


def _header_names(options: Any, client: Any) -> Iterator[str]:
    for headers in (as_mapping(options.headers), client.default_headers):
        # A call with the keyword `idempotency_key` names the header, also where it leaves it out.
        yield from (name for name, value in headers.items() if type(value).__name__ != "Omit")
    # The SDK's client of httpx may be one the user has set up.
    yield from client._client.headers  # noqa: SLF001


def _with_key(options: Any, place: Place, key: str) -> Any:
    holder = _holder_of(options, place)
    body: dict[str, Any] = getattr(options, holder)
    changes: dict[str, Any] = {holder: {**body, place.part: {**body[place.part], FIELD: key}}}
    if place.in_header:
        changes["headers"] = {**as_mapping(options.headers), HEADER: key}
    # The SDK runs on both pydantic 1 and 2; copy.copy() of the first shares the fields.
    make_copy = getattr(options, "model_copy", None) or options.copy
    return make_copy(update=changes)


def _holder_of(options: Any, place: Place) -> str:
    """
    Name the field of *options* that has the part in it which is sent.
    """
    return "extra_json" if place.part in as_mapping(options.extra_json) else "json_data"


def _replace(args: tuple[Any, ...], kwargs: dict[str, Any], options: Any) -> Arguments:
    if _OPTIONS in kwargs:
        return args, {**kwargs, _OPTIONS: options}
    return (args[0], options, *args[2:]), kwargs
