"""
Every kind of finding there is: a table that scripts and documentation can rely on.

A code keeps its meaning and its severity; what is worse or better than it is
another code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal


if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["CODES", "SEVERITIES", "Code", "Severity"]

Severity = Literal["ok", "note", "warning", "problem"]
SEVERITIES: Final[tuple[Severity, ...]] = ("problem", "warning", "note", "ok")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Code:
    """
    What one code says.

    Attributes:
        area: The heading it stands under.
        severity: How bad it is, always.
        meaning: In a few words.
    """

    area: str
    severity: Severity
    meaning: str


# What each letter of the rows below stands for.
_SEVERITY: Final[Mapping[str, Severity]] = {
    "o": "ok",
    "n": "note",
    "w": "warning",
    "p": "problem",
}
_ROWS: Final[Mapping[str, str]] = {
    "OpenTelemetry": """
        o otel.provider            | the app's provider is the SDK's
        n otel.provider.unseen     | no app was examined: only the environment is known
        p otel.provider.missing    | the app has set no provider, and its spans go nowhere
        w otel.provider.two        | instrument() was given another provider than the global one
        w otel.provider.idle       | a provider is set up that linq_otel's spans do not go by
        w otel.provider.foreign    | the provider is another vendor's
        p otel.disabled            | OTEL_SDK_DISABLED=true switches all of it off
        o otel.ids                 | span ids are derived, so repeated webhooks write one span
        w otel.ids.random          | span ids are random: the tracer takes no id generator
        o otel.processor           | spans are exported in batches
        w otel.processor.simple    | spans are exported one by one, while the app waits
        p otel.processor.none      | the provider exports nothing
        o otel.sampler             | every trace is recorded
        w otel.sampler.ratio       | only some traces are recorded
        p otel.sampler.off         | no trace is recorded
        n otel.sampler.custom      | a sampler of the app's own decides
        w otel.sampler.invalid     | the sampler's variables cannot be understood
        o otel.service             | spans name their service
        w otel.service.unknown     | spans name no service
        n otel.service.unset       | no variable names it; code may
        o otel.versions            | the packages of OpenTelemetry belong together
        p otel.versions.mismatch   | one requires another release of another, as pip check says
        p otel.versions.old        | they are older than this package supports
        o otel.propagators         | trace context travels as W3C has it
        w otel.propagators.other   | it does not, or by a propagator that is not known
        w otel.instrumentor.off    | OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names ours
        p package.duplicate        | one package is installed more than once
    """,
    "Export": """
        o export.endpoint          | an endpoint took an export of nothing
        w export.protocol          | it takes one default protocol and not the other
        p export.failed            | an endpoint did not take it
        o export.headers           | headers are sent with an export; their values are not shown
        p export.invalid           | the variables of the export contradict each other
        n export.unset             | nothing says where to export to
        w export.off               | the environment switches the export of traces off
        n export.other             | an exporter that cannot be asked
    """,
    "Environment": """
        o environment.set          | the variables of this package that are set
        w environment.misspelt     | a variable with a name like ours that is not read
        w environment.invalid      | a value that cannot be understood; the default is used
    """,
    "linq-python": """
        o linq.sdk                 | Linq's SDK is installed
        n linq.sdk.missing         | it is not: calls by bare HTTP are traced all the same
        w linq.sdk.old             | it is older than the oldest that is tested
        p linq.other-package       | another package is what `import linq` finds
        o linq.seams               | every method of the SDK that is patched is there
        w linq.seams.missing       | some are not, which costs details
        o linq.key                 | a variable holds the SDK's API key
        n linq.key.unset           | none does; code may pass it
        p linq.uninstrumented      | the app does not trace its calls
        o linq.operations          | every operation of the SDK has a name of its own
        n linq.operations.unknown  | some are named by their paths
        o http.own                 | this package draws the requests on the wire
        o http.nested              | the app's HTTP instrumentation draws them
        n http.nested.unseen       | an HTTP instrumentation is installed; no app was examined
        w http.nested.missing      | nothing records them
        n http.client.uncovered    | an HTTP client is installed whose calls are not traced
    """,
    "Webhooks": """
        o webhooks.framework       | a web framework and what takes webhooks in it
        n webhooks.framework.none  | no web framework is installed here
        o webhooks.server          | an instrumentation draws the requests of webhooks
        n webhooks.server.unseen   | one is installed; no app was examined
        n webhooks.server.missing  | none does, so webhooks have no SERVER span
        o webhooks.secret          | webhooks are verified
        w webhooks.secret.missing  | nobody verifies them
        p webhooks.secret.invalid  | the signing secret is not one
        o webhooks.paths           | where webhooks arrive
        w webhooks.enforce.idle    | nothing is enforced, because no path is named
        o clock                    | this host's clock is right
        w clock.off                | it is off, and the times in a trace with it
        p clock.beyond-tolerance   | it is so far off that every signature is refused
        w clock.unknown            | the server asked for its time did not tell it
        n clock.unchecked          | nobody was asked
        o join                     | the join mode has what it needs
        w join.unshared            | it needs a store that sender and receiver share
    """,
    "Store": """
        o store                    | it opens, keeps, finds and claims
        n store.memory             | origins stay in one process
        p store.invalid            | its URL cannot be used
        p store.unreachable        | it cannot be opened, or refuses
        w store.slow               | it takes longer than a call waits for it
        p store.forgets            | what was saved is not found, or is claimed twice
        n store.absent             | its file or its tables are not made yet
        w store.relative           | its file is named from whatever folder a process is in
        n store.loopback           | its server is another one on every other host
        w store.ttl                | it forgets before most messages are read
        n store.own                | the app's own functions, which were asked, but not written to
        o store.clock              | its clock agrees with this host's
        w store.clock.off          | it does not
        o store.mark.left          | a mark was left for another process to find
        o store.mark.found         | the mark of another process was found
        p store.mark.missing       | it was not: the two do not share a store
    """,
    "Privacy": """
        o privacy                  | no text and no handle is shown
        w privacy.content          | the texts of messages are shown
        n privacy.content.allowed  | the environment allows the app to show them
        n privacy.handles          | people are shown as keyed hashes
        w privacy.headers          | HTTP instrumentations record headers
        w privacy.debug            | a debug log shows what is sent
    """,
    "Captured webhooks": """
        o capture.read             | what was read
        p capture.unreadable       | a file or a part of it could not be
        n capture.passed-over      | lines between were no JSON
        p capture.empty            | there was no webhook of Linq in it
        o capture.signatures       | they verify
        p capture.signatures.bad   | some do not
        n capture.signatures.none  | they could not be checked
        w capture.late             | webhooks arrived later than the tolerance allows
        n capture.duplicates       | some events were delivered more than once
        o capture.version          | the payload versions that were seen
        o capture.keys             | idempotency keys come back
        n capture.keys.none        | none did
        o capture.ids              | the events of each message have one Linq trace id
        w capture.ids.unequal      | they have several
        w capture.ids.malformed    | some are no trace ids
        o capture.sends            | they are those of the sends
        w capture.sends.unequal    | they are not
        n capture.sends.unknown    | no send was among the samples, nor in the store
        o capture.join             | the join mode in force is safe
        p capture.join.unsafe      | it tears lives; another one does not
        n capture.join.unknown     | too few samples to tell
    """,
}


def _read(area: str, row: str) -> tuple[str, Code]:
    head, _, meaning = row.partition("|")
    letter, code = head.split()
    return code, Code(area, _SEVERITY[letter], meaning.strip())


CODES: Final[Mapping[str, Code]] = dict(
    _read(area, row) for area, rows in _ROWS.items() for row in rows.strip().splitlines()
)
"""Every code, in the order in which the areas are shown."""
