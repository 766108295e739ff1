from __future__ import annotations

import base64
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from linq_otel._origins import Origin
from linq_otel.doctor import _capture_files, examine_files
from linq_otel.doctor._capture_files import parse_file
from linq_otel.doctor._findings import tell
from linq_otel.errors import ConfigurationError
from linq_otel.stores import open_store
from support import payloads as p
from support.findings import pick


if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from linq_otel.doctor import Finding


SEND = {
    "method": "POST",
    "url": "https://api.linqapp.com/api/partner/v3/chats",
    "status": 201,
    "headers": {"X-Trace-ID": p.LINQ_TRACE_ID.upper()},
    "body": {"chat": {"id": p.CHAT_ID, "message": {"id": p.MESSAGE_ID, "text": p.TEXT}}},
}
RECORD = "linq-otel doctor --listen --save webhooks.jsonl"
GOOD_ID, BAD_ID = p.LINQ_TRACE_ID, p.OTHER_LINQ_TRACE_ID


def record(body: bytes, **more: object) -> dict[str, Any]:
    """
    Return a webhook as one that was recorded as it arrived.
    """
    return {"headers": p.headers_of(body), "body": body.decode(), **more}


def life(*linq_trace_ids: object, version: str = p.NEW) -> list[dict[str, Any]]:
    """
    Return sent, delivered and read of one message, with these trace ids.
    """
    names = ("message.sent", "message.delivered", "message.read")
    return [
        record(
            p.body_of(name, version, trace_id=linq_trace_id, event_id=f"{p.EVENT_ID[:-1]}{number}")
        )
        for number, (name, linq_trace_id) in enumerate(zip(names, linq_trace_ids, strict=False))
    ]


def write(path: Path, rows: Iterable[object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def examine_rows(tmp_path: Path, *rows: object, **options: Any) -> list[Finding]:
    path = write(tmp_path / "webhooks.jsonl", rows)
    found = examine_files([path], environ={}, **options)
    for secret in (p.PHONE, p.PHONE[1:], p.EMAIL, p.TEXT, p.SECRET):
        assert secret not in repr(found)
    return found


class TestAccountThatKeepsToItsDocumentation:
    def test_whole(self, tmp_path: Path) -> None:
        """Equal ids, right signatures, and the send among them: `linq` is safe."""
        rows = [SEND, *life(GOOD_ID, GOOD_ID, GOOD_ID)]
        assert examine_rows(tmp_path, *rows, webhook_secret=p.SECRET) == [
            tell(
                "capture.read",
                "3 webhooks of 1 sent message, 1 send",
                detail="1 message.delivered, 1 message.read, 1 message.sent.",
            ),
            tell("capture.signatures", "all signatures match: 3"),
            tell("capture.version", "payload versions: 2026-02-03 (3)"),
            tell(
                "capture.keys.none",
                "no webhook brings an idempotency key back",
                detail="None was sent, or it is not echoed: carrier=idempotency_key is unproven "
                "here.",
                remedy="send a message with message.idempotency_key, and record its webhooks",
            ),
            tell("capture.ids", "all events of a message have one trace id (1 message)"),
            tell("capture.sends", "the trace ids are those of the sends (1 message)"),
            tell("capture.join", "join=linq is safe: trace ids are equal (1 message)"),
        ]

    def test_older_payloads(self, tmp_path: Path) -> None:
        """So it is with the older payload version, and where no send is known."""
        found = examine_rows(tmp_path, *life(GOOD_ID, GOOD_ID, version=p.OLD))
        assert pick(found, "capture.vers", "capture.sends", "capture.join") == [
            ("capture.version", "ok", ""),
            (
                "capture.sends.unknown",
                "note",
                "--sends FILE with their X-Trace-ID and body, or --store with the app's store",
            ),
            ("capture.join", "ok", ""),
        ]


class TestAccountThatDoesNot:
    def test_unequal(self, tmp_path: Path) -> None:
        """Linq's own samples: sent and delivered of one message under two ids."""
        found = examine_rows(tmp_path, SEND, *life(GOOD_ID, BAD_ID))
        assert pick(found, "capture.ids", "capture.sends", "capture.join") == [
            ("capture.ids.unequal", "warning", "see capture.join"),
            ("capture.sends.unequal", "warning", "see capture.join"),
            ("capture.join.unsafe", "problem", "export OTEL_PYTHON_LINQ_JOIN=message"),
        ]

    def test_equal_but_not_the_send(self, tmp_path: Path) -> None:
        """Events that agree with each other and not with their send tear the anchor off."""
        found = examine_rows(tmp_path, SEND, *life(BAD_ID, BAD_ID))
        assert [c for c, _, _ in pick(found, "capture.ids", "capture.sends", "capture.join")] == [
            "capture.ids",
            "capture.sends.unequal",
            "capture.join.unsafe",
        ]

    @pytest.mark.parametrize("join", ["message", "link"])
    def test_other_modes(self, tmp_path: Path, join: str) -> None:
        """By the message's id nothing is torn; links go by Linq's ids."""
        found = examine_rows(tmp_path, *life(GOOD_ID, BAD_ID), join=join)
        expected = {"message": "capture.join", "link": "capture.join.unsafe"}
        assert [c for c, _, _ in pick(found, "capture.join")] == [expected[join]]

    def test_repaired_by_a_store(self, tmp_path: Path) -> None:
        """A shared store that knows the sends repairs ids that differ."""
        url = f"sqlite:///{tmp_path}/linq.db"
        store = open_store(url)
        store.save(
            Origin(
                "00-0-0-01",
                message_id=p.MESSAGE_ID,
                linq_trace_ids=(GOOD_ID,),
                requested_at=1,
                accepted_at=2,
            )
        )
        store.close()
        found = examine_rows(tmp_path, *life(GOOD_ID, BAD_ID), store=url)
        assert [f for f in found if f.code.startswith(("capture.sends", "capture.join"))] == [
            tell(
                "capture.sends.unequal",
                "the webhooks of 1 of 1 message have another trace id than their send, "
                f"{p.MESSAGE_ID} among them",
                detail="Linq documents that they are equal.",
                remedy="see capture.join",
            ),
            tell(
                "capture.join",
                "join=linq is safe with this store: trace ids differ, and it repairs them",
            ),
        ]

    def test_malformed(self, tmp_path: Path) -> None:
        """Where no id is one, the message's takes their place, and nothing is torn."""
        found = examine_rows(tmp_path, *life("trace_abc123def456", "abc123def456"))
        assert pick(found, "capture.ids", "capture.join") == [
            ("capture.ids.malformed", "warning", "send these lines to Linq's support"),
            ("capture.ids.unequal", "warning", "see capture.join"),
            ("capture.join", "ok", ""),
        ]

    def test_half_malformed(self, tmp_path: Path) -> None:
        """Where some are, it is."""
        found = examine_rows(tmp_path, *life(GOOD_ID, "3bff6ef6d7g799844d118634d5e72de0"))
        assert [c for c, _, _ in pick(found, "capture.join")] == ["capture.join.unsafe"]

    def test_failures_without_a_message(self, tmp_path: Path) -> None:
        """A failure that names no message is lost to `message` where ids differ."""
        nameless = p.encode(
            p.envelope("message.failed", {"code": 4001, "failed_at": p.at(4.0)}, event_id="f-1")
        )
        rows = [*life(GOOD_ID, BAD_ID), record(nameless)]
        assert pick(examine_rows(tmp_path, *rows, join="message"), "capture.join") == [
            (
                "capture.join.unsafe",
                "problem",
                "export OTEL_PYTHON_LINQ_STORE=redis://…, shared by sender and receiver",
            )
        ]


class TestAppMode:
    def test_without_a_store(self, tmp_path: Path) -> None:
        """`app` is not safe with nothing to join by; what is, is told."""
        found = examine_rows(tmp_path, *life(GOOD_ID, BAD_ID), join="app")
        assert pick(found, "capture.join") == [
            (
                "capture.join.unsafe",
                "problem",
                "export OTEL_PYTHON_LINQ_JOIN=message, or OTEL_PYTHON_LINQ_STORE=redis://…",
            )
        ]

    def test_with_the_carrier(self, tmp_path: Path) -> None:
        """The carrier is enough."""
        found = examine_rows(tmp_path, *life(GOOD_ID), join="app", carrier="idempotency_key")
        assert pick(found, "capture.join") == [("capture.join", "ok", "")]


class TestSignatures:
    def test_of_another_subscription(self, tmp_path: Path) -> None:
        """Another subscription's secret matches none, and the first is named by its line."""
        found = examine_rows(tmp_path, SEND, *life(GOOD_ID), webhook_secret=p.OTHER_SECRET)
        (bad,) = [f for f in found if f.code.startswith("capture.sign")]
        assert (bad.code, bad.title, bad.severity, bad.remedy) == (
            "capture.signatures.bad",
            "1 of 1 signature without a match, the first in webhooks.jsonl:2",
            "problem",
            "export LINQ_WEBHOOK_SECRET=whsec_…, several with spaces between them",
        )

    def test_without_a_secret(self, tmp_path: Path) -> None:
        """Without a secret nothing can be checked, and that is said."""
        assert pick(examine_rows(tmp_path, *life(GOOD_ID)), "capture.sign") == [
            ("capture.signatures.none", "note", "export LINQ_WEBHOOK_SECRET=whsec_…")
        ]

    def test_with_what_is_no_secret(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor with what is none."""
        monkeypatch.setenv("LINQ_WEBHOOK_SECRET", "whsec_")
        found = examine_rows(tmp_path, *life(GOOD_ID))
        assert pick(found, "capture.sign") == [
            ("capture.signatures.none", "note", "export LINQ_WEBHOOK_SECRET=whsec_…")
        ]

    def test_parsed_bodies(self, tmp_path: Path) -> None:
        """A body that was parsed and written anew has lost what was signed."""
        parsed = [{**row, "body": json.loads(row["body"])} for row in life(GOOD_ID)]
        found = examine_rows(tmp_path, *parsed, webhook_secret=p.SECRET)
        assert [f.title for f in found if f.code.startswith("capture.sign")] == [
            "signatures cannot be checked: bodies were parsed and written anew"
        ]

    def test_late(self, tmp_path: Path) -> None:
        """A webhook that arrives ten minutes after it was signed is refused for its age."""
        late = record(p.body_of("message.sent"), received_at=p.SIGNED_AT + 600)
        found = examine_rows(tmp_path, late, webhook_secret=p.SECRET)
        assert pick(found, "capture.sign", "capture.late") == [
            ("capture.signatures", "ok", ""),
            (
                "capture.late",
                "warning",
                (
                    "linq-otel doctor --clock https://api.linqapp.com, and see whether a queue "
                    "stands before the endpoint"
                ),
            ),
        ]


class TestRest:
    def test_duplicates(self, tmp_path: Path) -> None:
        """A repeated event is counted once, and is no second event of its message."""
        row = record(p.body_of("message.sent"))
        found = examine_rows(tmp_path, row, row, row)
        assert pick(found, "capture.dup", "capture.join") == [
            (
                "capture.duplicates",
                "note",
                (
                    "export OTEL_PYTHON_LINQ_WEBHOOK_DUPLICATES=answer, if your handler must see "
                    "each once"
                ),
            ),
            (
                "capture.join.unknown",
                "note",
                "linq-otel doctor --listen --count 20, and send a few messages",
            ),
        ]

    def test_keys(self, tmp_path: Path) -> None:
        """A key that comes back makes the carrier work; it is not shown."""
        data = {**p.message_data("sent"), "idempotency_key": "order-15550100123"}
        found = examine_rows(tmp_path, record(p.encode(p.envelope("message.sent", data))))
        assert [f for f in found if f.code.startswith("capture.keys")] == [
            tell("capture.keys", "idempotency keys come back in 1 of 1 webhook")
        ]

    def test_inbound(self, tmp_path: Path) -> None:
        """A message that came in is no sent one."""
        found = examine_rows(tmp_path, record(p.body_of("message.received")))
        assert found[0].title == "1 webhook of 0 sent messages, 0 sends"

    def test_nothing(self, tmp_path: Path) -> None:
        """A file with no webhook says how to record some."""
        assert pick(examine_rows(tmp_path, SEND), "capture") == [
            ("capture.empty", "problem", RECORD)
        ]

    def test_unreadable(self, tmp_path: Path) -> None:
        """What is neither is told by its line, and not repeated."""
        path = tmp_path / "webhooks.jsonl"
        path.write_text(f'{{"hello": "{p.TEXT}"}}\n{p.TEXT}\n\n{{"event_type": 7}}\n')
        found = examine_files([str(path)], environ={})
        assert found[:2] == [
            tell(
                "capture.unreadable",
                "2 could not be read, webhooks.jsonl:1: it is neither a webhook nor the answer to "
                "a send; webhooks.jsonl:4: the body names no event_type",
                detail='Documents of JSON: {"headers": {…}, "body": "the body as it arrived"}, '
                "bodies alone, or a HAR.",
                remedy=RECORD,
            ),
            tell(
                "capture.passed-over",
                "passed over, as no JSON: 1 line",
                detail="Such as linq webhooks listen --json prints between its webhooks.",
            ),
        ]
        assert p.TEXT not in repr(found)

    def test_missing_file(self) -> None:
        """A file that is not there is an error of one line."""
        with pytest.raises(ConfigurationError, match=r"^no\.jsonl cannot be read: No such file"):
            examine_files(["/nowhere/no.jsonl"], environ={})


BODY = p.body_of("message.sent")
HAR_DELIVERY = {
    "startedDateTime": "2026-09-21T14:15:01.5Z",
    "request": {
        "method": "POST",
        "url": "https://shop.example/webhooks",
        "headers": [{"name": k, "value": v} for k, v in p.headers_of(BODY).items()],
        "postData": {"mimeType": "application/json", "text": BODY.decode()},
    },
    "response": {"status": 200, "headers": [], "content": {}},
}
HAR_SEND = {
    "request": {"method": "POST", "url": "https://api.linqapp.com/api/partner/v3/chats/c/messages"},
    "response": {
        "headers": [{"name": "x-trace-id", "value": GOOD_ID}],
        "content": {
            "encoding": "base64",
            "text": base64.b64encode(
                json.dumps({"message": {"id": p.MESSAGE_ID}}).encode()
            ).decode(),
        },
    },
}
HAR_OTHER = {
    "request": {"method": "GET", "url": "https://api.linqapp.com/api/partner/v3/chats/c/messages"},
    "response": {"headers": [{"name": "x-trace-id", "value": GOOD_ID}], "content": {"text": "{}"}},
}
RAW = json.loads(BODY)


LISTEN = """\
Connecting to relay...
Connected to relay
Webhook created: 3d2a0000-0000-4000-8000-000000000001
URL: https://webhook.linqapp.com/relay/abc=
Events: message.sent, message.delivered

Listening for events... (Ctrl+C to stop)

{sent}
{delivered}
Disconnected. Reconnecting in 1s...
Reconnected to relay
{read}
Warning: received unparseable message: {{"event_type": "message

Shutting down...
Webhook 3d2a0000-0000-4000-8000-000000000001 deleted
"""


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "is_raw", "sends"),
        [
            (BODY, True, 0),
            (b"\xef\xbb\xbf" + json.dumps(record(BODY)).encode(), True, 0),
            (json.dumps([record(BODY), SEND]).encode(), True, 1),
            (json.dumps(record(BODY)).encode() + b"\n" + json.dumps(SEND).encode(), True, 1),
            (BODY + b"\n\n", True, 0),
            (BODY + b"\n" + json.dumps(SEND).encode(), True, 1),
            (json.dumps({"body": RAW}).encode(), False, 0),
            (json.dumps({"payload": RAW, "headers": [["a", "b"]]}).encode(), False, 0),
            (json.dumps([RAW]).encode(), False, 0),
            (json.dumps({"body_base64": base64.b64encode(BODY).decode()}).encode(), True, 0),
            (
                json.dumps(
                    {"isBase64Encoded": True, "body": base64.b64encode(BODY).decode()}
                ).encode(),
                True,
                0,
            ),
            (
                json.dumps({"log": {"entries": [HAR_OTHER, HAR_SEND, HAR_DELIVERY]}}).encode(),
                True,
                1,
            ),
        ],
    )
    def test_shapes(self, content: bytes, is_raw: bool, sends: int) -> None:  # noqa: FBT001  # A column of the table.
        """Whatever shape they were recorded in, the event, its bytes and the sends are found."""
        found = parse_file(content, "f.json")
        assert [d.event.message_id for d in found.deliveries] == [p.MESSAGE_ID]
        assert [d.body is not None and d.body.strip() == BODY for d in found.deliveries] == [is_raw]
        assert [s.linq_trace_ids for s in found.sends] == [(GOOD_ID,)] * sends
        assert found.unread == ()

    def test_output_of_linq(self) -> None:
        """
        `linq webhooks listen --json` prints indented documents, and its own doings between them.

        As https://github.com/linq-team/linq-cli does it, in src/commands/webhooks/listen.ts.
        """
        names = ("message.sent", "message.delivered", "message.read")
        sent, delivered, read = (
            json.dumps(json.loads(p.body_of(name)), indent=2, ensure_ascii=False) for name in names
        )
        output = LISTEN.format(sent=sent, delivered=delivered, read=read)
        for content in (output.encode(), output.replace("\n", "\r\n").encode("utf-16")):
            found = parse_file(content, "out.txt")
            assert [d.event.event_type for d in found.deliveries] == list(names)
            assert next(d.place for d in found.deliveries) == "out.txt:9"
            assert (found.sends, found.unread, found.passed_over) == ((), (), 11)

    def test_cut_off(self) -> None:
        """A document that was cut off is told, and costs no other."""
        whole = json.dumps(RAW, indent=2)
        content = "\n".join([whole[: len(whole) // 2], whole, "Shutting down...", "[", whole, "{"])
        found = parse_file(content.encode(), "f")
        half = whole[: len(whole) // 2].count("\n")
        lines = whole.count("\n") + 1
        assert [d.place for d in found.deliveries] == [f"f:{half + 2}", f"f:{half + lines + 4}"]
        assert found.unread == tuple(
            (f"f:{line}", "it is no JSON") for line in (1, half + lines + 3, half + 2 * lines + 4)
        )
        assert found.passed_over == 1

    def test_joined(self) -> None:
        """Bodies that were written one after the other, with nothing between, are two."""
        found = parse_file(BODY + b" " + BODY + b"\n", "f")
        assert [d.body for d in found.deliveries] == [BODY, BODY]

    def test_line_separator(self) -> None:
        """A sign that ends a line for Python alone may stand in a text of JSON."""
        line = json.dumps(record(p.body_of("message.sent", trace_id="a\u2028b"))).encode()
        content = line.replace(b"\\u2028", "\u2028".encode()) + b"\n" + line
        assert len(parse_file(content, "f").deliveries) == 2

    @pytest.mark.parametrize(
        ("content", "counts"),
        [
            (b"{\n" * 20_000, (10_001, 0, 0)),
            (b'{"a": 1}\n' * 1_200, (1_000, 200, 0)),
            (b"noise\n" * 50_000, (0, 0, 50_000)),
            (b"[" * 400 + b"]" * 400, (1, 0, 0)),
            (b"[" * 100_000 + b"\n" + b"]" * 100_000, (1, 0, 0)),
        ],
    )
    def test_hostile(self, content: bytes, counts: tuple[int, int, int]) -> None:
        """What is no recording is read once, and little of it is kept."""
        found = parse_file(content, "f")
        assert (len(found.unread), found.more_unread, found.passed_over) == counts

    def test_times_and_headers(self) -> None:
        """A HAR tells when a webhook arrived and how it was signed."""
        found = parse_file(json.dumps({"log": {"entries": [HAR_DELIVERY]}}).encode(), "f.har")
        (delivery,) = found.deliveries
        assert delivery.received_at == 1_790_000_101.5
        assert delivery.headers["webhook-signature"] == p.standard_signature(BODY)
        assert delivery.place == "f.har[1]"

    @pytest.mark.parametrize(
        "content",
        [b"", b"[]", b"\xff\xfe", b"{", b"[[[[", b"null", b"7", b'{"log": {"entries": [7]}}'],
    )
    def test_nonsense(self, content: bytes) -> None:
        """Nonsense is no webhook, and no error."""
        assert parse_file(content, "f").deliveries == ()


class TestWhatIsNoFile:
    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/dev/zero", "zero is a device, and no file"),
            ("/dev/null", "null is a device, and no file"),
            (".", " cannot be read: Is a directory"),
            ("pipe", "pipe gave nothing for 0 s: name a file, or end what writes it"),
            ("large", "large is larger than 256 MiB: split it"),
        ],
    )
    def test_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
    ) -> None:
        """A device without an end, a folder, a pipe that nothing writes to: one line, at once."""
        monkeypatch.setattr(_capture_files, "_PIPE_SECONDS", 0.1)
        monkeypatch.setattr(_capture_files, "_PIECE", 2**29)
        os.mkfifo(tmp_path / "pipe")
        with (tmp_path / "large").open("wb") as file:
            file.truncate(2**28 + 1)
        with pytest.raises(ConfigurationError) as raised:
            examine_files([path], environ={})
        assert str(raised.value) == said

    def test_pipe(self, tmp_path: Path) -> None:
        """A pipe is read until its end, as a shell's `<(command)` is."""
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(
            target=(tmp_path / "pipe").write_bytes, args=(BODY + b"\n" + BODY,)
        )
        writer.start()
        found = examine_files(["pipe"], environ={})
        writer.join(5)
        assert found[0].title == "2 webhooks of 1 sent message, 0 sends"
