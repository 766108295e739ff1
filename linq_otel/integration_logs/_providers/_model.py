"""
What has to be known of a CRM, as data.

A provider is a table: nothing of it is code, so that another CRM is another table. Yours is found
by the entry point group ``linq_otel_integration_providers``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast


if TYPE_CHECKING:
    from collections.abc import Mapping


_NO_MAP: Final[dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One thing a CRM can be asked to do.

    Attributes:
        name: Ours, of few different values: ``message.inbound``.
        method: ``POST``.
        template: The path, its variable parts in braces: ``/contacts/{contact_id}``.
        confirms: Where the answer names what it made, ``contact.id``: a success that names none of
            them is not confirmed. Empty: as the provider says.
        is_read: True where nothing is handed over: a search, a token.
        bare: Statuses that confirm alone: their answer is documented to have no body.
    """

    name: str
    method: str
    template: str
    confirms: tuple[str, ...] = ()
    is_read: bool = False
    bare: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """
    A system Linq hands texts and contacts to.

    Attributes:
        name: ``gohighlevel``.
        title: As people write it, ``GoHighLevel``.
        aliases: What else they say, in lower case.
        hosts: Its hosts; one that begins with a dot stands for all below it.
        base_url: What relative URLs hang under.
        operations: What it can be asked; the first that fits counts.
        texts: Names of the operations that hand a text over.
        confirms: Where a success names what it made, where the operation does not say; ``*`` is any
            answer that has something in it and does not report a failure.
        bare: Statuses that confirm alone a call that hands no text over.
        is_confirmed_by_status: True where a 2xx is all there is to expect.
        ids: Names of ids to where they stand, best first: ``response.contactId``,
            ``request.contactId``, or ``path.contact_id`` for a part of the template.
        are_ids_numeric: True where it numbers its records, so digits alone are an id; False where
            they are none; None where they are one unless they may be a phone number.
        request_id_headers: Headers that name the request in the CRM's own log.
        request_ids: The same within the answer's body.
        error_codes: Where the answer names the kind of error.
        error_messages: Where it explains it.
        rate_limits: Headers to fields of :class:`~linq_otel.integration_logs.RateLimit`.
        usage_header: A header of the form ``api-usage=25/5000``.
        throttle_codes: Error codes that mean "too many calls" under another status than 429.
        throttle_policies: Words of the answer to ``burst`` or ``daily``.
        policies: Where those words stand.
    """

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    base_url: str = ""
    operations: tuple[Operation, ...] = ()
    texts: tuple[str, ...] = ("message.inbound", "message.log", "message.send", "message.outbound")
    confirms: tuple[str, ...] = ("id", "messageId")
    bare: tuple[int, ...] = ()
    is_confirmed_by_status: bool = False
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    are_ids_numeric: bool | None = None
    request_id_headers: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    error_codes: tuple[str, ...] = ()
    error_messages: tuple[str, ...] = ("message", "error.message", "error_description", "error")
    rate_limits: Mapping[str, str] = field(default_factory=_NO_MAP.copy)
    usage_header: str = ""
    throttle_codes: frozenset[str] = frozenset()
    throttle_policies: Mapping[str, str] = field(default_factory=_NO_MAP.copy)
    policies: tuple[str, ...] = ()


Places: TypeAlias = "tuple[tuple[str, tuple[tuple[str, str | None, tuple[str, ...]], ...]], ...]"
"""Names of ids, each with its places: a side, the first of the steps within it, and all of them."""


def split_places(ids: Mapping[str, tuple[str, ...]]) -> Places:
    """
    Take apart where the ids of a provider stand, which is the same for each of its calls.
    """
    return tuple((name, tuple(map(_split_place, paths))) for name, paths in ids.items())


def _split_place(path: str) -> tuple[str, str | None, tuple[str, ...]]:
    side, *steps = path.split(".")
    return side, steps[0] if steps else None, tuple(steps)


@lru_cache(maxsize=1_024)
def steps_of(path: str) -> tuple[str, ...]:
    """
    Return the steps of a path, ``errors.*.message``.
    """
    return tuple(path.split("."))


def find_path(value: object, path: str) -> object:
    """
    Return what stands at *path* in JSON; None if nothing does.

    A number counts from the start of a list, and ``*`` is the first element that has the rest.
    """
    return follow(value, steps_of(path))


def follow(value: object, steps: tuple[str, ...], at: int = 0) -> object:
    """
    Return what stands behind the steps of a path, from *at* on; None if nothing does.
    """
    while at < len(steps):
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(steps[at])
            at += 1
        elif isinstance(value, list):
            return _follow_list(cast("list[object]", value), steps, at)
        else:
            return None
    return value


def _follow_list(items: list[object], steps: tuple[str, ...], at: int) -> object:
    step = steps[at]
    if step.isdecimal():
        items = items[int(step) : int(step) + 1]
    elif step != "*":
        return None
    for item in items:
        found = follow(item, steps, at + 1)
        if found is not None:
            return found
    return None


def find_first(value: object, paths: tuple[str, ...]) -> object:
    """
    Return what stands at the first of *paths* that holds anything; None if none does.
    """
    if not value:
        return None
    for path in paths:
        found = follow(value, steps_of(path))
        if found is not None and found != "":
            return found
    return None
