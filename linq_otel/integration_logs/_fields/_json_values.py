"""
JSON as people have it: with a key twice, a number too long, half an emoji.

What can be mended is mended and counted; what cannot is said in words that quote nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from linq_otel.integration_logs._findings import UnusableError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from linq_otel.integration_logs._findings import Findings


# Control characters and halves of surrogate pairs, written out or escaped.
_DIRTY: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\\\\u(?:00[01][0-9a-fA-F]|[dD][89a-fA-F])"
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TRAILING_COMMA: Final = re.compile(r",\s*[}\]]")
_JAVASCRIPT: Final = re.compile(r"[{,]\s*'|(?<!:)//|/\*")
_BARE_NAME: Final = re.compile(r"\{\s*\w+\s*:")
_DEPTH_AT_MOST: Final = 64
_DIGITS_AT_MOST: Final = 19

TOO_DEEP: Final = "nested too deeply"


class JsonReader:
    """
    Reads JSON, and notes in *findings* what it mended.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._mended: list[str] = []
        self._strict = self._build(None, strict=True)
        self._decoder = self._build(None)
        self._careful = self._build(self._short_number)
        self._pieces = _build_encoder()

    def parse(self, text: str) -> object:
        """
        Read one document.

        Raises:
            UnusableError: It is not JSON.
        """
        value, end = self.parse_from(text, 0)
        if text[end:].strip():
            raise UnusableError("", "not JSON: more follows after its end")
        return value

    def parse_from(self, text: str, start: int) -> tuple[object, int]:
        """
        Read the value that begins at *start*; returns it, and where it ends.

        Raises:
            UnusableError: There is none.
        """
        while start < len(text) and text[start] in " \t\r\n":
            start += 1
        # A strict scan refuses control characters, so that a row without a backslash has nothing
        # to clean: 0.1 µs to see, where looking at every character takes 2.
        try:
            value, end = self._strict.raw_decode(text, start)
        except (ValueError, RecursionError):
            self._mended.clear()
            value, end = self._decode(self._decoder, text, start)
            is_plain = False
        else:
            # Within the value alone: a line may hold very many.
            is_plain = text.find("\x7f", start, end) < 0 and (
                text.find("\\", start, end) < 0 or text.find("\\u", start, end) < 0
            )
            if self._mended:
                self._tell()
        if not is_plain and _DIRTY.search(text, start, end):
            value = self._clean(value, 0)
        return value, end

    def write(self, value: object) -> str:
        """
        Write *value* in one way only, so that equal bodies are equal texts.
        """
        try:
            return "".join(self._pieces(value, 0))
        except RecursionError:
            raise UnusableError("", TOO_DEEP) from None

    def _decode(self, decoder: json.JSONDecoder, text: str, start: int) -> tuple[object, int]:
        try:
            return decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise UnusableError("", _say(error, text, start)) from None
        except RecursionError:
            raise UnusableError("", TOO_DEEP) from None
        except ValueError:
            # Python refuses whole numbers of more than 4,300 digits.
            return self._decode(self._careful, text, start)
        finally:
            self._tell()

    def _tell(self) -> None:
        for code in self._mended:
            self._findings.warn(code)
        self._mended.clear()

    def _build(
        self, parse_int: Callable[[str], Any] | None, *, strict: bool = False
    ) -> json.JSONDecoder:
        return json.JSONDecoder(
            object_pairs_hook=self._build_object,
            parse_constant=self._drop_constant,
            parse_int=parse_int,
            strict=strict,
        )

    def _build_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) != len(pairs):
            self._mended.append("duplicate_key")
        return built

    def _drop_constant(self, _constant: str) -> None:
        self._mended.append("number_dropped")

    def _short_number(self, digits: str) -> int | None:
        if len(digits) <= _DIGITS_AT_MOST:
            return int(digits)
        self._mended.append("number_dropped")
        return None

    def _clean(self, value: object, depth: int) -> object:
        if depth > _DEPTH_AT_MOST:
            raise UnusableError("", TOO_DEEP)
        if isinstance(value, str):
            cleaned = clean_text(value)
            if cleaned != value:
                self._findings.warn("text_mended")
            return cleaned
        if isinstance(value, dict):
            pairs = cast("dict[str, object]", value).items()
            return {clean_text(key): self._clean(item, depth + 1) for key, item in pairs}
        if isinstance(value, list):
            return [self._clean(item, depth + 1) for item in cast("list[object]", value)]
        return value


def _build_encoder() -> Callable[[object, int], Iterable[str]]:
    """
    Build what writes compact JSON, its keys sorted; a call takes a value and the level 0.
    """
    plain = json.JSONEncoder(
        ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False
    )
    # What `encode()` makes anew for each value, kept: 2.7 µs less for the two bodies of a row.
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # Not CPython.
        return lambda value, _level: plain.iterencode(value)
    encoder: Callable[[object, int], Iterable[str]] = make(
        markers=None,
        default=plain.default,
        encoder=json.encoder.encode_basestring,
        indent=None,
        key_separator=":",
        item_separator=",",
        sort_keys=True,
        skipkeys=False,
        allow_nan=True,
    )
    return encoder


def clean_text(text: str) -> str:
    """
    Replace what cannot be exported: control characters, and halves of surrogate pairs.
    """
    text = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _say(error: json.JSONDecodeError, text: str, start: int) -> str:
    # In words of ours: Python's differ by version.
    hint = _hint(text, start)
    is_short = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
    return "not JSON: it ends too early" if is_short and not hint else f"not JSON{hint}"


def _hint(text: str, start: int) -> str:
    head = text[start : start + 2_000]
    if _TRAILING_COMMA.search(head):
        return " (a comma before a closing bracket is JavaScript)"
    if _JAVASCRIPT.search(head) or _BARE_NAME.match(head):
        return " (this is JavaScript as a console prints it: use JSON.stringify)"
    return ""
