"""
The packages that are installed: whether they belong together, and whether one is there twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any, Final

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from ._findings import Finding


# Two trains of one release: 1.45 of the stable packages came with 0.66b of the others.
_BETWEEN_TRAINS: Final = 21
_OLDEST: Final = 30
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
# Those of a release, by the beginnings of their names; `-distro` and detectors follow them.
_OF_A_RELEASE: Final = (
    "opentelemetry-api",
    "opentelemetry-distro",
    "opentelemetry-exporter-otlp",
    "opentelemetry-instrumentation",
    "opentelemetry-proto",
    "opentelemetry-sdk",
    "opentelemetry-semantic-conventions",
    "opentelemetry-util-http",
)
# Others publish under these names too, with versions of their own.
_MAKERS: Final = ("opentelemetry-authors", "opentelemetry authors")
_ONCE: Final = ("linq-python", "linq-otel", "opentelemetry-api", "opentelemetry-sdk")


def find_packages() -> Mapping[str, Sequence[Distribution]]:
    """
    Return everything that is installed, by its name; one that is there twice has two.
    """
    found: defaultdict[str, list[Distribution]] = defaultdict(list)
    for each in distributions():
        name = _read(each, "Name")
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()].append(each)
    return {name: _without_repeats(copies) for name, copies in found.items()}


def find_of_packages(packages: Mapping[str, Sequence[Distribution]]) -> Iterator[Finding]:
    """
    Yield what there is to say of the packages of OpenTelemetry, and of those that are there twice.
    """
    releases = {
        name: release
        for name, (first, *_) in packages.items()
        if name.startswith(_OF_A_RELEASE) and _is_of_the_makers(first)
        if (release := _release_of(first.version)) is not None
    }
    yield _judge(releases, packages)
    for name in _ONCE:
        copies = packages.get(name, ())
        if len(copies) > 1:
            yield _tell_duplicate(name, copies)


def _judge(releases: Mapping[str, int], packages: Mapping[str, Sequence[Distribution]]) -> Finding:
    newest = max(releases.values(), default=0)
    behind = {name: release for name, release in releases.items() if release != newest}
    if newest < _OLDEST:
        return tell(
            "otel.versions.old",
            f"opentelemetry-sdk is of release 1.{newest}; 1.{_OLDEST} is the oldest that works",
            remedy="pip install -U opentelemetry-sdk opentelemetry-exporter-otlp",
        )
    if behind:
        named = [f"{name} {packages[name][0].version}" for name in sorted(behind)]
        return tell(
            "otel.versions.mismatch",
            f"not of release 1.{newest}: {_shorten(named)}",
            detail="Packages of different releases break each other's private parts.",
            remedy=f"pip install -U {' '.join(sorted(behind))}",
        )
    return tell("otel.versions", f"the packages of OpenTelemetry are all of release 1.{newest}")


def _shorten(names: Sequence[str], most: int = 4) -> str:
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")


def _tell_duplicate(name: str, copies: Sequence[Distribution]) -> Finding:
    versions = [copy.version for copy in copies]
    places = sorted({str(copy.locate_file("")).rstrip("/") for copy in copies})
    return tell(
        "package.duplicate",
        f"{name} is installed {len(copies)} times: {', '.join(versions)}",
        detail=f"In {' and '.join(places)}; the first is taken.",
        remedy=f"pip uninstall {name}, until it is gone, then pip install {name}",
    )


def _without_repeats(copies: Iterable[Distribution]) -> list[Distribution]:
    # A folder that is on the path twice lists what is in it twice.
    kept: dict[str, Distribution] = {}
    for copy in copies:
        kept.setdefault(str(getattr(copy, "_path", id(copy))), copy)
    return list(kept.values())


def _release_of(version: str) -> int | None:
    found = _VERSION.match(version)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2])
    return minor if major else minor - _BETWEEN_TRAINS


def _is_of_the_makers(package: Distribution) -> bool:
    author = f"{_read(package, 'Author-email')} {_read(package, 'Author')}".lower()
    return any(maker in author for maker in _MAKERS)


def _read(package: Distribution, field: str) -> str:
    # Newer Pythons warn of brackets around a field that is not there; types know no other way.
    metadata: Any = package.metadata
    return str(metadata.get(field, ""))
