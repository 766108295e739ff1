"""
The page as one file with its data inside, to be mailed around: no server, no network.

What is in spans may come from anywhere, so in the file it is data and nothing else: no ``<`` of it
reaches the HTML parser, and the policy in the file names its own script and style by their hashes.
How the page is put together is written at the top of its ``index.html``.
"""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ._files import INDEX, get_page_file


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_LINK: Final = re.compile(r'<link rel="([a-z]+)" href="page/([^"]+)"[^>]*>\n?')
_SCRIPT: Final = re.compile(r'<script [^>]*src="page/([^"]+)"[^>]*></script>')
_LEFT_OUT: Final = ("import ", "export ")
_CHARSET: Final = '<meta charset="utf-8">\n'


def write_page(messages: Sequence[Mapping[str, Any]], stories: Mapping[str, Any]) -> str:
    """
    Return the page with *messages* and *stories* inside.

    Args:
        messages: Rows of the list, as documents.
        stories: Story documents by the trace they are asked for by.
    """
    index = _COMMENT.sub("", get_page_file(INDEX).text)
    links = _LINK.findall(index)
    style = "".join(get_page_file(name).text for rel, name in links if rel == "stylesheet")
    modules = [name for rel, name in links if rel == "modulepreload"]
    modules += _SCRIPT.findall(index)
    script = "".join(_strip_module(get_page_file(name).text) for name in modules)
    data = json.dumps({"messages": messages, "stories": stories}, separators=(",", ":"))
    head = f"{_CHARSET}{_write_policy(script, style)}"
    body = (
        f'<script type="application/json" id="embedded">{_escape(data)}</script>\n'
        f'<script type="module">{script}</script>'
    )
    page = _LINK.sub("", index)
    page = _SCRIPT.sub(lambda _: body, page, count=1)
    page = page.replace(_CHARSET, head, 1)
    return page.replace("</head>", f"<style>{style}</style>\n</head>", 1)


def _strip_module(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_LEFT_OUT))


def _escape(data: str) -> str:
    return data.replace("<", "\\u003c")


def _write_policy(script: str, style: str) -> str:
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode('ascii')}"
