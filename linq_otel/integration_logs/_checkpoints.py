"""
How far an import came, so that it can go on from there.

A checkpoint names how many spans were taken and a hash of their ids, so that it is never mistaken
for that of another import.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Final

from linq_otel._files import lock_beside, replace_file
from linq_otel.errors import ConfigurationError


_VERSION: Final = 1


class Checkpoint:
    """
    The progress of one import, kept in a small file.

    One import at a time may have it: a second one would send the same spans and count them twice.

    Args:
        path: The file; None keeps nothing.

    Raises:
        ConfigurationError: Another import has it, or it is no checkpoint.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = None if path is None else Path(path)
        self._hash = sha256()
        self._held = ExitStack()
        self.sent = 0
        if self._path is not None:
            self._held.enter_context(lock_beside(self._path))
        try:
            self._expected = self._load()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """
        Let another import have it.
        """
        self._held.close()

    @property
    def done(self) -> int:
        """
        How many spans an earlier run sent.
        """
        return self._expected[0]

    def pass_over(self, span_id: int) -> None:
        """
        Count a span that an earlier run sent.

        Raises:
            ConfigurationError: It was not that span: the files or the options differ.
        """
        self._count(span_id)
        if self.sent == self.done and self._hash.hexdigest() != self._expected[1]:
            raise ConfigurationError(f"{self._path} is the checkpoint of another import: remove it")

    def save(self, span_ids: list[int]) -> None:
        """
        Note that these were taken.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        for span_id in span_ids:
            self._count(span_id)
        if self._path is None:
            return
        text = json.dumps({"version": _VERSION, "sent": self.sent, "ids": self._hash.hexdigest()})
        with replace_file(self._path) as file:
            file.write(text)

    def _count(self, span_id: int) -> None:
        self.sent += 1
        self._hash.update(span_id.to_bytes(8, "big"))

    def _load(self) -> tuple[int, str]:
        if self._path is None or not self._path.exists():
            return 0, ""
        try:
            found = json.loads(self._path.read_text("utf-8"))
            return int(found["sent"]), str(found["ids"])
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigurationError(f"{self._path} is no checkpoint: remove it") from None
