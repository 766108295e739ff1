"""
Which answer of which scenario one wire attempt of a send gets.

The SDK numbers its tries in a header. Other clients are followed by their idempotency key, or else
by the request being the same again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linq_otel.testing._state._scenario import NORMAL, Answer, Scenario


if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Run:
    """
    One send, over all its attempts.
    """

    scenario: Scenario
    attempts: int = 0

    def answer(self, number: int) -> Answer:
        """
        The answer to attempt ``number``, counted from 0.
        """
        answers = self.scenario.answers
        return answers[number] if number < len(answers) else NORMAL


class Attempts:
    """
    The script of one simulator. Callers hold the simulator's lock.
    """

    def __init__(self, default: Scenario) -> None:
        self.default = default
        self._script: deque[Scenario] = deque()
        self._scripts_to: dict[str, deque[Scenario]] = {}
        self._runs: dict[str, Run] = {}

    def script(self, scenario: Scenario, times: int | None) -> None:
        """
        Play ``scenario`` for the next ``times`` sends, or for all from now on.
        """
        if times is None:
            self._script.clear()
            self.default = scenario
        else:
            self._script.extend([scenario] * times)

    def script_to(self, handle: str, scenario: Scenario, times: int) -> None:
        """
        Play ``scenario`` for the next ``times`` sends to ``handle``, whoever else sends meanwhile.
        """
        self._scripts_to.setdefault(handle, deque()).extend([scenario] * times)

    def next(
        self, identity: str, retry_count: str | None, handles: Sequence[str], *, is_repeat: bool
    ) -> tuple[Scenario, Answer]:
        """
        Take the next answer for a send; a repeated key outside of a run costs no scenario.
        """
        key = hashlib.sha256(identity.encode()).hexdigest()
        if retry_count == "0":
            self._runs.pop(key, None)
        if key not in self._runs and is_repeat:
            return self.default, NORMAL
        run = self._runs.get(key) or Run(self._next_scenario(handles))
        number = _parse_count(retry_count, run.attempts)
        run.attempts = number + 1
        self._keep(key, run)
        return run.scenario, run.answer(number)

    def _keep(self, key: str, run: Run) -> None:
        if run.attempts > len(run.scenario.answers):
            self._runs.pop(key, None)
        else:
            self._runs[key] = run

    def _next_scenario(self, handles: Sequence[str]) -> Scenario:
        scripts = [self._scripts_to.get(handle) for handle in handles]
        script = next((script for script in scripts if script), self._script)
        return script.popleft() if script else self.default


def _parse_count(retry_count: str | None, fallback: int) -> int:
    return int(retry_count) if retry_count is not None and retry_count.isdecimal() else fallback
