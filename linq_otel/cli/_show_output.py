"""
What ``linq-otel show`` prints of what it found: a picture, or one document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from linq_otel._files import STANDARD_STREAM, is_standard_output, replace_file
from linq_otel.stories import perfetto_document, story_document

from ._show_texts import describe_message, describe_origin
from ._streams import spell_line
from ._waterfall import build_console, print_waterfall


if TYPE_CHECKING:
    from linq_otel.stories import Place, Story
    from linq_otel.stories._sources._origins import KnownOrigin


@dataclass(frozen=True, slots=True)
class Output:
    """
    What is to be printed.

    Attributes:
        as_json: Documents, and no picture.
        perfetto: The file for a trace event document; ``-`` is standard output.
    """

    as_json: bool = False
    perfetto: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """
    What an id led to.

    Attributes:
        title: The source that knew it.
        place: The trace, and the span.
        story: All that is told of it.
    """

    title: str
    place: Place
    story: Story

    @property
    def document(self) -> dict[str, Any]:
        """
        The story as a document.
        """
        return story_document(self.story, self.place.otel_trace_id, self.place.message_id)


def present(
    found: Found, origin: KnownOrigin | None, output: Output, out: IO[str], err: IO[str]
) -> None:
    """
    Print what was found.

    Raises:
        ConfigurationError: If the file for Perfetto cannot be written.
    """
    if output.perfetto is not None:
        _write_perfetto(found.story, output.perfetto, out, err)
        if is_standard_output(output.perfetto):
            return
    if output.as_json:
        _write_json(_write_document(found, origin), out)
    else:
        _draw(found, out)


def present_origin(origin: KnownOrigin, output: Output, out: IO[str]) -> None:
    """
    Print what a store knows, where there are no spans.
    """
    if not output.as_json:
        out.write(describe_origin(origin.to_document()) + "\n")
        return
    document = {
        "otel_trace_id": None,
        "span_id": None,
        "source": "the store",
        "origin": origin.to_document(),
        "stories": list[object](),
    }
    _write_json(document, out)


def _draw(found: Found, out: IO[str]) -> None:
    console = build_console(out)
    message = found.document["message"]
    if message is not None:
        console.print(describe_message(message), markup=False, soft_wrap=True)
        if message["split"] is not None:
            console.print(message["split"]["text"], markup=False, soft_wrap=True)
    print_waterfall(found.story.spans, console, otel_trace_id=found.place.otel_trace_id)


def _write_document(found: Found, origin: KnownOrigin | None) -> dict[str, Any]:
    return {
        "otel_trace_id": found.place.otel_trace_id,
        "span_id": found.place.span_id,
        "source": found.title,
        "origin": None if origin is None else origin.to_document(),
        "stories": [found.document],
    }


def _write_perfetto(story: Story, name: str, out: IO[str], err: IO[str]) -> None:
    document = perfetto_document(story)
    if name == STANDARD_STREAM:
        _write_json(document, out)
        return
    with replace_file(name) as file:
        _write_json(document, file)
    if not is_standard_output(name):
        err.write(f"linq-otel: wrote {spell_line(name)}; open it at https://ui.perfetto.dev\n")


def _write_json(document: dict[str, Any], out: IO[str]) -> None:
    out.write(json.dumps(document, indent=2, ensure_ascii=True) + "\n")
