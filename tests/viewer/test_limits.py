from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linq_otel._otlp_json import read_spans
from linq_otel.errors import ConfigurationError
from linq_otel.stories import find_messages
from linq_otel.viewer import ViewerOptions, _message_rows, open_viewer, read_database
from linq_otel.viewer._archive import Archive, BusyError
from linq_otel.viewer._database import Database
from linq_otel.viewer._limits import Limits
from linq_otel.viewer._reading import Question, list_messages
from linq_otel.viewer._rows import read_span
from linq_otel.viewer._walking import read_all_spans
from support.life_lines import READ, make_uuid, write_life
from support.viewer_answers import ask


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linq_otel._otlp_json import SpanRecord


START = 1_790_000_000_000_000_000
TABLES = ("traces", "spans", "links", "ids", "clues", "messages")


class Clock:
    """
    A clock one sets.
    """

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """
        Return the time that was set.
        """
        return self.now


def read_life(number: int) -> list[SpanRecord]:
    return read_spans(write_life(number, START + number, READ))


LIFE_SIZE = len(read_life(0))


def find_numbers(archive: Archive) -> list[int]:
    """
    Return the numbers of the lives that are listed, the newest first.
    """
    ids = [make_uuid(number, "message") for number in range(100)]
    with archive.reading() as connection:
        messages = list_messages(connection, Question(), 900.0)["messages"]
    return [ids.index(message["message_id"]) for message in messages]


def count_rows(archive: Archive) -> dict[str, int]:
    with archive.reading() as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # Ours.
            for table in TABLES
        }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(clock: Clock) -> Iterator[Archive]:
    """
    Yield an archive of three lives and an hour.
    """
    limits = Limits(spans=3 * LIFE_SIZE, seconds=3_600.0)
    with closing(Archive(Database(None), limits, clock)) as archive:
        yield archive


class TestNumbers:
    def test_the_oldest_leave(self, archive: Archive) -> None:
        """Of ten lives the last three stay, whole, and nothing of the others is left anywhere."""
        for number in range(10):
            assert archive.add(read_life(number)).result(20) == 0
        assert find_numbers(archive) == [9, 8, 7]
        assert archive.figures.spans == 3 * LIFE_SIZE
        with closing(Archive(Database(None), Limits())) as fresh:
            for number in (7, 8, 9):
                fresh.add(read_life(number)).result(20)
            assert count_rows(archive) == count_rows(fresh)

    def test_those_that_are_added_to_stay(self, archive: Archive) -> None:
        """Old is what nothing was added to for longest."""
        for number in (0, 1, 2, 0, 3, 4):
            archive.add(read_life(number)).result(20)
        assert find_numbers(archive) == [4, 3, 0]

    def test_a_batch_larger_than_all(self, archive: Archive) -> None:
        """What comes at once is bounded just the same."""
        archive.add([span for number in range(30) for span in read_life(number)]).result(20)
        assert find_numbers(archive) == [29, 28, 27]

    def test_half_a_life(self, clock: Clock) -> None:
        """Where a life's first trace leaves before its others, the message is told by the rest."""
        life = read_life(0)
        first = life[0].otel_trace_id
        rest = [span for span in life if span.otel_trace_id != first]
        with closing(Archive(Database(None), Limits(spans=len(rest)), clock)) as archive:
            archive.add([span for span in life if span.otel_trace_id == first]).result(20)
            archive.add(rest).result(20)
            with archive.reading() as connection:
                (message,) = list_messages(connection, Question(), 900.0)["messages"]
        (expected,) = find_messages(rest)
        assert message == expected.to_document()


class TestSizes:
    def test_bytes_are_bounded_too(self, clock: Clock) -> None:
        """Few spans of much text leave like many small ones."""
        limits = Limits(size=20_000)
        with closing(Archive(Database(None), limits, clock)) as archive:
            for number in range(20):
                archive.add(read_life(number)).result(20)
            with archive.reading() as connection:
                (total,) = connection.execute("SELECT size FROM totals").fetchone()
                (real,) = connection.execute("SELECT sum(length(document)) FROM spans").fetchone()
                (spans,) = connection.execute("SELECT spans FROM totals").fetchone()
            assert total == real <= 20_000
            assert spans == count_rows(archive)["spans"] > 0

    def test_of_one_trace(self, clock: Clock) -> None:
        """A trace that grows beyond its bound takes no more, and says how many it did not."""
        life = read_life(0)
        trace = [span for span in life if span.otel_trace_id == life[-1].otel_trace_id]
        with closing(Archive(Database(None), Limits(trace_size=1), clock)) as archive:
            assert archive.add(trace).result(20) == len(trace)
            assert archive.figures.spans == 0

    def test_long_names_are_cut(self, archive: Archive) -> None:
        """A service's name stands once in an export, and would be kept with each of its spans."""
        spans = [replace(span, service_name="s" * 9_999) for span in read_life(0)]
        archive.add(spans).result(20)
        with archive.reading() as connection:
            kept = {span.service_name for span in read_all_spans(connection)}
        assert kept == {"s" * 1_000}

    def test_of_ids_of_one_message(self, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many Linq trace ids a message has, a few spans of each are read for its row."""
        read: list[str] = []
        monkeypatch.setattr(
            _message_rows, "read_span", lambda *row: read.append(row[1]) or read_span(*row)
        )
        monkeypatch.setattr(_message_rows, "_MOST_SPANS", 20)
        ids = tuple(f"trace-{number}" for number in range(200))
        named = replace(read_life(0)[0], attributes={"linq.stage": "sent", "linq.message.id": "m1"})
        nameless = {"linq.stage": "sent", "linq.trace_ids": ids}
        archive.add([
            replace(named, span_id=f"{number:016x}", attributes={**named.attributes, **nameless})
            for number in range(1, 3)
        ]).result(20)  # fmt: skip
        archive.add([
            replace(named, span_id=f"{number:016x}", attributes=nameless)
            for number in range(1_000, 1_030)
        ]).result(20)  # fmt: skip
        read.clear()
        archive.add([replace(named, span_id="f" * 16)]).result(20)
        assert 0 < len(read) < 100

    def test_of_one_id_the_case_is_no_matter(self, archive: Archive) -> None:
        """Ids of messages are compared without case, by the list as by the page."""
        spans = [
            replace(
                read_life(0)[0],
                otel_trace_id=f"{number:032x}",
                attributes={"linq.stage": stage, "linq.message.id": message_id},
            )
            for number, (stage, message_id) in enumerate([("sent", "Ab1"), ("read", "aB1")], 1)
        ]
        archive.add(spans).result(20)
        with archive.reading() as connection:
            (message,) = list_messages(connection, Question(), 900.0)["messages"]
        assert (message["state"], message["spans"]) == ("read", 2)


class TestAges:
    def test_the_old_leave(self, archive: Archive, clock: Clock) -> None:
        """After an hour a life leaves with the next that comes."""
        archive.add(read_life(0)).result(20)
        clock.now += 3_599
        archive.add(read_life(1)).result(20)
        assert find_numbers(archive) == [1, 0]
        clock.now += 2
        archive.add(read_life(2)).result(20)
        assert find_numbers(archive) == [2, 1]

    def test_the_old_leave_in_stillness(self, archive: Archive, clock: Clock) -> None:
        """And where nothing comes, soon after somebody looks."""
        archive.add(read_life(0)).result(20)
        clock.now += 3_601
        find_numbers(archive)
        archive.add(()).result(20)
        assert count_rows(archive) == dict.fromkeys(TABLES, 0)


class TestArchives:
    def test_concurrent_writers(self, clock: Clock) -> None:
        """Twenty threads that add lives span by span lose none."""
        with closing(Archive(Database(None), Limits(), clock)) as archive:

            def write(number: int) -> None:
                for span in read_life(number):
                    assert archive.add([span]).result(30) == 0

            threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert archive.figures.spans == 20 * LIFE_SIZE
            assert find_numbers(archive) == list(range(19, -1, -1))

    def test_closed_ones(self, clock: Clock) -> None:
        """What is waiting at the end is written; what comes later is refused."""
        archive = Archive(Database(None), Limits(), clock)
        promises = [archive.add(read_life(number)) for number in range(20)]
        archive.close()
        assert [promise.result(0) for promise in promises] == [0] * 20
        with pytest.raises(BusyError):
            archive.add(read_life(0))


class TestDatabases:
    def test_kept(self, tmp_path: Path) -> None:
        """What a viewer kept in a file is there the next time, and can be read without one."""
        options = ViewerOptions(port=0, database=tmp_path / "spans.db")
        with open_viewer(options) as viewer:
            viewer.read(write_life(1, START, READ))
            before = ask(viewer, "/api/messages").document
        with open_viewer(options) as viewer:
            assert ask(viewer, "/api/messages").document == before
        assert before["total"] == 1
        spans = {span.span_id: span for span in read_database(tmp_path / "spans.db")}
        assert spans == {span.span_id: span for span in read_spans(write_life(1, START, READ))}

    def test_forgotten(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One without a name leaves nothing behind."""
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with open_viewer(ViewerOptions(port=0)) as viewer:
            viewer.read(write_life(1, START, READ))
            assert len(list(tmp_path.glob("linq-otel-view-*/spans.db"))) == 1
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"not a database at all, but long enough", "file is not a database"),
            (None, "it is a SQLite file of another program"),
            ("later", "another version of linq-otel wrote it"),
        ],
    )
    def test_of_others(self, tmp_path: Path, content: bytes | str | None, reason: str) -> None:
        """A file of another kind is not touched."""
        file = tmp_path / "other.db"
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("CREATE TABLE people (name)")
                if content:
                    connection.execute(f"PRAGMA application_id = {0x6C717677}")
                    connection.execute("PRAGMA user_version = 99")
        before = file.read_bytes()
        with pytest.raises(ConfigurationError) as caught:
            open_viewer(ViewerOptions(port=0, database=file))
        told = f"the database {file} cannot be used: {reason}; name another file"
        assert str(caught.value) == told
        assert file.read_bytes() == before

    def test_missing(self, tmp_path: Path) -> None:
        """To read a database that is not there is an error, and makes none."""
        file = tmp_path / "none.db"
        with pytest.raises(ConfigurationError) as caught:
            read_database(file)
        assert str(caught.value) == (f"there is no database {file}; name one a viewer has written")
        assert not file.exists()
