"""
Where spans and log records go: an OTLP endpoint, or a file of OTLP JSON lines.
"""

from __future__ import annotations

import json
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from linq_otel._files import STANDARD_STREAM, name_output, open_shared
from linq_otel.errors import ConfigurationError, MissingExtraError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


_OTLP: Final = "opentelemetry.exporter.otlp"
_CLASSES: Final = {
    ("http/protobuf", "traces"): (f"{_OTLP}.proto.http.trace_exporter", "OTLPSpanExporter"),
    ("http/protobuf", "logs"): (f"{_OTLP}.proto.http._log_exporter", "OTLPLogExporter"),
    ("grpc", "traces"): (f"{_OTLP}.proto.grpc.trace_exporter", "OTLPSpanExporter"),
    ("grpc", "logs"): (f"{_OTLP}.proto.grpc._log_exporter", "OTLPLogExporter"),
    ("file", "traces"): (f"{_OTLP}.json.file.trace_exporter", "FileSpanExporter"),
    ("file", "logs"): (f"{_OTLP}.json.file._log_exporter", "FileLogExporter"),
}
PROTOCOLS: Final = ("http/protobuf", "grpc")
_BLOCK: Final = 1_048_576
_OTLP_LINE: Final = b'{"resource'


def open_otlp(
    signal: str, protocol: str, endpoint: str | None, headers: Mapping[str, str] | None
) -> Any:
    """
    Open an OTLP exporter; it is to be shut down.

    Args:
        signal: ``traces`` or ``logs``.
        protocol: ``http/protobuf`` or ``grpc``.
        endpoint: The base URL; without it the ``OTEL_EXPORTER_OTLP_*`` variables count.
        headers: Sent with each request.

    Raises:
        ConfigurationError: There is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ConfigurationError(f"protocol must be one of {', '.join(PROTOCOLS)}")
    options: dict[str, Any] = {}
    if endpoint is not None:
        options["endpoint"] = _complete(endpoint, signal, protocol)
    if headers:
        options["headers"] = dict(headers)
    if protocol == "grpc" and endpoint is not None:
        options["insecure"] = not endpoint.startswith("https://")
    return _load(protocol, signal)(**options)


class OutputFile:
    """
    A file that OTLP JSON lines are added to; to be closed.

    What was added since `keep` was called last is taken back at the end: of a full disk, or of an
    import that is interrupted, no part of a batch stays behind.

    Args:
        path: The file; ``-`` is standard output.

    Raises:
        ConfigurationError: The file cannot be written.
    """

    closed: Final = False  # As the exporter asks a stream.

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._error: OSError | None = None
        self._is_new = str(path) != STANDARD_STREAM and not Path(path).exists()
        try:
            shared = open_shared(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._handle = os.open(path, flags, 0o666) if shared is None else shared
            self._is_bounded = shared is None and stat.S_ISREG(os.fstat(self._handle).st_mode)
            self._kept = self._end = os.fstat(self._handle).st_size if self._is_bounded else 0
            if self._is_bounded:
                self._end_line()
        except OSError as error:
            raise self._explain(error) from error

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take back what was not kept, and close."""
        try:
            # Not what another process has added meanwhile.
            if self._is_bounded and os.fstat(self._handle).st_size == self._end:
                os.ftruncate(self._handle, self._kept)
                if self._is_new and not self._kept:
                    Path(self._path).unlink(missing_ok=True)
        finally:
            os.close(self._handle)

    def open_exporter(self, signal: str) -> Any:
        """
        Open what exports *signal* to the file.

        Raises:
            MissingExtraError: The exporter is not installed.
        """
        return _FileExporter(_load("file", signal)(stream=self), self)

    def keep(self) -> None:
        """Keep all that was added so far."""
        self._kept = self._end

    def check(self) -> None:
        """
        Make sure that all was written so far.

        Raises:
            ConfigurationError: It was not.
            BrokenPipeError: The reader of a pipe has left.
        """
        if isinstance(self._error, BrokenPipeError):
            raise self._error
        if self._error is not None:
            raise self._explain(self._error) from self._error

    def write(self, text: str) -> None:
        """Add *text*; an error is kept for `check`, because the exporter would log all of it."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data and self._error is None:
                count = os.write(self._handle, data)
                self._end += count
                data = data[count:]
        except OSError as error:
            self._error = error

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def _explain(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"{name_output(self._path)} cannot be written: {error.strerror}")

    def _end_line(self) -> None:
        """
        Remove half a line of an import that was killed, and end a line that has no end.
        """
        if not self._end:
            return
        with Path(self._path).open("rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read() == b"\n":
                return
            start = _find_last_line(file, self._end)
            file.seek(start)
            is_half = file.read(len(_OTLP_LINE)) == _OTLP_LINE and not _is_json(file, start)
        if is_half:
            os.ftruncate(self._handle, start)
            self._kept = self._end = start
        else:
            self.write("\n")


def _find_last_line(file: IO[bytes], end: int) -> int:
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _is_json(file: IO[bytes], start: int) -> bool:
    file.seek(start)
    try:
        json.loads(file.read())
    except (ValueError, RecursionError):
        return False
    return True


class _FileExporter:
    """
    An exporter to a file that raises where it cannot write, instead of trying again.
    """

    def __init__(self, wrapped: Any, output: OutputFile) -> None:
        self._wrapped = wrapped
        self._output = output
        self.shutdown = wrapped.shutdown

    def export(self, made: Any) -> Any:
        """
        Export; returns what the exporter returns.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        result = self._wrapped.export(made)
        self._output.check()
        return result


def _complete(endpoint: str, signal: str, protocol: str) -> str:
    # The HTTP exporter takes an endpoint it is given to the letter.
    path = f"/v1/{signal}"
    if protocol == "grpc" or endpoint.endswith(path):
        return endpoint
    return endpoint.rstrip("/") + path


def _load(protocol: str, signal: str) -> Any:
    module, name = _CLASSES[protocol, signal]
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"exporting {signal} to a {protocol}", "cli") from error
