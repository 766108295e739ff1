"""
``make suites``: test suites of other projects, run without linq-otel and with it.

A suite is run as its project published it, against the versions in ``requirements.txt`` beside this
file. Its tests must pass alike and take the same processor time, whether every process of it was
instrumented at its start or not. Ends with 1 if a test differs or a suite does not finish.

The control of processor time has imported the same modules, but instrumented nothing: with more
objects in a process, each collection of garbage takes longer.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HERE: Final = Path(__file__).resolve().parent
PAGE: Final = HERE.parents[1] / "docs" / "reports" / "suites.md"
FIGURES: Final = PAGE.with_suffix(".json")
PINS: Final = HERE / "requirements.txt"
CACHE: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linq-otel" / "suites"
)
WITHOUT, IMPORTED, ACTIVE, ENFORCING = "without", "imported", "active", "enforcing"
_LONGEST_SECONDS: Final = 3600
_REPEATS: Final = 5
_MISSING: Final = Counter({"missing": 1})
_OFFICIAL: Final = "opentelemetry-instrumentation-"


@dataclass(frozen=True, slots=True)
class Suite:
    """
    One suite: the package whose source has it, and what its tests need besides.
    """

    package: str
    plugins: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    tests: tuple[str, ...] = ("tests",)
    # In place of the versions in requirements.txt, where the tests were written for older ones.
    older: tuple[str, ...] = ()


SUITES: Final = (
    Suite("httpx", ("anyio",)),
    Suite("requests", ("pytest_httpbin.plugin", "pytest_mock")),
    Suite(
        "urllib3",
        ("anyio", "pytest_timeout", "pytest_socket"),
        # The probes wait for ever on a slow host: they need a server that is on no package index.
        (
            *("-m", "not requires_network and not integration", "--timeout=60"),
            *("-k", "not test_http2_probe_blocked_per_thread"),
        ),
        tests=("test",),
    ),
    Suite(
        "aiohttp",
        ("pytest_timeout", "pytest_mock", "xdist", "aiohttp.pytest_plugin"),
        # Its own arguments, but neither coverage nor benchmarks, which need plugins of their own.
        (
            *("-o", "addopts=", "-m", "not dev_mode and not autobahn and not internal"),
            # Fast: without collecting garbage after each test, which takes most of the time.
            *("-n", "4", "--aiohttp-fast", "--ignore-glob=*/test_benchmarks_*"),
        ),
    ),
    Suite("starlette", ("anyio",)),
    Suite("flask"),
    *(
        Suite(_OFFICIAL + name, ("pytest_asyncio.plugin",), ("-o", "asyncio_mode=strict"))
        for name in ("httpx", "requests", "urllib", "urllib3", "aiohttp-client", "asgi", "wsgi")
    ),
    Suite(_OFFICIAL + "aiohttp-server", ("pytest_asyncio.plugin", "pytest_aiohttp.plugin")),
    Suite(_OFFICIAL + "fastapi", older=("fastapi==0.128.0", "starlette==0.52.1")),
    Suite(_OFFICIAL + "starlette", older=("starlette==0.52.1",)),
    Suite(_OFFICIAL + "flask"),
    Suite(_OFFICIAL + "django"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run of one suite: the outcome of each test, and the seconds before the tests and of them.
    """

    outcomes: dict[str, str]
    start: float
    seconds: float

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values())
        return " / ".join(f"{counts[word]:,}" for word in ("passed", "failed", "skipped"))


@dataclass(slots=True)
class Result:
    """
    All runs of a suite, by the way it was run.
    """

    suite: Suite
    version: str
    runs: dict[str, list[Run]] = field(default_factory=dict)
    # Of the tests that differed, alone.
    repeated: dict[str, list[Run]] = field(default_factory=dict)
    complaint: str = ""

    def find_differences(self) -> Iterator[tuple[str, str]]:
        """
        Find the tests that never end with us as they do without us, and how they end.
        """
        yield from self._compare(lambda before, after: not before.keys() & after.keys())

    def find_unsteady(self) -> Iterator[tuple[str, str]]:
        """
        Find the tests whose outcome changes from run to run, and how often they end how.
        """
        yield from self._compare(
            lambda before, after: (
                before.keys() & after.keys() and len(before.keys() | after.keys()) > 1
            )
        )

    def summarize(self) -> dict[str, Any]:
        """
        Return what the page tells of the suite.
        """
        summary = {
            "version": self.version,
            "day": f"{datetime.now(timezone.utc):%Y-%m-%d}",
            "python": sys.version.split()[0],
            "complaint": self.complaint,
            "differences": [f"`{test}`: {words}" for test, words in self.find_differences()],
            "unsteady": [f"`{test}`: {words}" for test, words in self.find_unsteady()],
        }
        if self.complaint:
            return summary
        ways = (WITHOUT, IMPORTED, ACTIVE)
        rounds = [*zip(*(self.runs[way] for way in ways), strict=True)]
        ratios = [active.seconds / control.seconds for _, control, active in rounds]
        return {
            **summary,
            "rounds": len(rounds),
            "counts": [str(self.runs[way][-1]) for way in (WITHOUT, ACTIVE, ENFORCING)],
            "seconds": [round(median(run.seconds for run in self.runs[way]), 2) for way in ways],
            "ratio": [round(ratio, 2) for ratio in (median(ratios), min(ratios), max(ratios))],
            "added": round(median(active.start - before.start for before, _, active in rounds), 2),
        }

    def _compare(
        self, is_wanted: Callable[[Counter[str], Counter[str]], object]
    ) -> Iterator[tuple[str, str]]:
        without = self._count(WITHOUT)
        for way in (ACTIVE, ENFORCING):
            found = self._count(way)
            for test in sorted(without.keys() | found.keys()):
                before, after = without.get(test, _MISSING), found.get(test, _MISSING)
                if is_wanted(before, after):
                    yield test, f"{_say_counts(before)} without, {_say_counts(after)} {way}"

    def _count(self, way: str) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for run in (*self.runs.get(way, ()), *self.repeated.get(way, ())):
            for test, outcome in run.outcomes.items():
                found.setdefault(test, Counter())[outcome] += 1
        return found


def _say_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def main() -> int:
    """
    Get the suites, run them, report.
    """
    options = _parse()
    python = _make_environment()
    chosen = [each for each in SUITES if not options.suites or each.package in options.suites]
    is_bad = False
    with (
        tempfile.TemporaryDirectory(prefix="linq-otel-suites-") as folder,
        ThreadPoolExecutor(options.workers) as pool,
    ):
        jobs = [pool.submit(_run_suite, python, s, Path(folder), options.rounds) for s in chosen]
        for job in as_completed(jobs):
            result = job.result()
            is_bad |= bool(result.complaint or [*result.find_differences()])
            # At once: the rest may take long.
            _keep(result)
    sys.stdout.write(PAGE.read_text("utf-8"))
    return int(is_bad)


def _keep(result: Result) -> None:
    """
    Put a suite's figures in place of those of its last run, and write the page anew.
    """
    kept = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    # A row of the older form has no figures of the control.
    kept = {name: each for name, each in kept.items() if each["complaint"] or "rounds" in each}
    kept[result.suite.package] = result.summarize()
    ordered = {each.package: kept[each.package] for each in SUITES if each.package in kept}
    FIGURES.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text("\n".join(_write_page(ordered)) + "\n", encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("suites", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("suites", nargs="*", help="packages; all of them without any")
    parser.add_argument("--rounds", type=int, default=3, help="runs each way (default: 3)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="suites at once")
    return parser.parse_args()


def _make_environment() -> Path:
    """
    Return the Python of an environment that holds what is pinned, and nothing of linq-otel.
    """
    key = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = CACHE / f"environment-{key}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        _call(sys.executable, "-m", "venv", "--clear", str(folder))
        _call(
            str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(PINS)
        )
        (folder / "complete").touch()
    return python


def _run_suite(python: Path, suite: Suite, folder: Path, rounds: int) -> Result:
    result = Result(suite, _find_version(suite.package))
    try:
        tree = _extract(python, suite, result.version, folder)
        path = _install_older(python, suite)
        for way in [*(WITHOUT, IMPORTED, ACTIVE) * rounds, ENFORCING]:
            run = _run_once(python, suite, tree, (path, way))
            result.runs.setdefault(way, []).append(run)
            _say(f"{suite.package} {way}: {run} in {run.seconds:.1f} s")
        for _ in range(_REPEATS):
            # Tests of time fail on a busy host, now the one way and now the other.
            tests = tuple({test: None for test, _ in result.find_differences()})
            for way in (WITHOUT, ACTIVE, ENFORCING) if tests else ():
                run = _run_once(python, replace(suite, tests=tests), tree, (path, way))
                result.repeated.setdefault(way, []).append(run)
    except (OSError, subprocess.SubprocessError) as error:
        result.complaint = str(error)
        _say(f"FAILED: {suite.package}: {error}")
    return result


def _find_version(package: str) -> str:
    pins = dict(line.split("==") for line in PINS.read_text("utf-8").split() if "==" in line)
    return {name.lower(): version for name, version in pins.items()}[package]


def _extract(python: Path, suite: Suite, version: str, folder: Path) -> Path:
    """
    Lay a suite's source out anew, without the package itself: the one installed is tested.
    """
    stem = f"{suite.package.replace('-', '_')}-{version}"
    archive = CACHE / "sources" / f"{stem}.tar.gz"
    if not archive.exists():
        wanted = ["--no-deps", "--no-binary", ":all:", f"{suite.package}=={version}"]
        _call(str(python), "-m", "pip", "download", "-q", "-d", str(archive.parent), *wanted)
    hidden = (f"{stem}/src/", f"{stem}/{suite.package}/")
    with tarfile.open(archive) as source:
        kept = [each for each in source if not each.name.startswith(hidden)]
        source.extractall(folder, kept)  # noqa: S202  # What pip has checked, of pinned versions.
    return folder / stem


def _install_older(python: Path, suite: Suite) -> str:
    if not suite.older:
        return ""
    folder = CACHE / "older" / "-".join(suite.older)
    if not folder.exists():
        into = [f"--target={folder}", "--no-deps", *suite.older]
        _call(str(python), "-m", "pip", "install", "--quiet", *into)
    return str(folder)


def _run_once(python: Path, suite: Suite, tree: Path, how: tuple[str, str]) -> Run:
    older, way = how
    with tempfile.TemporaryDirectory(prefix="linq-otel-suites-") as reports:
        environ = {
            **os.environ,
            "LINQ_OTEL_SUITES_FOLDER": reports,
            "LINQ_OTEL_SUITES_WAY": way,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE / "inside"), older))),
        }
        plugins = [word for name in ("suite_report", *suite.plugins) for word in ("-p", name)]
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins]
        done = subprocess.run(
            [*command, *suite.arguments, *suite.tests],
            cwd=tree,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        read = [json.loads(path.read_text("utf-8")) for path in Path(reports).iterdir()]
    outcomes = {test: outcome for each in read for test, outcome in each["outcomes"].items()}
    # 0 and 1 are the ends of a whole run.
    if done.returncode > 1 or done.returncode < 0 or not outcomes:
        said = (done.stdout + done.stderr)[-400:]
        raise subprocess.SubprocessError(f"{way}: ended with {done.returncode}; {said}")
    return Run(outcomes, *(sum(each[word] for each in read) for word in ("start", "tests")))


def _write_page(figures: dict[str, Any]) -> Iterator[str]:
    yield "# Suites: a run of `make suites`"
    yield ""
    yield (
        "Test suites of other projects, run as they were published: without linq-otel, and with "
        "`instrument()` called at the start of every process, before anything else is imported "
        "(*active*), once more with `enforce` guarding the path of a webhook (*enforcing*). "
        "Written by `tests/suites`; a run that finds a difference fails."
    )
    yield ""
    yield (
        "Tests are counted as passed / failed / skipped; those that fail without linq-otel want a "
        "network, another user than root, or other versions. Processor seconds are those of the "
        "tests, children included: the median of the runs each way, made in turn. *Imported* has "
        "imported the SDK of OpenTelemetry and linq-otel, and instrumented nothing; *ratio* is "
        "*active* to *imported*, the median and the range of all rounds. *Start* is what a process "
        "takes more before its tests: those imports, and the methods replaced. *Differ* counts "
        "the tests that never ended with linq-otel as they did without it."
    )
    yield ""
    counts, seconds = "without | active | enforcing", "s without | s imported | s active"
    ways = f"{counts} | rounds | {seconds} | ratio | start | differ"
    yield f"| suite | version | {ways} | run |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|---|"
    for package, each in figures.items():
        yield _write_row(package, each)
    yield ""
    titles = {
        "differences": "Tests that differ",
        "unsteady": "Tests that end now so, now otherwise",
    }
    for word, title in titles.items():
        yield f"## {title}"
        yield ""
        yield from [f"- {p}: {line}" for p, each in figures.items() for line in each[word]] or [
            "None."
        ]
        yield ""


def _write_row(package: str, each: dict[str, Any]) -> str:
    begun = f"| {package} | {each['version']} |"
    run = f"{each['day']}, Python {each['python']}"
    if each["complaint"]:
        return f"{begun} did not finish | | | | | | | | | | {run} |"
    counts = " | ".join(each["counts"])
    seconds = " | ".join(f"{each:.2f}" for each in each["seconds"])
    middle, least, most = each["ratio"]
    figures = f"{each['rounds']} | {seconds} | {middle:.2f} ({least:.2f} to {most:.2f})"
    return (
        f"{begun} {counts} | {figures} | {each['added']:.2f} | {len(each['differences'])} | {run} |"
    )


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
