from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.life_lines import HOUR, MS, place, write_span


if TYPE_CHECKING:
    from playwright.sync_api import Page

    from linq_otel.viewer import Viewer


pytestmark = pytest.mark.slow


MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
BIDI = "sent\u202etluaf\u2066\u200b\u0007"
LONG = "x" * 100_000
AT = place(1, "life", "hostile")


def write_hostile(start_ns: int) -> str:
    """
    Write a span of which every text is somebody's attempt.
    """
    return write_span(
        MARKUP,
        AT,
        MARKUP,
        (start_ns, start_ns + HOUR),
        links=[(place(1, "absent", "x"), MARKUP)],
        attributes={
            "linq.stage": "delivered",
            "linq.message.id": MARKUP,
            "linq.operation": BIDI,
            "markup": MARKUP,
            "bidi": BIDI,
            "long": LONG,
            "nan": float("nan"),
            "infinite": float("inf"),
            "huge": 2**63 - 1,
            "many": [1, 2.5, "three", True],
            "__proto__": "polluted",
            "<b>key</b>": "value",
        },
    )


@pytest.fixture
def hostile(page: Page, empty_viewer: Viewer, now_ns: int) -> Page:
    """
    Return the page at the details of the hostile span.
    """
    empty_viewer.read([write_hostile(now_ns)])
    page.goto(f"/#/trace/{AT.otel_trace_id}/span/{AT.span_id}")
    expect(page.locator("#panel h2")).to_be_visible()
    return page


def read_value(page: Page, name: str) -> str:
    """
    Return what the panel shows for an attribute.
    """
    named = page.locator("#panel .pair").filter(has=page.get_by_text(name, exact=True))
    return named.locator(".value").inner_text()


class TestHostileNames:
    def test_are_text_and_nothing_else(self, hostile: Page) -> None:
        """
        Markup in names and values is shown as it was written, and makes no element.
        """
        expect(hostile.locator("#panel h2")).to_have_text(MARKUP)
        assert read_value(hostile, "markup") == MARKUP
        assert read_value(hostile, "<b>key</b>") == "value"
        assert hostile.locator("img, main script, b:has-text('key')").count() == 0
        assert "taken" not in hostile.title()
        hostile.goto("/#/")
        expect(hostile.locator("#message-rows .services")).to_have_text(MARKUP)

    def test_do_not_turn_the_reading_direction(self, hostile: Page) -> None:
        """
        Characters that are not seen are written out, in names and in values.
        """
        shown = "sent⟨202E⟩tluaf⟨2066⟩⟨200B⟩⟨0007⟩"
        assert read_value(hostile, "bidi") == shown
        expect(hostile.locator("#story-head h1")).to_have_text(shown)

    def test_are_cut_until_asked_for(self, hostile: Page) -> None:
        """
        Of a hundred thousand characters some are shown, all on request, and all are copied.
        """
        assert read_value(hostile, "long") == "x" * 400
        hostile.get_by_role("button", name="Copy long").click()
        assert hostile.evaluate("navigator.clipboard.readText()") == LONG
        hostile.get_by_role("button", name="show all 100,000 characters").click()
        assert read_value(hostile, "long") == LONG

    def test_keep_their_numbers(self, hostile: Page) -> None:
        """
        What JavaScript has no number for is shown to the last digit, and what is none by its name.
        """
        assert read_value(hostile, "nan").lower() == "nan"
        assert read_value(hostile, "infinite").lower().startswith("inf")
        assert read_value(hostile, "huge") == "9223372036854775807"
        assert read_value(hostile, "many").split() == ["[", "1,", "2.5,", '"three",', "true", "]"]
        assert hostile.evaluate("({}).polluted") is None


class TestHostileTimes:
    @pytest.mark.parametrize(
        ("times", "lasts"),
        [
            ((0, 0), "0"),
            ((0, 2**63 - 1), "106751 d 23 h"),
            ((2**63 - 1, 2**63 - 1), "0"),
            ((5 * MS, 0), "-5.0 ms"),
        ],
    )
    def test_are_drawn_all_the_same(
        self, page: Page, empty_viewer: Viewer, times: tuple[int, int], lasts: str
    ) -> None:
        """
        The beginning and the end of all time, and a span that ends before it starts, have a bar.
        """
        empty_viewer.read([write_span("shop", AT, "odd", times)])
        page.goto(f"/#/trace/{AT.otel_trace_id}/span/{AT.span_id}")
        expect(page.locator("#panel .value").first).to_have_text(lasts)
        expect(page.locator(".entry .segment, .entry .moment").first).to_be_visible()


class TestHostileAddress:
    @pytest.mark.parametrize(
        "address", ["#/trace/<img src=x>", "#/trace/zz/span/1", "#/?state=evil&query=%00", "#x"]
    )
    def test_leads_to_the_list(self, page: Page, empty_viewer: Viewer, address: str) -> None:
        """
        An address that names no place is the list.
        """
        page.goto(f"/{address}")
        expect(page.locator("#nothing h2")).to_be_visible()
