from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linq_otel.errors import ConfigurationError
from linq_otel.stores import DEFAULT_TTL, Store, open_store
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from support.origins import Clock, accepted, provisional


if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TTL = 100.0


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """Yield a store of each engine."""
    store: Store = (
        MemoryStore(ttl=TTL, clock=clock)
        if request.param == "memory"
        else SQLiteStore(str(tmp_path / "linq.db"), ttl=TTL, clock=clock)
    )
    yield store
    store.close()


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

    def test_forgets_by_age(self, store: Store, clock: Clock) -> None:
        """An origin is there until its time to live is over, and not after."""
        store.save(accepted("m1"))
        clock.now += TTL - 1
        assert store.find("message:m1") == ("message:m1", accepted("m1"))
        clock.now += 1
        assert store.find("message:m1") is None

    def test_claims_again_after_its_time(self, store: Store, clock: Clock) -> None:
        """A claim lasts as long as an origin."""
        assert store.claim("e1")
        clock.now += TTL - 1
        assert not store.claim("e1")
        clock.now += 1
        assert store.claim("e1")

    def test_replaces_an_expired_origin(self, store: Store, clock: Clock) -> None:
        """An accepted origin that is forgotten makes room for the next."""
        store.save(accepted("m1", key="k1"))
        clock.now += TTL
        store.save(accepted("m2", key="k1"))
        assert store.find("key:k1") == ("key:k1", accepted("m2", key="k1"))

    def test_origin_without_keys(self, store: Store) -> None:
        """What has no key is kept nowhere, and that is no error."""
        store.save(provisional(""))
        assert store.find("key:") is None

    def test_close_twice(self, store: Store) -> None:
        """Closing a closed store is no error."""
        store.close()
        store.close()


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
            ("", "no store at ':': use memory: or sqlite:///path/to/file"),
            ("redis://user:secret@host/0", "no store at 'redis:': use memory: or sqlite:///"),
            ("sqlite:linq.db", "no store at 'sqlite:': use memory: or sqlite:///path/to/file"),
            ("sqlite:///", "no store at 'sqlite:': use"),
            ("sqlite://[", "no store at 'sqlite:': use"),
            ("memory:?ttl=0", "store option ttl must be a number above 0"),
            ("memory:?ttl=week", "store option ttl must be a number above 0"),
            ("memory:?ttl=nan", "store option ttl must be a number above 0"),
            ("memory:?ttl=inf", "store option ttl must be a number above 0"),
            ("memory:?size=-1", "store option size must be a number above 0"),
            ("memory:?size=", "store option size must be a number above 0"),
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
