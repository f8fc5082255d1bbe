"""Links that wait for a person, and records that could not be understood."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from state.members import Role
from state.store import Store
from tests.web.conftest import Browser


@pytest.fixture
def suggested(desk: Store) -> str:
    """The address of the two companies as a link to decide."""
    with desk.transaction() as connection:
        row = connection.execute(
            text("SELECT kind, left_id, right_id FROM link WHERE kind = 'same_as' AND left_entity = 'party'")
        ).one()
        connection.execute(
            text("UPDATE link SET decision = 'suggested' WHERE left_id = :left AND right_id = :right"),
            {"left": row.left_id, "right": row.right_id},
        )
    return f"/links/{row.kind}/{row.left_id}/{row.right_id}"


def decision(store: Store, address: str) -> str:
    _, _, _, left, right = address.split("/")
    with store.reading() as connection:
        found = connection.execute(
            text("SELECT decision FROM link WHERE left_id = :left AND right_id = :right"),
            {"left": left, "right": right},
        )
        return str(found.scalar_one())


def test_both_records_stand_beside_each_other_and_are_confirmed(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    page = anna.get("/links").text
    assert page.count("ACME S.r.l.") >= 2
    assert "IT01234567890" in page
    assert anna.post(f"{suggested}/confirm").status_code == 303
    assert decision(desk, suggested) == "confirmed"
    assert "Nothing is to be decided" in anna.get("/links").text


def test_two_records_are_kept_apart_with_a_reason(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    refused = anna.post(f"{suggested}/cut", reason=" ")
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert anna.post(f"{suggested}/cut", reason="Another branch").status_code == 303
    assert decision(desk, suggested) == "cut"


@pytest.mark.parametrize("address", ["/links/same_as/1/424242", "/links/married/1/2"])
def test_only_links_that_there_are_can_be_decided(as_role: Callable[[Role], Browser], address: str) -> None:
    assert as_role(Role.FINANCE).post(f"{address}/confirm").status_code == 404


def test_records_that_could_not_be_understood_are_listed(as_role: Callable[[Role], Browser]) -> None:
    assert "Every record could be understood" in as_role(Role.VIEWER).get("/quarantine").text
