from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from linq_otel.viewer import ViewerOptions, open_viewer
from support.life_lines import make_id, write_life


if TYPE_CHECKING:
    from playwright.sync_api import Page

    from linq_otel.viewer import Viewer
    from support.browsers import Watch


pytestmark = pytest.mark.slow


class TestServer:
    def test_is_said_to_be_gone_and_found_again(
        self, page: Page, viewer: Viewer, watch: Watch, now_ns: int
    ) -> None:
        """
        Without a server the page says so and keeps what it shows; with one it goes on by itself.
        """
        watch.expected += ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE"]
        page.goto("/")
        expect(page.locator("#live")).to_have_text("live")
        viewer.close()
        expect(page.locator("#live")).to_have_text("disconnected")
        expect(page.locator("#notice")).to_contain_text("The viewer does not answer")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        port = urlsplit(viewer.url).port
        assert port is not None
        with open_viewer(ViewerOptions(port=port)) as again:
            again.read(write_life(9, now_ns, ()))
            expect(page.locator("#live")).to_have_text("live")
            expect(page.locator("#notice")).to_be_hidden()
            expect(page.locator("#message-rows .badge")).to_have_text(["accepted"])

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ((500, "{}"), "The viewer answered with HTTP status 500."),
            ((200, "<html>"), "The viewer's answer is not readable JSON."),
        ],
    )
    def test_is_said_to_be_wrong(
        self, page: Page, viewer: Viewer, watch: Watch, answer: tuple[int, str], said: str
    ) -> None:
        """
        An answer that is none is told in one line.
        """
        watch.expected.append("500")
        page.route("**/api/messages?*", lambda it: it.fulfill(status=answer[0], body=answer[1]))
        page.goto("/")
        expect(page.locator("#notice")).to_have_text(said)


class TestUnknownTrace:
    def test_is_said_to_be_unknown(self, page: Page, viewer: Viewer, watch: Watch) -> None:
        """
        An address of a trace that is not here says so, and Esc leads to the list.
        """
        watch.expected.append("404")
        page.goto(f"/#/trace/{make_id('nowhere')}")
        expect(page.locator("#notice")).to_contain_text("was not sent to this viewer")
        page.keyboard.press("Escape")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        expect(page.locator("#notice")).to_be_hidden()

    def test_appears_when_it_comes(
        self, page: Page, empty_viewer: Viewer, watch: Watch, now_ns: int
    ) -> None:
        """
        Its page fills by itself as soon as its spans are there.
        """
        watch.expected.append("404")
        page.goto(f"/#/trace/{make_id(7, 'life')}")
        expect(page.locator("#notice")).to_contain_text("was not sent to this viewer")
        empty_viewer.read(write_life(7, now_ns, ()))
        expect(page.locator(".stage")).to_have_text(["acceptedafter 6.0 ms"])
        expect(page.locator("#notice")).to_be_hidden()

    def test_is_still_shown_for_an_unknown_span(self, page: Page, viewer: Viewer) -> None:
        """
        Where the span is unknown its trace is shown, and said to be that.
        """
        page.goto(f"/#/trace/{make_id(2, 'life')}/span/00000000000000ff")
        expect(page.locator(".entry.of-span")).to_have_count(17)
        expect(page.locator("#notice")).to_contain_text("00000000000000ff is not here")
