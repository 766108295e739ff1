# ruff: noqa: INP001  # A part of scripts.
"""
Plays an agent's turn with the very program of ``examples/``.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import trace
from recordings import record
from stage import find_free_port, provide, serve

from linq_otel.testing import LinqSimulator, Scenario, Step


if TYPE_CHECKING:
    from recordings import Recording


AGENT = "agent-turn"
_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_EVENTS = ("message.received", "message.sent", "message.delivered", "message.read")
_STEPS = (Step("message.sent", 0.7), Step("message.delivered", 1.6), Step("message.read", 5.5))
_END_SECONDS = 30.0


def play_turn() -> Recording:
    """
    Have somebody ask, and return the spans up to the answer's being read.
    """
    agent = provide("agent")
    trace.set_tracer_provider(agent.provider)
    port = find_free_port()
    with LinqSimulator(seed=7, scenario=Scenario(steps=_STEPS)) as linq:
        subscription = linq.subscribe(f"http://127.0.0.1:{port}/webhooks/linq", _EVENTS)
        os.environ |= {
            "LINQ_API_V3_API_KEY": linq.api_key,
            "LINQ_API_V3_BASE_URL": linq.base_url,
            "LINQ_WEBHOOK_SECRET": subscription.signing_secret,
            "OTEL_TRACES_EXPORTER": "none",  # The provider above keeps them.
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        }
        sys.path.append(str(_EXAMPLES))
        with serve(import_module("agent_turn").app, port):
            linq.receive("Where is my order?")
            linq.wait_until_idle(_END_SECONDS)
    return record(agent.exporter.get_finished_spans())
