"""
What of people and their messages is shown, by this package and by its neighbours.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from linq_otel._environment import BOOLEANS
from linq_otel.environment_variables import OTEL_PYTHON_LINQ_CAPTURE_CONTENT

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._findings import Finding
    from ._scene import Scene


_HEADERS: Final = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
_SANITIZED: Final = f"{_HEADERS}SANITIZE_FIELDS"
_SDK_LOG: Final = "LINQ_API_V3_LOG"
# What logs each request with its body at DEBUG.
_LOGGERS: Final = ("linq", "httpx", "httpcore", "urllib3")


def find_of_privacy(scene: Scene) -> Iterator[Finding]:
    """
    Yield what is shown, or that nothing is.
    """
    found = [
        *_find_content(scene),
        *_find_headers(scene.environ),
        *_find_logs(scene),
    ]
    yield from found or [tell("privacy", "no text, no handle and no header of a person is shown")]


def _find_content(scene: Scene) -> Iterator[Finding]:
    variable = OTEL_PYTHON_LINQ_CAPTURE_CONTENT
    if scene.settings.capture_content:
        yield tell(
            "privacy.content",
            "the texts of messages are shown in spans and log events",
            remedy=f"unset {variable}",
        )
    elif BOOLEANS.get(scene.environ.get(variable, "").strip().lower()):
        yield tell(
            "privacy.content.allowed",
            f"{variable} allows the app to show texts; so far it does not",
            remedy=f"unset {variable}",
        )
    if scene.settings.handle_key is not None:
        yield tell("privacy.handles", "people are shown as hashes keyed with handle_key")


def _find_headers(environ: Mapping[str, str]) -> Iterator[Finding]:
    names = [
        name
        for name in sorted(environ)
        if name.startswith(_HEADERS) and name != _SANITIZED and environ[name].strip()
    ]
    if not names:
        return
    is_sanitized = bool(environ.get(_SANITIZED, "").strip())
    yield tell(
        "privacy.headers",
        f"HTTP instrumentations record headers: {', '.join(names)}",
        detail="Authorization and signatures among them"
        + (f", save what {_SANITIZED} names." if is_sanitized else "."),
        remedy=f"unset {' '.join(names)}, or export {_SANITIZED}="
        "authorization,cookie,webhook-signature,x-webhook-signature",
    )


def _find_logs(scene: Scene) -> Iterator[Finding]:
    said = scene.environ.get(_SDK_LOG, "").strip().lower()
    loud = [name for name in _LOGGERS if scene.is_live and _is_loud(name)]
    if said != "debug" and not loud:
        return
    yield tell(
        "privacy.debug",
        f"{_SDK_LOG}=debug logs what is sent, texts and phone numbers included"
        if said == "debug"
        else f"the logger {loud[0]} is at DEBUG, which logs what is sent",
        remedy=f"export {_SDK_LOG}=info"
        if said == "debug"
        else f"logging.getLogger({loud[0]!r}).setLevel(logging.INFO)",
    )


def _is_loud(name: str) -> bool:
    logger = logging.getLogger(name)
    return logger.isEnabledFor(logging.DEBUG) and logger.hasHandlers()
