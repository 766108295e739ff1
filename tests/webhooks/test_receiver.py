from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from linq_otel import instrument, uninstrument
from linq_otel.errors import (
    ConfigurationError,
    MalformedEventError,
    SignatureError,
    WebhookError,
)
from linq_otel.testing import EVENT_TYPES
from linq_otel.webhooks import MAX_BODY, WebhookReceiver
from support import payloads as p


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


BODY = p.body_of("message.delivered")


INVENTED = "teleport.beam.started"


def receiver(secret: Any = p.SECRET, **more: Any) -> WebhookReceiver:
    return WebhookReceiver(secret, clock=lambda: p.SIGNED_AT, **more)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """
    Return what was logged for people to read.
    """
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


class TestAccept:
    @pytest.mark.parametrize("version", p.VERSIONS)
    @pytest.mark.parametrize("event_type", [*EVENT_TYPES, INVENTED])
    def test_every_type_of_both_versions_is_accepted(self, event_type: str, version: str) -> None:
        """No type needs to be known to be verified and read."""
        body = p.body_of(event_type, version)
        event = receiver().accept(p.headers_of(body), body)
        assert (event.event_type, event.webhook_version) == (event_type, version)
        assert (event.verified, event.subscription_id) == (True, p.SUBSCRIPTION_ID)
        assert event.payload == json.loads(body)

    @pytest.mark.parametrize("make", [p.standard_headers, p.legacy_headers, p.headers_of])
    @pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, bytes.decode])
    def test_every_raw_body_is_verified(self, wrap: Any, make: Any) -> None:
        """Bytes in any container, or the text decoded from them."""
        event = receiver().accept(make(BODY), wrap(BODY))
        assert (event.verified, event.message_id) == (True, p.MESSAGE_ID)

    def test_a_parsed_body_cannot_be_verified(self) -> None:
        """JSON written anew is not what was signed."""
        with pytest.raises(SignatureError) as caught:
            receiver().accept(p.headers_of(BODY), json.loads(BODY))
        assert caught.value.reason == "parsed"

    def test_a_parsed_body_is_accepted_from_who_has_verified_it(self) -> None:
        """A framework that checks signatures itself says so."""
        event = receiver().accept({}, json.loads(BODY), verified=True)
        assert (event.verified, event.message_id) == (True, p.MESSAGE_ID)

    @pytest.mark.parametrize("secret", [p.SECRET, None])
    def test_what_the_caller_found_bad_is_refused(self, secret: str | None) -> None:
        """``verified=False`` is a word against it, with a secret of ours or without."""
        with pytest.raises(SignatureError):
            receiver(secret).accept(p.headers_of(BODY), BODY, verified=False)

    def test_without_a_secret_nothing_is_verified(self) -> None:
        """The event does not say that it is good."""
        assert receiver(None).accept({}, BODY).verified is None

    @pytest.mark.parametrize(
        ("secret", "expected"), [(p.SECRET, True), (p.OTHER_SECRET, True), (None, False)]
    )
    def test_secrets_may_be_rotated(self, secret: str | None, *, expected: bool) -> None:
        """Each of several secrets is good while they are rotated."""
        both = receiver([p.SECRET, p.OTHER_SECRET])
        headers = p.headers_of(BODY, secret) if secret else {}
        if not expected:
            with pytest.raises(SignatureError):
                both.accept(headers, BODY)
            return
        assert both.accept(headers, BODY).verified is True

    def test_no_secret_in_the_list_lets_nothing_in(self) -> None:
        """An empty list is a mistake that must not open the door."""
        with pytest.raises(SignatureError):
            receiver([]).accept(p.headers_of(BODY), BODY)

    def test_a_signed_body_that_is_no_event_is_malformed(self) -> None:
        """Signed, and no event all the same."""
        body = b'{"hello": "world"}'
        with pytest.raises(MalformedEventError):
            receiver().accept(p.headers_of(body), body)

    @pytest.mark.parametrize("body", [None, 5, [], object(), "\ud800", ["x"]])
    @pytest.mark.parametrize("secret", [p.SECRET, None])
    def test_only_our_own_error_comes_out(self, body: Any, secret: str | None) -> None:
        """A body of no known kind is refused like any other."""
        with pytest.raises(WebhookError):
            receiver(secret).accept(p.headers_of(BODY), body)

    def test_the_size_of_a_body_is_bounded(self) -> None:
        """The limit itself is inside, and the receiver's to choose."""
        small = receiver(None, max_body=len(BODY))
        assert small.accept({}, BODY).message_id == p.MESSAGE_ID
        with pytest.raises(MalformedEventError) as caught:
            small.accept({}, BODY + b" ")
        assert (caught.value.reason, MAX_BODY) == ("size", 1024 * 1024)


class TestSecretFromElsewhere:
    def test_instrument_may_have_been_given_it(self, provider: TracerProvider) -> None:
        """Each configuration is looked at anew: a receiver may be older than it."""
        old = receiver(None)
        assert old.accept({}, BODY).verified is None
        instrument(tracer_provider=provider, webhook_secret=p.SECRET)
        try:
            assert old.accept(p.headers_of(BODY), BODY).verified is True
            with pytest.raises(SignatureError):
                old.accept({}, BODY)
        finally:
            uninstrument()

    def test_the_environment_may_hold_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Under the name the SDK reads, and several of them, apart by commas."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", f"{p.OTHER_SECRET},{p.SECRET}")
        assert receiver(None).accept(p.headers_of(BODY), BODY).verified is True

    def test_one_that_is_unusable_there_is_an_error_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error names the variable, and nothing of its value."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", "whsec_x")
        with pytest.raises(ConfigurationError) as caught:
            receiver(None)
        assert str(caught.value) == (
            "LINQ_WEBHOOK_SECRET must be 'whsec_' and base64: it is not base64 behind whsec_"
        )

    def test_one_that_is_unusable_later_lets_nothing_in(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The app goes on and answers; nothing is joined, and one line says why."""
        broken = receiver(None)
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", "whsec_x")
        for _ in range(3):
            with pytest.raises(SignatureError):
                broken.accept(p.headers_of(BODY), BODY)
        assert warnings(caplog) == [
            (
                "LINQ_WEBHOOK_SECRET must be 'whsec_' and base64: it is not base64 behind whsec_; "
                "no webhook will be joined (logged once)"
            )
        ]

    @pytest.mark.parametrize("option", ["join", "duplicates"])
    def test_a_wrong_option_is_an_error_at_once(self, option: str) -> None:
        """Setup fails loudly, and says which option it is."""
        wrong: Any = {option: "sideways"}
        with pytest.raises(ConfigurationError, match=option):
            WebhookReceiver(**wrong)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
