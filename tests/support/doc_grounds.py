"""
What stands around a block of Python on a page, so that it runs: the names it takes for granted.

A page shows the lines that matter. What its reader has already (an app, a tracer, a row of a
table) is written out here, beside a phrase that only that block has; ``then`` uses what the block
defines. ``CANNOT_RUN`` says why, for each block that no machine here can run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ground:
    """
    What a block stands on.

    Attributes:
        page: The page.
        phrase: Words that only this block of the page has.
        before: Code run before it.
        then: Code run after it.
    """

    page: str
    phrase: str
    before: str = ""
    then: str = ""


SECRET = "whsec_bGlucSBvdGVsIGRvY3VtZW50YXRpb24="
# What stands on a page, and what stands there when it is run.
REPLACED = {
    "whsec_…": SECRET,
    "http://127.0.0.1:8000/webhooks/linq": "{endpoint}",
    "http://localhost:4318": "{collector}",
    "redis://localhost:6379/0": "{redis}",
    'redis.Redis(host="localhost")': 'redis.Redis.from_url("{redis}")',
    "postgresql+psycopg://app@localhost/app": "sqlite:///app.db",
}
_MESSAGE = 'MESSAGE = {"parts": [{"type": "text", "value": "Hello"}]}\n'
_CLIENT = "from linq import AsyncLinqAPIV3, LinqAPIV3\nclient = LinqAPIV3()\n"
_CHAT = (
    _CLIENT
    + _MESSAGE
    + """
chat_id = client.chats.create(from_="+15550100000", to=["+15550100123"], message=MESSAGE).chat.id
"""
)
_TRACER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("app")
"""
_INSTRUMENT = "from linq_otel import instrument\ninstrument()\n"
_DEFINE = {
    "work": "done = []\ndef work(event): done.append(event)\n",
    "coroutine": "async def work_in_a_coroutine(event): done.append(event)\n",
}

GROUNDS = (
    Ground(
        "docs/existing-apps.md",
        "def start_everywhere",
        _DEFINE["work"] + _DEFINE["coroutine"],
        """
from concurrent.futures import ThreadPoolExecutor
from starlette.background import BackgroundTasks

async def main():
    tasks = BackgroundTasks()
    with ThreadPoolExecutor() as executor:
        start_everywhere("event", executor, tasks)
    await tasks()
    await asyncio.sleep(0.1)

asyncio.run(main())
assert done == ["event"] * 4, done
""",
    ),
    Ground(
        "docs/existing-apps.md",
        "@celery.task",
        """
from types import SimpleNamespace
from celery import Celery
celery = Celery("tasks", broker="memory://")
celery.conf.task_always_eager = True
""",
        'handler(SimpleNamespace(chat_id="a"))',
    ),
    Ground(
        "docs/existing-apps.md",
        "def refund",
        _TRACER,
        """
from types import SimpleNamespace
refund(SimpleNamespace(linq_trace_id="2eff5df5a0c94e1b8d7f6a5b4c3d2e1f", message_id=None), tracer)
""",
    ),
    Ground(
        "docs/existing-apps.md",
        "def send_all",
        _TRACER + _INSTRUMENT + _CHAT,
        """
import asyncio
import os
import httpx

assert send(client, chat_id, MESSAGE).message_id
assert len(asyncio.run(send_all(AsyncLinqAPIV3(), [chat_id, chat_id], MESSAGE))) == 2
with httpx.Client(headers={"Authorization": "Bearer " + client.api_key}) as session:
    url = f"{os.environ['LINQ_API_V3_BASE_URL']}/v3/chats/{chat_id}/messages"
    assert send_with_bare_http(session, url, {"message": MESSAGE}, tracer).message_id
""",
    ),
    Ground(
        "docs/existing-apps.md",
        "class Messages",
        _TRACER,
        """
import contextlib
from linq_otel import instrument
from linq_otel.origins import last_origin
from linq import LinqAPIV3

with contextlib.closing(sqlite3.connect("messages.db")) as db:
    db.executescript(SCHEMA)
messages = Messages("messages.db")
instrument(store=own_store(messages))
message = {"parts": [{"type": "text", "value": "Hello"}]}
LinqAPIV3().chats.create(from_="+15550100000", to=["+15550100123"], message=message)
origin = last_origin()
messages.add(origin)
assert Origin.from_json(messages.find((f"message:{origin.message_id}",))) == origin
""",
    ),
    Ground(
        "docs/integration-logs.md",
        "reading = read(",
        """
from pathlib import Path
Path("logs").mkdir()
rows = "timestamp,method,url,status\\n2026-02-03 10:00:00,POST,https://services.example/a,201\\n"
Path("logs/one.csv").write_text(rows)
""",
    ),
    Ground(
        "docs/integration-logs.md",
        "sink.write",
        'url = "https://services.leadconnectorhq.com/contacts/"\npayload = answer = {}\n',
    ),
    Ground("docs/webhooks.md", "enforce=True", "from fastapi import FastAPI\napp = FastAPI()\n"),
    Ground("docs/webhooks.md", "app.wsgi_app", "from flask import Flask\napp = Flask('shop')\n"),
    Ground(
        "docs/privacy.md",
        "def hash_of",
        then='assert hash_of("+1 555 010 0123", "k") == hash_of("+15550100123", "k")\n',
    ),
)
CANNOT_RUN: dict[tuple[str, str], str] = {}
