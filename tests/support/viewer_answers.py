"""
Asks a viewer as a program would, headers and all.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit


if TYPE_CHECKING:
    from collections.abc import Mapping

    from linq_otel.viewer import Viewer


@dataclass(frozen=True)
class Answer:
    """
    What a viewer answered; names of headers are in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """
        The body as JSON.
        """
        return json.loads(self.body)


def ask(
    viewer: Viewer, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> Answer:
    """
    Ask *viewer*; of a header's name, a dash is written ``_``.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection(urlsplit(viewer.url).netloc, timeout=20)) as connection:
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())


def send(viewer: Viewer, body: bytes, path: str = "/v1/traces", **headers: str) -> Answer:
    """
    Export *body* to *viewer*, as protobuf if nothing else is said.
    """
    return ask(viewer, path, "POST", body, **{"content_type": "application/x-protobuf", **headers})
