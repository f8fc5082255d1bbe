"""A customer on one page: what every system says of it, what differs, why it is one, and its documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text, update

import settings
from reconciliation import report
from reconciliation.engine import reconcile
from settings.model import Settings
from state.members import Role
from state.schema import canonical
from state.store import Store, open_store
from tests.console import deal
from tests.reconciliation.books import Books
from tests.web.api.conftest import Program, program, token
from tests.web.conftest import Browser
from tests.web.toy_company import plain

__all__ = ["program", "token"]


def fill(path: Path) -> None:
    """A customer in three systems that write it differently, with documents in two."""
    with open_store(settings.load(path).store) as store:
        books = Books(store)
        same: dict[str, Any] = {"name": "ACME S.r.l.", "status": "active", "country": "IT"}
        terms: dict[str, Any] = {"payment_terms_days": 30, "email": "billing@acme.example"}
        books.add("party", "A1", system="crm", tax_id="IT00743110157", url="https://crm.example/A1", **same, **terms)
        books.add("party", "117", system="erp", number="C-117", tax_id="0074 3110 157", **same, payment_terms_days=45)
        moved: dict[str, Any] = {**same, "name": "Acme SRL", "email": "office@acme.example"}
        books.add("party", "c-1", system="books", tax_id="it-00743110157", **moved, currency="EUR", credit_limit=5000)
        books.add("party", "A2", system="crm", name="Somebody else", status="active")
        for number, status in (("SO-1", "in_progress"), ("SO-2", "cancelled"), ("SO-3", "confirmed")):
            day = date(2026, 9, 2)
            amounts: dict[str, Any] = {"net_amount": 1000, "gross_amount": 1220, "currency": "EUR"}
            books.add("order", number, number=number, status=status, party_ref="id:117", order_date=day, **amounts)
        billed: dict[str, Any] = {"status": "issued", "party_ref": "id:c-1", "issue_date": date(2026, 9, 3)}
        billed |= {"due_date": date(2026, 9, 5)}
        gross: dict[str, Any] = {"gross_amount": 1220, "open_amount": 220, "currency": "EUR"}
        books.add("invoice", "i1", number="INV-1", kind="invoice", **billed, **gross)
        books.add("invoice", "i2", number="CN-1", kind="credit_note", **billed, gross_amount=20, currency="EUR")
        books.add("opportunity", "o1", name="Pumps", status="won", party_ref="id:A2", expected_amount=99)
        books.save()
        reconcile(store, settings.load(path), "run-1")


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("customer"), fill)


def record(store: Store, source_id: str) -> int:
    with store.reading() as connection:
        query = text("SELECT record_id FROM parties WHERE source_id = :id")
        return int(connection.execute(query, {"id": source_id}).scalar_one())


def rows(page: str) -> dict[str, str]:
    """The rows of the page's tables: what stands in front, and the whole row in plain text."""
    found = re.findall(r"<tr[^>]*><th scope=\"row\">(.*?)</th>(.*?)</tr>", page, re.DOTALL)
    return {plain(head): plain(rest) for head, rest in found}


def test_every_system_has_a_column_and_what_differs_is_marked(as_role: Callable[[Role], Browser], desk: Store) -> None:
    page = as_role(Role.VIEWER).get(f"/customers/{record(desk, '117')}").text
    table = rows(page)
    assert 'href="https://crm.example/A1"' in page
    assert table["Name"] == "Acme SRL ACME S.r.l. ACME S.r.l.", "the legal form makes no other name"
    assert table["Tax id"] == "it-00743110157 IT00743110157 0074 3110 157"
    assert table["Payment terms (days) differs"] == "30 45"
    assert table["Credit limit"] == "5,000.00"
    assert "Somebody else" not in page


@pytest.mark.parametrize(
    ("written", "country", "is_wrong"),
    [
        ("IT00743110158", "IT", True),
        ("0074 3110 158", "IT", True),
        ("91310115MA1K4A5X7P", "CN", True),
        ("IT00743110157", "IT", False),
        ("12345", "IT", False),
        ("HRB 123456", "DE", False),
        ("00743110158", "ZZ", False),
    ],
)
def test_a_tax_id_whose_check_digits_are_wrong_is_told_beside_it(
    as_role: Callable[[Role], Browser], desk: Store, written: str, country: str, is_wrong: bool
) -> None:
    with desk.transaction() as connection:
        connection.execute(
            text("UPDATE parties SET tax_id = :written, country = :country WHERE source_id = 'A2'"),
            {"written": written, "country": country},
        )
    shown = rows(as_role(Role.VIEWER).get(f"/customers/{record(desk, 'A2')}").text)["Tax id"]
    assert shown == (f"{written} check digits are wrong" if is_wrong else written)


def test_personal_values_are_compared_whole_and_shown_in_part_alike_on_page_and_in_api(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    parties = canonical["party"]
    for source_id, phone in (("A1", "+39 02 5550 4711"), ("c-1", "+39 02 5550 4712")):
        values = {"phone": phone, "address_line": "Via Roma 1", "city": "Milano", "postal_code": "20121"}
        with desk.transaction() as connection:
            connection.execute(update(parties).where(parties.c.source_id == source_id).values(**values))
    admin, id = as_role(Role.ADMIN), record(desk, "A1")
    page = admin.get(f"/customers/{id}").text
    shown = {
        "Email differs": "•••@acme.example",
        "Phone differs": "••• 471",
        "Address": "•••",
        "City": "Milano",
        "Postal code": "20121",
    }
    table = rows(page)
    assert {name: table[name].count(part) for name, part in shown.items()} == dict.fromkeys(shown, 2), table
    said = admin.get(f"/api/v1/customers/{id}").json()["records"]
    for name in ("email", "phone", "address_line", "city"):
        assert [item["values"][name] for item in said if item["values"][name]] == [
            value for value in told(page, name) if value
        ], name
    for whole in ("billing@", "office@", "5550", "Via Roma"):
        assert whole not in page
        assert whole not in str(said)


@pytest.mark.parametrize(
    ("ours", "theirs", "said", "program_said"),
    [
        (
            {"email": "einkauf@acme.example"},
            {"email": "einkaufs@acme.example"},
            "before the @ 1 character other than in books",
            ("email", "before_at", 1, None),
        ),
        (
            {"email": "anna.berg@acme.example"},
            {"email": "info@acme.example"},
            "before the @ something else than in books",
            ("email", "before_at", None, None),
        ),
        (
            {"email": "Billing@acme.example"},
            {"email": "info@acme.example"},
            "before the @ “info” here, “billing” in books",
            ("email", "before_at", None, ["info", "billing"]),
        ),
        (
            {"phone": "+39 02 5550 4711"},
            {"phone": "+39 02 5560 4711"},
            "1 digit before the last four other than in books",
            ("phone", "before_last", 1, None),
        ),
        (
            {"phone": "+39 02 5550 4711"},
            {"phone": "+39 06 8123 4711"},
            "another number than in books; only the last four digits are the same",
            ("phone", "before_last", None, None),
        ),
        ({"email": "a@acme.example"}, {"email": "b@other.example"}, "", None),
        ({"email": "Info@acme.example"}, {"email": "info@Acme.example"}, "", None),
    ],
)
def test_of_hidden_values_that_are_shown_alike_it_is_said_how_they_differ(
    as_role: Callable[[Role], Browser],
    desk: Store,
    ours: dict[str, str],
    theirs: dict[str, str],
    said: str,
    program_said: tuple[str, str, int | None, list[str] | None] | None,
) -> None:
    parties, none = canonical["party"], {"email": None, "phone": None}
    with desk.transaction() as connection:
        connection.execute(update(parties).values(**none))
        for source_id, values in (("c-1", ours), ("A1", theirs)):
            connection.execute(update(parties).where(parties.c.source_id == source_id).values(**values))
    admin, id = as_role(Role.ADMIN), record(desk, "A1")
    page = admin.get(f"/customers/{id}").text
    told_there = re.findall(
        r'<br><span class="quiet">([^<]*(?:other than|something else|another number|here,)[^<]*)', page
    )
    assert told_there == ([said] if said else [])
    assert "no role sees on these pages" in page
    parts = [
        part for value in (*ours.values(), *theirs.values()) for part in re.findall("^[^@]+@|anna|555|556|812", value)
    ]
    assert not [part for part in parts if part in page]
    answer = admin.get(f"/api/v1/customers/{id}").json()["records"]
    books = next(one["id"] for one in answer if one["system"] == "books")
    apart = [
        (one["field"], one["where"], one["characters"], one["mailboxes"], one["other"])
        for record in answer
        for one in record["apart"]
    ]
    assert apart == ([(*program_said, books)] if program_said else [])


def told(page: str, field: str) -> list[str]:
    """What the page shows in the row of a field, a value a system."""
    called = {"email": "Email", "phone": "Phone", "address_line": "Address", "city": "City"}[field]
    row = re.search(rf'<th scope="row">{called}.*?</tr>', page, re.DOTALL)
    assert row is not None, page
    return [plain(cell) for cell in re.findall(r'<td class="text">(.*?)(?:<br>.*?)?</td>', row[0], re.DOTALL)]


def test_the_page_says_why_its_records_are_one_customer(as_role: Callable[[Role], Browser], desk: Store) -> None:
    page = plain(as_role(Role.FINANCE).get(f"/customers/{record(desk, 'A1')}").text)
    assert re.search(r"crm A1 = erp C-117 same as · tax id 100 %", page), page


def test_documents_are_counted_by_system_and_what_was_cancelled_adds_no_money(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, address = as_role(Role.FINANCE), f"/customers/{record(desk, 'c-1')}"
    page = anna.get(address).text
    table = rows(page)
    assert table["Order"] == "– – 3 2,000.00 EUR 1 of them lost, cancelled or void"
    assert table["Invoice"] == "1 1,220.00 EUR still open 220.00 EUR – –"
    assert table["Credit note"] == "1 20.00 EUR – –"
    assert "Opportunity" not in table, "that one is of somebody else"
    listed = anna.get(f"{address}?documents=order").text
    assert re.findall(r"/trace\?text=(SO-\d)", listed) == ["SO-3", "SO-2", "SO-1"]


def test_what_is_open_adds_up_below_the_documents_by_the_receivables(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    table = rows(as_role(Role.FINANCE).get(f"/customers/{record(desk, '117')}").text)
    assert table["Open by the receivables"] == "1,200.00 EUR Invoice 1,220.00 EUR Credit note -20.00 EUR – –"


def test_the_page_says_what_is_owed_and_overdue_as_the_report_does(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    page = as_role(Role.FINANCE).get(f"/customers/{record(desk, 'A1')}").text
    assert "1,200.00 EUR in all; 1,220.00 EUR is overdue, for up to 56 days" in plain(page)
    [row] = report.build(desk, given)["receivables"]["customers"]
    names = ("not_due", "1-30", "31-60", "61-90", "90+", "credits", "total")
    amounts = " ".join(f"{Decimal(row[name]):,}" for name in names)
    assert rows(page)["books"] == f"c-1 EUR {row['documents']} {amounts} 0.00"


def test_a_customer_that_owes_nothing_is_told_of_as_such(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, address = as_role(Role.FINANCE), f"/customers/{record(desk, 'A2')}"
    assert "By the last reconciliation it owes nothing" in plain(anna.get(address).text)
    with desk.transaction() as connection:
        connection.execute(text("DELETE FROM figure"))
    page = plain(anna.get(address).text)
    assert "Nothing has been reconciled yet" in page
    assert "owes nothing" not in page


def test_what_is_found_about_any_document_of_any_of_its_records_is_listed_the_gravest_first(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    with desk.transaction() as connection:
        connection.execute(text("UPDATE finding SET severity = 'error' WHERE check_id = 'credit_note_without_invoice'"))
        connection.execute(text("UPDATE finding SET base_amount = amount"))
        connection.execute(text("UPDATE invoices SET deleted = 1 WHERE number = 'INV-1'"))
        connection.execute(
            text(
                "UPDATE finding SET status = 'resolved' WHERE id IN "
                "(SELECT finding_id FROM finding_record WHERE source_id = 'SO-1')"
            )
        )
    page = plain(as_role(Role.FINANCE).get(f"/customers/{record(desk, 'A1')}").text).split("What is open about it")[1]
    order = ["CN-1 over", "SO-3 over", "INV-1 over", "The days to pay of"]
    places = [page.find(one) for one in order]
    assert -1 not in places, page
    assert places == sorted(places), page
    assert "SO-1" not in page, "that one is resolved"
    assert "Pumps" not in page, "that one is about somebody else"


def test_what_is_about_nobody_else_is_listed_for_nobody_else(as_role: Callable[[Role], Browser], desk: Store) -> None:
    page = as_role(Role.FINANCE).get(f"/customers/{record(desk, 'A2')}").text
    assert "Pumps" in page.split("What is open about it")[1]
    assert "INV-1" not in page


def test_the_customer_of_a_finding_leads_to_its_page(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna = as_role(Role.FINANCE)
    query = "SELECT f.id, r.source_id FROM finding f JOIN finding_record r ON r.finding_id = f.id AND r.n = 1"
    with desk.reading() as connection:
        of = {row.source_id: row.id for row in connection.execute(text(query))}
    for about, customer, name in (
        ("i1", "c-1", "Acme SRL"),
        ("SO-1", "117", "ACME S.r.l."),
        ("A1", "A1", "ACME S.r.l."),
    ):
        page = anna.get(f"/findings/{of[about]}").text
        assert f'<a href="/customers/{record(desk, customer)}">{name}</a>' in page, about
    with desk.transaction() as connection:
        connection.execute(text("UPDATE invoices SET party_ref = 'id:nobody'"))
    page = anna.get(f"/findings/{of['i1']}").text
    assert "<dd>Acme SRL</dd>" in page, "a customer who is not there any more is no link"


def test_a_group_of_findings_of_a_customer_and_its_list_lead_to_the_customers_page(
    as_role: Callable[[Role], Browser], desk: Store, program: Program
) -> None:
    anna = as_role(Role.FINANCE)
    page = anna.get("/findings?group=customer").text
    groups = {plain(row).partition(" Customer page")[0]: row for row in page.split('<tr><th scope="row">')[1:]}
    assert f'href="/customers/{record(desk, "c-1")}"' in groups["Acme SRL"]
    led = re.search(r'href="/customers/(\d+)"', groups["ACME S.r.l."])
    assert led
    assert int(led[1]) in {record(desk, "A1"), record(desk, "117")}
    whole = anna.get("/findings?customer=Acme+SRL").text
    assert f'<a href="/customers/{record(desk, "c-1")}">Acme SRL: Customer page</a>' in whole
    assert "/customers/" not in anna.get("/findings").text
    assert "/customers/" not in anna.get("/findings?group=department").text
    items = program(Role.VIEWER).get("/findings/groups", by="customer").json()["items"]
    answered = {item["key"]: item["customer"] for item in items}
    assert answered["Acme SRL"] == record(desk, "c-1")
    with desk.transaction() as connection:
        connection.execute(text("UPDATE finding SET customer = 'Of a lead' WHERE customer = 'Acme SRL'"))
        connection.execute(text("UPDATE invoices SET party_ref = 'id:nobody'"))
        connection.execute(text("DELETE FROM finding_record WHERE source_id = 'c-1'"))
    page = anna.get("/findings?group=customer").text
    of_lead = page.partition("Of a lead</a>")[2].partition("</tr>")[0]
    assert ("/customers/" in of_lead, bool(of_lead)) == (False, True), "nobody that we know of is no link"


def test_the_trace_of_a_customer_leads_to_its_page(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna = as_role(Role.FINANCE)
    assert f'href="/customers/{record(desk, "117")}">Customer page</a>' in anna.get("/trace?text=C-117").text
    anna.post("/language", locale="zh-CN", next="/")
    assert f'href="/customers/{record(desk, "117")}">客户页</a>' in anna.get("/trace?text=C-117").text
    order = anna.get("/trace?text=SO-1").text
    found = re.search(r'<div class="record asked">.*?</div>', order, re.DOTALL)
    assert found is not None
    assert "/customers/" not in found.group(), "an order is no customer"


def test_what_is_no_customer_has_no_such_page(as_role: Callable[[Role], Browser], desk: Store) -> None:
    with desk.reading() as connection:
        order = connection.execute(text("SELECT record_id FROM orders")).scalars().first()
    anna = as_role(Role.FINANCE)
    assert anna.get(f"/customers/{order}").status_code == 404
    assert anna.get("/customers/987654").status_code == 404


def test_a_suggested_link_makes_no_column_and_is_offered(as_role: Callable[[Role], Browser], desk: Store) -> None:
    with desk.transaction() as connection:
        connection.execute(text("UPDATE link SET decision = 'suggested' WHERE left_entity = 'party'"))
    page = as_role(Role.FINANCE).get(f"/customers/{record(desk, '117')}").text
    assert rows(page)["Tax id"] == "0074 3110 157"
    assert "No other system has a record" in page
    assert re.search(r'href="/links">\d more link', page)


def test_a_page_asks_the_database_a_few_times_however_many_documents_there_are(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, address = as_role(Role.FINANCE), f"/customers/{record(desk, 'c-1')}"
    asked: list[str] = []

    def note(*said: Any) -> None:
        asked.append(said[2])

    anna.get(address)
    event.listen(desk.engine, "before_cursor_execute", note)
    anna.get(f"{address}?documents=invoice")
    event.remove(desk.engine, "before_cursor_execute", note)
    assert len([one for one in asked if "party_ref" in one and "count(" in one]) == 1
    assert len(asked) < 30, asked


def test_no_documents_are_looked_for_where_its_systems_keep_none(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, alone = as_role(Role.FINANCE), record(desk, "A2")
    asked: list[str] = []

    def note(*said: Any) -> None:
        asked.append(said[2])

    event.listen(desk.engine, "before_cursor_execute", note)
    page = anna.get(f"/customers/{alone}").text
    anna.get(f"/customers/{alone}?documents=order")
    event.remove(desk.engine, "before_cursor_execute", note)
    assert rows(page)["Opportunity"].startswith("1 99.00")
    [read] = {one for one in asked if "party_ref" in one and "count(" in one}
    looked = set(re.findall("FROM (\\w+)", read))
    assert "opportunities" in looked
    assert not looked & {"orders", "deliveries", "invoices", "payments"}, "the CRM has none of these"
    assert not [one for one in asked if "orders.party_ref" in one]


def test_a_program_gets_the_same(program: Program, desk: Store) -> None:
    api, id = program(Role.VIEWER), record(desk, "117")
    found = api.get(f"/customers/{id}").json()
    assert [item["system"] for item in found["records"]] == ["books", "crm", "erp"]
    assert found["differs"] == ["email", "payment_terms_days"]
    books = found["records"][0]["values"]
    assert (books["email"], books["credit_limit"], books["name"]) == ("•••@acme.example", "5000.00", "Acme SRL")
    orders = [item for item in found["documents"] if item["entity"] == "order"]
    assert [(item["count"], item["ended"], item["amount"]) for item in orders] == [(3, 1, "2000.00")]
    assert [item["wrong_tax_id"] for item in found["records"]] == [False, False, False]
    [owed] = found["owed"]
    assert (owed["system"], owed["customer_number"], owed["currency"], owed["documents"]) == ("books", "c-1", "EUR", 2)
    assert (owed["total"], owed["overdue"], owed["overdue_days"]) == ("1200.00", "1220.00", 56)
    assert (owed["not_due"], owed["days_31_60"], owed["credits"]) == ("0.00", "1220.00", "-20.00")
    about = {item["check"] for item in found["findings"]}
    assert about >= {"payment_underpaid", "order_without_quote", "party_terms_differ"}
    assert api.get("/customers/987654").status_code == 404
