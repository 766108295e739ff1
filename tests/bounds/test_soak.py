from __future__ import annotations

import gc
import tracemalloc
from random import Random
from typing import TYPE_CHECKING

import pytest

from bounds.lives import Usage, open_soak
from fuzz.rows import make_origin
from linq_otel.stores.memory import MemoryStore
from support.programs import REPOSITORY, open_program


if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow


# What docs/stores.md states; as measured, with a tenth to spare.
BYTES_OF_A_KEY = 700
BYTES_OF_AN_EVENT = 290


class TestMemoryStore:
    def test_bytes_of_a_key(self) -> None:
        """However many messages have passed, a full store holds what the documentation says."""
        size, random = 2_000, Random(1)
        store = MemoryStore(size=size)
        gc.collect()
        tracemalloc.start()
        held = []
        for part in range(3):
            for number in range(part * 10_000, (part + 1) * 10_000):
                name = f"{number:08x}-0000-4000-8000-{random.getrandbits(48):012x}"
                store.save(make_origin(random, name, f"{random.getrandbits(128):032x}"))
                assert store.claim(f"{name}e")
                found = store.find(f"message:{name}")
                assert found is not None
                assert found[1].message_id == name
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert max(held) < size * (BYTES_OF_A_KEY + BYTES_OF_AN_EVENT)
        assert max(held) - min(held) < 0.02 * max(held)


class TestLifecycles:
    def test_nothing_is_left_over(self) -> None:
        """Once the store is full, 2,000 messages more leave no block of memory behind each."""
        with open_soak(MemoryStore(size=500)) as (soak, drawn):
            for number in range(1_000):
                soak.live(number)
            before, drawn_before = Usage.now(), drawn.count
            for number in range(1_000, 3_000):
                soak.live(number)
            after = Usage.now()
        assert drawn.count - drawn_before > 20_000
        assert after.blocks - before.blocks < 400
        assert after.descriptors == before.descriptors
        assert after.threads <= before.threads

    def test_as_a_program(self, tmp_path: Path) -> None:
        """`make soak` lives a million; here are forty, to see that it runs."""
        arguments = ["-m", "bounds.soak", "--lifecycles", "40", "--size", "10"]
        environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}
        with open_program("soak", arguments, environment, tmp_path) as program:
            assert program.wait() == 0
            counts = [line.split()[0] for line in program.lines]
            assert counts[:-1] == ["lifecycles", *(str(number) for number in range(4, 41, 4))]
            assert program.complaints == ""
