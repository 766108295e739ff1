"""
The environment variables this package reads.

``opentelemetry-instrument`` turns each into a command-line flag.
"""

from __future__ import annotations


__all__ = [
    "OTEL_PYTHON_LINQ_EXCLUDED_URLS",
    "OTEL_PYTHON_LINQ_HTTP_SPANS",
    "OTEL_PYTHON_LINQ_JOIN",
    "OTEL_PYTHON_LINQ_STAGES",
    "OTEL_PYTHON_LINQ_STORE",
]

OTEL_PYTHON_LINQ_JOIN = "OTEL_PYTHON_LINQ_JOIN"
"""
Which trace a message's life is drawn in: ``linq`` (default), ``app``, ``message`` or ``link``.
"""

OTEL_PYTHON_LINQ_STAGES = "OTEL_PYTHON_LINQ_STAGES"
"""
``false`` draws no anchor and no stage spans.
"""

OTEL_PYTHON_LINQ_HTTP_SPANS = "OTEL_PYTHON_LINQ_HTTP_SPANS"
"""
``own`` (default) or ``nested``: who draws the requests on the wire.
"""

OTEL_PYTHON_LINQ_STORE = "OTEL_PYTHON_LINQ_STORE"
"""
The URL of the store: ``memory:`` (default), ``sqlite:///linq.db``.
"""

OTEL_PYTHON_LINQ_EXCLUDED_URLS = "OTEL_PYTHON_LINQ_EXCLUDED_URLS"
"""
Comma-separated regular expressions; a call whose URL matches one is not traced.
"""
