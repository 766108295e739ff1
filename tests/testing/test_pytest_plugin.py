"""
The plugin in suites of other people: each is run by a pytest of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.kit_plugin import MODULE, PLUGIN
from support.scripts import PACKAGE_FOLDER


if TYPE_CHECKING:
    from collections.abc import Callable


pytest_plugins = ["pytester"]

# So that nothing else that is installed here has a say.
ALONE = ("-p", "no:cacheprovider", "-p", "no:randomly", "-W", "error")

SHOP = """
    from linq import LinqAPIV3
    from linq_otel.webhooks import WebhookReceiver
    from opentelemetry import trace

    tracer = trace.get_tracer("shop")

    def place_order():
        with LinqAPIV3() as linq, tracer.start_as_current_span("place order"):
            parts = [{"type": "text", "value": "Your order is on its way."}]
            answer = linq.chats.create(
                from_="+15550100000", to=["+15550100123"], message={"parts": parts}
            )
        return answer.chat.message.id

    def take_webhook(headers, body):
        with WebhookReceiver().process(headers, body) as event:
            assert event is not None
            with tracer.start_as_current_span("update order"):
                return event.message_id
"""
ONE_MESSAGE = """
    import pytest
    import shop
    from linq_otel.testing.spans import assert_one_trace

    EXPECTED = '''
    place order
      linq chats.create [PRODUCER] -> lifecycle: linq message
        POST /v3/chats [CLIENT]
    linq message -> send: linq chats.create
      message accepted
      message delivered (linq.stage=delivered)
      process message.delivered [CONSUMER] -> send: linq chats.create
        update order
    '''

    @pytest.mark.linq(seed=7)
    def test_order(linq_simulator, linq_event, linq_spans, linq_ids):
        message_id = shop.place_order()
        assert shop.take_webhook(*linq_event("message.delivered", message_id=message_id))
        assert_one_trace(linq_spans.of_message(message_id), EXPECTED, traces=2)
        assert linq_spans.get("place order").context.trace_id == 1
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """
    Run a suite in a process of its own, and answer the lines it printed.
    """
    monkeypatch.setenv("PYTHONPATH", f"{PACKAGE_FOLDER}:{pytester.path}")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(shop=SHOP)

    def _run(*arguments: str, outcomes: dict[str, int] | None, plugin: bool = True) -> list[str]:
        options = (*ALONE, *(PLUGIN if plugin else ()), *arguments)
        result = pytester.runpytest_subprocess(*options, timeout=60)
        if outcomes is not None:
            result.assert_outcomes(**outcomes)
        return list(result.outlines)

    return _run


class TestFixtures:
    def test_one_message(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """A send and its webhook are one trace, as an outline says, twice in one process."""
        pytester.makepyfile(ONE_MESSAGE, test_again=ONE_MESSAGE)
        run(outcomes={"passed": 2})

    @pytest.mark.slow
    def test_xdist(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """Workers do not meet: each has its own Linq, spans and ids."""
        suites = {f"test_{number}": ONE_MESSAGE for number in range(4)}
        pytester.makepyfile(**suites)
        run("-n", "2", outcomes={"passed": 4})

    def test_simulator(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """The mark says what becomes of messages, the closest one first; variables are undone."""
        pytester.makepyfile("""
            import os
            import pytest
            from linq import LinqAPIV3

            pytestmark = pytest.mark.linq(scenario="read", seed=7)

            @pytest.mark.linq(scenario="sms")
            def test_scenario(linq_simulator):
                assert os.environ["LINQ_API_V3_BASE_URL"] == linq_simulator.base_url
                with LinqAPIV3() as linq:
                    parts = [{"type": "text", "value": "hello"}]
                    linq.chats.create(
                        from_="+15550100000", to=["+15550100123"], message={"parts": parts}
                    )
                (accepted,) = linq_simulator.accepted
                assert accepted.service == "SMS"
                assert accepted.chat_id == "aebc7dd7-78b3-4106-8ffa-6b852d7bd52d"  # Of seed 7.

            def test_afterwards():
                assert "LINQ_API_V3_BASE_URL" not in os.environ
                assert "LINQ_API_V3_API_KEY" not in os.environ
                assert "LINQ_WEBHOOK_SECRET" not in os.environ
        """)
        run(outcomes={"passed": 2})

    def test_event_and_clock(
        self, pytester: pytest.Pytester, run: Callable[..., list[str]]
    ) -> None:
        """Events are of the version and the secret wished for, and the clock moves when told."""
        pytester.makepyfile("""
            import json
            import os
            import pytest
            from linq_otel.errors import SignatureError
            from linq_otel.webhooks import WebhookReceiver

            SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0"

            @pytest.mark.linq(secret=SECRET, version="2025-01-01", start=1_790_000_000.0)
            def test_event(linq_event, linq_clock):
                assert (linq_event.secret, os.environ["LINQ_WEBHOOK_SECRET"]) == (SECRET, SECRET)
                receiver = WebhookReceiver(clock=linq_clock)
                delivery = linq_event("message.sent", signed_at=linq_clock())
                assert receiver.accept(*delivery).webhook_version == "2025-01-01"
                linq_clock.advance(600)
                with pytest.raises(SignatureError):
                    receiver.accept(*delivery)

            def test_secret_of_the_app(monkeypatch, request):
                monkeypatch.setenv("LINQ_WEBHOOK_SECRET", SECRET + ", whsec_b3RoZXI=")
                assert request.getfixturevalue("linq_event").secret == SECRET
        """)
        run(outcomes={"passed": 2})

    def test_subscription(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """An endpoint gets the simulator's webhooks, signed with the secret it knows."""
        pytester.makepyfile("""
            import threading
            from http.server import BaseHTTPRequestHandler, HTTPServer
            import pytest
            import shop
            from linq_otel.testing.spans import assert_one_trace

            class Handler(BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    shop.take_webhook(self.headers.items(), body)
                    self.send_response(204)
                    self.end_headers()

                def log_message(self, *args):
                    pass

            @pytest.mark.linq(scenario="read")
            def test_life(linq_simulator, linq_event, linq_spans):
                with HTTPServer(("127.0.0.1", 0), Handler) as server:
                    threading.Thread(target=server.serve_forever).start()
                    url = f"http://127.0.0.1:{server.server_port}/"
                    events = ("message.sent", "message.delivered", "message.read")
                    linq_simulator.subscribe(url, events, signing_secret=linq_event.secret)
                    message_id = shop.place_order()
                    linq_simulator.wait_until_idle()
                    server.shutdown()
                spans = linq_spans.of_message(message_id)
                assert_one_trace(spans, "linq message\\n  message read\\n  ...\\n...")
                assert [one.status for one in linq_simulator.deliveries] == [204, 204, 204]
        """)
        run(outcomes={"passed": 1})

    def test_asyncio(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """In a coroutine, what blocks is waited for in a thread."""
        pytester.makepyfile("""
            import asyncio
            from linq import AsyncLinqAPIV3

            def test_order(linq_simulator, linq_spans):
                async def place_order():
                    async with AsyncLinqAPIV3() as linq:
                        parts = [{"type": "text", "value": "hello"}]
                        answer = await linq.chats.create(
                            from_="+15550100000", to=["+15550100123"], message={"parts": parts}
                        )
                    await asyncio.to_thread(linq_simulator.wait_until_idle)
                    return await asyncio.to_thread(linq_spans.of_message, answer.chat.message.id)

                names = [span.name for span in asyncio.run(place_order())]
                assert sorted(names) == [
                    "POST /v3/chats", "linq chats.create", "linq message", "message accepted"
                ]
        """)
        run(outcomes={"passed": 1})

    def test_provider_of_the_app(
        self, pytester: pytest.Pytester, run: Callable[..., list[str]]
    ) -> None:
        """An app that has a provider is looked at there; one that hands it around says which."""
        pytester.makepyfile(
            test_global="""
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider

            provider = TracerProvider(shutdown_on_exit=False)
            trace.set_tracer_provider(provider)

            def test_global(linq_spans):
                trace.get_tracer("shop").start_span("own").end()
                assert linq_spans.tracer_provider is provider
                assert linq_spans.tree() == "own [INTERNAL]"
            """,
            test_given="""
            import pytest
            from opentelemetry.sdk.trace import TracerProvider

            @pytest.fixture
            def linq_tracer_provider():
                return TracerProvider(shutdown_on_exit=False)

            def test_given(linq_spans, linq_tracer_provider):
                linq_tracer_provider.get_tracer("shop").start_span("own").end()
                assert linq_spans.tree() == "own [INTERNAL]"
            """,
        )
        run(outcomes={"passed": 2})


class TestFailures:
    def test_is_drawn(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """A failure shows both trees, and no line of the library."""
        pytester.makepyfile("""
            import shop
            from linq_otel.testing.spans import assert_one_trace

            def test_order(linq_simulator, linq_event, linq_spans):
                message_id = shop.place_order()
                shop.take_webhook(*linq_event("message.delivered", message_id=message_id))
                assert_one_trace(linq_spans.of_message(message_id), '''
                    place order
                      linq chats.create
                        POST /v3/chats
                    linq message
                      message accepted
                      message read
                      process message.delivered
                ''')
        """)
        lines = run(outcomes={"failed": 1})
        told = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
        assert "\n".join(told) == EXPECTED_FAILURE
        assert [line for line in lines if re.search(r"linq_otel/testing/.*:\d+:", line)] == []

    @pytest.mark.slow
    def test_mark_is_wrong(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """What the mark says in vain is an error, and not passed over."""
        pytester.makepyfile("""
            import pytest

            @pytest.mark.linq("read")
            def test_positional(linq_simulator): ...

            @pytest.mark.linq(scenarios="read")
            def test_slip(linq_simulator): ...

            @pytest.mark.linq(joins="app")
            def test_option(linq_spans): ...
        """)
        lines = run(outcomes={"errors": 3})
        assert "the mark linq takes keywords only, such as scenario='read'" in lines
        assert "the mark linq says scenarios, which is nothing without linq_spans" in lines
        assert any("unknown option 'joins'; the options are" in line for line in lines)


EXPECTED_FAILURE = """\
AssertionError: the trace is not as expected: 3 lines differ \
(- is missing, + was not expected, ! is another)

expected                      actual
---------------------------   ---------------------------
place order                   place order
linq chats.create             linq chats.create
POST /v3/chats                POST /v3/chats
linq message                  linq message
message accepted              message accepted
message read              -
process message.delivered     process message.delivered
+     update order [INTERNAL]
+   message delivered [INTERNAL]"""


class TestBystanders:
    def test_nothing_is_loaded(
        self, pytester: pytest.Pytester, run: Callable[..., list[str]]
    ) -> None:
        """A suite that wants nothing of it gets nothing: no import, no thread, no variable."""
        pytester.makepyfile("""
            import sys
            import threading

            def test_nothing(pytestconfig):
                assert pytestconfig.pluginmanager.is_registered(
                    sys.modules["linq_otel.testing.pytest_plugin"]
                )
                ours = sorted(name for name in sys.modules if name.startswith("linq_otel"))
                assert ours == [
                    "linq_otel",
                    "linq_otel._version",
                    "linq_otel.testing",
                    "linq_otel.testing.pytest_plugin",
                ]
                loaded = {name.partition(".")[0] for name in sys.modules}
                assert loaded & {"opentelemetry", "linq", "httpx", "rich", "typer"} == set()
                assert threading.active_count() == 1
        """)
        # A plugin of another package may load more, and a watchdog be a thread.
        run("-p", "no:timeout", "-p", "no:anyio", "--strict-markers", outcomes={"passed": 1})

    @pytest.mark.slow
    def test_without_linq_sdk(
        self, pytester: pytest.Pytester, run: Callable[..., list[str]]
    ) -> None:
        """No package of an extra is needed, nor Linq's SDK."""
        pytester.makeconftest("""
            import sys

            for name in ("linq", "fastapi", "starlette", "httpx", "rich", "typer", "redis"):
                sys.modules[name] = None
        """)
        pytester.makepyfile("""
            import json
            import urllib.request
            from linq_otel.webhooks import WebhookReceiver

            def test_send(linq_simulator, linq_event, linq_spans):
                parts = [{"type": "text", "value": "hello"}]
                people = {"from": "+15550100000", "to": ["+15550100123"]}
                asked = {**people, "message": {"parts": parts}}
                request = urllib.request.Request(
                    f"{linq_simulator.base_url}/v3/chats",
                    json.dumps(asked).encode(),
                    {
                        "Authorization": f"Bearer {linq_simulator.api_key}",
                        "Content-Type": "application/json",
                    },
                )
                with urllib.request.urlopen(request) as answer:
                    message_id = json.load(answer)["chat"]["message"]["id"]
                delivery = linq_event("message.delivered", message_id=message_id)
                with WebhookReceiver().process(*delivery):
                    pass
                assert [span.name for span in linq_spans.of_message(message_id)][:2] == [
                    "linq chats.create", "linq message"
                ]
        """)
        run(outcomes={"passed": 1})

    @pytest.mark.slow
    def test_entry_point(self, pytester: pytest.Pytester, run: Callable[..., list[str]]) -> None:
        """Where it is installed pytest finds it; switched off, it is not even loaded."""
        installed = pytester.mkdir("kit-1.0.dist-info")
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: kit\nVersion: 1.0\n")
        entry_point = f"[pytest11]\nlinq_otel = {MODULE}\n"
        (installed / "entry_points.txt").write_text(entry_point)
        pytester.makepyfile("""
            import sys

            def test_plugin(pytestconfig):
                is_on = pytestconfig.pluginmanager.has_plugin("linq_otel")
                assert is_on == ("linq_otel.testing.pytest_plugin" in sys.modules)
                assert is_on == ("no:linq_otel" not in pytestconfig.option.plugins)
        """)
        run(outcomes={"passed": 1}, plugin=False)
        run("-p", "no:linq_otel", outcomes={"passed": 1}, plugin=False)

    @pytest.mark.slow
    def test_is_explained(self, run: Callable[..., list[str]]) -> None:
        """``--markers`` and ``--fixtures`` tell of it."""
        marks = run("--markers", outcomes=None)
        assert any(line.startswith("@pytest.mark.linq(scenario=") for line in marks)
        told = run("--fixtures", outcomes=None)
        fixtures = {line.split()[0] for line in told if line.startswith("linq_")}
        assert fixtures == {
            "linq_clock",
            "linq_event",
            "linq_ids",
            "linq_simulator",
            "linq_spans",
            "linq_tracer_provider",
        }
