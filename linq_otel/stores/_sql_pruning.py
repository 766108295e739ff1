"""
Deleting what has expired, a little at a time and beside the writes.

No database forgets by itself. Who writes much deletes much, so that many hosts
share the work, and none of them has much of it at once.
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Final

from linq_otel._shield import report
from linq_otel.errors import StoreError


if TYPE_CHECKING:
    from collections.abc import Callable

    from ._sql_databases import Database
    from ._sql_generic import GenericStatements
    from ._sql_statements import TextStatements


# A write brings four rows or so, and more than that may go for it: few enough to take no time.
_WRITES_BETWEEN: Final = 100
_BESIDE_A_WRITE: Final = 500
_AT_ONCE: Final = 5_000


class Pruning:
    """
    The expired rows of one store.

    Attributes:
        writes: Counts those of this process.
    """

    def __init__(
        self,
        database: Database,
        statements: TextStatements | GenericStatements,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._statements = statements
        self._clock = clock
        # Not all hosts, which were started at one moment, at one moment.
        self.writes = count(1 + os.urandom(1)[0] % _WRITES_BETWEEN)

    def note_write(self) -> None:
        """
        Delete a few rows, if enough was written since.
        """
        if next(self.writes) % _WRITES_BETWEEN:
            return
        try:
            self.prune(_BESIDE_A_WRITE)
        except StoreError as error:
            # What was written is written.
            report("store: prune", str(error))

    def prune(self, most: int = _AT_ONCE) -> int:
        """
        Delete at most *most* rows of each table; returns how many.

        Raises:
            StoreError: If the database refuses, or cannot be reached.
        """
        now = self._clock()
        return self._database.run(
            lambda connection, _: self._statements.prune(connection, now, most)
        )
