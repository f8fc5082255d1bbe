"""What a check compared stands on top of the records of its finding, and is marked."""

from __future__ import annotations

import re
from collections.abc import Callable

from console.web import compared
from mappings.model import ENTITIES, Kind, columns
from reconciliation import checks
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import of_check


def test_each_check_names_fields_that_records_have_or_has_none_to_name() -> None:
    ids = {check.id for check in checks.catalogue()}
    known = {
        column.name
        for entity in ENTITIES.values()
        for column in columns(entity)
        if column.kind not in (Kind.REF, Kind.REFS)
    }
    assert {id for id in ids if not compared.fields(id)} == set(compared.WITHOUT)
    assert {name for id in ids for name in compared.fields(id)} - known == set()
    assert compared.fields("a_check_of_the_site") == ()


def test_what_a_check_compared_stands_on_top_and_is_marked(as_role: Callable[[Role], Browser], desk: Store) -> None:
    page = as_role(Role.VIEWER).get(f"/findings/{of_check(desk, 'quote_without_approval')}").text
    rows = re.findall(r'<tr( class="differs")?><th scope="row">([^<]+)', page.partition('<table class="sides">')[2])
    marked = [name.strip() for mark, name in rows if mark]
    assert marked == ["Status", "Approval state"]
    assert [name.strip() for _, name in rows][:2] == marked
    assert len(rows) > len(marked)
    assert "compared by the check" in page
