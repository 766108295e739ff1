"""
Every error a caller of this package can meet.

::

    LinqOtelError
    ├── ConfigurationError        an option has a value we cannot use
    │   └── MissingExtraError     an optional dependency is not installed
    ├── LogFormatError            a file of integration logs cannot be read
    ├── RedactionError            a report would show what it must not
    ├── StoreError                a store cannot be opened or read
    │   └── UnreadableOriginError one row of it is no origin
    └── WebhookError              a delivery cannot be accepted
        ├── SignatureError        it is not from Linq, or too old (401)
        ├── MalformedEventError   it is not a Linq event (400)
        └── EventInProgressError  another run of its handler is under way (503)

None of these is raised where an app's own request passes through us: there a
delivery that cannot be read is counted, and the app runs on untouched.
"""

from __future__ import annotations


__all__ = [
    "ConfigurationError",
    "EventInProgressError",
    "LinqOtelError",
    "LogFormatError",
    "MalformedEventError",
    "MissingExtraError",
    "RedactionError",
    "SignatureError",
    "StoreError",
    "UnreadableOriginError",
    "WebhookError",
]


class LinqOtelError(Exception):
    """
    The root of every error raised by this package.
    """


class ConfigurationError(LinqOtelError):
    """
    An option has a value that cannot be used.
    """


class MissingExtraError(ConfigurationError):
    """
    An optional dependency is not installed.

    Attributes:
        extra: The extra that brings it, ``demo`` for ``linq-otel[demo]``.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs more packages: pip install 'linq-otel[{extra}]'")
        self.extra = extra


class LogFormatError(LinqOtelError):
    """
    A file holds no integration logs that can be read.

    Attributes:
        file: Its base name.
        line: The line, counted from 1; 0 where it is the file as a whole.
    """

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line


class RedactionError(LinqOtelError):
    """
    What was about to be written holds a secret, an address or a phone number.
    """


class StoreError(LinqOtelError):
    """
    A store cannot be opened, or holds what this version cannot read.
    """


class UnreadableOriginError(StoreError):
    """
    One row of a store is no origin; the others may well be.
    """


class WebhookError(LinqOtelError):
    """
    A webhook delivery cannot be accepted.

    Attributes:
        status: The HTTP status that tells the sender whether to try again.
        reason: One low-cardinality word, safe for logs and attributes.
    """

    status = 400

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SignatureError(WebhookError):
    """
    The signature does not match, is missing, or is older than the tolerance.
    """

    status = 401


class MalformedEventError(WebhookError):
    """
    The body is not a Linq webhook event.
    """


class EventInProgressError(WebhookError):
    """
    The event is being handled already; Linq must deliver it again, for that run may fail.
    """

    status = 503
