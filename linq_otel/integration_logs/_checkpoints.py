"""
How far an import came, so that it can go on from there.

A checkpoint names how many spans were taken and a hash of their ids, so that it is never mistaken
for that of another import.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from linq_otel.errors import ConfigurationError


_VERSION: Final = 1


class Checkpoint:
    """
    The progress of one import, kept in a small file.

    Args:
        path: The file; None keeps nothing.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = None if path is None else Path(path)
        self._hash = sha256()
        self.sent = 0
        self._expected = self._load()

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
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            beside.write_text(text, "utf-8")
            os.replace(beside, self._path)  # noqa: PTH105  # Path.replace does not say that it is atomic.
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}") from error

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
