"""Quarantine in the workbench: each step of a record, personal values kept back, tried again at once."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from console import allowed, in_quarantine, shapes_told
from console import replaying as replay
from console.i18n import texts
from settings.model import Settings
from state import audit, quarantine, schema
from state.clock import from_us, now_us, to_us
from state.members import Role
from state.store import Store
from sync import job
from sync.systems import mapping_for
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import ToySystem
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401


@pytest.fixture
def record(sqlite_store: Store, settings: Settings, crm: ToySystem) -> int:
    """A deal in a stage that nobody mapped."""
    crm.edit("deal", "d1", {"stage": "frozen", "name": "<i>Deal 1</i>"})
    job.run_pull(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (refused,) = quarantine.listing(connection)
    return refused.record_id


def mend(settings: Settings) -> None:
    mended = MAPPINGS["crm"].replace("won: won", "won: won, frozen: lost")
    (Path(settings.path).parent / "crm.yaml").write_text(mended)


def test_a_record_is_shown_with_the_field_that_fails_and_not_what_is_personal(
    olaf: Opens, sqlite_store: Store, record: int
) -> None:
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    assert f'href="/quarantine/{record}"' in viewer.get("/quarantine").text
    page = viewer.get(f"/quarantine/{record}").text
    assert '<tr class="differs"><th scope="row">Status' in page
    assert "SO-1" in page
    assert "revision" not in page  # what nothing maps
    assert page.count("crm:deal:d1<") == 1, "the id stands beside another number alone"
    assert "Besides:" not in page
    assert viewer.post(f"/quarantine/{record}/show").status_code == 403
    whole = browser.post(f"/quarantine/{record}/show").text
    assert "&#34;revision&#34;: " in whole
    assert "&lt;i&gt;Deal 1" in whole
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "personal values shown"]
    assert (said.actor, said.detail["source_id"]) == ("operator", "d1")


def test_what_else_refuses_a_record_is_told_beside_the_first_reason(
    olaf: Opens, settings: Settings, record: int
) -> None:
    more = MAPPINGS["crm"].replace("{name: name,", "{name: name, probability: name,")
    (Path(settings.path).parent / "crm.yaml").write_text(more)
    page = plain(olaf(Role.VIEWER).get(f"/quarantine/{record}").text)
    browser = olaf(Role.VIEWER)
    browser.post("/language", locale="zh-CN")
    (Path(settings.path).parent / "crm.yaml").write_text(more.replace("probability: name", "stage: {const: close}"))
    assert "成交签约" in browser.get(f"/quarantine/{record}").text, "a word of the model, for people"
    assert re.search(r"Besides: Probability: \w", page)


def test_the_list_says_beside_the_id_what_a_record_is_called(olaf: Opens, settings: Settings, record: int) -> None:
    browser = olaf(Role.VIEWER)
    assert re.search(r">d1</a> <span[^>]*>&lt;i&gt;Deal 1&lt;/i&gt;</span>", browser.get("/quarantine").text)
    private = MAPPINGS["crm"].replace("    fields:", "    personal: [name]\n    fields:")
    (Path(settings.path).parent / "crm.yaml").write_text(private)
    assert "Deal 1" not in browser.get("/quarantine").text


def test_an_admin_is_led_to_the_field_that_has_to_be_taught_and_others_are_told_who_can(
    olaf: Opens, record: int
) -> None:
    admin, viewer = olaf(Role.ADMIN), olaf(Role.VIEWER)
    page = admin.get(f"/quarantine/{record}").text
    assert 'href="/mappings/crm/deal?record=d1&amp;edit=status#edit"' in page
    assert 'id="edit"' in admin.get("/mappings/crm/deal?record=d1&edit=status").text
    assert "An admin can change the mapping: Settings, Mappings, crm.deal." in viewer.get(f"/quarantine/{record}").text
    rows = re.findall(r'<tr( class="differs")?><th scope="row">', viewer.get(f"/quarantine/{record}").text)
    assert rows[0], "what could not be read comes first"
    assert not any(rows[1:])
    assert "/mappings" not in viewer.get(f"/quarantine/{record}").text


@pytest.mark.parametrize(
    ("locale", "kept_back", "told"),
    [
        ("en", "<str of 12>", "text of 12 characters"),
        ("zh-CN", "<str of 12>", "12 个字符的文本"),
        ("en", "<int>", "whole number"),
        ("zh-CN", "<110 bytes>", "110 字节"),
        ("en", '"won"', '"won"'),
        ("en", None, None),
    ],
)
def test_what_is_kept_back_is_told_in_words(locale: str, kept_back: str | None, told: str | None) -> None:
    assert shapes_told.told(texts(locale), kept_back) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [("row 19 of orders.csv", "orders.csv 第 19 行"), ("file a b.csv", "文件 a b.csv"), ("row 7", "row 7")],
)
def test_what_has_no_id_is_called_by_its_place_in_words(given: str, told: str) -> None:
    assert in_quarantine.id_told(texts("zh-CN"), given) == told
    assert in_quarantine.id_told(texts("en"), given) == given


def test_a_record_is_tried_again_at_once(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, record: int
) -> None:
    browser = olaf(Role.OPERATOR)
    crm.server.forget()
    refused = browser.post(f"/quarantine/{record}/retry")
    assert (refused.status_code, "still cannot be understood" in refused.text) == (422, True)
    mend(settings)
    assert browser.post(f"/quarantine/{record}/retry").status_code == 303
    page = browser.get("/quarantine").text
    assert "crm.deal: understood now: 1" in page
    assert "Every record could be understood" in page
    assert browser.post(f"/quarantine/{record}/retry").status_code == 404
    assert crm.server.requests() == []
    with sqlite_store.reading() as connection:
        assert [item.actor for item in audit.entries(connection) if item.action == "quarantine tried again"] == [
            "operator",
            "operator",
        ]


def test_a_mapping_that_cannot_be_read_is_said(olaf: Opens, settings: Settings, record: int) -> None:
    (Path(settings.path).parent / "crm.yaml").write_text("version: 2\n")
    browser = olaf(Role.OPERATOR)
    assert browser.get(f"/quarantine/{record}").status_code == 200
    refused = browser.post(f"/quarantine/{record}/retry")
    assert (refused.status_code, "crm.yaml" in refused.text) == (422, True)


@pytest.mark.parametrize("address", ["/quarantine/999", "/quarantine/0", "/quarantine/one", f"/quarantine/{2**64}"])
def test_there_is_no_other_page(olaf: Opens, record: int, address: str) -> None:
    assert olaf(Role.OPERATOR).get(address).status_code in (400, 404)


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(olaf: Opens, record: int) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert "frozen" not in browser.get("/quarantine").text
    assert browser.get(f"/quarantine/{record}").status_code == 404
    for action in ("show", "retry", "discard", "put-back", "edit", "unedit"):
        assert browser.post(f"/quarantine/{record}/{action}", reason="x").status_code == 404
    ticked = {f"record.{record}": "yes", "reason": "x"}
    assert browser.post("/quarantine/discard", **ticked, what="ticked").status_code == 422
    assert browser.post("/quarantine/discard", system="crm", reason="x", what="all", until="9" * 16).status_code == 404
    browser.post("/quarantine/discard", reason="x", what="all", until="9" * 16)
    assert f'href="/quarantine/{record}"' in olaf(Role.OPERATOR).get("/quarantine").text


def test_a_text_stands_in_the_place_of_a_refused_value_until_the_source_changes_the_record(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, record: int
) -> None:
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    crm.server.forget()
    received = bodies(sqlite_store, record)
    assert "/edit" not in viewer.get(f"/quarantine/{record}").text
    wrong = browser.post(f"/quarantine/{record}/edit", field="stage", value="frosty")
    assert (wrong.status_code, "frosty" in wrong.text) == (422, True)
    assert browser.post(f"/quarantine/{record}/edit", field="name", value="won").status_code == 400
    done = browser.post(f"/quarantine/{record}/edit", field="stage", value="won", reason="They mean won")
    assert done.headers["location"] == "/quarantine"
    assert "understood with what you gave instead" in browser.get("/quarantine").text
    assert deal(sqlite_store, record) == ("won", 0)
    assert (bodies(sqlite_store, record), crm.server.requests()) == (received, [])
    listing = plain(viewer.get("/quarantine/edits").text)
    assert re.search("crm deal d1 .*Deal 1.* stage won operator", listing), "chosen from a list, called by its name"
    assert allowed.listed(settings, "crm", "deal", "stage", "won") is not None
    assert allowed.listed(settings, "crm", "deal", "stage", "wrought by Ann") is None, "it may be about a person"
    assert allowed.listed(settings, "crm", "deal", "name", "won") is None
    assert "They mean won" in listing
    job.run_pull(sqlite_store, settings, full=True)  # the same version again
    replay.run_replay(sqlite_store, {"crm": mapping_for(settings, "crm")})
    assert deal(sqlite_store, record) == ("won", 0)
    crm.edit("deal", "d1", {"name": "Deal one"})
    job.run_pull(sqlite_store, settings)
    assert deal(sqlite_store, record) == ("won", 1)  # as it was last understood, and in quarantine again
    assert "d1" not in plain(viewer.get("/quarantine/edits").text)
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "quarantine edited"]
    assert said.actor == "operator"
    assert said.detail == {
        "system": "crm",
        "stream": "deal",
        "source_id": "d1",
        "fields": ["stage"],
        "reason": "They mean won",
    }


def test_a_text_that_is_refused_stays_in_the_form_and_known_words_are_offered(olaf: Opens, record: int) -> None:
    browser = olaf(Role.OPERATOR)
    address = f"/quarantine/{record}"
    page = browser.get(address).text
    assert '<option value="won">won</option>' in page
    refused = browser.post(f"{address}/edit", field="stage", value="melted", reason="Warm")
    assert refused.status_code == 422
    assert "<option selected>melted</option>" in refused.text
    assert 'value="Warm"' in refused.text
    browser.post("/language", locale="zh-CN")
    assert '<option value="won">赢单 (won)</option>' in browser.get(address).text


def test_an_edit_is_taken_back_and_nothing_of_it_is_left(
    olaf: Opens, sqlite_store: Store, settings: Settings, record: int
) -> None:
    browser = olaf(Role.OPERATOR)
    came = from_us(now_us()) - timedelta(days=3)
    with sqlite_store.transaction() as connection:
        versions = update(schema.landing).where(schema.landing.c.record_id == record)
        connection.execute(versions.values(first_seen_at=to_us(came)))
    browser.post(f"/quarantine/{record}/edit", field="stage", value="won")
    assert browser.post("/quarantine/999/unedit").status_code == 404
    assert olaf(Role.OPERATOR, "erp").post(f"/quarantine/{record}/unedit").status_code == 404
    assert browser.post(f"/quarantine/{record}/unedit").status_code == 303
    assert "What was received counts again" in plain(browser.get("/quarantine/edits").text)
    assert deal(sqlite_store, record) == (None, 1)
    since = came.astimezone(settings.business_day_zone)
    assert f"{since:%Y-%m-%d %H:%M}" in plain(browser.get(f"/quarantine/{record}").text), "it has waited all the time"
    assert browser.post(f"/quarantine/{record}/unedit").status_code == 404


def deal(store: Store, record: int) -> tuple[str | None, int]:
    """The status that the canonical row shows, and how many rows of quarantine there are."""
    with store.reading() as connection:
        row = connection.execute(text("SELECT status FROM opportunities WHERE record_id = :id"), {"id": record}).first()
        return (None if row is None else row.status), quarantine.count(connection)


def bodies(store: Store, record: int) -> list[tuple[int, bytes]]:
    """Each version as it is stored."""
    with store.reading() as connection:
        query = text("SELECT seq, body FROM landing WHERE record_id = :id ORDER BY seq")
        return [(row.seq, bytes(row.body)) for row in connection.execute(query, {"id": record})]


def test_a_record_is_discarded_with_a_reason_shown_as_such_and_put_back(olaf: Opens, record: int) -> None:
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    refused = browser.post(f"/quarantine/{record}/discard", reason=" ")
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert browser.post(f"/quarantine/{record}/discard", reason="A <b>test</b> deal").status_code == 303
    page = browser.get("/quarantine").text
    assert "1 record discarded." in page
    assert "No record is on the list" in page
    assert "Records in quarantine:" not in browser.get("/").text
    assert "A &lt;b&gt;test&lt;/b&gt; deal" in viewer.get("/quarantine?discarded=yes").text
    one = plain(viewer.get(f"/quarantine/{record}").text)
    assert "operator discarded it on" in one
    assert "Put back on the list" not in one
    assert "operator discarded it on" in plain(viewer.get("/trace?text=d1").text)
    assert browser.post(f"/quarantine/{record}/put-back").status_code == 303
    assert f'href="/quarantine/{record}"' in browser.get("/quarantine").text


def test_those_that_were_ticked_and_all_that_were_shown_are_discarded_at_once(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, record: int
) -> None:
    for name in ("d2", "d3"):
        crm.edit("deal", name, {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    browser = olaf(Role.OPERATOR)
    page = browser.get("/quarantine?system=crm&stream=deal").text
    (until,) = re.findall(r'name="until" value="(\d+)"', page)
    sent = {"system": "crm", "stream": "deal", "until": until}
    assert browser.post("/quarantine/discard", **sent, what="ticked", reason="x").status_code == 422
    assert browser.post("/quarantine/discard", **sent, **{f"record.{record}": "yes"}, what="ticked").status_code == 422
    done = browser.post("/quarantine/discard", **sent, **{f"record.{record}": "yes"}, what="ticked", reason="Old")
    assert done.headers["location"] == "/quarantine?system=crm&stream=deal"
    crm.edit("deal", "d3", {"stage": "colder"})  # after the page was shown
    job.run_pull(sqlite_store, settings)
    browser.post("/quarantine/discard", **sent, what="all", reason="Old")
    with sqlite_store.reading() as connection:
        left = {item.source_id for item in quarantine.listing(connection)}
        off = {item.source_id for item in quarantine.listing(connection, discarded=True)}
    assert (left, off) == ({"d3"}, {"d1", "d2"})
    (until,) = re.findall(r'name="until" value="(\d+)"', browser.get("/quarantine?discarded=yes").text)
    browser.post("/quarantine/put-back", what="all", until=until)
    assert "Quarantined records: 3 of 3." in browser.get("/quarantine").text


def test_a_trace_says_that_what_was_asked_for_is_in_quarantine_and_why(
    olaf: Opens, sqlite_store: Store, settings: Settings, record: int
) -> None:
    browser = olaf(Role.VIEWER)
    page = plain(browser.get("/trace?text=d1").text)
    assert "In quarantine d1 (deal in crm) has been in quarantine since" in page
    assert "Why: Status &#34;frozen&#34; is not a status" in page
    assert f'<a href="/quarantine/{record}">' in browser.get("/trace?text=d1").text
    assert '<section class="chain">' not in browser.get("/trace?text=d1").text
    other = olaf(Role.VIEWER, "erp").get("/trace?text=d1").text
    assert "has been in quarantine since" in other
    assert "frozen" not in other
    assert "/quarantine/" not in other


def test_a_trace_says_that_it_shows_what_was_before_it_could_not_be_understood(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_pull(sqlite_store, settings)
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    page = olaf(Role.VIEWER).get("/trace?text=d1").text
    assert "has changed, and could not be understood since" in page
    assert '<section class="chain">' in page
