"""
What an error of a connection means for who typed its address.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from ._answers import Fault


def find_fault(error: object) -> tuple[Fault, str]:
    """
    Answer what kind of fault *error* is, and its type's name for a proof.
    """
    return _judge(error), type(error).__name__


def _judge(error: object) -> Fault:
    return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), "other")


# The first that fits counts.
_FAULTS: Final[tuple[tuple[type[Exception], Fault], ...]] = (
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "host"),
    (ConnectionRefusedError, "closed"),
    (TimeoutError, "time"),
    # A server of gRPC says goodbye to HTTP/1 in a language it does not know.
    (HTTPException, "protocol"),
    (ConnectionError, "protocol"),
    (OSError, "closed"),
)
