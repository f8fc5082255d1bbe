"""The page of a finding: its waiver on top, its money in the base currency, what its decisions do."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from state import findings
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import of_check


def test_a_waiver_that_waits_is_on_top_with_what_approvers_may_do(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2026-12-31")
    page = li.get(f"/findings/{id}").text
    assert page.index(f'action="/findings/{id}/waiver/approve"') < page.index("<h1>")
    assert page.index(f'action="/findings/{id}/waiver/decline"') < page.index("<h1>")
    page = anna.get(f"/findings/{id}").text
    assert page.index("It waits for approval.") < page.index("<h1>")
    assert "· undecided · waits for approval" in page
    assert "/waiver/approve" not in page


def test_what_was_typed_stays_when_a_waiver_cannot_be_asked_for(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, id = as_role(Role.FINANCE), of_check(desk, "quote_without_approval")
    refused = anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2020-01-31")
    assert refused.status_code == 422
    assert ("Agreed by telephone</textarea>" in refused.text, 'value="2020-01-31"' in refused.text) == (True, True)


def test_who_asked_for_a_waiver_withdraws_it_and_nobody_else(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2026-12-31")
    assert "waiver/end" not in li.get(f"/findings/{id}").text
    other = li.post(f"/findings/{id}/waiver/end", reason="No")
    assert (other.status_code, "alone can withdraw it" in other.text) == (422, True)
    assert "Say why" in anna.post(f"/findings/{id}/waiver/end", reason=" ").text
    anna.post(f"/findings/{id}/waiver/end", reason="Asked too early")
    page = anna.get(f"/findings/{id}").text
    assert ("waiver withdrawn" in page, "Ask for a waiver" in page) == (True, True)
    assert li.post(f"/findings/{id}/waiver/approve").status_code == 422
    assert li.get("/findings?waits=waiver").text.count(id) == 0


def test_a_waiver_can_be_ended_before_its_day(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/assign", to="a.finance", due="2026-11-13")
    assert "w waiver" in anna.get(f"/findings/{id}").text
    anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2026-12-31")
    li.post(f"/findings/{id}/waiver/approve")
    page = anna.get(f"/findings/{id}").text
    assert "a.approver approved what a.finance asked for" in page
    assert ("c comment" in page, "w waiver" in page) == (True, False), "there is no such field any more"
    assert ("<h2>waived</h2>" in page.lower(), page.count("Take the waiver back")) == (True, 1)
    anna.post(f"/findings/{id}/waiver/end", reason="The customer disputes it")
    with desk.reading() as connection:
        found = findings.find(connection, id)
        assert (found.status, found.assignee, found.waived_until, found.approver) == (
            "assigned",
            "a.finance",
            None,
            None,
        )
    assert "waiver taken back" in anna.get(f"/findings/{id}").text
    again = anna.post(f"/findings/{id}/waiver/end", reason="Twice")
    assert (again.status_code, "Nobody asks for a waiver" in again.text) == (422, True)


def test_a_waiver_survives_that_somebody_is_made_responsible_and_is_not_explained_away(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2026-12-31")
    li.post(f"/findings/{id}/waiver/approve")
    anna.post(f"/findings/{id}/assign", to="a.finance")
    refused = anna.post(f"/findings/{id}/explain", reason="It is so")
    assert (refused.status_code, "Take the waiver back first" in refused.text) == (422, True)
    with desk.reading() as connection:
        found = findings.find(connection, id)
    assert (found.status, found.assignee, found.reason) == ("waived", "a.finance", "Agreed by telephone")
    assert 'name="reason" rows' not in anna.get(f"/findings/{id}").text


def test_whoever_waived_a_finding_need_not_act_on_it_by_a_day(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/assign", to="a.finance", due="2026-11-13")
    assert 'class="day">2026-11-13<' in anna.get(f"/findings/{id}").text
    anna.post(f"/findings/{id}/waiver", reason="Agreed by telephone", until="2026-12-31")
    li.post(f"/findings/{id}/waiver/approve")
    assert 'class="day">2026-11-13<' not in anna.get(f"/findings/{id}").text
    assert "Act by 2026-11-13" not in anna.get("/findings?status=waived").text


def test_money_in_another_currency_is_told_in_the_base_currency_too(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, id = as_role(Role.FINANCE), of_check(desk, "quote_without_approval")
    changed = "UPDATE finding SET currency = 'EUR', amount = 10000, base_amount = 78050 WHERE id = :id"
    with desk.transaction() as connection:
        connection.execute(text(changed), {"id": id})
    assert '100.00 EUR<br><span class="quiet">780.50 CNY</span>' in anna.get(f"/findings/{id}").text


def test_it_is_said_what_each_decision_does(as_role: Callable[[Role], Browser], desk: Store) -> None:
    id = of_check(desk, "quote_without_approval")
    assert "a comment changes nothing else" in as_role(Role.FINANCE).get(f"/findings/{id}").text
    assert "a comment changes nothing else" not in as_role(Role.VIEWER).get(f"/findings/{id}").text


def test_a_member_is_found_whatever_signs_stand_between_the_parts_of_the_name(
    as_role: Callable[[Role], Browser], member: Callable[..., str], desk: Store
) -> None:
    anna, id = as_role(Role.FINANCE), of_check(desk, "quote_without_approval")
    member("li.wei", Role.FINANCE)
    assert anna.post(f"/findings/{id}/assign", to="Li Wei").status_code == 303
    assert "<dd>li.wei</dd>" in anna.get(f"/findings/{id}").text
    member("li-wei", Role.FINANCE)
    refused = anna.post(f"/findings/{id}/assign", to="Li Wei")
    assert (refused.status_code, "Nobody with access to LTC Sync is called Li Wei" in refused.text) == (422, True)
    assert anna.post(f"/findings/{id}/assign", to="LI-WEI").status_code == 303
