from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linq_otel import _ids
from linq_otel._ids import derive_otel_trace_id, derive_span_id, parse_linq_trace_id
from linq_otel._lifecycle import JOINS, Join, Lifecycle, app_lifecycle, derive_lifecycle
from linq_otel._origins import hash_key, parse_traceparent


PAGE = (Path(__file__).parent.parent / "docs" / "derived-ids.md").read_text("utf-8")
ROW = re.compile(r"^\| (?P<what>[^|]+) \| `(?P<kind>\w+)` \| (?P<parts>[^|]+) \| `(?P<id>\w+)` \|$")
VECTORS = [match.groupdict() for line in PAGE.splitlines() if (match := ROW.match(line))]
BLOCKS = re.findall(r"```sh\n(.*?)\n```", PAGE)

LINQ_TRACE_ID = "2eff5df5a0c94e1b8d7f6a5b4c3d2e1f"
MESSAGE_ID = "347d62c2-2170-4754-8d30-c76d0c727d96"
APP_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def published(what: str) -> int:
    (found,) = [vector["id"] for vector in VECTORS if vector["what"] == what]
    return int(found, 16)


class TestPublishedVectors:
    @pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["what"]))
    def test_code_agrees(self, vector: dict[str, str]) -> None:
        """Each row of the page is what the code derives."""
        parts = re.findall(r"`([^`]+)`", vector["parts"])
        if vector["kind"] == "trace":
            assert f"{derive_otel_trace_id(*parts):032x}" == vector["id"]
        else:
            assert f"{derive_span_id(vector['kind'], *parts):016x}" == vector["id"]

    def test_every_mode_and_kind_is_there(self) -> None:
        """The page has rows for each mode and each kind, and says the tag."""
        assert {vector["kind"] for vector in VECTORS} == {"anchor", "stage", "trace"}
        modes = {mode for vector in VECTORS for mode in re.findall(r"`(\w+)`", vector["what"])}
        assert modes - {"order"} == set(JOINS)
        assert f"`{_ids.VERSION_TAG}`" in PAGE

    @pytest.mark.skipif(os.name != "posix", reason="no shell here")
    def test_shell_agrees(self) -> None:
        """The lines a reader is told to type print what the page says."""
        printed = [
            subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
            for line in BLOCKS
        ]
        assert printed == [f"{VECTORS[0]['id']}\n", f"{hash_key('order-1042')}\n"]

    @pytest.mark.parametrize("join", ["linq", "link"])
    def test_linq_life(self, join: Join) -> None:
        """Both modes name the published anchor and stages, whatever the case of the id."""
        life = derive_lifecycle(join, LINQ_TRACE_ID.upper(), MESSAGE_ID)
        assert life == Lifecycle(int(LINQ_TRACE_ID, 16), published("`linq`, `link`: anchor"))
        for stage in ("accepted", "sent", "delivered", "read", "failed"):
            assert life.stage_id(stage) == published(f"`linq`, `link`: {stage}")

    def test_message_life(self) -> None:
        """Mode ``message`` names the published trace, anchor and stage."""
        life = derive_lifecycle("message", LINQ_TRACE_ID, MESSAGE_ID)
        assert life == Lifecycle(published("`message`: trace"), published("`message`: anchor"))
        assert life.stage_id("delivered") == published("`message`: delivered")

    @pytest.mark.parametrize(
        ("key", "suffix"),
        [(hash_key("order-1042"), "key `order-1042`"), (MESSAGE_ID, "no key")],
    )
    def test_app_life(self, key: str, suffix: str) -> None:
        """Mode ``app`` hangs the published anchor into the app's own trace."""
        sender = parse_traceparent(f"00-{APP_TRACE_ID}-b7ad6b7169203331-01")
        assert sender is not None
        life = app_lifecycle(sender, key)
        anchor = published(f"`app`: anchor, {suffix}")
        assert life == Lifecycle(int(APP_TRACE_ID, 16), anchor, sampled=True)
        assert life.stage_id("read") == published(f"`app`: read, {suffix}")


class TestDerivedIds:
    @given(st.text(), st.lists(st.text(), max_size=4))
    def test_fit_and_are_never_zero(self, kind: str, parts: list[str]) -> None:
        """A span id has 64 bits, a trace id 128, and none is the forbidden zero."""
        assert 0 < derive_span_id(kind, *parts) < 2**64
        assert 0 < derive_otel_trace_id(*parts) < 2**128

    def test_zero_becomes_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A seed whose hash begins with zeros still has an id."""

        class Zeros:
            def __init__(self, seed: bytes) -> None:
                self.seed = seed

            def digest(self) -> bytes:
                return bytes(32)

        monkeypatch.setattr(_ids, "sha256", Zeros)
        assert (derive_span_id("anchor", "m1"), derive_otel_trace_id("m1")) == (1, 1)

    def test_parts_do_not_run_together(self) -> None:
        """Where one part ends and the next begins is part of the hash."""
        ids = {
            derive_span_id("stage", "a", "b"),
            derive_span_id("stage", "ab"),
            derive_span_id("stage", "ab", ""),
            derive_span_id("stage", "", "ab"),
            derive_span_id("stagea", "b"),
        }
        assert len(ids) == 5


class TestParseLinqTraceId:
    @given(st.integers(1, 2**128 - 1))
    def test_reads_what_it_is(self, otel_trace_id: int) -> None:
        """Any 32 hexadecimal digits are a trace id, in either case."""
        text = f"{otel_trace_id:032x}"
        assert parse_linq_trace_id(text) == parse_linq_trace_id(text.upper()) == otel_trace_id

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "0" * 32,
            "1" * 31,
            "1" * 33,
            "g" * 32,
            "1" * 31 + "\n",
            "1" * 32 + "\n",
            "\u0661" * 32,
            "2eff5df5-a0c9-4e1b-8d7f-6a5b4c3d2e1f",
            "req_2eff5df5a0c94e1b8d7f6a5b4c3",
        ],
    )
    def test_malformed(self, text: str | None) -> None:
        """What is not 32 digits, or is zero, is no trace id."""
        assert parse_linq_trace_id(text) is None
