from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from linq_otel._files import (
    check_writable,
    is_standard_output,
    lock_beside,
    open_binary,
    replace_file,
)
from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    from pathlib import Path


FULL = OSError(28, "No space left on device")


def write_in_part(path: Path, error: BaseException) -> None:
    with replace_file(path) as file:
        file.write("new")
        raise error


class TestReplacing:
    def test_a_full_disk(self, tmp_path: Path) -> None:
        """What cannot be written whole leaves the old file, and no other."""
        path = tmp_path / "figures.csv"
        path.write_text("old")
        with pytest.raises(ConfigurationError) as caught:
            write_in_part(path, FULL)
        assert str(caught.value) == f"{path} cannot be written: No space left on device"
        assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(path.name, "old")]

    def test_an_interruption(self, tmp_path: Path) -> None:
        """Ctrl-C leaves the old file, and no other."""
        path = tmp_path / "figures.csv"
        path.write_text("old")
        with pytest.raises(KeyboardInterrupt):
            write_in_part(path, KeyboardInterrupt())
        assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [(path.name, "old")]

    def test_mode_and_link(self, tmp_path: Path) -> None:
        """The file behind a link is replaced; its mode and the link stay."""
        path, link = tmp_path / "real", tmp_path / "link"
        path.write_text("old")
        path.chmod(0o640)
        link.symlink_to(path)
        with replace_file(link) as file:
            file.write("new")
        assert (path.read_text(), link.is_symlink(), stat.S_IMODE(path.stat().st_mode)) == (
            "new",
            True,
            0o640,
        )

    def test_a_new_file(self, tmp_path: Path) -> None:
        """A new file has the mode that the user's mask leaves; a link to no file is followed."""
        path, link = tmp_path / "real", tmp_path / "link"
        link.symlink_to(path)
        before = os.umask(0o027)
        try:
            with replace_file(link) as file:
                file.write("new\udcff")
        finally:
            os.umask(before)
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new\\udcff", 0o640)

    def test_a_device(self) -> None:
        """A device is written to, and not replaced."""
        with replace_file("/dev/null") as file:
            file.write("new")
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116  # A device.

    def test_standard_output(self, capfd: pytest.CaptureFixture[str]) -> None:
        """By each of its names, standard output is added to, and what was there stays."""
        os.write(1, b"first\n")
        for name in ("-", "/dev/stdout"):
            assert is_standard_output(name)
            with replace_file(name) as file:
                file.write(f"{name}\n")
        os.write(1, b"last\n")
        assert capfd.readouterr().out == "first\n-\n/dev/stdout\nlast\n"

    def test_is_asked_beforehand(self, tmp_path: Path) -> None:
        """A place that cannot be written is found before the work; nothing is left there."""
        check_writable(tmp_path / "new")
        with pytest.raises(ConfigurationError):
            check_writable(tmp_path / "missing" / "new")
        assert list(tmp_path.iterdir()) == []


class TestLock:
    def test_one_at_a_time(self, tmp_path: Path) -> None:
        """A second holder is refused, by another name too, until the first has ended."""
        path, link = tmp_path / "checkpoint", tmp_path / "link"
        path.touch()
        link.symlink_to(path)
        for _ in range(2):
            with lock_beside(path):
                with pytest.raises(ConfigurationError) as caught, lock_beside(link):
                    pass
                assert str(caught.value) == (
                    f"{link} is in use by another run: wait until that has ended"
                )
        assert sorted(one.name for one in tmp_path.iterdir()) == ["checkpoint", "link"]

    def test_of_a_process_that_was_killed(self, tmp_path: Path) -> None:
        """The file of a lock alone is no lock."""
        path = tmp_path / "checkpoint"
        (tmp_path / "checkpoint.lock").touch()
        with lock_beside(path):
            pass


class TestPipes:
    def test_without_a_writer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A named pipe is not waited for without end."""
        monkeypatch.setattr("linq_otel._files._WRITER_SECONDS", 0.05)
        path = tmp_path / "pipe"
        os.mkfifo(path)
        before = set(threading.enumerate())
        with pytest.raises(TimeoutError, match="no process writes to this named pipe"):
            open_binary(path)
        (waiting,) = set(threading.enumerate()) - before
        os.close(os.open(path, os.O_WRONLY))
        waiting.join(5)
        assert not waiting.is_alive()

    def test_with_a_writer(self, tmp_path: Path) -> None:
        """A named pipe that has a writer is read."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = os.open(path, os.O_RDWR)
        os.write(writer, b"line\n")
        with open_binary(path) as file:
            assert file.readline() == b"line\n"
        os.close(writer)
