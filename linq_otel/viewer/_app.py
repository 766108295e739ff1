"""
All that a viewer answers, put together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from ._files import INDEX, find_page_file
from ._json_answers import JSONAnswer


if TYPE_CHECKING:
    from starlette.requests import Request

    from ._api import Api
    from ._intake import Intake


def build_app(api: Api, intake: Intake) -> Starlette:
    """
    Return an app of the page, what the page asks, and the receiver.
    """
    return Starlette(
        routes=[
            *intake.routes,
            *api.routes,
            Route("/", _show_file),
            Route("/page/{name}", _show_file),
            Route("/favicon.ico", _show_nothing),
        ],
        exception_handlers={404: _say_not_found, 405: _say_not_allowed, 500: _say_failed},
    )


async def _show_file(request: Request) -> Response:
    found = await run_in_threadpool(find_page_file, request.path_params.get("name", INDEX))
    if found is None:
        return JSONAnswer({"error": "the page has no such file"}, 404)
    return Response(found.content, headers={"content-type": found.media_type})


async def _show_nothing(_request: Request) -> Response:
    return Response(status_code=204)


async def _say_not_found(_request: Request, _error: Exception) -> Response:
    return JSONAnswer({"error": "there is nothing here"}, 404)


async def _say_not_allowed(_request: Request, _error: Exception) -> Response:
    return JSONAnswer({"error": "this is asked by GET"}, 405, {"allow": "GET, HEAD"})


async def _say_failed(_request: Request, error: Exception) -> Response:
    return JSONAnswer({"error": f"this viewer failed: {type(error).__name__}"}, 500)
