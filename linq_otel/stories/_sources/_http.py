"""
Asks a query API over HTTP, and waits neither long nor for much.

A redirect is not followed: it would take the credentials along to wherever it points.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlencode, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from linq_otel._otlp_fields import to_object
from linq_otel.stories._sources import SourceError


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


DEFAULT_SECONDS: Final = 10.0
_MOST_BYTES: Final = 64 * 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HEADER: Final = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):([ \t]*[^\x00-\x1f\x7f]*)")
_NOT_FOUND: Final = 404
# VictoriaTraces says 400 of a path it does not have.
_NOT_KNOWN: Final = frozenset({400, _NOT_FOUND})
_REFUSALS: Final = frozenset({401, 403})


def parse_headers(lines: tuple[str, ...]) -> dict[str, str]:
    """
    Read ``Name: value`` as ``--header`` has it; no message ever shows a value.

    Raises:
        SourceError: If a line is not of that form.
    """
    found: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line.strip())
        if match is None:
            raise SourceError("a header is written 'Name: value', in quotes")
        found[match[1]] = match[2].strip()
    return found


@dataclass(frozen=True, slots=True)
class QueryApi:
    """
    The query API of a backend.

    Attributes:
        name: The backend, for messages.
        url: Its base, checked by `check_url`.
        headers: Sent with each request, never shown.
        seconds: How long one answer may take.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    seconds: float = DEFAULT_SECONDS

    @property
    def title(self) -> str:
        """
        The backend and its address.
        """
        return f"{self.name} at {self.url}"

    def find(self, path: str, **parameters: str | int) -> Mapping[str, object] | None:
        """
        Return the JSON object at *path*; None if there is none (404).

        Raises:
            SourceError: If it is not reachable, refuses, or answers with anything else.
        """
        body = self._read(path, parameters)
        if body is None:
            return None
        found = _parse(body)
        if found is None:
            raise SourceError(f"{self.title} answers with no JSON object; is this its query API?")
        return found

    def find_if_known(self, path: str, **parameters: str | int) -> Mapping[str, object] | None:
        """
        Return the JSON object at *path*, which not every version of the backend has.

        Returns:
            None if the server has nothing there: it says so by 404, by 400, or by a page.

        Raises:
            SourceError: If it is not reachable, or refuses.
        """
        body = self._read(path, parameters, _NOT_KNOWN)
        return None if body is None else _parse(body)

    @contextmanager
    def reading(self, what: str) -> Generator[None]:
        """
        Say which source it was whose answer is not what it should be.

        Raises:
            SourceError: If a ``ValueError`` is raised inside.
        """
        try:
            yield
        except ValueError as error:
            raise SourceError(f"{self.title} answers with what is no {what}: {error}") from error

    def _read(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        absent: frozenset[int] = frozenset({_NOT_FOUND}),
    ) -> bytes | None:
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self.url}{path}{query}"
        request = Request(url, headers={"Accept": "application/json", **self.headers})  # noqa: S310  # Checked.
        try:
            with _build_opener(url).open(request, timeout=self.seconds) as answer:
                body: bytes = answer.read(_MOST_BYTES + 1)
        except HTTPError as error:
            with error:
                if error.code in absent:
                    return None
                raise SourceError(self._explain(error.code)) from None
        except (URLError, HTTPException, OSError) as error:
            raise SourceError(
                f"{self.title} cannot be reached ({_spell(error)}); is it up?"
            ) from None
        if len(body) > _MOST_BYTES:
            raise SourceError(f"{self.title} answers with more than {_MOST_BYTES >> 20} MiB")
        return body

    def _explain(self, status: int) -> str:
        if status in _REFUSALS:
            return f"{self.title} wants credentials ({status}): --header 'Authorization: …'"
        if status // 100 == 3:  # noqa: PLR2004  # A redirect.
            return f"{self.title} redirects ({status}); give the address it leads to"
        return f"{self.title} answers with status {status}"


def _parse(body: bytes) -> Mapping[str, object] | None:
    try:
        return to_object(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _spell(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "timed out"
    return getattr(reason, "strerror", None) or type(reason).__name__


def check_url(url: str) -> str:
    """
    Return *url* as the base of a query API.

    Raises:
        SourceError: If it is none, or holds credentials: those belong into a header.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_sound, parts = False, SplitResult("", "", "", "", "")
    if not is_sound or not url.isprintable() or " " in url:
        raise SourceError("a backend is named by its URL, http://127.0.0.1:16686 say")
    if parts.username is not None or parts.query or parts.fragment:
        raise SourceError("give the URL alone; credentials go into --header 'Authorization: …'")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _build_opener(url: str) -> OpenerDirector:
    """
    Build what opens *url*: urllib's own, but for the handler that follows redirects.
    """
    is_near = urlsplit(url).hostname in _LOOPBACK
    opener = OpenerDirector()
    for handler in (
        ProxyHandler({} if is_near else None),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
