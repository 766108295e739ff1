"""
Where a call went: provider, operation and a URL that can be shown.

The same few URLs come back in every row, so what was found out about one is remembered. Ids stay in
a path, because an admin looks for them; addresses, numbers and whatever a stranger's path may hold
do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ._entries import Target
from ._findings import UnusableError
from ._patterns import REDACTED, find_kinds, may_be_number, normalize, redact_text
from ._providers import OTHER
from ._providers._model import split_places
from ._redaction import find_id, is_key, is_personal_name, precedes_person


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._providers import Operation, Provider, Providers
    from ._providers._model import Places


_KEPT_QUERY: Final = frozenset({"limit", "after", "locationId", "idProperty", "offset", "page"})
# A version that is a month or a day (HubSpot's 2026-03, 2026-09-beta) is no phone number.
_DATED: Final = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])(?:-[0-3]\d)?(?:-[a-z]{1,10})?", re.ASCII)
_WORD: Final = re.compile(
    r"[a-z][a-z_-]{0,40}(?:\.(?:json|xml|php|html?|aspx?|do))?|v\d{1,2}(?:\.\d)?", re.ASCII
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?(/|$)")
# The property that names a record by HubSpot's own number.
_OWN_ID: Final = frozenset({"hs_object_id", "id", "vid"})
_HIDDEN: Final = frozenset({"{email}", "{phone}"})
_CUT: Final = ("…", "...")
_PORTS: Final = {"https": 443, "http": 80}
_LINQ: Final = "linqapp.com"
_SMALL: Final = 6  # Digits of a number that is no phone number.


@dataclass(frozen=True, slots=True)
class Route:
    """
    All that a method and a URL say of a call.

    Attributes:
        target: Where it went, fit to be shown.
        provider: Whose system that is.
        operation: What it was asked; None if the tables do not know.
        path: The parts of the path the template names.
        query: The parameters that may be kept.
        ids: Where the ids of a call to that system stand.
        is_linq: True if the host is Linq's own.
        address: An e-mail address or number the path holds; it never leaves the memory.
        warnings: What was mended.
    """

    target: Target
    provider: Provider
    operation: Operation | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    ids: Places
    is_linq: bool
    address: str | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()


class Router:
    """
    Finds the route of a call.

    Args:
        providers: The tables.
        base_url: What relative URLs hang under, where their provider does not say.
        default: The name of the provider of rows that do not tell.
    """

    def __init__(self, providers: Providers, base_url: str | None, default: str | None) -> None:
        self._providers = providers
        self._base_url = base_url
        self._default = providers.find_named(default) if default else None
        # By identity: a table holds mappings, and two may have one name.
        self._ids = {id(table): split_places(table.ids) for table in providers.tables}
        self.find = lru_cache(maxsize=4_096)(self._find)

    def _find(self, method: str, url: str, named: str | None, direction: str) -> Route:
        """
        Find the route of one call.

        Raises:
            UnusableError: The URL cannot be read.
        """
        warnings: list[str] = []
        provider = self._providers.find_named(named) if named else None
        parts = self._split(url.strip(), provider or self._default, warnings)
        host = (parts.hostname or "").lower()
        is_linq = host == _LINQ or host.endswith(f".{_LINQ}")
        provider = provider or self._providers.find_at(host) or self._default
        if provider is None:
            is_inbound = is_linq or direction == "inbound"
            provider = self._providers.find_mentioned(parts.path) if is_inbound else None
        provider = provider or OTHER
        # What is encoded more often than anything is reads like no word and no id.
        segments = [normalize(part) or "%" for part in parts.path.split("/") if part]
        operation = find_operation(provider, method, segments)
        query = {key: value for key, value in parse_qsl(parts.query) if key in _KEPT_QUERY}
        names = _Names(provider.are_ids_numeric, query.get("idProperty"))
        target, path = _build_target(parts, host, segments, operation, names)
        if target.url.endswith(_CUT):
            warnings.append("url_cut")
        address = next((part for part in segments if _hide(part, names.numeric)), None)
        return Route(
            target,
            provider,
            operation,
            path,
            query,
            self._ids[id(provider)],
            is_linq,
            address,
            tuple(warnings),
        )

    def _split(self, url: str, provider: Provider | None, warnings: list[str]) -> SplitResult:
        if not url:
            raise UnusableError("url", "missing")
        if _SCHEME.match(url) is None:
            base = self._base_url or (provider.base_url if provider else "")
            if url.startswith("/"):
                if not base:
                    raise UnusableError("url", "is relative: give --base-url")
                url = base.rstrip("/") + url
            elif _HOST.match(url):
                url = f"https://{url}"
            else:
                raise UnusableError("url", "is no URL")
            warnings.append("url_completed")
        return _split_absolute(url)


def _split_absolute(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_usable = bool(parts.hostname) and parts.scheme.lower() in _PORTS and parts.port != 0
    except ValueError:
        is_usable = False
        parts = SplitResult("", "", "", "", "")
    if not is_usable:
        raise UnusableError("url", "is no URL of http or https")
    return parts


def find_operation(provider: Provider, method: str, segments: list[str]) -> Operation | None:
    """
    Return the first operation of *provider* that fits the path.
    """
    for operation in provider.operations:
        if operation.method == method:
            wanted = [part for part in operation.template.split("/") if part]
            if len(wanted) == len(segments) and all(map(_fits, wanted, segments)):
                return operation
    return None


def _fits(wanted: str, segment: str) -> bool:
    return wanted[0] == "{" or wanted == segment


class _Names:
    """
    What the ids in a path are, as far as the provider and the query tell.

    Attributes:
        numeric: As `Provider.are_ids_numeric`, of the records this call names.
        is_person: True if records are named by a phone number, an address or a name.
    """

    def __init__(self, numeric: bool | None, id_property: str | None) -> None:  # noqa: FBT001  # As is.
        is_own = id_property is None or id_property in _OWN_ID
        self.numeric = numeric if is_own else None
        self.is_person = not is_own and is_personal_name(id_property or "")


def _build_target(
    parts: SplitResult,
    host: str,
    segments: list[str],
    operation: Operation | None,
    names: _Names,
) -> tuple[Target, dict[str, str]]:
    path: dict[str, str] = {}
    shown: list[str] = []
    before = ["", *segments]
    if operation is None:
        pairs = zip(segments, before, strict=False)
        shown = [_show_unknown(segment, last, names) for segment, last in pairs]
        template = None
    else:
        wanted = [part for part in operation.template.split("/") if part]
        for name, segment, last in zip(wanted, segments, before, strict=False):
            shown.append(_show_known(name, segment, last, names))
            if shown[-1] == segment and name[0] == "{":
                path[name[1:-1]] = segment
        template = "/" + "/".join(map(_name_part, zip(wanted, segments, strict=True), shown))
    slash = "/" if parts.path.endswith("/") and shown else ""
    port = parts.port or _PORTS[parts.scheme.lower()]
    shown_host = redact_text(f"[{host}]" if ":" in host else host)
    place = shown_host if parts.port is None else f"{shown_host}:{port}"
    credentials = f"{REDACTED}:{REDACTED}@" if parts.username or parts.password else ""
    query = "&".join(map(_show_parameter, parse_qsl(parts.query, keep_blank_values=True)))
    scheme = parts.scheme.lower()
    url = f"{scheme}://{credentials}{place}/{'/'.join(shown)}{slash}{'?' if query else ''}{query}"
    return Target(url, template, shown_host, port, scheme), path


def _show_known(name: str, segment: str, last: str, names: _Names) -> str:
    if name[0] != "{" or segment in _HIDDEN:
        return segment
    hidden = _hide(segment, names.numeric)
    if hidden is not None:
        return hidden
    if names.is_person or is_personal_name(last):
        return "{phone}" if segment.isdecimal() else name
    is_known = _DATED.fullmatch(segment) or find_id(segment, numeric=names.numeric) is not None
    return segment if is_known else name


def _name_part(pair: tuple[str, str], shown: str) -> str:
    wanted, _ = pair
    return shown if shown in _HIDDEN and wanted[0] == "{" else wanted


def _show_unknown(segment: str, last: str, names: _Names) -> str:
    if segment.endswith(_CUT):
        return "…"
    if segment in _HIDDEN:
        return segment
    hidden = _hide(segment, names.numeric)
    if hidden is not None:
        return hidden
    is_word = _WORD.fullmatch(segment) or _DATED.fullmatch(segment)
    return segment if is_word and not precedes_person(last) else "{id}"


def _hide(segment: str, numeric: bool | None) -> str | None:  # noqa: FBT001  # As is.
    if segment.isdecimal():
        is_number = may_be_number(segment) if numeric is None else not numeric
        return "{phone}" if is_number and len(segment) > _SMALL else None
    kinds = find_kinds(segment)
    if "email" in kinds:
        return "{email}"
    return "{phone}" if "phone" in kinds and not _DATED.fullmatch(segment) else None


def _show_parameter(pair: tuple[str, str]) -> str:
    key, value = pair
    is_small = value.isdecimal() and len(value) <= _SMALL
    is_kept = key in _KEPT_QUERY and (is_small or find_id(value, numeric=False) is not None)
    return f"{key if is_key(key) else REDACTED}={value if is_kept else REDACTED}"
