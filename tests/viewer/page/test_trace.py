from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.life_lines import (
    DELIVERED,
    HOUR,
    MS,
    make_id,
    make_uuid,
    place,
    write_life,
    write_span,
    write_split_life,
)


if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from linq_otel.viewer import Viewer


pytestmark = pytest.mark.slow


LIFE = make_id(2, "life")
START_NS = 1_790_000_000_000_000_000


def row(page: Page, name: str) -> Locator:
    """
    Return the first row of the picture with a span of that name.
    """
    of_name = page.locator(".span-name").get_by_text(name, exact=True)
    return page.locator(".entry").filter(has=of_name).first


def open_trace(page: Page, otel_trace_id: str = LIFE) -> None:
    """
    Open the story of a trace and wait until it is drawn.
    """
    page.goto(f"/#/trace/{otel_trace_id}")
    expect(page.locator(".entry.of-span").first).to_be_visible()


class TestSplit:
    def test_shows_the_half_that_did_not_join(self, page: Page, empty_viewer: Viewer) -> None:
        """
        The list and the opened page agree, all that holds the id is drawn, and it is said why.
        """
        lines = write_split_life(1, time.time_ns() - 60_000 * MS)
        assert empty_viewer.read(lines) == len(lines)
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_text("delivered")
        expect(page.locator("#message-rows .spans")).to_have_text("7")
        page.locator("#message-rows a").click()
        expect(page.locator("#story-head .badge")).to_have_text("delivered")
        expect(page.locator(".facts")).to_contain_text(
            "3 traces in 2 parts that no link joins · 7 spans"
        )
        expect(page.locator(".stage b")).to_have_text(["accepted", "delivered"])
        expect(page.get_by_role("note")).to_have_text(
            "This message is in 3 traces, in 2 parts that no link joins: Linq's webhooks carry "
            "another trace id than the send, and the receiver found no record of the send. Set "
            "OTEL_PYTHON_LINQ_JOIN=message in every process, or give every process the same store "
            "(OTEL_PYTHON_LINQ_STORE=redis://localhost:6379/0, or sqlite:///linq.db on one host)."
        )
        expect(page.locator(".entry.of-span")).to_have_count(7)
        for trace in ("sending", "lost half"):
            open_trace(page, make_id(1, trace))
            expect(page.locator("#story-head .badge")).to_have_text("delivered")
            expect(page.locator(".entry.of-span")).to_have_count(7)

    def test_tells_messages_of_one_trace_apart(self, page: Page, empty_viewer: Viewer) -> None:
        """
        Each row of the list leads to its own message, and reload and walking keep to it.
        """
        lines = [
            write_span(
                "shop",
                place(0, "campaign", stage),
                f"message {stage}",
                (START_NS + number, START_NS + number + MS),
                attributes={"linq.stage": stage, "linq.message.id": make_uuid(number, "message")},
            )
            for number, stage in enumerate(("delivered", "read"))
        ]
        assert empty_viewer.read(lines) == len(lines)
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_text(["read", "delivered"])
        for number, state in enumerate(("read", "delivered")):
            page.locator("#message-rows a").nth(number).click()
            expect(page.locator("#story-head .badge")).to_have_text(state)
            row(page, "message read").click()
            expect(page.locator("#panel")).to_be_visible()
            page.reload()
            expect(page.locator("#story-head .badge")).to_have_text(state)
            page.goto("/")


class TestShortIds:
    @pytest.mark.usefixtures("viewer")
    def test_lead_where_whole_ones_do(self, page: Page) -> None:
        """
        What the page shows of an id can be pasted into the search, dots and all.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        page.keyboard.press("/")
        page.keyboard.type(f"{make_uuid(2, 'message')[:8]}…")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"#/trace/{LIFE}[?]message={make_uuid(2, 'message')}$"))
        expect(page.locator("#story-head .badge")).to_have_text("read")


@pytest.mark.usefixtures("viewer")
class TestPicture:
    def test_is_reached_by_keys(self, page: Page) -> None:
        """
        From the list, j goes down and Enter opens; the head says what became of the message.
        """
        page.goto("/")
        expect(page.locator("#message-rows .badge")).to_have_count(6)
        for key in ("j", "j", "j", "Enter"):
            page.keyboard.press(key)
        expect(page).to_have_url(re.compile(f"#/trace/{LIFE}[?]message={make_uuid(2, 'message')}$"))
        expect(page.locator("#story-head h1")).to_have_text("chats.messages.send")
        expect(page.locator("#story-head .badge")).to_have_text("read")
        expect(page.locator(".facts")).to_contain_text("5 traces joined by links · 17 spans · 3 h")
        expect(page.locator(".stage")).to_have_text(
            [
                "acceptedafter 6.0 ms",
                "sentafter 698 ms",
                "deliveredafter 900 ms",
                "readafter 3 h 00 m",
            ]
        )
        expect(page.locator("#picture")).to_be_focused()

    def test_draws_every_trace_and_span(self, page: Page) -> None:
        """
        Each trace is a group under its services; each span a row, a moment among them a diamond.
        """
        open_trace(page)
        assert page.locator(".of-trace .name").all_inner_texts() == [
            f"shop\ntrace {make_id(2, 'sending')[:8]}… · 3 spans",
            f"shop\nnotifications\ntrace {LIFE[:8]}… · 11 spans",
            *(
                f"notifications\ntrace {make_id(2, f'webhook {stage}')[:8]}… · 1 span"
                for stage in ("sent", "delivered", "read")
            ),
        ]
        expect(page.locator(".entry.of-span")).to_have_count(17)
        assert row(page, "linq message").locator(".moment").count() == 1
        assert row(page, "message read").locator(".segment.folded").count() == 1

    def test_folds_long_waits(self, page: Page) -> None:
        """
        Hours are folded under a mark; f and the mark unfold them to the true scale, and back.
        """
        open_trace(page)
        wire, read = (row(page, it) for it in ("POST /v3/chats/{chat_id}/messages", "message read"))
        folded = page.locator(".fold:not(.open)")
        assert folded.count() == 3
        expect(folded.last).to_have_text("⋯ 3 h 00 m ⋯")
        assert width(wire) > 30
        page.keyboard.press("f")
        expect(page.locator(".fold.open")).to_have_count(3)
        assert width(wire) == 3  # The least there is.
        assert width(read) > 0.95 * width(page.locator("#rule"), "")
        page.keyboard.press("f")
        expect(folded).to_have_count(3)
        page.get_by_role("button", name="A wait of 3 h 00 m is folded: unfold it").click()
        expect(folded).to_have_count(2)
        page.get_by_role("button", name="Fold the wait of 3 h 00 m").click()
        expect(folded).to_have_count(3)

    def test_zooms(self, page: Page) -> None:
        """
        A drag over a stretch shows it alone, 0 shows all again, keys and wheel do as well.
        """
        open_trace(page)
        bar = row(page, "POST /orders")
        before = width(bar)
        box = bar.locator(".segment").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 2, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5, steps=4)
        expect(page.locator("#selection")).to_be_visible()
        page.mouse.up()
        expect(page.locator("#selection")).to_be_hidden()
        assert width(bar) > 1.5 * before
        page.keyboard.press("0")
        assert width(bar) == pytest.approx(before, abs=1)
        page.keyboard.press("+")
        for _ in range(4):
            page.keyboard.press("Shift+ArrowLeft")
        assert width(bar) == pytest.approx(2 * before, abs=2)
        page.keyboard.press("-")
        assert width(bar) == pytest.approx(before, abs=1)
        expect(page.get_by_role("button", name="show all of the time")).to_be_disabled()

    def test_opens_and_closes_as_trees_do(self, page: Page) -> None:
        """
        Left closes a row or goes up, right opens it or goes in; the click on a trace does both.
        """
        open_trace(page)
        tree = page.get_by_role("treegrid", name="Spans")
        expect(tree).to_have_attribute("aria-rowcount", "23")
        page.keyboard.press("ArrowLeft")
        expect(tree).to_have_attribute("aria-rowcount", "20")
        first = page.locator(".entry").first
        expect(first).to_have_attribute("aria-expanded", "false")
        page.keyboard.press("ArrowRight")
        expect(tree).to_have_attribute("aria-rowcount", "23")
        page.keyboard.press("ArrowRight")
        expect(row(page, "POST /orders")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(first).to_have_attribute("aria-selected", "true")
        page.locator(".of-trace .service").nth(1).click()
        expect(tree).to_have_attribute("aria-rowcount", "10")

    def test_marks_what_failed(self, page: Page) -> None:
        """
        A failed span has a cross and its word besides its colour.
        """
        open_trace(page, make_id(3, "life"))
        failed = row(page, "message failed")
        expect(failed.locator(".cross")).to_have_attribute("title", "failed")
        expect(failed.locator(".bar")).to_have_attribute(
            "aria-label", re.compile("1.6 s, .*failed")
        )
        expect(page.locator("#story-head .badge")).to_have_text("failed")

    def test_marks_what_came_late(self, page: Page) -> None:
        """
        Spans that begin long after their trace are tagged.
        """
        open_trace(page)
        expect(row(page, "process message.read").locator(".tag")).to_have_text("late")
        expect(row(page, "process message.sent").locator(".tag")).to_have_count(0)

    def test_offers_downloads(self, page: Page) -> None:
        """
        The story can be had as a Perfetto trace and as one file.
        """
        open_trace(page)
        with page.expect_download() as perfetto:
            page.get_by_role("link", name="Download as Perfetto").click()
        assert json.loads(perfetto.value.path().read_bytes())["traceEvents"]
        with page.expect_download() as single:
            page.get_by_role("link", name="Download as HTML").click()
        assert single.value.path().read_text("utf-8").startswith("<!doctype html>")

    def test_goes_on_while_one_looks(self, page: Page, empty_viewer: Viewer, now_ns: int) -> None:
        """
        A span that arrives appears in its place; what was closed and chosen stays.
        """
        open_trace(page)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("j")
        page.keyboard.press("j")
        chosen = row(page, "linq message")
        expect(chosen).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_have_text("linq message")
        late = place(2, "life", "answered")
        times = (now_ns - HOUR, now_ns - HOUR + 5 * MS)
        empty_viewer.read(
            [write_span("agent", late, "call model", times, parent=place(2, "life", "anchor"))]
        )
        expect(row(page, "call model")).to_be_visible()
        expect(chosen).to_have_attribute("aria-selected", "true")
        expect(page.locator(".entry").first).to_have_attribute("aria-expanded", "false")
        expect(page.locator("#panel h2")).to_have_text("linq message")


def width(row: Locator, part: str = ".segment") -> float:
    """
    Return from where to where the parts of a row reach, in pixels.
    """
    parts = row.locator(part).all() if part else [row]
    boxes = [box for box in (each.bounding_box() for each in parts) if box is not None]
    return max(box["x"] + box["width"] for box in boxes) - min(box["x"] for box in boxes)


@pytest.mark.usefixtures("viewer")
class TestPanel:
    def test_tells_all_of_a_span(self, page: Page) -> None:
        """
        Times in three ways to the nanosecond, links, attributes and ids; each can be copied.
        """
        open_trace(page)
        row(page, "linq chats.messages.send").click()
        panel = page.get_by_role("complementary", name="Span details")
        expect(panel.locator("h2")).to_have_text("linq chats.messages.send")
        expect(panel.locator(".subtitle")).to_contain_text("shop sends")
        pairs = dict(zip(texts(panel, "dt"), texts(panel, "dd .value"), strict=True))
        assert pairs["lasts"] == "7.0 ms"
        assert pairs["starts"] == "+2.0 ms"
        assert pairs["linq.message.id"] == make_uuid(2, "message")
        assert pairs["linq.operation"] == "chats.messages.send"
        assert pairs["trace"] == make_id(2, "sending")
        assert pairs["kind"] == "PRODUCER"
        utc, local = pairs["start, UTC"], pairs["start, local"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}", utc)
        assert utc[-10:] == local[-10:]
        expect(panel).to_contain_text("UTC+05:30")
        panel.get_by_role("button", name="Copy linq.message.id").click()
        assert page.evaluate("navigator.clipboard.readText()") == make_uuid(2, "message")
        panel.get_by_role("button", name="Copy this span as JSON").click()
        copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
        assert copied["attributes"]["linq.operation"] == "chats.messages.send"

    def test_is_walked_from_link_to_link(self, page: Page) -> None:
        """
        By keys alone: from the send to the read handler, to its webhook, and all the way back.
        """
        open_trace(page)
        for key in ("j", "j", "Enter"):
            page.keyboard.press(key)
        expect(page.locator("#panel h2")).to_have_text("linq chats.messages.send")
        page.keyboard.press("l")
        walks = page.locator("#panel .links button")
        expect(walks).to_have_text(
            [
                "points to lifecyclelinq messageshop",
                "pointed at as send bylinq messageshop",
                *(
                    f"pointed at as send byprocess message.{stage}notifications"
                    for stage in ("sent", "delivered", "read")
                ),
            ]
        )
        expect(walks.first).to_be_focused()
        for key in ("j", "j", "j", "j", "Enter"):
            page.keyboard.press(key)
        title = page.locator("#panel h2")
        expect(title).to_have_text("process message.read")
        expect(row(page, "process message.read")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("l")
        expect(page.locator("#panel .links button").first).to_be_focused()
        page.locator("#panel .links button").filter(has_text="webhook").first.press("Enter")
        expect(title).to_have_text("POST /webhooks/linq")
        page.keyboard.press("b")
        expect(title).to_have_text("process message.read")
        page.go_back()
        expect(title).to_have_text("linq chats.messages.send")
        page.keyboard.press("Escape")
        expect(title).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.locator("#messages")).to_be_focused()

    def test_draws_links_to_click(self, page: Page) -> None:
        """
        The links of the span pointed at are drawn; a click on one walks along it.
        """
        open_trace(page)
        expect(page.locator("#link-lines .link")).to_have_count(0)
        row(page, "POST /webhooks/linq").hover()
        expect(page.locator("#link-lines .link")).to_have_count(1)
        row(page, "POST /webhooks/linq").click()
        expect(page.locator("#panel h2")).to_have_text("POST /webhooks/linq")
        page.locator("#link-lines .hit").dispatch_event("click")
        expect(page.locator("#panel h2")).to_have_text("process message.sent")

    def test_says_what_is_not_here(self, page: Page, empty_viewer: Viewer, now_ns: int) -> None:
        """
        A link out of what was received is told with its ids, and leads nowhere.
        """
        absent = place(9, "elsewhere", "span")
        here = place(9, "life", "lonely")
        times = (now_ns, now_ns + MS)
        links = [(absent, "reply_to")]
        empty_viewer.read([write_span("shop", here, "lonely", times, parent=absent, links=links)])
        page.goto(f"/#/trace/{here.otel_trace_id}/span/{here.span_id}")
        missing = page.locator("#panel .walk.missing")
        expect(missing).to_have_text(f"points to reply_tospan {absent.span_id}, not here")
        expect(page.locator("#panel dd").filter(has_text="not here")).to_have_count(1)


def texts(panel: Locator, part: str) -> list[str]:
    """
    Return the texts of the panel's pairs.
    """
    return panel.locator(f".pair {part}").all_inner_texts()


class TestWayBack:
    def test_leads_from_anywhere_to_where_one_was(
        self, page: Page, viewer: Viewer, now_ns: int
    ) -> None:
        """
        A reload stays at the span, back goes to the trace and to the filtered list, forward too.
        """
        page.goto("/#/?state=read")
        page.locator("#message-0 a").click()
        row(page, "message read").click()
        span = place(2, "life", "read")
        path = f"#/trace/{LIFE}/span/{span.span_id}[?]message={make_uuid(2, 'message')}$"
        expect(page).to_have_url(re.compile(path))
        page.reload()
        expect(page.locator("#panel h2")).to_have_text("message read")
        page.go_back()
        expect(page.locator("#panel")).to_be_hidden()
        page.go_back()
        expect(page.locator("#message-rows .badge")).to_have_text(["read"])
        page.go_forward()
        expect(page.locator(".entry.of-span")).to_have_count(17)
        viewer.read(write_life(7, now_ns, DELIVERED))
        page.get_by_role("link", name="All messages", exact=True).click()
        expect(page.locator("#message-rows .badge")).to_have_text(["read"])
