from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linq_otel.errors import ConfigurationError, StoreError, UnreadableOriginError
from linq_otel.stores import DEFAULT_TTL, Store, open_store
from linq_otel.stores.memory import MemoryStore
from support.origins import accepted, provisional
from support.scripts import read_output, start_script
from support.store_engines import TTL


if TYPE_CHECKING:
    from pathlib import Path

    from support.store_engines import Engine


# An engine with a clock of its own has passed on a little when it is asked.
LEEWAY = 20.0
ODD_NAMES = [
    "Größe",
    "\N{GRINNING FACE}",
    "half of \ud83d",  # As JSON can have it.
    "a b\tc\nd",
    "a{b}c",
    "a:b:early",
    "'; -- \"",
    "100% \\ %s _",
    "m" * 2_000,
]


class TestStore:
    def test_is_a_store(self, store: Store) -> None:
        """Every engine has the whole protocol."""
        assert isinstance(store, Store)

    def test_finds_what_was_saved(self, store: Store) -> None:
        """An origin comes back equal, under each of its keys."""
        origin = accepted("m1", trace="AB", key="k1")
        store.save(origin)
        keys = ("message:m1", "trace:ab", "key:k1")
        assert [store.find(key) for key in keys] == [(key, origin) for key in keys]

    def test_best_key_first(self, store: Store) -> None:
        """The first key given wins, whichever was saved first."""
        by_trace, by_message = accepted("m2", trace="t1"), accepted("m1")
        store.save(by_trace)
        store.save(by_message)
        assert store.find("message:m1", "trace:t1") == ("message:m1", by_message)
        assert store.find("trace:t1", "message:m1") == ("trace:t1", by_trace)

    def test_passes_over_unknown_keys(self, store: Store) -> None:
        """A key without an origin does not hide a later one that has one."""
        store.save(accepted("m1"))
        assert store.find("key:k9", "message:m1") == ("message:m1", accepted("m1"))

    @pytest.mark.parametrize("keys", [(), ("message:m9",)])
    def test_finds_nothing(self, store: Store, keys: tuple[str, ...]) -> None:
        """No keys and unknown keys have no origin."""
        store.save(accepted("m1"))
        assert store.find(*keys) is None

    def test_keeps_an_accepted_origin(self, store: Store) -> None:
        """A repeated idempotency key changes nothing about the life it began."""
        first, again = accepted("m1", key="k1"), accepted("m2", key="k1")
        store.save(first)
        store.save(again)
        store.save(provisional("k1"))
        store.save(again)
        assert store.find("key:k1") == ("key:k1", first)
        assert store.find("message:m2") == ("message:m2", again)

    def test_replaces_a_provisional_origin(self, store: Store) -> None:
        """The answer completes what was saved before the request left."""
        store.save(provisional("k1"))
        assert store.find("key:k1") == ("key:k1", provisional("k1"))
        store.save(accepted("m1", key="k1"))
        assert store.find("key:k1") == ("key:k1", accepted("m1", key="k1"))

    def test_claims_once(self, store: Store) -> None:
        """The first to see an event has it; another event is another matter."""
        assert [store.claim(event) for event in ("e1", "e1", "e2", "e1")] == [
            True,
            False,
            True,
            False,
        ]

    def test_forgets_by_age(self, engine: Engine, store: Store) -> None:
        """An origin is there until its time to live is over, and not after."""
        store.save(accepted("m1"))
        store.save(provisional("k1"))
        engine.age(TTL - LEEWAY)
        assert store.find("message:m1") == ("message:m1", accepted("m1"))
        assert store.find("key:k1") == ("key:k1", provisional("k1"))
        engine.age(LEEWAY)
        assert store.find("message:m1", "key:k1") is None

    def test_age_counts_from_the_first_save(self, engine: Engine, store: Store) -> None:
        """Saving an accepted origin again does not make it younger."""
        store.save(accepted("m1"))
        engine.age(TTL - LEEWAY)
        store.save(accepted("m1"))
        engine.age(LEEWAY)
        assert store.find("message:m1") is None

    def test_claims_again_after_its_time(self, engine: Engine, store: Store) -> None:
        """A claim lasts as long as an origin."""
        assert store.claim("e1")
        engine.age(TTL - LEEWAY)
        assert not store.claim("e1")
        engine.age(LEEWAY)
        assert store.claim("e1")

    def test_replaces_an_expired_origin(self, engine: Engine, store: Store) -> None:
        """An accepted origin that is forgotten makes room for the next."""
        store.save(accepted("m1", key="k1"))
        engine.age(TTL)
        store.save(accepted("m2", key="k1"))
        assert store.find("key:k1") == ("key:k1", accepted("m2", key="k1"))

    def test_renews_a_provisional_origin(self, engine: Engine, store: Store) -> None:
        """A call tried again is the later one, and as young."""
        again = replace(provisional("k1"), requested_at=2_000)
        store.save(provisional("k1"))
        engine.age(TTL - LEEWAY)
        store.save(again)
        engine.age(LEEWAY)
        assert store.find("key:k1") == ("key:k1", again)

    def test_provisional_comes_first(self, store: Store) -> None:
        """A better key with a provisional origin goes before a worse one that is accepted."""
        store.save(provisional("k1"))
        store.save(accepted("m1"))
        assert store.find("key:k1", "message:m1") == ("key:k1", provisional("k1"))

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_odd_ids(self, store: Store, name: str) -> None:
        """An id is any text; it is found again, and names nothing else."""
        origin = accepted(name, trace="t1", key="k1")
        store.save(origin)
        assert store.find(f"message:{name}") == (f"message:{name}", origin)
        assert store.find("message:a", "message:m", "message:a:b") is None
        assert [store.claim(name), store.claim(name)] == [True, False]

    def test_thousand_keys(self, store: Store) -> None:
        """An origin has as many keys as it has, and a look-up names as many as it likes."""
        ids = tuple(f"t{number}" for number in range(1_000))
        origin = replace(accepted("m1"), linq_trace_ids=ids)
        store.save(origin)
        assert {store.find(f"trace:{name}") for name in ids[::97]} == {
            (f"trace:{name}", origin) for name in ids[::97]
        }
        unknown = [f"trace:x{number}" for number in range(999)]
        assert store.find(*unknown, "trace:t999") == ("trace:t999", origin)

    def test_same_key_twice(self, store: Store) -> None:
        """One key named twice is one key."""
        store.save(accepted("m1"))
        twice = ("message:m1", "message:m1")
        assert store.find(*twice) == ("message:m1", accepted("m1"))

    def test_claims_once_among_threads(self, store: Store) -> None:
        """However many ask at the same time, one of them has the event."""
        barrier = threading.Barrier(8)

        def claim_all(_: int) -> list[str]:
            barrier.wait(20)
            return [f"e{number}" for number in range(50) if store.claim(f"e{number}")]

        with ThreadPoolExecutor(8) as pool:
            owned = [event for events in pool.map(claim_all, range(8)) for event in events]
        assert sorted(owned) == sorted(f"e{number}" for number in range(50))

    def test_accepted_wins_the_race(self, store: Store) -> None:
        """A note saved at the same moment never hides the answer."""
        barrier = threading.Barrier(2)

        def save_all(is_accepted: bool) -> None:  # noqa: FBT001  # Mapped over both.
            for number in range(50):
                name = f"k{number}"
                barrier.wait(20)
                store.save(accepted(f"m{number}", key=name) if is_accepted else provisional(name))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(save_all, [False, True]))
        assert [store.find(f"key:k{number}") for number in range(50)] == [
            (f"key:k{number}", accepted(f"m{number}", key=f"k{number}")) for number in range(50)
        ]

    def test_first_accepted_wins_the_race(self, store: Store) -> None:
        """Of two answers to one key, every look-up finds the same one."""
        barrier = threading.Barrier(2)

        def save_all(name: str) -> None:
            for number in range(50):
                barrier.wait(20)
                store.save(accepted(name, key=f"k{number}"))
                seen.append((number, store.find(f"key:k{number}")))

        seen: list[object] = []
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(save_all, ["m1", "m2"]))
        last = [(number, store.find(f"key:k{number}")) for number in range(50)]
        assert sorted(seen, key=str) == sorted([*last, *last], key=str)

    def test_origin_without_keys(self, store: Store) -> None:
        """What has no key is kept nowhere, and that is no error."""
        store.save(provisional(""))
        assert store.find("key:") is None

    def test_close_twice(self, store: Store) -> None:
        """Closing a closed store is no error."""
        store.close()
        store.close()


CLAIM_ALL = """
    import sys
    from linq_otel.stores import open_store

    store = open_store(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    print(*[event for event in (f"e{n}" for n in range(300)) if store.claim(event)])
    store.close()
"""


class TestFindAll:
    @pytest.mark.parametrize("number", [0, 1, 3, 100])
    def test_says_which_there_are(self, shared: Engine, number: int) -> None:
        """Every second of them is there, accepted or not, and is told by its key."""
        names = [f"n{n}" for n in range(number)]
        with closing(shared.open()) as store:
            if not hasattr(store, "find_all"):
                pytest.fail("each shared store asks for many keys at once")
            for n, name in enumerate(names[::2]):
                store.save(accepted(name) if n % 2 else replace(provisional("k"), message_id=name))
            found = store.find_all(*(f"message:{name}" for name in names))
        assert found == {f"message:{name}" for name in names[::2]}


class TestSharedStore:
    def test_is_shared(self, shared: Engine) -> None:
        """What one store saves, another finds."""
        with closing(shared.open()) as one, closing(shared.open()) as other:
            one.save(accepted("m1"))
            assert other.find("message:m1") == ("message:m1", accepted("m1"))
            assert [one.is_shared, one.claim("e1"), other.claim("e1")] == [True, True, False]

    def test_claims_once_among_processes(self, shared: Engine) -> None:
        """Each event has one owner among all processes."""
        processes = [start_script(CLAIM_ALL, shared.url) for _ in range(3)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        owned = [event for process in processes for event in read_output(process).split()]
        assert sorted(owned) == sorted(f"e{number}" for number in range(300))

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"traceparent":1}', "\x00"])
    def test_row_that_is_no_origin(self, shared: Engine, text: str) -> None:
        """One row that was spoilt is told apart from a store that does not work."""
        with closing(shared.open()) as store:
            store.save(accepted("m1"))
            store.save(accepted("m2"))
            shared.spoil("message:m1", text)
            with pytest.raises(UnreadableOriginError, match="holds a row that is no origin"):
                store.find("message:m1", "message:m2")
            assert store.find("message:m2", "message:m1") == ("message:m2", accepted("m2"))

    def test_closed(self, shared: Engine) -> None:
        """A closed store says so."""
        store = shared.open()
        store.save(accepted("m1"))
        store.close()
        with pytest.raises(StoreError, match="is closed; open it again"):
            store.find("message:m1")


class TestOpenStore:
    def test_memory(self) -> None:
        """``memory:`` is the store of one process."""
        store = open_store("memory:")
        assert isinstance(store, MemoryStore)
        assert not store.is_shared

    def test_memory_options(self) -> None:
        """Its size is the number of keys kept."""
        store = open_store("memory:?size=1&ttl=60")
        store.save(accepted("m1"))
        store.save(accepted("m2"))
        assert store.find("message:m1") is None
        assert store.find("message:m2") == ("message:m2", accepted("m2"))

    def test_sqlite_absolute(self, tmp_path: Path) -> None:
        """Four slashes name a file from the root of the disk."""
        store = open_store(f"sqlite:///{tmp_path}/linq.db?ttl=60")
        store.close()
        assert store.is_shared
        assert (tmp_path / "linq.db").is_file()

    def test_sqlite_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three slashes name a file in the current folder, and stay with it."""
        monkeypatch.chdir(tmp_path)
        store = open_store("sqlite:///linq.db")
        store.close()
        assert [path.name for path in tmp_path.iterdir()] == ["linq.db"]

    def test_default_age(self) -> None:
        """A message may be read days after it was sent."""
        assert DEFAULT_TTL == 7 * 24 * 60 * 60

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("", "no store at ':': use memory:, sqlite:///path/to/file, redis://host, postgre"),
            ("ftp://user:secret@host/0", "no store at 'ftp:': use memory:, sqlite:///"),
            ("sqlite:linq.db", "no store at 'sqlite:': use sqlite:///path/to/file"),
            ("sqlite:///", "no store at 'sqlite:': use"),
            ("sqlite://[", "no store at 'sqlite:': use"),
            ("memory:?ttl=0", "store option ttl must be a number above 0"),
            ("memory:?ttl=week", "store option ttl must be a number above 0"),
            ("memory:?ttl=nan", "store option ttl must be a number above 0"),
            ("memory:?ttl=inf", "store option ttl must be a number above 0"),
            ("memory:?size=-1", "store option size must be a number above 0"),
            ("memory:?size=", "store option size must be a number above 0"),
            ("memory:?size=0.5", "store option size must be a whole number"),
            ("memory://elsewhere", "a store in memory has no place: use memory:"),
            ("memory+fast:", "a store in memory has no place: use memory:"),
            ("memory:?age=3", "unknown store option 'age': use ttl or size"),
        ],
    )
    def test_wrong_url(self, url: str, message: str) -> None:
        """A URL we cannot use is an error that says what can be used."""
        with pytest.raises(ConfigurationError) as raised:
            open_store(url)
        assert message in str(raised.value)
        assert "secret" not in str(raised.value)

    def test_wrong_option_of_a_file(self, tmp_path: Path) -> None:
        """An option of another engine is an error, and the file is closed again."""
        with pytest.raises(ConfigurationError, match="unknown store option 'size': use ttl"):
            open_store(f"sqlite:///{tmp_path}/linq.db?size=5")
