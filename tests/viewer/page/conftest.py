from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from linq_otel.viewer import ViewerOptions, open_viewer
from support.browsers import Watch, open_browser
from support.life_lines import (
    DELIVERED,
    FAILED,
    MINUTE,
    READ,
    SECOND,
    SENT,
    write_arrival,
    write_life,
)


if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from linq_otel.viewer import Viewer


expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    Yield a browser for the tests of a module.
    """
    with open_browser() as browser:
        yield browser


@pytest.fixture
def now_ns() -> int:
    """
    Return the time at which the test began.
    """
    return time.time_ns()


@pytest.fixture
def empty_viewer() -> Iterator[Viewer]:
    """
    Yield a viewer that has got nothing yet.
    """
    with open_viewer(ViewerOptions(port=0)) as viewer:
        yield viewer


@pytest.fixture
def viewer(empty_viewer: Viewer, now_ns: int) -> Viewer:
    """
    Return a viewer of six messages, one of each fate; number 1 is the newest.
    """
    lines = [
        *write_life(1, now_ns - 8 * SECOND, DELIVERED),
        *write_life(2, now_ns - 250 * MINUTE, READ),
        *write_life(3, now_ns - 310 * MINUTE, FAILED, operation="chats.create"),
        *write_life(4, now_ns - 370 * MINUTE, SENT),
        *write_life(5, now_ns - 20 * SECOND, ()),
        write_arrival(6, now_ns - 1_830 * SECOND),
    ]
    assert empty_viewer.read(lines) == len(lines)
    return empty_viewer


@pytest.fixture
def watch(empty_viewer: Viewer) -> Iterator[Watch]:
    """
    Yield the watch over the page; in the end nothing may have gone wrong or elsewhere.
    """
    watch = Watch(empty_viewer.url)
    yield watch
    assert watch.errors == []
    assert watch.strays == []


@pytest.fixture
def page(browser: Browser, empty_viewer: Viewer, watch: Watch) -> Iterator[Page]:
    """
    Yield a tab that is nowhere yet; what it is given without a host is the viewer's.
    """
    context = browser.new_context(
        base_url=empty_viewer.url,
        viewport={"width": 1280, "height": 800},
        timezone_id="Asia/Kolkata",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    watch.attach(page)
    yield page
    context.close()
