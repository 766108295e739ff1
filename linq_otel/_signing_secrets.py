"""
What a signing secret of a webhook subscription is: ``whsec_``, and 16 bytes or more in base64.

The one rule for options, variables, the verifier and the doctor. What is not a
secret would still be a key: ``b64decode`` passes over what is not base64, so
that a stranger could sign with ``changeme``.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from .errors import ConfigurationError


if TYPE_CHECKING:
    from collections.abc import Sequence


SECRET_VARIABLE: Final = "LINQ_WEBHOOK_SECRET"  # noqa: S105  # Its name; the SDK reads the same.
"""Where the environment has the secret."""

_PREFIX: Final = "whsec_"
# Linq's have 24 bytes, the least that Standard Webhooks asks of senders.
_LEAST_BYTES: Final = 16
# Some write `v1,whsec_…`, the scheme before the secret: its comma separates no two secrets.
_SCHEME: Final = re.compile(r"(?<![^\s,])v1,(?=whsec_)")


def split_secrets(texts: str | Sequence[str]) -> tuple[str, ...]:
    """
    Split *texts* into secrets, as they are: commas and white space separate them.
    """
    one = texts if isinstance(texts, str) else " ".join(texts)
    return tuple(_SCHEME.sub("", one).replace(",", " ").split())


def read_secrets(texts: str | Sequence[str], name: str) -> tuple[str, ...]:
    """
    Split *texts* into secrets and check each; none is left of an empty text.

    Args:
        texts: One text, or several.
        name: The option or variable they come from, for the error.

    Raises:
        ConfigurationError: If one is no signing secret; the text holds nothing of it.
    """
    secrets = split_secrets(texts)
    for fault in filter(None, map(find_fault, secrets)):
        raise ConfigurationError(f"{name} must be 'whsec_' and base64: {fault}")
    return secrets


def decode_secret(secret: str) -> bytes:
    """
    Return the key of a checked *secret*.
    """
    text = secret.removeprefix(_PREFIX)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def find_fault(secret: str) -> str:
    """
    Return what is wrong with *secret*, without a letter of it; empty if nothing is.
    """
    if not secret.startswith(_PREFIX):
        return "it does not begin with whsec_"
    try:
        key = decode_secret(secret)
    except ValueError:
        return "it is not base64 behind whsec_"
    return "" if len(key) >= _LEAST_BYTES else "it is too short to be whole"
