"""
Files that commands read and write.

A file is written beside the one it replaces and renamed at the end, so that a full disk or an
interruption leaves the old one as it was.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from linq_otel.errors import ConfigurationError


if TYPE_CHECKING:
    import io
    from collections.abc import Generator


STANDARD_STREAM: Final = "-"
"""What standard input or output is called in the place of a path."""
_DEVICES: Final = ("/dev/", "/proc/")
_STREAMS: Final = (1, 2)
_ANYONE: Final = 0o666
_OWNER: Final = 0o600
# The folder is not ours, the file is mounted on its own, or the folder for temporary files is
# another file system: the content is copied over the file, which stays the same file.
_NO_RENAME: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV})
_WRITER_SECONDS: Final = 5.0


@contextmanager
def replace_file(path: str | Path) -> Generator[IO[str]]:
    """
    Write text that takes the place of *path* once the block has ended without an error.

    Mode, owner and symbolic links of a file that is there are kept. A device, a pipe or the file
    that standard output goes to is written to as it is; ``-`` is standard output.

    Args:
        path: The file.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        with _open_direct(path) or _replacing(Path(os.path.realpath(path))) as file:
            yield file
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"{name_output(path)} cannot be written: {error.strerror or type(error).__name__}"
        ) from error


def check_writable(path: str | Path) -> None:
    """
    Make sure that `replace_file` can write *path*, for a command that takes long to get there.

    Raises:
        ConfigurationError: It cannot.
    """
    if is_pipe(path):
        # Its reader would see an end of file.
        return
    with suppress(_OnlyAskedError), replace_file(path):
        raise _OnlyAskedError


def is_pipe(path: str | Path) -> bool:
    """
    Tell whether *path* is a named pipe.
    """
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116  # A str, too.
    except OSError:
        return False


class _OnlyAskedError(Exception):
    """
    Leaves `replace_file` before anything is replaced.
    """


def name_output(path: str | Path) -> str:
    """
    Return what *path* is called in a message.
    """
    return "standard output" if str(path) == STANDARD_STREAM else str(path) or repr(path)


def open_shared(path: str | Path) -> int | None:
    """
    Return a new descriptor of *path* if it is standard output or standard error; else None.

    They are written to through their own descriptor, and not opened anew: that would begin at the
    start of the file that they go to.
    """
    if str(path) == STANDARD_STREAM:
        number: int | None = 1
    else:
        number = next((one for one in _STREAMS if _is_same_file(path, one)), None)
    if number is None:
        return None
    with suppress(OSError, ValueError):
        (sys.stdout if number == 1 else sys.stderr).flush()
    return os.dup(number)


def is_standard_output(path: str | Path | None) -> bool:
    """
    Tell whether what is written to *path* arrives where standard output goes.
    """
    return path is not None and (str(path) == STANDARD_STREAM or _is_same_file(path, 1))


def _is_same_file(path: str | Path, number: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(number))  # noqa: PTH116  # A str, too.
    except (OSError, ValueError):
        return False


def _open_text(file: int | str) -> IO[str]:
    return open(file, "w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: PTH123  # A number, too.


def _open_direct(path: str | Path) -> IO[str] | None:
    """
    Open what is written to as it is; None for a file that must be replaced.
    """
    shared = open_shared(path)
    if shared is not None:
        return _open_text(shared)
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116  # A str, too.
    except FileNotFoundError:
        return None
    is_device = os.path.abspath(path).startswith(_DEVICES)  # noqa: PTH100  # Links are not followed.
    return None if is_file and not is_device else _open_text(str(path))


@contextmanager
def _replacing(target: Path) -> Generator[IO[str]]:
    found = target.stat() if target.exists() else None
    if found is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    beside, handle = _make_beside(target, is_there=found is not None)
    try:
        if found is not None:
            _copy_mode(found, beside)
        with _open_text(handle) as file:
            yield file
            file.flush()
            # Some file systems say only now that they are full.
            os.fsync(file.fileno())
        _put(beside, target, is_there=found is not None)
    finally:
        beside.unlink(missing_ok=True)


def _make_beside(target: Path, *, is_there: bool) -> tuple[Path, int]:
    name = f".linq-otel-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        beside = target.with_name(name)
        return beside, os.open(beside, flags, _OWNER if is_there else _ANYONE)
    except PermissionError:
        if not is_there:
            raise
    beside = Path(tempfile.gettempdir(), name)
    return beside, os.open(beside, flags, _OWNER)


def _copy_mode(found: os.stat_result, beside: Path) -> None:
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(beside, found.st_uid, found.st_gid)
    beside.chmod(stat.S_IMODE(found.st_mode))


def _put(beside: Path, target: Path, *, is_there: bool) -> None:
    try:
        beside.replace(target)
    except OSError as error:
        if not is_there or error.errno not in _NO_RENAME:
            raise
        shutil.copyfile(beside, target)


@contextmanager
def lock_beside(path: str | Path) -> Generator[None]:
    """
    Keep other processes out while the block lasts, by a lock on a file beside *path*.

    The lock ends with its process, however that ends. Several names of one file are one lock.

    Raises:
        ConfigurationError: Another process holds the lock, or it cannot be made.
    """
    place = f"{os.path.realpath(path)}.lock"
    try:
        handle = _open_lock(place)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be locked: {error.strerror or type(error).__name__}"
        ) from error
    if handle is None:
        raise ConfigurationError(f"{path} is in use by another run: wait until that has ended")
    try:
        yield
    finally:
        # Windows deletes no file that is open; there it stays.
        with suppress(OSError):
            os.unlink(place)  # noqa: PTH108  # As it was opened.
        os.close(handle)


def _open_lock(place: str) -> int | None:
    while True:
        handle = os.open(place, os.O_RDWR | os.O_CREAT, _OWNER)
        try:
            is_locked = _lock(handle)
            # The run that held the lock may have deleted the file in between.
            if is_locked and os.path.samestat(os.fstat(handle), os.stat(place)):  # noqa: PTH116  # As above.
                return handle
        except FileNotFoundError:
            is_locked = True
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if not is_locked:
            return None


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def open_binary(path: str | Path) -> io.BufferedReader:
    """
    Open a file to read it, without waiting for ever for a named pipe without a writer.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be opened; a named pipe without a writer is given up after 5 s.
    """
    place = Path(path)
    return _open_pipe(place) if is_pipe(place) else place.open("rb")


def _open_pipe(path: Path) -> io.BufferedReader:
    opened: list[io.BufferedReader | OSError] = []
    is_given_up = threading.Event()

    def wait() -> None:
        try:
            file = path.open("rb")
        except OSError as error:
            opened.append(error)
            return
        opened.append(file)
        if is_given_up.is_set():
            file.close()

    # A thread can wait for a writer and be left behind; a process would wait for ever.
    waiting = threading.Thread(target=wait, name="linq_otel_pipe", daemon=True)
    waiting.start()
    waiting.join(_WRITER_SECONDS)
    if not opened:
        is_given_up.set()
        raise TimeoutError(errno.ETIMEDOUT, "no process writes to this named pipe")
    if isinstance(opened[0], OSError):
        raise opened[0]
    return opened[0]
