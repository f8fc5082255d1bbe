"""Pulling forms: nothing is lost, nothing is read for nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import islice

import pytest

from connectors.contract import Deletes
from connectors.errors import AuthError, ContractError, QuotaError, TransientError
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer
from sandbox.jiandaoyun.forms import Form, Widget
from sandbox.jiandaoyun.server import Limits, start
from tests.connectors.jiandaoyun.conftest import BEGIN, Connect, Time, pull_all, submit


def test_a_first_pull_reads_every_row_in_pages_as_the_bytes_that_were_sent(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    pages = list(connector.pull("lead", None, clock.window()))
    assert [len(page.records) for page in pages] == [100, 100, 50]
    assert [page.complete for page in pages] == [False, False, True]
    assert [record.source_id for page in pages for record in page.records] == leads
    record = pages[0].records[7]
    row = json.loads(record.body)
    assert (row["_id"], row["email"]) == (leads[7], "lead7@example.com")
    assert record.version == int((BEGIN + timedelta(minutes=7)).timestamp() * 1_000_000)
    assert connector.stats.calls == 4
    assert all(request.json()["limit"] == 100 for request in server.requests("data/list"))


def test_a_record_that_did_not_change_is_sent_as_the_same_bytes(
    connect: Connect, leads: list[str], clock: Time
) -> None:
    connector = connect()
    first, _ = pull_all(connector, None, clock.window())
    again, _ = pull_all(connector, None, clock.window(full=True))
    assert first == again


def test_nothing_changed_is_one_call_and_an_empty_page(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    _, cursor = pull_all(connector, None, clock.window())
    server.forget()
    clock.pass_(minutes=15)
    found, again = pull_all(connector, json.loads(json.dumps(cursor)), clock.window())
    assert found == {}
    assert again == cursor
    assert [request.line for request in server.requests()] == ["POST /api/v5/app/entry/widget/list"]


def test_an_empty_form_is_pulled_too(connect: Connect, clock: Time) -> None:
    found, cursor = pull_all(connect(), None, clock.window())
    assert found == {}
    assert cursor


def test_an_edit_anywhere_is_found_whatever_its_id(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    before, cursor = pull_all(connector, None, clock.window())
    server.people.edit(leads[3], {"status": "跟进中"})
    clock.pass_(minutes=15)
    after, cursor = pull_all(connector, cursor, clock.window())
    changed = [key for key in after if after[key] != before[key]]
    assert changed == [leads[3]]
    assert (after[leads[3]].version or 0) > (before[leads[3]].version or 0)


def test_a_row_that_sorts_behind_the_last_one_of_its_second_is_found(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    _, cursor = pull_all(connect(), None, clock.window())
    second = leads[-1][:8]
    late = [f"{second}{'0' * 15}{digit}" for digit in "12"]
    for data_id in late:
        server.people.submit({"email": "late@example.com"}, data_id=data_id, at=clock())
    assert late[0] < leads[-1]
    clock.pass_(minutes=1)
    found, _ = pull_all(connect(), cursor, clock.window())
    assert set(late) <= set(found)


def test_many_rows_of_one_second_are_all_read(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    second = f"{int(BEGIN.timestamp()):08x}"
    made = {
        server.people.submit({"email": "x@example.com"}, data_id=f"{second}{number:016x}", at=BEGIN)
        for number in range(330)
    }
    found, _ = pull_all(connect(), None, clock.window())
    assert set(found) == made


def test_what_changes_while_we_read_is_found_by_the_next_pull(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    pages = connector.pull("lead", None, clock.window())
    next(pages)
    clock.pass_(seconds=1)
    server.people.edit(leads[5], {"status": "无效"})  # on the page that was read
    new = server.people.submit({"email": "new@example.com"}, data_id=leads[0][:8] + "f" * 16)  # behind it
    *_, last = pages
    clock.pass_(minutes=15)
    found, _ = pull_all(connector, last.cursor, clock.window())
    assert json.loads(found[leads[5]].body)["status"] == "无效"
    assert new in found


def test_two_changes_at_one_instant_around_a_pull_are_both_found(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    moment = clock()
    server.people.edit(leads[1], {"status": "跟进中"}, at=moment)
    _, cursor = pull_all(connector, None, clock.window())
    server.people.edit(leads[2], {"status": "跟进中"}, at=moment)  # dataModifyTime stays the same
    clock.pass_(minutes=15)
    found, cursor = pull_all(connector, cursor, clock.window())
    assert json.loads(found[leads[2]].body)["status"] == "跟进中"
    server.forget()
    clock.pass_(minutes=15)
    assert pull_all(connector, cursor, clock.window())[0] == {}
    assert len(server.requests()) == 1


def test_a_form_whose_clock_is_ahead_of_ours_settles_after_two_pulls(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect()
    server.people.edit(leads[1], {"status": "跟进中"}, at=clock() + timedelta(days=200))
    calls = []
    cursor = None
    for _ in range(3):
        server.forget()
        _, cursor = pull_all(connector, cursor, clock.window())
        calls.append(len(server.requests()))
        clock.pass_(minutes=1)
    assert calls == [4, 4, 1]


@pytest.mark.parametrize("pages", [1, 2])
def test_a_pull_cut_off_after_any_page_goes_on_from_there(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time, pages: int
) -> None:
    read = list(islice(connect().pull("lead", None, clock.window()), pages))
    server.forget()
    clock.pass_(minutes=15)
    found, cursor = pull_all(connect(), json.loads(json.dumps(read[-1].cursor)), clock.window())
    assert set(found) == set(leads[100 * pages :])
    assert server.requests("data/list")[0].json()["data_id"] == leads[100 * pages - 1]
    assert pull_all(connect(), cursor, clock.window())[0] == {}


def test_what_changed_before_a_pull_goes_on_is_found_by_the_same_pull(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    first = next(iter(connect().pull("lead", None, clock.window())))
    server.people.edit(leads[5], {"status": "无效"})
    clock.pass_(minutes=15)
    found, _ = pull_all(connect(), first.cursor, clock.window())
    assert json.loads(found[leads[5]].body)["status"] == "无效"


def test_full_reads_everything_again_whatever_the_cursor_says(connect: Connect, leads: list[str], clock: Time) -> None:
    _, cursor = pull_all(connect(), None, clock.window())
    found, _ = pull_all(connect(), cursor, clock.window(full=True))
    assert list(found) == leads


def test_since_brings_what_changed_after_it_and_leaves_the_cursor_alone(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    _, cursor = pull_all(connect(), None, clock.window())
    server.people.edit(leads[3], {"status": "跟进中"})
    since = BEGIN + timedelta(minutes=240)
    found, again = pull_all(connect(), cursor, clock.window(since=since))
    assert set(found) == {leads[3], *leads[240:]}
    assert again == cursor


def test_a_cursor_of_another_form_is_not_used(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    _, cursor = pull_all(connect(), None, clock.window())
    form = server.form()
    other_form = Form(form.app_id, "other-form", "另一个", form.widgets, rows=form.rows, order=form.order)
    server.add_form(other_form).modified_at = form.modified_at
    other = connect(forms={"lead": {"entry_id": "other-form"}})
    found, _ = pull_all(other, cursor, clock.window())
    assert list(found) == leads


def test_between_full_scans_new_rows_come_at_once_and_edits_with_the_next_scan(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    connector = connect(full_scan_minutes=60)
    _, cursor = pull_all(connector, None, clock.window())
    server.people.edit(leads[3], {"status": "跟进中"})
    new = submit(server, 250)
    clock.pass_(minutes=10)
    server.forget()
    found, cursor = pull_all(connector, cursor, clock.window())
    assert new in found
    assert leads[3] not in found
    assert len(server.requests("data/list")) == 2
    server.forget()
    clock.pass_(minutes=10)
    found, cursor = pull_all(connector, cursor, clock.window())
    assert found == {}
    assert len(server.requests()) == 1
    newer = server.people.submit({"email": "newer@example.com"})
    found, cursor = pull_all(connector, cursor, clock.window())
    assert newer in found
    assert len(server.requests("data/list")) == 2
    clock.pass_(minutes=45)
    found, cursor = pull_all(connector, cursor, clock.window())
    assert json.loads(found[leads[3]].body)["status"] == "跟进中"
    server.forget()
    pull_all(connector, cursor, clock.window())
    assert len(server.requests()) == 1


def test_a_sweep_shows_every_id_and_only_live_ones(
    connect: Connect, server: JiandaoyunServer, leads: list[str]
) -> None:
    connector = connect()
    (spec,) = connector.streams()
    assert spec.deletes is Deletes.SWEEP
    server.people.delete(leads[4])
    server.people.delete(leads[9])
    server.people.undelete(leads[9])
    assert [key for batch in connector.ids("lead") for key in batch] == [key for key in leads if key != leads[4]]
    (sample,) = {len(request.json()["fields"]) for request in server.requests("data/list")}
    assert sample == 1


# What goes wrong


def test_throttling_is_waited_out(connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time) -> None:
    server.faults.answer("data/list", 400, {"code": 8303, "msg": "超出请求频率限制"})
    server.faults.answer("data/list", 400, {"code": 8304, "msg": ""}, skip=1)
    server.faults.answer("data/list", 429, skip=1)
    server.faults.answer("data/list", 400, {"code": 9007, "msg": ""})
    connector = connect()
    found, _ = pull_all(connector, None, clock.window())
    assert len(found) == 250
    assert connector.stats.retries == 4
    assert server.faults.armed == 0


def test_throttling_that_does_not_end_is_transient(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    server.faults.answer("widget/list", 400, {"code": 8303, "msg": "超出请求频率限制"}, times=99)
    with pytest.raises(TransientError, match="limits our requests") as caught:
        pull_all(connect(), None, clock.window())
    assert (caught.value.retry_after or 0) >= 1


def test_we_keep_within_the_vendors_limits(clock: Time) -> None:
    with start(limits=Limits()) as server:
        server.clock = clock
        for number in range(40):
            submit(server, number)
        from connectors.jiandaoyun.connector import Jiandaoyun

        config = Jiandaoyun.Config.model_validate({**server.config, "page_size": 1})
        with Jiandaoyun(config) as connector:  # type: ignore[arg-type]
            records = [record for page in connector.pull("lead", None, clock.window()) for record in page.records]
            assert len(records) == 40
            assert connector.stats.retries == 0
        assert {request.status for request in server.requests()} == {200}


def test_a_bad_gateway_and_a_broken_connection_are_tried_again(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    server.faults.answer("data/list", 502, "<html>Bad Gateway</html>", times=2, skip=1)
    server.faults.cut("data/list", skip=1)
    found, _ = pull_all(connect(), None, clock.window())
    assert len(found) == 250
    assert server.faults.armed == 0


def test_a_source_that_is_down_loses_nothing(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    server.faults.answer("data/list", 502, times=99, skip=1)
    pages = connect().pull("lead", None, clock.window())
    first = next(pages)
    with pytest.raises(TransientError):
        next(pages)
    server.faults.clear()
    rest, _ = pull_all(connect(), first.cursor, clock.window())
    assert {record.source_id for record in first.records} | set(rest) == set(leads)


def test_an_answer_cut_in_half_stops_the_stream_with_a_sample_without_values(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    server.faults.corrupt("data/list")
    with pytest.raises(ContractError, match="not valid JSON") as caught:
        pull_all(connect(), None, clock.window())
    assert "bytes, not JSON" in caught.value.sample


@pytest.mark.parametrize(
    "answer",
    [
        {"data": None},
        {"rows": []},
        {"data": [{"email": "secret@example.com"}]},
        {"data": ["secret@example.com"]},
        {"data": [{"_id": "b", "email": "secret@example.com"}, {"_id": "a"}]},
        {"code": 77777, "msg": "secret@example.com"},
    ],
)
def test_an_answer_the_vendor_does_not_document_stops_the_stream(
    connect: Connect, server: JiandaoyunServer, clock: Time, answer: dict[str, object]
) -> None:
    server.faults.answer("data/list", 200, answer)
    with pytest.raises(ContractError) as caught:
        pull_all(connect(), None, clock.window())
    assert caught.value.sample
    assert "secret" not in str(caught.value)


def test_a_row_without_a_readable_change_time_is_rejected_alone(
    connect: Connect, server: JiandaoyunServer, leads: list[str], clock: Time
) -> None:
    server.form().rows[leads[2]]["updateTime"] = "gestern"
    pages = list(connect().pull("lead", None, clock.window()))
    (rejected,) = [item for page in pages for item in page.rejected]
    assert (rejected.source_id, rejected.field) == (leads[2], "updateTime")
    assert sum(len(page.records) for page in pages) == 249


def test_a_wrong_key_stops_the_system_and_is_not_shown(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    with pytest.raises(AuthError, match="refused our key") as caught:
        pull_all(connect(api_key="wrong-key-123"), None, clock.window())
    assert "api_key" in caught.value.remedy
    assert "wrong-key-123" not in str(caught.value)
    assert len(server.requests()) == 1


def test_an_error_in_a_success_is_an_error(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    server.faults.answer("data/list", 200, {"code": 8301, "msg": ""})
    with pytest.raises(AuthError):
        pull_all(connect(), None, clock.window())


def test_a_key_for_other_apps_only_is_told_so(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    server.tenant.keys[API_KEY] = {"another-app"}
    with pytest.raises(AuthError) as caught:
        pull_all(connect(), None, clock.window())
    assert "access to the app" in caught.value.remedy


def test_a_used_up_plan_is_a_quota_error(connect: Connect, server: JiandaoyunServer, clock: Time) -> None:
    server.faults.answer("data/list", 400, {"code": 7212, "msg": ""})
    with pytest.raises(QuotaError, match="7212"):
        pull_all(connect(), None, clock.window())


def test_a_preset_crm_form_is_refused_with_the_way_around(
    connect: Connect, server: JiandaoyunServer, clock: Time
) -> None:
    server.form().preset = True
    with pytest.raises(AuthError, match="preset CRM") as caught:
        pull_all(connect(), None, clock.window())
    assert "智能助手" in caught.value.remedy


# ltc check


def test_check_says_what_can_be_read(connect: Connect, server: JiandaoyunServer, leads: list[str]) -> None:
    (line,) = connect().check()
    assert (line.stream, line.ok, line.can_read, line.can_write) == ("lead", True, True, None)
    assert line.detail == "readable, 11 fields"


def test_check_names_missing_aliases_and_the_fields_without_one(connect: Connect, server: JiandaoyunServer) -> None:
    form = server.form()
    for widget in form.widgets:
        if widget.alias in ("email", "status"):
            widget.alias = ""
    (line,) = connect().check()
    assert line.ok
    assert "missing: email, status" in line.detail
    assert "not writable: status" in line.detail
    assert "邮箱 (_widget_1700000000004)" in line.remedy
    assert line.can_write is False


def test_check_names_fields_that_cannot_be_written(connect: Connect, server: JiandaoyunServer) -> None:
    (line,) = connect(forms={"lead": {"entry_id": server.form().entry_id, "writable": ["lead_no"]}}).check()
    assert "not writable: lead_no" in line.detail
    assert line.can_write is False


def test_check_explains_preset_forms_and_goes_on_to_the_next(connect: Connect, server: JiandaoyunServer) -> None:
    form = server.form()
    server.add_form(Form(form.app_id, "preset-lead", "线索", [Widget("_widget_1", "text", "联系人")], preset=True))
    forms = {"crm_lead": {"entry_id": "preset-lead"}, "lead": {"entry_id": form.entry_id}}
    refused, fine = connect(forms=forms).check()
    assert (refused.stream, refused.ok, refused.can_read) == ("crm_lead", False, False)
    assert "automation" in refused.remedy
    assert fine.ok


def test_check_lists_the_forms_that_a_wrong_address_could_have_meant(
    connect: Connect, server: JiandaoyunServer
) -> None:
    (line,) = connect(forms={"lead": {"entry_id": "nonsense"}}).check()
    assert not line.ok
    assert f"线索登记 = {server.form().entry_id}" in line.remedy


def test_check_never_raises(connect: Connect, server: JiandaoyunServer) -> None:
    server.faults.answer("entry", 502, times=99)
    (line,) = connect().check()
    assert not line.ok
    assert line.remedy
    (line,) = connect(api_key="wrong").check()
    assert "refused our key" in line.detail or not line.ok
