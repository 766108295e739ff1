from __future__ import annotations

import email
import http.client
import io
import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from starlette.datastructures import Headers as StarletteHeaders
from starlette.datastructures import MutableHeaders

from linq_otel import instrument
from linq_otel.errors import ConfigurationError, SignatureError, WebhookError
from linq_otel.webhooks import WebhookReceiver
from linq_otel.webhooks._signatures import LinqHeaders, Verifier
from support import payloads as p


BODY = p.body_of("message.delivered")
NOW = float(p.SIGNED_AT)


def verify(headers: Any, body: bytes = BODY, *secrets: str, now: float = NOW) -> None:
    Verifier(secrets or (p.SECRET,), clock=lambda: now).verify(LinqHeaders.of(headers), body)


def reason_of(headers: Any, body: bytes = BODY, *secrets: str, now: float = NOW) -> str:
    with pytest.raises(SignatureError) as caught:
        verify(headers, body, *secrets, now=now)
    return caught.value.reason


class TestStandardScheme:
    def test_a_good_signature_verifies(self) -> None:
        """What Standard Webhooks describes is accepted."""
        verify(p.standard_headers(BODY))

    def test_the_reference_implementation_agrees(self) -> None:
        """A signature made by ``standardwebhooks`` itself is accepted."""
        from datetime import datetime, timezone  # noqa: PLC0415

        moment = datetime.fromtimestamp(p.SIGNED_AT, tz=timezone.utc)
        signature = Webhook(p.SECRET).sign(p.EVENT_ID, moment, BODY.decode())
        assert signature == p.standard_headers(BODY)["webhook-signature"]
        verify({**p.standard_headers(BODY), "webhook-signature": signature})

    @pytest.mark.parametrize("place", [0, 1, 4])
    def test_one_good_signature_among_several_is_enough(self, place: int) -> None:
        """Several signatures stand in one header while Linq rotates its keys."""
        others = [p.standard_signature(BODY, p.OTHER_SECRET), "v1a,ed25519", "v2,x", "nonsense"]
        others.insert(place, p.standard_signature(BODY))
        verify({**p.standard_headers(BODY), "webhook-signature": " ".join(others)})

    def test_signatures_of_a_repeated_header_are_put_together(self) -> None:
        """Either of two signature headers may hold the good one."""
        good = p.standard_headers(BODY)
        bad = ("Webhook-Signature", p.standard_signature(BODY, p.OTHER_SECRET))
        verify([bad, *good.items()])
        verify([*good.items(), bad])

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            " ",
            ",",
            "v1",
            "v1,",
            "no comma at all",
            "v1,not base64 %%%",
            "v1," + "A" * 43 + "=",
            "v2," + p.standard_signature(BODY).removeprefix("v1,"),
            p.standard_signature(BODY).removeprefix("v1,"),
            p.standard_signature(BODY, p.OTHER_SECRET),
            p.standard_signature(BODY + b" "),
            p.standard_signature(BODY, event_id="another"),
            p.standard_signature(BODY, stamp=str(p.SIGNED_AT + 1)),
            "v1,\x00\x7f",
            "v1,é",
            "v1,\ud800",
        ],
    )
    def test_any_other_signature_is_refused(self, signature: str) -> None:
        """A signature of something else, or of no known form, is refused by our own error."""
        headers = {**p.standard_headers(BODY), "webhook-signature": signature}
        assert reason_of(headers) in {"signature", "headers"}

    @pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_a_missing_header_is_named_as_the_reason(self, missing: str) -> None:
        """Each of the three headers is needed."""
        headers = p.standard_headers(BODY)
        del headers[missing]
        assert reason_of(headers) == "headers"

    def test_a_body_that_is_no_text_is_refused(self) -> None:
        """Linq signs text; bytes that are none cannot be what it signed."""
        body = b"\xff\xfe"
        assert reason_of(p.standard_headers(body), body) == "signature"


class TestLegacyScheme:
    def test_a_good_signature_verifies(self) -> None:
        """The older scheme keys with the whole secret, ``whsec_`` included."""
        verify(p.legacy_headers(BODY))

    def test_a_prefix_and_capitals_are_allowed(self) -> None:
        """Some senders write ``sha256=`` and hexadecimal capitals."""
        headers = p.legacy_headers(BODY)
        headers["X-Webhook-Signature"] = "sha256=" + headers["X-Webhook-Signature"].upper()
        verify(headers)

    def test_a_body_of_any_bytes_verifies(self) -> None:
        """The older scheme signs bytes, so they need not be text."""
        body = b"\xff\xfe"
        verify(p.legacy_headers(body), body)

    @pytest.mark.parametrize("signature", ["00", "zz", "é", "\ud800", "sha256=", "v1,abc"])
    def test_any_other_signature_is_refused(self, signature: str) -> None:
        """What is no HMAC of the body is refused."""
        headers = {**p.legacy_headers(BODY), "X-Webhook-Signature": signature}
        assert reason_of(headers) in {"signature", "headers"}

    def test_a_missing_timestamp_is_named_as_the_reason(self) -> None:
        """Without a timestamp a delivery could be played back for ever."""
        headers = p.legacy_headers(BODY)
        del headers["X-Webhook-Timestamp"]
        assert reason_of(headers) == "headers"

    def test_it_does_not_stand_in_for_a_bad_standard_signature(self) -> None:
        """Where both schemes are there, the newer one decides."""
        headers = p.headers_of(BODY) | {"webhook-signature": "v1,bad"}
        assert reason_of(headers) == "signature"


class TestTolerance:
    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    @pytest.mark.parametrize("now", [NOW, NOW - 300, NOW + 300, NOW + 299.999])
    def test_five_minutes_either_way_are_inside(self, make: Any, now: float) -> None:
        """The boundary itself is inside."""
        verify(make(BODY), now=now)

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    @pytest.mark.parametrize("now", [NOW - 300.001, NOW + 300.001, 0.0, NOW + 1e9])
    def test_more_is_outside(self, make: Any, now: float) -> None:
        """A delivery from further off is refused for its timestamp."""
        assert reason_of(make(BODY), now=now) == "timestamp"

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    @pytest.mark.parametrize(("offset", "way"), [(600, "before"), (-600, "after")])
    def test_a_good_signature_suspects_the_clock(self, make: Any, offset: int, way: str) -> None:
        """Linq has signed it: a stranger could not make us doubt our clock."""
        with pytest.raises(SignatureError) as caught:
            verify(make(BODY), now=NOW + offset)
        assert str(caught.value) == (
            f"the timestamp is outside the tolerance of 300 s: signed by Linq 600 s {way} the "
            "time that this host's clock shows; is the clock right? "
            "(linq-otel doctor --clock https://api.linqapp.com)"
        )

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    def test_a_bad_signature_suspects_nothing(self, make: Any) -> None:
        """An old delivery without a good signature says nothing about our clock."""
        with pytest.raises(SignatureError) as caught:
            verify(make(BODY, p.OTHER_SECRET), now=NOW + 600)
        assert str(caught.value) == "the timestamp is outside the tolerance"
        assert caught.value.reason == "timestamp"

    def test_no_tolerance_is_none(self) -> None:
        """What is no number of seconds would let everything in."""
        for tolerance in (float("nan"), -1, "300", True):
            with pytest.raises(ConfigurationError, match="tolerance must be a number of seconds"):
                WebhookReceiver(p.SECRET, tolerance=cast("float", tolerance))

    @pytest.mark.parametrize("scheme", ["standard", "legacy"])
    @pytest.mark.parametrize(
        "stamp",
        ["", "now", "-1", "1e9", "\uff11\uff17", "1790000100.5", " 1790000100", "9" * 12, "\u0663"],
    )
    def test_what_is_no_time_in_seconds_is_refused(self, scheme: str, stamp: str) -> None:
        """Only digits are a timestamp, and not too many of them."""
        headers = p.standard_headers(BODY) if scheme == "standard" else p.legacy_headers(BODY)
        name = "webhook-timestamp" if scheme == "standard" else "X-Webhook-Timestamp"
        assert reason_of({**headers, name: stamp}) == "headers"

    def test_a_receiver_can_be_given_another_tolerance(self) -> None:
        """The tolerance is the receiver's to choose, both narrower and without end."""
        strict = WebhookReceiver(p.SECRET, tolerance=1, clock=lambda: NOW + 2)
        with pytest.raises(SignatureError, match="tolerance"):
            strict.accept(p.headers_of(BODY), BODY)
        endless = WebhookReceiver(p.SECRET, tolerance=float("inf"), clock=lambda: 0)
        headers = p.standard_headers(BODY, signed_at=99_999_999_999)
        assert endless.accept(headers, BODY).verified is True

    def test_the_system_clock_is_the_default(self) -> None:
        """Without a clock, a delivery signed now verifies and an old one does not."""
        receiver = WebhookReceiver(p.SECRET)
        fresh = p.headers_of(BODY, signed_at=int(time.time()))
        assert receiver.accept(fresh, BODY).verified is True
        with pytest.raises(SignatureError):
            receiver.accept(p.headers_of(BODY, signed_at=int(time.time()) - 400), BODY)


class TestSecrets:
    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    @pytest.mark.parametrize("secret", [p.SECRET, p.OTHER_SECRET])
    def test_each_of_several_secrets_verifies(self, make: Any, secret: str) -> None:
        """While a subscription is replaced, both secrets are good."""
        verify(make(BODY, secret), BODY, p.SECRET, p.OTHER_SECRET)

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    def test_a_secret_that_is_gone_no_longer_verifies(self, make: Any) -> None:
        """After the rotation the old secret is worth nothing."""
        assert reason_of(make(BODY, p.SECRET), BODY, p.OTHER_SECRET) == "signature"

    @pytest.mark.parametrize(
        ("secret", "fault"),
        [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("whsec_", "it is too short to be whole"),
            ("whsec_YWJj", "it is too short to be whole"),
            (p.SECRET[:20], "it is too short to be whole"),
            ("whsec_x", "it is not base64 behind whsec_"),
            ("whsec_é", "it is not base64 behind whsec_"),
            ("whsec_!!!!" + "A" * 24, "it is not base64 behind whsec_"),
            ("whsec_" + "_-" * 16, "it is not base64 behind whsec_"),
            ("whsec_" + p.SECRET, "it is not base64 behind whsec_"),
            ("x", "it does not begin with whsec_"),
            ("changeme", "it does not begin with whsec_"),
            ("changeme" * 4, "it does not begin with whsec_"),
            (p.SECRET.removeprefix("whsec_"), "it does not begin with whsec_"),
            (p.SECRET.upper(), "it does not begin with whsec_"),
            (f'"{p.SECRET}"', "it does not begin with whsec_"),
            ("v1", "it does not begin with whsec_"),
            (f"v1,{p.OTHER_SECRET[6:]}", "it does not begin with whsec_"),
            (f"{p.SECRET} changeme", "it does not begin with whsec_"),
            (f"{p.SECRET},v1", "it does not begin with whsec_"),
        ],
    )
    def test_a_secret_that_is_none_is_refused_at_once(
        self, monkeypatch: pytest.MonkeyPatch, secret: str, fault: str
    ) -> None:
        """In each way it may come; the error says where, and nothing of the secret."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", secret)
        ways: dict[str, Any] = {
            "secret": lambda: WebhookReceiver(secret),
            "webhook_secret": lambda: instrument(webhook_secret=secret),
            "LINQ_WEBHOOK_SECRET": instrument,
        }
        said = {}
        for name, way in ways.items() if secret.strip() else [("secret", ways["secret"])]:
            with pytest.raises(ConfigurationError) as caught:
                way()
            said[name] = str(caught.value)
        assert said == {name: f"{name} must be 'whsec_' and base64: {fault}" for name in said}

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    @pytest.mark.parametrize(
        "text",
        [
            p.SECRET + "\n",
            f" {p.SECRET}\r\n",
            f"v1,{p.SECRET}",
            f"v1,{p.OTHER_SECRET},v1,{p.SECRET}\n",
            f"{p.OTHER_SECRET} {p.SECRET}",
            f"{p.OTHER_SECRET},\t{p.SECRET},",
        ],
    )
    def test_what_stands_around_a_secret_is_no_part_of_it(self, make: Any, text: str) -> None:
        """Files end with a line break, and the scheme may stand before; both schemes agree."""
        verify(make(BODY), BODY, text)
        receiver = WebhookReceiver(text, clock=lambda: NOW)
        assert receiver.accept(make(BODY), BODY).verified is True

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers])
    def test_a_secret_without_its_padding(self, make: Any) -> None:
        """Base64 without its padding is base64, and the older scheme keys with the text."""
        secret = "whsec_" + "A" * 34
        assert reason_of(make(BODY), BODY, secret) == "signature"
        verify(make(BODY, secret + "=="), BODY, secret + "==")

    @pytest.mark.timing
    def test_a_thousand_signatures_cost_one(self) -> None:
        """A stranger cannot make us hash a long body once for each signature he sends."""
        body = b"x" * 1_000_000
        good = p.standard_headers(body)

        def refuse(signatures: int) -> float:
            headers = {**good, "webhook-signature": " ".join(["v1,"] * signatures)}
            began = time.thread_time()
            assert reason_of(headers, body) == "signature"
            return time.thread_time() - began

        one, thousand = (min(refuse(count) for _ in range(5)) for count in (1, 1000))
        assert thousand < 10 * one


RAW = "".join(f"{name}: {value}\r\n" for name, value in p.headers_of(BODY).items())
PAIRS = list(p.headers_of(BODY).items())
SHAPES: dict[str, Any] = {
    "dict": dict(PAIRS),
    "capitals": {name.upper(): value for name, value in PAIRS},
    "pairs": PAIRS,
    "iterator of pairs": lambda: iter(PAIRS),
    "asgi byte pairs": [(k.lower().encode(), v.encode()) for k, v in PAIRS],
    "bytes dict": {k.encode(): v.encode() for k, v in PAIRS},
    "email.message": email.message_from_string(RAW),
    "http.client": http.client.parse_headers(io.BytesIO(RAW.encode() + b"\r\n")),
    "starlette": StarletteHeaders(dict(PAIRS)),
    "starlette mutable": MutableHeaders(dict(PAIRS)),
    "aws lists": {name: [value] for name, value in PAIRS},
    "aws tuples": {name: (value, "other") for name, value in PAIRS},
}


class TestHeaders:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_any_framework_s_headers_are_read_alike(self, shape: str) -> None:
        """The same seven headers come out of every kind of mapping."""
        headers = SHAPES[shape]
        expected = {k.lower(): v for k, v in PAIRS if k.lower() != "content-type"}
        kept = LinqHeaders.of(headers() if callable(headers) else headers)
        if shape == "aws tuples":
            expected["webhook-signature"] += " other"
        assert kept == expected
        verify(kept)

    def test_all_signatures_of_an_aws_list_count(self) -> None:
        """API Gateway gives a repeated header as a list."""
        bad = p.standard_signature(BODY, p.OTHER_SECRET)
        headers: dict[str, Any] = dict(p.standard_headers(BODY))
        verify({**headers, "webhook-signature": [bad, headers["webhook-signature"]]})

    def test_the_first_of_a_repeated_header_counts(self) -> None:
        """A value added by somebody on the way does not replace Linq's."""
        headers = LinqHeaders.of([("webhook-id", "a"), ("Webhook-Id", "b")])
        assert headers == {"webhook-id": "a"}

    @pytest.mark.parametrize(
        "headers",
        [
            None,
            {},
            [],
            5,
            "webhook-id",
            b"webhook-id",
            object(),
            [1, 2],
            [("webhook-id",)],
            [("webhook-id", "a", "b")],
            {"webhook-id": None, None: "x", 5: 6, "webhook-timestamp": 17},
            {"webhook-id": []},
            {"webhook-id": [[["a"]]]},
            {"webhook-id": "x" * 4097},
            {"webhook-id": "é", "webhook-timestamp": "\ud800"},
            {"x-other": "a"},
        ],
    )
    def test_what_is_no_header_of_ours_is_left_out(self, headers: Any) -> None:
        """Wrong types and lengths are not there; nothing is raised."""
        assert LinqHeaders.of(headers) == {}

    def test_the_number_of_headers_read_is_bounded(self) -> None:
        """A stranger's ten thousand headers are not all looked at."""
        flood = [(f"x-{number}", "") for number in range(1000)]
        assert LinqHeaders.of([*flood, ("webhook-id", "a")]) == {}
        assert LinqHeaders.of([*flood[:999], ("webhook-id", "a")]) == {"webhook-id": "a"}

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"x-webhook-event": "message.sent"}, True),
            ({"webhook-id": "a", "webhook-signature": "v1,b"}, True),
            ({"webhook-id": "a"}, False),
            ({"x-webhook-signature": "a"}, False),
            ({"content-type": "application/json"}, False),
        ],
    )
    def test_headers_say_whether_a_request_is_linq_s(
        self, headers: dict[str, str], *, expected: bool
    ) -> None:
        """Either scheme names a delivery, signed well or badly."""
        assert LinqHeaders.of(headers).are_from_linq is expected


NAMES = st.sampled_from([*p.headers_of(b""), "Webhook-ID", "x-other"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=40)
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.text(st.characters(categories=["Cs", "L", "N"]), max_size=20),
)
HEADERS = st.one_of(
    SCALARS,
    st.dictionaries(st.one_of(NAMES, NAMES.map(str.encode), SCALARS), VALUES, max_size=8),
    st.lists(st.tuples(st.one_of(NAMES, SCALARS), VALUES), max_size=8),
    st.lists(st.lists(SCALARS, max_size=3), max_size=4),
)


class TestArbitraryHeaders:
    @given(headers=HEADERS, body=st.binary(max_size=50))
    def test_only_our_own_error_comes_out(self, headers: Any, body: bytes) -> None:
        """Whatever a stranger sends as headers is read, and then refused by a `WebhookError`."""
        kept = LinqHeaders.of(headers)
        assert all(isinstance(value, str) and value.isascii() for value in kept.values())
        with pytest.raises(WebhookError):
            Verifier((p.SECRET,), clock=lambda: NOW).verify(kept, body)

    @given(signature=st.text(), event_id=st.text(), stamp=st.text())
    def test_only_our_own_error_comes_out_of_a_full_set(
        self, signature: str, event_id: str, stamp: str
    ) -> None:
        """All three headers may be there and hold anything."""
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": stamp or str(p.SIGNED_AT),
            "webhook-signature": f"v1,{signature}",
        }
        with pytest.raises(WebhookError):
            verify(headers)
