"""
``make suites``: test suites of other projects, run without linq-otel and with it.

A suite is run as its project published it, against the versions in ``requirements.txt`` beside this
file. Its tests must pass alike and take the same processor time, whether every process of it was
instrumented at its start or not. Ends with 1 if a test differs or a suite does not finish.
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
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HERE: Final = Path(__file__).resolve().parent
REPORT: Final = HERE.parents[1] / "docs" / "reports" / "suites.md"
PINS: Final = HERE / "requirements.txt"
CACHE: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linq-otel" / "suites"
)
WITHOUT, ACTIVE, ENFORCING = "without", "active", "enforcing"
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

    def compute_ratio(self) -> float:
        """
        Return the median of what each pair of runs took with us, as a share of without.
        """
        pairs = zip(self.runs[ACTIVE], self.runs[WITHOUT], strict=True)
        return median(active.seconds / without.seconds for active, without in pairs)

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
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="linq-otel-suites-") as folder,
        ThreadPoolExecutor(options.workers) as pool,
    ):
        jobs = [pool.submit(_run_suite, python, s, Path(folder), options.pairs) for s in chosen]
        results = [job.result() for job in jobs]
    text = "\n".join(_report(results, options, time.monotonic() - begun)) + "\n"
    sys.stdout.write(text)
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    return int(any(each.complaint or [*each.find_differences()] for each in results))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("suites", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("suites", nargs="*", help="packages; all of them without any")
    parser.add_argument("--pairs", type=int, default=3, help="runs each way (default: 3)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="suites at once")
    parser.add_argument("--report", type=Path, help="page to write (default: docs, of all suites)")
    options = parser.parse_args()
    if not options.suites and not options.report:
        options.report = REPORT
    return options


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


def _run_suite(python: Path, suite: Suite, folder: Path, pairs: int) -> Result:
    result = Result(suite, _find_version(suite.package))
    try:
        tree = _extract(python, suite, result.version, folder)
        path = _install_older(python, suite)
        for way in [*(WITHOUT, ACTIVE) * pairs, ENFORCING]:
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


def _report(results: list[Result], options: argparse.Namespace, seconds: float) -> Iterator[str]:
    finished = [each for each in results if not each.complaint]
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
        f"Run on {datetime.now(timezone.utc):%Y-%m-%d} with Python {sys.version.split()[0]}, "
        f"{options.pairs} times each way in turn, in {seconds / 60:.0f} minutes. Tests are "
        "counted as passed / failed / skipped. Processor seconds are those of the tests, children "
        "included: the median of the runs, and of the ratios of each pair."
    )
    yield ""
    ways = "without | active | enforcing | s without | s active | ratio | differ"
    yield f"| suite | version | {ways} |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    for each in results:
        yield _report_row(each)
    yield ""
    added = [
        active.start - without.start
        for each in finished
        for active, without in zip(each.runs[ACTIVE], each.runs[WITHOUT], strict=True)
    ]
    if added:
        yield (
            f"Before its tests, a process takes {median(added):.2f} s more at the median: the "
            "SDK of OpenTelemetry and linq-otel are imported, and the libraries patched."
        )
        yield ""
    yield "## Tests that differ"
    yield ""
    differences = [
        f"- `{each.suite.package} {test}`: {words}"
        for each in finished
        for test, words in each.find_differences()
    ]
    yield from differences or ["None."]
    yield ""
    yield from _report_unsteady(finished)
    complaints = [f"- {each.suite.package}: {each.complaint}" for each in results if each.complaint]
    if complaints:
        yield from ("## Suites that did not finish", "", *complaints, "")


def _report_row(result: Result) -> str:
    name = f"| {result.suite.package} | {result.version} |"
    if result.complaint:
        return f"{name} **did not finish** | | | | | | |"
    counts = " | ".join(str(result.runs[way][-1]) for way in (WITHOUT, ACTIVE, ENFORCING))
    seconds = " | ".join(
        f"{median(run.seconds for run in result.runs[way]):.2f}" for way in (WITHOUT, ACTIVE)
    )
    differences = len({test for test, _ in result.find_differences()})
    return f"{name} {counts} | {seconds} | {result.compute_ratio():.2f} | {differences} |"


def _report_unsteady(results: list[Result]) -> Iterator[str]:
    unsteady = [
        f"- `{each.suite.package} {test}`: {words}"
        for each in results
        for test, words in each.find_unsteady()
    ]
    if unsteady:
        yield "Not the same in every run, with linq-otel or without:"
        yield ""
        yield from unsteady
        yield ""


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
