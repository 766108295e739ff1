"""
URLs and bodies of requests, of which names and attributes of spans are made.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fuzz.odd import TEXTS, chance, make_long, make_odd, make_secrets, make_uuid
from fuzz.soundness import check_attributes
from linq_otel._attempts import describe_target
from linq_otel._idempotency import find_idempotency_key, parse_body
from linq_otel._operations import OPERATIONS, find_id, operation_of, redacted_path
from linq_otel._targets import LinqHosts, parse_target


if TYPE_CHECKING:
    from random import Random

    from fuzz.odd import Secrets


_BASES: Final = (
    "https://api.linqapp.com/api/partner", "http://127.0.0.1:8080/api/partner", "http://[::1]:80",
    "https://user:{secret}@api.linqapp.com", "HTTPS://API.LINQAPP.COM", "https://gateway/linq/x",
    "https://api.linqapp.com:0", "https://api.linqapp.com:99999", "https://api.linqapp.com:x",
    "http://[::1", "https://", "//api.linqapp.com", "", "ftp://api.linqapp.com", "https:///x",
    "https://api.linqapp.com\ud800", "https://\u2100.com", "https://bücher.example", "https://[v1.x]",
    "http://h\ud800/api/partner", "http://h\x01/api/partner",
    "http://" + "h" * 400 + "/api/partner",
    "http://h h/api/partner", "http://h\u00a0/api/partner", "http://ü.de/api/partner",
    "https://api.linqapp.com\t", "https://api.linqapp.com ", "https://%61pi.linqapp.com",
)  # fmt: skip
_METHODS: Final = ("GET", "post", "Patch", "BREW", "", "\ud800", "GET /v3/chats", "PUT", "DELETE")
_HOSTS: Final = ("gateway", "127.0.0.1:8080", "https://[::1]:80/x", "\ud800", "a:b:c", "[", "", " ")


def read_request(random: Random) -> None:
    """
    No address of a person and no secret of a URL is in a name, a path or an attribute.
    """
    people = make_secrets(random)
    method, url = random.choice(_METHODS), _make_url(random, people)
    operation = operation_of(method, url)
    assert operation_of(method, url) == operation
    assert len(operation.name) < 200
    path = redacted_path(url, operation)
    assert path.startswith("/")
    assert len(path) <= 256
    assert "?" not in path
    shown = f"{operation.name} {operation.template} {path}"
    hosts = LinqHosts(random.sample(_HOSTS, random.randrange(4)))
    target = parse_target(method, url)
    found = hosts.find_target(method, url)
    assert found is None or found == target
    if found is not None:
        name, attributes = describe_target(found, operation)
        check_attributes(attributes)
        shown += f"{name} {attributes}"
    assert [word for word in people.all if word in shown] == []


def read_exchange(random: Random) -> None:
    """
    Ids and keys are found where they are, and nowhere else is looked for harm.
    """
    people = make_secrets(random)
    answer = _make_answer(random, people)
    operation = random.choice(OPERATIONS)
    for paths in (operation.message_id_at, operation.chat_id_at):
        found = find_id(answer, paths)
        assert found is None or (type(found) is str and found)
    sent: Any = {"message": {"idempotency_key": make_odd(random, people), "parts": []}}
    if chance(random, 2):
        sent = {random.choice(("poll", "message", "x")): make_odd(random, people)}
    body = random.choice((json.dumps(sent), json.dumps(sent).encode(), make_odd(random, people)))
    headers = {"Idempotency-Key": make_odd(random, people)} if chance(random, 3) else {}
    key = find_idempotency_key(parse_body(body), headers)
    assert key is None or (type(key) is str and key)


def _make_url(random: Random, people: Secrets) -> str:
    base = random.choice(_BASES).replace("{secret}", people.text)
    segments = random.choice(OPERATIONS).template.split("/")
    for at, segment in enumerate(segments):
        if segment.startswith("{") or chance(random, 8):
            segments[at] = _make_segment(random, people)
    path = "/".join(segments)
    if chance(random, 6):
        path = random.choice(
            (path * 40, path.removeprefix("/v3"), f"/v3/{path}", path + "/", "/v3/")
        )
    tail = random.choice(("", "", f"?to={people.phone}", f"#{people.text}", f"?a?{people.email}#"))
    return base + path + tail


def _make_segment(random: Random, people: Secrets) -> str:
    return random.choice((
        make_uuid(random), make_uuid(random), *people.all, random.choice(TEXTS).replace("?", ""),
        people.phone.replace("+", "%2B"), "..", make_long(random), "",
    ))  # fmt: skip


def _make_answer(random: Random, people: Secrets) -> Any:
    message: Any = {"id": make_uuid(random)}
    answer = {"message": message, "chat": {"id": make_uuid(random), "message": message}}
    answer[random.choice(("message", "chat", "voice_memo"))] = make_odd(random, people)
    return random.choice((answer, make_odd(random, people)))
