from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from linq_otel.integration_logs._chronicle import Chronicle
from support.log_rows import INBOUND, MADE, TIME, answered, ns, read_rows, read_text, row


def at(second: float, **changes: Any) -> dict[str, Any]:
    return row(timestamp=f"2025-11-04T16:02:{second:06.3f}Z", **changes)


def chronicle_of(*rows: dict[str, Any], **options: Any) -> Chronicle:
    return Chronicle(read_rows(*rows, **options).entries)


def ids(chronicle: Chronicle) -> list[str | None]:
    return [entry.entry_id for entry in chronicle]


class TestOrder:
    def test_oldest_first(self) -> None:
        """Entries come oldest first, whatever order they were in."""
        with chronicle_of(at(3, id="c"), at(1, id="a"), at(2, id="b")) as chronicle:
            assert ids(chronicle) == ["a", "b", "c"]
            assert (len(chronicle), chronicle.duplicates) == (3, 0)
            assert (chronicle.first_ns, chronicle.last_ns) == (
                ns("2025-11-04T16:02:01Z"),
                ns("2025-11-04T16:02:03Z"),
            )

    def test_53_ties(self) -> None:
        """Case 53: rows of one moment keep their order, turned round in a list newest first."""
        same = [at(2, id="x"), at(2, id="y")]
        with chronicle_of(at(1, id="a"), *same, at(3, id="z")) as rising:
            assert ids(rising) == ["a", "x", "y", "z"]
        with chronicle_of(at(3, id="z"), *same, at(1, id="a")) as falling:
            assert ids(falling) == ["a", "y", "x", "z"]

    def test_empty(self) -> None:
        """Nothing is in order."""
        with Chronicle([]) as chronicle:
            assert (list(chronicle), len(chronicle), chronicle.first_ns) == ([], 0, None)

    def test_between(self) -> None:
        """A window takes its start and not its end."""
        with chronicle_of(at(1, id="a"), at(2, id="b"), at(3, id="c")) as chronicle:
            window = chronicle.between(ns("2025-11-04T16:02:01Z"), ns("2025-11-04T16:02:03Z"))
            assert [entry.entry_id for entry in window] == ["a", "b"]


class TestDuplicates:
    def test_72_identical(self) -> None:
        """Case 72: the same row twice is one call."""
        with chronicle_of(at(1.5), at(1.5), at(1.5, id="r"), at(1.5, id="r")) as chronicle:
            assert (len(chronicle), chronicle.duplicates) == (2, 2)

    def test_72_two_in_one_second(self) -> None:
        """Case 72: two calls of one second, told to the second, are two."""
        rows = [row(timestamp="2025-11-04T16:02:11Z")] * 2
        with chronicle_of(*rows) as chronicle:
            assert (len(chronicle), chronicle.duplicates) == (2, 0)

    def test_72_overlapping_exports(self) -> None:
        """Case 72: the second of one second is the same in both exports."""
        rows = [row(timestamp="2025-11-04T16:02:11Z")] * 2
        one, two = read_rows(*rows).entries, read_rows(*rows).entries
        with Chronicle([*one, *two]) as chronicle:
            assert len(chronicle) == 4
        named = [entry for n, rows_ in enumerate((one, two)) for entry in rename(rows_, f"{n}.csv")]
        with Chronicle(named) as chronicle:
            assert (len(chronicle), chronicle.duplicates) == (2, 2)

    def test_overlapping_exports_of_different_length(self) -> None:
        """A second export that shows one more call of the same second adds that one alone."""
        same = row(timestamp="2025-11-04T16:02:11Z")
        one = rename(read_rows(same, same).entries, "1.csv")
        two = rename(read_rows(same, same, same).entries, "2.csv")
        for exports in ([*one, *two], [*two, *one]):
            with Chronicle(exports) as chronicle:
                assert (len(chronicle), chronicle.duplicates) == (3, len(exports) - 3)

    def test_72_table_and_capture(self) -> None:
        """Case 72: of a table's row and a capture's the richer wins, and learns who did it."""
        table = read_text(
            f"POST\t{INBOUND}\t201\tUser\tNov 4, 2025, 4:02:11 PM\n" * 2, timezone="UTC"
        ).entries
        capture = read_rows(at(11.482, id="one"), at(11.9, id="two"), at(12.1, id="three")).entries
        with Chronicle([*table, *capture]) as chronicle:
            assert [(e.entry_id, e.source) for e in chronicle] == [
                ("one", "user"),
                ("two", "user"),
                ("three", "unknown"),
            ]
            assert chronicle.duplicates == 2

    def test_72_bare_rows_alone(self) -> None:
        """Case 72: table rows of which no other tells more stay."""
        lines = f"POST\t{INBOUND}\t201\tUser\t{TIME}\nPOST\t{INBOUND}\t500\tUser\t{TIME}\n"
        with Chronicle(read_text(lines).entries) as chronicle:
            assert (len(chronicle), chronicle.duplicates) == (2, 0)

    def test_72_organisations(self) -> None:
        """Case 72: rows of two organisations are kept, and noticed."""
        locations = [answered({**MADE, "locationId": f"loc{n}"}, id=f"r{n}") for n in range(2)]
        with chronicle_of(*locations) as chronicle:
            assert (len(chronicle), chronicle.organisations) == (2, 2)

    def test_63_copied_default(self) -> None:
        """Case 63: one trace id in more than a thousand rows is noticed."""
        body = {**MADE, "traceId": "default"}
        rows = [answered(body, timestamp=1_762_272_000_000 + n) for n in range(1_001)]
        with chronicle_of(*rows) as chronicle:
            assert chronicle.crowded_traces == 1
        with chronicle_of(*rows[1:]) as chronicle:
            assert chronicle.crowded_traces == 0


def rename(entries: list[Any], name: str) -> list[Any]:
    from dataclasses import replace  # noqa: PLC0415  # Once.

    return [replace(entry, place=replace(entry.place, file=name)) for entry in entries]


def plain_rows(count: int) -> list[Any]:
    """A plain table: no bodies, five calls in each second."""
    head = "Method,URL,Status,Source,Date\n"
    times = (f"2025-11-04T16:{n // 300:02}:{n // 5 % 60:02}Z" for n in range(count))
    return read_text(head + "".join(f"POST,{INBOUND},201,User,{one}\n" for one in times)).entries


def plain_and_full_rows(count: int) -> list[Any]:
    """The same, each of the calls captured as well, and as many that the table does not show."""
    calls = [at(n / 10 % 60, id=f"c{n}") for n in range(count)]
    return [*plain_rows(count // 2), *read_rows(*calls).entries]


def rows_of_one_contact(count: int) -> list[Any]:
    """Calls of one contact id, each about another number, and each with a Linq trace id."""
    rows = [
        at(
            n / 10 % 60,
            linq_trace_id=f"{n:032x}" if n % 2 else None,
            request={"body": {"contactId": "c1", "phone": f"+1555{n:07}"}},
        )
        for n in range(1, count + 1)
    ]
    return read_rows(*rows).entries


def count_steps(monkeypatch: pytest.MonkeyPatch, entries: list[Any]) -> int:
    """Lay *entries* down, take them up, and count the steps of the database."""
    steps, connect = [0], sqlite3.connect

    def count() -> None:
        steps[0] += 1

    def connect_counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_progress_handler(count, 50)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_counting)
    with Chronicle(entries) as chronicle:
        for entry in chronicle:
            chronicle.evidence.find_probable(entry)
    monkeypatch.undo()
    return steps[0]


class TestCost:
    @pytest.mark.parametrize("make", [plain_rows, plain_and_full_rows, rows_of_one_contact])
    def test_twice_the_rows(self, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
        """Twice the rows are twice the work of the database, and no more."""
        few, many = (count_steps(monkeypatch, make(count)) for count in (150, 300))
        assert 1.5 < many / few < 2.6, (few, many)


class TestAttempts:
    def test_after_a_failure(self) -> None:
        """The same request within a minute of its failure is the next attempt."""
        failed = {"headers": {}, "body": {"statusCode": 500}}
        rows = [
            at(1, status=500, response=failed),
            at(4, status=429, response=failed),
            at(9),
            at(30),
        ]
        with chronicle_of(*rows) as chronicle:
            assert [entry.attempt for entry in chronicle] == [None, 2, 3, None]

    def test_of_another_request(self) -> None:
        """Another body is another call, and so is the same a minute later."""
        failed = {"body": {"statusCode": 500}}
        rows = [
            at(1, status=500, response=failed),
            at(2, request={"body": {"a": 1}}),
            row(timestamp="2025-11-04T16:03:02Z"),
        ]
        with chronicle_of(*rows) as chronicle:
            assert [entry.attempt for entry in chronicle] == [None, None, None]

    def test_given(self) -> None:
        """What the row says counts, and is counted on from."""
        failed = {"body": {"statusCode": 500}}
        with chronicle_of(at(1, status=500, response=failed, attempt=4), at(2)) as chronicle:
            assert [entry.attempt for entry in chronicle] == [4, 5]
