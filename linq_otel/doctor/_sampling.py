"""
The sampler: which traces are recorded, and whether sender and receiver can agree on it.

A message's life is drawn whole or not at all if every process asks a sampler
that answers alike. With different ratios it is torn: the sender's part is
there and the receiver's is not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ._findings import tell
from ._objects import entry_points
from ._scene import is_of_sdk


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._findings import Finding
    from ._scene import Scene


_NAME: Final = "OTEL_TRACES_SAMPLER"
_ARGUMENT: Final = "OTEL_TRACES_SAMPLER_ARG"
# What the samplers of the SDK say of themselves, the newest included.
_RATIO: Final = re.compile(r"(?:TraceIdRatioBased\{|ratio=)([0-9.eE-]+)")
_OFF: Final = re.compile(r"(?:ParentBased\{root:)?(?:Composable)?AlwaysOff")
_ON: Final = re.compile(r"(?:ParentBased\{root:)?(?:Composable)?AlwaysOn")
_RATIOS: Final = ("traceidratio", "parentbased_traceidratio")
# Specification, "General SDK configuration"; the default is the third.
_SAMPLERS: Final = {
    "always_on": "AlwaysOn",
    "always_off": "AlwaysOff",
    "parentbased_always_on": "ParentBased{root:AlwaysOn",
    "parentbased_always_off": "ParentBased{root:AlwaysOff",
}
_TEARS: Final = (
    "Sender and receiver must sample alike, or lives are torn: "
    "the same ratio in every process, or all of it here and a tail sampler behind."
)


def find_of_sampler(scene: Scene) -> Iterator[Finding]:
    """
    Yield what there is to say of the sampler, the provider's or the environment's.
    """
    yield from _find_invalid(scene.environ)
    if scene.is_sdk and scene.has_provider:
        yield _judge_provider(scene.provider, "the provider's sampler")
        other = scene.other_provider
        if other is not None and is_of_sdk(other):
            yield _judge_provider(other, "the global provider's sampler")
    elif not scene.is_live and scene.environ.get(_NAME, "").strip():
        description = _describe(scene.environ)
        if description:
            yield _judge(description, _NAME)


def _judge_provider(provider: Any, whose: str) -> Finding:
    return _judge(str(provider.sampler.get_description()), whose)


def _describe(environ: Mapping[str, str]) -> str:
    word = environ[_NAME].strip().lower()
    if word in _RATIOS:
        ratio = _parse_ratio(environ.get(_ARGUMENT, ""))
        return f"TraceIdRatioBased{{{1.0 if ratio is None else ratio}}}"
    return _SAMPLERS.get(word, "")


def _judge(description: str, whose: str) -> Finding:
    found = _RATIO.search(description)
    ratio = float(found[1]) if found else None
    if _OFF.match(description) or ratio == 0:
        return tell(
            "otel.sampler.off",
            f"{whose} records no trace",
            remedy=f"export {_NAME}=parentbased_always_on",
        )
    if ratio is not None and ratio < 1:
        return tell(
            "otel.sampler.ratio",
            f"{whose} records {ratio:.4g} of all traces",
            detail=_TEARS,
            remedy=f"export {_NAME}=parentbased_always_on, or the same {_NAME} and "
            f"{_ARGUMENT}={ratio:.4g} where webhooks arrive",
        )
    if ratio is not None or _ON.match(description):
        return tell("otel.sampler", f"{whose} records every trace")
    return tell(
        "otel.sampler.custom",
        f"{whose} is the app's own",
        detail="It is asked for each message's trace id as a root, and must answer alike "
        "in every process.",
    )


def _find_invalid(environ: Mapping[str, str]) -> Iterator[Finding]:
    word = environ.get(_NAME, "").strip().lower()
    known = (*_SAMPLERS, *_RATIOS)
    own = {entry.name for entry in entry_points("opentelemetry_traces_sampler")}
    if word and word not in known and word not in own:
        yield tell(
            "otel.sampler.invalid",
            f"{_NAME} names no sampler",
            detail="The SDK takes parentbased_always_on instead.",
            remedy=f"export {_NAME}= one of {', '.join(known)}",
        )
    if word in _RATIOS and _parse_ratio(environ.get(_ARGUMENT, "")) is None:
        yield tell(
            "otel.sampler.invalid",
            f"{_ARGUMENT} must be a number from 0 to 1",
            detail="The SDK records everything instead, or does not start.",
            remedy=f"export {_ARGUMENT}=0.1",
        )


def _parse_ratio(text: str) -> float | None:
    try:
        ratio = float(text)
    except ValueError:
        return None
    return ratio if 0 <= ratio <= 1 else None
