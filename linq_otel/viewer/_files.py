"""
The page's own files, by name: a name that is not among them is not looked for on the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Mapping


INDEX: Final = "index.html"
_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """
    One file of the page.
    """

    name: str
    media_type: str
    content: bytes

    @property
    def text(self) -> str:
        """
        Its content, if it is a text.
        """
        return self.content.decode("utf-8")


def find_page_file(name: str) -> PageFile | None:
    """
    Find the page's file called *name*; read anew each time, for who works on the page.
    """
    for entry in files("linq_otel.viewer").joinpath("page").iterdir():
        media_type = _TYPES.get(entry.name.rpartition(".")[2])
        if entry.name == name and media_type is not None and entry.is_file():
            return PageFile(name, media_type, entry.read_bytes())
    return None


def get_page_file(name: str) -> PageFile:
    """
    Get the page's file called *name*.

    Raises:
        FileNotFoundError: The page has none of that name.
    """
    found = find_page_file(name)
    if found is None:
        raise FileNotFoundError(name)
    return found
