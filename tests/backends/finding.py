"""
What a run found, and what of it is not as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backends.filtering import BROKEN_TRACES, PLAIN_TRACES, Filtered


if TYPE_CHECKING:
    from collections.abc import Iterator

    from backends.building import Build
    from backends.configuring import Try
    from backends.judging import Verdict
    from backends.pictures import Picture
    from backends.playing import Play
    from backends.running import Server


MASKED = {
    "linq.message.id": "0f0e0d0c-0b0a-4908-8706-050403020100",
    "customer": "**** and ****",
    "config": "secret=****",
    "api_key": "****",
    "when": "2026-02-03T10:00:00+00:00",
}
_OTHERS = {"metrics": {"customer": "****"}, "logs": {"customer": "****"}}
# A tenth is asked for; chance decides which.
_FEWEST, _MOST = 0.02, 0.25
# What a backend is known not to do, by its name and the scenario.
KNOWN = {
    ("otel-desktop-viewer", "duplicates"): (
        "keeps each span id once, and refuses the whole export in which one comes again. A webhook "
        "that is delivered again writes the same stage again, under the same id"
    ),
}


@dataclass
class Run:
    """
    Everything one run found.
    """

    builds: list[Build]
    servers: list[Server] = field(default_factory=list["Server"])
    plays: list[Play] = field(default_factory=list["Play"])
    verdicts: list[Verdict] = field(default_factory=list["Verdict"])
    tries: list[Try] = field(default_factory=list["Try"])
    pictures: list[Picture] = field(default_factory=list["Picture"])
    filtered: Filtered | None = None
    failures: list[str] = field(default_factory=list[str])
    go: str = ""
    seconds: float = 0.0
    play_seconds: float = 0.0
    read_seconds: float = 0.0

    def collect_failures(self) -> None:
        """
        Say what is not as it should be.
        """
        self.failures += _find_failures(self)


def _find_failures(run: Run) -> Iterator[str]:
    for verdict in run.verdicts:
        yield from _find_differences(verdict)
    for each in run.tries:
        if not each.is_taken or each.is_found is False or not each.refusal:
            yield f"configure: {each}"
    filtered = run.filtered
    if filtered is None or not filtered.both or filtered.errors != BROKEN_TRACES:
        yield f"collectors: {filtered}"
    elif filtered.masked != MASKED or filtered.others != _OTHERS:
        yield f"collectors: masked {filtered.masked}, {filtered.others}"
    elif not _FEWEST < filtered.plain / PLAIN_TRACES < _MOST:
        yield f"collectors: kept {filtered.plain} of {PLAIN_TRACES} traces of strangers"


def _find_differences(verdict: Verdict) -> Iterator[str]:
    what = f"{verdict.play.scenario}, {verdict.play.join}"
    for name in verdict.missing:
        missing, extra = verdict.missing[name], verdict.extra[name]
        if (name, verdict.play.scenario) in KNOWN:
            continue
        if missing or extra:
            yield f"{what}: {name} lacks {missing} and has {extra}"
    if verdict.play.is_apart:
        return
    if not verdict.is_one_story:
        yield f"{what}: not one story: {verdict.shape}"
    if not verdict.play.is_joined:
        yield f"{what}: a webhook is not joined"
