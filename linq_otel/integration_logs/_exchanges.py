"""
A row with every field read: the whole call, with all its secrets, for as long as it is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ._fields._bodies import EMPTY, Body, parse_body
from ._fields._headers import Headers, first, parse_headers
from ._fields._statuses import find_status
from ._fields._timestamps import parse_moment
from ._findings import UnusableError
from ._rows import RawRow, parse_direction


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._entries import Direction, Moment
    from ._fields._json_values import JsonReader
    from ._findings import Findings
    from ._options import ReadOptions
    from ._targets import Route, Router


_METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}
)
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}", re.ASCII)
_OTHER_METHOD: Final = "_OTHER"
_REQUEST_BODY: Final = ("request.body", "request.body_encoding", "request.truncated")
_RESPONSE_BODY: Final = ("response.body", "response.body_encoding", "response.truncated")
WEBHOOK_LOGS: Final = "webhook_logs"
"""The format of rows that Linq's CLI prints of webhook deliveries."""


@dataclass(slots=True)
class Exchange:
    """
    One call, request and response.

    Attributes:
        row: The row it was read from.
        method: In upper case, ``_OTHER`` if HTTP does not know it.
        method_original: As it stood, where that differs.
        direction: Who called whom.
        url: As it stood.
        route: What the URL says.
        moment: When it was made.
        status: None without an answer.
        request_headers: All of them.
        request_body: Read.
        response_headers: All of them.
        response_body: Read.
    """

    row: RawRow
    method: str
    method_original: str | None
    direction: Direction
    url: str
    route: Route
    moment: Moment
    status: int | None
    request_headers: Headers
    request_body: Body
    response_headers: Headers
    response_body: Body


class ExchangeReader:
    """
    Reads the fields of rows.
    """

    def __init__(
        self, options: ReadOptions, findings: Findings, reader: JsonReader, router: Router
    ) -> None:
        self._options = options
        self._findings = findings
        self._reader = reader
        self._router = router

    def read(self, row: RawRow) -> Exchange:
        """
        Read one row.

        Raises:
            UnusableError: A field it cannot be without is missing or unreadable.
        """
        method, original = _parse_method(row)
        fields = row.fields
        told = parse_direction(fields.get("direction"))
        url = row.find_text("url") or ""
        route = self._router.find(method, url, _find_provider(row), told or "outbound")
        for warning in route.warnings:
            self._findings.warn(warning)
        is_inbound = told == "inbound" or (told is None and route.is_linq)
        request_body = self._body(fields, _REQUEST_BODY)
        response_headers = self._headers(fields.get("response.headers"))
        response_body = self._body(fields, _RESPONSE_BODY)
        if response_body.text is None and _is_empty(fields, request_body, response_headers):
            response_body = EMPTY
        return Exchange(
            row=row,
            method=method,
            method_original=original,
            direction="inbound" if is_inbound else "outbound",
            url=url,
            route=route,
            moment=self._moment(row),
            status=find_status(row.statuses, self._findings),
            request_headers=self._headers(fields.get("request.headers")),
            request_body=request_body,
            response_headers=response_headers,
            response_body=response_body,
        )

    def _moment(self, row: RawRow) -> Moment:
        zone = row.find_text("timezone")
        return parse_moment(row.fields.get("timestamp"), zone, self._options, self._findings)

    def _headers(self, value: object) -> Headers:
        if value is None:
            return {}
        if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
            try:
                value = self._reader.parse(value)
            except UnusableError:
                self._findings.warn("headers_unreadable")
                return {}
        return parse_headers(value)

    def _body(self, fields: Mapping[str, object], names: tuple[str, str, str]) -> Body:
        name, encoding, truncated = names
        body = parse_body(
            fields.get(name),
            self._reader,
            encoding=fields.get(encoding),
            truncated=fields.get(truncated),
        )
        if not body.is_whole:
            self._findings.warn("body_unreadable")
        return body


def _is_empty(fields: Mapping[str, object], sent: Body, headers: Headers) -> bool:
    """
    Tell whether an answer without a body was shown without one, or not shown.

    A row of the table says nothing of bodies. One that has headers or a request, and ``null`` for
    the body of the answer, was written by a program that saw the answer.
    """
    if first(headers, "content-length") == "0":
        return True
    is_seen = fields.get("response.headers") is not None or sent.text is not None
    return is_seen and "response.body" in fields


def _parse_method(row: RawRow) -> tuple[str, str | None]:
    value = row.fields.get("method")
    if isinstance(value, str) and value in _METHODS:
        return value, None  # As most are.
    if value is None and row.format == WEBHOOK_LOGS:
        return "POST", None
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise UnusableError("method", "missing")
    if _METHOD.fullmatch(text) is None:
        raise UnusableError("method", "is no HTTP method")
    upper = text.upper()
    if upper not in _METHODS:
        # Methods are written in capitals; another word may be a name out of another column.
        return _OTHER_METHOD, text if text.isupper() else None
    return upper, text if text != upper else None


def _find_provider(row: RawRow) -> str | None:
    if row.format == WEBHOOK_LOGS:
        return "webhook"
    return row.find_text("provider")
