"""
The same across real processes: what arrived at an OTLP receiver nobody here wrote.

The receiver of webhooks is the program of ``examples/``, and each process is given its sampler by
OpenTelemetry's own variables alone.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from linq_otel.testing import LinqSimulator
from support.fleets import (
    ABSENT,
    DRAWN,
    HANDLERS,
    OF_RECEIVER,
    OF_SENDER,
    STAGES,
    WHOLE,
    torn,
)
from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import EXAMPLES, open_program
from support.samplers import takes_low
from support.webhook_desk import digest


if TYPE_CHECKING:
    from support.otlp_route import OtlpRoute
    from support.otlp_spans import ReceivedSpan


COUNT: Final = 80
SENDER: Final = str(Path(__file__).with_name("sender.py"))


def sampler(name: str, ratio: float | None = None) -> dict[str, str]:
    """
    Return the variables that set a process's sampler.
    """
    argument = {} if ratio is None else {"OTEL_TRACES_SAMPLER_ARG": str(ratio)}
    return {"OTEL_TRACES_SAMPLER": name, **argument}


def play(
    route: OtlpRoute,
    folder: Path,
    of_sender: dict[str, str],
    of_receiver: dict[str, str],
    *,
    has_store: bool,
) -> dict[str, str]:
    """
    Run a sender and a receiver, and return the Linq trace id of each message sent.
    """
    (port,) = find_free_ports(1)
    store = {"OTEL_PYTHON_LINQ_STORE": f"sqlite:///{folder / 'linq.db'}"} if has_store else {}
    # No faster: with a store, a webhook that overtakes its answer would wait for it.
    with LinqSimulator(seed=7, scenario="read", speed=30, api_key="local") as linq:
        url = f"http://{LOOPBACK}:{port}/webhooks/linq"
        subscription = linq.subscribe(url, tuple(f"message.{stage}" for stage in STAGES))
        shared = {**store, **route.environment(), "LINQ_API_V3_API_KEY": "local"}
        where = {"PORT": str(port), "LINQ_WEBHOOK_SECRET": subscription.signing_secret}
        app = [str(EXAMPLES / "fastapi_app.py")]
        account = {"LINQ_API_V3_BASE_URL": linq.base_url}
        with open_program("receiver", app, {**shared, **where, **of_receiver}, folder) as receiver:
            receiver.wait_until(lambda: is_open(LOOPBACK, port), "open port")
            command = [SENDER, str(COUNT)]
            with open_program("sender", command, {**shared, **account, **of_sender}, folder) as app:
                assert app.wait() == 0, app.complaints
                sent = dict(line.split() for line in app.lines)
            receiver.wait_for_lines(len(STAGES) * COUNT)
            receiver.stop()
    # Nine of these ids a tenth takes: what is asserted of them is not empty.
    low = [each for each in sent.values() if takes_low(0.1, int(each, 16))]
    assert (len(sent), len(low)) == (COUNT, 9)
    return sent


def judge(route: OtlpRoute, sent: dict[str, str]) -> dict[str, str]:
    """
    Return the verdict on the life of each message, from what arrived in its trace.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for span in route.spans(at_least=0):
        if span.name in DRAWN:
            assert is_in_place(span)
            names[str(span.attributes["linq.message.id"])].append(span.name)
    return {message_id: _verdict(names[message_id]) for message_id in sent}


def _verdict(names: list[str]) -> str:
    if not names:
        return ABSENT
    return WHOLE if sorted(names) == sorted(DRAWN) else torn(*names)


def is_in_place(span: ReceivedSpan) -> bool:
    """
    Tell whether a span of a life is in the trace its message names, under its anchor.
    """
    linq_trace_id = span.attributes["linq.trace_id"]
    anchor = digest("anchor", linq_trace_id)
    own, parent = (anchor, None) if span.name == "linq message" else (span.span_id, anchor)
    return (span.otel_trace_id, span.span_id, span.parent_span_id) == (linq_trace_id, own, parent)


PARENT_BASED = "parentbased_traceidratio"
NO_SENDER, NO_RECEIVER = torn(*OF_RECEIVER, *HANDLERS), torn(*OF_SENDER)


@pytest.mark.slow
class TestProcesses:
    def test_equal_ratios(self, otlp_route: OtlpRoute, tmp_path: Path) -> None:
        """With no store between them, two processes of one ratio draw the same lives whole."""
        tenth = sampler(PARENT_BASED, 0.1)
        sent = play(otlp_route, tmp_path, tenth, tenth, has_store=False)
        assert judge(otlp_route, sent) == {
            message_id: WHOLE if takes_low(0.1, int(linq_trace_id, 16)) else ABSENT
            for message_id, linq_trace_id in sent.items()
        }

    @pytest.mark.parametrize(
        "of_receiver", [sampler(PARENT_BASED, 0.01), sampler("always_on")], ids=["few", "all"]
    )
    def test_store(
        self, otlp_route: OtlpRoute, tmp_path: Path, of_receiver: dict[str, str]
    ) -> None:
        """With a store the sender's ratio is everybody's."""
        tenth = sampler(PARENT_BASED, 0.1)
        sent = play(otlp_route, tmp_path, tenth, of_receiver, has_store=True)
        assert judge(otlp_route, sent) == {
            message_id: WHOLE if takes_low(0.1, int(linq_trace_id, 16)) else ABSENT
            for message_id, linq_trace_id in sent.items()
        }

    @pytest.mark.parametrize(("ratio", "other"), [(1.0, 0.1), (0.1, 1.0)])
    def test_different_ratios(
        self, otlp_route: OtlpRoute, tmp_path: Path, ratio: float, other: float
    ) -> None:
        """With neither, the lives between the two ratios are torn, and no others."""
        settings = (sampler(PARENT_BASED, each) for each in (ratio, other))
        sent = play(otlp_route, tmp_path, *settings, has_store=False)
        rest = NO_RECEIVER if ratio > other else NO_SENDER
        assert judge(otlp_route, sent) == {
            message_id: WHOLE if takes_low(0.1, int(linq_trace_id, 16)) else rest
            for message_id, linq_trace_id in sent.items()
        }
