"""
The benchmarks run, and measure what they say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import astuple
from math import isfinite
from typing import TYPE_CHECKING

import pytest

from support.programs import REPOSITORY


if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider


_ADDED = [
    ("added", "contrib httpx adds", 0.6),
    ("whole call", "uninstrumented, bare spans", 1.25),
    ("added", "bare spans add", 1.25),
]
_LIBRARIES = ("httpx", "requests", "aiohttp")
_ENGINES = ("sqlite", "redis", "postgresql", "mysql")
# Every line of the report, what it is compared with, and its goal.
LINES = [
    *((f"{send}: {what}", *rest) for send in ("send", "send, async") for what, *rest in _ADDED),
    ("send, unsampled: added", "contrib httpx adds, unsampled", 0.25),
    ("send, async, unsampled: added", "contrib httpx adds, unsampled", 0.25),
    *((f"elsewhere, {library}: added", "uninstrumented", 1.0) for library in _LIBRARIES),
    *((f"elsewhere, {library}: kept", "nothing", 0.05) for library in _LIBRARIES),
    ("webhook, ASGI: added", "contrib ASGI adds", 0.5),
    ("webhook, ASGI: added", "contrib ASGI adds, receive and send excluded", None),
    ("webhook, WSGI: added", "contrib WSGI adds", 1.2),
    ("parse and verify, 2 kB", "standardwebhooks and json.loads", 1.3),
    ("parse and verify, 2 kB", "standardwebhooks, whose JSON is used", None),
    ("import linq_otel: added", "import opentelemetry.trace", 15.0),
    ("import linq_otel", "import opentelemetry.trace", None),
    ("from linq_otel import instrument: added", "import opentelemetry.trace", None),
    ("FastAPI, requests each second: ours", "contrib FastAPI alone", 1.2),
    ("FastAPI, requests each second: both", "contrib FastAPI alone", 0.8),
    ("FastAPI, requests each second of CPU: ours", "contrib FastAPI alone", None),
    ("FastAPI, requests each second of CPU: both", "contrib FastAPI alone", None),
    *((f"store, {engine}: find", "one round trip of its driver", 1.5) for engine in _ENGINES),
    *((f"store, {engine}: save", "one round trip of its driver", 1.5) for engine in _ENGINES),
    ("integration logs: read", "itself", 20_000.0),
    ("integration logs: sort", "itself", None),
    ("integration logs: replay", "itself", None),
    ("integration logs: read 2,000 rows", "whatever the file", 100.0),
    ("integration logs: sort 2,000 rows", "whatever the file", 100.0),
    ("integration logs: replay 2,000 rows", "whatever the file", 100.0),
    ("10 calls at once: added", "one at a time", 1.3),
    ("10 calls at once, no garbage collected: added", "one at a time", None),
    ("200 attributes of a hook: each", "each of the first 100", 1.3),
]
SIZED = {
    "N calls at once: added",
    "integration logs: read N rows",
    "integration logs: replay N rows",
    "integration logs: sort N rows",
}


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the modules of the benchmarks, and those that make the documentation, be imported.
    """
    for folder in ("benchmarks", "docs/making"):
        monkeypatch.syspath_prepend(str(REPOSITORY / folder))


def run(name: str, *arguments: str, **environment: str) -> str:
    """
    Run one of the benchmarks to its end, and return what it printed.
    """
    program = [sys.executable, str(REPOSITORY / "benchmarks" / name), *arguments]
    done = subprocess.run(
        program,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
class TestGrowth:
    @pytest.mark.parametrize("engine", ["sqlite", "redis", "postgresql"])
    def test_figures(self, engine: str, tmp_path: Path) -> None:
        """Every operation is measured at every size; the first size is what others compare to."""
        figures = tmp_path / "figures.json"
        few = ("--sizes", "100,300", "--rounds", "2", "--batch", "5", "--json", str(figures))
        assert f"{engine}, 300 origins under 3 keys" in run("growth.py", "--engine", engine, *few)
        found = json.loads(figures.read_text())
        operations = {
            f"{who}: {what}"
            for who in ("app", "store")
            for what in ("find any", "find hot", "find none", "save")
        }
        assert (found["engine"], [each["origins"] for each in found["sizes"]]) == (
            engine,
            [100, 300],
        )
        assert [set(each["operations"]) for each in found["sizes"]] == [operations] * 2
        assert {each["ratio"] for each in found["sizes"][0]["operations"].values()} == {1.0}


class TestWeight:
    def test_sqlite(self) -> None:
        """An origin is written once, however many keys it has: a third key adds a small row."""
        told = run("weight.py", "--engine", "sqlite", "--messages", "2000").splitlines()
        two, three = (int(line.split()[3]) for line in told)
        assert [line.split(":")[0] for line in told] == ["sqlite, 2 keys", "sqlite, 3 keys"]
        assert 0 < three - two < two / 2


@pytest.mark.slow
class TestBench:
    def test_short_form(self, tmp_path: Path) -> None:
        """Every line runs to its end and yields a figure with its quartiles, and its goal."""
        figures, tables = tmp_path / "figures.json", tmp_path / "figures.md"
        told = run("bench.py", "--short", "--json", str(figures), "--markdown", str(tables))
        document = json.loads(figures.read_text())
        found = {(line["name"], line["against"]): line["goal"] for line in document["lines"]}
        assert found == {(name, against): goal for name, against, goal in LINES}
        for line in document["lines"]:
            low, high = line["quartiles"]
            assert low <= line["median"] <= high, line
            assert isfinite(line["median"]), line
        assert len(told.splitlines()) == len(LINES)
        rows = [row.split(" | ")[0] for row in tables.read_text().splitlines()]
        assert {f"| {name}" for name, _, _ in LINES} <= set(rows)

    def test_load_without_wrk(self, tmp_path: Path) -> None:
        """Where wrk is missing, coroutines put the servers under load."""
        figures = tmp_path / "figures.json"
        run("bench.py", "--short", "--only", "serving", "--json", str(figures), PATH="/nowhere")
        document = json.loads(figures.read_text())
        assert document["facts"]["load by"].startswith("coroutines")
        (line, *_) = document["lines"]
        assert set(line["costs"]) == {"uninstrumented", "ours", "contrib", "both"}


class TestCounts:
    @pytest.mark.parametrize("variant", ["uninstrumented", "bare spans", "ours, unsampled"])
    def test_a_turn(self, variant: str) -> None:
        """What is counted makes its calls and says nothing."""
        assert run("counts.py", "--turn", variant, "--calls", "2") == ""

    def test_what_is_added(self, benchmarks: None) -> None:
        """Two summaries of cachegrind make the counts of one call, and of what it adds."""
        from counts import Counts  # noqa: PLC0415  # Needs the fixture.

        fewer, more = (
            Counts.parse(
                f"==7== I   refs:      3,{whole},000\n==7== I1  misses:        {whole},100\n"
                f"==7== LLi misses:           28,815\n==7== I1  miss rate:          1.27%\n"
                f"==7== D   refs:      1,504,685,248  (1,016,766,951 rd   + 487,918,297 wr)\n"
                f"==7== D1  misses:       {whole},050  (   26,548,985 rd   +   3,335,079 wr)\n"
            )
            for whole in (200, 600)
        )
        one = more.less(fewer, 200)
        assert one == Counts(2_000, 2_000, 2_000)
        assert one.less(Counts(500, 1_000, 1_900)).row() == "2 | 1.0 | 0.1"


class TestMeasuring:
    def test_ratios(self, benchmarks: None) -> None:
        """A ratio is that of each round, and what is added is less what it is added to."""
        from measuring import added, compare  # noqa: PLC0415  # Needs the fixture.

        costs = {"ours": [3.0, 13.0, 7.0], "theirs": [2.0, 5.0, 4.0], "plain": [1.0, 1.0, 1.0]}
        found = compare(costs, added("ours", "plain"), added("theirs", "plain"))
        assert astuple(found) == ((2.0, 2.0, 2.5), 2.0)

    def test_turns(self, benchmarks: None) -> None:
        """Over the rounds each variant comes first, in the middle, and last as often."""
        from measuring import order_of  # noqa: PLC0415  # As above.

        orders = [order_of(["a", "b", "c"], number) for number in range(6)]
        assert [Counter(turn) for turn in zip(*orders, strict=True)] == [Counter("aabbcc")] * 3

    def test_broken_variant(self, benchmarks: None) -> None:
        """A variant that makes no spans is not measured as a fast one."""
        import receiving  # noqa: PLC0415  # As above.
        from measuring import Effort  # noqa: PLC0415  # As above.

        scene = receiving.Scene(receiving._drive_wsgi, lambda delivery: delivery.environ)
        scene.add("ours", 2, lambda _: receiving._answer_wsgi)
        with pytest.raises(AssertionError, match=r"\(0, Counter"):
            scene.measure(Effort(rounds=2, batch=2))

    def test_copied_spans(self, benchmarks: None) -> None:
        """The bare SDK makes the spans that were recorded, child under parent, links and all."""
        from opentelemetry.trace import Link  # noqa: PLC0415  # As above.
        from tallies import Copy, record  # noqa: PLC0415  # As above.

        def work(provider: TracerProvider) -> None:
            tracer = provider.get_tracer("app")
            with tracer.start_as_current_span("parent", attributes={"one": 1}) as parent:
                linked = [Link(parent.get_span_context(), {"of": "it"})]
                tracer.start_span("child", links=linked).end()

        copy = Copy(record(work))
        again = record(lambda provider: copy.make(provider.get_tracer("bare")))
        parent, child = again
        assert [(span.name, dict(span.attributes or {})) for span in again] == [
            ("parent", {"one": 1}),
            ("child", {}),
        ]
        assert child.parent == parent.context
        assert [dict(link.attributes or {}) for link in child.links] == [{"of": "it"}]


class TestPage:
    def test_is_made_of_its_figures(self, benchmarks: None) -> None:
        """The page and its picture show the figures that are kept beside them, and no others."""
        import generate_benchmarks as page  # noqa: PLC0415  # As above.

        figures = json.loads(page.FIGURES.read_text("utf-8"))
        text = page.PAGE.read_text("utf-8")
        assert page.render_page(text, figures) == text
        assert page.render_picture(figures) == page.PICTURE.read_text("utf-8")
        found = {(line["name"], line["goal"]) for line in figures["lines"] if line["goal"]}
        due = {(name, goal) for name, _, goal in LINES if goal}
        sized = {name for name, _ in found ^ due}
        # In the short form these are of another size, and say so.
        assert {re.sub(r"[\d,]+ ", "N ", name) for name in sized} == SIZED
