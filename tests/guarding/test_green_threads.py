"""
Apps that become green after they were instrumented: no lock may stop all green threads at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support import payloads as p
from support.scripts import run_script


if TYPE_CHECKING:
    from pathlib import Path


PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    # Its look-up of names imports every HTTP library that is installed, and some cannot be.
    "eventlet": "import os; os.environ['EVENTLET_NO_GREENDNS'] = 'yes'; "
    "import eventlet; eventlet.monkey_patch()",
}
PROGRAM = """
    import json, logging, sys
    from linq_otel import instrument
    from linq_otel.webhooks import WebhookReceiver
    from opentelemetry.sdk.trace import TracerProvider

    logging.disable()  # eventlet tells of locks in other libraries that it could not replace.
    instrument(store=sys.argv[1], tracer_provider=TracerProvider())
    receiver = WebhookReceiver()

    def receive(number):
        with receiver.process({}, sys.argv[2].replace("EVENT", f"event-{number}").encode()):
            done.append(number)

    done = []
    receive(0)
    PATCH
    import threading
    threads = [threading.Thread(target=receive, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    print(json.dumps([type(threading.Lock()).__module__.split(".")[0], sorted(done)]))
"""


@pytest.mark.parametrize("kind", ["gevent", pytest.param("eventlet", marks=pytest.mark.slow)])
def test_patched_after_instrument(kind: str, tmp_path: Path) -> None:
    """Webhooks are received by green threads, with a store that native threads have used."""
    body = p.body_of("message.sent", event_id="EVENT").decode()
    program = PROGRAM.replace("PATCH", PATCHES[kind])
    printed = run_script(program, f"sqlite:///{tmp_path / 'linq.db'}", body)
    assert json.loads(printed) == [kind, [0, 1, 2, 3, 4, 5, 6, 7, 8]]
