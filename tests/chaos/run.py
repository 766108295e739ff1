"""
One run: a plan played out over one store, by real processes.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from chaos.arrivals import read_arrivals
from chaos.balancer import Target, open_balancer
from chaos.disturbances import Disturber, draw_disturbances
from chaos.engines import ENGINES
from chaos.evidence import Evidence, Settings
from chaos.fleet import Host, running, start_all
from chaos.orders import DONE, read_outcomes, write_orders
from chaos.plan import draw_plan
from linq_otel.testing import LinqSimulator
from support.otlp_processes import find_free_ports


if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from chaos.engines import Engine
    from chaos.plan import Plan
    from support.otlp_processes import Receiver


_OFFSETS = (0.0, 180.0, -180.0)
_FASTAPI = ("uvicorn", "chaos.apps.fastapi_shop:app", "--log-level", "warning", "--port", "{port}")
_FLASK = (
    *("gunicorn", "chaos.apps.flask_shop:app", "--workers", "2", "--threads", "4"),
    *("--log-level", "warning", "--bind", "127.0.0.1:{port}"),
)
_UNUSED = "celery,django,aiohttp-client,aiohttp-server,requests,urllib,urllib3"
# For the exporters to send what was drawn last: they do so every tenth of a second.
_FLUSH_SECONDS = 1.0


def play(settings: Settings, agent: Receiver, folder: Path) -> Evidence:
    """
    Play a plan out, and return what is known of it.

    Args:
        settings: What is to be played.
        agent: The OTLP receiver, which has nothing yet.
        folder: Where the processes write.
    """
    plan = draw_plan(settings.seed, settings.messages, settings.senders, settings.rate)
    with ExitStack() as stack:
        linq = stack.enter_context(
            LinqSimulator(seed=settings.seed, speed=settings.speed, rate_limit=None)
        )
        for one in plan.planned:
            linq.script(one.scenario, to=one.order.to)
        engine = stack.enter_context(_open_engine(settings.store, folder / "store"))
        receivers: list[Host] = []
        balancer = stack.enter_context(open_balancer(lambda: _targets(receivers)))
        secret = linq.subscribe(balancer.url).signing_secret
        environment = _environment(settings, linq, agent, engine, secret)
        receivers += _build_receivers(settings, environment, folder)
        senders = _build_senders(plan, environment, folder)
        stack.enter_context(running([*receivers, *senders]))
        disturber = Disturber(
            draw_disturbances(settings),
            linq,
            engine,
            receivers,
        )
        began = time.monotonic()
        _send(disturber, linq, receivers, senders, plan)
        ended = time.monotonic()
        time.sleep(_FLUSH_SECONDS)
        hosts = [*senders, *receivers]
        return Evidence(
            settings=settings,
            plan=plan,
            outcomes=[o for host in senders for o in read_outcomes(host.read_lines())],
            accepted=linq.accepted,
            requests=linq.requests,
            forwards=tuple(balancer.forwards),
            forged=frozenset(
                one.headers["webhook-signature"] for one in linq.deliveries if one.forged
            ),
            outages=disturber.outages,
            happened=disturber.happened,
            hosts=hosts,
            arrivals=read_arrivals(agent, [run for host in hosts for run in host.names_of_runs]),
            epoch=time.time() - time.monotonic(),
            began=began,
            ended=ended,
        )


def _send(
    disturber: Disturber,
    linq: LinqSimulator,
    receivers: Sequence[Host],
    senders: Sequence[Host],
    plan: Plan,
) -> None:
    """
    Send everything, while things go wrong, and wait until every webhook is through.
    """
    start_all(receivers)
    thread = threading.Thread(target=disturber.run)
    thread.start()
    try:
        start_all(senders)
        for host in senders:
            host.wait_for(DONE, plan.duration * 3 + 60)
    finally:
        disturber.over.set()
        thread.join()
    linq.wait_until_idle(120)
    for host in senders:
        host.finish()


@contextmanager
def _open_engine(store: str, folder: Path) -> Generator[Engine | None, None, None]:
    opener = ENGINES[store]
    if opener is None:
        yield None
        return
    with opener(folder) as engine:
        yield engine


def _targets(receivers: Sequence[Host]) -> list[Target]:
    return [Target(host.run, host.port) for host in receivers if host.port is not None]


def _environment(
    settings: Settings, linq: LinqSimulator, agent: Receiver, engine: Engine | None, secret: str
) -> dict[str, str]:
    return {
        "CHAOS_TRACED": "1" if settings.traced else "0",
        "LINQ_API_V3_BASE_URL": linq.base_url,
        "LINQ_API_KEY": linq.api_key,
        "LINQ_WEBHOOK_SECRET": secret,
        "OTEL_PYTHON_LINQ_STORE": engine.url if engine is not None else "memory:",
        "OTEL_PYTHON_LINQ_JOIN": settings.join,
        "OTEL_PYTHON_LINQ_CARRIER": "idempotency_key" if settings.carrier else "none",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": _UNUSED,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": agent.http_endpoint,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "30",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BSP_MAX_QUEUE_SIZE": "20000",
    }


def _build_receivers(
    settings: Settings, environment: Mapping[str, str], folder: Path
) -> list[Host]:
    ports = find_free_ports(settings.receivers)
    return [
        Host(
            name=f"receiver-{number}",
            command=[part.format(port=port) for part in (_FASTAPI, _FLASK)[number % 2]],
            offset=_OFFSETS[(number + 1) % len(_OFFSETS)],
            environment=environment,
            folder=folder,
            port=port,
        )
        for number, port in enumerate(ports)
    ]


def _build_senders(plan: Plan, environment: Mapping[str, str], folder: Path) -> list[Host]:
    hosts = []
    for number, talks in enumerate(plan.senders):
        orders = folder / f"sender-{number}.jsonl"
        orders.write_text(write_orders([[one.order for one in talk] for talk in talks]))
        hosts.append(
            Host(
                name=f"sender-{number}",
                command=["chaos.apps.send", str(orders)],
                offset=_OFFSETS[number % len(_OFFSETS)],
                environment=environment,
                folder=folder,
            )
        )
    return hosts
