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
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ._entries import Target
from ._findings import UnusableError
from ._patterns import EMAIL_ALONE, PHONE_ALONE, REDACTED, redact_text
from ._providers import OTHER, WEBHOOK
from ._providers._model import split_places
from ._redaction import find_id


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._providers import Operation, Provider, Providers
    from ._providers._model import Places


_KEPT_QUERY: Final = frozenset({"limit", "after", "locationId", "idProperty", "offset", "page"})
# A version that is a month or a day (HubSpot's 2026-03, 2026-09-beta) is no phone number.
_DATED: Final = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])(?:-[0-3]\d)?(?:-[a-z]{1,10})?", re.ASCII)
_WORD: Final = re.compile(r"[a-z][a-z._-]{0,40}|v\d{1,2}(?:\.\d)?", re.ASCII)
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
        segments = [unquote(part) for part in parts.path.split("/") if part]
        operation = find_operation(provider, method, segments)
        target, path = _build_target(parts, host, segments, operation, provider)
        if target.url.endswith(_CUT):
            warnings.append("url_cut")
        query = {key: value for key, value in parse_qsl(parts.query) if key in _KEPT_QUERY}
        address = next((part for part in segments if _hide(part, provider)), None)
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
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url) is None:
            base = self._base_url or (provider.base_url if provider else "")
            if url.startswith("/"):
                if not base:
                    raise UnusableError("url", "is relative: give --base-url")
                url = base.rstrip("/") + url
            elif re.match(r"[\w-]+(\.[\w-]+)+(:\d+)?(/|$)", url):
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


def _build_target(
    parts: SplitResult,
    host: str,
    segments: list[str],
    operation: Operation | None,
    provider: Provider,
) -> tuple[Target, dict[str, str]]:
    path: dict[str, str] = {}
    if operation is None:
        shown = [_show_unknown(segment, provider) for segment in segments]
        template = None
    else:
        wanted = [part for part in operation.template.split("/") if part]
        pairs = list(zip(wanted, segments, strict=True))
        shown = [_show_known(name, segment, provider, path) for name, segment in pairs]
        template = "/" + "/".join(map(_name_part, pairs, shown))
    slash = "/" if parts.path.endswith("/") and shown else ""
    port = parts.port or _PORTS[parts.scheme.lower()]
    shown_host = redact_text(f"[{host}]" if ":" in host else host)
    place = shown_host if parts.port is None else f"{shown_host}:{port}"
    credentials = f"{REDACTED}:{REDACTED}@" if parts.username or parts.password else ""
    query = "&".join(map(_show_parameter, parse_qsl(parts.query, keep_blank_values=True)))
    scheme = parts.scheme.lower()
    url = f"{scheme}://{credentials}{place}/{'/'.join(shown)}{slash}{'?' if query else ''}{query}"
    return Target(url, template, shown_host, port, scheme), path


def _show_known(name: str, segment: str, provider: Provider, path: dict[str, str]) -> str:
    if name[0] != "{":
        return segment
    hidden = segment if segment in _HIDDEN else _hide(segment, provider)
    if hidden is not None:
        return hidden
    if _DATED.fullmatch(segment):
        path[name[1:-1]] = segment
        return segment
    if find_id(segment, numeric=provider.are_ids_numeric) is None:
        return name
    path[name[1:-1]] = segment
    return segment


def _name_part(pair: tuple[str, str], shown: str) -> str:
    wanted, _ = pair
    return shown if shown in _HIDDEN and wanted[0] == "{" else wanted


def _show_unknown(segment: str, provider: Provider) -> str:
    if segment.endswith(_CUT):
        return "…"
    if segment in _HIDDEN:
        return segment
    is_word = _WORD.fullmatch(segment) or _DATED.fullmatch(segment)
    return _hide(segment, provider) or (segment if is_word else "{id}")


def _hide(segment: str, provider: Provider) -> str | None:
    if EMAIL_ALONE.search(segment):
        return "{email}"
    is_id = provider.are_ids_numeric and segment.isdecimal() and provider is not WEBHOOK
    if PHONE_ALONE.fullmatch(segment) and not is_id and not _DATED.fullmatch(segment):
        return "{phone}"
    return None


def _show_parameter(pair: tuple[str, str]) -> str:
    key, value = pair
    is_small = value.isdecimal() and len(value) <= _SMALL
    is_kept = key in _KEPT_QUERY and (is_small or find_id(value, numeric=False) is not None)
    return f"{redact_text(key)}={value if is_kept else REDACTED}"
