"""What findings are found by: written with them, kept with them, and gone with them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update

from state import bulk, finding_pages, finding_terms, findings, schema
from state.finding_pages import NOBODY, Ages, Day, Wanted
from state.findings import Changes
from state.store import Store

ONE, TWO, THREE = (f"{number:020x}" for number in (1, 2, 3))


def found(id: str, params: dict[str, object], amount: int, currency: str, check: str = "c") -> bulk.Row:
    text = json.dumps(params, ensure_ascii=False)
    return (id, check, "billing", "finance", "error", amount, currency, amount, text, "2026-01-05")


@pytest.fixture
def filled(store: Store) -> Store:
    """Three findings: of Rossi's order, of a Chinese customer's invoice, of a payment in yen by nobody known."""
    rows: dict[str, dict[str, object]] = {
        "order": {"record_id": 1, "system": "erp", "source_id": "9", "currency": "EUR", "net_amount": 123_450},
        "party": {"record_id": 7, "system": "erp", "source_id": "7", "number": "C7", "name": "Rossi Müller S.r.l."},
        "invoice": {
            "record_id": 2,
            "system": "books",
            "source_id": "uuid-1",
            "currency": "CNY",
            "gross_amount": 77_700,
        },
        "payment": {"record_id": 3, "system": "bank", "source_id": "p1", "currency": "JPY", "amount": 99_000},
    }
    rows["order"]["party_ref"] = "no:C7"
    changes = Changes(
        opened=[
            found(ONE, {"order": "SO-00342", "ordered_money": 123_450}, 23_450, "EUR"),
            found(TWO, {"invoice": "INV-7", "buyer": "深圳诚达精密机械股份有限公司"}, 5_000, "CNY"),
            found(THREE, {"payment": "refund SO-00283"}, 1_200, "JPY", "other"),
        ],
        records=[
            (ONE, 1, 1, "erp", "order", "9", "SO-00342", None),
            (TWO, 1, 2, "books", "invoice", "uuid-1", "INV-7", None),
            (THREE, 1, 3, "bank", "payment", "p1", "refund SO-00283", None),
        ],
    )
    with store.transaction() as connection:
        for entity, row in rows.items():
            bulk.insert(connection, schema.canonical[entity], list(row), [tuple(row.values())])
        findings.apply(connection, changes, "run", 1, 1)
    return store


def ids(store: Store, **wanted: object) -> set[str]:
    with store.reading() as connection:
        return {item.id for item in finding_pages.page(connection, Wanted(**wanted), 0, 50).findings}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "those"),
    [
        ("SO-00342", {ONE}),
        ("so-003", {ONE}),
        ("342", {ONE}),
        ("00342", {ONE}),
        ("refund SO-00283", {THREE}),
        ("so-00283", {THREE}),
        ("uuid-1", {TWO}),
        ("rossi", {ONE}),
        ("MÜLLER ros", {ONE}),
        ("rossi 342", {ONE}),
        ("rossi INV-7", set()),
        ("精密", {TWO}),
        ("诚达 INV-7", {TWO}),
        ("精密 rossi", set()),
        ("234.50", {ONE}),
        ("1,234.50", {ONE}),
        ("1234.5", {ONE}),
        ("€1.234,50", {ONE}),
        ("¥777", {TWO}),
        ("777.00 CNY", {TWO}),
        ("99,000", {THREE}),
        ("990.00", set()),
        ("1,200", {THREE}),
        ("12.00", set()),
        (ONE, {ONE}),
        ("", {ONE, TWO, THREE}),
        ("\u3000", {ONE, TWO, THREE}),
        ("%", set()),
        ("' OR 1=1 --", set()),
        ("9" * 200, set()),
        ("-", set()),
    ],
)
def test_findings_are_found_by_numbers_words_and_exact_amounts(filled: Store, text: str, those: set[str]) -> None:
    assert ids(filled, text=text) == those


def test_what_changed_is_found_as_it_is_now_and_what_is_pruned_not_at_all(filled: Store) -> None:
    changed = Changes(
        changed=[found(ONE, {"order": "SO-00999"}, 100, "EUR")],
        records=[(ONE, 1, 1, "erp", "order", "9", "SO-00999", None)],
    )
    with filled.transaction() as connection:
        findings.apply(connection, changed, "run2", 2, 2)
    assert ids(filled, text="so-00342") == set()
    assert ids(filled, text="so-00999") == {ONE}
    assert ids(filled, text="rossi") == {ONE}
    with filled.reading() as connection:
        terms = connection.execute(select(schema.finding_term.c.term).where(schema.finding_term.c.finding_id == ONE))
        assert "342" not in terms.scalars().all()


def test_after_an_erasure_nobody_is_found_by_what_was_erased(filled: Store) -> None:
    table = schema.finding
    with filled.transaction() as connection:
        connection.execute(update(table).where(table.c.id == ONE).values(customer="[erased]"))
        connection.execute(update(table).where(table.c.id == TWO).values(params="{}"))
        finding_terms.rebuild(connection)
    assert ids(filled, text="rossi") == ids(filled, text="诚达") == set()
    assert ids(filled, text="so-00342") == ids(filled, text="1,234.50") == {ONE}


def test_people_are_no_customers(filled: Store) -> None:
    party = schema.canonical["party"]
    with filled.transaction() as connection:
        connection.execute(update(party).values(kind="person"))
        row = (ONE, 1, 7, "erp", "party", "7", "C7", None)
        shown = [(ONE, None, None, None, "{}")]
        assert finding_terms.known(connection, shown, [row]).customers == {}
        connection.execute(update(party).values(kind="organisation"))
        assert finding_terms.known(connection, shown, [row]).customers == {ONE: "Rossi Müller S.r.l."}


def test_groups_have_counts_and_money_of_each_currency(filled: Store) -> None:
    with filled.reading() as connection:
        by_check = finding_pages.groups(connection, Wanted(), "check", {})
        by_customer = finding_pages.groups(connection, Wanted(), "customer", {})
        by_system = finding_pages.groups(connection, Wanted(system="erp"), "system", {})
        ages = {"new": Ages(Day("2026-01-06", 0)), "old": Ages(None, Day("2026-01-06", 0))}
        by_age = finding_pages.groups(connection, Wanted(), "age", ages)
    assert [(group.key, group.count) for group in by_check] == [("c", 2), ("other", 1)]
    assert [(one.currency, one.amount) for one in by_check[0].money] == [("CNY", 5_000), ("EUR", 23_450)]
    assert [(group.key, group.count) for group in by_customer] == [(NOBODY, 2), ("Rossi Müller S.r.l.", 1)]
    assert [(group.key, group.count) for group in by_system] == [("erp", 1)]
    assert [(group.key, group.count) for group in by_age] == [("old", 3)]


def test_filters_choose_by_who_what_size_and_age(filled: Store) -> None:
    with filled.transaction() as connection:
        connection.execute(update(schema.finding).where(schema.finding.c.id == TWO).values(assignee="anna"))
    assert ids(filled, assignee="anna") == {TWO}
    assert ids(filled, assignee=NOBODY) == {ONE, THREE}
    assert ids(filled, customer="Rossi Müller S.r.l.") == {ONE}
    assert ids(filled, customer=NOBODY) == {TWO, THREE}
    assert ids(filled, system="bank") == {THREE}
    assert ids(filled, least=2_000, most=10_000) == {TWO}
    assert ids(filled, ages=Ages(Day("2026-01-05", 0), Day("2026-01-06", 0))) == {ONE, TWO, THREE}
    assert ids(filled, ages=Ages(None, Day("2026-01-05", 0))) == set()


@pytest.mark.parametrize("order", finding_pages.ORDERS)
def test_one_goes_from_each_finding_to_the_next_and_back(filled: Store, order: str) -> None:
    wanted = Wanted(order=order)
    with filled.reading() as connection:
        line = finding_pages.ids(connection, wanted, 10)
        places = [finding_pages.beside(connection, wanted, id) for id in line]
    assert [before for before, _ in places] == [None, *line[:-1]]
    assert [after for _, after in places] == [*line[1:], None]


def test_a_finding_that_left_the_list_still_leads_on(filled: Store) -> None:
    wanted = Wanted(check="c", order="amount")
    with filled.transaction() as connection:
        connection.execute(update(schema.finding).where(schema.finding.c.id == ONE).values(status="resolved"))
        assert finding_pages.beside(connection, wanted, ONE) == (None, TWO)
        assert finding_pages.beside(connection, wanted, "nothing") == (None, None)
