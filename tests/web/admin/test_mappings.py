"""The mapping editor: tried on records, changed after a preview, saved as a text editor would, without people on it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Response

from connectors.contract import RawRecord
from console import outdated, trial, trying
from console.sampling import Sampled
from console.web.admin import mapping_page, samples
from console.web.admin.samples import Live
from mappings.engine import load
from state import audit, shapes
from state.lookup import Sample
from state.members import Role
from state.queries import recent_runs
from state.store import Store
from tests.console import deal
from tests.console.company import write
from tests.web.admin.sending import form
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

OWN = """\
# Our fields in Salesforce
version: 1
connector: salesforce
extends: salesforce
streams:
  lead:
    fields:
      country: Country__c   # two letters
    status:
      values: {Parked: nurturing}
"""
LEAD = {
    "Id": "00Q1",
    "Name": "Maria Rossi",
    "Company": "ACME S.r.l.",
    "Email": deal.EMAIL,
    "Phone": deal.PHONE,
    "Status": "Open - Not Contacted",
    "Country__c": "IT",
    "Region__c": "Lazio",
    "Fair_Contact__c": "Ms. Bianchi, +39 06 555 4444",
    "Score__c": 7,
    "CreatedDate": "2026-09-01T08:00:00.000+0000",
    "SystemModstamp": "2026-09-01T08:00:00.000+0000",
}
PEOPLE = ("maria", "rossi", deal.PHONE, "bianchi", "555 4444")
PAGE = "/mappings/crm/lead"


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path) -> Path:
    """A CRM with a mapping of its own file, forms with the shipped one."""
    shutil.copy(sqlite_template, tmp_path / "ltc.db")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "crm.yaml").write_text(OWN)
    systems = {
        "crm": {"connector": "salesforce", "roles": ["crm"], "config": {}, "mapping": "mappings/crm.yaml"},
        "forms": {"connector": "jiandaoyun", "roles": ["marketing"], "config": {"api_key": "${env:NOWHERE}"}},
    }
    path = write(tmp_path, systems, store="sqlite:///ltc.db", ownership={"lead.status": "crm"})
    records = {f"00Q{n}": json.dumps({**LEAD, "Id": f"00Q{n}"}).encode() for n in range(1, 6)}
    deal.land(path, "crm", "lead", records)
    return path


@pytest.fixture
def as_role(browser: Callable[..., Browser], member: Callable[..., str]) -> Callable[[Role], Browser]:
    """The browser of somebody with this role, who waits as long as it takes."""

    def signed_in(role: Role) -> Browser:
        opened = browser()
        opened.client.timeout = httpx.Timeout(120)
        assert opened.sign_in(member(f"a.{role}", role)).status_code == 303
        return opened

    return signed_in


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.ADMIN)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mappings are tried without a process for each; a test that is about the process undoes that."""
    monkeypatch.setattr(trial, "carried_out", lambda asked: json.loads(json.dumps(trying.answer(asked), default=str)))


def posted(browser: Browser, action: str, /, page: str = PAGE, **fields: str) -> Response:
    """Send a form of the page, with the version that the page shows."""
    seen = browser.get(page).text
    version = re.search(r'name="version" value="([^"]*)"', seen)
    return browser.post(f"{page}/{action}", **{"version": version[1] if version else "", **fields})


def field(name: str, what: str, **more: str) -> dict[str, str]:
    return {"kind": "field", "field": name, "how": "path", "what": what, **more}


def file(config: Path) -> Path:
    return config.parent / "mappings" / "crm.yaml"


def text_of(answer: Response) -> str:
    """The page without its tags, what is code between backticks."""
    return unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?code[^>]*>", "`", answer.text)))


def edited(browser: Browser, name: str) -> dict[str, str]:
    """The form that changes a field, as the page shows it."""
    page = browser.get(f"{PAGE}?edit={name}").text
    return form(page.partition('id="edit"')[2].partition("</form>")[0], f"{PAGE}/preview")


def mapped_again(browser: Browser) -> None:
    """Press the button that maps again what is stored, and wait for the run."""
    assert browser.post(f"{PAGE}/replay").headers["location"].startswith("/runs/")
    for _ in range(300):
        if 'http-equiv="refresh"' not in browser.get("/runs").text:
            break


def test_a_stream_is_shown_field_by_field_on_a_record_with_its_owner_and_without_people(anna: Browser) -> None:
    assert "crm · lead" in text_of(anna.get("/mappings"))
    page = anna.get(PAGE)
    text = re.sub(r"\s+", " ", text_of(page).replace("`", ""))
    assert page.status_code == 200
    assert "Country country Country__c IT IT" in text
    assert "new" in text
    assert "CRM" in text
    assert "Region__c text of 5 characters" in text
    assert [word for word in PEOPLE if word.lower() in page.text.lower()] == []
    assert 'id="field-email"' in page.text
    assert "text of 24 characters" in text


def test_a_change_is_previewed_on_the_records_before_it_is_saved_and_keeps_every_comment(
    anna: Browser, config: Path, desk: Store
) -> None:
    sent = field("disqualify_reason", "Score__c")
    preview = posted(anna, "preview", **sent)
    text = text_of(preview)
    assert preview.status_code == 200
    assert "5 would be read differently" in text
    assert "disqualify_reason" in text
    assert file(config).read_text() == OWN
    saved = posted(anna, "save", **sent)
    assert saved.status_code == 303
    assert "said=saved" in saved.headers["location"]
    wanted = OWN.replace("two letters\n", "two letters\n      disqualify_reason: Score__c\n")
    assert file(config).read_text() == wanted
    with desk.reading() as connection:
        (entry,) = audit.entries(connection, limit=1)
        assert (entry.actor, entry.action, entry.detail["file"]) == ("a.admin", "settings changed", "mappings/crm.yaml")
    after = anna.get(saved.headers["location"])
    assert "Map stored records again and reconcile</button>" in after.text
    text = text_of(after)
    assert "what is stored (5 of 5 records that were looked at) keeps the old result until" in text
    assert "were read by an older mapping" not in text
    assert "5 of 5 stored records were read by an older mapping" in text_of(anna.get(PAGE))


def test_a_change_that_would_put_records_into_quarantine_says_how_many_and_why(anna: Browser) -> None:
    text = " ".join(text_of(posted(anna, "preview", **field("received_at", "Country__c"))).split())
    assert "5 would go into quarantine" in text
    assert re.search(r'5 records \(00Q5, .+\): .+, from `Country__c`: "IT" is not an instant', text)


def test_a_source_field_that_no_record_has_is_told_before_it_is_saved(anna: Browser) -> None:
    text = text_of(posted(anna, "preview", **field("campaign", "Contry__c")))
    assert "No record has a field `Contry__c`: it would never be filled. Is `Country__c` meant?" in text
    assert "No record has" not in text_of(posted(anna, "preview", **field("campaign", "Region__c")))


def test_mistakes_are_told_with_line_and_field_and_the_form_stays_as_it_was_typed(anna: Browser, config: Path) -> None:
    wrong = posted(anna, "preview", **field("campaign", "Campaign__c", **{"do.1": "shout"}))
    assert wrong.status_code == 422
    assert "crm.yaml:9" in wrong.text
    assert "there is no transform `shout`" in text_of(wrong)
    assert "<option selected>shout</option>" in wrong.text
    for sent in (
        field("campaign", ""),
        field("no_such_field", "x"),
        field("campaign", "x", values="a line without a sign"),
        field("campaign", "x", how="magic"),
        field("campaign", "x", match="("),
        {"kind": "text", "text": "streams: [" * 60},
        {"kind": "text", "text": "a: &a [*a]"},
        {"kind": "text", "text": OWN.replace("country:", "cuontry:")},
        {"kind": "nonsense"},
        {},
    ):
        assert posted(anna, "preview", **sent).status_code == 422, sent
        assert posted(anna, "save", **sent).status_code == 422, sent
    assert file(config).read_text() == OWN


def test_the_form_of_a_field_lists_the_sources_fields_and_what_can_be_done_with_a_value(
    anna: Browser, config: Path
) -> None:
    page = anna.get(f"{PAGE}?edit=campaign").text
    assert '<option value="Region__c"></option>' in page
    assert '<code>Score__c</code> <span class="quiet">7</span>' in page
    assert '<option value="upper">upper: in capital letters</option>' in page
    two = field("campaign", "Region__c", **{"do.1": "strip", "do.2": "upper"})
    assert posted(anna, "save", **two).status_code == 303
    assert "campaign: {path: Region__c, do: [strip, upper]}" in file(config).read_text()
    typed = edited(anna, "campaign")
    assert [typed[f"do.{place}"] for place in (1, 2, 3)] == ["strip", "upper", ""]


def test_a_stream_with_no_field_yet_is_mapped_by_choosing_a_column(anna: Browser, config: Path) -> None:
    bare = "version: 1\nconnector: salesforce\nstreams:\n  lead:\n    entity: lead\n    fields: {}\n"
    file(config).write_text(bare)
    deal.land(config, "crm", "lead", {"00Q7": json.dumps({"Id": "00Q7", "Ort Nr": "x"}).encode()})
    page = anna.get(f"{PAGE}?record=00Q1").text
    assert 'name="edit"' in page
    for column in ("Score__c", "Region__c", "Ort%20Nr"):
        assert f'href="{PAGE}?path={column}&amp;record=00Q1#add"' in page
    chosen = anna.get(f"{PAGE}?path=Country__c&record=00Q1").text
    assert "<option selected>Country__c</option>" in chosen
    assert '<option value="country" selected>' in chosen
    opened = anna.get(f"{PAGE}?edit=country&path=Country__c&record=00Q1").text
    sent = form(opened.partition('id="edit"')[2].partition("</form>")[0], f"{PAGE}/preview")
    assert (sent["field"], sent["what"]) == ("country", "Country__c")
    assert anna.post(f"{PAGE}/save", **sent).status_code == 303
    assert load(file(config)).stream("lead").definition.fields["country"].sources == ("Country__c",)


def test_a_preview_shows_a_record_that_changes_and_names_those_that_do(anna: Browser, config: Path) -> None:
    other = {f"00R{n}": json.dumps({**LEAD, "Id": f"00R{n}", "Fair__c": 4711}).encode() for n in range(12)}
    deal.land(config, "crm", "lead", other)
    preview = posted(anna, "preview", record="00Q1", **field("campaign", "Fair__c"))
    text = " ".join(text_of(preview).split())
    assert "12 would be read differently" in text
    (ids,) = re.findall(r"Which: (.+?) and 2 more", text)
    assert len(ids.split(", ")) == 10
    assert set(ids.split(", ")) <= set(other)
    assert re.search(r"Record 00R\d+ ", text)
    assert "not filled 4711" in text
    assert 'name="record" value="00Q1"' in preview.text


def test_a_preview_says_which_values_that_are_there_become_empty(anna: Browser) -> None:
    sent = field("campaign", "Region__c", **{"do.1": "digits"})
    assert (
        "Campaign, from `Region__c`: 5 values that are there become empty, for example “text of 5 characters”"
        in text_of(posted(anna, "preview", **sent))
    )
    assert "become empty" not in text_of(posted(anna, "preview", **field("campaign", "Region__c")))


def test_a_status_is_told_in_words_wherever_a_mapping_shows_it(anna: Browser) -> None:
    anna.post("/language", locale="zh-CN", next="/")
    text = " ".join(text_of(anna.get(PAGE)).split())
    assert "`Parked` → 培育中" in text
    assert "nurturing" not in text.partition("以文本编辑整个文件")[0]


def test_the_whole_file_can_be_changed_as_text(anna: Browser, config: Path) -> None:
    typed = OWN.replace("two letters", "ISO 3166").replace("\n", "\r\n")
    assert "ISO 3166" in posted(anna, "preview", kind="text", text=typed).text
    assert posted(anna, "save", kind="text", text=typed).status_code == 303
    assert file(config).read_text() == OWN.replace("two letters", "ISO 3166")


def test_the_status_map_gets_a_word_and_keeps_the_others(anna: Browser, config: Path) -> None:
    sent = edited(anna, "status")
    assert "Parked" in sent.values()
    sent |= {"word.900": "On ice", "status.900": "nurturing"}
    refused = anna.post(f"{PAGE}/save", **sent)
    assert "Several words stand for the same status: Parked, On ice" in text_of(refused)
    assert 'value="On ice"' in refused.text
    anna.post("/language", locale="zh-CN", next=PAGE)
    assert "多个来源值对应同一状态：Parked、On ice" in text_of(anna.post(f"{PAGE}/save", **sent))
    (parked,) = (name.removeprefix("word.") for name, value in sent.items() if value == "Parked")
    assert anna.post(f"{PAGE}/save", **sent, **{f"written.{parked}": "on"}).status_code == 303
    assert (
        "values: {Parked: nurturing, On ice: nurturing}\n      write: {nurturing: Parked}" in file(config).read_text()
    )
    assert load(file(config)).stream("lead").definition.status.table["On ice"] == "nurturing"  # type: ignore[union-attr]


def test_each_word_of_a_source_is_a_row_with_its_status_in_the_readers_language_and_how_many_records_hold_it(
    anna: Browser, config: Path
) -> None:
    deal.land(config, "crm", "lead", {"00Q7": json.dumps({**LEAD, "Id": "00Q7", "Status": "Eingefroren"}).encode()})
    page = anna.get(f"{PAGE}?edit=status").text
    assert re.search(
        r'<code>Open - Not Contacted</code>.*?"number">5</td>.*?<option value="new" selected>new<', page, re.S
    )
    assert re.search(r'<code>Eingefroren</code>.*?"number">1</td>.*?<option value="">not decided yet<', page, re.S)
    anna.post("/language", locale="zh-CN", next=PAGE)
    assert '<option value="nurturing">培育中</option>' in anna.get(f"{PAGE}?edit=status").text


def test_words_are_looked_up_of_another_field_and_none_of_a_field_of_people(anna: Browser) -> None:
    sent = edited(anna, "status")
    looked = anna.post(f"{PAGE}/preview", **sent | {"what": "Region__c", "again": "words"})
    assert looked.status_code == 200
    assert re.search(r'<code>Lazio</code>.*?"number">5</td>', looked.text, re.S)
    for what in ("Name", "Email", "Phone", "Fair_Contact__c"):
        shown = anna.post(f"{PAGE}/preview", **sent | {"what": what, "again": "words"}).text.lower()
        assert [word for word in PEOPLE if word.lower() in shown] == []


def test_where_no_status_is_written_back_nobody_is_asked_for_the_word(anna: Browser, config: Path) -> None:
    file(config).write_text(OWN + "    create: null\n")
    sent = edited(anna, "status")
    assert not [name for name in sent if name.startswith("written.")]
    sent |= {"word.900": "On ice", "status.900": "nurturing"}
    looked = text_of(anna.post(f"{PAGE}/preview", **sent))
    assert (
        "Several words stand for “nurturing”: Parked, On ice. The file has to name one for writing; it names “Parked”"
        in looked
    )
    assert "Statuses of this stream are not written back now." in looked
    saved = anna.post(f"{PAGE}/save", **sent)
    assert saved.status_code == 303, text_of(saved)
    assert load(file(config)).stream("lead").definition.status.table["On ice"] == "nurturing"  # type: ignore[union-attr]


def test_a_field_is_taken_out_whether_it_is_in_the_file_or_in_what_the_file_extends(
    anna: Browser, config: Path
) -> None:
    assert posted(anna, "save", kind="remove", field="email").status_code == 303
    assert "email: null" in file(config).read_text()
    assert "email" not in load(file(config)).stream("lead").definition.fields


def test_a_field_can_be_marked_as_a_persons(anna: Browser, config: Path) -> None:
    posted(anna, "save", **field("campaign", "Fair_Contact__c", personal="on"))
    assert "campaign" in load(file(config)).stream("lead").personal
    assert "email" in load(file(config)).stream("lead").personal


@pytest.mark.parametrize(
    "sent",
    [
        field("company_name", "Email", **{"do.1": "upper"}),
        field("company_name", "", how="template") | {"what": "x {Email} y"},
        field("company_name", "Name, Company", how="first"),
        field("company_name", "Fair_Contact__c"),
        field("campaign", "Fair_Contact__c", match="[A-Z].*"),
        field("received_at", "Email"),
        field("received_at", "Name"),
        {"kind": "text", "text": OWN + "    personal: []\n"},
        {"kind": "text", "text": OWN.replace("country: Country__c", "campaign: {path: Phone, do: [digits]}")},
    ],
)
def test_no_preview_shows_a_person_through_another_field(anna: Browser, sent: dict[str, str]) -> None:
    shown = posted(anna, "preview", **sent).text.lower()
    assert "would" in shown
    assert [word for word in (*PEOPLE, "390612345678") if word.lower() in shown] == []


def test_a_pattern_that_never_ends_is_broken_off_and_cannot_be_saved(
    anna: Browser, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(trial, "CPU_SECONDS", 1)
    body = json.dumps({**LEAD, "Region__c": "a" * 40 + "!"}).encode()
    deal.land(config, "crm", "lead", {"00Q9": body})
    hostile = field("campaign", "Region__c", match="(a+)+$")
    for what in ("preview", "save"):
        answer = posted(anna, what, **hostile)
        assert answer.status_code == 422
        assert "took too long" in answer.text
    assert file(config).read_text() == OWN
    assert anna.get("/mappings").status_code == 200


@pytest.mark.parametrize(
    "text", ["x: " + "a" * 60_000, "<script>alert(1)</script>", "streams: {lead: !!python/object:os.system {}}"]
)
def test_what_is_no_mapping_is_refused_and_shown_as_text_alone(anna: Browser, text: str) -> None:
    answer = posted(anna, "preview", kind="text", text=text)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_two_who_change_the_same_file_do_not_overwrite_each_other(anna: Browser, config: Path) -> None:
    version = re.search(r'name="version" value="([^"]*)"', anna.get(PAGE).text)[1]  # type: ignore[index]
    assert posted(anna, "save", **field("campaign", "Campaign__c")).status_code == 303
    after = file(config).read_text()
    for what in ("preview", "save"):
        late = anna.post(f"{PAGE}/{what}", version=version, **field("source", "Web__c"))
        assert late.status_code == 409
        assert "Somebody else has changed the file" in late.text
        assert 'value="Web__c"' in late.text
    assert file(config).read_text() == after


def test_the_first_change_of_a_shipped_mapping_makes_a_file_of_the_sites_own(
    anna: Browser, config: Path, desk: Store
) -> None:
    page = "/mappings/forms/lead"
    assert "comes with LTC Sync" in anna.get(page).text
    assert posted(anna, "save", page, **field("campaign", "fair")).status_code == 303
    own = config.parent / "mappings" / "forms.yaml"
    assert own.read_text().startswith("version: 1\nconnector: jiandaoyun\nextends: jiandaoyun\n")
    assert "mapping: mappings/forms.yaml" in config.read_text()
    assert "File: mappings/forms.yaml" in anna.get(page).text


def test_what_nothing_fills_is_suggested_and_taken_into_a_preview(anna: Browser, config: Path) -> None:
    body = json.dumps({**LEAD, "campaign": "Spring fair"}).encode()
    deal.land(config, "crm", "lead", {"00Q8": body})
    page = anna.get(PAGE).text
    assert (
        '<input type="hidden" name="kind" value="several"><input type="hidden" name="field" value="campaign">' in page
    )
    looked = posted(anna, "preview", kind="several", field="campaign")
    assert "+       campaign: campaign" in " ".join(text_of(looked).split(" "))
    assert file(config).read_text() == OWN


def test_suggestions_are_taken_together_by_tick_or_by_how_sure_they_are(anna: Browser, config: Path) -> None:
    body = json.dumps({**LEAD, "campaign": "Spring fair", "lead_number": "L-77"}).encode()
    deal.land(config, "crm", "lead", {"00Q8": body})
    page = anna.get(PAGE).text
    ticks = re.findall(r'form="several" name="take\.(\w+)"', page)
    assert {"campaign", "number"} <= set(ticks)
    ticked = {"kind": "several", "which": "ticked", "take.campaign": "on", "take.number": "on", "above": "100"}
    looked = posted(anna, "preview", **ticked)
    assert looked.status_code == 200
    assert file(config).read_text() == OWN
    sent = form(looked.text, f"{PAGE}/save")
    assert anna.post(f"{PAGE}/save", **sent).status_code == 303
    assert {"campaign: campaign", "number: lead_number"} <= {
        line.strip() for line in file(config).read_text().split("\n")
    }
    nothing = posted(anna, "preview", kind="several", which="above", above="101")
    assert (nothing.status_code, "That suggestion is not there any more" in nothing.text) == (422, True)


def test_all_sure_suggestions_are_offered_only_where_some_are_sure(
    anna: Browser, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deal.land(config, "crm", "lead", {"00Q8": json.dumps({**LEAD, "campaign": "Spring fair"}).encode()})
    assert 'value="sure"' in anna.get(PAGE).text
    monkeypatch.setattr(mapping_page, "SURE", 101)
    page = anna.get(PAGE)
    assert 'value="sure"' not in page.text
    best = max(int(found) for found in re.findall(r'<td class="number">(\d+) %</td>', page.text))
    assert f"No suggestion reaches 101 %; the best one has {best} %." in text_of(page)


def test_what_a_change_refuses_is_named_on_the_page_with_what_to_do(anna: Browser) -> None:
    looked = posted(anna, "preview", **field("probability", "Region__c") | {"field": "source_updated_at"})
    text = " ".join(text_of(looked).split())
    assert re.search(r"5 records \(00Q5, .+\): .+, from `Region__c`: .+ is not an instant of the form", text)
    assert "→ Take a source field with an instant such as 2026-10-31T08:00:00Z" in text
    assert "Lazio" not in looked.text
    anna.post("/language", locale="zh-CN", next=PAGE)
    looked = posted(anna, "preview", **field("source_updated_at", "Region__c"))
    assert re.search("5 条记录（00Q5、.+）：.+取自 `Region__c`", text_of(looked))


def test_a_change_that_is_not_right_yet_goes_back_into_its_form_as_it_was_typed(anna: Browser) -> None:
    looked = posted(anna, "preview", **field("received_at", "Country__c", default="2026-01-01"))
    assert "Save, although 5 would go into quarantine" in looked.text
    again = anna.post(f"{PAGE}/preview", **form(looked.text, f"{PAGE}/save"), again="on")
    assert again.status_code == 200
    shown = again.text.partition('id="edit"')[2].partition("</form>")[0]
    typed = form(shown, f"{PAGE}/preview")
    assert (typed["field"], typed["what"], typed["default"]) == ("received_at", "Country__c", "2026-01-01")


def test_a_reference_is_told_with_whom_it_finds_and_how_many_find_nobody(anna: Browser, config: Path) -> None:
    account = json.dumps({"Id": "001A", "Name": "ACME S.r.l.", "AccountNumber": "C-7"}).encode()
    deal.land(config, "crm", "account", {"001A": account})
    records = {
        f"00Q{n}": json.dumps({**LEAD, "Id": f"00Q{n}", "Owner__c": id}).encode() for n, id in ((1, "001A"), (2, "C-7"))
    }
    deal.land(config, "crm", "lead", records)
    text = " ".join(text_of(posted(anna, "preview", **field("party_ref", "Owner__c", ref="id"))).split())
    assert "1 of 2 find their" in text
    assert "001A → C-7" in text
    assert "Found nowhere: C-7" in text
    text = " ".join(text_of(posted(anna, "preview", **field("party_ref", "Owner__c", ref="no"))).split())
    assert "None of 2 finds a" in text
    assert posted(anna, "save", **field("party_ref", "Owner__c", ref="id")).status_code == 303
    assert "1 of 2 find their" in " ".join(text_of(anna.get(PAGE)).split())


def test_a_preview_on_records_that_were_only_read_now_does_not_call_them_stored(
    anna: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = samples.Read(0, 5, [Sample("00Q9", json.dumps(LEAD).encode())])
    monkeypatch.setattr(Live, "last", lambda _self, _system, stream: read if stream == "lead" else None)
    text = text_of(posted(anna, "preview", **field("campaign", "Region__c")))
    assert "Tried on 1 records that were read from the system; none of them is stored" in text
    assert "Stored records" not in text


def test_what_changed_at_the_source_leads_to_its_field_and_can_be_accepted(anna: Browser, desk: Store) -> None:
    with desk.transaction() as connection:
        stream = shapes.known_stream(connection, "crm", "lead")
        assert stream is not None
        gone = shapes.Drift("Country__c", shapes.Kind.VANISHED, before="text", fields=("country",))
        shapes.note(connection, stream.id, [gone], "r1")
    assert f'href="{PAGE}?edit=country#edit"' in anna.get(PAGE).text
    assert anna.post(f"{PAGE}/accept", path="Country__c", reason="").status_code == 400
    assert anna.post(f"{PAGE}/accept", path="Country__c", reason="Moved").status_code == 303
    with desk.reading() as connection:
        assert shapes.listing(connection) == []


def test_stored_records_are_mapped_again_as_a_run(anna: Browser, config: Path, desk: Store) -> None:
    posted(anna, "save", **field("campaign", "Region__c"))
    mapped_again(anna)
    with desk.reading() as connection:
        assert {run.kind for run in recent_runs(connection, 5)} == {"replay", "reconcile"}
        row = connection.exec_driver_sql("SELECT DISTINCT campaign FROM leads").scalars().all()
    assert row == ["Lazio"]


def test_the_runs_of_mapping_again_lead_to_each_other(anna: Browser, config: Path, desk: Store) -> None:
    mapped_again(anna)
    with desk.reading() as connection:
        last, first = (run.id for run in recent_runs(connection, 2))
    page = anna.get(f"/runs/{first}")
    assert "Asked for at once: Map again (this run) → Reconciliation (done)" in " ".join(text_of(page).split())
    assert f'href="/runs/{last}"' in page.text
    told = "Map again (done) → Reconciliation (this run)"
    assert told in " ".join(text_of(anna.get(f"/runs/{last}")).split())
    assert anna.get(f"/api/v1/runs/{first}").json()["together"] == [first, last]


def test_who_takes_a_change_of_a_mapping_back_is_offered_to_map_again_what_the_taken_back_one_has_read(
    anna: Browser, config: Path, desk: Store
) -> None:
    mapped_again(anna)
    assert "were read by an older mapping" not in anna.get(PAGE).text
    posted(anna, "save", **field("campaign", "Region__c"))
    assert "5 of 5 stored records were read by an older mapping" in anna.get(PAGE).text
    mapped_again(anna)
    assert "were read by an older mapping" not in anna.get(PAGE).text
    undone = anna.post("/settings/history/1/undo", why="Not the region")
    told = anna.get(undone.headers["location"])
    assert "crm · lead" in text_of(told)
    assert "5 of 5 stored records were read by an older mapping" in told.text
    assert f'action="{PAGE}/replay"' in told.text
    assert f'action="{PAGE}/replay"' in anna.get(PAGE).text
    mapped_again(anna)
    assert f'action="{PAGE}/replay"' not in anna.get(PAGE).text
    assert f'action="{PAGE}/replay"' not in anna.get(undone.headers["location"]).text


def test_of_many_stored_records_those_that_are_looked_at_are_spread_over_all(
    anna: Browser, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outdated, "_MOST", 2)
    mapped_again(anna)
    text = text_of(anna.get(PAGE))
    assert re.search(r"[12] of 5 stored records were looked at; all of them are read as the mapping says now", text)
    posted(anna, "save", **field("campaign", "Region__c"))
    text = text_of(anna.get(PAGE))
    assert re.search(r"[12] of [12] stored records that were looked at \(there are 5\) were read by an older", text)


def test_a_system_that_cannot_be_read_says_why(anna: Browser) -> None:
    answer = anna.post("/mappings/forms/lead/live")
    assert answer.status_code == 422
    assert "NOWHERE" in answer.text


@pytest.mark.parametrize(
    ("asked", "read"), [({}, 5), ({"count": "20"}, 20), ({"count": "50"}, 50), ({"count": "999"}, 5)]
)
def test_so_many_records_are_read_from_a_system_as_the_admin_chooses(
    asked: dict[str, str], read: int, anna: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def sampled(*given: Any) -> Sampled:
        counts.append(given[-1])
        return Sampled([RawRecord(str(n), b"{}") for n in range(given[-1])], [], 1)

    monkeypatch.setattr(samples, "sampled", sampled)
    assert re.findall(r"<option>(5|20|50)</option>", anna.get(PAGE).text) == ["5", "20", "50"]
    assert anna.post(f"{PAGE}/live", **asked).status_code == 303
    assert counts == [read]
    page = anna.get(PAGE).text
    assert f"<option selected>{read}</option>" in page, "the number stays chosen"
    assert re.search(r"Read from the system at \d{4}-\d\d-\d\d \d\d:\d\d<", page)


def test_a_record_in_quarantine_is_shown_as_it_is_held_whatever_was_read_since_and_its_word_is_listed(
    anna: Browser, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = {**LEAD, "Id": "00Q7", "Status": "Eingefroren"}
    deal.land(config, "crm", "lead", {"00Q7": json.dumps(frozen).encode()})
    put_right = [RawRecord("00Q7", json.dumps({**frozen, "Status": "Parked"}).encode())]
    monkeypatch.setattr(samples, "sampled", lambda *_: Sampled(put_right, [], 1))
    assert anna.post(f"{PAGE}/live").status_code == 303
    page = anna.get(f"{PAGE}?record=00Q7&edit=status")
    assert "00Q7 is shown as it lies in quarantine." in text_of(page)
    assert re.search(r'field-status">.*?Eingefroren', page.text, re.S)
    words = anna.get(f"{PAGE}?edit=status").text
    assert re.search(r"<code>Eingefroren</code>", words)
    assert "lies in quarantine" not in words


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, Role.APPROVER, Role.OPERATOR])
def test_nobody_but_an_admin_sees_or_changes_a_mapping(
    role: Role, as_role: Callable[[Role], Browser], config: Path
) -> None:
    somebody = as_role(role)
    assert {somebody.get(page).status_code for page in ("/mappings", PAGE, "/kit")} == {403}
    for what in ("preview", "save", "live", "replay", "accept"):
        assert somebody.post(f"{PAGE}/{what}", **field("campaign", "x")).status_code == 403
    assert file(config).read_text() == OWN


@pytest.mark.parametrize(
    "page", ["/mappings/none/lead", "/mappings/crm/none", "/mappings/crm/..%2f..%2fetc", "/mappings/..%2f/lead"]
)
def test_what_is_not_there_is_not_found(anna: Browser, page: str) -> None:
    assert anna.get(page).status_code == 404
    assert anna.post(f"{page}/save", **field("campaign", "x")).status_code == 404


def test_the_pages_are_chinese_for_who_reads_chinese(anna: Browser) -> None:
    anna.post("/language", locale="zh-CN", next="/")
    text = text_of(anna.get(PAGE))
    assert "各字段的映射结果" in text
    assert "样本记录" in text
    assert "条将进入隔离" in text_of(posted(anna, "preview", **field("received_at", "Country__c")))
    changed = text_of(posted(anna, "preview", **field("disqualify_reason", "Score__c")))
    assert re.search(r"5 条的结果将改变：\S+（5）", changed)
