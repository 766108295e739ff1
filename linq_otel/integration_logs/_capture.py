"""
Writing calls down as they happen, for a team that proxies or receives them itself.

Rows are stripped before they reach the disk and hold what a reader needs: reading them back gives
the verdicts, ids and times that reading the whole calls would.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from linq_otel._forks import call_at_fork
from linq_otel._json import as_mapping
from linq_otel._shield import shield
from linq_otel._times import format_time_ns
from linq_otel.errors import ConfigurationError

from ._entries import SCHEMA_VERSION
from ._facts import parse_source
from ._fields._bodies import Body, parse_body
from ._fields._headers import parse_headers
from ._fields._json_values import JsonReader
from ._findings import Findings
from ._providers import load_providers
from ._redaction import (
    BodyRules,
    find_id,
    hide_said,
    is_kept_header,
    redact_header,
    redact_message,
    redact_value,
    words_of,
)
from ._targets import Router


if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from ._entries import Direction


_PRIVATE: Final = 0o600
_SOURCES: Final = {"user": "User", "system": "System"}
_FAILED: Final = 400


class EntrySink:
    """
    A file of entries that grows call by call; to be closed.

    ::

        with EntrySink("integration.ndjson") as sink:
            sink.write("POST", url, 201, request_body=payload, response_body=response.json())

    Several threads and processes may write to one file. A call that cannot be written is logged
    once by its kind and not raised: it must not stop the proxy.

    Args:
        path: The file; it is made for its owner's eyes alone, or added to.

    Raises:
        ConfigurationError: The file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._handle: int | None = os.open(path, flags, _PRIVATE)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be opened: {error.strerror}") from error
        self._lock = threading.Lock()
        call_at_fork(in_child=self._renew_lock)
        self._reader = JsonReader(Findings())
        self._router = Router(load_providers(), None, None)

    def __enter__(self) -> Self:
        """
        Return itself.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        Close it.
        """
        self.close()

    def close(self) -> None:
        """
        Close the file; what is written later is dropped.
        """
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
            self._handle = None

    def write(  # noqa: PLR0913  # A call has as many sides as it has.
        self,
        method: str,
        url: str,
        status: int | None,
        *,
        started_ns: int | None = None,
        duration_ms: float | None = None,
        direction: Direction = "outbound",
        provider: str | None = None,
        source: str | None = None,
        request_headers: Any = None,
        request_body: Any = None,
        response_headers: Any = None,
        response_body: Any = None,
        entry_id: str | None = None,
        linq_trace_id: str | None = None,
        attempt: int | None = None,
        error: str | None = None,
    ) -> None:
        """
        Write one call down.

        Args:
            method: Of HTTP.
            url: Absolute.
            status: Of the answer; None if none came.
            started_ns: When it began, Unix nanoseconds; now less *duration_ms* if None.
            duration_ms: How long it took.
            direction: ``outbound`` if Linq called, ``inbound`` if it was called.
            provider: Whose system it is, where the host does not say.
            source: ``User`` or ``System``; of a person's name only that it is one is kept.
            request_headers: A mapping, or pairs.
            request_body: JSON, or its text.
            response_headers: As above.
            response_body: As above.
            entry_id: An id of yours.
            linq_trace_id: Linq's trace id, if you know it.
            attempt: Which attempt it was.
            error: Why no answer came.
        """
        with shield("writing down an integration call"):
            route = self._router.find(method.upper(), url, provider, direction)
            sent, got = self._parse(request_body), self._parse(response_body)
            numeric = route.provider.are_ids_numeric
            is_error = _is_error(status, got.value)
            # A server quotes in its error what it did not understand.
            said = words_of(sent.value) if is_error else frozenset[tuple[str, ...]]()
            rules = BodyRules(is_error=is_error, said=said, numeric=numeric)
            now = time.time_ns() - round((duration_ms or 0) * 1e6)
            row = {
                "schema_version": SCHEMA_VERSION,
                "id": find_id(entry_id),
                "direction": direction,
                "method": method,
                "url": route.target.url,
                "status": status,
                "source": _SOURCES.get(parse_source(source)),
                "timestamp": format_time_ns(now if started_ns is None else started_ns),
                "duration_ms": duration_ms,
                "provider": route.provider.name if provider else None,
                "linq_trace_id": find_id(linq_trace_id),
                "attempt": attempt,
                "error": hide_said(redact_message(error), said) if error else None,
                "request": self._strip(request_headers, sent, BodyRules(numeric=numeric)),
                "response": self._strip(response_headers, got, rules),
            }
            self._append({name: value for name, value in row.items() if value is not None})

    def _parse(self, body: Any) -> Body:
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        return parse_body(text, self._reader)

    def _strip(self, headers: Any, body: Body, rules: BodyRules) -> dict[str, Any] | None:
        found = parse_headers(dict(headers) if hasattr(headers, "items") else headers)
        kept = {
            name: list(map(redact_header, v)) for name, v in found.items() if is_kept_header(name)
        }
        stripped: dict[str, Any] = {"headers": kept} if kept else {}
        if body.text is not None:
            stripped["body"] = "" if body.value is None else redact_value(body.value, rules)
            stripped["truncated"] = not body.is_whole
        return stripped or None

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def _append(self, row: dict[str, Any]) -> None:
        line = (self._reader.write(row) + "\n").encode("utf-8", "replace")
        with self._lock:
            if self._handle is not None:
                os.write(self._handle, line)


def _is_error(status: int | None, body: Any) -> bool:
    if status is None or status >= _FAILED:
        return True
    return as_mapping(body).get("success") is False
