from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from linq_otel.errors import LogFormatError
from linq_otel.integration_logs import read
from support.log_rows import INBOUND, TIME, answered, lines, read_bytes, read_rows, read_text, row
from support.timing import timed


HEADER = "Method,URL,Status,Source,Date"
CELLS = f"POST,{INBOUND},201,System,{TIME}"


def refuse(content: bytes, **options: Any) -> str:
    with pytest.raises(LogFormatError) as caught:
        read_bytes(content, **options)
    return str(caught.value)


class TestEncodings:
    def test_01_byte_order_mark(self) -> None:
        """Case 1: a UTF-8 byte order mark is taken off, and said."""
        for text in (lines(row()), json.dumps([row()]), f"{HEADER}\n{CELLS}\n"):
            found = read_bytes(b"\xef\xbb\xbf" + text.encode())
            assert (found.entry.status, found.warnings) == (
                201,
                {"byte_order_mark": 1} | found.warnings,
            )
            assert "byte_order_mark" in found.warnings

    def test_02_utf_16(self) -> None:
        """Case 2: Excel's Unicode text is decoded by its mark."""
        found = read_bytes(f"{HEADER}\r\n{CELLS}\r\n".replace(",", "\t").encode("utf-16"))
        assert (found.entry.source, found.warnings) == ("system", {"byte_order_mark": 1})

    def test_03_windows_1252(self) -> None:
        """Case 3: bytes that are no UTF-8 are refused until their encoding is named."""
        content = f"{HEADER}\n{CELLS.replace('System', 'Système')}\n".encode("cp1252")
        assert refuse(content) == "-: is not UTF-8: name its --encoding"
        assert read_bytes(content, encoding="cp1252").entry.source == "unknown"

    def test_04_line_ends(self) -> None:
        """Case 4: every kind of line end is a line end."""
        one = json.dumps(row())
        assert len(read_text(f"{one}\r\n{one}\r{one}\n").entries) == 3
        assert len(read_text(f"{HEADER}\r{CELLS}\r{CELLS}\n{CELLS}\r\n").entries) == 3

    @pytest.mark.parametrize("text", ["", "\n\n", " \t\n", f"{HEADER}\n", "[]", '{"entries": []}'])
    def test_05_empty(self, text: str) -> None:
        """Case 5: nothing is in it, and nothing is wrong with it."""
        found = read_text(text)
        assert (found.entries, found.rejects) == ([], [])

    def test_11_lone_surrogate(self) -> None:
        """Case 11: half an emoji becomes a replacement character."""
        text = lines(answered({"success": False, "message": "no SIM"})).replace(
            "no SIM", "no \\ud83d"
        )
        found = read_text(text)
        assert found.entry.outcome.error_message == "no \N{REPLACEMENT CHARACTER}"
        assert found.warnings == {"text_mended": 1}

    def test_10_control_characters(self) -> None:
        """Case 10: control characters are replaced, raw and escaped."""
        for written in ("no\x00SIM", "no\\u0000SIM"):
            text = lines(answered({"success": False, "message": "no SIM"})).replace(
                "no SIM", written
            )
            message = read_text(text).entry.outcome.error_message
            assert message == "no\N{REPLACEMENT CHARACTER}SIM"

    def test_12_gzip(self) -> None:
        """Case 12: gzip is unpacked, and so is a zip of one file."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("rows.ndjson", lines(row()))
        for content in (gzip.compress(lines(row()).encode()), packed.getvalue()):
            assert read_bytes(content).entry.status == 201

    def test_12_zip_of_several(self) -> None:
        """Case 12: a zip of several files is refused."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a", "x")
            archive.writestr("b", "y")
        assert refuse(packed.getvalue()) == "-: holds 2 files: unpack it"

    @pytest.mark.slow
    def test_12_bomb(self) -> None:
        """Case 12: what swells beyond reason is refused, packed either way."""
        swollen = b" " * 120_000_000
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", swollen)
        assert refuse(gzip.compress(swollen)) == "-: swells beyond reason: unpack it"
        assert refuse(packed.getvalue()) == "-: swells beyond reason: unpack it"

    def test_12_cut_off(self) -> None:
        """Case 12: a gzip that ends early is damaged."""
        assert "is damaged" in refuse(gzip.compress(lines(row()).encode())[:-9])


class TestJson:
    def test_06_truncated_line(self) -> None:
        """Case 6: a last line that was cut off is rejected, the rest kept."""
        found = read_text(lines(row(), row()) + json.dumps(row())[:60])
        assert len(found.entries) == 2
        assert found.rejects == [(3, "", "not JSON: it ends too early")]

    @pytest.mark.parametrize(
        ("line", "hint"),
        [
            ('{"method": "POST",}', "a comma before a closing bracket is JavaScript"),
            ("{'method': 'POST'}", "this is JavaScript as a console prints it: use JSON.stringify"),
            ("{method: 'POST'}", "this is JavaScript as a console prints it: use JSON.stringify"),
            (
                '{"method": /* x */ 1}',
                "this is JavaScript as a console prints it: use JSON.stringify",
            ),
        ],
    )
    def test_07_javascript(self, line: str, hint: str) -> None:
        """Case 7: a copy from a console is rejected with a hint."""
        ((number, field, reason),) = read_text(f"{lines(row())}{line}\n").rejects
        assert (number, field, reason.partition(" (")[2]) == (2, "", f"{hint})")

    def test_08_concatenated(self) -> None:
        """Case 8: pretty-printed objects one after another are read."""
        text = "".join(json.dumps(row(id=f"row-{n}"), indent=2) + "\n" for n in range(3))
        found = read_text(text)
        assert [(e.entry_id, e.place.line) for e in found.entries] == [
            ("row-0", 1),
            ("row-1", 15),
            ("row-2", 29),
        ]

    def test_09_line_separators(self) -> None:
        """Case 9: U+2028 within a message ends no line."""
        body = {"message": "one\u2028two\u2029three", "success": False}
        text = json.dumps(answered(body), ensure_ascii=False) + "\n" + lines(row())
        assert [e.status for e in read_text(text).entries] == [201, 201]

    def test_13_large_document(self) -> None:
        """Case 13: a JSON document of any size is read row by row."""
        body = {**MADE_LARGE, "messageId": "msgEXAMPLE0000000001"}
        text = json.dumps({"page": 1, "entries": [answered(body, id=f"r{n}") for n in range(40)]})
        assert len(text) > 4_000_000
        assert [e.entry_id for e in read_text(text).entries] == [f"r{n}" for n in range(40)]

    @pytest.mark.timing
    @pytest.mark.parametrize(
        ("text", "format_"), [("{}" * 60_000, "json"), (lines(row()).strip() * 6_000, "ndjson")]
    )
    def test_13_many_on_a_line(self, text: str, format_: Any) -> None:
        """Case 13: each row is looked at alone, not with all that follows it on its line."""
        with timed() as timing:
            found = read_text(text, format=format_)
        assert len(found.entries) + len(found.rejects) >= 1_000
        assert timing.net < 5  # With the square of their number it were twenty and more.

    def test_13_row_too_long(self) -> None:
        """Case 13: one row above the limit is rejected, and what comes after it kept."""
        text = lines(answered(MADE_LARGE), row())
        found = read_text(text, max_entry=50_000, format="ndjson")
        assert (len(found.entries), found.rejects) == (1, [(1, "", "the line is too long")])

    @pytest.mark.parametrize("format_", ["ndjson", "json"])
    def test_14_nesting(self, format_: Any) -> None:
        """Case 14: a hundred thousand brackets are rejected, not crashed on."""
        found = read_text('{"a":' * 100_000, format=format_)
        assert found.entries == []
        assert [reason for _, _, reason in found.rejects] == ["nested too deeply"]

    def test_15_numbers(self) -> None:
        """Case 15: a number too long, NaN and Infinity become nothing."""
        written = lines(answered({"messageId": "m1", "a": "long", "b": "nan"}))
        text = written.replace('"long"', "9" * 5_000).replace('"nan"', "NaN")
        found = read_text(text)
        assert (found.entry.outcome.delivery, found.warnings) == (
            "delivered",
            {"number_dropped": 2},
        )

    def test_15_long_number_cut_off(self) -> None:
        """Case 15: a row that breaks off after such a number is one row that is left out."""
        found = read_text(f'{lines(row())}{{"n": {"9" * 5_000}, "a":\n{lines(row())}')
        assert (len(found.entries), found.rejects) == (2, [(2, "", "not JSON: it ends too early")])

    def test_16_duplicate_keys(self) -> None:
        """Case 16: of a key given twice the last counts, with a warning."""
        text = lines(answered({"messageId": "m1", "traceId": "one"})).replace(
            '"traceId"', '"traceId": "none-such", "traceId"'
        )
        found = read_text(text)
        assert found.entry.crm_trace is not None
        assert (found.entry.crm_trace.raw, found.warnings) == ("one", {"duplicate_key": 1})

    @pytest.mark.parametrize("value", ["[1, 2]", "[null]", '{"entries": ["x"]}'])
    def test_no_rows(self, value: str) -> None:
        """What stands where a row should is rejected as none."""
        assert {reason for _, _, reason in read_text(value).rejects} == {"is no object"}

    def test_ends_early(self) -> None:
        """A document that ends early keeps what came before."""
        found = read_text(json.dumps([row(), row()])[:-5])
        assert len(found.entries) == 1
        assert [line for line, _, _ in found.rejects] == [1]

    def test_row_to_a_line_of_a_list(self) -> None:
        """A list with a row to a line is a document, wherever its lines end."""
        rows = "\n,".join(json.dumps(row()) for _ in range(3))
        for text in (f'{{"entries": [{rows}\n]}}', f"[{rows}]", f'{{"entries": [\n{rows}]}}'):
            assert len(read_text(text).entries) == 3

    @pytest.mark.parametrize("name", ["entries", "data", "logs"])
    def test_wrapped(self, name: str) -> None:
        """Rows under a name are found, whatever stands beside them."""
        found = read_text(
            json.dumps({"total": 2, "meta": {"a": [1]}, name: [row(), row()]}, indent=1)
        )
        assert [e.status for e in found.entries] == [201, 201]

    def test_17_html(self) -> None:
        """Case 17: pasted HTML is refused with a hint."""
        assert refuse(b"<table><tr><td>POST</td></tr></table>") == (
            "-:1: this is HTML: copy the text of the table, not its source"
        )

    def test_18_image(self) -> None:
        """Case 18: a screenshot is refused with a hint."""
        assert (
            refuse(b"\x89PNG\r\n\x1a\n....") == "-: this is an image: paste the text of the panel"
        )

    def test_unknown_form(self) -> None:
        """Prose is no log."""
        assert refuse(b"Dear support,\nit does not work.\n") == (
            "-:1: is no log that we know: name its --format"
        )

    def test_no_file(self) -> None:
        """A file that is not there is named by its last part alone."""
        with pytest.raises(LogFormatError, match=r"^nowhere\.ndjson: no such file$"):
            list(read("/srv/ada.lovelace/nowhere.ndjson"))


MADE_LARGE = {"success": True, "note": "x" * 140_000}


class TestTables:
    def test_19_semicolons(self) -> None:
        """Case 19: semicolons and decimal commas, as a European Excel writes them."""
        text = f"{HEADER};Duration\n{CELLS};412,6\n".replace(",", ";").replace("412;6", "412,6")
        assert read_text(text).entry.duration_ms == 412.6

    def test_20_large_cell(self) -> None:
        """Case 20: a body above the csv module's own limit is read."""
        body = json.dumps(MADE_LARGE | {"messageId": "m1"}).replace('"', '""')
        found = read_text(f'{HEADER},Response Body\n{CELLS},"{body}"\n')
        assert (found.entry.outcome.delivery, found.entry.response.size) == ("delivered", 140_043)

    def test_21_doubled_quotes(self) -> None:
        """Case 21: JSON in a cell, its quotes doubled."""
        text = f'{HEADER},Response Body\n{CELLS},"{{""messageId"":""m1"",""note"":""a,b""}}"\n'
        assert read_text(text).entry.ids == {"message_id": "m1"}

    def test_22_line_breaks(self) -> None:
        """Case 22: a line break within quotes belongs to the cell; lines are counted on."""
        text = f'{HEADER},Response Body\n{CELLS},"{{\n""messageId"":\n""m1""}}"\n{CELLS},\n'
        found = read_text(text)
        assert [(e.place.line, e.ids) for e in found.entries] == [
            (2, {"message_id": "m1"}),
            (5, {}),
        ]

    def test_23_ragged(self) -> None:
        """Case 23: missing cells are nothing; too many are rejected."""
        found = read_text(f"{HEADER},Response Body\n{CELLS}\n{CELLS},{{a,b}}\n")
        assert (len(found.entries), found.warnings) == (1, {"cells_missing": 1})
        assert found.rejects == [
            (3, "", "more cells than columns: a delimiter that is not quoted?")
        ]

    def test_24_columns_twice(self) -> None:
        """Case 24: of two columns of one name the first is the request's."""
        cells = 'A: b,"{""x"":1}",version: v3,"{""messageId"":""m1""}"'
        text = f"{HEADER},Headers,Body,Headers,Body\n{CELLS},{cells}\n"
        entry = read_text(text).entry
        assert (entry.request.size, entry.response.headers) == (7, {"version": ("v3",)})
        assert entry.ids == {"message_id": "m1"}

    def test_25_foreign_columns(self) -> None:
        """Case 25: unknown columns are listed, and can be named."""
        text = f"Método,Dirección,Estado,Fecha\nPOST,{INBOUND},201,{TIME}\n"
        with pytest.raises(LogFormatError, match="columns Método, Dirección, Estado, Fecha: name"):
            read_text(text, format="csv")
        columns = {"Método": "method", "Dirección": "url", "Estado": "status", "Fecha": "timestamp"}
        assert read_text(text, format="csv", columns=columns).entry.status == 201

    def test_26_excel_damage(self) -> None:
        """Case 26: digits that Excel took away are not guessed back."""
        damaged = [CELLS.replace(TIME, cell) for cell in ("1.76228E+12", "########")]
        text = "\n".join([f"{HEADER},traceId", f"{CELLS},1.76E+12", *(f"{x}," for x in damaged)])
        found = read_text(text)
        assert (found.entry.crm_trace, found.warnings) == (None, {"cell_damaged": 1})
        reason = "was damaged by a spreadsheet: export it as text"
        assert found.rejects == [(3, "timestamp", reason), (4, "timestamp", reason)]

    def test_27_formulas(self) -> None:
        """Case 27: a cell of Excel's text form is its text, and any other formula is text."""
        text = f'{HEADER},traceId\n{CELLS},"=""abc123trace"""\n{CELLS},=HYPERLINK(1)\n'
        assert [e.crm_trace and e.crm_trace.raw for e in read_text(text).entries] == [
            "abc123trace",
            "=HYPERLINK(1)",
        ]

    def test_28_cell_by_cell(self) -> None:
        """Case 28: a table copied one cell to a line; a row that lacks its cells is rejected."""
        cells = f"POST\n{INBOUND}\n201\nSystem\n{TIME}\n"
        assert [e.source for e in read_text(cells * 2).entries] == ["system", "system"]
        found = read_text(cells + "POST\n")
        assert (len(found.entries), found.rejects) == (
            1,
            [(6, "", "one cell to a line, but not five to a row")],
        )


def table_row(status: int) -> str:
    return f"POST\t{INBOUND}\t{status}\tUser\t{TIME}\n"


class TestPanels:
    def test_any_order(self) -> None:
        """Panels are read in any order, and their headings in any case."""
        panels = 'RESPONSE\nbody\n{\n"messageId": "m1"\n}\nStatus code:\n201 Created\n'
        text = f"{table_row(500)}{panels}Request\nHeaders:\nVersion: v3\n"
        entry = read_text(text).entry
        assert (entry.status, entry.source, entry.ids) == (201, "user", {"message_id": "m1"})
        assert entry.request.headers == {"version": ("v3",)}

    def test_several(self) -> None:
        """Each row of the table begins an entry."""
        panel = 'Response\nBody\n{"messageId":"m1"}\n'
        text = f"{table_row(201)}{panel}PUT  {INBOUND}  200  User  {TIME}\n"
        assert [(e.method, e.ids) for e in read_text(text).entries] == [
            ("POST", {"message_id": "m1"}),
            ("PUT", {}),
        ]

    def test_without_table(self) -> None:
        """A panel without its row lacks a method, and says so."""
        assert read_text("Response\nStatus Code\n201\n").rejects == [(1, "method", "missing")]


class TestWebhookLogs:
    def test_of_the_cli(self) -> None:
        """What Linq's CLI prints of webhook deliveries has Linq's own trace id and a duration."""
        delivery = {
            "event_id": "evt1",
            "webhook_event_type": "message.received",
            "attempt": 2,
            "target_url": "https://hooks.customer.example/linq",
            "http_status_code": 200,
            "duration_ms": 87,
            "timestamp": TIME,
            "status": "success",
            "max_attempts": 10,
            "trace_id": "8af9171a45022df2eb74ba4e4c83be0f",
            "subscription_id": "sub1",
        }
        document = {"webhook_logs": [delivery], "pagination": {"has_more": False}}
        for text in (json.dumps(document), json.dumps(document, indent=2), lines(delivery)):
            entry = read_text(text).entry
            assert (entry.place.format, entry.provider, entry.method) == (
                "webhook_logs",
                "webhook",
                "POST",
            )
            assert (entry.status, entry.outcome.delivery, entry.duration_ms) == (
                200,
                "delivered",
                87,
            )
            assert (entry.linq_trace_id, entry.crm_trace) == (
                "8af9171a45022df2eb74ba4e4c83be0f",
                None,
            )
            assert (entry.event_id, entry.event_type, entry.attempt) == (
                "evt1",
                "message.received",
                2,
            )

    def test_no_answer(self) -> None:
        """A delivery nobody answered has no status, whatever its words."""
        entry = read_rows(
            {
                "event_id": "e",
                "target_url": "https://h.example/",
                "http_status_code": 0,
                "timestamp": TIME,
                "status": "failed",
                "error_message": "timeout",
            }
        ).entry
        assert (entry.status, entry.outcome.delivery, entry.outcome.error_type) == (
            None,
            "unknown",
            "no_response",
        )


class TestHar:
    def har(self, *entries: dict[str, Any]) -> str:
        """Write a HAR."""
        return json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": entries}})

    def call(self, **changes: Any) -> dict[str, Any]:
        """Return an entry of one."""
        return {
            "startedDateTime": TIME,
            "time": 221,
            "request": {
                "method": "POST",
                "url": INBOUND,
                "headers": [],
                "postData": {"text": "{}"},
            },
            "response": {
                "status": 201,
                "headers": [{"name": "Version", "value": "v3"}],
                "content": {"text": '{"messageId":"m1"}'},
            },
            **changes,
        }

    def test_of_a_proxy(self) -> None:
        """The entries of a proxy's HAR are the calls."""
        entry = read_text(self.har(self.call())).entry
        assert (entry.place.format, entry.duration_ms, entry.ids) == (
            "har",
            221,
            {"message_id": "m1"},
        )

    def test_of_the_browser(self) -> None:
        """Of a HAR of the Logs page only the rows within its answers are read."""
        rows = {"items": 1, "entries": [row(id="r1"), row(id="r2")]}
        page = self.call(
            pageref="page_1", response={"status": 200, "content": {"text": json.dumps(rows)}}
        )
        picture = self.call(
            pageref="page_1", request={"method": "GET", "url": "https://x.example/a.png"}
        )
        found = read_text(self.har(picture, page))
        assert [e.entry_id for e in found.entries] == ["r1", "r2"]
        assert found.warnings == {"har_unrelated": 1}
