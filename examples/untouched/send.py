"""
Sends messages with bare HTTP, as many apps do, and knows nothing of tracing.

    export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
    LINQ_API_KEY=… opentelemetry-instrument python send.py requests 1

Args: the library (httpx, requests or urllib), and how many messages.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import Request, urlopen

import httpx
import requests


URL = os.environ.get("LINQ_BASE_URL", "https://api.linqapp.com/api/partner/v3") + "/chats"
HEADERS = {"Authorization": f"Bearer {os.environ['LINQ_API_KEY']}"}


def send_with_httpx(body: dict[str, Any]) -> int:
    """
    Send by httpx, with a client made for the call.
    """
    with httpx.Client() as client:
        return client.post(URL, json=body, headers=HEADERS).status_code


def send_with_requests(body: dict[str, Any]) -> int:
    """
    Send by requests.
    """
    return requests.post(URL, json=body, headers=HEADERS, timeout=10).status_code


def send_with_urllib(body: dict[str, Any]) -> int:
    """
    Send by the standard library.
    """
    headers = {**HEADERS, "Content-Type": "application/json"}
    request = Request(URL, json.dumps(body).encode(), headers)  # noqa: S310  # Linq's address.
    with urlopen(request, timeout=10) as answer:  # noqa: S310  # As above.
        json.load(answer)
        return int(answer.status)


SENDERS = {"httpx": send_with_httpx, "requests": send_with_requests, "urllib": send_with_urllib}


def main(library: str, count: int) -> None:
    """
    Send *count* messages, eight at a time, each to a person of its own.
    """
    message = {"parts": [{"type": "text", "value": "Your order is on its way."}]}
    numbers = [f"+1555{number:07d}" for number in range(count)]
    bodies = [{"from": "+15550100000", "to": [to], "message": message} for to in numbers]
    with ThreadPoolExecutor(8) as pool:
        print(sorted(set(pool.map(SENDERS[library], bodies))))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
