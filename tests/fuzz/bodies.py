"""
An envelope on the wire: as JSON should be, and as it should not.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import chance


if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


_OTHER_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-7", "utf-8-sig")
_TWICE: Final = (
    '"event_type":"message.read"', '"event_type":null', '"data":null', '"data":{"id":"m1"}',
    '"event_id":"e1"', '"trace_id":"' + "1" * 32 + '"', '"n":NaN', '"n":-Infinity', '"n":1e999',
    '"n":' + "9" * 5_000, '"n":-0', '"n":1E+2', '"n":01', '"n":"\\ud800"', '"n":"\\x"', '"n":\t1',
    '"n":' + "[" * 500 + "]" * 500, '"n":' + '{"n":' * 100_000, '"n":' + "[" * 100_000, '"":""',
)  # fmt: skip


def write_body(random: Random, envelope: Any) -> tuple[bytes, bool]:
    """
    Write *envelope* as bytes, and say whether they were changed byte by byte.
    """
    text = _write(random, envelope)
    if not chance(random, 6):
        return _encode(text), False
    break_text = random.choice(_WAYS)
    return break_text(random, text), break_text in (_flip, _insert)


def hand_over(random: Random, body: bytes) -> Any:
    """
    Return *body* as frameworks hand bodies over: mostly bytes, and anything else at times.
    """
    if not chance(random, 8):
        return body
    return random.choice((
        lambda: body.decode(errors="surrogatepass") if _is_text(body) else body,
        lambda: bytearray(body),
        lambda: memoryview(body),
        lambda: _parsed(body),
        lambda: MappingProxyType(found) if isinstance(found := _parsed(body), dict) else found,
        lambda: random.choice((None, 0, 1.5, True, [body], (), object(), iter(()))),
    ))()  # fmt: skip


def _write(random: Random, envelope: Any) -> str:
    separators = random.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
    text = json.dumps(envelope, ensure_ascii=chance(random, 2), separators=separators)
    if isinstance(envelope, dict) and chance(random, 6):
        more = random.choice(_TWICE)
        inner = text[1:-1].strip()
        parts = [more, inner] if chance(random, 2) else [inner, more]
        return "{" + ",".join(part for part in parts if part) + "}"
    return text


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _truncate(random: Random, text: str) -> bytes:
    body = _encode(text)
    return body[: random.randrange(len(body) + 1)]


def _flip(random: Random, text: str) -> bytes:
    body = bytearray(_encode(text))
    for _ in range(random.choice((1, 1, 2, 8))):
        if body:
            body[random.randrange(len(body))] = random.randrange(256)
    return bytes(body)


def _insert(random: Random, text: str) -> bytes:
    body = _encode(text)
    at = random.randrange(len(body) + 1)
    noise = random.choice(
        (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xf5", b'"', b"\\", b"\xc0\x80")
    )
    return body[:at] + noise + body[at:]


def _in_another_encoding(random: Random, text: str) -> bytes:
    return text.encode(random.choice(_OTHER_ENCODINGS), errors="replace")


def _surround(random: Random, text: str) -> bytes:
    body = _encode(text)
    before, after = random.choice((
        (b"\xef\xbb\xbf", b""), (b"", body), (b"[", b"]"), (b'"', b'"'), (b" \n\t", b"\r\n"),
        (b"", b"\x00"), (b"payload=", b""), (b"//x\n", b""), (b'{"a":' * 2_000, b"}" * 2_000),
    ))  # fmt: skip
    return before + body + after


def _replace(random: Random, _text: str) -> bytes:
    return random.choice((
        b"", b"null", b"{}", b"[]", b"0", b"NaN", b'"x"', b"\x00" * 50, b"[" * 20_000, b"\xff" * 50,
        b'{"event_type":"message.sent"}', b'{"event_type":"message.sent","data":[]}',
    ))  # fmt: skip


_WAYS: Final[tuple[Callable[[Random, str], bytes], ...]] = (
    _truncate, _flip, _flip, _insert, _in_another_encoding, _surround, _replace,
)  # fmt: skip


def _is_text(body: bytes) -> bool:
    try:
        body.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
