"""
Webhook endpoints: what verifies a delivery, and where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from linq_otel._signing_secrets import find_fault
from linq_otel.webhooks._options import WebhookSettings
from linq_otel.webhooks._signatures import TOLERANCE

from ._findings import tell
from ._variables import without_invalid


if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._findings import Finding
    from ._scene import Scene


_ENFORCE: Final = "OTEL_PYTHON_LINQ_WEBHOOK_ENFORCE"
_PATHS: Final = "OTEL_PYTHON_LINQ_WEBHOOK_PATHS"
_EXAMPLE: Final = "export LINQ_WEBHOOK_SECRET=whsec_…, the signing_secret of your subscription"
_FIT: Final = ("true", "1", "yes")


def find_of_webhooks(scene: Scene) -> Iterator[Finding]:
    """
    Yield what there is to say of verifying webhooks, and of their paths.
    """
    environ = without_invalid(scene.environ)
    is_wanted = environ.pop(_ENFORCE, "").strip().lower() in _FIT
    # What an app was given in its code wins over the environment.
    known = scene.webhooks or WebhookSettings.read({}, environ)
    is_enforced = scene.webhooks.enforce if scene.webhooks else is_wanted
    yield _judge_secrets(scene.settings.webhook_secrets, is_enforced=is_enforced)
    if known.paths:
        yield tell("webhooks.paths", f"webhooks arrive at {', '.join(known.paths)}")
    elif is_enforced:
        yield tell(
            "webhooks.enforce.idle",
            f"{_ENFORCE} needs the paths it guards",
            detail="instrument() raises ConfigurationError, and nothing is guarded.",
            remedy=f"export {_PATHS}=/webhooks/linq",
        )


def _judge_secrets(secrets: tuple[str, ...], *, is_enforced: bool) -> Finding:
    if not secrets:
        return tell(
            "webhooks.secret.missing",
            "no webhook secret: enforce refuses every webhook"
            if is_enforced
            else "no webhook secret: strangers may write into your traces",
            remedy=_EXAMPLE,
        )
    faults = [fault for secret in secrets if (fault := find_fault(secret))]
    if faults:
        return tell(
            "webhooks.secret.invalid",
            f"{len(faults)} of {len(secrets)} webhook secrets is none: {faults[0]}"
            if len(secrets) > 1
            else f"the webhook secret is none: {faults[0]}",
            detail="No signature can match it.",
            remedy=_EXAMPLE,
        )
    count = "a secret" if len(secrets) == 1 else f"{len(secrets)} secrets"
    return tell(
        "webhooks.secret",
        f"webhooks are verified with {count}; a signature may be {TOLERANCE:.0f} s old",
    )
