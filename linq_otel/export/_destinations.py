"""
Where a provider exports to already, so that nothing is sent there twice.

The SDK has no public way to ask. What cannot be read is taken for another
place: at worst a span is exported twice, and backends keep one of equal ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ._endpoints import OTLP_PORTS


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


__all__ = ["exports_to"]

_NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# From a provider to its processors or readers, and from those to their exporters.
_TO_PARTS: Final = (
    ("_active_span_processor", "_span_processors"),
    ("_multi_log_record_processor", "_log_record_processors"),
    ("_measurement_consumer", "_reader_storages"),
)
_TO_EXPORTER: Final = (("span_exporter",), ("_batch_processor", "_exporter"), ("_exporter",))


def exports_to(provider: object, url: str) -> bool:
    """
    Answer whether *provider* has an exporter to the place that *url* names.
    """
    wanted = _find_place(url)
    return any(_find_place(endpoint) == wanted for endpoint in _find_endpoints(provider))


def _find_endpoints(provider: object) -> Iterator[str]:
    for part in _find_parts(provider):
        for path in _TO_EXPORTER:
            endpoint = getattr(_follow(part, path), "_endpoint", None)
            if isinstance(endpoint, str):
                yield endpoint
                break


def _find_parts(provider: object) -> Iterable[object]:
    for path in _TO_PARTS:
        parts = _follow(provider, path)
        if parts is not None:
            return tuple(parts)
    return ()


def _follow(start: Any, path: Iterable[str]) -> Any:
    for name in path:
        start = getattr(start, name, None)
    return start


def _find_place(endpoint: str) -> tuple[str, int | str]:
    """
    Answer host and port; the two ports of OTLP at one host are one receiver.
    """
    url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    host = url.hostname or ""
    try:
        port = url.port or (80 if url.scheme == "http" else 443)
    except ValueError:
        port = 0
    return "near" if host in _NEAR else host, "otlp" if port in OTLP_PORTS else port
