"""
What came back for a request, and what Linq says of one it refused.

Linq's error body names a code and a page that explains it; both are safe to
record. Its message is not: it may quote a phone number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from . import _attributes as a
from ._events import parse_id
from ._json import as_mapping
from ._shield import type_name


_DOC_URL = re.compile(r"https://[a-z0-9.-]{1,80}/[A-Za-z0-9/._#-]{0,160}", re.ASCII)
_LONGEST_RETRY_AFTER = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Failure:
    """
    The parts of a refusal that may be recorded.

    Attributes:
        code: Linq's error code (https://docs.linqapp.com/error).
        doc_url: Linq's page about the code.
        retry_after: Seconds Linq asks us to wait.
    """

    code: int | None = None
    doc_url: str | None = None
    retry_after: float | None = None

    @classmethod
    def of_exception(cls, error: Exception) -> Failure:
        """
        Read an exception of the SDK; any other says nothing.
        """
        if not is_of_sdk(error):
            # Elsewhere `code` is something else: the status, in `urllib.error.HTTPError`.
            return cls()
        return cls(
            _code(getattr(error, "code", None)),
            _doc_url(getattr(error, "doc_url", None)),
            parse_retry_after(getattr(error, "retry_after", None)),
        )

    @classmethod
    def of_body(cls, body: object) -> Failure:
        """
        Read Linq's error envelope; anything else says nothing.
        """
        error = as_mapping(as_mapping(body).get("error"))
        return cls(
            _code(error.get("code")),
            _doc_url(error.get("doc_url")),
            parse_retry_after(error.get("retry_after")),
        )

    def attributes(self) -> dict[str, Any]:
        """
        Its facts as span attributes.
        """
        facts = {
            a.ERROR_CODE: self.code,
            a.ERROR_DOC_URL: self.doc_url,
            a.RETRY_AFTER: self.retry_after,
        }
        return {key: value for key, value in facts.items() if value is not None}


@dataclass(slots=True)  # Not frozen: one is made for each request, in half the time.
class Answer:
    """
    What came back for one request on the wire.

    Attributes:
        status: The HTTP status.
        linq_trace_id: ``X-Trace-ID``, as it stands.
        retry_after: Seconds of ``Retry-After``.
        failure: What the body of a refusal says.
    """

    status: int
    linq_trace_id: object = None
    retry_after: float | None = None
    failure: Failure | None = None

    @property
    def is_error(self) -> bool:
        """
        True for 4xx and 5xx: an error of a client span by the HTTP conventions.
        """
        return self.status >= 400  # noqa: PLR2004

    @property
    def is_success(self) -> bool:
        """
        True for 2xx: Linq has accepted the call.
        """
        return 200 <= self.status < 300  # noqa: PLR2004

    def explained_by(self, body: object) -> Answer:
        """
        Return this answer with what its error *body* says.
        """
        return replace(self.identified_by(body), failure=Failure.of_body(body))

    @property
    def is_identified(self) -> bool:
        """
        True if the header named the Linq trace.
        """
        return parse_id(self.linq_trace_id) is not None

    def identified_by(self, body: object) -> Answer:
        """
        Return this answer with the Linq trace id of its *body*, if the header has none.

        A gateway may drop the header.
        """
        if self.is_identified:
            return self
        return replace(self, linq_trace_id=linq_trace_id_in(body))

    def attributes(self, linq_trace_id: str | None) -> dict[str, Any]:
        """
        Its facts as span attributes, *linq_trace_id* being what was fit to keep.
        """
        found: dict[str, Any] = {a.HTTP_RESPONSE_STATUS_CODE: self.status}
        if linq_trace_id is not None:
            found[a.LINQ_TRACE_ID] = linq_trace_id
        if self.failure is not None:
            found.update(self.failure.attributes())
        if self.retry_after is not None:
            found[a.RETRY_AFTER] = self.retry_after
        if self.is_error:
            found[a.ERROR_TYPE] = str(self.status)
        return found


def linq_trace_id_in(body: object) -> object:
    """
    Return what stands for the Linq trace id in an answer's *body*.

    Linq repeats the id in error bodies (https://docs.linqapp.com/error) and in those
    of some successes (https://docs.linqapp.com/debugging).
    """
    return as_mapping(body).get("trace_id")


def is_of_sdk(error: Exception) -> bool:
    """
    Tell whether the Linq SDK made *error*, whose fields then mean what it says.
    """
    return type(error).__module__.partition(".")[0] == "linq"


def error_type_of(error: Exception) -> str:
    """
    Return ``error.type`` of a failed call: the status that refused it, else the type.
    """
    status = getattr(error, "status_code", None)
    # An answer that does not validate has a status as well, of success.
    is_refusal = type(status) is int and status >= 400  # noqa: PLR2004
    return str(status) if is_refusal else type_name(error)


def parse_retry_after(value: object) -> float | None:
    """
    Read seconds to wait from a header or a body; None for a date or nonsense.
    """
    if not isinstance(value, (str, int, float)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LONGEST_RETRY_AFTER else None


def _code(value: object) -> int | None:
    # Codes have four digits; bool is an int to isinstance.
    return value if type(value) is int and 0 <= value < 100_000 else None  # noqa: PLR2004


def _doc_url(value: object) -> str | None:
    return value if isinstance(value, str) and _DOC_URL.fullmatch(value) else None
