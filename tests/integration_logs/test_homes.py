from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import Link, SpanContext, TraceFlags

from linq_otel._ids import derive_otel_trace_id, derive_span_id
from linq_otel._origins import Origin
from linq_otel.integration_logs._chronicle import Chronicle
from linq_otel.integration_logs._homes import Home, HomeFinder, fingerprint, span_id_of
from linq_otel.stores import open_store
from support.log_rows import GHL, MADE, answered, read_rows, row
from support.programs import REPOSITORY


if TYPE_CHECKING:
    from collections.abc import Iterator

    from linq_otel.stores import Store


LINQ = "8af9171a45022df2eb74ba4e4c83be0f"
UUID = "5b1f0a52-7c1e-4f2b-9d43-0a6e2f9c8b17"
ANCHOR = derive_span_id("anchor", LINQ)
MESSAGE_ID = "347d62c2-2170-4754-8d30-c76d0c727d96"


@pytest.fixture
def store() -> Iterator[Store]:
    """Yield a store that knows one message."""
    store = open_store("memory:")
    origin = Origin(
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
        lifecycle=f"00-{LINQ}-{ANCHOR:016x}-01",
        linq_trace_ids=(LINQ,),
        message_id=MESSAGE_ID,
        accepted_at=1,
    )
    store.save(origin)
    yield store
    store.close()


def homes(*rows: dict[str, Any], store: Store | None = None, **options: Any) -> list[Home]:
    with Chronicle(read_rows(*rows).entries) as chronicle:
        finder = HomeFinder(chronicle.evidence, store, **options)
        return [finder.find(entry) for entry in chronicle]


def seen(home: Home) -> tuple[str, str, str, int | None]:
    parent = home.parent.span_id if home.parent else None
    return f"{home.otel_trace_id:032x}", home.correlation, home.trace_source, parent


class TestHome:
    def test_exact(self) -> None:
        """A Linq trace id is the trace; nobody knows whether it has an anchor."""
        (home,) = homes(row(linq_trace_id=LINQ))
        assert seen(home) == (LINQ, "exact", "linq", None)

    def test_exact_in_a_store(self, store: Store) -> None:
        """With a store the span hangs under the anchor of the message's life."""
        for changed in (row(linq_trace_id=LINQ), answered({**MADE, "traceId": LINQ.upper()})):
            (home,) = homes(changed, store=store)
            assert seen(home) == (LINQ, "exact", "linq", ANCHOR)

    def test_strong(self, store: Store) -> None:
        """A CRM that was given Linq's message id joins by it."""
        request = {"body": {"altId": MESSAGE_ID}}
        for changed in (row(request=request), answered({"messageId": MESSAGE_ID})):
            (home,) = homes(changed, store=store)
            assert seen(home) == (LINQ, "strong", "message", ANCHOR)

    def test_unknown_to_the_store(self, store: Store) -> None:
        """What the store does not know is joined as without one."""
        (home,) = homes(row(linq_trace_id="c" * 32), store=store)
        assert seen(home) == ("c" * 32, "exact", "linq", None)

    def test_crm(self) -> None:
        """All rows of one CRM trace share a trace, in whichever form it is written."""
        bodies = [{**MADE, "traceId": raw} for raw in (UUID, UUID.upper())]
        found = homes(*(answered(body, id=body["traceId"][:3]) for body in bodies))
        assert [seen(home) for home in found] == [
            (UUID.replace("-", ""), "crm", "body", None),
            (UUID.replace("-", ""), "crm", "body", None),
        ]

    def test_known_from_another_row(self) -> None:
        """A raw id that another row gives as Linq's is Linq's."""
        rows = [row(linq_trace_id=LINQ), answered({**MADE, "traceId": LINQ}, id="other")]
        assert {seen(home)[1:3] for home in homes(*rows)} == {("exact", "linq")}

    def test_58_fingerprint(self) -> None:
        """Case 58: without any id the row itself is hashed, the same in every import."""
        (one,), (two,) = homes(row()), homes(row(source="User"))
        entry = read_rows(row()).entry
        own = derive_otel_trace_id("integration", *fingerprint(entry))
        assert seen(one) == seen(two) == (f"{own:032x}", "none", "entry", None)

    def test_request_id(self) -> None:
        """A request id is no trace, unless asked."""
        url = "https://api.hubapi.com/crm/v3/objects/communications"
        hubspot = answered({"id": "1"}, url=url, headers={"X-HubSpot-Correlation-Id": UUID})
        assert [seen(home)[1] for home in homes(hubspot)] == ["none"]
        (home,) = homes(hubspot, by_request_id=True)
        assert seen(home) == (UUID.replace("-", ""), "crm", "request_id", None)

    def test_private_bodies(self) -> None:
        """Nothing that is exported depends on a number or a text."""
        bodies = [{"phone": "+15551230001"}, {"phone": "+15551230002"}]
        told = {fingerprint(read_rows(row(request={"body": body})).entry) for body in bodies}
        assert len(told) == 1


class TestProbable:
    def link(self) -> Link:
        """Return the link to the anchor of the Linq trace."""
        flags = TraceFlags(TraceFlags.SAMPLED)
        context = SpanContext(int(LINQ, 16), ANCHOR, is_remote=True, trace_flags=flags)
        return Link(context, {"linq.link": "probable"})

    def rows(self, seconds: int = 30) -> list[dict[str, Any]]:
        """Return a text that came to Linq, and its hand-off."""
        came = row(
            direction="in",
            url="https://x.linqapp.com/hook",
            linq_trace_id=LINQ,
            request={"body": {"contactId": "c1", "phone": "+15551230001", "message": "Hi"}},
        )
        went = answered(
            {**MADE, "traceId": UUID},
            id="went",
            request={"body": {"contactId": "c1"}},
            timestamp=1_762_272_131_482 + seconds * 1_000,
        )
        return [came, went]

    def test_same_contact(self) -> None:
        """A row that speaks of the same contact within two minutes is linked, and never moved."""
        _, home = homes(*self.rows())
        assert seen(home) == (UUID.replace("-", ""), "probable", "body", None)
        assert [(x.context, dict(x.attributes or {})) for x in home.links] == [
            (self.link().context, {"linq.link": "probable"})
        ]

    def test_too_late(self) -> None:
        """After two minutes it is somebody's next text."""
        _, home = homes(*self.rows(121))
        assert (home.correlation, home.links) == ("crm", ())

    def test_two_candidates(self) -> None:
        """Two lives that fit are one too many."""
        came, went = self.rows()
        _, _, home = homes(came, {**came, "linq_trace_id": "c" * 32}, went)
        assert (home.correlation, home.links) == ("crm", ())

    def test_through_a_contact(self) -> None:
        """A number joins through the contact it was saved under in the same import."""
        came = row(
            direction="in",
            linq_trace_id=LINQ,
            url="https://x.linqapp.com/hook",
            request={"body": {"from": "(555) 123-0001"}},
        )
        saved = answered(
            {"contact": {"id": "c9"}},
            200,
            url=f"{GHL}/contacts/upsert",
            request={"body": {"phone": "+15551230001"}},
            id="saved",
        )
        went = answered(MADE, request={"body": {"contactId": "c9"}}, id="went")
        with Chronicle(read_rows(came, saved, went).entries) as chronicle:
            finder = HomeFinder(chronicle.evidence)
            found = {entry.entry_id: finder.find(entry).correlation for entry in chronicle}
        assert found == {None: "exact", "saved": "probable", "went": "probable"}


class TestSpanId:
    def test_ordinal(self) -> None:
        """What nothing tells apart is counted."""
        told = fingerprint(read_rows(row()).entry)
        home = Home(int(LINQ, 16), "exact", "linq")
        one = derive_span_id("integration", LINQ, *told, "0")
        assert (span_id_of(told, home, 0), span_id_of(told, home, 1) != one) == (one, True)

    def test_vector(self) -> None:
        """The recipe never changes under this tag."""
        told = fingerprint(read_rows(row()).entry)
        assert told == (
            "outbound",
            "POST",
            f"{GHL}/conversations/messages/inbound",
            "1762272131482000000",
            "201",
            "None",
            "51",
            "",
            "",
            "message_id=msgEXAMPLE0000000001",
        )
        span_id = f"{span_id_of(told, Home(int(LINQ, 16), 'exact', 'linq'), 0):016x}"
        page = (REPOSITORY / "docs" / "integration-logs.md").read_text("utf-8")
        assert (span_id, f"make the span `{span_id}`" in page) == ("777b56b5377e658c", True)
