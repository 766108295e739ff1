"""
The packages that are installed: whether they belong together, and whether one is there twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any, Final

# A requirement of opentelemetry-instrumentation, which is one of this package.
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ._findings import tell


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from ._findings import Finding


_OLDEST: Final = (1, 30)
_PREFIX: Final = "opentelemetry"
_NAME: Final = re.compile(r"^Name:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_MOST_NAMED: Final = 3
_CORE: Final = ("opentelemetry-api", "opentelemetry-sdk")
_ONCE: Final = ("linq-python", "linq-otel", "opentelemetry-api", "opentelemetry-sdk")


def find_packages() -> Mapping[str, Sequence[Distribution]]:
    """
    Return everything that is installed, by its name; one that is there twice has two.
    """
    found: defaultdict[str, list[Distribution]] = defaultdict(list)
    for each in distributions():
        name = _find_name(each)
        if name:
            found[canonicalize_name(name)].append(each)
    return {name: _without_repeats(copies) for name, copies in found.items()}


def find_of_packages(packages: Mapping[str, Sequence[Distribution]]) -> Iterator[Finding]:
    """
    Yield what there is to say of the packages of OpenTelemetry, and of those that are there twice.
    """
    yield _judge(packages)
    for name in _ONCE:
        copies = packages.get(name, ())
        if len(copies) > 1:
            yield _tell_duplicate(name, copies)


@dataclass(frozen=True, slots=True)
class _Broken:
    """A requirement that what is installed does not meet."""

    requirer: str
    requirement: Requirement
    installed: str

    def __str__(self) -> str:
        found = f"{self.installed} is installed" if self.installed else "it is not installed"
        # Without its marker: it holds here.
        return f"{self.requirer} requires {self.name}{self.requirement.specifier}, and {found}"

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)


def _judge(packages: Mapping[str, Sequence[Distribution]]) -> Finding:
    versions = {name: packages[name][0].version for name in _CORE if name in packages}
    for name, version in versions.items():
        if _release_of(version) < _OLDEST:
            return tell(
                "otel.versions.old",
                f"{name} is of release {version}; {'.'.join(map(str, _OLDEST))} is the oldest "
                "that works",
                remedy="pip install -U opentelemetry-sdk opentelemetry-exporter-otlp",
            )
    broken = sorted(_find_broken(packages), key=str)
    if broken:
        more = f"; {len(broken) - _MOST_NAMED} more" if len(broken) > _MOST_NAMED else ""
        names = {name for each in broken for name in (each.requirer.split()[0], each.name)}
        return tell(
            "otel.versions.mismatch",
            f"{'; '.join(map(str, broken[:_MOST_NAMED]))}{more}",
            detail="Packages of different releases break each other's private parts; pip check "
            "lists them too.",
            remedy=f"pip install -U {' '.join(sorted(names))}",
        )
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return tell(
        "otel.versions", f"the packages of OpenTelemetry have what each requires: {named or 'none'}"
    )


def _find_broken(packages: Mapping[str, Sequence[Distribution]]) -> Iterator[_Broken]:
    # By what each package itself requires, as pip check does: many have a release train of their
    # own, so version numbers say nothing.
    versions: dict[str, str] = {}
    for name, (first, *_) in packages.items():
        for requirement in _list_requirements(first):
            required = canonicalize_name(requirement.name)
            if required not in versions:
                copies = packages.get(required)
                versions[required] = copies[0].version if copies else ""
            installed = versions[required]
            if not installed or not requirement.specifier.contains(installed, prereleases=True):
                yield _Broken(f"{name} {first.version}", requirement, installed)


def _list_requirements(package: Distribution) -> Iterator[Requirement]:
    # As text first: to parse the metadata of every package takes a fifth of a second.
    text = package.read_text("METADATA")
    if text is not None and f"Requires-Dist: {_PREFIX}" not in text:
        return
    for line in package.requires or ():
        if not line.startswith(_PREFIX):
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


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


def _release_of(version: str) -> tuple[int, ...]:
    try:
        return Version(version).release
    except InvalidVersion:
        return _OLDEST


def _find_name(package: Distribution) -> str:
    # As text first, as above.
    found = _NAME.search(package.read_text("METADATA") or "")
    if found is not None:
        return found[1]
    # Newer Pythons warn of brackets around a field that is not there; types know no other way.
    metadata: Any = package.metadata
    return str(metadata.get("Name", ""))
