"""
All the checks of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.app_checks import check_apps
from chaos.findings import Findings
from chaos.life_checks import check_lives
from chaos.span_checks import check_spans
from chaos.store_checks import check_store


if TYPE_CHECKING:
    from chaos.case import Case


def check(case: Case) -> Findings:
    """
    Hold a run to all that is promised.
    """
    findings = Findings()
    check_apps(case, findings)
    if case.evidence.settings.traced:
        check_lives(case, findings)
        check_spans(case, findings)
        check_store(case, findings)
    return findings
