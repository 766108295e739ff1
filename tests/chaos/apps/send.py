"""
Sends orders as apps do, with Linq's SDK and without, and knows nothing of tracing.

    LINQ_API_V3_BASE_URL=… LINQ_API_KEY=… python -m chaos.apps.send orders.jsonl

It prints an outcome for each, a line of JSON, and ``done``. Then it lives on, as servers do, until
its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import linq

from chaos.orders import DONE, TRIES, Order, Outcome, read_orders, text_of


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


LINE = "+15550100000"
THREADS = 12
BASE_URL = os.environ["LINQ_API_V3_BASE_URL"]
API_KEY = os.environ["LINQ_API_KEY"]


def get_path(order: Order, chat_id: str | None) -> str:
    """
    Return where an order is POSTed.
    """
    paths = {"chats.create": "chats", "messages.create": "messages"}
    return "/v3/" + paths.get(order.operation, f"chats/{chat_id}/messages")


def get_body(order: Order) -> dict[str, Any]:
    """
    Return what is POSTed.
    """
    message: dict[str, Any] = {"parts": [{"type": "text", "value": text_of(order.number)}]}
    if order.key is not None:
        message["idempotency_key"] = order.key
    if order.operation == "chats.create":
        return {"from": LINE, "to": [order.to], "message": message}
    if order.operation == "messages.create":
        return {"to": [order.to], "message": message}
    return {"message": message}


def call_sdk(client: Any, order: Order, chat_id: str | None) -> Any:
    """
    Make the call on a client of the SDK, sync or async.
    """
    body = get_body(order)
    more = {"message": body["message"], "timeout": order.timeout}
    if order.operation == "chats.create":
        return client.chats.create(from_=LINE, to=body["to"], **more)
    if order.operation == "messages.create":
        return client.messages.create(to=body["to"], **more)
    return client.chats.messages.send(chat_id, **more)


def post(client: httpx.Client, order: Order, chat_id: str | None) -> dict[str, Any]:
    """
    Make the call by bare HTTP, with the retries that an app without the SDK writes itself.
    """
    for left in reversed(range(TRIES)):
        try:
            answer = client.post(
                get_path(order, chat_id), json=get_body(order), timeout=order.timeout
            )
        except httpx.TransportError:
            if not left:
                raise
            time.sleep(0.5)
            continue
        if left and (answer.status_code in {408, 409, 429} or answer.status_code >= 500):
            time.sleep(float(answer.headers.get("retry-after", 0.5)))
            continue
        break
    answer.raise_for_status()
    content: dict[str, Any] = answer.json()
    return content


def find_ids(answer: dict[str, Any]) -> tuple[str, str]:
    """
    Return the ids of the message and of its chat.
    """
    chat = answer.get("chat", {})
    return answer.get("message", chat.get("message"))["id"], answer.get("chat_id") or chat["id"]


class Sender:
    """
    Sends conversations, each when it is due, some at once.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._sdk = linq.LinqAPIV3(base_url=BASE_URL, api_key=API_KEY)
        self._asdk = linq.AsyncLinqAPIV3(base_url=BASE_URL, api_key=API_KEY)
        headers = {"Authorization": f"Bearer {API_KEY}"}
        self._http = httpx.Client(base_url=BASE_URL, headers=headers)

    async def run(self, conversations: list[list[Order]]) -> None:
        """
        Send all of them.
        """
        began = time.monotonic()

        async def converse(orders: list[Order]) -> None:
            chat_id = None
            for order in orders:
                await asyncio.sleep(began + order.at - time.monotonic())
                for _ in range(1 + order.is_repeated):
                    chat_id = await self._send(order, chat_id)

        await asyncio.gather(*map(converse, conversations))
        await self._asdk.close()

    async def _send(self, order: Order, chat_id: str | None) -> str | None:
        if order.library == "linq-async":
            return await self._await(order, call_sdk(self._asdk, order, chat_id))
        call: Callable[[], Any] = {
            "linq": lambda: call_sdk(self._sdk, order, chat_id).to_dict(),
            "httpx": lambda: post(self._http, order, chat_id),
        }[order.library]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, order, call)

    async def _await(self, order: Order, call: Awaitable[Any]) -> str | None:
        began = time.monotonic()
        try:
            return say(order, began, (await call).to_dict())
        except linq.LinqApiv3Error as error:
            return say(order, began, error)

    def _call(self, order: Order, call: Callable[[], Any]) -> str | None:
        began = time.monotonic()
        try:
            return say(order, began, call())
        except (linq.LinqApiv3Error, httpx.HTTPError) as error:
            return say(order, began, error)


def say(order: Order, began: float, answer: dict[str, Any] | Exception) -> str | None:
    """
    Print what came of an order, and return its chat.
    """
    ended = time.monotonic()
    failure = type(answer).__name__ if isinstance(answer, Exception) else None
    message_id, chat_id = (None, None) if isinstance(answer, Exception) else find_ids(answer)
    outcome = Outcome(order.number, failure or "accepted", message_id, began, ended)
    # One write: threads print at once.
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    sys.stdout.flush()
    return chat_id


def main(path: str) -> None:
    """
    Send the orders in the file *path*.
    """
    conversations = read_orders(Path(path).read_text())
    with ThreadPoolExecutor(THREADS) as pool:
        asyncio.run(Sender(pool).run(conversations))
    print(DONE, flush=True)  # noqa: T201  # What its caller waits for.
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
