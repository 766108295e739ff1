"""
What the OTLP receiver got, one run of a host after another.

The receiver is ``ddapm-test-agent``, which others wrote. It keeps apart what came under different
session tokens, so tens of thousands of spans can be read in portions.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from support.otlp_processes import LOOPBACK, ReceiverError
from support.otlp_spans import parse_batches


if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.otlp_processes import Receiver
    from support.otlp_spans import ReceivedSpan


_READ_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    A span, and the run of a host that exported it.
    """

    run: str
    span: ReceivedSpan


def read_arrivals(agent: Receiver, runs: Iterable[str]) -> list[Arrival]:
    """
    Return every span *runs* exported, as often as it arrived.
    """
    return [
        Arrival(run, span)
        for run in runs
        for batch in parse_batches(_read(agent, run))
        for span in batch
    ]


def _read(agent: Receiver, run: str) -> bytes:
    connection = HTTPConnection(LOOPBACK, agent.ports[1], timeout=_READ_SECONDS)
    try:
        connection.request("GET", f"/test/session/traces?test_session_token={run}")
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status == 404:  # It exported nothing.
        return b"[]"
    if response.status != 200:
        raise ReceiverError(f"the spans of {run} were not to be had: {body[:500]!r}")
    return body
