from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from linq_otel.cli._waterfall import MOST_ROWS, build_console, print_waterfall
from support.span_records import LIFE, MESSAGE, TRACE, record


if TYPE_CHECKING:
    from linq_otel._otlp_json import SpanRecord


PICTURE = """\
3 traces joined by links · 6 spans · 3 h 00 m · from 2026-09-21 14:13:20 UTC
                                      0                    3 h 00 m
                                      ─────────────────⋯3h⋯────────────────
trace 11111111111111111111111111111111 · shop · 2 spans
1 ← POST /orders                      ━━━━━━━━━━━━━━━━━                        30 ms
2 └ » linq chats.create                ━━━━━━━━━━━                             20 ms  ↪ 3 lifecycle
trace 22222222222222222222222222222222 · shop · hooks · 3 spans
3 · linq message                       ◆                                           0  ↪ 2 send
4 ├ · message read                               ━━━━━━┄┄┄┄━                3 h 00 m
5 └ « ✗ process message.read [hooks]                             ━━━━━━━       10 ms  ↪ 6 webhook
trace 33333333333333333333333333333333 · hooks · 1 span
6 ← POST /hooks                                               ━━━━━━━━━━━━━    20 ms

← serves  » sends  « receives  · inside  ◆ a moment  ┄ wait, folded  ↪ links to row
"""


def draw(
    spans: tuple[SpanRecord, ...], width: int = 100, encoding: str = "utf-8", *, tty: bool = False
) -> str:
    """
    Return what is drawn on a console of this width and encoding.
    """
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width, force_terminal=tty, highlight=False)
    print_waterfall(spans, console)
    file.flush()
    return raw.getvalue().decode(encoding)


def without_margin(picture: str) -> str:
    """
    Return *picture* without the blanks at the ends of its lines.
    """
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


class TestPicture:
    def test_is_this(self) -> None:
        """
        One message, from the click to the read three hours later, on one axis.
        """
        assert without_margin(draw(MESSAGE)) == PICTURE

    @pytest.mark.parametrize("width", [40, 60, 100, 140, 250])
    def test_stays_within_its_width(self, width: int) -> None:
        """
        No line is longer than the console is wide.
        """
        assert max(len(line.rstrip()) for line in draw(MESSAGE, width).splitlines()) <= width

    def test_makes_do_with_ascii(self) -> None:
        """
        A console that knows ASCII alone gets ASCII alone.
        """
        picture = draw(MESSAGE, encoding="ascii")
        assert "5 ` { ! process message.read [hooks]" in picture
        assert "?" not in picture

    def test_has_colours_on_a_terminal_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A terminal gets colours unless NO_COLOR says otherwise; a pipe gets none.
        """
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert "\x1b[36m" in draw(MESSAGE, tty=True)
        assert "\x1b" not in draw(MESSAGE)
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[36m" not in draw(MESSAGE, tty=True)

    def test_says_that_there_is_nothing(self) -> None:
        """
        No spans are one plain sentence.
        """
        assert draw(()) == "No spans.\n"

    def test_draws_only_so_many_rows(self) -> None:
        """
        Two thousand spans are cut at a bound, and the rest is counted.
        """
        spans = tuple(record("one", at, at + 1, span_id=f"{at + 1:016x}") for at in range(2_000))
        picture = draw(spans)
        assert picture.count(" · one") == MOST_ROWS
        assert f"… {2_000 - MOST_ROWS} more spans are not drawn" in picture

    def test_crops_names(self) -> None:
        """
        A name too long for its column ends in an ellipsis.
        """
        picture = draw((record("x" * 500, 0, 1), record("y", 0, 1)))
        assert "x" * 30 in picture
        assert "x" * 60 not in picture
        assert "x…" in picture

    def test_replaces_what_cannot_be_printed(self) -> None:
        """
        A name with control characters cannot steer the terminal.
        """
        assert "a\\x1b[31mb" in draw((record("a\x1b[31mb", 0, 1),))

    def test_names_a_link_that_leads_out(self) -> None:
        """
        A link to a span that is not here says so.
        """
        lone = record("lone", 0, 1, links=((LIFE, "9" * 16, "send"),))
        assert "↪ 999999… not here send" in draw((lone,), 160)

    def test_starts_with_the_trace_asked_for(self) -> None:
        """
        The story of the trace asked for comes before an earlier one.
        """
        spans = [record("early", 0, 1, trace=LIFE), record("late", 5, 6)]
        file = io.StringIO()
        print_waterfall(spans, Console(file=file, width=100), otel_trace_id=TRACE)
        assert file.getvalue().index("late") < file.getvalue().index("early")


class TestConsole:
    def test_is_a_hundred_columns_in_a_pipe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Without a terminal the width is 100, or what COLUMNS says.
        """
        monkeypatch.delenv("COLUMNS", raising=False)
        assert build_console(io.StringIO()).width == 100
        monkeypatch.setenv("COLUMNS", "77")
        assert build_console(io.StringIO()).width == 77
