"""An admin adds, changes and removes systems in the browser; ltc.yaml is what a text editor would have made of it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from httpx import Response

from state import deployed
from state.members import Role
from state.store import Store
from tests.web.admin.sending import save
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

MANIFEST = """\
version: 1
name: acme
about: The shop of Acme
base_url: https://acme.example
settings:
  token: {type: secret, about: Settings › API keys}
  shop: {type: text, about: Which shop}
  mode: {type: text, default: live, choices: [live, test]}
auth: {bearer: "{config.token}"}
streams:
  order: {entity: order, list: /orders, key: id}
  refund: {entity: payment, list: /refunds, key: id}
"""
MAPPING = "version: 1\nconnector: acme\nstreams:\n  order: {entity: order, fields: {number: id}}\n"


@pytest.fixture
def admin(as_role: Callable[[Role], Browser]) -> Browser:
    somebody = as_role(Role.ADMIN)
    somebody.client.timeout = 60
    return somebody


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def upload(browser: Browser, manifest: str, **more: str) -> Response:
    page = browser.get("/settings/systems/new").text
    files = {"manifest": ("acme.yaml", manifest.encode())}
    if "mapping" in more:
        files["mapping"] = ("acme.mapping.yaml", more.pop("mapping").encode())
    return browser.client.post("/settings/connectors", data={"csrf": hidden(page, "csrf"), **more}, files=files)


def filled(page: str, **sent: str) -> dict[str, str]:
    """The form of a new shop."""
    usual = {
        "connector": "connectors/acme.yaml",
        "name": "shop",
        "role.erp": "on",
        "config.token.in": "env",
        "config.token": "SHOP_TOKEN",
        "config.shop": "berlin",
        "every": "cron",
        "cron": "*/15 * * * *",
        "push": "plan",
        "seen": hidden(page, "seen"),
        "planned": hidden(page, "planned"),
    }
    return {**usual, **sent}


NEW = "/settings/systems/new?connector=connectors/acme.yaml"


def test_a_system_that_nobody_has_seen_is_added_from_a_manifest(admin: Browser, config: Path) -> None:
    before = config.read_text()
    config.write_text(f"# ours\n{before}# the end\n")
    assert upload(admin, MANIFEST, mapping=MAPPING).headers["location"].startswith("/settings/systems/new?connector=")
    page = admin.get(NEW).text
    for told in ("Settings › API keys", "Which shop", 'value="ACME_TOKEN"', '<option value="test">test</option>'):
        assert told in page
    looked = admin.post("/settings/systems/new", do="preview", **filled(page))
    assert looked.status_code == 200
    assert config.read_text() == f"# ours\n{before}# the end\n"
    saved = save(admin, "/settings/systems/new", why="opened in May", **filled(looked.text))
    assert saved.headers["location"] == "/settings?said=added&system=shop&change=3&checked=bad"
    assert (
        "carried out once <code>ltc deploy</code> has been run and a worker has been started"
        in admin.get(saved.headers["location"]).text
    )
    assert "ltc deploy" not in admin.get("/settings?said=added&system=crm").text, "it has no schedule"
    added = (
        "  shop:\n    connector: connectors/acme.yaml\n    roles: [erp]\n    config:\n      token: ${env:SHOP_TOKEN}\n"
        "      shop: berlin\n    schedule: {cron: '*/15 * * * *'}\n"
    )
    after = config.read_text()
    assert added in after
    assert after.replace(added, "") == f"# ours\n{before}# the end\n"
    assert "shop" in admin.get("/settings").text
    assert "shop" in admin.get("/systems").text
    assert "opened in May" in admin.get("/settings/history").text


def test_what_was_not_seen_is_not_saved(admin: Browser, config: Path) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    before = config.read_text()
    assert admin.post("/settings/systems/new", do="save", **filled(page)).status_code == 200
    looked = admin.post("/settings/systems/new", do="preview", **filled(page)).text
    changed = filled(looked, **{"config.shop": "paris"})
    assert "paris" in admin.post("/settings/systems/new", do="save", **changed).text
    assert config.read_text() == before


def test_a_form_that_is_not_right_says_where(admin: Browser, config: Path) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    before = config.read_text()
    wrong: list[tuple[dict[str, str], str]] = [
        ({"config.shop": ""}, "This is needed."),
        ({"config.mode": "dev"}, "Choose one of those that are offered."),
        ({"config.page_size": "many"}, "This must be a number"),
        ({"config.page_size": "0"}, "Write a number above 0."),
        ({"config.base_url": "http://acme.example"}, "without TLS everybody on the way reads along"),
        ({"cron": "soon"}, "This is no cron expression."),
        ({"every": "interval", "interval": "0"}, "the time at least a minute"),
        ({"every": "interval", "interval": "15", "start": "22"}, "Choose both hours"),
        ({"every": "interval", "interval": "7", "start": "22", "end": "6"}, "must divide an hour"),
        ({"cron": "0 22-6 * * *"}, "the hours from 22 to 6 are 22-23,0-6."),
        ({"name": "New Shop"}, "Small letters"),
        ({"name": "new"}, "Small letters"),
        ({"name": "crm"}, "There is a system of that name already."),
        ({"role.erp": "", "push": "always"}, "Choose one of those that are offered."),
    ]
    for sent, told in wrong:
        answer = admin.post("/settings/systems/new", do="preview", **filled(page, **sent))
        assert (answer.status_code, told in html.unescape(answer.text)) == (422, True), (sent, told)
    assert config.read_text() == before


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"config.token": "s3cr3t-Sesame"}, "Not the secret itself"),
        ({"config.token": "SK_LIVE"}, ""),
        ({"config.token": "LTC_KEY"}, "belongs to LTC Sync itself"),
        ({"config.token": "../../etc/passwd", "config.token.in": "file"}, "Not the secret itself"),
        ({"config.token": "/etc/passwd", "config.token.in": "file"}, "Not the secret itself"),
        ({"config.token": ".env", "config.token.in": "file"}, "Not the secret itself"),
        ({"config.token": "x", "config.token.in": "vault"}, "Choose one of those"),
        ({"config.network.private": "erp.internal\n169.254.169.254"}, "hands out credentials"),
        ({"config.network.private": "2852039166"}, "hands out credentials"),
        ({"config.shop": "${env:LTC_KEY}"}, "belongs to LTC Sync itself"),
        ({"config.shop": "sk_live_0123456789abcdef"}, "what you typed was thrown away"),
    ],
)
def test_no_secret_gets_into_the_file_or_back_to_the_page(
    admin: Browser, config: Path, sent: dict[str, str], told: str
) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    answer = admin.post("/settings/systems/new", do="preview", **filled(page, **sent))
    assert told in html.unescape(answer.text)
    assert answer.status_code == (422 if told else 200)
    for secret in ("s3cr3t-Sesame", "sk_live_0123456789abcdef"):
        assert secret not in answer.text
        assert secret not in config.read_text()


def test_the_box_of_a_secret_says_before_anything_is_typed_that_it_takes_a_name(admin: Browser) -> None:
    for connector in ("jiandaoyun", "tryton"):
        page = admin.get(f"{NEW.partition('?')[0]}?connector={connector}").text
        box = re.search(r'<input id="config\.(?:api_key|password)"[^>]*>', page)
        assert box is not None
        assert 'placeholder="API_KEY, secrets/api-key …"' in box[0]
        assert "never the secret itself" in page
        assert "${env" not in page


def test_the_check_says_what_ltc_check_says(admin: Browser, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(admin, MANIFEST, mapping=MAPPING)
    page = admin.get(NEW).text
    before = config.read_text()
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    answer = admin.post("/settings/systems/new", do="check", **filled(page))
    said = " ".join(html.unescape(answer.text).split())
    assert '<a href="#config.token">Access token</a>: The secret ${env:SHOP_TOKEN} is not set.' in said
    assert "ltc.yaml:" not in said.partition('id="checked"')[2].partition("</section>")[0], "no line has it yet"
    assert "Set the environment variable SHOP_TOKEN where LTC Sync runs" in answer.text
    monkeypatch.setenv("SHOP_TOKEN", "t0ken-of-the-shop")
    unreachable = {"config.base_url": "http://127.0.0.1:9"}
    answer = admin.post("/settings/systems/new", do="check", **filled(page, **unreachable))
    assert "The server has SHOP_TOKEN." in answer.text
    assert "This does not work yet." in answer.text
    assert "t0ken-of-the-shop" not in answer.text
    assert config.read_text() == before


def test_somebody_elses_change_is_shown_first(admin: Browser, config: Path) -> None:
    page = admin.get("/settings/systems/crm").text
    form = {"role.crm": "on", "every": "interval", "interval": "30", "push": "off", "config.client_id": "c"}
    form |= {"config.instance_url": "https://acme.example", "config.client_secret.in": "env"}
    form |= {"config.client_secret": "NOWHERE"}
    looked = admin.post("/settings/systems/crm", do="preview", seen=hidden(page, "seen"), **form)
    assert looked.status_code == 200
    config.write_text(config.read_text() + "# from a text editor\n")
    sent = {"seen": hidden(looked.text, "seen"), "planned": hidden(looked.text, "planned"), **form}
    told = admin.post("/settings/systems/crm", do="save", **sent)
    assert told.status_code == 409
    assert "# from a text editor" in told.text
    assert "interval" not in config.read_text()
    again = {"seen": hidden(told.text, "seen"), "planned": hidden(told.text, "planned"), **form}
    assert save(admin, "/settings/systems/crm", **again).status_code == 303
    assert "    schedule: {interval: 30m}\n    push: 'off'\n" in config.read_text()
    assert config.read_text().endswith("# from a text editor\n")


def test_removing_a_system_needs_its_name_and_keeps_what_was_read(admin: Browser, config: Path, desk: Store) -> None:
    before = config.read_text()
    page = admin.get("/settings/systems/forms/remove").text
    assert "stays in the store" in page
    sent = {"do": "save", "seen": hidden(page, "seen"), "planned": hidden(page, "planned")}
    refused = admin.post("/settings/systems/forms/remove", sure="form", **sent)
    assert refused.status_code == 422
    top = refused.text[refused.text.index("<h1>") : refused.text.index("<section")]
    assert 'role="alert" tabindex="-1" autofocus>Nothing was removed: <a href="#sure">Type the name' in top
    assert '<input id="sure" name="sure" autocomplete="off" required aria-invalid="true"' in refused.text
    assert config.read_text() == before
    assert admin.post("/settings/systems/forms/remove", sure="forms", **sent).status_code == 303
    assert "forms:" not in config.read_text()
    assert admin.get("/settings/systems/forms").status_code == 404
    with desk.reading() as connection:
        kept = connection.exec_driver_sql(
            "SELECT count(*) FROM record JOIN stream ON stream.id = record.stream_id WHERE stream.system = 'forms'"
        ).scalar()
    assert kept == 1
    for address in ("/", "/findings", "/trace?text=L-1", "/systems", "/settings", "/mappings"):
        assert admin.get(address).status_code == 200
    for id in re.findall(r'href="/findings/([0-9a-f]{24})"', admin.get("/findings").text):
        assert admin.get(f"/findings/{id}").status_code == 200


def test_ownership_is_a_grid_that_changes_single_entries(admin: Browser, config: Path) -> None:
    config.write_text(config.read_text() + "ownership:\n  lead.status: crm  # agreed in May\n")
    page = admin.get("/settings/ownership").text
    assert 'name="owner.lead.status"' in page
    form = {"owner.lead.status": "crm", "policy.lead.status": "ask", "owner.opportunity.order_number": "crm"}
    looked = admin.post("/settings/ownership", do="preview", seen=hidden(page, "seen"), **form)
    assert "lead.status: {owner: crm, policy: ask}" in looked.text
    sent = {"seen": hidden(looked.text, "seen"), "planned": hidden(looked.text, "planned"), **form}
    saved = admin.post("/settings/ownership", do="save", **sent)
    done = admin.get(saved.headers["location"]).text.partition('role="status">')[2].partition("</div>")[0]
    assert "counts from the next plan on" in done
    assert '<a href="/plans">Write-backs</a>' in done
    after = config.read_text()
    assert "  lead.status: {owner: crm, policy: ask}  # agreed in May\n" in after
    page = admin.get("/settings/ownership").text
    form = {"owner.lead.status": "", "policy.lead.status": "owner_wins"}
    looked = admin.post("/settings/ownership", do="preview", seen=hidden(page, "seen"), **form)
    sent = {"seen": hidden(looked.text, "seen"), "planned": hidden(looked.text, "planned"), **form}
    admin.post("/settings/ownership", do="save", **sent)
    assert "lead.status" not in config.read_text()
    assert admin.post("/settings/ownership", do="save", **{"owner.lead.status": "nobody"}).status_code == 200


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "crm › Every: This must be a whole number"),
        ("zh-CN", "crm › 每隔：必须是整数"),
    ],
)
def test_a_mistake_in_a_schedule_names_system_and_field(admin: Browser, locale: str, told: str) -> None:
    admin.post("/language", locale=locale, next="/settings")
    sent = {"every.crm": "interval", "interval.crm": "soon", "unit.crm": "m"}
    answer = admin.post("/settings/schedule", do="preview", **sent)
    assert answer.status_code == 422
    assert told in re.sub(r"<[^>]+>", "", html.unescape(answer.text))


def test_the_page_of_schedules_says_all_that_is_deployed_and_what_carries_it_out(admin: Browser) -> None:
    page = admin.get("/settings/schedule").text
    assert "Everything is read, reconciled, planned and, where it may, written (every 15 minutes)" in page
    assert "Deletions are looked for in all systems that do not tell of them (daily at 02:30)." in page
    assert "prefect worker start --pool ltc" in page
    form = {"every.crm": "cron", "cron.crm": "0 3 * * *"}
    looked = admin.post("/settings/schedule", do="preview", seen=hidden(page, "seen"), **form).text
    admin.post("/settings/schedule", do="save", seen=hidden(looked, "seen"), planned=hidden(looked, "planned"), **form)
    page = admin.get("/settings/schedule").text
    assert "Each system is read at the times of its schedule" in page
    assert "What was read is reconciled (at 7, 22, 37, 52 minutes past each hour)." in page
    assert "Everything is read" not in page


def test_schedules_are_changed_together(admin: Browser, config: Path, desk: Store) -> None:
    page = admin.get("/settings/schedule").text
    form = {"every.crm": "cron", "cron.crm": "0 3 * * *", "every.erp": "interval", "interval.erp": "15"}
    looked = admin.post("/settings/schedule", do="preview", seen=hidden(page, "seen"), **form)
    assert "03:00" in looked.text
    sent = {"seen": hidden(looked.text, "seen"), "planned": hidden(looked.text, "planned"), **form}
    assert admin.post("/settings/schedule", do="save", **sent).status_code == 303
    assert "    schedule: {cron: 0 3 * * *}\n" in config.read_text()
    assert "    schedule: {interval: 15m}\n" in config.read_text()
    page = admin.get("/settings/schedule?said=saved").text
    assert 'name="interval.erp" inputmode="numeric" size="5" value="15"' in page
    again = "counts once <code>ltc deploy</code> has been run again"
    assert again not in page, "it never was"
    with desk.transaction() as connection:
        deployed.keep(connection, {"crm": "other"})
    assert again in admin.get("/settings/schedule?said=saved").text
    assert "synced at fixed times, counted from the first hour and not from the last sync" in page
    assert "every 15 minutes" in admin.get("/settings").text
    form |= {"interval.erp": "90", "unit.erp": "s"}
    looked = admin.post(
        "/settings/schedule", do="preview", seen=hidden(admin.get("/settings/schedule").text, "seen"), **form
    )
    assert "every 15 minutes → <b>every 90 seconds</b>" in looked.text
    assert "schedule: {interval: 90s}" in looked.text
    refused = admin.post("/settings/schedule", do="preview", **{"every.erp": "interval", "interval.erp": "30s"})
    assert (refused.status_code, "at least a minute" in refused.text) == (422, True)
    assert '<a href="#interval.erp">erp › Every</a>' in refused.text
    wrong = admin.post("/settings/schedule", do="preview", **{"every.crm": "cron", "cron.crm": "soon"})
    assert (wrong.status_code, "This is no cron expression." in wrong.text) == (422, True)


def test_a_removal_that_is_taken_back_says_what_is_there_again_and_offers_the_reconciliation(
    admin: Browser, config: Path
) -> None:
    page = admin.get("/settings/systems/crm/remove").text
    sent = {"seen": hidden(page, "seen"), "planned": hidden(page, "planned")}
    assert admin.post("/settings/systems/crm/remove", do="save", sure="crm", **sent).status_code == 303
    assert "  crm:" not in config.read_text()
    answer = admin.post("/settings/history/1/undo")
    page = admin.get(answer.headers["location"]).text
    assert "Change 1 (crm removed) was taken back." in page
    assert page.count("crm is in ltc.yaml again") == 1
    assert "its findings return with the next reconciliation" in page
    main = page[page.index("<main") :]
    assert '<button name="kind" value="reconcile">' in main
    again = admin.get(answer.headers["location"]).text
    assert "was taken back" not in again, "it is said once"
    assert "crm is in ltc.yaml again" in again, "beside the button, which is there still"
    assert '<a href="/systems/crm">See crm</a>' in again
    assert '<button name="kind" value="reconcile">' not in admin.get("/settings/history?back=nothing").text


def test_a_change_is_taken_back_from_the_history(admin: Browser, config: Path) -> None:
    before = config.read_text()
    page = admin.get("/settings/schedule").text
    form = {"every.crm": "cron", "cron.crm": "0 3 * * *"}
    looked = admin.post("/settings/schedule", do="preview", seen=hidden(page, "seen"), **form).text
    admin.post("/settings/schedule", do="save", seen=hidden(looked, "seen"), planned=hidden(looked, "planned"), **form)
    assert config.read_text() != before
    assert "schedule: {cron: 0 3 * * *}" in admin.get("/settings/history/1").text
    assert admin.post("/settings/history/1/undo", why="not yet").status_code == 303
    assert config.read_text() == before
    told = admin.get("/settings/history").text
    assert ("not yet" in told, "Change 1 (Schedules changed) was taken back." in told) == (True, True)
    assert admin.get("/settings/history/99").status_code == 404
    assert admin.get(f"/settings/history/{2**80}").status_code == 400


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (MANIFEST.replace("key: id", "keys: id"), "acme.yaml:11"),
        (MANIFEST.replace("name: acme", "name: ../../acme"), "small letters, digits"),
        (MANIFEST.replace("name: acme", "name: [acme]"), "small letters, digits"),
        ("x: !!python/object/apply:os.system [id]\n", "a tag (!…) has no meaning here"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
            "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
            "unfolds without end",
        ),
        ("a list", "no table"),
        (MANIFEST + "# token: sk_live_0123456789abcdef\n", "a secret is written out here"),
    ],
)
def test_manifests_that_cannot_be_used_are_not_kept(admin: Browser, config: Path, manifest: str, told: str) -> None:
    answer = upload(admin, manifest)
    assert (answer.status_code, told in html.unescape(answer.text)) == (422, True)
    assert not (config.parent / "connectors").exists()
    assert "sk_live" not in answer.text


def test_a_manifest_does_not_replace_another_one_unasked(admin: Browser, config: Path) -> None:
    upload(admin, MANIFEST)
    other = MANIFEST.replace("Acme", "Acme & Co")
    assert upload(admin, other).status_code == 409
    assert (config.parent / "connectors" / "acme.yaml").read_text() == MANIFEST
    assert upload(admin, other, replace="on").status_code == 303
    assert (config.parent / "connectors" / "acme.yaml").read_text() == other


def test_an_upload_needs_the_mark_of_the_session_and_has_a_size(admin: Browser, config: Path) -> None:
    files = {"manifest": ("acme.yaml", MANIFEST.encode())}
    assert admin.client.post("/settings/connectors", data={"csrf": "x"}, files=files).status_code == 400
    assert admin.client.post("/settings/connectors", files=files).status_code == 400
    assert upload(admin, MANIFEST + "#" * 70_000).status_code == 400
    assert not (config.parent / "connectors").exists()


def test_connectors_that_run_programs_are_not_set_up_here(admin: Browser) -> None:
    assert "connector=singer" not in admin.get("/settings/systems/new").text
    assert admin.get("/settings/systems/new?connector=singer").status_code == 404
    sent = {"connector": "singer", "name": "tap", "role.crm": "on", "config.executable": "/bin/sh"}
    assert admin.post("/settings/systems/new", do="preview", **sent).status_code == 404


@pytest.mark.parametrize(
    "connector", ["../x.yaml", "/etc/passwd", "ltc.yaml", "connectors/none.yaml", "no-such", "a\0"]
)
def test_only_connectors_that_are_offered_can_be_chosen(admin: Browser, connector: str) -> None:
    assert admin.client.get("/settings/systems/new", params={"connector": connector}).status_code == 404


def test_a_broken_file_keeps_the_last_good_settings_and_says_what_is_wrong(admin: Browser, config: Path) -> None:
    before = config.read_text()
    config.write_text(before + "ownership: {lead.status: nobody}\n")
    page = admin.get("/systems")
    assert page.status_code == 200
    assert "Everything goes on with the settings before" in page.text
    assert "ltc.yaml:" in page.text
    for address in ("/settings", "/settings/schedule", "/settings/ownership", "/settings/systems/crm"):
        assert admin.get(address).status_code in (200, 422)
    config.write_text("systems: [\n")
    for address in ("/settings", "/settings/schedule", "/settings/ownership", "/settings/systems/crm"):
        assert admin.get(address).status_code in (200, 422)
    config.unlink()
    assert admin.get("/settings").status_code == 200
    config.write_text(before.replace("connector: salesforce", "connector: xero"))
    whole = admin.get("/settings").text
    assert "Everything goes on" not in whole
    assert "<td>salesforce</td>" not in whole


def test_the_store_is_not_changed_while_the_server_runs(admin: Browser, config: Path) -> None:
    config.write_text(config.read_text().replace("sqlite:///ltc.db", "sqlite:///other.db"))
    assert "Start the server again for it" in admin.get("/systems").text
    assert admin.get("/findings").status_code == 200
    assert not (config.parent / "other.db").exists()


def test_who_is_limited_to_some_systems_changes_those_alone(as_role: Callable[[Role], Browser], desk: Store) -> None:
    somebody = as_role(Role.ADMIN)
    with desk.transaction() as connection:
        connection.exec_driver_sql("UPDATE member SET systems = '[\"crm\"]'")
    page = somebody.get("/settings").text
    assert "/settings/systems/crm" in page
    assert "/settings/systems/erp" not in page
    assert somebody.get("/settings/systems/crm").status_code == 200
    assert somebody.get("/settings/systems/erp").status_code == 404
    for address in ("/settings/systems/new", "/settings/ownership", "/settings/schedule", "/settings/history"):
        assert somebody.get(address).status_code == 403


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.OPERATOR, Role.VIEWER])
def test_nobody_else_gets_at_the_settings(as_role: Callable[[Role], Browser], role: Role) -> None:
    somebody = as_role(role)
    assert "/settings" not in somebody.get("/findings").text
    for address in ("/settings", "/settings/systems/new", "/settings/systems/crm", "/settings/history"):
        assert somebody.get(address).status_code == 403
    assert somebody.post("/settings/systems/crm/remove", sure="crm").status_code == 403


def test_both_languages_have_all_pages(admin: Browser) -> None:
    admin.post("/language", locale="zh-CN", next="/settings")
    for address, word in (
        ("/settings", "设置"),
        ("/settings/systems/new", "LTC Sync 自带的连接器"),
        ("/settings/systems/crm", "连接设置"),
        ("/settings/ownership", "字段归属"),
        ("/settings/schedule", "同步计划"),
        ("/settings/history", "修改历史"),
    ):
        assert word in admin.get(address).text


def test_the_kit_is_found_from_the_settings_and_from_adding_and_removal_from_the_system(admin: Browser) -> None:
    assert '<a href="/kit">' in admin.get("/settings").text
    adding = admin.get("/settings/systems/new").text
    assert ('<a href="/kit">' in adding, "A passed nearly everything" in adding) == (True, True)
    assert 'href="/settings/systems/crm/remove"' in admin.get("/systems/crm").text
