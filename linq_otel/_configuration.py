"""
The options as OpenTelemetry's declarative configuration file names them.

::

    instrumentation/development:
      python:
        linq:
          join: app
          store: sqlite:////var/lib/app/linq.db

The SDK finds the dataclass as ``configuration`` on the instrumentor, and passes
on what the file sets as keywords of ``instrument()``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinqConfiguration:
    """
    What a file can say; hooks and objects it cannot.

    Attributes:
        store: The URL of the store.
        store_timeout: Seconds a shared store may take for one operation.
        join: ``linq``, ``app``, ``message`` or ``link``.
        stages: False draws no anchor and no stage spans.
        late: What becomes of spans too old for the backend.
        late_after: The age in seconds from which that is done.
        handle_key: Shows senders and recipients as hashes keyed with it; better
            given by ``${OTEL_PYTHON_LINQ_HANDLE_KEY}``.
        capture_content: True shows texts, if the environment allows it too.
        stage_events: True tells each stage as a log event too.
        stuck_after: Seconds after which a message that was not sent is stuck.
        carrier: ``idempotency_key`` or ``none``.
        http_spans: ``own`` or ``nested``.
        webhook_secret: The signing secret, several of them separated by
            spaces; better given by ``${LINQ_WEBHOOK_SECRET}``.
        excluded_urls: Comma-separated regular expressions.
        hosts: Where else Linq is called by bare HTTP, separated by commas.
    """

    store: str | None = None
    store_timeout: float | None = None
    join: str | None = None
    stages: bool | None = None
    late: str | None = None
    late_after: float | None = None
    handle_key: str | None = None
    capture_content: bool | None = None
    stage_events: bool | None = None
    stuck_after: float | None = None
    carrier: str | None = None
    http_spans: str | None = None
    webhook_secret: str | None = None
    excluded_urls: str | None = None
    hosts: str | None = None
