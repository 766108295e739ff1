from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linq_otel._operations import OPERATIONS, operation_of, redacted_path


CHAT = "94c6bf33-31d9-40e3-a0e9-f94250ecedb9"
SEND = "/v3/chats/94c6bf33-31d9-40e3-a0e9-f94250ecedb9/messages"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "brew", "")
WORDS = {s for o in OPERATIONS for s in o.template.split("/") if s and not s.startswith("{")}

phones = st.from_regex(r"\+1555[0-9]{7}", fullmatch=True) | st.from_regex(
    r"1-555-[0-9]{3}-[0-9]{4}", fullmatch=True
)
emails = st.from_regex(r"[a-z0-9.+]{1,12}@[a-z]{2,10}\.(com|org)", fullmatch=True)
addresses = st.one_of(phones, emails, phones.map(lambda phone: phone.lstrip("+")))
ids = st.uuids().map(str) | st.from_regex(r"[0-9A-Za-z_-]{1,64}", fullmatch=True)
spellings = st.sampled_from((str, quote, lambda text: quote(text, safe=""), lambda t: f"x{t}x"))
secrets = st.one_of(ids, addresses, st.text(min_size=1)).filter(lambda text: text not in WORDS)
segments = st.one_of(st.sampled_from(sorted(WORDS)), secrets)
known = st.sampled_from(OPERATIONS)
fixed = settings(derandomize=True, deadline=None)


@st.composite
def paths_with(draw: st.DrawFn, inserted: st.SearchStrategy[str]) -> tuple[str, str]:
    """Draw an address in one of its spellings, and a path, perhaps a known one, that holds it."""
    address = draw(inserted)
    spelled = draw(spellings)(address)
    parts = draw(known).template.split("/")[1:] if draw(st.booleans()) else draw(st.lists(segments))
    places = [n for n, part in enumerate(parts) if part.startswith("{")]
    if places:
        parts[draw(st.sampled_from(places))] = spelled
    else:
        parts.insert(draw(st.integers(0, len(parts))), spelled)
    return address, draw(st.sampled_from(("", "/", "/api/partner/"))) + "/".join(parts)


class TestOperationOf:
    def test_each_template_is_found(self) -> None:
        """A row is found under its own template, spelled as the SDK and as the wire spell it."""
        base = "https://api.linqapp.com/api/partner"
        found = [
            (
                operation_of(row.method.lower(), row.template),
                operation_of(row.method, base + row.template + "/?from=x#y"),
            )
            for row in OPERATIONS
        ]
        assert found == [(row, row) for row in OPERATIONS]

    @pytest.mark.parametrize(
        "path",
        [
            SEND,
            f"{SEND}/",
            f"/{SEND}",
            SEND.replace("/", "//"),
            SEND.removeprefix("/"),
            f"{SEND}?next=/v3/chats",
            f"{SEND}#/v3/chats",
            f"/api/partner{SEND}",
            f"https://user:password@127.0.0.1:8080/api/partner{SEND}",
            "/v3/chats/%2B15550100199/messages",
            "/v3/chats/v3/messages",
            f"/v3/chats/{'c' * 10_000}/messages",
        ],
    )
    def test_spellings_of_one_path(self, path: str) -> None:
        """Slashes, queries, bases and encodings do not change what a request does."""
        assert operation_of("POST", path).name == "chats.messages.send"

    def test_lives_start_with_six_calls(self) -> None:
        """These calls make a message, say where the ids are, and cause events."""
        assert {
            o.name: (o.causes_events, bool(o.message_id_at), bool(o.chat_id_at))
            for o in OPERATIONS
            if o.starts_life
        } == dict.fromkeys(
            (
                "chats.create",
                "chats.messages.send",
                "chats.polls.create",
                "chats.send_voicememo",
                "messages.create",
                "messages.update_app_card",
            ),
            (True, True, True),
        )

    @pytest.mark.parametrize(
        ("method", "path", "name"),
        [
            ("post", f"/v3/chats/{CHAT}/{CHAT}", "POST /v3/chats/{id}/{id}"),
            ("GET", "/v3/chats/c1/messages/new", "GET /v3/chats/{id}/messages/{id}"),
            ("HEAD", "/v3/chats", "HEAD /v3/chats"),
            ("brew", "/v3/chats", "_OTHER /v3/chats"),
            ("", "", "_OTHER /"),
            ("GET", "https://api.linqapp.com", "GET /"),
            ("GET", "/" * 10_000, "GET /"),
            ("GET", "x" * 10_000, "GET /{id}"),
            ("GET", "/v3/chats" * 5, "GET /v3/chats/v3/chats/v3/chats/v3/chats/…"),
            ("GET", "/v3/payments/handles", "GET /v3/payments/handles"),
            ("GET", "/v3/chats/v2/x", "GET /v3/chats/{id}/{id}"),
            ("POST", "/api/partner/v2/chats/12/chat_messages", "POST /v2/chats/{id}/chat_messages"),
            ("GET", "/api/partner/v2/chats/12/migrate_to_v3", "GET /v2/chats/{id}/migrate_to_v3"),
            ("GET", "/api/partner/v2/secrets/of/a/person", "GET /v2/{id}/{id}/{id}/{id}"),
        ],
    )
    def test_unknown_requests(self, method: str, path: str, name: str) -> None:
        """What is not in the table is called after the words of the API in it."""
        operation = operation_of(method, path)

        assert (operation.name, operation.known) == (name, False)
        assert operation.name == f"{operation.method} {operation.template}"

    @fixed
    @given(st.sampled_from(METHODS), paths_with(secrets))
    def test_names_are_few(self, method: str, case: tuple[str, str]) -> None:
        """A name is a row's, or made of the API's words alone."""
        operation = operation_of(method, case[1])
        spoken = operation.template.strip("/").split("/") if operation.template != "/" else []

        assert operation in OPERATIONS or set(spoken) <= WORDS | {"{id}", "…"}
        assert len(spoken) <= 9

    @fixed
    @given(paths_with(addresses))
    def test_addresses_are_never_in_a_name(self, case: tuple[str, str]) -> None:
        """Neither name nor template holds a phone number or an e-mail address."""
        address, path = case
        operation = operation_of("POST", path)

        assert address.lstrip("+") not in operation.name + operation.template

    @fixed
    @given(st.text(), st.text())
    def test_any_text_has_an_answer(self, method: str, path: str) -> None:
        """Nothing a client could send raises."""
        operation = operation_of(method, path)

        assert redacted_path(path, operation).startswith("/")


class TestRedactedPath:
    @pytest.mark.parametrize(
        ("method", "path", "shown"),
        [
            ("POST", f"{SEND}?text=hello", SEND),
            ("GET", f"https://user:password@host/api/partner{SEND}#x", f"/api/partner{SEND}"),
            (
                "GET",
                "/v3/payments/handles/jo/connection",
                "/v3/payments/handles/REDACTED/connection",
            ),
            ("GET", "/v3/phone_numbers/jo/new", "/v3/phone_numbers/REDACTED/new"),
            ("PUT", f"/v3/phone_numbers/{CHAT}", f"/v3/phone_numbers/{CHAT}"),
            ("PUT", "/v3/phone_numbers/15550100199", "/v3/phone_numbers/REDACTED"),
            ("GET", "/v3/new/555-0100", "/v3/new/REDACTED"),
            ("GET", "/v3/new/jo%40example.com/%2B15550100199", "/v3/new/REDACTED/REDACTED"),
            ("GET", "/v3/new/imessage;-;+15550100199", "/v3/new/REDACTED"),
            ("GET", "/v3/new/tel15550100199", "/v3/new/REDACTED"),
            ("GET", f"/v3/new/{'x' * 65}", "/v3/new/REDACTED"),
            ("GET", "", "/"),
        ],
    )
    def test_what_is_shown(self, method: str, path: str, shown: str) -> None:
        """Ids stay; addresses, queries and credentials do not."""
        assert redacted_path(path, operation_of(method, path)) == shown

    @fixed
    @given(paths_with(addresses))
    def test_addresses_are_never_shown(self, case: tuple[str, str]) -> None:
        """No spelling of a phone number or e-mail address is in what is shown."""
        address, path = case
        shown = redacted_path(path, operation_of("POST", path))

        assert address.lstrip("+") not in shown
        assert quote(address, safe="") not in shown

    @fixed
    @given(st.lists(segments, min_size=20, max_size=30))
    def test_length_is_bounded(self, parts: list[str]) -> None:
        """However long the path, at most 256 characters are shown."""
        path = "/" + "/".join(parts)

        assert len(redacted_path(path, operation_of("GET", path))) <= 256

    def test_cut_between_segments(self) -> None:
        """A path that is too long ends after a whole segment."""
        path = f"/v3/chats{f'/{CHAT}' * 100}"

        assert redacted_path(path, operation_of("GET", path)) == f"/v3/chats{f'/{CHAT}' * 6}/…"
