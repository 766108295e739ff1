"""
The receiver: ``POST /v1/traces``, and ``/v1/metrics`` and ``/v1/logs``, which are dropped.

Exporters know one endpoint for all three, and would complain for ever about those two. As the
specification has it (https://opentelemetry.io/docs/specs/otlp/#otlphttp), an exporter gives up on
what is answered with 400, and tries again later on 503.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from ._archive import BusyError
from ._bodies import ENCODINGS, BodyError, Purse, read_body, unpack
from ._exports import JSON, MEDIA_TYPES, Export, parse_export, write_failure, write_success


if TYPE_CHECKING:
    from concurrent.futures import Future

    from starlette.requests import Request

    from ._archive import Archive
    from ._bodies import Loan


SIGNALS: Final = ("traces", "metrics", "logs")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_AT_ONCE: Final = 2
_WITHOUT_ID: Final = "spans without a valid trace id or span id"
_OF_FULL_TRACES: Final = "spans of traces that have as many as are kept"


class Intake:
    """
    Takes exports and puts their spans into *archive*.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._purse = Purse()
        # Unpacking and parsing hold memory of their own.
        self._parsing = asyncio.Semaphore(_AT_ONCE)
        self.dropped: Counter[str] = Counter()

    @property
    def routes(self) -> list[Route]:
        """
        Where exporters send to.
        """
        return [
            # All methods, for a refusal is to be in the words of OTLP too.
            Route(f"/v1/{signal}", self._answer, methods=_METHODS)
            for signal in SIGNALS
        ]

    async def _answer(self, request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        signal = request.url.path.rpartition("/")[2]
        try:
            _check(request.method, media_type)
            return await self._take(request, signal, media_type)
        except BodyError as error:
            return _refuse(media_type, error)
        except (BusyError, sqlite3.Error) as error:
            return _refuse(media_type, BodyError(503, str(error)))

    async def _take(self, request: Request, signal: str, media_type: str) -> Response:
        encoding = request.headers.get("content-encoding", "")
        with self._purse.lend() as loan:
            body = await _read(request, loan)
            async with self._parsing:
                export = await run_in_threadpool(_parse, signal, media_type, body, encoding)
            adding = self._add(signal, export)
            full = 0 if adding is None else await asyncio.wrap_future(adding)
        answer = write_success(media_type, *_sum_up(export, full))
        return Response(answer, media_type=media_type)

    def keep(self, signal: str, export: Export) -> tuple[int, str]:
        """
        Put the spans of *export* into the archive, and wait for it.

        Returns:
            How many were not taken, and why.

        Raises:
            BusyError: Too much is waiting to be written.
        """
        adding = self._add(signal, export)
        return _sum_up(export, 0 if adding is None else adding.result())

    def _add(self, signal: str, export: Export) -> Future[int] | None:
        if signal != "traces":
            self.dropped[signal] += 1
        return self._archive.add(export.spans) if export.spans else None


def _sum_up(export: Export, full: int) -> tuple[int, str]:
    reasons = [(export.rejected, _WITHOUT_ID), (full, _OF_FULL_TRACES)]
    return export.rejected + full, "; ".join(f"{n} {why}" for n, why in reasons if n)


def _check(method: str, media_type: str) -> None:
    if method != "POST":
        raise BodyError(405, "an export is sent by POST")
    if media_type not in MEDIA_TYPES:
        raise BodyError(415, f"content-type is not one of {', '.join(MEDIA_TYPES)}")


async def _read(request: Request, loan: Loan) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isdecimal():
        loan.check(int(length))
    return await read_body(request.stream(), loan)


def _parse(signal: str, media_type: str, body: bytes, encoding: str) -> Export:
    return parse_export(signal, media_type, unpack(body, encoding))


def _refuse(media_type: str, error: BodyError) -> Response:
    if media_type not in MEDIA_TYPES:
        media_type = JSON
    headers = {
        405: {"allow": "POST"},
        415: {"accept-encoding": ", ".join(ENCODINGS)},
        503: {"retry-after": "1"},
    }.get(error.status)
    body = write_failure(media_type, error.status, str(error))
    return Response(body, error.status, headers, media_type)
