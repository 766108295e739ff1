"""
Joined traces as something one can read: stories, the messages in them, and documents of both.

The terminal, the local page and the tests all read spans through this one door. Pure: it takes
spans that somebody has read already, and knows of no file, no network and no screen. Where spans
are fetched from is beneath ``_sources``, which nothing here imports.
"""

from __future__ import annotations

from linq_otel._lifecycle import STUCK_AFTER
from linq_otel.stories._documents import message_documents, story_document
from linq_otel.stories._finding import Place, complete_id, find_trace
from linq_otel.stories._messages import Message, find_messages
from linq_otel.stories._perfetto import perfetto_document
from linq_otel.stories._timeline import Group, Row, Story, join_traces


__all__ = [
    "STUCK_AFTER",
    "Group",
    "Message",
    "Place",
    "Row",
    "Story",
    "complete_id",
    "find_messages",
    "find_trace",
    "join_traces",
    "message_documents",
    "perfetto_document",
    "story_document",
]
