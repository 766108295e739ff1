from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from linq_otel.stores.memory import MemoryStore
from support.origins import Clock, accepted
from support.scripts import run_script


class TestMemoryStore:
    def test_bounded_in_count(self) -> None:
        """The oldest keys go first; one that was written again is young."""
        store = MemoryStore(size=2)
        for name in ("m1", "m2", "m3"):
            store.save(accepted(name))
        found = [store.find(f"message:{name}") for name in ("m1", "m2", "m3")]
        assert [hit and hit[1].message_id for hit in found] == [None, "m2", "m3"]

    def test_events_bounded_in_count(self) -> None:
        """A claim pushed out by later ones is forgotten."""
        store = MemoryStore(size=2)
        assert [store.claim(event) for event in ("e1", "e2", "e3", "e1")] == [True] * 4

    def test_sweeps_itself(self) -> None:
        """Writing one key throws out every key whose time is over."""
        clock = Clock()
        store = MemoryStore(ttl=10, clock=clock)
        for number in range(50):
            store.save(accepted(f"m{number}"))
            store.claim(f"e{number}")
        clock.now += 10
        store.save(accepted("m99"))
        store.claim("e99")
        assert list(store._origins._rows) == ["message:m99"]
        assert list(store._events._rows) == ["e99"]

    def test_nothing_fits(self) -> None:
        """A store of no size keeps nothing and does not fail."""
        store = MemoryStore(size=0)
        store.save(accepted("m1"))
        assert store.find("message:m1") is None

    def test_close_forgets(self) -> None:
        """A closed store holds nothing of what it held."""
        store = MemoryStore()
        store.save(accepted("m1"))
        store.claim("e1")
        store.close()
        assert store.find("message:m1") is None
        assert store.claim("e1")

    def test_threads(self) -> None:
        """Eight threads claim a thousand events: each event has one owner."""
        store = MemoryStore()

        def claim_all(owner: int) -> list[str]:
            store.save(accepted(f"m{owner}"))
            return [f"e{n}" for n in range(1_000) if store.claim(f"e{n}")]

        with ThreadPoolExecutor(8) as pool:
            owned = [event for events in pool.map(claim_all, range(8)) for event in events]
        assert sorted(owned) == sorted(f"e{n}" for n in range(1_000))
        assert all(store.find(f"message:m{owner}") for owner in range(8))


FORK = """
    import os, signal, threading
    from linq_otel._origins import Origin
    from linq_otel.stores.memory import MemoryStore

    store, held, release = MemoryStore(), threading.Event(), threading.Event()
    store.save(Origin("00-" + "1" * 32 + "-" + "2" * 16 + "-01", message_id="m1"))

    def hold() -> None:
        with store._lock:
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # A child that waits for a thread it does not have is killed.
        found = store.find("message:m1")
        os._exit(0 if found and store.claim("e1") else 1)
    release.set()
    thread.join()
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), store.claim("e1"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
class TestFork:
    def test_lock_held_by_another_thread(self) -> None:
        """A child forked while a thread held the lock works, with what the parent knew."""
        assert run_script(FORK) == "0 True\n"
