"""
Which deliveries are let in: small enough, signed by Linq, and events at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from linq_otel._events import Event, parse_event
from linq_otel._shield import report
from linq_otel._signing_secrets import SECRET_VARIABLE
from linq_otel.errors import ConfigurationError, MalformedEventError, SignatureError

from ._signatures import LinqHeaders, Verifier


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._signatures import Headers

    Body = bytes | bytearray | memoryview | str | Mapping[str, Any]
    Raw = bytes | str | Mapping[str, Any]


class Gate:
    """
    Verifies and reads deliveries.

    Args:
        secrets: The secrets to check with; those in force else.
        get_secrets: Returns the secrets in force.
        tolerance: Seconds a timestamp may be off.
        clock: Seconds since the epoch.
        max_body: Bytes above which a body is refused.
        enforce: True refuses all deliveries where there is no secret to check them with.

    Raises:
        ConfigurationError: If one of *secrets* is no signing secret.
    """

    def __init__(  # noqa: PLR0913  # Keywords, as the receiver has them.
        self,
        secrets: Sequence[str] | None,
        get_secrets: Callable[[], tuple[str, ...]],
        *,
        tolerance: float,
        clock: Callable[[], float],
        max_body: int,
        enforce: bool = False,
    ) -> None:
        self._tolerance = tolerance
        self._clock = clock
        self._max_body = max_body
        self._get_secrets = get_secrets
        self._enforce = enforce
        self._given = (
            None if secrets is None else Verifier(secrets, tolerance, clock=clock, name="secret")
        )
        self._in_force: tuple[tuple[str, ...], Verifier | None] | None = None

    def admit(self, headers: Headers | None, body: Body, verified: bool | None) -> Event:  # noqa: FBT001  # As the receiver's keyword.
        """
        Verify and read one delivery.

        Raises:
            SignatureError: If a secret is set and no signature is good.
            MalformedEventError: If the body is too long, or no Linq event.
        """
        kept = LinqHeaders.of(headers)
        raw = self._bounded(body)
        if verified is None:
            verified = self._verify(kept, raw)
        if verified is False:
            raise SignatureError("signature", "the caller found the signature to be bad")
        return parse_event(
            raw,
            subscription_id=kept.get("x-webhook-subscription-id"),
            verified=verified,
            signed_at=kept.signed_at,
        )

    def peek(self, body: Body) -> Event | None:
        """
        Read a delivery that did not verify, for its type alone; None if it cannot be read.
        """
        try:
            return parse_event(self._bounded(body), verified=False)
        except MalformedEventError:
            return None

    def _verify(self, headers: LinqHeaders, raw: Raw) -> bool | None:
        verifier = self._given or self._find_verifier()
        if verifier is None:
            return None
        if isinstance(raw, str):
            # Text that came from no bytes at all must still be refused, not raise.
            raw = raw.encode(errors="surrogatepass")
        elif not isinstance(raw, bytes):
            raise SignatureError("parsed", "a parsed body cannot be verified; pass the bytes")
        verifier.verify(headers, raw)
        return True

    def _bounded(self, body: Body) -> Raw:
        if not isinstance(body, (bytes, str)):
            if isinstance(body, Mapping):
                return body
            body = _copied(body)
        if len(body) > self._max_body:
            raise MalformedEventError("size", f"the body is longer than {self._max_body} bytes")
        return body

    def _find_verifier(self) -> Verifier | None:
        secrets = self._get_secrets()
        if self._in_force is None or self._in_force[0] is not secrets:
            self._in_force = (secrets, self._build_verifier(secrets))
        return self._in_force[1]

    def _build_verifier(self, secrets: tuple[str, ...]) -> Verifier | None:
        if not secrets and not self._enforce:
            report("webhook: no secret", "no webhook secret is set: deliveries join unverified")
            return None
        try:
            return Verifier(secrets, self._tolerance, clock=self._clock, name=SECRET_VARIABLE)
        except ConfigurationError as error:
            # With a secret nobody can use, no delivery can be trusted.
            report("webhook: bad secret", f"{error}; no webhook will be joined")
            return Verifier((), self._tolerance, clock=self._clock)


def _copied(body: object) -> bytes:
    # A caller without a type checker may hand in anything.
    if isinstance(body, (bytearray, memoryview)):
        return bytes(cast("bytearray", body))
    raise MalformedEventError("type", "the body is neither bytes, text nor an object")
