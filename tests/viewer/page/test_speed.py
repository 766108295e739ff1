from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.life_lines import MS, SECOND, make_id, place, write_short_life, write_span


if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

    from linq_otel.viewer import Viewer


SPANS = 2_000
ROUNDS = 3
PAGES = 20
FRAMES = 100
_SCROLL = """(frames) => new Promise((done) => {
  const grid = document.getElementById("messages");
  const step = (left) => {
    grid.scrollTop = (frames - left) * grid.scrollHeight / frames;
    if (left) requestAnimationFrame(() => step(left - 1)); else done();
  };
  step(frames);
})"""


def write_story(start_ns: int) -> list[str]:
    """
    Write a trace of very many spans, ten to a parent, each with a link.
    """
    return [
        write_span(
            f"service-{n % 5}",
            place(1, "big", str(n)),
            f"work {n}",
            (start_ns + n * MS, start_ns + (n + 40) * MS),
            parent=place(1, "big", str(n // 10)) if n else None,
            links=[(place(1, "big", str(n * 7 % SPANS)), "cause")],
            attributes={"step": n},
        )
        for n in range(SPANS)
    ]


def read_seconds(session: CDPSession) -> float:
    """
    Return how long the page has been at work, less layout and style.
    """
    # What scripts do when an answer arrives is not in ScriptDuration, but in the tasks.
    answer = session.send("Performance.getMetrics")
    seconds = {it["name"]: it["value"] for it in answer["metrics"]}
    drawing = seconds["LayoutDuration"] + seconds["RecalcStyleDuration"]
    return float(seconds["TaskDuration"] - drawing)


def measure(page: Page) -> CDPSession:
    """
    Have the page's work measured from now on, in time of the processor: others need it as well.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


@pytest.mark.timing
@pytest.mark.slow
class TestSpeed:
    def test_of_a_story_of_two_thousand_spans(
        self, page: Page, empty_viewer: Viewer, now_ns: int
    ) -> None:
        """
        Reading and drawing it takes less than 200 ms of scripting, each page down far less.
        """
        empty_viewer.read(write_story(now_ns))
        session = measure(page)
        opening, walking = [], []
        for _ in range(ROUNDS):  # The best of them: other processes are at work as well.
            page.goto("/")
            page.reload()
            expect(page.locator("#live")).to_have_text("live")
            before = read_seconds(session)
            page.evaluate(f"location.hash = '#/trace/{make_id(1, 'big')}'")
            expect(page.locator(".entry.of-span").first).to_be_visible()
            drawn = read_seconds(session)
            for _ in range(PAGES):
                page.keyboard.press("PageDown")
            opening.append(drawn - before)
            walking.append((read_seconds(session) - drawn) / PAGES)
        print(f"drawn in {min(opening):.3f} s, a page down in {min(walking):.4f} s")  # noqa: T201  # For who runs it with -s.
        assert min(opening) < 0.2
        assert min(walking) < 0.05

    def test_of_a_list_of_ten_thousand_messages(
        self, page: Page, empty_viewer: Viewer, now_ns: int
    ) -> None:
        """
        While one scrolls through it, no frame takes so long that one would see it.
        """
        empty_viewer.read(write_short_life(n, now_ns - n * SECOND) for n in range(10_000))
        page.goto("/")
        expect(page.locator("#message-rows .badge").first).to_be_visible()
        session = measure(page)
        spent = []
        for _ in range(ROUNDS):
            before = read_seconds(session)
            page.evaluate(_SCROLL, FRAMES)
            spent.append((read_seconds(session) - before) / FRAMES)
        print(f"a frame of scrolling takes {min(spent):.4f} s")  # noqa: T201  # As above.
        assert min(spent) < 0.016
