"""
uWSGI, which loads an app, forks in C, and tells Python nothing of it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from support.otlp_processes import LOOPBACK, find_free_ports, is_open
from support.programs import REPOSITORY, open_program


if TYPE_CHECKING:
    from support.otlp_sinks import Sink


APP = """
import atexit, os, time, uuid

# The first given is called last: what stands between is all that is done at the end.
atexit.register(lambda: print("ended in", time.monotonic() - ending, flush=True))


import httpx
from linq import LinqAPIV3
from linq_otel import instrument
from linq_otel.export import configure
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.scripted_linq import SENT
from support.sending import send

export = configure("otlp", service_name="shop", logs=False)
instrument(store="sqlite:///linq.db", store_timeout=10, join="app")


def accept(request):
    message = {**SENT["message"], "id": str(uuid.uuid4())}
    return httpx.Response(202, json={**SENT, "message": message}, request=request)


http = httpx.Client(transport=httpx.MockTransport(accept))
linq = LinqAPIV3(api_key="k", base_url="http://l/api/partner", http_client=http)
receiver = WebhookReceiver()


def receive(message_id):
    data = p.message_data("delivered", message_id=message_id)
    body = p.encode(p.envelope("message.delivered", data, event_id=str(uuid.uuid4())))
    with receiver.process({}, body):
        pass


# Threads and connections of the server, which its workers must not use.
receive(send(linq).message.id)
export.flush()  # uWSGI ends its server without a word to Python.


@atexit.register
def begin():
    global ending
    ending = time.monotonic()


def application(environ, start_response):
    message_id = environ["PATH_INFO"][1:]
    if message_id:
        receive(message_id)
    else:
        message_id = send(linq).message.id
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{os.getpid()} {message_id}".encode()]
"""


def find_origins(sink: Sink) -> list[str]:
    """
    Return how the origin of each webhook was found.
    """
    spans = [span for arrival in sink.full for span in arrival.spans]
    found = [{pair.key: pair.value.string_value for pair in span.attributes} for span in spans]
    return [each["linq.origin"] for each in found if "linq.origin" in each]


def find_owners(sink: Sink) -> dict[str, set[str]]:
    """
    Return which signals came from each process.
    """
    owners: dict[str, set[str]] = defaultdict(set)
    for arrival in sink.full:
        for resource in arrival.resources:
            signal = arrival.path.rpartition("/")[2]
            owners[resource["service.instance.id"]].add(signal)
    return owners


@pytest.mark.slow
@pytest.mark.timing
@pytest.mark.skipif(sys.platform != "linux", reason="uWSGI comes for Linux")
def test_workers(http_sink: Sink, tmp_path: Path) -> None:
    """
    Workers join each other's messages and export by ids of their own, spans and metrics.
    """
    (tmp_path / "shop.py").write_text(APP)
    (port,) = find_free_ports(1)
    path = f"{REPOSITORY}:{REPOSITORY / 'tests'}"
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": http_sink.endpoint, "PYTHONPATH": path}
    command = ["--master", "--processes", "2", "--enable-threads", "--die-on-term"]
    command += ["--http-socket", f"{LOOPBACK}:{port}", "--module", "shop", "--need-app"]
    uwsgi = str(Path(sys.executable).with_name("pyuwsgi"))

    def ask(path: str) -> list[str]:
        with urlopen(f"http://{LOOPBACK}:{port}/{path}", timeout=30) as response:
            text: str = response.read().decode()
            return text.split()

    with open_program("uwsgi", [uwsgi, *command], environment, tmp_path) as running:
        running.wait_until(lambda: is_open(LOOPBACK, port), "open port")
        with ThreadPoolExecutor(4) as pool:
            sent = list(pool.map(ask, [""] * 8))
            received = list(pool.map(ask, [message_id for _, message_id in sent]))
            deadline = time.monotonic() + 20
            while len({pid for pid, _ in received}) < 2 and time.monotonic() < deadline:
                received += pool.map(ask, [message_id for _, message_id in sent])
        assert running.stop() == 0
    assert "Traceback" not in running.complaints
    ends = [line for line in running.complaints.splitlines() if line.startswith("ended in")]
    # One that waits for a thread of its server's waits for ten seconds.
    assert [float(line.split()[2]) < 5 for line in ends] == [True] * 2
    joins = Counter(find_origins(http_sink))
    assert joins == {"message": len(received) + 1}
    # The server has sent a message, too.
    assert list(find_owners(http_sink).values()) == [{"metrics", "traces"}] * 3
