"""
A real Chromium that tests drive as a person would, and a watch over all that its page did.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright


if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request


class ChromiumMissingError(Exception):
    """
    No browser is installed.
    """


def find_chromium() -> str:
    """
    Answer the path of a Chromium; a missing one fails the tests, and skips none.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise ChromiumMissingError("no chromium on PATH: apt-get install chromium")
    return path


@contextmanager
def open_browser() -> Iterator[Browser]:
    """
    Run a browser while the block lasts.
    """
    # Root may not use the sandbox, and tests of containers run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass  # Playwright keeps something of its own in whoever listens.
class Watch:
    """
    What a page said and asked for.

    Attributes:
        home: The address of its own server.
        errors: Errors in its console, its policy's violations among them.
        strays: Addresses it asked for that are not its own server's.
        expected: What errors may say.
    """

    home: str
    errors: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """
        Watch *page* from now on.
        """
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        is_expected = any(words in message.text for words in self.expected)
        if message.type in {"error", "warning"} and not is_expected:
            self.errors.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.home}/", "blob:")):
            self.strays.append(request.url)
