"""Links that wait for a person, and records that could not be understood."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from state import audit, chains, clock, lookup
from state.clock import to_us
from state.members import Role
from state.schema import canonical, link, scheduled
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_awaiting import waits

NOON = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)


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


def test_the_audit_calls_the_records_of_a_link_as_people_do(
    held: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    called, left = number(desk, held), int(held.split("/")[3])
    anna.post(f"{held}/cut", reason="Another deal")
    page = anna.get("/audit").text
    assert re.search(rf'>record: </span><a href="/trace\?text={called}">[a-z]+ {called}</a> · ', page)
    with desk.transaction() as connection:
        audit.append(connection, "anna", "link cut", {"kind": "same_as", "left": left, "right": 987_654})
    assert ">other record: </span>987654" in anna.get("/audit").text, "what is gone is told by its id"


@pytest.mark.parametrize("address", ["/links/same_as/1/424242", "/links/married/1/2"])
def test_only_links_that_there_are_can_be_decided(as_role: Callable[[Role], Browser], address: str) -> None:
    assert as_role(Role.FINANCE).post(f"{address}/confirm").status_code == 404


def test_records_that_could_not_be_understood_are_listed(as_role: Callable[[Role], Browser]) -> None:
    assert "Every record could be understood" in as_role(Role.VIEWER).get("/quarantine").text


@pytest.fixture
def held(desk: Store) -> str:
    """The address of a link between two documents that is sure."""
    query = "SELECT kind, left_id, right_id FROM link WHERE decision = 'auto' AND left_entity = 'invoice' LIMIT 1"
    with desk.reading() as connection:
        row = connection.execute(text(query)).one()
    return f"/links/{row.kind}/{row.left_id}/{row.right_id}"


def number(store: Store, address: str) -> str:
    """What the first record of a link is called."""
    record_id = int(address.split("/")[3])
    with store.reading() as connection:
        known = chains.identities(connection, [record_id])
        return lookup.numbers(connection, known.values())[record_id]


def test_a_link_that_holds_is_found_by_number_cut_with_a_reason_and_joined_again(
    held: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, called = as_role(Role.FINANCE), number(desk, held)
    assert "Nobody has decided about a link yet" in anna.get("/links/held").text
    page = anna.get(f"/links/held?text={called.lower()}").text
    assert f'action="{held}/cut"' in page
    assert "Found and sure" in page
    refused = anna.post(f"{held}/cut", reason=" ", text=called)
    assert (refused.status_code, "Say why" in refused.text, called in refused.text) == (422, True, True)
    answer = anna.post(f"{held}/cut", reason="It is of another order", text=called)
    assert answer.headers["location"] == f"/links/held?text={called}"
    assert decision(desk, held) == "cut"
    page = anna.get("/links/held").text
    assert "<b>Kept apart: </b>" in page
    assert "<h1>Links that hold, and records kept apart</h1>" in page
    assert "Cut by a.finance, " in page
    assert "The two are kept apart. No reconciliation from now on links them." in page
    assert f'action="{held}/cut"' not in page
    anna.post(f"{held}/confirm", text=called)
    page = anna.get("/links/held").text
    assert "Confirmed by a.finance, " in page
    assert "<b>Kept apart: </b>" not in page


def test_a_link_is_cut_by_nobody_who_only_looks(held: str, as_role: Callable[[Role], Browser], desk: Store) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get(f"/links/held?text={number(desk, held)}").text
    assert "Found and sure" in page
    assert "/cut" not in page
    assert "Nothing of that name is linked." in viewer.get("/links/held?text=nothing").text


def test_a_link_names_both_sides_with_their_systems_and_says_why_it_was_cut(
    suggested: str, as_role: Callable[[Role], Browser]
) -> None:
    anna = as_role(Role.FINANCE)
    anna.post(f"{suggested}/cut", reason="Another branch")
    page = anna.get("/links/held").text
    head = page[page.index("<b>ACME S.r.l.</b>") :].partition("</p>")[0]
    assert (head.count("ACME S.r.l."), "A1 · crm" in head, "117 · erp" in head) == (2, True, True)
    assert re.search(r"Cut by a\.finance, [^<]+: Another branch", page)


def test_a_part_of_a_name_offers_what_may_be_meant(suggested: str, as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    anna.post(f"{suggested}/confirm")
    page = anna.get("/links/held?text=cme").text
    assert "These customers have “cme” in their name:" in page
    assert "Nothing of that name is linked." not in page
    asked = re.search(r'<li>Customer <a href="(/links/held[^"]+)">ACME S\.r\.l\.</a>', page)
    assert asked is not None
    assert "Confirmed by a.finance" in anna.get(asked.group(1)).text


def test_whoever_decides_is_told_how_many_links_wait(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    told = "Waits for you: suggested links to decide: "
    assert (waits(anna, "/"), waits(as_role(Role.VIEWER))) == (told + "1", "")
    assert 'href="/links">suggested links to decide: 1</a>' in anna.get("/").text
    anna.post(f"{suggested}/confirm")
    assert waits(anna) == ""
    of = {"kind": "same_as", "left_entity": "party", "right_entity": "party", "method": "name", "evidence": "{}"}
    rows = [{**of, "left_id": n, "right_id": n + 1} for n in range(9001, 9102)]
    with desk.transaction() as connection:
        connection.execute(link.insert(), [{**row, "score": 5, "decision": "suggested", "run_id": "x"} for row in rows])
    assert waits(anna, "/") == told + "100+"


def test_a_link_is_confirmed_with_or_without_a_reason_which_stays_with_it_and_in_the_audit(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    assert '<input name="reason" maxlength="1000"></label>\n  <button>They belong together' in anna.get("/links").text
    anna.post(f"{suggested}/confirm", reason=" The same tax number on their paper ")
    said = re.compile(r"Confirmed by a\.finance, [\d: -]+: The same tax number on their paper</p>")
    assert said.search(anna.get("/links/held").text)
    assert "The same tax number on their paper" in anna.get("/audit").text
    anna.post(f"{suggested}/confirm")
    assert re.search(r"Confirmed by a\.finance, [\d: -]+</p>", anna.get("/links/held").text)


def test_programs_confirm_with_a_reason_and_read_it(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    anna.post(f"{suggested}/confirm", reason="Told by phone")
    found = anna.get("/api/v1/links?decision=confirmed&entity=party").json()["items"]
    assert [item["reason"] for item in found] == ["Told by phone"]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "“S.r.l.” and “Società a responsabilità limitata” are two ways to write one legal form."),
        ("zh-CN", "“S.r.l.”与“Società a responsabilità limitata”是同一组织形式的不同写法。"),
    ],
)
def test_words_of_two_names_that_count_as_the_same_are_both_shown_with_the_reason(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store, lang: str, said: str
) -> None:
    anna, (_, left, right) = as_role(Role.FINANCE), suggested.split("/")[2:]
    anna.post("/language", locale=lang, next="/")
    alike(desk, int(right), "ACME Società a responsabilità limitata", "same")
    assert said in anna.get("/links").text
    (found,) = anna.get("/api/v1/links").json()["items"]
    assert [(one["why"], one["left"][:3]) for one in found["same_words"]] == [("legal", "S.r")]
    anna.post(f"{suggested}/confirm")
    assert said in anna.get("/links/held").text
    assert said in anna.get(f"/customers/{left}").text
    alike(desk, int(right), "ACME Società a responsabilità limitata", "other")
    assert said not in anna.get("/links/held").text, "the names do not speak for it"


def alike(store: Store, record: int, name: str, level: str) -> None:
    """Let a customer be called so, and its links say that the names compare so."""
    evidence = json.dumps({"alike": {"name": {"level": level, "bits": 9.0}}})
    with store.transaction() as connection:
        party = canonical["party"]
        connection.execute(update(party).where(party.c.record_id == record).values(name=name))
        connection.execute(update(link).where(link.c.right_id == record).values(evidence=evidence))


@pytest.mark.parametrize(
    ("lang", "said", "never"),
    [
        (
            "en",
            (
                "“钱塘”, which tells the company apart",
                "“阀门” and “泵业” are different trades",
                "same but for the trade +14.5",
            ),
            ("mean the same", "name: same +14.5"),
        ),
        (
            "zh-CN",
            ("字号“钱塘”", "“阀门”与“泵业”是不同行业", "字号一致，行业不同 +14.5"),
            ("含义相同", "名称：一致 +14.5"),
        ),
    ],
)
def test_names_of_two_trades_that_are_compared_as_one_are_said_to_be_the_same_but_for_the_trade(
    suggested: str,
    as_role: Callable[[Role], Browser],
    desk: Store,
    lang: str,
    said: tuple[str, ...],
    never: tuple[str, ...],
) -> None:
    anna, (_, left, right) = as_role(Role.FINANCE), suggested.split("/")[2:]
    anna.post("/language", locale=lang, next="/")
    valves_and_pumps(desk, int(left), int(right))
    page = anna.get("/links").text
    assert [text for text in said if text not in page] == []
    assert [text for text in never if text in page] == []


@pytest.mark.parametrize(
    ("theirs", "marked"),
    [
        ({"phone": "+39 02 5555 4712", "email": "b@acme.example"}, {"Email", "Phone"}),
        ({"phone": "0039 (02) 55554711", "email": "A@Acme.example"}, set()),
        ({"phone": "+39 02 5555 4711", "email": None}, set()),
    ],
)
def test_what_differs_is_marked_as_on_the_customers_page_and_a_side_without_a_value_differs_from_none(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store, theirs: dict[str, str | None], marked: set[str]
) -> None:
    anna, (left, right) = as_role(Role.FINANCE), (int(part) for part in suggested.split("/")[3:])
    differs = {"level": "differs", "bits": -4.8}
    ours = {"phone": "+390255554711", "email": "a@acme.example"}
    party = canonical["party"]
    with desk.transaction() as connection:
        for record, values in ((left, ours), (right, theirs)):
            same = {"legal_name": None, "name": "ACME S.r.l." if record == left else "Acme SRL"}
            connection.execute(update(party).where(party.c.record_id == record).values(**values, **same))
        told = json.dumps({"alike": {"mail": differs, "phone": differs}})
        connection.execute(update(link).where(link.c.right_id == right).values(evidence=told))
    assert differing(anna.get("/links").text) == marked
    anna.post(f"{suggested}/confirm")
    assert differing(anna.get(f"/customers/{left}").text) == marked


def differing(page: str) -> set[str]:
    """The fields that a page marks."""
    return {name.strip() for name in re.findall(r'<tr class="differs"><th scope="row">([^<]+)', page)}


def test_both_reasons_say_whether_they_are_needed(suggested: str, as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.FINANCE).get("/links").text
    assert re.findall(r'<label>([^<]+)<input name="reason" maxlength="1000"( required)?>', page) == [
        ("Why they belong together (may be left out; kept in the audit)", ""),
        ("Why they do not belong together (needed; kept in the audit)", " required"),
    ]


def by_schedule(store: Store, at: datetime) -> None:
    """Let a run by a schedule have begun."""
    values = {"system": "", "started_at": to_us(at)}
    with store.transaction() as connection:
        connection.execute(scheduled.delete())
        connection.execute(scheduled.insert().values(**values))


def test_the_page_says_when_the_next_reconciliation_is_and_who_may_start_one(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, otto = as_role(Role.FINANCE), as_role(Role.OPERATOR)
    nobody = "No schedule is being carried out: the next one is when"
    for address in ("/links", "/links/held"):
        page = anna.get(address).text
        assert f"{nobody} an operator or admin starts it on the page Systems" in page
        assert "Reconcile now" not in page
        assert f"{nobody} you or somebody else starts it" in otto.get(address).text
    with clock.simulated(lambda: to_us(NOON) * 1000):
        by_schedule(desk, NOON - timedelta(minutes=12))
        page = anna.get("/links").text
        assert re.search(
            r"By the schedule the next one is at (10-30 )?\d\d:15\. Operators and admins can start one before", page
        )
        assert re.search(r"By the schedule the next one is at .*You can start one now\.", otto.get("/links").text)
        anna.post(f"{suggested}/confirm")
        said = re.search(r'<p class="done" role="status">(.*?)</p>', anna.get("/links").text)
        assert said is not None
        assert "counts from the next reconciliation on. By the schedule the next one is at" in said[1]
        by_schedule(desk, NOON - timedelta(hours=2))
        assert nobody in anna.get("/links").text, "it has stopped"


def test_who_may_starts_the_next_reconciliation_from_the_page(as_role: Callable[[Role], Browser]) -> None:
    otto = as_role(Role.OPERATOR)
    page = otto.get("/links").text
    assert re.search(r'action="/runs">.*?<button name="kind" value="reconcile"[^>]*>Reconcile now', page, re.DOTALL)
    answer = otto.post("/runs", kind="reconcile")
    assert (answer.status_code, answer.headers["location"][:6]) == (303, "/runs/")


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "Speaks strongly for it: name (with slips)",
                "Speaks a little for it: country (same)",
                "Speaks strongly against it: phone (differs)",
                "Speaks a little against it: e-mail and domain (differs)",
                "Of 100 pairs that compare like this about 85 are the same and about 15 are not.",
            ],
        ),
        (
            "zh-CN",
            ["有力支持：名称（相近（疑似笔误））", "略为支持：国家/地区（一致）", "有力反对：电话（不一致）"],
        ),
    ],
)
def test_a_likeness_is_told_in_words_and_its_numbers_are_folded(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store, lang: str, lines: list[str]
) -> None:
    anna, (_, left, right) = as_role(Role.FINANCE), suggested.split("/")[2:]
    anna.post("/language", locale=lang, next="/")
    bits = {"name": ("near", 13.6), "country": ("same", 1.2), "phone": ("differs", -4.4), "mail": ("differs", -2.1)}
    bits |= {"legal": ("same", 0.1)}
    found = {field: {"level": level, "bits": weight} for field, (level, weight) in bits.items()}
    values = {"evidence": json.dumps({"alike": found, "expected": -9.03}), "method": "likeness", "score": 851}
    with desk.transaction() as connection:
        connection.execute(update(link).where(link.c.right_id == int(right)).values(**values))
    page = anna.get("/links").text
    assert [line for line in lines if line not in page] == []
    assert re.search(rf'<tr class="differs"><th scope="row">{"Name" if lang == "en" else "名称"} ', page)
    open_part, folded = re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL), page
    for number in ("-9.03", "+13.6", "-4.4"):
        assert number not in open_part
        assert number in folded
    anna.post(f"{suggested}/confirm")
    assert lines[0] in anna.get("/links/held").text
    assert lines[0] in anna.get(f"/customers/{left}").text
    (item,) = anna.get("/api/v1/links?decision=confirmed&entity=party").json()["items"]
    assert [(sign["field"], sign["speaks"], sign["weight"]) for sign in item["signs"]] == [
        ("name", "for", "strong"),
        ("country", "for", "weak"),
        ("phone", "against", "strong"),
        ("mail", "against", "weak"),
    ]


def test_a_link_is_headed_by_the_names_of_the_companies_which_lead_to_their_pages(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    _, left, right = suggested.split("/")[2:]
    party = canonical["party"]
    with desk.transaction() as connection:
        connection.execute(update(party).where(party.c.record_id == int(right)).values(name="Oberland AG"))
    page = as_role(Role.FINANCE).get("/links").text
    assert "<h2>ACME S.r.l. – Oberland AG</h2>" in page
    heads = re.findall(r'<th scope="col">Customer · <b>([^<]+)</b><br>(.*?)</th>', page)
    assert [name for name, _ in heads] == ["ACME S.r.l.", "Oberland AG"]
    assert [re.search(r'href="(/customers/\d+)"', rest)[1] for _, rest in heads] == [  # type: ignore[index]
        f"/customers/{left}",
        f"/customers/{right}",
    ]


def test_of_a_suggested_customers_mail_and_phone_a_part_is_shown_by_which_they_can_be_told_apart(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    left, right = (int(part) for part in suggested.split("/")[3:])
    party = canonical["party"]
    with desk.transaction() as connection:
        for record, mail, phone in (
            (left, "a@acme.example", "+39025554711"),
            (right, "b@other.example", "+39025554712"),
        ):
            connection.execute(update(party).where(party.c.record_id == record).values(email=mail, phone=phone))
    page = as_role(Role.FINANCE).get("/links").text
    assert re.findall(r'<td class="text">(•••[^<]*)</td>', page) == [
        *("•••@acme.example", "•••@other.example"),
        *("••• 4711", "••• 4712"),
    ]
    assert not [whole for whole in ("a@acme", "b@other", "0255547") if whole in page]


def test_of_two_mails_that_are_shown_alike_the_page_of_links_says_how_they_differ_and_who_sees_them(
    suggested: str, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, party = as_role(Role.FINANCE), canonical["party"]
    assert "no role sees on these pages" not in anna.get("/links").text
    with desk.transaction() as connection:
        for end, mail in zip(suggested.split("/")[3:], ("lager@acme.example", "lagar@acme.example"), strict=True):
            connection.execute(update(party).where(party.c.record_id == int(end)).values(email=mail))
    page = anna.get("/links").text
    assert re.search(r"•••@acme.example<br>[^<]*<span[^>]*>before the @ 1 character other than in \w+", page)
    assert "no role sees on these pages, admins neither" in page
    assert "lag" not in page


def valves_and_pumps(store: Store, left: int, right: int) -> None:
    """Let both customers of a link be of one group, with two trades and two phones."""
    found = {"name": {"level": "same", "bits": 14.5}, "phone": {"level": "differs", "bits": -4.8}}
    party = canonical["party"]
    with store.transaction() as connection:
        for record, name, number in ((left, "钱塘阀门有限公司", "+865711"), (right, "钱塘泵业有限公司", "+865712")):
            values = update(party).where(party.c.record_id == record).values(name=name, phone=number)
            connection.execute(values)
        told = update(link).where(link.c.right_id == right).values(evidence=json.dumps({"alike": found}))
        connection.execute(told)
