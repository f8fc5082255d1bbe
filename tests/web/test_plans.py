"""Write-backs in the workbench: approved or rejected in part, exactly as ticked."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from dataclasses import asdict, replace
from decimal import Decimal
from html import unescape
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import update

from console.web.collisions import Going
from console.web.plans import percent
from console.web.work import Worker
from mappings.errors import ERASED
from settings.model import Ownership, Settings
from state import audit, exact, outbox, overwritten, pauses, rejections, schema
from state.changes import Item, Plan
from state.clock import from_us, now_us
from state.members import Role
from state.pauses import WHOLE
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import Toy, ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import Opens, crm, erp, finished, olaf, plain, plan, settings, systems, toys  # noqa: F401


def ticks(browser: Browser, plan: Plan, *chosen: int) -> dict[str, str]:
    """The form's fields as the page has them, with ticks at these writes; without any, at all of them."""
    boxes = re.findall(r'name="(item\.\d+)"', browser.get("/plans").text)
    assert len(boxes) == len(plan.open_items)
    wanted = {f"item.{plan.items[n].id}" for n in chosen or range(len(plan.items))}
    return {"place": "1", **{name: "yes" for name in boxes if name in wanted}}


def test_a_plan_is_shown_field_by_field_and_carried_out_as_shown(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    assert "Delivery state" in page
    assert "Write only what is ticked to crm, leave the rest" in page
    assert "Write these 7 to crm" in page
    assert ticked(page) == []
    assert "order SO-1 in erp says so" in page
    assert "Write only" not in viewer.get("/plans").text
    assert 'type="checkbox"' not in viewer.get("/plans").text
    assert browser.post("/plans/0123456789abcdef/apply").status_code == 404
    assert crm.writes == []
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).status_code == 303
    finished(browser)
    assert len(crm.writes) == 7
    assert "Nothing is waiting" in browser.get("/plans").text


def test_a_record_without_a_number_is_called_by_its_name_with_the_id_beside_it(
    olaf: Opens, sqlite_store: Store, plan: Plan
) -> None:
    item = plan.items[0]
    with sqlite_store.transaction() as connection:
        connection.execute(update(schema.outbox).where(schema.outbox.c.id == item.id).values(number=None))
        table = schema.canonical[item.entity]
        connection.execute(update(table).where(table.c.record_id == item.record_id).values(name="Harbour cranes"))
    rows = olaf(Role.OPERATOR).get("/plans").text
    assert re.search(rf'>Harbour cranes</a> <span class="quiet">{item.source_id}</span>', rows)


def test_only_what_is_ticked_is_written_and_the_rest_stays_in_the_plan(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan, 0, 3)).status_code == 303
    finished(browser)
    assert {item[1] for item in crm.writes} == {plan.items[n].source_id for n in (0, 3)}
    page = browser.get("/plans").text
    assert "Write these 5 to crm" in page
    assert "Rejected" not in page
    left = re.findall(r'action="/plans/([0-9a-f]+)/apply"', page)[0]
    assert browser.post(f"/plans/{left}/apply", all="yes").status_code == 303
    finished(browser)
    assert len(crm.writes) == 7
    assert "Nothing is waiting" in browser.get("/plans").text


def test_a_plan_that_could_not_be_written_says_how_often_and_why_until_it_is(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    assert "could not write it" not in browser.get("/plans").text
    crm.server.faults.answer("PATCH /deal/", 401, times=100)
    for count in ("The last run could not write it, on", "The last 2 runs could not write it, the last one of"):
        job.run_push(sqlite_store, settings, push="apply")
        assert re.search(rf"✗ {count} \d{{4}}-\d\d-\d\d \d\d:\d\d: \S", plain(browser.get("/plans").text))
    crm.server.faults.clear()
    job.run_push(sqlite_store, settings, push="apply")
    crm.edit("deal", "d2", {"delivery": "none"})
    job.run_sync(sqlite_store, settings, push="plan")
    assert "could not write it" not in browser.get("/plans").text


def test_of_what_got_no_answer_the_page_says_that_it_may_be_written_and_offers_to_look(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    crm.server.faults.cut("PATCH /deal/d4", act=True)
    job.run_push(sqlite_store, settings, push="apply")
    page = browser.get("/plans").text
    assert "1 of these records was sent and got no answer: it may have been written, or not." in page
    assert "perhaps written" in page
    for useless in ("Tick all on this page", "Write only what is ticked", "Reject what is ticked"):
        assert useless not in page
    assert "Waits for you: write-backs without an answer: 1" in plain(page)
    run = plain(finished(browser))
    assert "What it sent to be written" in run
    assert "Whether what got no answer was written is not known" in run
    left = re.findall(r'action="/plans/([0-9a-f]+)/apply"', browser.get("/plans").text)[0]
    crm.server.forget()
    assert browser.post(f"/plans/{left}/apply", doubtful="yes").status_code == 303
    finished(browser)
    assert crm.server.requests("PATCH") == []
    assert "Nothing is waiting" in browser.get("/plans").text


def test_looking_for_what_got_no_answer_sends_nothing_else(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    with sqlite_store.transaction() as connection:
        outbox.outcome(connection, plan.items[0].id, outbox.OutboxStatus.UNKNOWN, "no answer")
    page = browser.get("/plans").text
    assert "Reject what is ticked" in page, "the others are not sent yet"
    assert page.count('type="checkbox"') == 6
    assert browser.post(f"/plans/{plan.id}/apply", doubtful="yes").status_code == 303
    finished(browser)
    assert {item[1] for item in crm.writes} == {plan.items[0].source_id}


def test_forms_say_before_they_are_sent_whether_a_reason_is_needed(
    olaf: Opens, sqlite_store: Store, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    assert "Why what is ticked is not to be written (needed)" in plain(page)
    assert re.search(r'name="reason" maxlength="1000" required', page)
    assert page.count("formnovalidate") == 2, "writing takes none"
    with sqlite_store.transaction() as connection:
        outbox.outcome(connection, plan.items[0].id, outbox.OutboxStatus.REJECTED, "the CRM says no")
        (letter,) = outbox.dead_letters(connection)
    page = browser.get("/dead-letters").text
    assert "(kept in the audit) (needed)" in plain(page)
    assert page.count("formnovalidate") == 2, "trying again takes none"
    page = plain(browser.get(f"/dead-letters/{letter.letter}").text)
    assert "Why (optional)" in page
    assert "Why it is not needed (needed)" in page


def test_without_a_tick_nothing_is_done(olaf: Opens, crm: ToySystem, plan: Plan) -> None:
    browser = olaf(Role.OPERATOR)
    for action in ("apply", "reject"):
        refused = browser.post(f"/plans/{plan.id}/{action}", reason="why")
        assert (refused.status_code, "Nothing is ticked" in refused.text) == (422, True)
    assert crm.writes == []


def test_what_is_ticked_is_rejected_with_a_reason_and_the_rest_waits(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    sent = ticks(browser, plan, 0, 3)
    refused = browser.post(f"/plans/{plan.id}/reject", **sent)
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert browser.post(f"/plans/{plan.id}/reject", **sent, reason="In dispute").status_code == 303
    page = browser.get("/plans").text
    assert "2 rejected." in page
    assert page.count("In dispute") == 2
    assert crm.writes == []
    job.run_sync(sqlite_store, settings, push="apply")
    assert {item[1] for item in crm.writes} == {plan.items[n].source_id for n in (1, 2, 4, 5, 6)}


def ticked(page: str) -> list[int]:
    """The writes whose box has a tick."""
    boxes = re.findall(r'<input type="checkbox" form="plan-[^>]*name="item\.(\d+)" value="yes"( checked)?', page)
    return [int(id) for id, is_ticked in boxes if is_ticked]


def test_a_page_that_says_what_is_wrong_keeps_the_ticks_and_the_reason(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    browser = olaf(Role.OPERATOR)
    sent, kept = ticks(browser, plan, 0, 3), [plan.items[0].id, plan.items[3].id]
    assert ticked(browser.post(f"/plans/{plan.id}/apply", **sent).text) == kept
    assert ticked(browser.post(f"/plans/{plan.id}/reject", **sent).text) == kept
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    refused = browser.post(f"/plans/{plan.id}/apply", **sent, reason='In "dispute"', approve="yes")
    assert (refused.status_code, ticked(refused.text)) == (409, kept)
    assert 'value="In &#34;dispute&#34;"' in refused.text
    assert 'name="approve" value="yes" checked' in refused.text
    assert 'name="paused" value="yes" checked' not in refused.text
    stale = browser.post(f"/plans/{plan.id}/reject", **sent, **{"item.999": "yes"}, reason="so")
    assert (stale.status_code, ticked(stale.text)) == (422, kept)


def test_a_plan_of_many_is_shown_page_by_page(olaf: Opens, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.web.plans.MOST_TICKS", 3)
    browser = olaf(Role.OPERATOR)
    seen, address = [], "/plans"
    for _ in range(3):
        page = browser.get(address).text
        seen += [int(id) for id in re.findall(r'name="item\.(\d+)"', page)]
        address = unescape("".join(re.findall(r'rel="next" href="([^"#]+)', page)))
    assert seen == [item.id for item in plan.items]
    assert address == ""
    refused = browser.post(f"/plans/{plan.id}/reject", place="2", **{f"item.{plan.items[3].id}": "yes"})
    assert (ticked(refused.text), "Page 2 of 3" in refused.text) == ([plan.items[3].id], True)


def left_to_a_person(store: Store, settings: Settings, crm: ToySystem, erp: ToySystem) -> None:
    """Somebody writes into a field of which a person decides, and its owner has something new to say, too."""
    settings.ownership["opportunity.delivery_state"] = Ownership(owner="erp", policy="ask")
    job.run_push(store, settings, push="apply")
    job.run_sync(store, settings)
    crm.edit("deal", "d1", {"delivery": "picked up"})
    erp.edit("order", "o1", {"delivery": "returned"})
    job.run_sync(store, settings)


def test_the_page_of_plans_says_of_which_fields_a_person_decides_while_nothing_waits(
    olaf: Opens, settings: Settings
) -> None:
    browser = olaf(Role.OPERATOR)
    assert "a person decides" not in plain(browser.get("/plans").text)
    settings.ownership["opportunity.delivery_state"] = Ownership(owner="erp", policy="ask")
    page = plain(browser.get("/plans").text)
    told = (
        "a person decides where somebody else has written something: Opportunity Delivery state. Nothing of them waits"
    )
    assert told in page


@pytest.mark.parametrize("choice", ["write", "keep"])
def test_what_waits_for_a_person_is_decided_on_the_page(
    olaf: Opens,
    sqlite_store: Store,
    settings: Settings,
    crm: ToySystem,
    erp: ToySystem,
    plan: Plan,
    choice: str,
) -> None:
    left_to_a_person(sqlite_store, settings, crm, erp)
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    (id,) = re.findall(r'action="/conflicts/([0-9a-f]{10})/decide"', page)
    assert ("picked up" in page, "returned" in page, "delivered" in page) == (True, True, True)
    assert ("picked up" in viewer.get("/plans").text, "/conflicts/" in viewer.get("/plans").text) == (True, False)
    assert browser.post("/conflicts/0123456789/decide", choice=choice).status_code == 404
    assert browser.post(f"/conflicts/{id[:5]}/decide", choice=choice).status_code == 404
    assert browser.post(f"/conflicts/{id}/decide", choice="both").status_code == 400
    assert browser.post(f"/conflicts/{id}/decide", choice=choice, reason="As agreed").status_code == 303
    finished(browser)
    assert "/conflicts/" not in browser.get("/plans").text
    job.run_push(sqlite_store, settings, push="apply")
    assert crm.values("deal", "delivery")["d1"] == ("returned" if choice == "write" else "picked up")
    with sqlite_store.reading() as connection:
        decided = [entry for entry in audit.entries(connection) if entry.action == "conflict decided"]
    assert [entry.detail["reason"] for entry in decided] == ["As agreed"]


def test_what_was_rejected_is_put_back_in_the_plan(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan, 0), reason="Later").status_code == 303
    assert "Let it be written again" in browser.get("/plans").text
    with sqlite_store.reading() as connection:
        (item,) = rejections.listing(connection)
    assert browser.post("/rejections/0123456789/take-back").status_code == 404
    assert browser.post(f"/rejections/{item.held.id}/take-back").status_code == 303
    assert "is being planned now" in browser.get("/runs").text
    finished(browser)
    assert "Write these 7 to crm" in browser.get("/plans").text
    job.run_sync(sqlite_store, settings)
    assert len(crm.writes) == 7


def test_what_was_rejected_stands_in_the_words_of_its_system_too(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    words = "{field: delivery, values: {delivered: All}}"
    taught = MAPPINGS["crm"].replace("write: {delivery_state: delivery}", f"write: {{delivery_state: {words}}}")
    (Path(settings.path).parent / "crm.yaml").write_text(taught)
    browser = olaf(Role.OPERATOR)
    browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan, 0), reason="Not yet")
    assert "delivered (All)" in plain(browser.get("/plans").text.partition('id="rejected"')[2])


def test_the_rejected_are_counted_the_last_first_and_shown_page_by_page(
    olaf: Opens, sqlite_store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.web.plans._REJECTED", 2)
    left: str | None = plan.id
    for number in range(3):
        with sqlite_store.transaction() as connection:
            left = rejections.reject(connection, left or "", [plan.items[number].id], f"reason {number}", "anna")
    browser = olaf(Role.VIEWER)
    page = plain(browser.get("/plans").text)
    assert "2 of 3, the last first" in page
    assert page.index("reason 2") < page.index("reason 1")
    assert "reason 0" not in page
    assert "reason 0" in browser.get("/plans?rejected=2").text


def test_only_rejecting_writes_nothing(olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan, 1), reason="why").status_code == 303
    assert "these 6 to crm" in browser.get("/plans").text
    stale = browser.post(f"/plans/{plan.id}/apply", **ticks_of(plan))
    finished(browser)
    assert stale.status_code in (303, 422)
    assert crm.writes == []


def ticks_of(plan: Plan) -> dict[str, str]:
    """What an old page sends: the first ticked."""
    return {f"item.{plan.items[0].id}": "yes"}


@pytest.mark.parametrize("name", ["item.1;2", "item.one", "item." + "9" * 20, "item.-1"])
def test_a_forged_form_rejects_nothing(olaf: Opens, sqlite_store: Store, plan: Plan, name: str) -> None:
    assert olaf(Role.OPERATOR).post(f"/plans/{plan.id}/reject", **{name: "yes"}, reason="why").status_code == 400


def test_records_of_another_plan_cannot_be_rejected_with_this_one(olaf: Opens, sqlite_store: Store, plan: Plan) -> None:
    refused = olaf(Role.OPERATOR).post(f"/plans/{plan.id}/reject", **{"item.999": "yes"}, reason="why")
    assert (refused.status_code, "no longer what you have seen" in refused.text) == (422, True)


def test_a_plan_for_what_is_paused_waits_until_somebody_says_so(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    browser = olaf(Role.OPERATOR)
    assert "release weekend" in browser.get("/plans").text
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).status_code == 409
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan), paused="yes").status_code == 303
    finished(browser)
    assert len(crm.writes) == 7


def test_a_plan_larger_than_allowed_is_refused_at_the_top_with_the_numbers_and_a_tick_in_its_form(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    browser = olaf(Role.OPERATOR)
    runs = browser.get("/runs").text.count('href="/runs/')
    refused = browser.post(f"/plans/{plan.id}/apply", all="yes")
    assert refused.status_code == 422
    said = refused.text.partition('role="alert"')[2].partition("</p>")[0]
    assert "7 records, 100.0% of crm.deal (allowed: 1 records, or 20% of a stream, whichever is more)" in said
    assert "Nothing was written" in said
    form = refused.text.partition(f'id="plan-{plan.id}"')[2].partition("</form>")[0]
    assert 'name="approve"' in form
    assert "ltc push" not in refused.text
    assert browser.get("/runs").text.count('href="/runs/') == runs
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan, 0)).status_code == 303  # one is allowed
    finished(browser)
    assert len(crm.writes) == 1
    left = re.findall(r'action="/plans/([0-9a-f]+)/apply"', browser.get("/plans").text)[0]
    assert browser.post(f"/plans/{left}/apply", all="yes", approve="yes").status_code == 303
    finished(browser)
    assert len(crm.writes) == 7


def test_a_large_part_that_was_approved_approves_nothing_else(
    olaf: Opens, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    browser = olaf(Role.OPERATOR)
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan, 0, 1), approve="yes").status_code == 303
    finished(browser)
    assert len(crm.writes) == 2
    left = re.findall(r'action="/plans/([0-9a-f]+)/apply"', browser.get("/plans").text)[0]
    assert browser.post(f"/plans/{left}/apply", all="yes").status_code == 422


def test_what_the_record_does_not_show_any_more_is_marked_and_not_to_be_ticked(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    crm.edit("deal", plan.items[0].source_id, {"delivery": "returned"})
    job.run_pull(sqlite_store, settings)
    browser = olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    assert "out of date" in page
    assert f'name="item.{plan.items[0].id}"' not in page
    assert f'name="item.{plan.items[1].id}"' in page
    assert browser.post("/runs", kind="plan", system="crm").status_code == 303
    finished(browser)
    assert "out of date" not in browser.get("/plans").text


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(
    olaf: Opens, sqlite_store: Store, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert plan.id not in browser.get("/plans").text
    for action in ("apply", "reject"):
        assert browser.post(f"/plans/{plan.id}/{action}", **ticks_of(plan), reason="why").status_code == 404
    with sqlite_store.transaction() as connection:
        rejections.reject(connection, plan.id, [plan.items[0].id], "because", "anna")
        (item,) = rejections.listing(connection)
    assert "because" not in browser.get("/plans").text
    assert browser.post(f"/rejections/{item.held.id}/take-back").status_code == 404


def test_what_is_paused_is_told_once_and_what_to_do(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    browser = olaf(Role.OPERATOR)
    page = browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).text
    assert page.count("release weekend") == 1
    assert "crm is paused. Tick “Also what is paused”" in page
    labels = re.findall(r'data-label="([^"]+)"', page.partition("<tbody>")[2].partition("</tr>")[0])
    assert labels == ["Select", "Record", "Field", "Shows", "Shall show", "Because"]


def test_what_a_run_wrote_is_on_its_page_field_by_field_and_who_let_it_go(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    job.run_push(sqlite_store, settings, plan_id=plan.id, actor="anna")
    browser = olaf(Role.VIEWER)
    run = re.findall(r'href="/runs/([^"]+)"', browser.get("/runs").text)[0]
    page = plain(browser.get(f"/runs/{run}").text)
    assert re.search(rf"crm {plan.items[0].source_id} Delivery state \S.*? written anna", page)
    assert page.count("written anna") == 7
    assert "7 of 7 write-backs" in page


def test_what_a_run_met_stays_told_once_it_is_planned_anew_and_who_plans_it_is_told_until_then(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    crm.edit("deal", "d3", {"delivery": "partly_delivered"})
    run = job.run_push(sqlite_store, settings, push="apply").run_id
    browser = olaf(Role.VIEWER)
    next_time = "1 write-back to crm was not sent, because its record had changed there. The next sync of crm"
    in_row = "The next sync of crm reads the record and plans it anew"
    for page in (f"/runs/{run}", "/plans"):
        assert next_time in plain(browser.get(page).text), page
    row = re.search(f"(not written: the record had changed .*?) {in_row}", plain(browser.get(f"/runs/{run}").text))
    assert row is not None
    met = row[1]
    assert "Nothing is waiting to be written" not in browser.get("/plans").text
    job.run_sync(sqlite_store, settings, push="plan")
    for page in (f"/runs/{run}", "/plans/written"):
        told = plain(browser.get(page).text)
        assert f"{met} Since then it was planned anew" in told, page
        assert "not wanted any more" not in told, page
        assert in_row not in told, page
    for page in (f"/runs/{run}", "/plans"):
        assert next_time not in plain(browser.get(page).text), page
    job.run_sync(sqlite_store, settings, push="apply")
    told = plain(browser.get(f"/runs/{run}").text)
    assert "not written: the record had changed" in told
    assert crm.values("deal", "delivery")["d3"] == "delivered"


def test_what_was_written_is_searched_by_its_number_and_by_its_run(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    first = job.run_push(sqlite_store, settings, plan_id=plan.id, actor="anna").run_id
    crm.edit("deal", plan.items[0].source_id, {"delivery": "open"})
    second = job.run_sync(sqlite_store, settings, push="apply", actor="olaf").run_id
    browser = olaf(Role.VIEWER)
    assert browser.get("/plans").text.count('href="/plans/written"') == 1
    page = browser.get("/plans/written").text
    assert plain(page).index("written olaf") < plain(page).index("written anna")
    with sqlite_store.transaction() as connection:
        numbered = update(schema.outbox).where(schema.outbox.c.id == plan.items[1].id)
        connection.execute(numbered.values(number="DEAL-77"))
    for text in ("DEAL-77", "DEAL-7", plan.items[1].source_id):
        found = browser.get(f"/plans/written?text={text}").text
        assert ("DEAL-77</a>" in found, f">{plan.items[2].source_id}</a>" in found) == (True, False)
    assert "1 of 1 write-backs" in browser.get(f"/plans/written?run={second}").text
    assert "7 of 7 write-backs" in browser.get(f"/plans/written?run={first}").text
    assert "Nothing was written" in browser.get("/plans/written?run=nothing").text
    assert "Nothing was written" in browser.get("/plans/written?text=%25").text


def replaced_something(store: Store, settings: Settings, crm: ToySystem, erp: ToySystem) -> Item:
    """A person has written where we write, and then the owner had something new to say."""
    job.run_sync(store, settings)
    crm.edit("deal", "d1", {"delivery": "picked up"})
    erp.edit("order", "o1", {"delivery": "returned"})
    job.run_sync(store, settings)
    with store.reading() as connection:
        (item,) = overwritten.listing(connection)
    return item


def test_what_a_write_back_replaced_is_marked_found_and_put_back(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    item = replaced_something(sqlite_store, settings, crm, erp)
    browser = olaf(Role.OPERATOR)
    everything = plain(browser.get("/plans/written").text)
    assert everything.count("somebody else had written it") == 1
    assert "8 of 8 write-backs" in everything
    page = browser.get("/plans/written?replaced=yes").text
    told = (
        r"Put it back What was there before is written to crm at once, .* Why \(kept in the audit\) "
        r"\(optional\) Write it back now"
    )
    assert re.search(rf"d1 Delivery state picked up replaced: somebody else .* {told} returned", plain(page))
    assert "1 of 1 write-backs" in plain(page)
    assert "Write it back now" not in olaf(Role.VIEWER).get("/plans/written?replaced=yes").text
    sent = browser.post(f"/overwritten/{item.id}/restore")
    assert sent.headers["location"].startswith("/runs/")
    finished(browser)
    assert crm.values("deal", "delivery")["d1"] == "picked up"
    job.run_sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d1"] == "picked up"
    kept = plain(browser.get("/plans").text)
    assert re.search(r"The value that was there before was put back by operator\. \d{4}-", kept), "named once"
    again = plain(browser.get("/plans/written?replaced=yes").text)
    assert ("(stands there again)" in again, "Write it back now" in again) == (True, False)
    second = browser.post(f"/overwritten/{item.id}/restore", reason="Agreed with the customer")  # from a page of before
    finished(browser)
    assert "stands there again" in browser.get(second.headers["location"]).text
    job.run_sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d1"] == "picked up"
    assert "was put back by operator." in plain(browser.get("/plans").text)
    erp.edit("order", "o1", {"delivery": "delivered"})
    job.run_sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d1"] == "delivered"
    with sqlite_store.reading() as connection:
        noted = [entry for entry in audit.entries(connection) if entry.action == "overwritten value restored"]
    assert [(entry.actor, entry.detail["reason"]) for entry in noted] == [("operator", "")]


def test_what_the_system_never_takes_is_not_offered_to_be_put_back(
    olaf: Opens,
    sqlite_store: Store,
    settings: Settings,
    crm: ToySystem,
    erp: ToySystem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replaced_something(sqlite_store, settings, crm, erp)
    monkeypatch.setattr(Toy, "never_takes", {"deal": (("delivery", "picked up"),)})
    page = plain(olaf(Role.OPERATOR).get("/plans/written?replaced=yes").text)
    assert "cannot be put back: crm never takes this value" in page
    assert "Write it back now" not in page


def test_what_was_written_is_found_by_system_person_and_day(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings, actor="anna")
    browser = olaf(Role.VIEWER)
    today = f"{from_us(now_us()).astimezone(settings.business_day_zone):%Y-%m-%d}"
    for asked, told in (
        ("system=crm", "7 of 7 write-backs"),
        ("system=erp", "Nothing was written that fits"),
        ("by=anna", "7 of 7 write-backs"),
        ("by=bert", "Nothing was written that fits"),
        (f"day={today}", "7 of 7 write-backs"),
        ("day=2020-01-01", "Nothing was written that fits"),
    ):
        assert told in plain(browser.get(f"/plans/written?{asked}").text), asked
    assert browser.get("/plans/written?day=soon").status_code == 422


def test_what_replaced_nothing_or_is_of_a_system_of_others_cannot_be_put_back(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    item = replaced_something(sqlite_store, settings, crm, erp)
    with patch.object(Worker, "in_the_way", return_value=Going("", "restore", frozenset({"crm"}))):
        refused = olaf(Role.OPERATOR).post(f"/overwritten/{item.id}/restore", reason="Agreed with them")
    assert (refused.status_code, 'value="Agreed with them"' in refused.text) == (409, True)
    assert f'action="/overwritten/{item.id}/restore"' in refused.text
    assert olaf(Role.OPERATOR, "erp").post(f"/overwritten/{item.id}/restore").status_code == 404
    assert olaf(Role.OPERATOR).post("/overwritten/1/restore").status_code == 404
    assert olaf(Role.OPERATOR, "crm").post("/overwritten/x/restore").status_code == 400
    assert crm.values("deal", "delivery")["d1"] == "returned"


def test_a_replaced_value_that_was_about_a_person_and_erased_is_not_offered(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    item = replaced_something(sqlite_store, settings, crm, erp)
    erased = [asdict(replace(change, old=ERASED, source_old=ERASED)) for change in item.changes]
    with sqlite_store.transaction() as connection:
        changes = exact.dump({"entity": item.entity, "fields": erased})
        connection.execute(update(schema.outbox).where(schema.outbox.c.id == item.id).values(changes=changes))
    page = olaf(Role.OPERATOR).get("/plans/written?replaced=yes").text
    assert ("1 of 1 write-backs" in page, "Put it back</button>" in page) == (True, False)


def test_who_is_limited_sees_nothing_that_was_written_elsewhere(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    job.run_push(sqlite_store, settings, plan_id=plan.id)
    assert "Nothing was written" in olaf(Role.OPERATOR, "erp").get("/plans/written").text


def test_values_are_shown_in_the_words_of_the_system_too(
    olaf: Opens, sqlite_store: Store, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_store.transaction() as connection:
        changed = replace(plan.items[0].changes[0], source_old="跟进中", source_new="待核实")
        written = exact.dump({"entity": plan.items[0].entity, "fields": [asdict(changed)]})
        connection.execute(update(schema.outbox).where(schema.outbox.c.id == plan.items[0].id).values(changes=written))
    browser = olaf(Role.VIEWER)
    page = plain(browser.get("/plans").text)
    assert re.search(r"\(跟进中\) \S.*? \(待核实\)", page)
    monkeypatch.setattr("console.letters.personal_fields", lambda *_: frozenset({changed.field}))
    assert "待核实" not in browser.get("/plans").text


def test_the_trace_of_a_record_shows_what_was_written_to_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    number = plan.items[0].number or plan.items[0].source_id
    browser = olaf(Role.VIEWER)
    assert "Written back to its records" not in browser.get(f"/trace?text={number}").text
    job.run_push(sqlite_store, settings, plan_id=plan.id, actor="anna")
    page = plain(browser.get(f"/trace?text={number}").text)
    assert re.search(
        rf"Written back to its records .* crm {plan.items[0].source_id} Delivery state .* written anna", page
    )
    assert page.count("written anna") == 1, "what was written to others is not there"


def called_otherwise(store: Store, plan: Plan) -> None:
    """A mapping that was changed reads the record of the first write as something else."""
    with store.transaction() as connection:
        table = schema.canonical["opportunity"]
        record = table.c.record_id == plan.items[0].record_id
        connection.execute(update(table).where(record).values(delivery_state="parked"))


def test_what_is_out_of_date_is_not_written_and_planning_anew_tells_it_as_it_is(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    sent = ticks(browser, plan, 0)
    called_otherwise(sqlite_store, plan)
    page = browser.get("/plans").text
    assert ("out of date" in page, "Write these" in page, len(ticks_left(page))) == (True, False, 6)
    for fields in ({"all": "yes"}, sent):
        refused = browser.post(f"/plans/{plan.id}/apply", **fields)
        assert (refused.status_code, "so nothing was written" in refused.text) == (422, True)
    assert crm.writes == []
    browser.post("/runs", kind="plan", system="crm")
    finished(browser)
    page = browser.get("/plans").text
    assert ("out of date" in page, "Write these 7" in page, len(ticks_left(page))) == (False, True, 7)
    assert "parked" in plain(page)
    assert browser.post(f"/plans/{plan.id}/apply", all="yes").status_code == 303  # the same writes are the same plan
    finished(browser)
    assert len(crm.writes) == 7


def ticks_left(page: str) -> list[str]:
    """The writes that can be ticked."""
    return re.findall(r'name="(item\.\d+)"', page)


def test_what_was_superseded_comes_back_as_it_is_read_now(
    sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    with sqlite_store.transaction() as connection:
        assert outbox.save_plan(connection, "crm", [], "another") is None
    called_otherwise(sqlite_store, plan)
    job.run_push(sqlite_store, settings, push="plan")
    with sqlite_store.reading() as connection:
        (again,) = outbox.open_plans(connection)
    assert {item.id: item.changes[0].old for item in again.items}[plan.items[0].id] == "parked"


def test_what_is_wrong_is_said_at_the_top_of_the_page_and_has_the_focus(olaf: Opens, plan: Plan) -> None:
    browser = olaf(Role.OPERATOR)
    for action in ("apply", "reject"):
        page = browser.post(f"/plans/{plan.id}/{action}", reason="why").text
        found = re.search(r'<p class="problem" role="alert" tabindex="-1" autofocus>Nothing is ticked', page)
        assert found
        assert found.start() < page.index("<section")


def test_one_record_is_told_in_the_singular(olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan) -> None:
    browser = olaf(Role.OPERATOR)
    sent = ticks(browser, plan, *range(1, 7))
    assert browser.post(f"/plans/{plan.id}/reject", **sent, reason="Later").status_code == 303
    page = browser.get("/plans").text
    assert "Write this record to crm" in page
    assert "1 record is to be written" in page


def test_how_large_a_plan_is_is_said_and_how_large_one_may_be_where_it_is_too_large(
    olaf: Opens, settings: Settings, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    page = plain(browser.get("/plans").text)
    assert "7 records are to be written. 7 of the 7 records of crm.deal (100%)." in page
    assert "Up to " not in page, "nothing of it needs that tick"
    settings.writing.limits.money = Decimal(5000)
    settings.writing.limits.changes = 5
    page = plain(browser.get("/plans").text)
    assert "7 records are to be written. 7 of the 7 records of crm.deal (100%)." in page
    assert "Up to 5 records of a plan, or 20% of a stream (1 of the 7 of crm.deal), whichever is more" in page
    assert "worth more than CNY 5,000.00 needs that tick, too" in page
    assert "A larger plan waits as a whole until an operator allows it here with a tick" in page
    browser.post("/language", locale="zh-CN")
    assert "crm.deal 共有 7 条记录，本计划涉及其中 7 条（100%）" in plain(browser.get("/plans").text)


@pytest.mark.parametrize(
    ("share", "said"),
    [("0", "0%"), ("0.00004", "< 0.1%"), ("0.0013", "0.1%"), ("0.02", "2%"), ("0.155", "16%"), ("1", "100%")],
)
def test_a_share_of_something_is_never_none(share: str, said: str) -> None:
    assert percent(Decimal(share)) == said


def test_what_waits_for_a_person_is_announced_where_they_look_and_says_when_it_is_decided(
    olaf: Opens,
    sqlite_store: Store,
    settings: Settings,
    crm: ToySystem,
    erp: ToySystem,
    plan: Plan,
) -> None:
    crm.edit("deal", "d1", {"name": "Pumps for ACME"})
    left_to_a_person(sqlite_store, settings, crm, erp)
    browser, other = olaf(Role.OPERATOR), olaf(Role.OPERATOR, "erp")
    waits = "fields that somebody else wrote, to decide: 1"
    assert (waits in plain(browser.get("/links").text), waits in plain(other.get("/links").text)) == (True, False)
    assert "Waits for a decision 1" in plain(browser.get("/systems/crm").text)
    assert "to be decided by a person 1" in plain(finished(browser))
    page = browser.get("/plans").text
    assert '<a href="/trace?text=d1">Pumps for ACME</a>' in page
    (id,) = re.findall(r'action="/conflicts/([0-9a-f]{10})/decide"', page)
    with patch.object(Worker, "start", return_value=None):  # a run is in the way
        browser.post(f"/conflicts/{id}/decide", choice="write")
    page = browser.get("/plans").text
    assert "/conflicts/" not in page
    assert "operator has decided: the owner's value is being planned" in plain(unescape(page))
    assert waits not in plain(page)
