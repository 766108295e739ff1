"""
Answers that are made piece by piece, after the function that began them has returned.

Each piece is made in the context of its delivery's run, which ends with the
last of them: an answer that breaks off is a handler that failed.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar


if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from ._endpoint import Turn


T = TypeVar("T")


class Stream(Generic[T]):
    """
    A streamed answer of the delivery *turn* is about.

    Args:
        turn: Its block is still open, and is left before the rest is asked for.
        answer: Makes the pieces.
    """

    __slots__ = ("_answer", "_pieces", "_turn")

    def __init__(self, turn: Turn, answer: Iterable[T]) -> None:
        self._answer = answer
        self._pieces = iter(answer)
        self._turn = turn
        turn.outlast()

    def begin(self) -> None:
        """
        Ask for the first piece now: before that, nothing of a generator's code runs.
        """
        try:
            self._pieces = chain(list(islice(self._pieces, 1)), self._pieces)
        except BaseException as error:
            # The server never gets it, and so cannot close it.
            self._turn.finish(error)
            self.close()
            raise

    def __iter__(self) -> Stream[T]:
        """
        Return itself.
        """
        return self

    def __next__(self) -> T:
        """
        Make the next piece.
        """
        with self._turn.resumed():
            try:
                return next(self._pieces)
            except StopIteration:
                self._turn.finish()
                raise
            except BaseException as error:
                self._turn.finish(error)
                raise

    def close(self) -> None:
        """
        Tell the app that its answer is over.
        """
        # What was asked for to the end has finished before.
        self._turn.finish(GeneratorExit())
        close = getattr(self._answer, "close", None)
        if close is not None:
            self._turn.call(close)

    def __del__(self) -> None:
        # Servers close what they are given; what answers in place of the app may forget it.
        if hasattr(self, "_turn"):
            self._turn.finish(GeneratorExit())


class AsyncStream(Generic[T]):
    """
    A streamed answer that coroutines make; see :class:`Stream`.
    """

    __slots__ = ("_pieces", "_turn")

    def __init__(self, turn: Turn, answer: AsyncIterable[T]) -> None:
        self._pieces = aiter(answer)
        self._turn = turn
        turn.outlast()

    def __aiter__(self) -> AsyncStream[T]:
        """
        Return itself.
        """
        return self

    async def __anext__(self) -> T:
        """
        Make the next piece.
        """
        with self._turn.resumed():
            try:
                return await anext(self._pieces)
            except StopAsyncIteration:
                await self._turn.afinish()
                raise
            except BaseException as error:
                await self._turn.afinish(error)
                raise

    async def aclose(self) -> None:
        """
        End the answer before its last piece.
        """
        self.close()
        close: Any = getattr(self._pieces, "aclose", None)
        if close is not None:
            with self._turn.resumed():
                await close()

    def close(self) -> None:
        """
        End the run: the answer is over, and nothing more is asked for.
        """
        self._turn.finish(GeneratorExit())

    def __del__(self) -> None:
        if hasattr(self, "_turn"):
            self._turn.finish(GeneratorExit())
