"""
What the page asks: the list of messages, a story, where an id leads, and word of changes.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from linq_otel.errors import ConfigurationError
from linq_otel.stories import Place, join_traces, perfetto_document, story_document

from ._exporting import export_page
from ._json_answers import JSONAnswer
from ._reading import Question, list_messages, read_story
from ._rows import clean_text
from ._searching import find_place


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from linq_otel._otlp_json import SpanRecord
    from linq_otel.stories import Story

    from ._archive import Archive


STATES: Final = ("accepted", "sent", "delivered", "read", "failed", "stuck", "received")
_MOST_ROWS: Final = 1_000
_LONGEST_QUERY: Final = 1_000
_MOST_WORDS: Final = 8
_LARGEST_OFFSET: Final = 2**31
_GLANCE_SECONDS: Final = 0.1
_BETWEEN_EVENTS: Final = 0.5
_BETWEEN_HEARTBEATS: Final = 15.0


class Api:
    """
    Answers from *archive*.

    Args:
        archive: The spans.
        stuck_after: Seconds without news after which a message is stuck.
        is_ending: True once the viewer closes: streams end then.
    """

    def __init__(self, archive: Archive, stuck_after: float, is_ending: Callable[[], bool]) -> None:
        self._archive = archive
        self._stuck_after = stuck_after
        self._is_ending = is_ending

    @property
    def routes(self) -> list[Route]:
        """
        What can be asked, and where.
        """
        story = "/api/stories/{otel_trace_id}"
        return [
            Route("/api/messages", self._list_messages),
            Route("/api/find", self._find),
            Route("/api/changes", self._stream_changes),
            Route(story, self._show_story),
            Route(f"{story}/perfetto", self._download_perfetto),
            Route(f"{story}/page", self._download_page),
        ]

    async def _list_messages(self, request: Request) -> Response:
        try:
            question = _read_question(request)
        except ValueError as error:
            return JSONAnswer({"error": str(error)}, 400)
        return JSONAnswer(await self._ask(list_messages, question, self._stuck_after))

    async def _find(self, request: Request) -> Response:
        wanted = request.query_params.get("id", "")[:_LONGEST_QUERY]
        try:
            place = await self._ask(find_place, wanted)
        except ConfigurationError as error:
            return JSONAnswer({"several": str(error)})
        if place is None:
            return JSONAnswer({"error": "no span here knows this id"}, 404)
        return JSONAnswer(asdict(place))

    async def _show_story(self, request: Request) -> Response:
        return await self._answer_with_story(request, self._write_document)

    async def _download_perfetto(self, request: Request) -> Response:
        return await self._answer_with_story(request, _write_perfetto)

    async def _download_page(self, request: Request) -> Response:
        return await self._answer_with_story(request, self._write_page)

    async def _answer_with_story(
        self, request: Request, write: Callable[[Story, Place], Response]
    ) -> Response:
        otel_trace_id = request.path_params["otel_trace_id"].lower()
        message_id = clean_text(request.query_params.get("message", "")[:_LONGEST_QUERY])
        place = Place(otel_trace_id, message_id=message_id or None)
        spans: list[SpanRecord] = await self._ask(read_story, otel_trace_id, place.message_id)
        if not spans:
            return JSONAnswer({"error": "no such trace here"}, 404)

        def tell() -> Response:
            return write(join_traces(spans, otel_trace_id)[0], place)

        return await run_in_threadpool(tell)

    def _write_document(self, story: Story, place: Place) -> Response:
        document = story_document(
            story, place.otel_trace_id, place.message_id, stuck_after=self._stuck_after
        )
        return JSONAnswer(document)

    def _write_page(self, story: Story, place: Place) -> Response:
        page = export_page(story.spans, place.otel_trace_id, stuck_after=self._stuck_after)
        headers = _as_download(f"{place.otel_trace_id}.html")
        return Response(page, headers=headers, media_type="text/html")

    async def _stream_changes(self, _request: Request) -> Response:
        return StreamingResponse(self._watch(), media_type="text/event-stream")

    async def _watch(self) -> AsyncIterator[str]:
        seen, told_at = -1, 0.0
        while not self._is_ending():
            figures, now = self._archive.figures, time.monotonic()
            if figures.version != seen and now - told_at >= _BETWEEN_EVENTS:
                seen, told_at = figures.version, now
                data = json.dumps({"spans": figures.spans, "messages": figures.messages})
                yield f"event: changed\ndata: {data}\n\n"
            elif now - told_at >= _BETWEEN_HEARTBEATS:
                told_at = now
                yield ": still here\n\n"
            await asyncio.sleep(_GLANCE_SECONDS)

    async def _ask(self, question: Callable[..., Any], *arguments: object) -> Any:
        def ask() -> Any:
            with self._archive.reading() as connection:
                return question(connection, *arguments)

        return await run_in_threadpool(ask)


def _read_question(request: Request) -> Question:
    asked = request.query_params
    state = asked.get("state", "")
    if state and state not in STATES:
        raise ValueError(f"state is not one of {', '.join(STATES)}")
    words = asked.get("query", "")[:_LONGEST_QUERY].split()
    return Question(
        words=tuple(words[:_MOST_WORDS]),
        state=state,
        offset=min(_read_number(asked.get("offset", "0")), _LARGEST_OFFSET),
        limit=min(_read_number(asked.get("limit", "100")), _MOST_ROWS),
    )


def _read_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004  # Fits anywhere.
        raise ValueError("offset and limit are whole numbers from 0 on")
    return int(text)


def _write_perfetto(story: Story, place: Place) -> Response:
    headers = _as_download(f"{place.otel_trace_id}.perfetto.json")
    return JSONAnswer(perfetto_document(story), headers=headers)


def _as_download(name: str) -> dict[str, str]:
    # A trace that was found has hexadecimal digits for a name.
    return {"content-disposition": f'attachment; filename="{name}"'}
