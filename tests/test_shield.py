from __future__ import annotations

import asyncio
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from linq_otel import _shield
from linq_otel._shield import Tally, report, shield, strict, swallow, tally
from support.scripts import run_script


@pytest.fixture(autouse=True)
def not_strict(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Shield as in an app, and hear everything."""
    monkeypatch.setattr(_shield, "_strict", False)
    caplog.set_level(logging.DEBUG, "linq_otel")


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def fail(error: BaseException) -> None:
    raise error


class TestShield:
    def test_swallows_our_failure(self, caplog: pytest.LogCaptureFixture) -> None:
        """A failure is counted and told by its place and type, without its text."""
        with shield("saving an origin"):
            fail(ValueError("+15550100123 said hello"))
        ((level, line),) = said(caplog)
        assert level == "WARNING"
        assert re.fullmatch(
            r"saving an origin failed: ValueError at test_shield\.py:\d+ \(logged once\)", line
        )
        assert tally.counts() == {"saving an origin: ValueError": 1}
        assert [record.exc_info for record in caplog.records] == [None]

    def test_logs_once_per_kind(self, caplog: pytest.LogCaptureFixture) -> None:
        """The same failure again is a line for debugging; another one is a warning."""
        for error in (ValueError(), ValueError(), KeyError()):
            with shield("parsing"):
                fail(error)
        assert [level for level, _ in said(caplog)] == ["WARNING", "DEBUG", "WARNING"]
        assert tally.counts() == {"parsing: ValueError": 2, "parsing: KeyError": 1}

    @pytest.mark.parametrize(
        "kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
    )
    def test_lets_cancellation_pass(
        self, kind: type[BaseException], caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is no Exception is none of our business."""
        with pytest.raises(kind), shield("parsing"):
            fail(kind())
        assert said(caplog) == []

    def test_nothing_happened(self, caplog: pytest.LogCaptureFixture) -> None:
        """A block that does not fail runs as if it stood alone."""

        def answer() -> int:
            with shield("answering"):
                return 42
            return 0

        assert answer() == 42
        assert said(caplog) == []

    def test_strict_lets_failures_out(self) -> None:
        """Tests see our failures, and only while they ask to."""
        with strict(), pytest.raises(ValueError, match="seen"), shield("parsing"):
            fail(ValueError("seen"))
        with shield("parsing"):
            fail(ValueError("unseen"))
        assert tally.counts() == {"parsing: ValueError": 1}

    def test_strict_nests(self) -> None:
        """An inner block of strictness does not end the outer one."""
        with strict():
            with strict():
                pass
            with pytest.raises(ValueError, match="seen"), shield("parsing"):
                fail(ValueError("seen"))

    def test_no_handler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A logger that is switched off changes nothing."""
        monkeypatch.setattr(logging.getLogger("linq_otel"), "disabled", True)
        with shield("parsing"):
            fail(ValueError())
        assert tally.counts() == {"parsing: ValueError": 1}


class TestSwallow:
    def test_as_the_shield(self, caplog: pytest.LogCaptureFixture) -> None:
        """A failure that was caught is counted and told as the shield's are."""
        try:
            fail(ValueError("+15550100123 said hello"))
        except Exception as error:
            swallow("opening a call", error)
        ((level, line),) = said(caplog)
        assert level == "WARNING"
        assert re.fullmatch(
            r"opening a call failed: ValueError at test_shield\.py:\d+ \(logged once\)", line
        )
        assert tally.counts() == {"opening a call: ValueError": 1}

    def test_never_raised(self, caplog: pytest.LogCaptureFixture) -> None:
        """An error that was never raised is from nowhere."""
        swallow("opening a call", KeyError())
        assert said(caplog) == [("WARNING", "opening a call failed: KeyError (logged once)")]

    def test_strict_lets_it_out(self) -> None:
        """Tests that ask for our failures are given this one too, uncounted."""
        error = ValueError("seen")
        with strict(), pytest.raises(ValueError, match="seen") as caught:
            swallow("opening a call", error)
        assert caught.value is error
        assert tally.counts() == {}


class TestReport:
    def test_once(self, caplog: pytest.LogCaptureFixture) -> None:
        """A kind is a warning the first time, and for debugging after."""
        report("kind", "100% odd")
        report("kind", "100% odd")
        assert said(caplog) == [("WARNING", "100% odd (logged once)"), ("DEBUG", "100% odd")]


class TestTally:
    def test_counts(self) -> None:
        """It says which one was the first, until it is cleared."""
        counted = Tally()
        assert [counted.add(kind) for kind in ("a", "a", "b")] == [True, False, True]
        assert counted.counts() == {"a": 2, "b": 1}
        counted.clear()
        assert counted.counts() == {}
        assert counted.add("a")

    def test_threads(self) -> None:
        """Of many threads, one is the first, and none is lost."""
        counted = Tally()
        with ThreadPoolExecutor(8) as pool:
            firsts = list(pool.map(counted.add, ["a"] * 4_000))
        assert firsts.count(True) == 1
        assert counted.counts() == {"a": 4_000}

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
    def test_fork(self) -> None:
        """A child forked while a thread was counting can count."""
        code = """
            import os, signal
            from linq_otel._shield import tally

            tally.add("a")
            tally._lock.acquire()  # As a thread that the child does not have.
            if (child := os.fork()) == 0:
                signal.alarm(10)
                tally.add("a")
                os._exit(tally.counts()["a"])
            tally._lock.release()
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), tally.counts())
        """
        assert run_script(code) == "2 {'a': 1}\n"
