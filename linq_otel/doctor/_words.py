"""
Numbers with their nouns.
"""

from __future__ import annotations


def number(count: int, noun: str) -> str:
    """
    Write ``1 webhook`` or ``2 webhooks``.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
