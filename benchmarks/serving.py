"""
How many webhooks a FastAPI app answers each second: with ours, with what people use, with both.

Each variant is a server of its own, one worker on the loopback, and they are put under load in
turns. Every webhook is another one, signed, and its origin is known.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deliveries import PATH, make_delivery
from measuring import Line, compare, medians, order_of
from pressing import press
from receiver_app import SPANS

from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import open_program


if TYPE_CHECKING:
    from measuring import Costs, Effort


_PROGRAM: Final = Path(__file__).with_name("receiver_app.py")
# More than any server answered in a second here; what is left over is not sent.
_MOST_EACH_SECOND: Final = 9_000


@dataclass(slots=True)
class Server:
    """
    One variant of the app.
    """

    kind: str
    port: int
    sent: int = 0

    def press(self, seconds: int) -> tuple[float, float]:
        """
        Return the microseconds a request took of the clock on the wall, and of the server's CPU.
        """
        size = seconds * _MOST_EACH_SECOND
        numbers = range(self.sent, self.sent + size)
        self.sent += size
        self.ask(f"prepare?first={numbers[0]}&count={size}")
        requests = [_write(number) for number in numbers]
        before = self.ask("told")
        load = press(self.port, requests, seconds)
        told = self.ask("told")
        done = {name: told[name] - before[name] for name in told}
        # Those under way when the time is up are answered too.
        assert load.requests <= done["answered"] <= size
        assert done["spans"] == SPANS[self.kind] * done["answered"], (self.kind, done)
        return load.seconds / load.requests * 1e6, done["cpu"] / done["answered"] * 1e6

    def ask(self, what: str) -> dict[str, float]:
        """
        Ask for something beside the load.
        """
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/{what}") as answer:
            found: dict[str, float] = json.load(answer)
            return found


def measure(effort: Effort) -> list[Line]:
    """
    Put all of them under load.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = _open_servers(stack, Path(folder))
        wall: Costs = {server.kind: [] for server in servers}
        cpu: Costs = {server.kind: [] for server in servers}
        by_kind = {server.kind: server for server in servers}
        for number in range(effort.scale(9, 1)):
            for kind in order_of(list(by_kind), number):
                figures = by_kind[kind].press(effort.scale(3, 1))
                if number or effort.is_short:
                    wall[kind].append(figures[0])
                    cpu[kind].append(figures[1])
    return _report("FastAPI, requests each second", wall, (1.2, 0.8)) + _report(
        "FastAPI, requests each second of CPU", cpu, (None, None)
    )


def _report(what: str, costs: Costs, goals: tuple[float | None, float | None]) -> list[Line]:
    # Twice the time is half the requests.
    return [
        Line(
            f"{what}: {kind}",
            "contrib FastAPI alone",
            compare(costs, {"contrib": 1}, {kind: 1}),
            goal,
            is_floor=True,
            costs=medians(costs) if kind == "ours" else {},
        )
        for kind, goal in zip(("ours", "both"), goals, strict=True)
    ]


def _open_servers(stack: ExitStack, folder: Path) -> list[Server]:
    servers: list[Server] = []
    for (number, kind), port in zip(enumerate(SPANS), find_free_ports(len(SPANS)), strict=True):
        command = [str(_PROGRAM), kind, str(port)]
        program = stack.enter_context(open_program(f"app{number}", command, {}, folder))
        servers.append(Server(kind, port))
        program.wait_until(partial(is_open, LOOPBACK, port), "open port")
    return servers


def _write(number: int) -> bytes:
    delivery = make_delivery(number)
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {v}" for name, v in delivery.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + delivery.body
