"""
Linq's SDK: whether it is installed, is what ``import linq`` finds, and is patched.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from linq_otel._operations import OPERATIONS, operation_of

from ._findings import tell
from ._neighbours import COVERED
from ._scene import DISABLED_INSTRUMENTATIONS
from ._sdk_files import find_missing, find_requests, list_seams


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.metadata import Distribution

    from ._findings import Finding
    from ._scene import Scene


_SDK: Final = "linq-python"
_OLDEST: Final = (0, 20)
_INSTALL: Final = "pip install 'linq-python[webhooks]'"
_MOST_NAMED: Final = 3
API_KEY: Final = "LINQ_API_V3_API_KEY"
"""The variable that the SDK reads its key from."""


def find_of_sdk(scene: Scene, packages: Mapping[str, Sequence[Distribution]]) -> Iterator[Finding]:
    """
    Yield what there is to say of the SDK.
    """
    copies = packages.get(_SDK, ())
    others = sorted(name for name in packages if _provides_linq(name, packages[name][0]))
    if not copies:
        also = f" (`import linq` is {others[0]} here)" if others else ""
        yield tell(
            "linq.sdk.missing",
            f"{_SDK} is not installed{also}",
            detail=f"Calls by bare HTTP are traced: {COVERED}.",
            remedy=_INSTALL,
        )
    else:
        yield from _find_of_release(scene, copies[0])
        yield from _find_intruder(copies[0], others)
    if copies:
        yield _judge_key(scene)
    if scene.is_live and not scene.is_tracing:
        yield tell(
            "linq.uninstrumented",
            "this process does not trace its calls: instrument() was not called"
            if scene.has_code
            else "this process does not trace its calls: opentelemetry-instrument left linq out",
            remedy="from linq_otel import instrument; instrument()"
            if scene.has_code
            else f"take linq out of {DISABLED_INSTRUMENTATIONS}, or read what its log says of linq",
        )


def _judge_key(scene: Scene) -> Finding:
    if scene.environ.get(API_KEY, "").strip():
        return tell("linq.key", f"{API_KEY} is set (not shown)")
    return tell(
        "linq.key.unset",
        f"{API_KEY} is not set",
        detail="The client of linq-python cannot be made, unless its code passes api_key=.",
        remedy=f"export {API_KEY}=…",
    )


def _find_of_release(scene: Scene, sdk: Distribution) -> Iterator[Finding]:
    if _parse(sdk.version) < _OLDEST:
        yield tell(
            "linq.sdk.old",
            f"{_SDK} {sdk.version} is older than 0.20, the oldest that is tested",
            remedy=f"pip install -U {_SDK}",
        )
    else:
        yield tell("linq.sdk", f"{_SDK} {sdk.version}")
    yield _judge_seams(scene, sdk)
    yield _judge_operations(sdk)


def _judge_seams(scene: Scene, sdk: Distribution) -> Finding:
    seams = list_seams()
    missing = find_missing(sdk)
    if scene.is_tracing:
        missing = [seam for seam in seams if not _is_patched(*seam)]
    if missing:
        named = ", ".join(f"{owner}.{name}" for _, owner, name in missing[:_MOST_NAMED])
        verb = "not patched" if scene.is_tracing else "not in this release"
        return tell(
            "linq.seams.missing",
            f"{len(missing)} of {len(seams)} methods are {verb}: {named}",
            detail="Each that is missing costs a detail of its calls, and never a call.",
            remedy="pip install -U linq-otel linq-python",
        )
    verb = "are patched" if scene.is_tracing else "to patch are there"
    return tell("linq.seams", f"all {len(seams)} methods {verb}")


def _is_patched(module: str, owner: str, name: str) -> bool:
    # What the app has not imported it does not call.
    loaded: Any = sys.modules.get(module)
    if loaded is None:
        return True
    return hasattr(vars(getattr(loaded, owner, object)).get(name), "__wrapped__")


def _judge_operations(sdk: Distribution) -> Finding:
    requests = find_requests(sdk)
    unknown = sorted(r for r in requests if not operation_of(*r).known)
    if unknown:
        named = ", ".join(f"{method} {path}" for method, path in unknown[:_MOST_NAMED])
        return tell(
            "linq.operations.unknown",
            f"{len(unknown)} of {len(requests)} operations have no name of their own: {named}",
            detail="Their spans are named by method and path.",
            remedy="pip install -U linq-otel",
        )
    count = len(requests) or len(OPERATIONS)
    return tell("linq.operations", f"all {count} operations have names")


def _find_intruder(sdk: Distribution, others: Sequence[str]) -> Iterator[Finding]:
    if others:
        yield _tell_intruder(
            f"{others[0]} as well",
            f"pip uninstall {others[0]}; pip install --force-reinstall {_SDK}",
        )
        return
    expected = Path(str(sdk.locate_file("linq/__init__.py")))
    spec = PathFinder.find_spec("linq")
    origin = spec.origin if spec is not None else None
    # An editable installation is elsewhere, and as good.
    if origin and expected.exists() and Path(origin).resolve() != expected.resolve():
        yield _tell_intruder(f"{origin}, not {_SDK}", "rename your own module `linq`")


def _tell_intruder(who: str, remedy: str) -> Finding:
    return tell(
        "linq.other-package",
        f"`import linq` finds {who}",
        detail="Whatever is first on the path, or was written last, is what an app gets.",
        remedy=remedy,
    )


def _provides_linq(name: str, package: Distribution) -> bool:
    if name in {_SDK, "linq-otel"}:
        return False
    top = package.read_text("top_level.txt")
    if top is not None:
        return "linq" in top.split()
    # As text: to read the lists of all packages properly takes a second.
    record = f"\n{package.read_text('RECORD') or ''}"
    return "\nlinq/__init__.py," in record or "\nlinq.py," in record


def _parse(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdecimal())
