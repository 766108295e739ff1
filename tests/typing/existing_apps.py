"""
A user's program for an app that is traced already, checked by type checkers and never run.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from linq_otel import Event, instrument
from linq_otel.links import LinkTarget, link_to_linq, linq_links
from linq_otel.origins import Origin, collect_origins, last_origin, origin_from_response
from linq_otel.propagation import attached, carry, to_headers
from linq_otel.stores.own import OwnStore


if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from opentelemetry.trace import Link, Span

    from linq_otel.stores import Store


def work(event: Event, *, times: int = 1) -> str:
    """
    Work in a thread.
    """
    return event.event_type * times


async def work_in_a_coroutine(event: Event) -> int:
    """
    Work in a task.
    """
    return len(event.event_type)


async def carry_on(event: Event, executor: ThreadPoolExecutor) -> int:
    """
    What is carried keeps its signature.
    """
    threading.Thread(target=carry(work), args=(event,)).start()
    future: Future[str] = executor.submit(carry(work), event, times=2)
    headers: dict[str, str] = to_headers()
    with attached(headers), attached(None):
        task: asyncio.Task[int] = asyncio.create_task(carry(work_in_a_coroutine)(event))
    return len(future.result()) + await task


def link(event: Event, span: Span) -> list[Link]:
    """
    Links take whatever the app has kept.
    """
    link_to_linq(span, linq_trace_id=None, event=event)
    target: LinkTarget = {"message_id": "m1"}
    link_to_linq(**target)
    return linq_links(message_id="m1", origin=last_origin())


def keep() -> list[str]:
    """
    An app's own table is a store.
    """
    store: Store = OwnStore(find=lambda _keys: None, save=print, claim=lambda _event_id: True)
    instrument(store=store)
    with collect_origins() as origins:
        rows = [origin.to_json() for origin in origins]
    found: Origin | None = origin_from_response(object(), {"message": {}}, idempotency_key="k")
    return rows if found is None else [*rows, found.to_json()]
