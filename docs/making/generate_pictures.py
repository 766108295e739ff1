# ruff: noqa: INP001  # A script.
"""
Writes the pictures of ``linq-otel view`` in ``docs/pictures`` with a real Chromium.

The data is made up and the clock stands still, so that the same page gives the same pictures. ::

    python docs/making/generate_pictures.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING


ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from linq_otel.viewer import ViewerOptions, open_viewer  # noqa: E402  # After the path.
from support.browsers import open_browser  # noqa: E402
from support.life_lines import (  # noqa: E402
    DELIVERED,
    FAILED,
    HOUR,
    MINUTE,
    READ,
    SECOND,
    SENT,
    make_id,
    place,
    write_arrival,
    write_life,
)


if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


PICTURES = ROOT / "docs" / "pictures"
NOW = 1_772_447_400  # 2026-03-02 10:30:00 UTC
_STUCK_AFTER = 900.0
_SIZE = {"width": 1280, "height": 760}
_QUICKLY_READ = (*DELIVERED, ("read", 74 * SECOND))


def write_lives() -> Iterator[str]:
    """
    Write a morning's messages, of every fate.
    """
    now = NOW * SECOND
    yield from write_life(1, now - 9 * SECOND, SENT)
    yield from write_life(2, now - 40 * SECOND, DELIVERED, operation="chats.create")
    yield write_arrival(3, now - 2 * MINUTE)
    yield from write_life(4, now - 4 * MINUTE, _QUICKLY_READ)
    yield from write_life(5, now - 11 * MINUTE, FAILED, protocol="SMS")
    yield from write_life(6, now - 26 * MINUTE, ())
    yield from write_life(7, now - 47 * MINUTE, _QUICKLY_READ, protocol="RCS")
    yield from write_life(8, now - 52 * MINUTE, DELIVERED, operation="chats.create")
    yield from write_life(9, now - 200 * MINUTE, READ)
    for number in range(10, 18):
        fate = (_QUICKLY_READ, DELIVERED)[number % 2]
        yield from write_life(number, now - 3 * HOUR - number * 7 * MINUTE, fate)


def show_list(page: Page) -> None:
    """
    Show all messages, one chosen.
    """
    page.goto("/")
    page.locator("#message-rows .badge").first.wait_for()
    page.keyboard.press("j")


def show_trace(page: Page) -> None:
    """
    Show a message that was read after hours, and the details of what sent it.
    """
    span = place(9, "sending", "send")
    page.goto(f"/#/trace/{make_id(9, 'sending')}/span/{span.span_id}")
    page.locator("#link-lines .link").first.wait_for(state="attached")


def take(browser: Browser, url: str, scheme: str) -> None:
    """
    Take the pictures of one colour scheme.
    """
    ending = "-dark" if scheme == "dark" else ""
    for name, show in (("list", show_list), ("trace", show_trace)):
        context = browser.new_context(
            base_url=url,
            viewport=_SIZE,
            color_scheme="dark" if ending else "light",
            timezone_id="America/New_York",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.clock.set_fixed_time(NOW)
        show(page)
        page.locator("#live.is-live").wait_for()
        page.wait_for_timeout(300)  # Scrollbars fade.
        page.screenshot(path=PICTURES / f"view-{name}{ending}.png")
        context.close()


def main() -> None:
    """
    Take all pictures.
    """
    # The viewer goes by its own clock: what was stuck at that time must be, and nothing else.
    stuck_after = time.time() - NOW + _STUCK_AFTER
    options = ViewerOptions(port=0, keep_days=36_500, stuck_after=stuck_after)
    with open_viewer(options) as viewer, open_browser() as browser:
        viewer.read(write_lives())
        for scheme in ("light", "dark"):
            take(browser, viewer.url, scheme)


if __name__ == "__main__":
    main()
