"""Attachments and closed periods under keys and erasures: sealed, sealed anew, rid of a name with the hashes whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from mappings.errors import ERASED
from reconciliation import closing, report
from reconciliation.engine import reconcile
from state import attachments, findings, forget, handling, periods, schema, scrub
from state.attachments import AttachmentError
from state.rekey import rekey
from state.scrub import Scrubber
from state.sealing import Key, Keys
from state.store import Store, open_store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal

pytestmark = pytest.mark.slow

ONE, TWO = Key(bytes(range(32))), Key(bytes(range(32, 64)))
NOVEMBER = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)


def a_finding(store: Store, **fields: str) -> str:
    books = Books(store)
    deal = Deal(1).set("invoice", net_amount=1100).drop("payment")
    for party in deal.documents["party"]:
        party |= fields
    deal.write(books)
    books.save()
    reconcile(store, settings(as_of=NOVEMBER), "run-1")
    with store.reading() as connection:
        return findings.listing(connection)[0].id


def test_attachments_are_sealed_and_sealed_anew_with_another_key(sqlite_url: str) -> None:
    with open_store(sqlite_url, keys=Keys(ONE)) as store:
        id = a_finding(store)
        with store.transaction() as connection:
            handling.attach(connection, id, "letter.pdf", b"Dear all", "li")
            [kept] = handling.attached(connection, id)
    with open_store(sqlite_url, keys=Keys(TWO, [ONE])) as store:
        with store.reading() as connection:
            assert bytes(connection.execute(text("SELECT body FROM attachment")).scalar_one()).startswith(ONE.head)
        assert rekey(store, "test", lambda _: None).retired == [ONE.id]
    with open_store(sqlite_url, keys=Keys(TWO)) as store, store.reading() as connection:
        assert bytes(connection.execute(text("SELECT body FROM attachment")).scalar_one()).startswith(TWO.head)
        assert attachments.content(connection, kept.sha256) == b"Dear all"


def test_a_name_goes_out_of_closed_periods_and_their_hashes_hold(store: Store) -> None:
    a_finding(store, name="Anna Weber")
    made = closing.close(store, settings(as_of=NOVEMBER), "2026-10", "wang", "close-1", {}, "so")
    owed = report.build(store, settings(as_of=NOVEMBER), period="2026-10")["receivables"]["customers"]
    before = [(item["customer"], item["total"]) for item in owed]
    assert "Anna Weber" in {name for name, _ in before}
    scrub.scrub(store, Scrubber(["Anna Weber"]), write=True)
    with store.transaction() as connection:
        forget._withdraw(connection)
    built = report.build(store, settings(as_of=NOVEMBER), period="2026-10")
    after = [(item["customer"], item["total"]) for item in built["receivables"]["customers"]]
    assert after == [(ERASED if name == "Anna Weber" else name, total) for name, total in before]
    with store.reading() as connection:
        assert periods.is_intact(connection, made)
    with store.transaction() as connection:  # a forgotten salt is no way to change figures
        connection.execute(schema.period_figure.update().values(salt=b"").where(schema.period_figure.c.kind == "basis"))
    with store.reading() as connection:
        assert not periods.is_intact(connection, made)


def test_the_content_of_an_attachment_goes_and_its_name_and_hash_stay(store: Store) -> None:
    id = a_finding(store)
    with store.transaction() as connection:
        handling.attach(connection, id, "letter.pdf", b"Dear all", "li")
        [kept] = handling.attached(connection, id)
        assert attachments.erase(connection, [kept.sha256]) == 1
    with store.reading() as connection:
        assert [item.name for item in handling.attached(connection, id)] == ["letter.pdf"]
        with pytest.raises(AttachmentError, match="not kept any more"):
            attachments.content(connection, kept.sha256)
