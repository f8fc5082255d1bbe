"""Dead letters in the workbench: looked at, edited, tried again, discarded."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import update

from console import allowed, mappings_kept
from console.web import dead_letters as pages
from mappings import engine
from settings.model import Settings
from state import audit, exact, outbox, schema, tried_again
from state.members import Role
from state.store import Store
from sync import job
from tests.console.company import data, ltc
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import Toy, ToySystem
from tests.web.toy_company import Opens, crm, erp, finished, olaf, plain, settings, systems, toys  # noqa: F401


@pytest.fixture
def letters(sqlite_store: Store, settings: Settings) -> list[str]:
    """Two write-backs that the CRM refused, with the value that it was sent in its answer."""
    job.run_sync(sqlite_store, settings, push="plan")
    with sqlite_store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        for item in plan.items[:2]:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.REJECTED, "the CRM says no to delivered")
        return [item.letter for item in outbox.dead_letters(connection)]


@pytest.fixture
def refused(sqlite_store: Store, settings: Settings, crm: ToySystem) -> str:
    """A write-back that was sent in a run, and that the CRM refused."""
    crm.server.faults.answer("PATCH /deal/d2", 422)
    job.run_sync(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (item,) = outbox.dead_letters(connection)
    return item.letter


def test_a_list_reads_so_many_as_it_shows_and_their_mapping_once(
    olaf: Opens, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def counted(source: str, zone: str) -> engine.Mapping:
        read.append(source)
        return engine.load(source, zone)

    monkeypatch.setattr(mappings_kept, "load", counted)
    browser = olaf(Role.VIEWER)
    assert browser.get("/dead-letters").text.count("the CRM says no") == 2
    assert len(read) == 1
    monkeypatch.setattr(pages, "_MOST", 1)
    page = browser.get("/dead-letters").text
    assert (page.count("the CRM says no"), "1 of 2" in page) == (1, True)


def test_the_command_lists_so_many_as_are_asked_for_and_says_how_many_there_are(
    settings: Settings, letters: list[str]
) -> None:
    config = Path(settings.path)
    config.write_text(config.read_text().replace("version: 1\n", f"version: 1\nstore: {settings.store}\n", 1))
    some = ltc(config, "dead-letters", "list", "--limit", "1").stdout
    assert [id in some for id in letters] == [True, False]
    assert "1 of 2; `--limit` shows more" in some
    assert [item["id"] for item in data(ltc(config, "dead-letters", "list", "--json"))] == letters
    assert " of 2" not in ltc(config, "dead-letters", "list").stdout


def test_a_dead_letter_is_tried_again_or_discarded_with_a_reason(olaf: Opens, letters: list[str]) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.get("/dead-letters").text.count("the CRM says no") == 2
    first, second = letters
    refused = browser.post(f"/dead-letters/{first}/discard", reason=" ")
    assert refused.status_code == 422
    assert "discarded with a reason" in refused.text
    assert browser.post(f"/dead-letters/{first}/discard", reason="Voided by hand").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 404
    page = browser.get("/dead-letters").text
    assert "No write-back needs a person" in page
    (address,) = re.findall(r'<a href="([^"]+)">Discarded so far: which, by whom, when and why', page)
    listed = plain(browser.get(address).text)
    assert re.search(rf"operator Dead letter discarded .* Voided by hand .*{first}", listed)
    assert second not in listed


def test_what_is_ticked_is_tried_again_or_discarded_with_one_reason(
    olaf: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    ticks = {f"letter.{id}": "yes" for id in letters}
    refused = browser.post("/dead-letters/discard", what="ticked", reason=" ", **ticks)
    assert refused.status_code == 422
    assert "Say why. Nothing was discarded." in refused.text
    assert refused.text.count(" checked") == 2
    nothing = browser.post("/dead-letters/retry", what="ticked")
    assert nothing.status_code == 422
    assert "Select at least one write-back" in nothing.text
    assert browser.post("/dead-letters/discard", what="ticked", reason="Voided", **ticks).status_code == 303
    page = browser.get("/dead-letters").text
    assert "2 discarded: they are not written" in page
    assert "No write-back needs a person" in page
    with sqlite_store.reading() as connection:
        said = [item for item in audit.entries(connection) if item.action == "dead letter discarded"]
    assert [(item.actor, item.detail["reason"]) for item in said] == [("operator", "Voided")] * 2


def test_only_what_is_ticked_is_tried_again_and_all_that_the_list_showed_on_demand(
    olaf: Opens, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    page = browser.get("/dead-letters").text
    [until] = re.findall(r'name="until" value="(\d+)"', page)
    browser.post("/dead-letters/retry", **{"what": "ticked", f"letter.{letters[0]}": "yes"})
    page = browser.get("/dead-letters").text
    assert "1 will be tried again" in page
    assert re.findall(r'name="letter.(\w+)"', page) == letters[1:]
    assert browser.post("/dead-letters/retry", what="all", until="x").status_code == 400
    assert browser.post("/dead-letters/retry", what="all", until="1").status_code == 422
    assert browser.post("/dead-letters/retry", what="all", until=until).status_code == 303
    assert "No write-back needs a person" in browser.get("/dead-letters").text


def test_dead_letters_are_found_by_system_and_stay_so_when_decided(olaf: Opens, letters: list[str]) -> None:
    browser = olaf(Role.OPERATOR)
    assert letters[0] not in browser.get("/dead-letters?system=erp").text
    assert letters[0] in browser.get("/dead-letters?system=crm").text
    ticked = {f"letter.{letters[0]}": "yes"}
    assert browser.post("/dead-letters/retry", what="ticked", system="erp", **ticked).status_code == 422
    done = browser.post("/dead-letters/retry", what="ticked", system="crm", **ticked)
    assert done.headers["location"] == "/dead-letters?system=crm"


def test_who_may_only_look_has_nothing_to_tick(olaf: Opens, letters: list[str]) -> None:
    page = olaf(Role.VIEWER).get("/dead-letters").text
    assert letters[0] in page
    assert 'type="checkbox"' not in page


def test_another_value_is_written_instead(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    assert "Write this instead" in browser.get(address).text
    assert browser.post(f"{address}/edit", field="amount", value="1").status_code == 422
    assert browser.post(f"{address}/edit", field="delivery_state", value="x" * 2001).status_code == 400
    assert (
        browser.post(f"{address}/edit", field="delivery_state", value="returned", reason="Came back").status_code == 303
    )
    job.run_sync(sqlite_store, settings)
    assert list(crm.values("deal", "delivery").values()).count("returned") == 1
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "dead letter edited"]
    assert (said.actor, said.detail["reason"]) == ("operator", "Came back")


def test_a_value_that_stands_there_already_is_said_to_and_waits_for_nothing(
    olaf: Opens, sqlite_store: Store, settings: Settings, refused: str
) -> None:
    browser = olaf(Role.OPERATOR)
    with sqlite_store.transaction() as connection:
        item = outbox.letter(connection, refused)
        table = schema.canonical[item.entity]
        shows = update(table).where(table.c.record_id == item.record_id).values(delivery_state="not_delivered")
        connection.execute(shows)
    done = browser.post(f"/dead-letters/{refused}/edit", field="delivery_state", value="not_delivered")
    page = plain(browser.get(done.headers["location"]).text)
    assert "stands there already, so nothing is to be written" in page
    assert "The next sync of crm plans it" not in page
    assert "Will be tried again" not in page
    listed = plain(browser.get(f"/plans/written?text={item.number or item.source_id}").text)
    assert "refused by the system" in listed
    assert "Since then a person has chosen what stands there." in listed
    assert "not wanted any more" not in listed


def test_what_a_run_could_not_write_stays_so_when_a_person_has_it_tried_again(
    olaf: Opens, sqlite_store: Store, settings: Settings, refused: str
) -> None:
    browser = olaf(Role.OPERATOR)
    run = re.findall(r'href="/runs/([^"]+)"', browser.get("/runs").text)[0]
    for _ in ("as decided", "as planned anew"):
        browser.post(f"/dead-letters/{refused}/retry")
        for page in (f"/runs/{run}", "/plans/written"):
            told = plain(browser.get(page).text)
            assert "refused by the system" in told, page
            assert "Since then a person has decided that it be tried again" in told, page
            assert "not wanted any more" not in told, page
        job.run_push(sqlite_store, settings, push="plan")


def test_a_value_that_was_refused_or_that_the_system_never_takes_is_not_offered_instead(
    olaf: Opens, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    page = browser.get(address).text
    assert '<option value="returned">' in page
    assert '<option value="delivered">' not in page, "it was refused"
    monkeypatch.setattr(Toy, "never_takes", {"deal": (("delivery", "returned"),)})
    assert '<option value="returned">' not in browser.get(address).text


def test_of_a_record_that_is_gone_only_what_helps_is_offered_and_the_rest_is_folded_away(
    olaf: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    with sqlite_store.transaction() as connection:
        item = outbox.letter(connection, letters[0])
        outbox.outcome(connection, item.id, outbox.OutboxStatus.REJECTED, "The record does not exist (HTTP 404).")
    browser = olaf(Role.OPERATOR)
    page, _, folded = browser.get(f"/dead-letters/{letters[0]}").text.partition("<details>")
    assert '<input type="hidden" name="kind" value="sweep"><input type="hidden" name="system" value="crm">' in page
    assert f'action="/dead-letters/{letters[0]}/discard"' in page
    assert f'action="/dead-letters/{letters[0]}/retry"' not in page
    assert f'action="/dead-letters/{letters[0]}/edit"' not in page
    assert "It is still there after all" in folded
    assert f'action="/dead-letters/{letters[0]}/retry"' in folded
    listed = browser.get("/dead-letters").text
    assert f'"/dead-letters/{letters[1]}/retry"' in listed
    assert f'"/dead-letters/{letters[0]}/retry"' not in listed


def test_a_discarded_one_is_put_back_on_the_list_as_it_was(
    olaf: Opens, sqlite_store: Store, settings: Settings, refused: str, crm: ToySystem
) -> None:
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    before = plain(browser.get(f"/dead-letters/{refused}").text)
    assert browser.post(f"/dead-letters/{refused}/put-back").status_code == 404, "it is not discarded"
    browser.post(f"/dead-letters/{refused}/discard", reason="voided by hand")
    off = browser.get("/dead-letters?discarded=yes").text
    assert "voided by hand" in off
    assert "/put-back" not in viewer.get("/dead-letters?discarded=yes").text
    assert refused not in olaf(Role.OPERATOR, "erp").get("/dead-letters?discarded=yes").text
    assert olaf(Role.OPERATOR, "erp").post(f"/dead-letters/{refused}/put-back").status_code == 404
    crm.server.forget()
    browser.post(f"/dead-letters/{refused}/put-back", reason="needed after all")
    assert "is back on the list" in plain(browser.get("/dead-letters").text)
    assert plain(browser.get(f"/dead-letters/{refused}").text) == before
    assert refused not in browser.get("/dead-letters?discarded=yes").text
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "dead letter put back"]
    assert (said.actor, said.detail["reason"]) == ("operator", "needed after all")
    job.run_sync(sqlite_store, settings)
    assert crm.server.requests("PATCH") == [], "nothing is written by it"
    assert refused in browser.get("/dead-letters").text


def test_values_that_the_system_writes_alike_are_offered_once(
    olaf: Opens, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [("delivered", "delivered"), ("closed", "delivered"), ("a", "going"), ("b", "going"), ("c", "going")]
    monkeypatch.setattr(allowed, "to_write", lambda *_: [allowed.Allowed(*pair) for pair in values])
    monkeypatch.setattr(allowed, "to_read", lambda *_: [allowed.Allowed("b", "going")])
    page = olaf(Role.OPERATOR).get(f"/dead-letters/{letters[0]}").text
    assert re.findall(r'<option value="(\w+)"', page) == ["b"]


def test_what_was_done_is_said_with_what_happens_next_and_what_is_tried_again_is_listed_until_it_was(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422, times=3)
    job.run_sync(sqlite_store, settings)
    browser = olaf(Role.OPERATOR)
    (id,) = set(re.findall(r'href="/dead-letters/(\w+)"', browser.get("/dead-letters").text))
    assert "refused · 1 try" in plain(browser.get(f"/dead-letters/{id}").text)
    browser.post(f"/dead-letters/{id}/retry")
    page = browser.get("/dead-letters").text
    assert (
        '<p class="done" role="status">crm:deal:d2 will be tried again. It is tried with the next sync of crm: '
        '“<a href="/systems/crm">Sync now</a>”.</p>'
    ) in page
    assert "Will be tried again crm:deal:d2: it is planned anew with the next sync. Sync now" in plain(page)
    assert 'name="kind" value="sync"><input type="hidden" name="system" value="crm"><button class="link"' in page
    assert browser.post("/runs", kind="sync", system="crm").headers["location"].startswith("/runs/")
    assert "refused 1" in finished(browser)
    browser.post(f"/dead-letters/{id}/retry")
    job.run_push(sqlite_store, settings, push="plan")
    assert "crm:deal:d2: it is in the plan, and is sent once that is let go." in plain(
        browser.get("/dead-letters").text
    )
    job.run_sync(sqlite_store, settings)
    assert "Will be tried again" not in browser.get("/dead-letters").text
    assert "refused · 3 tries" in plain(browser.get(f"/dead-letters/{id}").text)
    with sqlite_store.reading() as connection:
        assert [item.attempts for item in tried_again.counted(connection, outbox.dead_letters(connection))] == [3]
    browser.post(f"/dead-letters/{id}/discard", reason="Not needed")
    assert "crm:deal:d2 is discarded: it is not written" in browser.get("/dead-letters").text


def test_what_nobody_wants_any_more_is_not_listed_as_to_be_tried_again(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    job.run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        (letter,) = outbox.dead_letters(connection)
        outbox.retry(connection, letter.id, "anna")
    browser = olaf(Role.OPERATOR)
    assert "Will be tried again" in browser.get("/dead-letters").text
    crm.edit("deal", "d2", {"delivery": "delivered"})
    job.run_sync(sqlite_store, settings)
    assert "Will be tried again" not in browser.get("/dead-letters").text


def test_a_value_that_was_chosen_instead_says_in_the_plan_who_chose_it_and_why(
    olaf: Opens, sqlite_store: Store, settings: Settings, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    browser.post(f"/dead-letters/{letters[0]}/edit", field="delivery_state", value="returned", reason="Came back")
    job.run_push(sqlite_store, settings, push="plan")
    assert plain(browser.get("/plans").text).count("operator chose this value: Came back") == 1


def test_a_dead_letter_of_a_value_that_was_chosen_names_who_chose_it_and_not_the_reason_for_another_value(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    with sqlite_store.reading() as connection:
        reason = outbox.dead_letters(connection)[0].changes[0].reason
    assert reason
    assert reason in plain(browser.get(address).text)
    browser.post(f"{address}/edit", field="delivery_state", value="returned", reason="Came back")
    crm.server.faults.answer("PATCH /deal/", 422, times=9)
    job.run_sync(sqlite_store, settings)
    (again,) = (
        item
        for item in set(re.findall(r'href="/dead-letters/(\w+)"', browser.get("/dead-letters").text))
        if "Came back" in browser.get(f"/dead-letters/{item}").text
    )
    for page in (browser.get("/dead-letters").text, browser.get(f"/dead-letters/{again}").text):
        assert "operator chose this value: Came back" in plain(page)
    assert reason not in plain(browser.get(f"/dead-letters/{again}").text)


def test_a_value_that_is_refused_stays_in_the_form_and_allowed_ones_are_offered(
    olaf: Opens, settings: Settings, letters: list[str]
) -> None:
    words = "{field: delivery, values: {delivered: All, partly_delivered: Some}}"
    taught = MAPPINGS["crm"].replace("write: {delivery_state: delivery}", f"write: {{delivery_state: {words}}}")
    (Path(settings.path).parent / "crm.yaml").write_text(taught)
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    assert '<option value="partly_delivered">partly delivered (Some)</option>' in browser.get(address).text
    refused = browser.post(f"{address}/edit", field="delivery_state", value="eaten", reason="It was <i>good</i>")
    assert refused.status_code == 422
    assert "<option selected>eaten</option>" in refused.text
    assert 'name="reason" maxlength="1000" value="It was &lt;i&gt;good&lt;/i&gt;"' in refused.text
    browser.post("/language", locale="zh-CN")
    assert '<option value="partly_delivered">部分交付 (Some)</option>' in browser.get(address).text


def test_of_a_state_only_what_it_can_be_is_offered_and_taken_also_without_a_table(
    olaf: Opens, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    page = browser.get(address).text
    assert '<option value="returned">returned</option>' in page
    assert '<input name="value"' not in page
    refused = browser.post(f"{address}/edit", field="delivery_state", value="eaten", reason="why")
    assert refused.status_code == 422
    assert "known: none, not_delivered, partly_delivered, delivered, returned" in refused.text


def test_whether_something_is_so_is_said_and_asked_in_words(
    olaf: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    change = outbox.FieldChange("sent_to_customer", "sent", False, True, False, True, "it was sent")
    changes = exact.dump({"entity": "invoice", "fields": [asdict(change)]})
    with sqlite_store.transaction() as connection:
        id = outbox.letter(connection, letters[0]).id
        connection.execute(schema.outbox.update().where(schema.outbox.c.id == id).values(changes=changes))
        [told_of] = [item.letter for item in outbox.dead_letters(connection) if item.id == id]
        connection.execute(schema.outbox.update().where(schema.outbox.c.id != id).values(status="discarded"))
    browser = olaf(Role.OPERATOR)
    for page in ("/dead-letters", f"/dead-letters/{told_of}"):
        told = plain(browser.get(page).text)
        assert "no → yes" in told
        assert "True" not in told
        assert "False" not in told
    browser.post("/language", locale="zh-CN")
    assert "否 → 是" in plain(browser.get("/dead-letters").text)


def test_a_record_that_is_not_there_any_more_leads_to_the_search_for_deletions(
    olaf: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    assert "Look for deletions: the record" not in browser.get(address).text
    with sqlite_store.transaction() as connection:
        item = outbox.letter(connection, letters[0])
        outbox.outcome(
            connection, item.id, outbox.OutboxStatus.REJECTED, "The row does not exist any more (code 4001)."
        )
    for page in ("/dead-letters", address):
        assert "Look for deletions: the record" in browser.get(page).text, page
    assert f'<a href="{address}">Look for deletions</a>' in browser.get("/dead-letters").text


def test_a_record_is_called_by_its_number_with_its_id_beside(
    olaf: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    with sqlite_store.transaction() as connection:
        id = outbox.letter(connection, letters[0]).id
        connection.execute(schema.outbox.update().where(schema.outbox.c.id == id).values(number="L-000005"))
    page = olaf(Role.VIEWER).get(f"/dead-letters/{letters[0]}").text
    assert "<h1>crm:deal:L-000005</h1>" in page
    assert re.search(r"crm:deal:d\d · <code>", page)


def test_personal_values_are_hidden_and_shown_only_to_who_operates_which_is_noted(
    olaf: Opens, sqlite_store: Store, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.letters.personal_fields", lambda *_: frozenset({"delivery_state"}))
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    address = f"/dead-letters/{letters[0]}"
    for somebody in (viewer, browser):
        for page in (somebody.get(address).text, somebody.get("/dead-letters").text):
            assert "•••" in page
            assert "delivered" not in re.sub("<select.*?</select>", "", page)
    assert viewer.post(f"{address}/show").status_code == 403
    assert "delivered" in browser.post(f"{address}/show").text
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "personal values shown"]
    assert (said.actor, said.detail["stream"]) == ("operator", "deal")


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(olaf: Opens, letters: list[str]) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert letters[0] not in browser.get("/dead-letters").text
    assert browser.get(f"/dead-letters/{letters[0]}").status_code == 404
    ticked = {f"letter.{letters[0]}": "yes", "reason": "why"}
    for action in ("retry", "discard"):
        assert browser.post(f"/dead-letters/{action}", what="ticked", **ticked).status_code == 422
        assert browser.post(f"/dead-letters/{action}", what="ticked", system="crm", **ticked).status_code == 404
    assert letters[0] in olaf(Role.OPERATOR).get("/dead-letters").text
    for action in ("show", "edit", "retry", "discard"):
        sent = {"field": "delivery_state", "value": "returned", "reason": "why"}
        assert browser.post(f"/dead-letters/{letters[0]}/{action}", **sent).status_code == 404
