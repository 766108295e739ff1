"""
Files, globs, archives and standard input, as text.

Text is decoded by its byte order mark or as UTF-8; anything else is refused rather than guessed,
because a wrong guess changes what people wrote without a trace.
"""

from __future__ import annotations

import glob
import gzip
import io
import os.path
import sys
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from linq_otel._files import open_binary
from linq_otel.errors import LogFormatError

from ._workbooks import OLD_WORKBOOK, OLD_WORKBOOK_REASON, is_workbook, open_workbook


if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


Source: TypeAlias = "str | Path | IO[bytes]"

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_IMAGES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"%PDF")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_HEAD: Final = 4
# A row is text of which much repeats; what swells more than this is made to.
_RATIO_AT_MOST: Final = 1_000
_SMALL: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class OpenText:
    """
    The text of one source.

    Attributes:
        name: The base name of the file, or ``-``.
        stream: Its text, line ends as they stand.
        is_mended: True if a byte order mark was taken off, or another encoding read by one.
        is_table: True if it was a workbook, of which the text is comma-separated.
    """

    name: str
    stream: IO[str]
    is_mended: bool
    is_table: bool = False


def find_sources(sources: tuple[Source, ...]) -> Iterator[Source]:
    """
    Yield each source, globs opened up.

    Raises:
        LogFormatError: A file is not there, or a glob fits none.
    """
    for source in sources:
        if not isinstance(source, (str, Path)) or source == STDIN:
            yield source
            continue
        text = str(source)
        found = [text] if os.path.exists(text) else sorted(glob.glob(text, recursive=True))  # noqa: PTH110, PTH207  # Text.
        if not found:
            raise LogFormatError(os.path.basename(text) or repr(text), 0, "no such file")  # noqa: PTH119  # Text.
        yield from (Path(name) for name in found)


@contextmanager
def open_text(source: Source, encoding: str | None) -> Generator[OpenText]:
    """
    Open *source* as text.

    Raises:
        LogFormatError: It cannot be read, or is no text.
    """
    name = name_of(source)
    with ExitStack() as opened:
        try:
            raw = _open_bytes(source, opened)
            table = _open_table(name, raw, opened)
            if table is not None:
                yield OpenText(name, cast("IO[str]", table), is_mended=False, is_table=True)
                return
            stream = _unpack(name, raw, opened)
            head = stream.peek(_HEAD)[:_HEAD]
            if head.startswith(_IMAGES):
                raise LogFormatError(name, 0, "this is an image: paste the text of the panel")
            found = next((codec for mark, codec in _MARKS if head.startswith(mark)), None)
            text = io.TextIOWrapper(
                cast("IO[bytes]", stream), encoding or found or "utf-8", newline=""
            )
            opened.callback(text.detach)
            yield OpenText(name, text, found is not None)
        except UnicodeError:
            known = "is not UTF-8: name its --encoding"
            reason = known if encoding is None else "is not in that encoding"
            raise LogFormatError(name, 0, reason) from None
        except LookupError:
            raise LogFormatError(name, 0, "no such encoding") from None
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            kind = getattr(error, "strerror", None) or "is damaged"
            raise LogFormatError(name, 0, f"cannot be read: {kind}") from None


def name_of(source: Source) -> str:
    """
    Return the base name of a source: folders may name people.
    """
    if isinstance(source, (str, Path)):
        return os.path.basename(str(source)) or STDIN  # noqa: PTH119  # As text.
    name: object = getattr(source, "name", STDIN)
    return os.path.basename(name) if isinstance(name, str) else STDIN  # noqa: PTH119  # As text.


def _open_bytes(source: Source, opened: ExitStack) -> io.BufferedReader:
    if source == STDIN:
        return cast("io.BufferedReader", sys.stdin.buffer)
    if isinstance(source, (str, Path)):
        return opened.enter_context(open_binary(source))
    # A buffered stream is wrapped once more: what it is is not worth knowing.
    return io.BufferedReader(cast("io.RawIOBase", source))


def _open_table(name: str, raw: io.BufferedReader, opened: ExitStack) -> io.TextIOBase | None:
    head = raw.peek(_HEAD)[:_HEAD]
    if head == OLD_WORKBOOK:
        raise LogFormatError(name, 0, OLD_WORKBOOK_REASON)
    if not head.startswith(_ZIP) or not raw.seekable():
        return None
    archive = opened.enter_context(zipfile.ZipFile(raw))
    if not is_workbook(name, archive):
        raw.seek(0)
        return None
    for member in archive.infolist():
        _check_size(name, member)
    raw.seek(0)
    return open_workbook(name, raw, opened)


def _check_size(name: str, member: zipfile.ZipInfo) -> None:
    if member.file_size > max(_SMALL, member.compress_size * _RATIO_AT_MOST):
        raise LogFormatError(name, 0, "swells beyond reason: unpack it")


def _unpack(name: str, raw: io.BufferedReader, opened: ExitStack) -> io.BufferedReader:
    head = raw.peek(_HEAD)[:_HEAD]
    if head.startswith(_GZIP):
        packed = cast("io.RawIOBase", gzip.GzipFile(fileobj=raw))
        return io.BufferedReader(cast("io.RawIOBase", _Bounded(name, packed, raw)))
    if head.startswith(_ZIP):
        return _open_zip(name, raw, opened)
    return raw


def _open_zip(name: str, raw: io.BufferedReader, opened: ExitStack) -> io.BufferedReader:
    if not raw.seekable():
        raise LogFormatError(
            name, 0, "a zip or a workbook cannot be read from a pipe: give its file"
        )
    archive = opened.enter_context(zipfile.ZipFile(raw))
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise LogFormatError(name, 0, f"holds {len(members)} files: unpack it")
    member = members[0]
    _check_size(name, member)
    return io.BufferedReader(cast("io.RawIOBase", opened.enter_context(archive.open(member))))


class _Bounded(io.RawIOBase):
    """
    Reads a packed stream, and refuses one that swells beyond reason.
    """

    def __init__(self, name: str, stream: io.RawIOBase, packed: io.BufferedReader) -> None:
        self._name = name
        self._stream = stream
        self._packed = packed
        self._read = 0

    def readable(self) -> bool:
        """
        Tell that it can be read.
        """
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # As RawIOBase calls it.
        """
        Read into *buffer*; returns how many bytes.
        """
        chunk = self._stream.read(len(buffer)) or b""
        buffer[: len(chunk)] = chunk
        self._read += len(chunk)
        if self._read > _SMALL and self._is_bomb():
            raise LogFormatError(self._name, 0, "swells beyond reason: unpack it")
        return len(chunk)

    def _is_bomb(self) -> bool:
        return self._packed.seekable() and self._read > self._packed.tell() * _RATIO_AT_MOST
