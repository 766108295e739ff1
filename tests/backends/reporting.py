"""
Writes down what was run, what was found, and how long it took.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING

from backends.filtering import BROKEN_TRACES, PLAIN_TRACES, Filtered
from backends.judging import COLLECTOR
from backends.playing import APART
from backends.running import DECISION_WAIT


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
    if verdict.play.scenario in APART:
        return
    if not verdict.is_one_story:
        yield f"{what}: not one story: {verdict.shape}"
    if not verdict.play.is_joined:
        yield f"{what}: a webhook is not joined"


def write_report(run: Run, path: Path) -> None:
    """
    Write the report to *path*, in Markdown.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*_say_head(run), *_say_stories(run), *_say_warnings(run), *_say_rest(run)])
    path.write_text(text + "\n", encoding="utf-8")


def _say_head(run: Run) -> Iterator[str]:
    yield "# Backends: a run of `make backends`"
    yield ""
    yield (
        "Every scenario of the demo, in every join mode, sent to real backends and read back by "
        "their own APIs. Written by `python -m backends`; a run that finds a difference fails."
    )
    yield ""
    yield f"Run on {datetime.now(timezone.utc):%Y-%m-%d}, {run.go}, with"
    yield ", ".join(
        f"{name} {version(name)}"
        for name in ("opentelemetry-sdk", "opentelemetry-exporter-otlp", "linq-python")
    )
    yield f"and linq-otel {version_of_package()}."
    yield ""
    yield "| backend | version | asked by |"
    yield "|---|---|---|"
    asked = {
        "Jaeger": "`/api/v3/traces` (OTLP) and `/api/traces`, as its page does",
        "otel-desktop-viewer": "JSON-RPC `searchSpans`",
        "VictoriaTraces": "`/select/jaeger/api/traces`",
        "OpenTelemetry Collector": "an OTLP receiver behind each of two gateways",
    }
    for made in run.builds:
        name = made.recipe.name
        shown = made.recipe.shown_as or made.recipe.version
        how = asked[name] if made.path is not None else f"**not run**: {_why_not(made)}"
        yield f"| {name} | {shown} | {how} |"
    yield ""


def _why_not(made: Build) -> str:
    refused = "403" in made.complaint or "404" in made.complaint
    return "the module proxy does not serve this module here" if refused else made.complaint


def version_of_package() -> str:
    """
    Answer the version of this package, also where it is not installed.
    """
    from linq_otel import __version__  # noqa: PLC0415  # Only the report names it.

    return __version__


def _say_stories(run: Run) -> Iterator[str]:
    names = [server.name for server in run.servers]
    spans = sum(verdict.shape.spans for verdict in run.verdicts)
    links = sum(verdict.shape.links for verdict in run.verdicts)
    yield "## Stories"
    yield ""
    yield (
        f"{len(run.plays)} plays, half of them over gRPC and half over HTTP: {spans} spans and "
        f"{links} links, played in {run.play_seconds:.0f} s and read back in "
        f"{run.read_seconds:.0f} s. *Same* means that the backend has the very spans that the "
        "processes recorded, each with its parent, kind, status, service, links, and attributes "
        "of Linq, and no others. *Stories* counts the groups that no parent and no link ties "
        "together."
    )
    yield ""
    yield (
        f"Behind the collectors the same holds with tail sampling on (`decision_wait` "
        f"{DECISION_WAIT}, so that `read` comes after the decision): what is late follows it, by "
        "the decision cache."
    )
    yield ""
    yield f"| scenario | join | webhooks | traces | spans | links | stories | {_columns(names)} |"
    yield "|---|---|--:|--:|--:|--:|--:|" + "---|" * (len(names) + 1)
    for verdict in run.verdicts:
        play, shape = verdict.play, verdict.shape
        same = [_say_same(verdict, name) for name in (*names, COLLECTOR)]
        yield (
            f"| {play.scenario} | {play.join} | {play.webhooks} | {shape.traces} | {shape.spans} "
            f"| {shape.links} | {shape.stories} | {' | '.join(same)} |"
        )
    yield ""
    for (name, scenario), why in KNOWN.items():
        yield f"{name} lacks some of *{scenario}*: it {why}."
        yield ""
    yield from _say_repeated(run)
    again = [f"{play.scenario}, {play.join}" for play in run.plays if play.tries > 1]
    if again:
        yield (
            f"Played more than once on a busy machine, until its webhooks were joined in the "
            f"quarter of a second that they wait: {'; '.join(again)}."
        )
        yield ""
    yield (
        f"More than one story is right for {', '.join(sorted(APART))}: a webhook that does not "
        "verify joins nothing, and an answer that never came cannot name the message."
    )
    yield ""


def _say_repeated(run: Run) -> Iterator[str]:
    for verdict in run.verdicts:
        for name, again in verdict.repeated.items():
            if again:
                yield (
                    f"{name} shows {len(again)} spans of *{verdict.play.scenario}*, "
                    f"join={verdict.play.join}, again under the same id, each with other links."
                )
                yield ""


def _columns(names: list[str]) -> str:
    return " | ".join([*names, COLLECTOR])


def _say_same(verdict: Verdict, name: str) -> str:
    missing, extra = verdict.missing[name], verdict.extra[name]
    if not missing and not extra:
        return "same"
    if (name, verdict.play.scenario) in KNOWN:
        return f"lacks {len(missing)} (known)"
    return f"**lacks {len(missing)}, has {len(extra)} else**"


def _say_warnings(run: Run) -> Iterator[str]:
    found = sum((verdict.warnings for verdict in run.verdicts), Counter[str]())
    yield "## What Jaeger finds odd"
    yield ""
    if not found:
        yield "Nothing: no span has a warning."
    for text, count in sorted(found.items()):
        yield f"- {count} x {text}"
    yield ""


def _say_rest(run: Run) -> Iterator[str]:
    yield "## `configure`"
    yield ""
    yield (
        "Against each of them, in both protocols: asked first (`check()`), one span exported and "
        "found again, and the port of the other protocol tried on purpose."
    )
    yield ""
    yield "| backend | protocol | taken | found | told of the wrong port |"
    yield "|---|---|---|---|---|"
    for each in run.tries:
        found = {True: "yes", False: "**no**", None: "-"}[each.is_found]
        told = "yes" if each.refusal else "**no**"
        taken = "yes" if each.is_taken else "**no**"
        yield f"| {each.server} | {each.protocol} | {taken} | {found} | {told} |"
    yield ""
    yield from _say_filtered(run.filtered)
    yield from _say_pictures(run)


def _say_filtered(filtered: Filtered | None) -> Iterator[str]:
    if filtered is None:
        return
    yield "## Collectors"
    yield ""
    yield (
        f"Besides the stories, {PLAIN_TRACES} traces of another app went through the two tiers: "
        f"{filtered.plain} were kept (a tenth is asked for), and {filtered.errors} of "
        f"{BROKEN_TRACES} with an error. Each trace came out of one gateway, and both had some: "
        f"{'yes' if filtered.both else '**no**'}. A span that said too much came out as"
    )
    yield ""
    yield "| attribute | value |"
    yield "|---|---|"
    for key, value in filtered.masked.items():
        yield f"| `{key}` | `{value}` |"
    yield ""
    yield "and so did the attributes of a metric and of a log event."
    yield ""


def _say_pictures(run: Run) -> Iterator[str]:
    for picture in run.pictures:
        yield f"![{picture.text}](../pictures/{picture.path.name})"
        yield ""
