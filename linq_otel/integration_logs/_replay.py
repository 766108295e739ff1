"""
Sending what was read to a backend: oldest first, at a bounded rate, and never twice.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from linq_otel.errors import ConfigurationError

from ._checkpoints import Checkpoint
from ._chronicle import Chronicle
from ._exporters import OutputFile, open_otlp
from ._replay_options import ReplayOptions
from ._sending import Sender, place


if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._entries import Entry


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    What became of a replay.

    Attributes:
        sent: Entries the backend took.
        skipped: Entries an earlier run had sent.
        unsent: Entries that were left when the backend refused.
        duplicates: Rows that were there twice.
    """

    sent: int
    skipped: int
    unsent: int
    duplicates: int

    @property
    def is_complete(self) -> bool:
        """
        True if nothing was left.
        """
        return self.unsent == 0


def replay(
    entries: Iterable[Entry], options: ReplayOptions | None = None, **fields: Any
) -> Replayed:
    """
    Send *entries* as spans, log records or both.

    Span ids are derived, so sending the same rows again writes the same spans. Rows are sent oldest
    first whatever their order, which needs a temporary file and not the memory.

    Args:
        entries: What :func:`read` gave, or any entries.
        options: How to send.
        fields: The fields of :class:`ReplayOptions`, in its place.

    Raises:
        ConfigurationError: An option cannot be used, or the checkpoint is of another import.
        LogFormatError: A file cannot be read.
        StoreError: The store refuses.
        TypeError: An option has a name that is none, or both forms are given.
    """
    if options is not None and fields:
        raise TypeError("give options, or the fields of one")
    chosen = options or ReplayOptions(**fields)
    if isinstance(entries, Chronicle):
        return send(entries, chosen)
    with Chronicle(entries) as chronicle:
        return send(chronicle, chosen)


def send(chronicle: Chronicle, options: ReplayOptions) -> Replayed:
    """
    Send what a chronicle holds.
    """
    total = len(chronicle)
    with ExitStack() as opened:
        checkpoint = Checkpoint(options.checkpoint)
        opened.callback(checkpoint.close)
        output = (
            None if options.output is None else opened.enter_context(OutputFile(options.output))
        )
        exporters = _open_exporters(options, output, opened)
        sender = Sender(exporters, checkpoint, options, output)
        is_taken = True
        for placed in place(chronicle, options):
            if checkpoint.sent < checkpoint.done:
                checkpoint.pass_over(placed.span_id)
                continue
            is_taken = sender.add(placed)
            if not is_taken:
                break
        if is_taken:
            sender.flush()
        if output is not None:
            output.keep()
    unsent = total - checkpoint.done - sender.sent
    return Replayed(sender.sent, checkpoint.done, unsent, chronicle.duplicates)


def _open_exporters(
    options: ReplayOptions, output: OutputFile | None, opened: ExitStack
) -> dict[str, Any]:
    if options.exporters is not None:
        missing = [signal for signal in options.signals if signal not in options.exporters]
        if missing:
            raise ConfigurationError(f"exporters lack one of {missing[0]}")
        return {signal: options.exporters[signal] for signal in options.signals}
    found: dict[str, Any] = {}
    for signal in options.signals:
        if output is not None:
            found[signal] = output.open_exporter(signal)
        else:
            found[signal] = open_otlp(signal, options.protocol, options.endpoint, options.headers)
        opened.callback(found[signal].shutdown)
    return found
