from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from linq_otel import _circuits
from linq_otel._circuits import Circuit
from linq_otel.errors import StoreError
from support.failing_stores import raises, wait_until, works
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Patient:
    """
    A circuit, the probe it asks by, and what it does once closed.
    """

    def __init__(self, probe: Callable[[], object] = works) -> None:
        self.probe = probe
        self.probes: list[float] = []
        self.closed = threading.Event()
        self.circuit = Circuit("looking up origins", self._ask, self.closed.set, 0.05)

    def _ask(self) -> None:
        self.probes.append(time.monotonic())
        self.probe()


@pytest.fixture(autouse=True)
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log be told as soon as a store works again."""
    monkeypatch.setattr(_circuits, "_QUIET_SECONDS", 0.0)


@pytest.fixture
def patient() -> Iterator[Patient]:
    """Yield a circuit whose probe works."""
    patient = Patient()
    yield patient
    patient.circuit.stop()


class TestCircuit:
    def test_begins_closed(self, patient: Patient) -> None:
        """Nothing is asked in the background while all is well."""
        assert (patient.circuit.is_open, patient.circuit.open_seconds) == (False, 0.0)
        assert patient.probes == []

    def test_one_failure_is_no_outage(
        self, patient: Patient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It stays closed without a word, and what failed is done again once the store works."""
        patient.circuit.note_failure(OSError(), time.perf_counter())
        assert not patient.circuit.is_open
        assert patient.closed.wait(5)
        assert (len(patient.probes), patient.circuit.is_open, caplog.records) == (1, False, [])

    def test_failures_at_once_count_once(
        self, patient: Patient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Many that wait for the same thing are one failure; a good end begins the count anew."""
        monkeypatch.setattr(_circuits, "_FIRST_PAUSE", 5.0)
        circuit, seen = patient.circuit, []
        for failures in (10, 10, None, 1, 1, 1):
            if failures is None:
                circuit.note_working()
                continue
            began = time.perf_counter()
            for _ in range(failures):
                circuit.note_failure(OSError(), began)
            seen.append(circuit.is_open)
        assert seen == [False, False, False, False, True]

    def test_the_probe_counts_as_well(self, patient: Patient) -> None:
        """A store that is hardly asked is known to be down soon after its first failure."""
        patient.probe = raises(OSError())
        patient.circuit.note_failure(OSError(), time.perf_counter())
        assert wait_until(lambda: patient.circuit.is_open)
        assert len(patient.probes) == 2
        patient.probe = works
        assert patient.closed.wait(5)

    def test_one_line_for_a_store_that_flaps(
        self, patient: Patient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """However often it fails and works, it is told when that begins and when it is over."""
        monkeypatch.setattr(_circuits, "_LONGEST_PAUSE", 0.05)
        monkeypatch.setattr(_circuits, "_QUIET_SECONDS", 0.4)
        for _ in range(5):
            patient.closed.clear()
            patient.circuit.open(OSError())
            assert patient.closed.wait(5)
        first, *_ = [record.getMessage() for record in caplog.records]
        assert len(caplog.records) == 1
        assert wait_until(lambda: len(caplog.records) == 2)
        last = caplog.records[1].getMessage()
        assert first.startswith("looking up origins is paused, ")
        assert last.startswith("looking up origins works again after ")
        assert last.endswith(" s, in which it was paused 5 times")

    @pytest.mark.timing
    def test_closes_when_the_probe_works(
        self, patient: Patient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is open at once, closed soon, and each change is one line of the log."""
        with caplog.at_level(logging.DEBUG, "linq_otel"), timed() as timing:
            patient.circuit.open(StoreError("redis at localhost:6379 is not reachable"))
            patient.circuit.open(StoreError("again"))
            assert patient.circuit.is_open
            assert patient.circuit.open_seconds > 0
            assert patient.closed.wait(5)
        assert not patient.circuit.is_open
        assert len(patient.probes) == 1
        assert wait_until(lambda: len(caplog.records) == 2)
        first, second = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert first[0] == "WARNING"
        assert first[1] == (
            "looking up origins is paused, joins go by derived ids until it works: "
            "redis at localhost:6379 is not reachable"
        )
        said, seconds = second[1].removesuffix(" s").rsplit(maxsplit=1)
        assert (second[0], said) == ("WARNING", "looking up origins works again after")
        assert 0.1 <= float(seconds) <= round(timing.seconds, 1)
        assert timing.net < 0.15

    def test_says_nothing_of_another_s_error(
        self, patient: Patient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The text of a driver's error may quote a password or a row: its type is enough."""
        patient.circuit.open(OSError("redis://user:secret@host refused +15550100"))
        assert caplog.records[0].getMessage().endswith("until it works: OSError")

    @pytest.mark.timing
    def test_asks_less_and_less_often(
        self, patient: Patient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each pause is twice the one before, up to a bound."""
        monkeypatch.setattr(_circuits, "_LONGEST_PAUSE", 0.2)
        patient.probe = raises(OSError())
        opened = time.monotonic()
        with timed() as timing:
            patient.circuit.open(OSError())
            assert wait_until(lambda: len(patient.probes) == 4)
        for probe, at in zip(patient.probes[:4], (0.05, 0.15, 0.35, 0.55), strict=True):
            assert probe - opened >= at
            assert probe - opened - timing.lost < at + 1
        patient.probe = works
        assert patient.closed.wait(5)

    def test_slow_is_not_working(self, patient: Patient) -> None:
        """A probe that takes longer than a caller would wait leaves it open."""
        patient.probe = lambda: time.sleep(0.08)
        patient.circuit.open(OSError())
        assert wait_until(lambda: len(patient.probes) == 2)
        assert patient.circuit.is_open
        patient.probe = works
        assert patient.closed.wait(5)

    def test_flapping(self, patient: Patient) -> None:
        """A store that fails again at once is not asked as often as before."""
        patient.probe = raises(OSError())
        patient.circuit.open(OSError())
        assert wait_until(lambda: len(patient.probes) == 2)
        patient.probe = works
        assert patient.closed.wait(5)
        again = time.monotonic()
        patient.circuit.open(OSError())
        assert wait_until(lambda: len(patient.probes) == 4)
        assert patient.probes[-1] - again >= 0.2

    def test_stopped(self, patient: Patient) -> None:
        """What is stopped asks no more, and opens no more."""
        patient.probe = raises(OSError())
        patient.circuit.open(OSError())
        assert wait_until(lambda: len(patient.probes) == 1)
        patient.circuit.stop()
        time.sleep(0.3)
        assert len(patient.probes) == 1
        other = Patient()
        other.circuit.stop()
        other.circuit.open(OSError())
        assert not other.circuit.is_open

    def test_no_thread_to_be_had(self, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nothing can be asked in the background, the next call asks."""
        monkeypatch.setattr(threading.Thread, "start", raises(RuntimeError("shutdown")))
        patient.circuit.open(OSError())
        assert not patient.circuit.is_open
