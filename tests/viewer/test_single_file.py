from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from typing import Any

import pytest

from linq_otel._otlp_json import read_spans
from linq_otel.errors import ConfigurationError
from linq_otel.stories import find_messages, join_traces, story_document
from linq_otel.viewer import export_page
from linq_otel.viewer._files import get_page_file
from support.life_lines import DELIVERED, READ, make_uuid, place, write_life, write_span


START = 1_790_000_000_000_000_000
LIVES = [
    read_spans(write_life(number, START + number, stages))
    for number, stages in enumerate((READ, DELIVERED))
]
SPANS = [span for life in LIVES for span in life]


def find_element(page: str, opening: str, closing: str) -> str:
    """
    Return the text of the one element that opens so.
    """
    (rest,) = page.split(opening)[1:]
    return rest.split(closing)[0]


def read_embedded(page: str) -> Any:
    text = find_element(page, '<script type="application/json" id="embedded">', "</script>")
    return json.loads(text)


def hash_text(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


class TestContents:
    def test_all(self) -> None:
        """Every message is in it, and for each its story."""
        homes = [place(number, "life", "anchor").otel_trace_id for number in (0, 1)]
        stories = [join_traces(life)[0] for life in LIVES]
        assert read_embedded(export_page(SPANS)) == {
            "messages": [
                {**message.to_document(), "split": None} for message in find_messages(SPANS)
            ],
            "stories": {
                home: story_document(story, home)
                for home, story in zip(homes, stories, strict=True)
            },
        }

    def test_one(self) -> None:
        """With an id, its story alone."""
        home = place(0, "life", "anchor").otel_trace_id
        embedded = read_embedded(export_page(SPANS, make_uuid(0, "message")))
        document = story_document(join_traces(LIVES[0])[0], home)
        assert embedded == {"messages": [document["message"]], "stories": {home: document}}

    def test_of_no_message(self) -> None:
        """Spans that tell of no message have their story all the same."""
        at = place(7, "web", "span")
        spans = read_spans([write_span("shop", at, "GET /", (START, START + 9))])
        assert read_embedded(export_page(spans)) == {
            "messages": [],
            "stories": {at.otel_trace_id: story_document(join_traces(spans)[0])},
        }

    def test_of_an_unknown_id(self) -> None:
        """An id that no span knows is an error."""
        with pytest.raises(ConfigurationError) as caught:
            export_page(SPANS, "nonsense")
        assert str(caught.value) == ("no span knows the id nonsense; look at the list without --id")


class TestPage:
    def test_needs_nothing_else(self) -> None:
        """Nothing in it is loaded from anywhere."""
        page = export_page(SPANS)
        head = find_element(page, "<head>", "<script")
        assert re.findall(r"<link[^>]*>|src=[\"'][^d]", page.split("<script")[0]) == []
        assert "@import" not in page
        assert "url(" not in find_element(page, "<style>", "</style>")
        assert head.count("<meta http-equiv") == 1
        assert page.count("<script") == page.count("</script>") == 2

    def test_policy(self) -> None:
        """The policy lets its own script and style run, by their hashes, and nothing more."""
        page = export_page(SPANS)
        script = find_element(page, '<script type="module">', "</script>")
        style = find_element(page, "<style>", "</style>")
        policy = find_element(page, '<meta http-equiv="Content-Security-Policy" content="', '"')
        assert policy == (
            f"default-src 'none'; script-src '{hash_text(script)}'; "
            f"style-src '{hash_text(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
        )
        # It comes before whatever it is to hold.
        assert page.index("Content-Security-Policy") < page.index("<script")

    def test_script(self) -> None:
        """The script is the page's modules in the order of its head, without imports."""
        index = get_page_file("index.html").text
        names = re.findall(r'rel="modulepreload" href="page/(\w+\.js)"', index)
        script = find_element(export_page(SPANS), '<script type="module">', "</script>")
        assert re.findall(r"^(?:import|export) .*", script, re.MULTILINE) == []
        lines = [
            line
            for name in [*names, "main.js"]
            for line in get_page_file(name).text.splitlines()
            if not line.startswith(("import ", "export "))
        ]
        assert script.splitlines() == lines

    def test_strangers_words(self) -> None:
        """What strangers wrote closes no element, opens no comment, and is read back the same."""
        odd = "</script><script>alert(1)</script><!--<script>]]>&amp;\u2028\ud800\0"
        at = place(7, "web", "span")
        facts = {"linq.message.id": odd, "linq.stage": "sent"}
        spans = read_spans([write_span(odd, at, odd, (START, START + 9), attributes=facts)])
        page = export_page(spans)
        assert page.count("<script") == page.count("</script>") == 2
        assert "alert(1)</script" not in page
        assert "\ud800" not in page
        (document,) = read_embedded(page)["stories"].values()
        assert document["traces"][0]["spans"][0]["name"] == odd
