from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest

from linq_otel.stories._sources import SourceError
from linq_otel.stories._sources._files import SpanFiles
from stories.query_apis import write_lines
from stories.telling import READ


if TYPE_CHECKING:
    from pathlib import Path


LINES = write_lines(READ)


class TestFiles:
    def test_are_read_packed_or_not(self, tmp_path: Path) -> None:
        """What a file is called says nothing: gzip is known by its first bytes."""
        plain, packed = tmp_path / "plain.gz", tmp_path / "packed.jsonl"
        plain.write_text(LINES)
        packed.write_bytes(gzip.compress(LINES.encode()))
        for name in (plain, packed):
            assert SpanFiles((str(name),)).find_spans("any") == list(READ)

    def test_are_read_together(self, tmp_path: Path) -> None:
        """Sender and receiver write a file each, and a span in both is one."""
        one, other = tmp_path / "one", tmp_path / "other"
        one.write_text(write_lines(READ[:4]))
        other.write_text(write_lines(READ[3:]))
        files = SpanFiles((str(one), str(other)))
        assert files.find_spans("any") == list(READ)
        assert files.title == f"{one}, {other}"

    def test_may_be_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pipe is read as a file is, packed or not."""
        for content in (LINES.encode(), gzip.compress(LINES.encode())):
            with io.TextIOWrapper(io.BytesIO(content)) as standard_input:
                monkeypatch.setattr("sys.stdin", standard_input)
                assert SpanFiles(("-",)).find_spans("any") == list(READ)
        assert SpanFiles(("-",)).title == "standard input"

    def test_may_be_written_to(self, tmp_path: Path) -> None:
        """A last line that is half there is left out; a whole one without its end is not."""
        file = tmp_path / "spans"
        file.write_text(LINES + LINES[:50])
        assert SpanFiles((str(file),)).find_spans("any") == list(READ)
        file.write_text(LINES.rstrip("\n"))
        assert SpanFiles((str(file),)).find_spans("any") == list(READ)


class TestTroubles:
    def test_are_said_in_a_line(self, tmp_path: Path) -> None:
        """A file that is missing, broken, or no such file is named with the reason."""
        truncated = tmp_path / "truncated"
        truncated.write_bytes(gzip.compress(LINES.encode())[:-20])
        binary = tmp_path / "binary"
        binary.write_bytes(b"\xff\xfe\n")
        other = tmp_path / "other"
        other.write_text(json.dumps({"resourceSpans": 7}) + "\n")
        troubles = {
            tmp_path / "missing": "cannot be read: No such file or directory",
            tmp_path: "cannot be read: Is a directory",
            truncated: "cannot be read: it is damaged gzip",
            binary: "cannot be read: it is no text in UTF-8",
            other: "holds no OTLP JSON lines: line 1: not OTLP JSON: resourceSpans is no list",
        }
        for file, said in troubles.items():
            with pytest.raises(SourceError) as caught:
                SpanFiles((str(file),)).find_spans("any")
            assert str(caught.value) == f"{file} {said}"

    def test_of_a_line_without_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A device that gives one line without end is given up."""
        monkeypatch.setattr("linq_otel._otlp_lines.MAX_LINE_BYTES", 1 << 20)
        with pytest.raises(SourceError) as caught:
            SpanFiles(("/dev/zero",)).find_spans("any")
        assert str(caught.value) == "/dev/zero has a line of more than 1 MiB"

    @pytest.mark.parametrize("letter", [b"\n", b"x"], ids=["lines", "one line"])
    def test_of_a_file_without_an_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letter: bytes
    ) -> None:
        """A packed file that unfolds for ever is given up."""
        monkeypatch.setattr("linq_otel.stories._sources._files.MAX_BYTES", 2 << 20)
        bomb = tmp_path / "bomb"
        bomb.write_bytes(gzip.compress(letter * (3 << 20)))
        with pytest.raises(SourceError) as caught:
            SpanFiles((str(bomb),)).find_spans("any")
        assert str(caught.value) == f"{bomb} is larger than 2 MiB; split it"
