"""
A Flask app that knows nothing of tracing.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from chaos.apps.answers import get_answer


app = Flask(__name__)


@app.post("/webhooks/linq")
def on_webhook() -> tuple[dict[str, Any], int]:
    """
    Take one webhook.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    status, content = get_answer(headers, request.get_data())
    return content, status
