"""
The join mode: which trace a message's life is drawn in, and what that needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ._findings import tell


if TYPE_CHECKING:
    from ._findings import Finding
    from ._scene import Scene


_MEANS: Final = {
    "linq": "a message's life is drawn in the trace that Linq names; it needs nothing",
    "message": "a message's life is drawn in a trace made of its id; it needs nothing",
    "link": "the app's traces stay as they are, and links join them; it needs nothing",
    "app": "a message's life is drawn in the trace of the call that sent it",
}


def find_of_join(scene: Scene, *, is_shared: bool) -> Finding:
    """
    Tell whether the join mode has what it needs.
    """
    join = scene.settings.join
    has_carrier = scene.settings.carrier == "idempotency_key"
    if join != "app":
        return tell("join", f"join={join}: {_MEANS[join]}")
    if is_shared or has_carrier:
        by = "the store is shared" if is_shared else "the carrier takes it along"
        return tell("join", f"join=app: {_MEANS[join]}; {by}")
    return tell(
        "join.unshared",
        "join=app, and the store is this process's own",
        detail="Only webhooks that arrive in the process that sent the message find its trace.",
        remedy="export OTEL_PYTHON_LINQ_STORE=redis://…, or OTEL_PYTHON_LINQ_CARRIER="
        "idempotency_key",
    )
