from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.life_lines import make_id


if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from linq_otel.viewer import Viewer


pytestmark = pytest.mark.slow


TRACE = f"/#/trace/{make_id(3, 'life')}"
_READ_CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text("utf-8")


def read_low_contrasts(page: Page) -> list[str]:
    """
    Return what is too faint on the page; there must be something to look at.
    """
    count, found = page.evaluate(_READ_CONTRASTS)
    assert count > 20
    return list(found)


@pytest.mark.usefixtures("viewer")
class TestColours:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_have_contrast(self, page: Page, scheme: str) -> None:
        """
        Every text has 4.5:1 and every sign and bar 3:1, on both pages, in both themes.
        """
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        assert read_low_contrasts(page) == []
        page.goto(TRACE)
        expect(page.locator(".entry.of-span").first).to_be_visible()
        page.get_by_text("message failed", exact=True).click()
        expect(page.locator("#panel h2")).to_be_visible()
        assert read_low_contrasts(page) == []

    def test_follow_the_person_and_are_remembered(self, page: Page) -> None:
        """
        They are the system's until `t` is pressed; what was chosen outlives a reload.
        """
        page.emulate_media(color_scheme="light")
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        light = background(page)
        page.emulate_media(color_scheme="dark")
        dark = background(page)
        assert light != dark
        page.keyboard.press("t")
        assert background(page) == light
        page.reload()
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        assert background(page) == light
        page.get_by_role("button", name="Switch to dark colours").click()
        assert background(page) == dark


def background(page: Page) -> str:
    """
    Return the colour of the page.
    """
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.usefixtures("viewer")
class TestKeys:
    def test_are_shown_on_a_question_mark(self, page: Page) -> None:
        """
        `?` lists the keys of the page one is on, and Esc closes the list.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keys")
        expect(dialog.locator("dd").first).to_have_text("next message")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        page.goto(TRACE)
        expect(page.locator(".entry.of-span").first).to_be_visible()
        page.keyboard.press("?")
        expect(dialog.locator("dd").filter(has_text="walk along a link")).to_be_visible()

    def test_reach_everything_and_show_where_one_is(self, page: Page) -> None:
        """
        Shift and Tab visit each control once, from the list to the top, and each shows its focus.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        visited = []
        for key in ("j", *["Shift+Tab"] * 6):
            page.keyboard.press(key)
            visited.append(
                page.evaluate(
                    """() => {
                      const it = document.activeElement;
                      const ring = it.closest("label") ?? it.querySelector(".active") ?? it;
                      return [it.id || it.className, getComputedStyle(ring).outlineStyle];
                    }"""
                )
            )
        assert visited == [
            [name, "solid"]
            for name in ("messages", "state-all", "help", "theme", "live", "search-field", "brand")
        ]

    def test_name_the_active_row_to_readers(self, page: Page) -> None:
        """
        The grid says which row is active, and the row what it is.
        """
        page.goto("/")
        grid = page.get_by_role("grid", name="Messages")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        page.keyboard.press("j")
        expect(grid).to_have_attribute("aria-activedescendant", "message-1")
        expect(page.locator("#message-1")).to_match_aria_snapshot(
            """
            - row /accepted chats.messages.send .* shop/ [selected]
            """
        )


class TestSize:
    @pytest.mark.parametrize("width", [360, 768, 1280, 3840])
    def test_fits(self, browser: Browser, viewer: Viewer, width: int) -> None:
        """
        From a telephone to a wall nothing is wider than the window, and all can be reached.
        """
        context = browser.new_context(
            base_url=viewer.url, viewport={"width": width, "height": 700}, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        assert overflow(page) == []
        page.locator("#message-rows a").first.click()
        expect(page.locator(".entry.of-span").first).to_be_visible()
        page.get_by_text("linq message", exact=True).first.click()
        expect(page.locator("#panel h2")).to_be_in_viewport()
        expect(page.locator("#panel .walk").first).to_be_visible()
        assert overflow(page) == []
        context.close()

    def test_keeps_still_for_who_wants_that(self, page: Page, viewer: Viewer) -> None:
        """
        With reduced motion nothing is animated.
        """
        page.emulate_media(reduced_motion="reduce")
        page.goto("/")
        expect(page.locator("#live")).to_have_text("live")
        assert page.evaluate("document.getAnimations().length") == 0


def overflow(page: Page) -> list[str]:
    """
    Return what reaches out of the window sideways, unless it is in something that scrolls.
    """
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll("body *")]
              .filter((it) => it.checkVisibility({ visibilityProperty: true }))
              .filter((it) => !it.closest(".unseen, svg, .filters, .stages, .message-heads"))
              .filter((it) => !it.closest(".rule, .entry, .bands"))
              .filter((it) => it.getBoundingClientRect().right > innerWidth + 1)
              .map((it) => it.className || it.tagName)"""
        )
    )
