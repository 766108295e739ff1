"""
Writes down what was run, what was found, and how long it took.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING

from backends.filtering import BROKEN_TRACES, PLAIN_TRACES, Filtered
from backends.finding import KNOWN, Run
from backends.judging import COLLECTOR
from backends.running import DECISION_WAIT
from linq_otel import __version__


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from backends.building import Build
    from backends.judging import Verdict


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
    yield f"and linq-otel {__version__}."
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
    yield from _NOT_RUN
    yield ""


_NOT_RUN = (
    "Of Jaeger after 2.13, Tempo and Refinery 2 and later the module proxy serves nothing that",
    "builds: their modules have a major version that their paths do not name. `linq-otel show` is",
    "held to the answers of Jaeger after 2.20, which has API v3 alone, and of Tempo as their",
    "sources and documentation have them (`tests/stories/query_apis.py`), and the rules for",
    "Refinery to the keys that its source lists (`tests/backends/test_shipped.py`).",
)


def _why_not(made: Build) -> str:
    refused = "403" in made.complaint or "404" in made.complaint
    return "the module proxy does not serve this module here" if refused else made.complaint


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
    counts = "webhooks | traces | spans | links | parents missing | stories"
    yield f"| scenario | join | {counts} | {_columns(names)} |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|" + "---|" * (len(names) + 1)
    for verdict in run.verdicts:
        play, shape = verdict.play, verdict.shape
        same = [_say_same(verdict, name) for name in (*names, COLLECTOR)]
        yield (
            f"| {play.scenario} | {play.join} | {play.webhooks} | {shape.traces} | {shape.spans} "
            f"| {shape.links} | {shape.missing_parents} | {shape.stories} | {' | '.join(same)} |"
        )
    yield ""
    for (name, scenario), why in KNOWN.items():
        if any(v.missing.get(name) for v in run.verdicts if v.play.scenario == scenario):
            yield f"{name} lacks some of *{scenario}*: it {why}."
            yield ""
    yield from _say_repeated(run)
    again = [f"{play.scenario}, {play.join}" for play in run.plays if play.tries > 1]
    if again:
        yield f"Played more than once, on a busy machine: {'; '.join(again)}."
        yield ""
    yield from _APART
    yield ""


_APART = (
    "A parent is missing where nobody could know it:",
    "",
    "- *lost-answer*, *timeout-accepted*: Linq accepted a message whose answer never came, so its",
    "  life has no anchor; a later attempt's has.",
)


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


_ODD = {
    "clock skew adjustment disabled": "a handler ends some microseconds after the request that it "
    "is in, and Jaeger would have moved it, were it told to",
    "duplicate span IDs": "a webhook that was delivered again wrote its stage again",
    "invalid parent span IDs": "the lives without an anchor, above",
    "parent span ID": "the same",
}


def _say_warnings(run: Run) -> Iterator[str]:
    found = sum((verdict.warnings for verdict in run.verdicts), Counter[str]())
    yield "## What Jaeger finds odd"
    yield ""
    if not found:
        yield "Nothing: no span has a warning."
    for text, count in sorted(found.items()):
        yield f"- {count} x {text}"
    yield ""
    for words, meaning in _ODD.items():
        if any(words in text for text in found):
            yield f"*{words} …*: {meaning}."
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
        "`otelcol validate` has nothing against the two configurations. "
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
