"""The stand-in's SOQL: it understands what Salesforce understands, and refuses the rest with the place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.salesforce.evaluate import range_of, run
from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Org
from sandbox.salesforce.soql import Range
from tests.connectors.salesforce.conftest import add_account, add_opportunity, add_quote

Ask = Callable[[str], list[str]]
DAY = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def ask() -> Ask:
    """Names of the accounts for which a condition (or the rest of a query) holds."""
    org = Org()
    for number, (name, city, phone) in enumerate(
        (("Alpha", "Ulm", "1"), ("beta", "Jena", None), ("Gamma 50%", None, "3"), ("O'Neil", "ULM", "4"))
    ):
        add_account(org, name, Name=name, BillingCity=city, Phone=phone, modified=DAY + timedelta(days=number))

    def names(tail: str) -> list[str]:
        result = run(org, f"SELECT Name FROM Account {tail}")
        return [record["Name"] for record in result.records]

    return names


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("Name = 'ALPHA'", ["Alpha"]),
        ("Name != 'alpha'", ["beta", "Gamma 50%", "O'Neil"]),
        ("Name <> 'alpha' AND Name > 'c'", ["Gamma 50%", "O'Neil"]),
        ("Name = 'O\\'Neil'", ["O'Neil"]),
        ("Name LIKE '%a'", ["Alpha", "beta"]),
        ("Name LIKE '_eta'", ["beta"]),
        ("BillingCity = null", ["Gamma 50%"]),
        ("BillingCity != NULL", ["Alpha", "beta", "O'Neil"]),
        ("BillingCity != 'Ulm'", ["beta", "Gamma 50%"]),
        ("Name IN ('beta', 'Alpha')", ["Alpha", "beta"]),
        ("Name NOT IN ('beta', 'Alpha')", ["Gamma 50%", "O'Neil"]),
        ("IsDeleted = false AND Phone = '3'", ["Gamma 50%"]),
        ("NOT Name = 'beta'", ["Alpha", "Gamma 50%", "O'Neil"]),
        ("(Name = 'beta' OR Name = 'Alpha') AND Phone = null", ["beta"]),
        ("NOT (Name = 'beta' OR Phone = '1')", ["Gamma 50%", "O'Neil"]),
        ("SystemModstamp > 2026-06-02T12:00:00Z", ["Gamma 50%", "O'Neil"]),
        ("SystemModstamp >= 2026-06-02T12:00:00.000Z AND SystemModstamp < 2026-06-04T00:00:00Z", ["beta", "Gamma 50%"]),
        ("SystemModstamp = 2026-06-02T20:00:00+08:00", ["beta"]),
        ("Account.Name = 'beta'", ["beta"]),
    ],
)
def test_conditions_select_what_salesforce_would(ask: Ask, condition: str, wanted: list[str]) -> None:
    assert ask(f"WHERE {condition}") == wanted


@pytest.mark.parametrize(
    ("tail", "wanted"),
    [
        ("ORDER BY Name", ["Alpha", "beta", "Gamma 50%", "O'Neil"]),
        ("ORDER BY Name DESC LIMIT 2", ["O'Neil", "Gamma 50%"]),
        ("ORDER BY BillingCity, Name DESC", ["Gamma 50%", "beta", "O'Neil", "Alpha"]),
        ("ORDER BY BillingCity ASC NULLS LAST, Name", ["beta", "Alpha", "O'Neil", "Gamma 50%"]),
        ("ORDER BY SystemModstamp DESC, Id OFFSET 3", ["Alpha"]),
        ("order by Name limit 1 offset 1", ["beta"]),
    ],
)
def test_results_are_sorted_and_cut(ask: Ask, tail: str, wanted: list[str]) -> None:
    assert ask(tail) == wanted


@pytest.mark.parametrize(
    ("literal", "first", "after"),
    [
        (Range("TODAY"), "2026-11-11", "2026-11-12"),
        (Range("YESTERDAY"), "2026-11-10", "2026-11-11"),
        (Range("TOMORROW"), "2026-11-12", "2026-11-13"),
        (Range("LAST_N_DAYS", 30), "2026-10-12", "2026-11-12"),
        (Range("NEXT_N_DAYS", 2), "2026-11-12", "2026-11-14"),
        (Range("LAST_90_DAYS"), "2026-08-13", "2026-11-12"),
        (Range("THIS_WEEK"), "2026-11-08", "2026-11-15"),
        (Range("THIS_MONTH"), "2026-11-01", "2026-12-01"),
        (Range("LAST_MONTH"), "2026-10-01", "2026-11-01"),
        (Range("NEXT_MONTH"), "2026-12-01", "2027-01-01"),
        (Range("LAST_N_MONTHS", 12), "2025-11-01", "2026-11-01"),
        (Range("THIS_QUARTER"), "2026-10-01", "2027-01-01"),
        (Range("LAST_YEAR"), "2025-01-01", "2026-01-01"),
    ],
)
def test_date_literals_cover_their_days(literal: Range, first: str, after: str) -> None:
    assert range_of(literal, date(2026, 11, 11)) == (date.fromisoformat(first), date.fromisoformat(after))


def test_date_literals_work_in_conditions(ask: Ask) -> None:
    assert ask("WHERE CreatedDate = TODAY") == []
    assert ask("WHERE CreatedDate < LAST_N_DAYS:1") != []


def test_parents_and_children_come_nested() -> None:
    org = Org()
    add_quote(org, lines=2)
    add_opportunity(org, "D9")
    query = (
        "SELECT Name, Opportunity.Name, Account.Name, "
        "(SELECT Product2.ProductCode, TotalPrice FROM QuoteLineItems ORDER BY SortOrder) FROM Quote"
    )
    result = run(org, query)
    shown: dict[str, Any] = result.show(result.records[0], "/base")
    assert shown["Opportunity"]["Name"] == "Deal of Q1"
    assert shown["Account"] is None
    lines = shown["QuoteLineItems"]
    assert lines.show(lines.records[1], "/base")["TotalPrice"] == Decimal("20.5")
    empty = run(org, "SELECT Id, (SELECT Id FROM Quotes) FROM Opportunity WHERE Name = 'Deal D9'")
    assert empty.show(empty.records[0], "/base")["Quotes"] is None


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "Row:1:Column:11"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "Row:1:Column:17"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "Row:1:Column:29"),
        ("SELECT Id FROM Account WHERE Name ==  'x'", "MALFORMED_QUERY", "Row:1:Column:36"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "Row:1:Column:37"),
        ('SELECT Id FROM Account WHERE Name = "x"', "MALFORMED_QUERY", "Row:1:Column:37"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Phone = '1' OR Phone = '2'", "MALFORMED_QUERY", "Column:57"),
        ("SELECT Id FROM Account LIMIT ten", "MALFORMED_QUERY", "Row:1:Column:30"),
        ("SELECT Id FROM Account ORDER Name", "MALFORMED_QUERY", "Row:1:Column:30"),
        ("SELECT Id FROM Account\nWHERE (Name = 'x'", "MALFORMED_QUERY", "Row:2:Column:18"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-13-01T00:00:00Z", "MALFORMED_QUERY", "Column:44"),
        ("SELECT * FROM Account", "MALFORMED_QUERY", "Row:1:Column:8"),
        ("SELECT Id, Nmae FROM Account", "INVALID_FIELD", "Row:1:Column:12"),
        ("SELECT Id FROM Account WHERE Nmae = 'x'", "INVALID_FIELD", "Row:1:Column:30"),
        ("SELECT Id FROM Account ORDER BY Nmae", "INVALID_FIELD", "Row:1:Column:33"),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "relationship 'Foo'"),
        ("SELECT Id FROM Account WHERE CreatedDate > 'x'", "INVALID_FIELD", "datetime"),
        ("SELECT Id FROM Account WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "datetime"),
        ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD", "currency"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "enclosed in quotes"),
        ("SELECT Id FROM Acount", "INVALID_TYPE", "'Acount' is not supported"),
        ("SELECT Id, (SELECT Id FROM Lines) FROM Account", "INVALID_TYPE", "relationship 'Lines'"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
    ],
)
def test_a_wrong_query_is_refused_with_code_and_place(query: str, code: str, place: str) -> None:
    with pytest.raises(ApiError) as caught:
        run(Org(), query)
    assert caught.value.code == code
    assert place in caught.value.message
