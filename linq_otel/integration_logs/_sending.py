"""
Spans and log records on their way: gathered, handed over, and tried again where they are refused.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._drawing import Drawer
from ._homes import HomeFinder, fingerprint, span_id_of


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._checkpoints import Checkpoint
    from ._chronicle import Chronicle
    from ._entries import Entry
    from ._exporters import OutputFile
    from ._homes import Home
    from ._replay_options import ReplayOptions


_TRIES: Final = 3
_MAX_SLEEP: Final = 1e6


@dataclass(slots=True)
class Placed:
    """
    An entry with the place of its span.
    """

    entry: Entry
    home: Home
    span_id: int


def place(chronicle: Chronicle, options: ReplayOptions) -> Iterator[Placed]:
    """
    Yield each entry with its trace and its span id.
    """
    homes = HomeFinder(
        chronicle.evidence, options.store, options.join, by_request_id=options.by_request_id
    )
    homes.learn(chronicle)
    moment = -1
    seen: dict[tuple[str, ...], int] = {}
    for entry in chronicle:
        if entry.moment.unix_ns != moment:
            moment, seen = entry.moment.unix_ns, {}
        told = fingerprint(entry)
        ordinal = seen.get(told, 0)
        seen[told] = ordinal + 1
        home = homes.find(entry)
        yield Placed(entry, home, span_id_of(told, home, ordinal))


class Sender:
    """
    Gathers batches and hands them to the exporters, no faster than it may.
    """

    def __init__(
        self,
        exporters: Mapping[str, Any],
        checkpoint: Checkpoint,
        options: ReplayOptions,
        output: OutputFile | None = None,
    ) -> None:
        self._exporters = exporters
        self._output = output
        self._checkpoint = checkpoint
        self._options = options
        self._drawer = Drawer(detail=options.detail)
        self._batch: list[Placed] = []
        self._began = time.monotonic()
        self.sent = 0

    def add(self, placed: Placed) -> bool:
        """
        Take one entry; False once the backend has refused a batch for good.
        """
        self._batch.append(placed)
        return len(self._batch) < self._options.batch_size or self.flush()

    def flush(self) -> bool:
        """
        Send what was gathered; False if the backend refused it.
        """
        if not self._batch:
            return True
        for signal, exporter in self._exporters.items():
            make = self._drawer.draw if signal == "traces" else self._drawer.record
            made = [make(one.entry, one.home, one.span_id) for one in self._batch]
            if not self._export(exporter, made):
                return False
        self._checkpoint.save([one.span_id for one in self._batch])
        if self._output is not None and self._options.checkpoint is not None:
            # The next run goes on behind this batch.
            self._output.keep()
        self.sent += len(self._batch)
        self._batch = []
        if self._options.progress is not None:
            self._options.progress(self.sent)
        self._hold_back()
        return True

    def _export(self, exporter: Any, made: list[Any]) -> bool:
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(self._options.pause)
            if exporter.export(made).name == "SUCCESS":
                return True
        return False

    def _hold_back(self) -> None:
        if self._options.rate is not None:
            due = self._began + self.sent / self._options.rate
            time.sleep(min(max(0.0, due - time.monotonic()), _MAX_SLEEP))
