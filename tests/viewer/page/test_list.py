from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.life_lines import SECOND, make_id, make_uuid, place, write_life, write_short_life


if TYPE_CHECKING:
    from playwright.sync_api import Page

    from linq_otel.viewer import Viewer
    from support.browsers import Watch


pytestmark = pytest.mark.slow


_READ_CHOSEN = """() => {
  const row = document.querySelector("#message-rows .active");
  const number = Number(row.id.replace("message-", ""));
  return [number, row.querySelector(".id").textContent, row.getBoundingClientRect().top];
}"""


def read_column(page: Page, name: str) -> list[str]:
    """
    Return the texts of one column, top to bottom.
    """
    return page.locator(f"#message-rows .{name}").all_inner_texts()


class TestList:
    def test_shows_each_message_with_its_fate(self, page: Page, viewer: Viewer) -> None:
        """
        Newest first, each has its state in words, its operation, a short id and its age.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        states = ["delivered", "accepted", "received", "read", "failed", "stuck"]
        assert read_column(page, "state") == states
        assert read_column(page, "what") == [
            "chats.messages.send",
            "chats.messages.send",
            "message received",
            "chats.messages.send",
            "chats.createerror 4001",
            "chats.messages.send",
        ]
        ids = [f"{make_uuid(n, 'message')[:8]}…" for n in (1, 5, 6, 2, 3, 4)]
        assert read_column(page, "id") == ids
        ages = read_column(page, "age")
        assert [re.fullmatch(r"\d+ s ago", age) is not None for age in ages[:2]] == [True, True]
        assert ages[2:] == ["30 min ago", "1 h ago", "5 h ago", "6 h ago"]

    def test_filters_by_state(self, page: Page, viewer: Viewer) -> None:
        """
        Each state says how many it has, and choosing it leaves those, in the address too.
        """
        page.goto("/")
        choices = page.locator("#filters label")
        expect(choices).to_have_text(
            ["all6", "stuck1", "failed1", "accepted1", "sent0", "delivered1", "read1", "received1"]
        )
        page.get_by_label("failed").check()
        expect(page.locator("#message-rows .badge")).to_have_text(["failed"])
        assert page.url.endswith("#/?state=failed")
        page.reload()
        expect(page.locator("#message-rows .badge")).to_have_text(["failed"])
        page.get_by_label("sent", exact=False).first.check()
        expect(page.get_by_role("heading", name="No message matches")).to_be_visible()
        page.get_by_role("button", name="Show all messages").click()
        expect(page.locator("#message-rows .badge")).to_have_count(6)

    def test_searches_while_one_types(self, page: Page, viewer: Viewer) -> None:
        """
        `/` goes to the field, part of an id leaves its message, and Esc goes back to the list.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        page.keyboard.press("/")
        page.keyboard.type(make_uuid(3, "message")[:13])
        expect(page.locator("#message-rows .badge")).to_have_text(["failed"])
        page.keyboard.press("Escape")
        expect(page.locator("#messages")).to_be_focused()

    def test_finds_any_id(self, page: Page, viewer: Viewer) -> None:
        """
        A message's, a Linq trace's, a trace's and a span's id lead to the trace page on Enter.
        """
        page.goto("/")
        span = place(2, "sending", "wire")
        life = make_id(2, "life")
        for wanted, hash_ in (
            (make_uuid(2, "message"), f"#/trace/{life}"),
            (make_id(2, "webhook read"), f"#/trace/{make_id(2, 'webhook read')}"),
            (span.span_id, f"#/trace/{span.otel_trace_id}/span/{span.span_id}"),
        ):
            page.keyboard.press("/")
            page.locator("#search-field").fill(wanted)
            page.keyboard.press("Enter")
            expect(page).to_have_url(re.compile(re.escape(hash_)))
            expect(page.locator("#story-head h1")).to_have_text("chats.messages.send")

    def test_says_when_an_id_is_nowhere(self, page: Page, viewer: Viewer, watch: Watch) -> None:
        """
        An id that no span knows is said to be nowhere, in words.
        """
        watch.expected.append("404")
        page.goto("/")
        page.locator("#search-field").fill("nobody")
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_have_text("Nothing here has the id nobody.")

    def test_takes_in_what_comes(self, page: Page, viewer: Viewer, now_ns: int) -> None:
        """
        A message that arrives meanwhile appears by itself; while paused it does not.
        """
        page.goto("/")
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        viewer.read(write_life(7, now_ns, ()))
        expect(page.locator("#message-rows .badge")).to_have_count(7)
        page.keyboard.press("p")
        expect(page.locator("#live")).to_have_text("paused")
        viewer.read(write_life(8, now_ns, ()))
        page.wait_for_timeout(1_200)
        expect(page.locator("#message-rows .badge")).to_have_count(7)
        page.locator("#live").click()
        expect(page.locator("#message-rows .badge")).to_have_count(8)

    def test_teaches_when_it_is_empty(self, page: Page, empty_viewer: Viewer) -> None:
        """
        With nothing there, the page says what to type, with the address of this very viewer.
        """
        page.goto("/")
        demo = f"linq-otel demo --endpoint {empty_viewer.url}"
        expect(page.locator("#nothing code")).to_have_text(
            [re.compile(f"OTEL_EXPORTER_OTLP_ENDPOINT={re.escape(empty_viewer.url)} "), demo]
        )
        page.get_by_role("button", name="Copy the command").nth(1).click()
        assert page.evaluate("navigator.clipboard.readText()") == demo

    def test_scrolls_through_ten_thousand(
        self, page: Page, empty_viewer: Viewer, now_ns: int
    ) -> None:
        """
        Of ten thousand messages those in sight are drawn, wherever one goes.
        """
        lines = [write_short_life(n, now_ns - n * SECOND) for n in range(10_000)]
        assert empty_viewer.read(lines) == 10_000
        page.goto("/")
        grid = page.get_by_role("grid", name="Messages")
        expect(grid).to_have_attribute("aria-rowcount", "10001")
        grid.focus()
        page.keyboard.press("End")
        last = page.locator("#message-9999")
        expect(last).to_have_attribute("aria-selected", "true")
        expect(last.locator(".id")).to_have_text(f"{make_uuid(9_999, 'message')[:8]}…")
        assert page.locator("#message-rows .message").count() < 60
        page.keyboard.press("Home")
        expect(page.locator("#message-0 .id")).to_have_text(f"{make_uuid(0, 'message')[:8]}…")

    def test_keeps_the_place_of_who_reads(
        self, page: Page, empty_viewer: Viewer, now_ns: int
    ) -> None:
        """
        A newer message moves neither what is in sight nor what is chosen.
        """
        empty_viewer.read(write_short_life(n, now_ns - n * SECOND) for n in range(300))
        page.goto("/")
        expect(page.locator("#message-rows .badge").first).to_be_visible()
        for _ in range(3):
            page.keyboard.press("PageDown")
        expect(page.locator("#message-rows .active .id")).to_have_text(re.compile("…"))
        number, text, top = page.evaluate(_READ_CHOSEN)
        empty_viewer.read([write_short_life(-1, now_ns + SECOND)])
        expect(page.locator(f"#message-{number + 1}")).to_have_class(re.compile("active"))
        assert page.evaluate(_READ_CHOSEN) == [number + 1, text, top]
