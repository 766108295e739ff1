from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.browsers import Watch
from support.life_lines import make_id, make_uuid


if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from linq_otel.viewer import Viewer


pytestmark = pytest.mark.slow


class TestSavedFile:
    def test_shows_its_story_with_no_server(
        self, browser: Browser, page: Page, viewer: Viewer, tmp_path: Path
    ) -> None:
        """
        Downloaded and opened from the disk, it has the list, the picture and the search.
        """
        page.goto(f"/#/trace/{make_id(2, 'life')}")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download as HTML").click()
        path = tmp_path / "story.html"
        download.value.save_as(path)
        page.goto("about:blank")
        viewer.close()
        context = browser.new_context(offline=True)
        saved, watch = context.new_page(), Watch(path.as_uri().rpartition("/")[0])
        watch.attach(saved)
        saved.goto(path.as_uri())
        expect(saved.locator("#live")).to_have_text("saved file")
        expect(saved.locator("#message-rows .badge")).to_have_text(["read"])
        saved.keyboard.press("Enter")
        expect(saved.locator(".entry.of-span")).to_have_count(17)
        expect(saved.locator(".tools a")).to_have_count(0)
        saved.locator("#search-field").fill(make_uuid(2, "message"))
        saved.keyboard.press("Enter")
        expect(saved.locator("#panel")).to_be_hidden()
        saved.get_by_text("message read", exact=True).click()
        expect(saved.locator("#panel h2")).to_have_text("message read")
        saved.reload()
        expect(saved.locator("#panel h2")).to_have_text("message read")
        context.close()
        assert (watch.errors, watch.strays) == ([], [])
