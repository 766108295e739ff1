"""
The script: what a send is answered, what becomes of the message, and that it repeats.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import linq as sdk
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from linq_otel._times import parse_time_ns
from linq_otel.testing import SCENARIOS, Answer, LinqSimulator, Scenario, Step
from linq_otel.testing.__main__ import _open_simulator, _parse_options, _subscribe
from linq_otel.testing.__main__ import main as run_process
from linq_otel.testing._webhooks._subscriptions import Subscriptions
from support.timing import timed


if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Endpoint


TEXT = {"parts": [{"type": "text", "value": "hello"}]}
KEYED = {**TEXT, "idempotency_key": "order-1"}
LINE = "+15550100000"


def send(client: sdk.LinqAPIV3, message: Any = TEXT, to: str = "+15550100") -> str:
    """
    Send one message, and return its id.
    """
    return client.chats.create(from_=LINE, to=[to], message=message).chat.message.id


def told(endpoint: Endpoint) -> list[str]:
    """
    The message events in the order they arrived.
    """
    names = (json.loads(body)["event_type"] for _, body in endpoint.received)
    return [name for name in names if name.startswith("message.")]


class TestSteps:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("delivered", ["message.sent", "message.delivered"]),
            ("read", ["message.sent", "message.delivered", "message.read"]),
            ("late-read", ["message.sent", "message.delivered", "message.read"]),
            ("failed", ["message.sent", "message.failed"]),
            ("failed-then-delivered", ["message.sent", "message.failed", "message.delivered"]),
            ("sms", ["message.sent"]),
            ("overtaking", ["message.sent", "message.delivered", "message.read"]),
            ("differing-trace-ids", ["message.sent", "message.delivered", "message.read"]),
            ("rate-limited", ["message.sent", "message.delivered"]),
            ("conflict-then-success", ["message.sent", "message.delivered"]),
            ("server-error-then-success", ["message.sent", "message.delivered"]),
        ],
    )
    def test_what_becomes_of_a_message(
        self,
        linq: LinqSimulator,
        client: sdk.LinqAPIV3,
        endpoint: Endpoint,
        name: str,
        expected: list[str],
    ) -> None:
        """
        Each scenario tells its events, once and in order.
        """
        linq.subscribe(endpoint.url)
        linq.script(name)
        message_id = send(client)
        linq.wait_until_idle()
        assert told(endpoint) == expected
        assert [accepted.message_id for accepted in linq.accepted] == [message_id]

    def test_groups_get_no_receipts(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        In a group nothing is told after ``message.sent``.
        """
        linq.subscribe(endpoint.url)
        client.chats.create(from_=LINE, to=["+15550100", "+15550101"], message=TEXT)
        linq.wait_until_idle()
        assert told(endpoint) == ["message.sent"]

    def test_late_read_says_so(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        Three hours pass in the payload and none in the test; the API agrees.
        """
        linq.subscribe(endpoint.url, events=("message.read",))
        linq.script("late-read")
        message_id = send(client)
        linq.wait_until_idle()
        data = json.loads(endpoint.received[0][1])["data"]
        found = client.messages.retrieve(message_id)
        assert found.read_at is not None
        assert (found.read_at - found.created_at).total_seconds() == 10800
        assert (found.delivery_status, found.is_read) == ("read", True)
        assert data["read_at"][:26] + "Z" == found.read_at.isoformat()[:26] + "Z"

    @pytest.mark.parametrize("name", ["read", "out-of-order", "overtaking"])
    def test_nothing_is_dated_ahead(
        self, connect: Callable[..., sdk.LinqAPIV3], endpoint: Endpoint, name: str
    ) -> None:
        """
        At speed 200 a webhook is dated when it happens, and never after it came.
        """
        with LinqSimulator(seed=7, speed=200, scenario=name) as linq:
            linq.subscribe(endpoint.url)
            client = connect(linq)
            time.sleep(0.05)  # Which would be ten seconds of a clock that ran ahead.
            message_id = send(client)
            linq.wait_until_idle()
            now = time.time()
            found = client.messages.retrieve(message_id)
            assert [d.status for d in linq.deliveries] == [200] * 4
            ahead = [
                (parse_time_ns(json.loads(one.body)["created_at"]) or 0) / 1e9 - one.at
                for one in linq.deliveries
            ]
        # A signature has no milliseconds, and a timer comes a little late.
        assert max(ahead) < 0.01
        assert found.read_at is not None
        assert found.read_at.timestamp() <= now

    def test_simulated_seconds_take_their_share(
        self, connect: Callable[..., sdk.LinqAPIV3], endpoint: Endpoint
    ) -> None:
        """
        At speed 100 a step after 10 s comes after 0.1 s, not sooner.
        """
        with LinqSimulator(speed=100) as linq:
            linq.subscribe(endpoint.url)
            linq.script(Scenario(steps=(Step("message.sent", 10),)))
            send(connect(linq))
            with pytest.raises(TimeoutError):
                linq.wait_until_idle(0.03)
            linq.wait_until_idle()
        assert told(endpoint) == ["message.sent"]

    def test_duplicates(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        Each of three events comes three times with one body.
        """
        linq.subscribe(endpoint.url)
        linq.script("duplicates")
        send(client)
        linq.wait_until_idle()
        bodies = [b for h, b in endpoint.received if h["x-webhook-event"].startswith("message.")]
        assert sorted(bodies.count(body) for body in set(bodies)) == [3, 3, 3]

    def test_out_of_order(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        They arrive in another order than they happened, each with its true times.
        """
        linq.subscribe(endpoint.url, events=("message.sent", "message.delivered", "message.read"))
        linq.script("out-of-order")
        send(client)
        linq.wait_until_idle()
        times = [json.loads(body)["created_at"] for _, body in endpoint.received]
        assert len(times) == 3
        assert times != sorted(times)

    def test_the_rest_follows_what_overtakes(
        self,
        linq: LinqSimulator,
        client: sdk.LinqAPIV3,
        endpoint: Endpoint,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """
        However long the first webhook takes to leave, the others come after it.
        """
        tell = Subscriptions.tell

        def tell_slowly(self: Any, event: Any, *args: Any, now: bool = False) -> None:
            time.sleep(0.1 if now else 0.0)
            tell(self, event, *args, now=now)

        monkeypatch.setattr(Subscriptions, "tell", tell_slowly)
        linq.subscribe(endpoint.url)
        linq.script("overtaking")
        send(client)
        linq.wait_until_idle()
        assert told(endpoint) == ["message.sent", "message.delivered", "message.read"]

    def test_overtaking(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        The webhook is delivered, slow as its endpoint is, before the send is answered.
        """
        linq.subscribe(endpoint.url, events=("message.sent",))
        endpoint.is_slow = True
        timer = threading.Timer(0.1, endpoint.release.set)
        timer.start()
        linq.script("overtaking")
        message_id = send(client)
        timer.join()
        delivered = [(json.loads(d.body)["data"]["id"], d.status) for d in linq.deliveries]
        assert delivered == [(message_id, 200)]

    def test_a_head_start(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        The webhook leaves first, and the answer follows while its endpoint is at work.
        """
        linq.subscribe(endpoint.url, events=("message.sent",))
        endpoint.is_slow = True
        linq.script(Scenario(overtake=True, head_start=0.1))
        with timed() as timing:
            send(client)
        under_way = (len(endpoint.received), linq.deliveries)
        endpoint.release.set()
        linq.wait_until_idle()
        assert under_way == (1, ())
        assert [delivery.status for delivery in linq.deliveries] == [200]
        assert timing.seconds >= 0.1
        assert timing.net < 5

    def test_differing_trace_ids(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        No event carries the send's trace id, nor another's.
        """
        linq.subscribe(endpoint.url, events=("message.sent", "message.delivered", "message.read"))
        linq.script("differing-trace-ids")
        send(client)
        linq.wait_until_idle()
        ids = {json.loads(body)["trace_id"] for _, body in endpoint.received}
        assert len(ids | {linq.accepted[0].linq_trace_id}) == 4

    def test_malformed_trace_ids(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint
    ) -> None:
        """
        Three shapes in turn, the same in the answer and in its events.
        """
        linq.subscribe(endpoint.url, events=("message.sent",))
        linq.script("malformed-trace-ids", times=3)
        for _ in range(3):
            send(client)
        linq.wait_until_idle()
        said = [accepted.linq_trace_id for accepted in linq.accepted]
        shapes = (r"trace_[0-9a-f]{12}", r"[0-9a-f]{12}", r"[0-9a-f]{14}g[0-9a-f]{17}")
        assert all(re.fullmatch(*pair) for pair in zip(shapes, said, strict=True))
        assert {json.loads(body)["trace_id"] for _, body in endpoint.received} == set(said)
        assert [request.linq_trace_id for request in linq.requests] == said

    def test_forged(self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint) -> None:
        """
        Each true event comes after one that does not verify.
        """
        subscription = linq.subscribe(endpoint.url, events=("message.sent", "message.delivered"))
        linq.script("forged")
        send(client)
        linq.wait_until_idle()

        def is_true(headers: dict[str, str], body: bytes) -> bool:
            try:
                Webhook(subscription.signing_secret).verify(body, headers)
            except WebhookVerificationError:
                return False
            return True

        assert [is_true(*one) for one in endpoint.received] == [False, True, False, True]


class TestAnswers:
    @pytest.mark.parametrize("name", ["lost-answer", "timeout-accepted"])
    def test_unheard_acceptance_sends_twice(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3], name: str
    ) -> None:
        """
        The SDK tries again without a key: two messages.
        """
        linq.script(name)
        send(connect(linq, timeout=0.3))
        assert [request.status for request in linq.requests] == [None, 201]
        assert len({accepted.message_id for accepted in linq.accepted}) == 2

    @pytest.mark.parametrize("name", ["lost-answer", "timeout-accepted"])
    def test_a_key_keeps_it_to_one(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3], name: str
    ) -> None:
        """
        With a key: one message, whose answer comes under a trace id of its own.
        """
        linq.script(name)
        message_id = send(connect(linq, timeout=0.3), KEYED)
        first, second = linq.requests
        assert [(a.message_id, a.linq_trace_id) for a in linq.accepted] == [
            (message_id, first.linq_trace_id)
        ]
        assert first.linq_trace_id != second.linq_trace_id

    def test_answers_by_attempt(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        One answer per wire attempt, then a normal one; the next send starts over.
        """
        answers = (Answer(drop=True, accept=False), Answer(429, retry_after=1))
        linq.script(Scenario(answers=answers))
        send(client)
        send(client)
        assert [request.status for request in linq.requests] == [None, 429, 201, 201]
        assert len(linq.accepted) == 2

    def test_a_client_without_attempt_numbers(self, linq: LinqSimulator) -> None:
        """
        The same request made again is the next attempt.
        """
        linq.script("server-error-then-success")
        body = {"to": ["+15550100"], "message": TEXT}
        headers = {"Authorization": f"Bearer {linq.api_key}"}
        url = f"{linq.base_url}/v3/messages"
        answers = [httpx.post(url, json=body, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 202, 202]

    def test_rate_limit(self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """
        ``Retry-After`` and ``retry_after`` say the same.
        """
        linq.script("rate-limited")
        with pytest.raises(sdk.RateLimitError) as caught:
            send(connect(linq, max_retries=0))
        error = caught.value
        assert (error.code, error.retry_after) == (1007, 1)
        assert error.response.headers["retry-after"] == "1"
        assert error.response.headers["x-trace-id"] == error.response.json()["trace_id"]

    @pytest.mark.parametrize("key", [None, "order-1"])
    def test_a_failure_of_what_was_taken_on(
        self, linq: LinqSimulator, client: sdk.LinqAPIV3, endpoint: Endpoint, key: str | None
    ) -> None:
        """
        The client hears of a failure, tries again, and has sent twice unless it had a key.
        """
        linq.subscribe(endpoint.url, events=("message.sent",))
        linq.script(Scenario(answers=(Answer(503, accept=True),)))
        message_id = send(client, KEYED if key else TEXT)
        linq.wait_until_idle()
        assert [request.status for request in linq.requests] == [503, 201]
        assert [accepted.idempotency_key for accepted in linq.accepted] == [key] * (1 if key else 2)
        assert linq.accepted[-1].message_id == message_id
        assert told(endpoint) == ["message.sent"] * len(linq.accepted)

    def test_a_proxy_in_front(
        self, linq: LinqSimulator, connect: Callable[..., sdk.LinqAPIV3]
    ) -> None:
        """
        An answer may be HTML.
        """
        linq.script(Scenario(answers=(Answer(502, text="<h1>Bad gateway</h1>"),)))
        with pytest.raises(sdk.InternalServerError) as caught:
            send(connect(linq, max_retries=0))
        assert caught.value.response.text == "<h1>Bad gateway</h1>"

    def test_a_script_for_one_handle(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        It waits for sends to that handle, and comes before what all others get.
        """
        linq.script(Scenario(answers=(Answer(503),)), to="+15550101")
        linq.script(Scenario(answers=(Answer(502),)))
        for to in ("+15550100", "+15550101", "+15550101"):
            send(client, to=to)
        assert [request.status for request in linq.requests] == [502, 201, 503, 201, 201]

    def test_a_script_for_one_handle_ends(self, linq: LinqSimulator) -> None:
        """
        For all from now on there is no script for one handle.
        """
        with pytest.raises(ValueError, match="needs a number of times"):
            linq.script("read", None, to="+15550101")

    def test_unknown_scenario(self, linq: LinqSimulator) -> None:
        """
        A name that is none is an error that lists those there are.
        """
        with pytest.raises(ValueError, match="there are: delivered, read"):
            linq.script("sunshine")


class TestIdempotency:
    def test_the_original_answer(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        A repeated key answers what it answered, and accepts nothing.
        """
        chat = client.chats.create(from_=LINE, to=["+15550100"], message=KEYED)
        again = client.chats.create(from_=LINE, to=["+15550100"], message=KEYED)
        assert chat == again
        assert [accepted.idempotency_key for accepted in linq.accepted] == ["order-1"]

    def test_the_header(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        ``POST /v3/messages`` and ``/v3/payment_requests`` heed the header.
        """
        one, two = (
            client.messages.create(to=["+15550100"], message=TEXT, idempotency_key="h1")
            for _ in range(2)
        )
        bill, same = (
            client.payment_requests.create(amount=5, currency="usd", idempotency_key="h2")
            for _ in range(2)
        )
        assert (one, bill) == (two, same)
        assert [accepted.idempotency_key for accepted in linq.accepted] == ["h1"]

    def test_a_deleted_message(self, linq: LinqSimulator, client: sdk.LinqAPIV3) -> None:
        """
        Its key answers 404.
        """
        client.messages.delete(send(client, KEYED))
        with pytest.raises(sdk.NotFoundError) as caught:
            send(client, KEYED)
        assert caught.value.code == 2002


class TestDeterminism:
    def test_two_runs(self, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """
        The same seed and requests give the same ids, trace ids, secrets and retries.
        """
        assert self.run(connect, 7) == self.run(connect, 7)
        assert self.run(connect, 7) != self.run(connect, 8)

    def run(self, connect: Callable[..., sdk.LinqAPIV3], seed: int) -> list[object]:
        """
        Play some scenarios to an endpoint nobody listens at.
        """
        with LinqSimulator(seed=seed, speed=0, start=1e9) as linq:
            subscription = linq.subscribe("http://127.0.0.1:1/")
            client = connect(linq)
            for name in (
                "read",
                "out-of-order",
                "differing-trace-ids",
                "server-error-then-success",
            ):
                linq.script(name)
                send(client)
            linq.receive()
            linq.wait_until_idle()
            return [
                linq.api_key,
                subscription.signing_secret,
                [(a.message_id, a.chat_id, a.linq_trace_id) for a in linq.accepted],
                [r.linq_trace_id for r in linq.requests],
                sorted((d.event_type, d.event_id, d.attempt) for d in linq.deliveries),
            ]

    def test_ids_do_not_depend_on_threads(self, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """
        Sent in parallel or one by one, a keyed message has its id.
        """

        def run(*, parallel: bool) -> set[tuple[str | None, str, str]]:
            with LinqSimulator(seed=7, speed=0) as linq:
                client = connect(linq)
                threads = [
                    threading.Thread(
                        target=send,
                        args=(client, {**TEXT, "idempotency_key": f"k{n}"}, f"+1555010{n:02}"),
                    )
                    for n in range(20)
                ]
                for thread in threads:
                    thread.start()
                    if not parallel:
                        thread.join()
                for thread in threads:
                    thread.join()
                return {(a.idempotency_key, a.message_id, a.linq_trace_id) for a in linq.accepted}

        assert run(parallel=True) == run(parallel=False)


class TestProcess:
    @pytest.mark.parametrize("ending", ["terminate", "pipe"])
    def test_on_its_own(self, ending: str) -> None:
        """
        It says where it is, answers, and goes when told to or when its parent is gone.
        """
        command = [sys.executable, "-m", "linq_otel.testing", "--seed", "7", "--speed", "100"]
        with subprocess.Popen(
            [*command, "--scenario", "read", "--subscribe", "http://127.0.0.1:1/"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            headers = {"Authorization": f"Bearer {ready['api_key']}"}
            status = httpx.get(f"{ready['base_url']}/v3/chats", headers=headers).status_code
            process.terminate() if ending == "terminate" else process.stdin.close()
            code = process.wait(10)
        assert (status, code) == (200, 0)
        assert [one["target_url"] for one in ready["subscriptions"]] == ["http://127.0.0.1:1/"]

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                ["--subscribe", "localhost:8000/x?token=1"],
                (
                    "--subscribe 'localhost:8000/x': target_url must be an absolute URL, with "
                    "http:// or https://; did you mean 'http://localhost:8000/x'?"
                ),
            ),
            (
                ["--subscribe", "http://h/?version=1"],
                "--subscribe 'http://h/': Unknown webhook version '1'",
            ),
            (
                ["--subscribe", "http://h/", "--subscribe", "http://h/"],
                "--subscribe 'http://h/': A subscription with this target_url already exists",
            ),
            (
                ["--host", "0.0.0.0"],  # noqa: S104 - refused
                "the simulator listens on loopback only, not on '0.0.0.0'",
            ),
            (["--port", "99999"], "bind(): port must be 0-65535."),
        ],
    )
    def test_misuse(
        self, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
    ) -> None:
        """
        An option that cannot be used is said in one line, and nothing is left listening.
        """
        assert run_process(arguments) == 2
        assert capsys.readouterr() == ("", f"python -m linq_otel.testing: {said}\n")

    def test_port_in_use(self, linq: LinqSimulator, capsys: pytest.CaptureFixture[str]) -> None:
        """
        A port that is taken is said so.
        """
        port = str(urlsplit(linq.base_url).port)
        assert run_process(["--port", port]) == 2
        assert capsys.readouterr().err == (
            f"python -m linq_otel.testing: cannot listen on 127.0.0.1:{port}: "
            "Address already in use\n"
        )

    def test_ids_are_new(self, connect: Callable[..., sdk.LinqAPIV3]) -> None:
        """
        Two runs have other ids and the same key and secret, unless a seed is asked for.
        """

        def run(seed: int | None) -> tuple[str, str, str]:
            options = _parse_options([] if seed is None else ["--seed", str(seed)])
            with _open_simulator(options) as linq:
                secret = _subscribe(linq, "http://127.0.0.1:1/", seed).signing_secret
                return send(connect(linq)), linq.api_key, secret

        fresh, again, asked, asked_again = run(None), run(None), run(7), run(7)
        assert fresh[0] != again[0]
        assert fresh[1:] == again[1:]
        assert asked == asked_again


class TestIndependence:
    def test_neither_sdk_is_imported(self) -> None:
        """
        The simulator knows neither OpenTelemetry nor Linq's client.
        """
        check = (
            "import sys; import linq_otel.testing; "
            "sys.exit(' '.join(m for m in sys.modules if m.partition('.')[0] in "
            "{'linq', 'opentelemetry', 'httpx'}) or 0)"
        )
        done = subprocess.run(
            [sys.executable, "-c", check], capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.stderr.strip(), done.returncode) == ("", 0)

    def test_all_scenarios_are_named_after_themselves(self) -> None:
        """
        A scenario is found by its name.
        """
        assert {name: scenario.name for name, scenario in SCENARIOS.items()} == {
            name: name for name in SCENARIOS
        }
