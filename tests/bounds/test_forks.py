"""
Processes that fork while they send and receive: every life is whole, and none of them hangs.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bounds.forking import FORKS
from linq_otel import _forks
from support.programs import REPOSITORY, open_program
from support.redis_servers import open_redis
from support.scripts import run_script
from support.sql_servers import open_maria, open_postgres


if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAM = Path(__file__).with_name("forking.py")
STAGES = ["sent", "delivered", "read"]
A_LIFE = sorted(
    [
        "linq chats.messages.send",
        "linq message",
        "message accepted",
        *(f"message {stage}" for stage in STAGES),
        *(f"process message.{stage}" for stage in STAGES),
    ]
)
SENT_ALONE = ["linq chats.messages.send", "linq message", "message accepted"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
]


ENGINES = ("memory", "sqlite", "redis", "postgresql", "mysql")
SERVERS: dict[str, Any] = {"redis": open_redis, "postgresql": open_postgres, "mysql": open_maria}
WARNED = "no webhook secret is set: deliveries join unverified (logged once)"


@pytest.fixture(scope="module", params=ENGINES)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """
    Yield the URL of a store of each engine.
    """
    folder = tmp_path_factory.mktemp(request.param)
    if request.param in SERVERS:
        with SERVERS[request.param](folder) as server:
            yield server.url
    else:
        yield {"memory": "memory:", "sqlite": f"sqlite:///{folder / 'linq.db'}"}[request.param]


def run(how: str, store: str, folder: Path) -> list[int]:
    """
    Run the program to its end, and return how its children ended.
    """
    folder.mkdir()
    # Python warns of forks beside threads from 3.12 on, and they are what is tested.
    arguments = ["-W", "ignore::DeprecationWarning", str(PROGRAM), how, store, str(folder)]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
    with open_program(how, arguments, environment, folder) as program:
        (line,) = program.wait_for_lines(1)
        assert program.wait() == 0
        assert set(program.complaints.splitlines()) == {WARNED}
    statuses: list[int] = json.loads(line)
    return statuses


def messages_in(folder: Path) -> dict[str, list[str]]:
    """
    Return the messages each process has sent.
    """
    return {path.stem: path.read_text().split() for path in folder.glob("*.messages")}


def lives_in(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """
    Return the spans of each message.
    """
    lives: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in folder.glob("*.spans"):
        for line in path.read_text().splitlines():
            span = json.loads(line)
            if span["message"] is not None:
                lives[span["message"]].append(span)
    return lives


def check_life(spans: list[dict[str, Any]], names: list[str]) -> None:
    """
    Its spans are these, in one trace, each once, and what came late hangs under its anchor.
    """
    assert sorted(span["name"] for span in spans) == names
    assert len({span["trace"] for span in spans}) == 1
    assert len({span["span"] for span in spans}) == len(names)
    (anchor,) = [span["span"] for span in spans if span["name"] == "linq message"]
    late = [span for span in spans if span["name"].startswith(("message ", "process "))]
    assert {span["parent"] for span in late} == {anchor}
    assert {span["origin"] for span in spans if span["name"].startswith("process ")} <= {"message"}


def check_workers(how: str, store: str, tmp_path: Path, counts: list[int]) -> None:
    """
    Each worker has sent as many messages as it should, and each life is whole.
    """
    folder = tmp_path / "run"
    assert run(how, store, folder) == [0, 0, 0]
    sent, lives = messages_in(folder), lives_in(folder)
    assert sorted(len(messages) for messages in sent.values()) == counts
    for message in {each for messages in sent.values() for each in messages}:
        check_life(lives[message], A_LIFE)


class TestFork:
    def test_in_the_middle_of_traffic(self, store: str, tmp_path: Path) -> None:
        """
        Threads send and receive when the process forks; parent and child go on with both.

        A message the parent has sent is received by the child, and where the store is shared, the
        other way round.
        """
        folder = tmp_path / "run"
        assert run("os", store, folder) == [0] * FORKS
        sent, lives = messages_in(folder), lives_in(folder)
        assert len(sent) == FORKS + 1
        last = set() if store != "memory:" else {messages[-1] for messages in sent.values()}
        for message in {each for messages in sent.values() for each in messages} - last:
            check_life(lives[message], A_LIFE)
        parents = max(sent.values(), key=len)
        for message in last - {parents[-1]}:
            check_life(lives[message], SENT_ALONE)

    @pytest.mark.skipif(sys.platform != "linux", reason="the C library is found by no name")
    def test_without_python_s_knowledge(self, store: str, tmp_path: Path) -> None:
        """Forks that call no hook, as uWSGI's: each process has its own threads and connections."""
        folder = tmp_path / "run"
        assert run("c", store, folder) == [0, 0]
        sent, lives = messages_in(folder), lives_in(folder)
        assert sorted(len(messages) for messages in sent.values()) == [6, 6, 7]
        for message in {each for messages in sent.values() for each in messages}:
            check_life(lives[message], A_LIFE)

    def test_workers_that_inherit_everything(self, store: str, tmp_path: Path) -> None:
        """Processes of ``multiprocessing`` that are forked off one that has sent and received."""
        check_workers("fork", store, tmp_path, [6, 6, 6, 12])

    @pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
    def test_workers_that_begin_anew(self, store: str, tmp_path: Path) -> None:
        """Processes of ``multiprocessing`` that are spawned."""
        check_workers("spawn", store, tmp_path, [6, 6, 6])


ORDER = """
    import os
    from linq_otel._forks import call_at_fork

    class Hooks:
        def __init__(self, name):
            self.name = name
            call_at_fork(before=self.before, in_parent=self.parent, in_child=self.child)

        def before(self):
            print(self.name, "before", flush=True)

        def parent(self):
            pass

        def child(self):
            print(self.name, "child", flush=True)
            if self.name == "b":
                raise RuntimeError

    hooks = [Hooks(name) for name in "abc"]
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    del hooks[0]
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""


class Hooked:
    """
    Wants to know of forks.
    """

    def __init__(self) -> None:
        _forks.call_at_fork(before=self.act, in_parent=self.act, in_child=self.act)

    def act(self) -> None:
        """
        Do nothing.
        """


class TestHooks:
    def test_order(self) -> None:
        """The last given goes first before a fork and last after; one that fails stops none."""
        assert run_script(ORDER).split("\n") == [
            *("c before", "b before", "a before", "a child", "b child", "c child"),
            *("c before", "b before", "b child", "c child"),
            "",
        ]

    def test_objects_that_are_gone(self) -> None:
        """They are forgotten at once, and nothing is kept for them."""
        hooks = (_forks._before, _forks._in_parent, _forks._in_child)
        gc.collect()
        before = [len(methods) for methods in hooks]
        living = [Hooked() for _ in range(100)]
        assert [len(methods) for methods in hooks] == [count + 100 for count in before]
        living.clear()
        gc.collect()
        assert [len(methods) for methods in hooks] == before
