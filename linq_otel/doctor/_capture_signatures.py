"""
Whether recorded webhooks verify, each at the time it was signed for.

A recording is days old, so the time is checked apart from the signature: what
was refused for its age alone had arrived too late, and nothing is forged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linq_otel.errors import ConfigurationError, SignatureError
from linq_otel.webhooks._signatures import TOLERANCE, Verifier

from ._findings import tell
from ._words import number


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._findings import Finding
    from ._samples import Delivery


def find_of_signatures(
    deliveries: Sequence[Delivery], secrets: tuple[str, ...]
) -> Iterator[Finding]:
    """
    Yield what there is to say of the signatures and of their age.
    """
    signed = [d for d in deliveries if d.body is not None and _is_signed(d)]
    if not signed or not secrets:
        yield _tell_unchecked(deliveries, has_signed=bool(signed))
    else:
        yield _judge(signed, secrets, len(deliveries))
    late = [delay for d in deliveries if abs(delay := find_delay(d) or 0.0) > TOLERANCE]
    if late:
        worst = max(late, key=abs)
        how = f"{abs(worst):.0f} s {'after' if worst > 0 else 'before'} it was signed"
        yield tell(
            "capture.late",
            f"{len(late)} of {number(len(deliveries), 'webhook')} came too late or too early, "
            f"one {how}",
            detail=f"A signature is good for {TOLERANCE:.0f} s: they are refused.",
            remedy="linq-otel doctor --clock https://api.linqapp.com, and see whether a queue "
            "stands before the endpoint",
        )


def find_delay(delivery: Delivery) -> float | None:
    """
    Answer how many seconds after its signing a webhook arrived, if both are known.
    """
    signed_at = delivery.headers.signed_at
    if signed_at is None or delivery.received_at is None:
        return None
    return delivery.received_at - signed_at / 1_000_000_000


def is_verified(delivery: Delivery, secrets: tuple[str, ...]) -> bool:
    """
    True if one of *secrets* has signed *delivery*, whenever that was.

    Raises:
        ConfigurationError: If one of *secrets* is no signing secret.
    """
    signed_at = (delivery.headers.signed_at or 0) / 1_000_000_000
    verifier = Verifier(secrets, clock=lambda: signed_at)
    try:
        verifier.verify(delivery.headers, delivery.body or b"")
    except SignatureError:
        return False
    return True


def _judge(signed: Sequence[Delivery], secrets: tuple[str, ...], count: int) -> Finding:
    try:
        bad = [delivery for delivery in signed if not is_verified(delivery, secrets)]
    except ConfigurationError as error:
        return tell(
            "capture.signatures.none",
            f"signatures could not be checked: {error}",
            remedy="export LINQ_WEBHOOK_SECRET=whsec_…",
        )
    if bad:
        return tell(
            "capture.signatures.bad",
            f"{len(bad)} of {number(len(signed), 'signature')} without a match, the first in "
            f"{bad[0].place}",
            detail="Another subscription's secret, or a body that was changed on its way: "
            "parsed and written anew by a proxy, say.",
            remedy="export LINQ_WEBHOOK_SECRET=whsec_…, several with spaces between them",
        )
    unsigned = f"; {count - len(signed)} could not be checked" if count > len(signed) else ""
    return tell("capture.signatures", f"all signatures match: {len(signed)}{unsigned}")


def _tell_unchecked(deliveries: Sequence[Delivery], *, has_signed: bool) -> Finding:
    if has_signed:
        return tell(
            "capture.signatures.none",
            "signatures were not checked: no secret is known",
            remedy="export LINQ_WEBHOOK_SECRET=whsec_…",
        )
    has_headers = any(_is_signed(delivery) for delivery in deliveries)
    why = "bodies were parsed and written anew" if has_headers else "no signature was recorded"
    return tell(
        "capture.signatures.none",
        f"signatures cannot be checked: {why}",
        remedy="linq-otel doctor --listen records webhooks with all that is needed",
    )


def _is_signed(delivery: Delivery) -> bool:
    return bool({"webhook-signature", "x-webhook-signature"} & delivery.headers.keys())
