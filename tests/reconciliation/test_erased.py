"""Erasing people changes no figure, no link and no finding of the demo company; only their names are gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mappings.errors import MappingError
from mappings.personal import PERSONAL
from reconciliation import report
from reconciliation.engine import reconcile
from state import audit, forget
from state.store import Store, open_store
from tests.reconciliation.books import settings
from tests.reconciliation.conftest import Company

pytestmark = pytest.mark.slow


class Marked:
    """Knows the personal fields of an entity; there are no raw records here."""

    def __init__(self, entity: str) -> None:
        self._fields = PERSONAL.get(entity, frozenset()) | (
            {"name", "legal_name", "tax_id"} if entity == "party" else set()
        )

    def map(self, _system: str, _source_id: str, _body: bytes, /) -> Any:
        raise MappingError("", "", "")

    def personal_fields(self, _organisation: bool = False, /) -> frozenset[str]:
        return frozenset(self._fields)

    def personal_values(self, _body: bytes, _organisation: bool = False, /) -> set[str]:
        return set()

    def without_person(self, _body: bytes, _organisation: bool = False, /) -> bytes:
        return b"{}"


MAPPERS: Any = {
    (system, f"{entity}_list"): Marked(entity)
    for system in ("forms", "crm", "erp", "books")
    for entity in ("lead", "party", "contact")
}


@pytest.fixture
def copy(company: Company, tmp_path: Path) -> Iterator[Store]:
    company.store.close()
    path = tmp_path / "copy.db"
    shutil.copy(str(company.store.engine.url.database), path)
    with open_store(f"sqlite:///{path}") as store:
        yield store


def column(store: Store, sql: str) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(text(sql)).scalars())


def shape(store: Store) -> tuple[Any, Any]:
    """Tie-outs, and findings without names."""
    built = report.build(store, settings())
    found = [
        (item["id"], item["status"], item["amount"], item["currency"], item["since"]) for item in built["findings"]
    ]
    return built["tie_outs"], found


def test_figures_links_and_findings_are_the_same_after_people_were_erased(copy: Store) -> None:
    before = shape(copy)
    links = column(copy, "SELECT kind || ' ' || left_id || ' ' || right_id FROM link WHERE decision <> 'suggested'")
    leads = column(
        copy, "SELECT email FROM leads WHERE system = 'crm' AND status = 'converted' ORDER BY record_id LIMIT 4"
    )
    parties = column(copy, "SELECT name FROM parties WHERE system = 'books' ORDER BY record_id LIMIT 3")
    for person in (*leads, *parties):
        assert forget.forget(copy, MAPPERS, [person], "Li Na", "asked for").records
    reconcile(copy, settings(), "run-2")
    assert shape(copy) == before
    again = column(copy, "SELECT kind || ' ' || left_id || ' ' || right_id FROM link WHERE decision <> 'suggested'")
    assert sorted(again) == sorted(links)
    everything = str(report.build(copy, settings())) + str(column(copy, "SELECT evidence FROM link"))
    assert [person for person in (*leads, *parties) if person in everything] == []
    with copy.reading() as connection:
        assert audit.verify(connection).intact
