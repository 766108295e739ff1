"""
Puts a server under load: with wrk, or where that is missing with a few coroutines.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final


if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


CONNECTIONS: Final = 8
_HOST: Final = "127.0.0.1"
_SCRIPT: Final = Path(__file__).with_name("webhooks.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """
    What was answered, and how fast.
    """

    requests: int
    seconds: float


def find_wrk() -> str | None:
    """
    Return where wrk is.
    """
    return shutil.which("wrk")


def press(port: int, requests: Sequence[bytes], seconds: float) -> Load:
    """
    Send *requests* by some connections at once, each as fast as it is answered with 200.
    """
    program = find_wrk()
    if program is None:
        return asyncio.run(_press(port, iter(requests), seconds))
    with tempfile.NamedTemporaryFile() as file:
        file.writelines(b"%d\n%s" % (len(each), each) for each in requests)
        file.flush()
        options = ["--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds:.0f}s"]
        command = [program, *options, "--script", str(_SCRIPT), f"http://{_HOST}:{port}/"]
        told = subprocess.run(
            [*command, "--", file.name], check=True, capture_output=True, text=True, timeout=120
        )
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["failed"] == 0, told.stdout
    return Load(found["requests"], found["seconds"])


async def _press(port: int, requests: Iterator[bytes], seconds: float) -> Load:
    began = time.perf_counter()
    each = (_ask(port, requests, began + seconds) for _ in range(CONNECTIONS))
    answered = sum(await asyncio.gather(*each))
    return Load(answered, time.perf_counter() - began)


async def _ask(port: int, requests: Iterator[bytes], until: float) -> int:
    reader, writer = await asyncio.open_connection(_HOST, port)
    answered = 0
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answered += 1
        if time.perf_counter() > until:
            break
    writer.close()
    await writer.wait_closed()
    return answered
