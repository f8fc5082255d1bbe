"""What people do with findings: owners, due days, materiality, comments and attachments, and how they are kept."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from reconciliation import report
from reconciliation.engine import reconcile
from state import arrivals, attachments, audit, findings, handling
from state.attachments import AttachmentError
from state.findings import FindingError
from state.store import Store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal

pytestmark = pytest.mark.slow


def a_finding(store: Store, **changes: Any) -> str:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(store, settings(**changes), "run-1")
    with store.reading() as connection:
        [found] = findings.listing(connection)
    return found.id


def shown(store: Store, **changes: Any) -> dict[str, Any]:
    [found] = report.build(store, settings(**changes))["findings"]
    return dict(found)


def test_a_finding_has_an_owner_and_a_due_day_until_somebody_else_takes_it(store: Store) -> None:
    ours = {"reconciliation": {"findings": {"owners": {"finance": "li"}, "due_days": {"error": 3, "warning": 10}}}}
    id = a_finding(store, **ours)
    first = shown(store, **ours)
    assert (first["owner"], first["assignee"], first["overdue"]) == ("li", None, False)
    assert first["due_on"] == {"error": "2026-11-03", "warning": "2026-11-10"}[first["severity"]]
    with store.transaction() as connection:
        handling.assign(connection, id, "wang", "li", due=date(2026, 10, 30))
    taken = shown(store, **ours)
    assert (taken["owner"], taken["due_on"], taken["overdue"]) == ("wang", "2026-10-30", True)


def test_what_is_below_the_materiality_is_counted_and_shown_as_immaterial(store: Store) -> None:
    a_finding(store, reconciliation={"materiality": {"base": "1", "currencies": {"CNY": "100.01"}}})
    assert shown(store)["material"] is False
    reconcile(store, settings(reconciliation={"materiality": {"base": "100"}}), "run-2")
    assert shown(store)["material"] is True
    reconcile(store, settings(reconciliation={"materiality": {"base": "100.01"}}), "run-3")
    built = report.build(store, settings())
    assert (built["findings"][0]["material"], built["roll_forward"]["closing"]) == (False, 1)
    assert built["materiality"] == {"base": "100.01"}


def test_comments_and_attachments_are_in_the_history_the_report_and_the_audit(store: Store) -> None:
    id = a_finding(store)
    with store.transaction() as connection:
        handling.comment(connection, id[:8], " was called ", "wang")
        handling.attach(connection, id, "../secret/letter.pdf", b"Dear all", "li")
        handling.attach(connection, id, "copy.pdf", b"Dear all", "li")
    found = shown(store)
    assert [(note["by"], note["text"]) for note in found["comments"]] == [("wang", "was called")]
    assert [(file["name"], file["size"]) for file in found["attachments"]] == [("letter.pdf", 8), ("copy.pdf", 8)]
    digest = found["attachments"][0]["sha256"]
    assert digest == found["attachments"][1]["sha256"]
    with store.reading() as connection:
        assert attachments.content(connection, digest) == b"Dear all"
        assert connection.execute(text("SELECT count(*) FROM attachment")).scalar() == 1
        events = [event.event for event in findings.history(connection, id)]
        assert events == ["opened", "commented", "attached", "attached"]
        assert audit.entries(connection)[0].action == "finding attached"


def test_what_cannot_be_kept_is_refused_and_nothing_stays_of_it(store: Store) -> None:
    id = a_finding(store)
    with pytest.raises(AttachmentError, match="at most 10,485,760"), store.transaction() as connection:
        handling.attach(connection, id, "film.mov", b"x" * (attachments.LARGEST + 1), "li")
    with pytest.raises(AttachmentError, match="empty"), store.transaction() as connection:
        handling.attach(connection, id, "nothing", b"", "li")
    with pytest.raises(FindingError, match="words"), store.transaction() as connection:
        handling.comment(connection, id, "  ", "li")
    with pytest.raises(FindingError, match="at most 4,000"), store.transaction() as connection:
        handling.comment(connection, id, "x" * 4001, "li")
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM attachment")).scalar() == 0
    assert shown(store)["comments"] == []


def test_a_file_that_was_changed_in_the_database_is_not_given_out(store: Store) -> None:
    from state.bodies import pack

    id = a_finding(store)
    with store.transaction() as connection:
        handling.attach(connection, id, "letter.pdf", b"Dear all", "li")
        [kept] = handling.attached(connection, id)
        place = arrivals.place(kept.sha256)
        forged = pack(connection, place, arrivals.SEQ, b"Dear none")
        connection.execute(text("UPDATE attachment SET body = :body"), {"body": forged})
    with store.reading() as connection, pytest.raises(AttachmentError, match="changed outside"):
        attachments.content(connection, kept.sha256)
