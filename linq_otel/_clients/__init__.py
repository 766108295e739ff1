"""
Calls of the Linq API without the SDK: most people's code is bare HTTP.

One module for each HTTP library says where it is wrapped and how its requests
and answers are read; what a call is, and what is drawn of it, is the same for
all and for the SDK.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ._aiohttp import AiohttpSeams
from ._httpx import HttpxSeams
from ._raw import RawCalls
from ._requests import RequestsSeams
from ._urllib import UrllibSeams
from ._urllib3 import Urllib3Seams


if TYPE_CHECKING:
    from collections.abc import Callable

    from linq_otel._patching import Patches
    from linq_otel._tracing import Tracing


__all__ = ["install_clients"]

_SEAMS: Final[dict[str, Callable[[RawCalls, Patches], object]]] = {
    "aiohttp": AiohttpSeams,
    "httpx": HttpxSeams,
    "httpx2": partial(HttpxSeams, library="httpx2"),
    "requests": RequestsSeams,
    "urllib.request": UrllibSeams,
    "urllib3": Urllib3Seams,
}


def install_clients(tracing: Tracing, patches: Patches) -> None:
    """
    Wrap each HTTP library, once the app has imported it.
    """
    calls = RawCalls(tracing)
    for module, seams in _SEAMS.items():
        patches.when_imported(module, partial(seams, calls, patches))
