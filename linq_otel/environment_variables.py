"""
The environment variables this package reads.

``opentelemetry-instrument`` turns each into a command-line flag.
"""

from __future__ import annotations


__all__ = [
    "OTEL_PYTHON_LINQ_CAPTURE_CONTENT",
    "OTEL_PYTHON_LINQ_CARRIER",
    "OTEL_PYTHON_LINQ_EXCLUDED_URLS",
    "OTEL_PYTHON_LINQ_HANDLE_KEY",
    "OTEL_PYTHON_LINQ_HOSTS",
    "OTEL_PYTHON_LINQ_HTTP_SPANS",
    "OTEL_PYTHON_LINQ_JOIN",
    "OTEL_PYTHON_LINQ_LATE",
    "OTEL_PYTHON_LINQ_LATE_AFTER",
    "OTEL_PYTHON_LINQ_STAGES",
    "OTEL_PYTHON_LINQ_STAGE_EVENTS",
    "OTEL_PYTHON_LINQ_STORE",
    "OTEL_PYTHON_LINQ_STORE_TIMEOUT",
    "OTEL_PYTHON_LINQ_STUCK_AFTER",
    "OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES",
    "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE",
    "OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY",
    "OTEL_PYTHON_LINQ_WEBHOOK_PATHS",
]

OTEL_PYTHON_LINQ_JOIN = "OTEL_PYTHON_LINQ_JOIN"
"""
Which trace a message's life is drawn in: ``linq`` (default), ``app``, ``message`` or ``link``.
"""

OTEL_PYTHON_LINQ_STAGES = "OTEL_PYTHON_LINQ_STAGES"
"""
``false`` draws no anchor and no stage spans.
"""

OTEL_PYTHON_LINQ_CARRIER = "OTEL_PYTHON_LINQ_CARRIER"
"""
``idempotency_key`` or ``none`` (default): what takes the sender's context to the webhook.
"""

OTEL_PYTHON_LINQ_HTTP_SPANS = "OTEL_PYTHON_LINQ_HTTP_SPANS"
"""
``own`` (default) or ``nested``: who draws the requests on the wire.
"""

OTEL_PYTHON_LINQ_STORE = "OTEL_PYTHON_LINQ_STORE"
"""
The URL of the store: ``memory:`` (default), ``sqlite:///linq.db``, ``redis://…``, ``postgresql://…``.
"""

OTEL_PYTHON_LINQ_STAGE_EVENTS = "OTEL_PYTHON_LINQ_STAGE_EVENTS"
"""
``true`` tells each stage of a message's life as a log event too.
"""

OTEL_PYTHON_LINQ_STUCK_AFTER = "OTEL_PYTHON_LINQ_STUCK_AFTER"
"""
Milliseconds after which an accepted message that was not sent is stuck (default 300000).
"""

OTEL_PYTHON_LINQ_HANDLE_KEY = "OTEL_PYTHON_LINQ_HANDLE_KEY"
"""
Shows senders and recipients as hashes keyed with it; without it not at all.
"""

OTEL_PYTHON_LINQ_CAPTURE_CONTENT = "OTEL_PYTHON_LINQ_CAPTURE_CONTENT"
"""
``true`` allows the app to show texts with ``capture_content=True``; both are needed.
"""

OTEL_PYTHON_LINQ_LATE = "OTEL_PYTHON_LINQ_LATE"
"""
What becomes of spans too old for the backend: ``keep`` (default), ``clamp``, ``link`` or its name.
"""

OTEL_PYTHON_LINQ_LATE_AFTER = "OTEL_PYTHON_LINQ_LATE_AFTER"
"""
The age in milliseconds from which that is done, in place of the backend's own.
"""

OTEL_PYTHON_LINQ_STORE_TIMEOUT = "OTEL_PYTHON_LINQ_STORE_TIMEOUT"
"""
Milliseconds a shared store may take for one operation (default 50).
"""

OTEL_PYTHON_LINQ_EXCLUDED_URLS = "OTEL_PYTHON_LINQ_EXCLUDED_URLS"
"""
Comma-separated regular expressions; a call whose URL matches one is not traced.
"""

OTEL_PYTHON_LINQ_HOSTS = "OTEL_PYTHON_LINQ_HOSTS"
"""
Comma-separated ``host`` or ``host:port``: where Linq is called besides ``api.linqapp.com``.
"""

OTEL_PYTHON_LINQ_WEBHOOK_PATHS = "OTEL_PYTHON_LINQ_WEBHOOK_PATHS"
"""
Comma-separated paths webhooks arrive at; without any, a request's headers say that it is one.
"""

OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES = "OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES"
"""
``mark`` (default) or ``answer``: whether a repeated event reaches the app.
"""

OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE = "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE"
"""
``true`` answers 401 and 400 for the app on the paths given; needs paths.
"""

OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY = "OTEL_PYTHON_LINQ_WEBHOOK_MAX_BODY"
"""
Bytes above which a webhook's body is passed on unread (default 1048576).
"""
