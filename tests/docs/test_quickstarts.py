"""
The programs of the quickstart pages, run by the very lines that stand on the pages.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from support.doc_blocks import DOCS, Block, find_blocks
from support.doc_stage import environment_of, open_collector, open_command, wait_until
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.redis_servers import open_redis


if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from linq_otel._otlp_json import SpanRecord
    from support.doc_stage import Collector


pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SENT = ("POST /v3/chats", "linq chats.create", "linq message", "message accepted")
SEEN = (
    "message delivered",
    "message read",
    "message sent",
    "process message.delivered",
    "process message.read",
    "process message.sent",
)
ORDER = sorted((*SENT, *SEEN, "process chat.created"))
WEB = ("aiohttp", "django", "fastapi", "flask", "starlette")


class Page:
    """
    A quickstart page, as somebody follows it.
    """

    def __init__(self, name: str, folder: Path, collector: Collector) -> None:
        blocks = [one for one in find_blocks() if one.page == f"docs/quickstart/{name}.md"]
        self.shell = [one for one in blocks if one.language == "sh"][1:]  # The first installs.
        self.folder = folder
        self.collector = collector
        self.environment = environment_of(collector)
        self.app_port, self.linq_port = find_free_ports(2)
        self.changed: dict[str, str] = {}
        for one in blocks:
            if one.title is not None:
                (folder / one.title).write_text(one.code)

    def adapt(self, code: str) -> str:
        """
        Return lines of the page with free ports in place of its own, and less patience.
        """
        for before in (":", "port=", "--port ", "--noreload "):
            code = code.replace(f"{before}8000", f"{before}{self.app_port}")
        code = code.replace("8700", str(self.linq_port)).replace("--speed 10", "--speed 60")
        for old, new in self.changed.items():
            code = code.replace(old, new)
        return code

    def adapt_files(self) -> None:
        """
        Put it into the page's files too.
        """
        for file in self.folder.glob("*.py"):
            file.write_text(self.adapt(file.read_text()))

    @contextmanager
    def open_linq(self) -> Generator[None]:
        """
        Start the local Linq as the page does, and learn the signing secret from its line.
        """
        with open_command("linq", self._lines(0), self.environment, self.folder) as linq:
            linq.wait_until(lambda: linq.printed.endswith("\n"), "first line")
            told = json.loads(linq.printed)["subscriptions"]
            if told:
                self.changed["whsec_…"] = told[0]["signing_secret"]
            yield

    @contextmanager
    def open_app(self, number: int) -> Generator[None]:
        """
        Start the app as the page does, and wait until it listens.
        """
        with open_command("app", self._lines(number), self.environment, self.folder) as app:
            app.wait_until(lambda: is_open(LOOPBACK, self.app_port), "open port")
            yield

    def run(self, number: int) -> str:
        """
        Run lines that end by themselves, and return what they printed.
        """
        name = f"run{number}"
        with open_command(name, self._lines(number), self.environment, self.folder) as done:
            assert done.wait() == 0, done.printed
            return done.printed

    def _lines(self, number: int) -> str:
        return self.adapt(self.shell[number].code)

    def wait_for(self, names: list[str]) -> list[SpanRecord]:
        """
        Return our spans, once they are these and no others; a framework may draw some of its own.
        """
        wait_until(lambda: len(self._find_ours()) >= len(names), f"{len(names)} spans")
        spans = self._find_ours()
        assert sorted(span.name for span in spans) == names
        return spans

    def _find_ours(self) -> list[SpanRecord]:
        return [span for span in self.collector.spans if span.scope_name == "linq_otel"]


@pytest.fixture
def collector() -> Generator[Collector]:
    with open_collector() as opened:
        yield opened


class TestPages:
    def test_all_followed(self) -> None:
        """
        No quickstart page is without a test that follows it.
        """
        pages = {path.stem for path in (DOCS / "quickstart").glob("*.md")}
        assert pages == {*WEB, "aws-lambda", "celery", "index", "raw-http", "scripts"}

    @pytest.mark.parametrize("name", WEB)
    def test_web(self, name: str, tmp_path: Path, collector: Collector) -> None:
        """
        An order is placed, its webhooks arrive, and all of them are in the message's life.
        """
        page = Page(name, tmp_path, collector)
        page.adapt_files()
        with page.open_linq(), page.open_app(1):
            order = page.adapt(page.shell[2].code).split()
            assert order[:3] == ["curl", "-X", "POST"]
            answer = httpx.post(order[3], timeout=20)
            assert (answer.status_code, list(answer.json())) == (200, ["message_id"])
            spans = page.wait_for(ORDER)
        (life,) = {span.otel_trace_id for span in spans if span.name == "linq message"}
        assert {span.name for span in spans if span.otel_trace_id == life} == {
            *SEEN,
            "linq message",
            "message accepted",
        }

    def test_lambda(self, tmp_path: Path, collector: Collector) -> None:
        """
        Three events of one message are answered, and drawn in one trace.
        """
        page = Page("aws-lambda", tmp_path, collector)
        assert page.run(0).count("{'statusCode': 204}") == 3
        spans = page.wait_for(sorted(SEEN))
        assert len({span.otel_trace_id for span in spans}) == 1

    def test_celery(self, tmp_path: Path, collector: Collector) -> None:
        """
        The worker's answer hangs under the webhook's handler, and what becomes of it comes back.
        """
        page = Page("celery", tmp_path, collector)
        with ExitStack() as stack:
            redis = stack.enter_context(open_redis(tmp_path))
            page.changed["redis://localhost:6379/0"] = redis.url
            page.adapt_files()
            stack.enter_context(page.open_linq())
            worker = stack.enter_context(
                open_command("worker", page._lines(1), page.environment, tmp_path)
            )
            worker.wait_until(lambda: "[queues]" in worker.printed, "worker")
            stack.enter_context(page.open_app(2))
            page.environment["LINQ_WEBHOOK_SECRET"] = page.changed["whsec_…"]
            page.run(3)
            spans = page.wait_for(sorted([*ORDER, "process message.received"]))
        by_name = {span.name: span for span in spans}
        handler, call = by_name["process message.received"], by_name["linq chats.create"]
        assert (call.otel_trace_id, call.parent_span_id) == (handler.otel_trace_id, handler.span_id)
        assert (handler.service_name, call.service_name) == ("web", "worker")

    @pytest.mark.parametrize(
        ("name", "names"),
        [("scripts", sorted(SENT * 2)), ("raw-http", sorted(SENT * 2))],
    )
    def test_programs(
        self, name: str, names: list[str], tmp_path: Path, collector: Collector
    ) -> None:
        """
        A program sends two messages, and its spans have left when it ends.
        """
        page = Page(name, tmp_path, collector)
        with page.open_linq():
            page.run(1)
            page.wait_for(names)


# A page whose files are run by another test than those above.
RUN_BY = {"docs/agent-turn.md": "test_plays.py", "docs/testing.md": "tests/testing/test_page.py"}


def test_titles_are_run() -> None:
    """
    Every block that is a file is on a page whose files some test runs.
    """
    pages = {block.page for block in find_blocks("python") if block.title is not None}
    assert {page for page in pages if not page.startswith("docs/quickstart/")} == set(RUN_BY)


def test_titles_are_files() -> None:
    """
    A block that names a file of ``examples/`` is that file, word for word.
    """
    named = [block for block in find_blocks("python") if block.title is not None]
    shown = [block for block in named if (DOCS.parent / _path_of(block)).is_file()]
    assert [_path_of(block) for block in shown] == ["examples/agent_turn.py"]
    for block in shown:
        assert block.code == (DOCS.parent / _path_of(block)).read_text(encoding="utf-8")


def _path_of(block: Block) -> str:
    return f"examples/{block.title}"
