"""
One examination: everything that is looked at, and everybody who is asked.

Whoever is asked may not answer, so all are asked side by side, each for a
bounded time; what did not come back is a finding too.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from linq_otel.export._waiting import call_side_by_side

from ._clocks import ask_clock, choose_clock
from ._codes import CODES
from ._exports import ask_exports, read_exports
from ._findings import tell
from ._joins import find_of_join
from ._neighbours import find_of_clients, find_of_frameworks, find_uncovered
from ._packages import find_of_packages, find_packages
from ._privacy import find_of_privacy
from ._propagation import find_of_propagators
from ._providers import find_of_provider
from ._sampling import find_of_sampler
from ._sdk import find_of_sdk
from ._store_refusals import is_shared
from ._stores import ask_store
from ._variables import find_in_environment
from ._webhooks import find_of_webhooks


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from ._exports import Exports
    from ._findings import Finding
    from ._scene import Scene


# What a store is asked for afterwards: to delete what was written.
_TIDY_SECONDS: Final = 1.5
_ORDER: Final = {code: number for number, code in enumerate(CODES)}


def find_all(scene: Scene) -> list[Finding]:
    """
    Return everything there is to say of *scene*, in the order of the table of codes.
    """
    packages = find_packages()
    exports = read_exports(scene, packages)
    found = [*_look(scene, exports, packages), *_ask(scene, exports)]
    return sorted(found, key=lambda finding: _ORDER[finding.code])


def _look(
    scene: Scene, exports: Exports, packages: Mapping[str, Sequence[Distribution]]
) -> Iterator[Finding]:
    yield from find_of_provider(scene)
    yield from find_of_sampler(scene)
    yield from find_of_packages(packages)
    yield from find_of_propagators()
    yield from exports.findings
    yield from find_in_environment(scene.environ)
    yield from find_of_sdk(scene, packages)
    yield from find_of_clients(scene, packages)
    yield from find_uncovered(packages)
    yield from find_of_frameworks(scene, packages)
    yield from find_of_webhooks(scene)
    yield find_of_join(scene, is_shared=is_shared(scene.settings.store))
    yield from find_of_privacy(scene)


def _ask(scene: Scene, exports: Exports) -> list[Finding]:
    seconds = scene.seconds
    clock_url = choose_clock(scene.clock_url, exports.targets)
    asks: dict[str, Callable[[], list[Finding]]] = {
        "export": partial(ask_exports, exports, seconds),
        "clock": partial(ask_clock, clock_url, seconds),
        "store": partial(ask_store, scene.settings.store, scene.settings.store_timeout),
    }
    calls = [partial(_ask_one, name, ask) for name, ask in asks.items()]
    answers = dict(call_side_by_side(calls, seconds + _TIDY_SECONDS))
    return [
        finding for name in asks for finding in answers.get(name, [_SILENCE[name](scene.seconds)])
    ]


def _ask_one(name: str, ask: Callable[[], list[Finding]]) -> tuple[str, list[Finding]]:
    return name, ask()


_SILENCE: Final[dict[str, Callable[[float], Finding]]] = {
    "export": lambda seconds: tell(
        "export.failed",
        f"an endpoint did not answer within {seconds:.0f} s",
        remedy="see whether a firewall or a name server is in between",
    ),
    "clock": lambda seconds: tell(
        "clock.unknown",
        f"nobody told the time within {seconds:.0f} s",
        remedy="linq-otel doctor --clock with another URL",
    ),
    "store": lambda seconds: tell(
        "store.unreachable",
        f"the store did not answer within {seconds + _TIDY_SECONDS:.1f} s",
        remedy="see whether it is overloaded, locked or cut off",
    ),
}
