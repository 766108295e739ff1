from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fuzz.__main__
from fuzz.__main__ import main
from fuzz.targets import TURNS, open_targets
from support.programs import REPOSITORY, open_program


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from random import Random

    from fuzz.targets import Target


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Target]]:
    """
    Yield all targets, whose metrics are judged in the end.
    """
    with open_targets(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened


class TestTargets:
    @pytest.mark.parametrize("name", sorted(set(TURNS)))
    @settings(max_examples=250, suppress_health_check=list(HealthCheck))
    @given(random=st.randoms(use_true_random=False))
    def test_what_hypothesis_tries(
        self, targets: Mapping[str, Target], name: str, random: Random
    ) -> None:
        """A few inputs that are chosen to differ, and made smaller where one fails."""
        targets[name](random)


class TestRun:
    def test_many_inputs_from_a_seed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The same thousands on every machine; `make fuzz` makes millions."""
        assert main(["--inputs", "6000"]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("6,000 inputs in ")

    def test_an_input_that_fails(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Nothing is tried after it, its number is told, and the status is that of a failure."""
        tried: list[Random] = []

        def refuse(random: Random) -> None:
            tried.append(random)
            assert len(tried) < 3, "the third is bad"

        @contextmanager
        def open_refusing(_folder: Path) -> Iterator[Mapping[str, Target]]:
            yield dict.fromkeys(TURNS, refuse)

        monkeypatch.setattr(fuzz.__main__, "open_targets", open_refusing)
        assert main(["--first", "70", "--inputs", "50"]) == 1
        told = capsys.readouterr()
        assert "AssertionError: the third is bad" in told.err
        assert told.out.splitlines()[0] == (
            "receiver: again with `python -m fuzz --first 72 --inputs 1`"
        )
        assert told.out.splitlines()[-1] == "2 inputs in 0 s"
        assert len(tried) == 3

    def test_as_a_program(self, tmp_path: Path) -> None:
        """It is run from a checkout, as `make fuzz` runs it."""
        arguments = ["-m", "fuzz", "--inputs", "40"]
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
        with open_program("fuzz", arguments, environment, tmp_path) as program:
            assert program.wait() == 0
            names = [line.split()[0] for line in program.lines]
            assert names == ["target", *sorted(set(TURNS)), "40"]
            assert program.complaints == ""
