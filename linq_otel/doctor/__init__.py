"""
What is wrong with a set-up, and what to type.

``linq-otel doctor`` on a terminal; here for an app that examines itself::

    from linq_otel.doctor import examine

    for finding in examine():
        if finding.severity == "problem":
            print(finding.title, finding.remedy)

It asks the exporter's endpoint and the store, and nobody else; it writes to
the store what expires within a second. It takes up to four seconds, and is not
for an event loop.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from linq_otel._settings import Settings

from ._capture import examine_samples
from ._capture_files import read_files
from ._capture_stores import find_sends
from ._codes import CODES, SEVERITIES, Code
from ._examination import find_all
from ._findings import Finding
from ._marks import find_mark, leave_mark
from ._scene import look
from ._variables import without_invalid


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Unpack

    from linq_otel._settings import Options


__all__ = [
    "CODES",
    "SEVERITIES",
    "Code",
    "Finding",
    "examine",
    "examine_files",
    "find_mark",
    "leave_mark",
]


def examine(
    *,
    environ: Mapping[str, str] | None = None,
    is_live: bool | None = None,
    clock_url: str | None = None,
    **options: Unpack[Options],
) -> list[Finding]:
    """
    Examine this process.

    Args:
        environ: The environment variables; those of the process if left out.
        is_live: True for an app's process, in which a missing provider is a
            problem; False for one that only shares its environment. It is
            found out if left out.
        clock_url: An HTTP server whose clock to compare with; without one, the
            exporter's endpoint is asked if it is on another host.
        **options: Options to examine in place of those in force, as for
            ``instrument()``.

    Returns:
        What was found, in the order of :data:`CODES`. Nothing of it holds a
        secret, a phone number or a message.

    Raises:
        ConfigurationError: If one of *options* has a value that cannot be used.
    """
    scene = look(
        os.environ if environ is None else environ, options, is_live=is_live, clock_url=clock_url
    )
    return find_all(scene)


def examine_files(
    paths: Iterable[str],
    *,
    sends: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    **options: Unpack[Options],
) -> list[Finding]:
    """
    Examine a team's own webhooks: whether they verify, and which join mode is safe for them.

    Args:
        paths: Files of webhooks: JSON, lines of JSON, bodies, or HAR.
        sends: Files of the answers to the sends: their ``X-Trace-ID`` and body.
        environ: The environment variables; those of the process if left out.
        **options: As for ``instrument()``: ``join``, ``store`` and
            ``webhook_secret`` count here.

    Raises:
        ConfigurationError: If a file cannot be read, or an option is wrong.
    """
    known = os.environ if environ is None else environ
    settings = Settings.read(options, without_invalid(known))
    samples = read_files([*paths, *sends])
    return examine_samples(samples, settings, partial(find_sends, settings.store))
