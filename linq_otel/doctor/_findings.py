"""
One finding: what was seen, how bad it is, and what to type.

A finding is told by its code alone; how bad a code is stands in the table, so
that a script that looks for one is not surprised.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ._codes import CODES


if TYPE_CHECKING:
    from ._codes import Severity


__all__ = ["Finding", "tell"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    No text of it holds a secret, a phone number or a message.

    Attributes:
        code: What kind of finding it is, a key of :data:`linq_otel.doctor.CODES`.
        severity: ``ok``, ``note``, ``warning`` or ``problem``.
        title: What was seen, in one line.
        detail: Why that matters, or more of it; may be empty.
        remedy: What to type; empty if nothing is to be done.
    """

    code: str
    severity: Severity
    title: str
    detail: str = ""
    remedy: str = ""

    @property
    def area(self) -> str:
        """
        The part of the set-up it is about, the heading it stands under.
        """
        return CODES[self.code].area

    def to_document(self) -> dict[str, Any]:
        """
        Write it as JSON has it.
        """
        return asdict(self)


def tell(code: str, title: str, *, detail: str = "", remedy: str = "") -> Finding:
    """
    Make a finding, as bad as its code is.
    """
    return Finding(code, CODES[code].severity, title, detail, remedy)
