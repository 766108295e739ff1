"""
The app's own table as the store.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from linq import LinqAPIV3

from linq_otel import instrument, uninstrument
from linq_otel._shield import tally
from linq_otel.errors import ConfigurationError, StoreError
from linq_otel.origins import Origin, collect_origins
from linq_otel.stores import Store
from linq_otel.stores.own import OwnStore
from support import payloads as p
from support.origins import LIFECYCLE, accepted, provisional
from support.scripted_linq import MESSAGE_ID, Reply, ScriptedLinq
from support.sending import send
from support.webhook_desk import Desk, Life


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PAGE = Path(__file__).parents[2] / "docs" / "existing-apps.md"
LIFE = Life.by_linq_trace_id()


def of_page(marker: str) -> dict[str, Any]:
    """
    Run the block of Python on the page that has *marker* in it.
    """
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if marker in block]
    names: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # Our own page.
    return names


def fail(*_: object) -> Any:
    raise OSError(p.PHONE)


class TestOwnStore:
    def test_is_a_store(self) -> None:
        """It goes wherever a store goes."""
        store = OwnStore(find=lambda _keys: None)
        assert isinstance(store, Store)
        assert store.is_shared
        assert OwnStore(find=lambda _keys: None, is_shared=False).is_shared is False
        store.close()

    @pytest.mark.parametrize("write", [Origin.to_json, lambda origin: origin])
    def test_finds(self, write: Callable[[Origin], Any]) -> None:
        """The app's query is given all keys at once, and its answer may be either form."""
        asked: list[tuple[str, ...]] = []
        origin = accepted("m1", trace="T1", key="k1")

        def find(keys: tuple[str, ...]) -> Any:
            asked.append(keys)
            return write(origin)

        store = OwnStore(find=find)
        assert store.find("message:m9", "trace:t1", "key:k1") == ("trace:t1", origin)
        assert store.find("message:m9") == ("message:m9", origin)
        assert asked == [("message:m9", "trace:t1", "key:k1"), ("message:m9",)]

    def test_finds_nothing(self) -> None:
        """None is no origin, and no keys are no question."""
        asked: list[object] = []
        store = OwnStore(find=asked.append)
        assert (store.find("message:m1"), store.find()) == (None, None)
        assert asked == [("message:m1",)]

    @pytest.mark.parametrize("found", ["", "{", "[]", "{}", 7, {"traceparent": "x"}, b"{}"])
    def test_finds_nonsense(self, found: Any) -> None:
        """An answer that is no origin is an error of the store."""
        with pytest.raises(StoreError):
            OwnStore(find=lambda _keys: found).find("message:m1")

    def test_saves(self) -> None:
        """With a function for it, each origin is handed on; without, it is the app's matter."""
        saved: list[Origin] = []
        OwnStore(find=lambda _keys: None, save=saved.append).save(accepted("m1"))
        OwnStore(find=lambda _keys: None).save(accepted("m1"))
        assert saved == [accepted("m1")]

    def test_keeps_notes_to_itself(self) -> None:
        """An origin that names no span joins nothing, and is not put into a table."""
        saved: list[Origin] = []
        store = OwnStore(find=lambda _keys: None, save=saved.append)
        note = Origin("", idempotency_key="handled:e1", accepted_at=1)
        store.save(note)
        assert (store.find("key:handled:e1"), saved) == (("key:handled:e1", note), [])

    def test_claims(self) -> None:
        """By the app's function, or within this process."""
        claims = {"e1": True, "e2": False}
        store = OwnStore(find=lambda _keys: None, claim=claims.__getitem__)
        assert [store.claim("e1"), store.claim("e1"), store.claim("e2")] == [True, True, False]
        store = OwnStore(find=lambda _keys: None)
        assert [store.claim("e1"), store.claim("e1"), store.claim("e2")] == [True, False, True]

    def test_takes_functions_alone(self) -> None:
        """What cannot be called in a thread is an error at once."""

        async def find(_keys: tuple[str, ...]) -> None:
            return None

        for given, message in (
            ({"find": None}, "find must be a function"),
            ({"find": "SELECT"}, "find must be a function"),
            ({"find": find}, "find must be no coroutine function: threads call it"),
            ({"find": fail, "save": 7}, "save must be a function"),
            ({"find": fail, "claim": find}, "claim must be no coroutine function: threads"),
        ):
            with pytest.raises(ConfigurationError, match=re.escape(message)):
                OwnStore(**given)


class TestJoin:
    @pytest.mark.usefixtures("forgiving")
    def test_what_the_app_s_functions_raise_costs_the_join_alone(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The handler runs, its life is derived, and nothing of the error's text is logged."""
        store = OwnStore(find=fail, save=fail, claim=fail)
        desk = Desk(desk.provider, desk.exporter, store=store)
        assert desk.stage("delivered") is not None
        assert desk.deliver(p.body_of("message.received")) is not None
        process = desk.one("process message.delivered")
        assert (process["parent"], process["attributes"]["linq.origin"]) == (LIFE.anchor, "none")
        # Whether anything was saved before the store was left alone is a matter of time.
        assert set(tally.counts()) | {"store save: OSError"} == {
            "store find: OSError",
            "store claim: OSError",
            "store save: OSError",
            "webhook: no secret",
        }
        assert p.PHONE not in caplog.text

    def test_by_what_the_app_kept(self, desk: Desk) -> None:
        """The life is the sender's, whatever trace id the webhook brings."""
        origin = accepted(p.MESSAGE_ID)
        store = OwnStore(find=lambda keys: origin if f"message:{p.MESSAGE_ID}" in keys else None)
        desk = Desk(desk.provider, desk.exporter, store=store)
        desk.stage("delivered", trace_id=p.OTHER_LINQ_TRACE_ID)
        process = desk.one("process message.delivered")
        assert process["parent"] == LIFECYCLE[3:-3]
        assert process["attributes"]["linq.origin"] == "message"


@pytest.fixture
def linq() -> Iterator[ScriptedLinq]:
    """
    Yield a Linq on a free port.
    """
    with ScriptedLinq() as linq:
        yield linq


class TestTableOfThePage:
    """
    The SQL example, against SQLite.
    """

    @pytest.fixture
    def messages(self, tmp_path: Path) -> Any:
        """
        Return the page's table, empty.
        """
        names = of_page("CREATE TABLE")
        messages = names["Messages"](tmp_path / "app.db")
        with closing(messages.connect()) as db:
            db.executescript(names["SCHEMA"])
        return messages

    def test_finds_by_either_id(self, messages: Any) -> None:
        """By message first, then by trace, in whatever case it was written."""
        store = of_page("CREATE TABLE")["own_store"](messages)
        first, second = accepted("m1", trace="AA"), accepted("m2", trace="BB")
        for origin in (first, second, accepted("m1", trace="CC")):
            messages.add(origin)
        assert store.find("message:m2", "trace:aa") == ("message:m2", second)
        assert store.find("message:m9", "trace:aa") == ("trace:aa", first)
        assert store.find("message:m9", "key:k", "trace:cc") is None

    @pytest.mark.parametrize("saved_by", ["app", "save"])
    def test_joins(self, desk: Desk, linq: ScriptedLinq, messages: Any, saved_by: str) -> None:
        """From the call, through the app's table, to the webhook, in two processes' worth."""
        store = OwnStore(find=messages.find, save=messages.add if saved_by == "save" else None)
        linq.script(Reply(linq_trace_id=p.OTHER_LINQ_TRACE_ID))
        instrument(tracer_provider=desk.provider, store=store)
        try:
            with (
                LinqAPIV3(api_key="k", base_url=linq.base_url) as client,
                collect_origins() as origins,
            ):
                send(client)
        finally:
            uninstrument()
        if saved_by == "app":
            for origin in origins:
                messages.add(origin)
        receiver = Desk(desk.provider, desk.exporter, store=OwnStore(find=messages.find))
        data = p.message_data("delivered", message_id=MESSAGE_ID)
        receiver.deliver(p.envelope("message.delivered", data))
        process = desk.one("process message.delivered")
        call = desk.one("linq chats.messages.send")["id"]
        assert process["parent"] == Life.by_linq_trace_id(p.OTHER_LINQ_TRACE_ID).anchor
        assert process["attributes"]["linq.origin"] == "message"
        assert process["links"] == [("send", call), ("webhook", desk.one("POST /hook")["id"])]

    def test_early_origins_do_no_harm(self, messages: Any) -> None:
        """What has no message id yet is not put into the table."""
        messages.add(provisional("k1"))
        with closing(messages.connect()) as db:
            assert db.execute("SELECT * FROM messages").fetchall() == []
