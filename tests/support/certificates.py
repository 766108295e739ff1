"""
Certificates for servers on 127.0.0.1, made when a test wants them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """
    A certificate that vouches for itself, and its key, as PEM files.
    """

    path: Path
    key_path: Path


def make_certificate(folder: Path, *, names: str = "IP:127.0.0.1,DNS:localhost") -> Certificate:
    """
    Make one with ``openssl`` that is valid today, for *names*.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "server.crt", folder / "server.key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *(
                "-addext",
                f"subjectAltName={names}",
                "-addext",
                "keyUsage=digitalSignature,keyCertSign",
            ),
            *("-keyout", str(made.key_path), "-out", str(made.path)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    # Databases refuse a key that others may read.
    made.key_path.chmod(0o600)
    return made
