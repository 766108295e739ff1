"""
A FastAPI app that knows nothing of tracing.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from chaos.apps.answers import get_answer


app = FastAPI()


@app.post("/webhooks/linq")
async def on_webhook(request: Request) -> JSONResponse:
    """
    Take one webhook.
    """
    status, content = get_answer(request.headers, await request.body())
    return JSONResponse(content, status)
