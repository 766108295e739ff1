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
        join: ``linq``, ``app``, ``message`` or ``link``.
        stages: False draws no anchor and no stage spans.
        http_spans: ``own`` or ``nested``.
        webhook_secret: The signing secret, several of them separated by
            spaces; better given by ``${LINQ_WEBHOOK_SECRET}``.
        excluded_urls: Comma-separated regular expressions.
        hosts: Where else Linq is called by bare HTTP, separated by commas.
    """

    store: str | None = None
    join: str | None = None
    stages: bool | None = None
    http_spans: str | None = None
    webhook_secret: str | None = None
    excluded_urls: str | None = None
    hosts: str | None = None
