from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from linq_otel._runtime import build_tracing, configure_tracing, forget_tracing, get_tracing
from linq_otel._settings import Settings
from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.stores.memory import MemoryStore
from linq_otel.stores.sqlite import SQLiteStore
from linq_otel.webhooks import WebhookReceiver
from support import payloads as p
from support.origins import accepted
from support.scripts import run_script


if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import TracerProvider


class TestGetTracing:
    def test_made_once(self) -> None:
        """Sender and receiver of one process share one tracing, and so one store."""
        tracing = get_tracing()
        assert get_tracing() is tracing
        assert WebhookReceiver().tracing is tracing

    def test_threads(self) -> None:
        """Threads that ask at once get the same one."""
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: get_tracing(), range(64)))
        assert set(found) == {found[0]}

    def test_from_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nobody called ``instrument()``, the environment says how."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_JOIN", "message")
        monkeypatch.setenv("OTEL_PYTHON_LINQ_STORE", f"sqlite:///{tmp_path}/linq.db")
        tracing = get_tracing()
        assert tracing.settings.join == "message"
        assert isinstance(tracing.origins.store, SQLiteStore)


class TestConfigureTracing:
    def test_takes_the_place(self) -> None:
        """What was configured last is in force, for receivers made before it, too."""
        before, receiver = get_tracing(), WebhookReceiver()
        after = configure_tracing({"join": "app"})
        assert get_tracing() is receiver.tracing is after
        assert (before.settings.join, after.settings.join) == ("linq", "app")

    def test_wrong_option(self) -> None:
        """A wrong option raises, and what was in force stays."""
        before = get_tracing()
        with pytest.raises(ConfigurationError):
            configure_tracing({"excluded_urls": "("})
        assert get_tracing() is before

    def test_closes_the_store_before(self, tmp_path: Path) -> None:
        """The file we opened for the one before is closed."""
        before = configure_tracing({"store": f"sqlite:///{tmp_path}/linq.db"})
        configure_tracing({})
        with pytest.raises(StoreError, match="is closed"):
            before.origins.store.claim("e1")

    @pytest.mark.parametrize(
        "url",
        [
            "mongo://x",
            "sqlite://linq.db",
            "sqlite:linq.db",
            "linq.db",
            "",
            "memory://x",
            "memory:?size=0.5",
            "memory:?sizes=5",
            "sqlite:///linq.db?ttl=soon",
            "redis://:do-not-show@host:port",
            "redis://:do-not-show@host:65536",
            "postgresql://user:do-not-show@host:65536/database",
            "redis+mars://host",
            "postgresql+mars://user:do-not-show@host/database",
            "mysql://user:do-not-show@host",
        ],
    )
    def test_wrong_store(self, url: str) -> None:
        """A URL of no store raises where it was typed, and none of its secrets is repeated."""
        before = get_tracing()
        with pytest.raises(ConfigurationError) as caught:
            configure_tracing({"store": url})
        assert "do-not-show" not in str(caught.value)
        with pytest.raises(ConfigurationError):
            WebhookReceiver(store=url)
        assert get_tracing() is before

    def test_store_that_cannot_be_opened(self, tmp_path: Path) -> None:
        """What is wrong with the host alone costs the store, and not the app's start."""
        tracing = configure_tracing({"store": f"sqlite:///{tmp_path}/gone/linq.db"})
        assert isinstance(tracing.origins.store, MemoryStore)


class TestStart:
    def test_says_what_is_in_force(
        self, provider: TracerProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        """One line says it, without a word of what is secret."""
        with caplog.at_level(logging.INFO, "linq_otel"):
            configure_tracing(
                {
                    "join": "app",
                    "store": "redis://linq:do-not-show@127.0.0.1:6390/3",
                    "webhook_secret": [p.SECRET, p.OTHER_SECRET],
                    "tracer_provider": provider,
                }
            )
        assert [record.getMessage() for record in caplog.records] == [
            (
                "in force: join=app, store=RedisStore(127.0.0.1:6390/3), "
                "webhooks=verified (2 secrets), "
                "provider=opentelemetry.sdk.trace.TracerProvider"
            )
        ]

    def test_of_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Where nothing was typed, it says so all the same, and only once."""

        class DoNotShow(MemoryStore):
            def __repr__(self) -> str:
                return "do-not-show"

        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", p.SECRET)
        with caplog.at_level(logging.INFO, "linq_otel"):
            get_tracing()
            get_tracing()
            configure_tracing({"store": DoNotShow()})
        verified = "webhooks=verified (1 secret), provider=none yet"
        assert [record.getMessage() for record in caplog.records] == [
            f"in force: join=linq, store=MemoryStore(), {verified}",
            (
                "in force: join=linq, "
                f"store=TestStart.test_of_the_environment.<locals>.DoNotShow, {verified}"
            ),
        ]

    def test_makes_no_provider(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """To ask OpenTelemetry for its provider would make it, before the app sets its own."""
        monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
        with caplog.at_level(logging.INFO, "linq_otel"):
            get_tracing()
        assert [record.getMessage() for record in caplog.records] == [
            (
                "in force: join=linq, store=MemoryStore(), webhooks=not verified, "
                "provider=as OTEL_PYTHON_TRACER_PROVIDER says"
            )
        ]

    def test_wrong_variable(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A wrong URL in the environment is reported under the variable's name."""
        monkeypatch.setenv("OTEL_PYTHON_LINQ_STORE", "sqlite://linq.db")
        with caplog.at_level(logging.WARNING, "linq_otel"):
            get_tracing()
        assert [record.getMessage() for record in caplog.records] == [
            (
                "OTEL_PYTHON_LINQ_STORE: no store at 'sqlite:': use sqlite:///path/to/file; "
                "origins stay in this process instead (logged once)"
            )
        ]


class TestForgetTracing:
    def test_closes_what_we_opened(self, tmp_path: Path) -> None:
        """A store named by its URL is ours to close."""
        tracing = configure_tracing({"store": f"sqlite:///{tmp_path}/linq.db"})
        forget_tracing()
        with pytest.raises(StoreError, match="is closed"):
            tracing.origins.store.claim("e1")
        assert get_tracing() is not tracing

    def test_leaves_the_users_store(self) -> None:
        """A store the app opened is the app's to close."""
        store = MemoryStore()
        tracing = configure_tracing({"store": store})
        tracing.origins.save(accepted("m1"))
        forget_tracing()
        configure_tracing({})
        assert store.find("message:m1") == ("message:m1", accepted("m1"))

    def test_nothing_in_force(self) -> None:
        """Forgetting twice is no error."""
        forget_tracing()
        forget_tracing()


class TestBuildTracing:
    def test_a_store_of_the_users(self) -> None:
        """An object is used as it is."""
        store = MemoryStore()
        assert build_tracing(Settings(store=store)).origins.store is store


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
class TestFork:
    def test_lock_held_by_another_thread(self) -> None:
        """A child forked while a thread was asking for the tracing gets it."""
        code = """
            import os, signal
            from linq_otel import _runtime

            tracing = _runtime.get_tracing()
            _runtime._active.lock.acquire()  # As a thread that the child does not have.
            if (child := os.fork()) == 0:
                signal.alarm(10)
                os._exit(0 if _runtime.get_tracing() is tracing else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
        assert run_script(code) == "0\n"

    def test_sqlite_is_shared_with_children(self, tmp_path: Path) -> None:
        """What a child saves, a webhook that reaches the parent or a sibling finds."""
        code = """
            import os, signal, sys
            from linq_otel import _runtime
            from linq_otel._origins import Origin

            tracing = _runtime.configure_tracing({"store": f"sqlite:///{sys.argv[1]}/linq.db"})

            def child(work):
                if (pid := os.fork()) == 0:
                    signal.alarm(10)
                    os._exit(work())
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

            def save():
                traceparent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
                tracing.origins.save(Origin(traceparent, message_id="m1"))
                return 0

            print(child(save), child(lambda: int(tracing.origins.find(["message:m1"]) is None)))
            print(tracing.origins.find(["message:m1"])[0])
        """
        assert run_script(code, str(tmp_path)) == "0 0\nmessage:m1\n"
