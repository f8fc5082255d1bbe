"""Writing back to forms: conditional, never doubled, and every outcome told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Change, Outcome, PushResult
from connectors.errors import AuthError, QuotaError
from connectors.jiandaoyun.connector import Jiandaoyun
from sandbox.jiandaoyun import JiandaoyunServer
from sandbox.jiandaoyun.forms import Form, Widget
from tests.connectors.jiandaoyun.conftest import Connect, Time, pull_all

UPDATE = "data/update"


def change(data_id: str, expected: dict[str, Any] | None = None, **values: Any) -> Change:
    return Change(data_id, values, expected or {}, idempotency_key=f"test-{data_id}")


def push(connector: Jiandaoyun, *changes: Change) -> list[PushResult]:
    return list(connector.push("lead", changes))


def shown(server: JiandaoyunServer, data_id: str) -> dict[str, Any]:
    form = server.form()
    return form.read(form.rows[data_id])


@pytest.fixture
def lead(leads: list[str]) -> str:
    return leads[17]


def test_a_change_is_written_and_comes_back_as_the_row_shows_it(
    connect: Connect, server: JiandaoyunServer, lead: str, clock: Time
) -> None:
    connector = connect()
    note = "已转化 → 商机 Q-000123"
    (result,) = push(connector, change(lead, {"status": "待分配"}, status="已转化", conversion_note=note))
    assert result.outcome is Outcome.APPLIED
    row = shown(server, lead)
    assert (row["status"], row["conversion_note"], row["email"]) == ("已转化", note, "lead17@example.com")
    (request,) = server.requests(UPDATE)
    assert request.json()["data"] == {"status": {"value": "已转化"}, "conversion_note": {"value": note}}
    assert request.json()["is_start_trigger"] is False
    found, _ = pull_all(connector, None, clock.window())
    assert found[lead] == result.record, "reading our own write back is not news"


def test_only_what_differs_is_sent(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    push(connect(), change(lead, status="待分配", conversion_note="called"))
    (request,) = server.requests(UPDATE)
    assert request.json()["data"] == {"conversion_note": {"value": "called"}}


def test_what_the_row_shows_already_is_not_sent(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    (result,) = push(connect(), change(lead, {"status": "无效"}, status="待分配", conversion_note=None))
    assert result.outcome is Outcome.UNCHANGED
    assert result.record is not None
    assert server.requests(UPDATE) == []


def test_a_field_that_a_person_changed_since_is_a_conflict(
    connect: Connect, server: JiandaoyunServer, lead: str
) -> None:
    server.people.edit(lead, {"status": "无效"})
    (result,) = push(connect(), change(lead, {"status": "待分配"}, status="已转化"))
    assert result.outcome is Outcome.CONFLICT
    assert "status" in result.message
    assert result.record is not None
    assert json.loads(result.record.body)["status"] == "无效"
    assert shown(server, lead)["status"] == "无效"


def test_a_change_to_another_field_is_no_conflict(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    server.people.edit(lead, {"email": "new@example.com"})
    (result,) = push(connect(), change(lead, {"status": "待分配"}, status="已转化"))
    assert result.outcome is Outcome.APPLIED
    assert shown(server, lead)["email"] == "new@example.com"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"lead_no": "L-1"}, "writable"),
        ({"state": "x"}, "no field `state`"),
        ({"status": True}, "does not fit"),
        ({"status": ["x"]}, "does not fit"),
    ],
)
def test_what_can_never_be_written_is_rejected_with_the_reason_before_anything_is_sent(
    connect: Connect, server: JiandaoyunServer, lead: str, values: dict[str, Any], reason: str
) -> None:
    (result,) = push(connect(), change(lead, **values))
    assert result.outcome is Outcome.REJECTED
    assert reason in result.message
    assert len(server.requests()) == 1


def test_generated_fields_are_rejected_even_if_somebody_lists_them(
    connect: Connect, server: JiandaoyunServer, lead: str
) -> None:
    connector = connect(forms={"lead": {"entry_id": server.form().entry_id, "writable": ["lead_no"]}})
    (result,) = push(connector, change(lead, lead_no="L-1"))
    assert result.outcome is Outcome.REJECTED
    assert "type sn" in result.message


def test_a_row_that_is_gone_is_rejected_and_the_next_is_written(
    connect: Connect, server: JiandaoyunServer, leads: list[str]
) -> None:
    server.people.delete(leads[0])
    gone, written = push(connect(), change(leads[0], status="跟进中"), change(leads[1], status="跟进中"))
    assert gone.outcome is Outcome.REJECTED
    assert "does not exist" in gone.message
    assert written.outcome is Outcome.APPLIED


def test_a_value_the_form_refuses_is_rejected(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    server.faults.answer(UPDATE, 400, {"code": 4402, "msg": ""})
    (result,) = push(connect(), change(lead, status="跟进中"))
    assert result.outcome is Outcome.REJECTED
    assert "4402" in result.message


def test_an_update_the_form_swallowed_is_not_called_done(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    form = server.form()
    server.faults.answer(UPDATE, 200, {"data": form.read(form.rows[lead])})
    (result,) = push(connect(), change(lead, status="跟进中"))
    assert result.outcome is Outcome.REJECTED


@pytest.mark.parametrize("how", ["cut", "502", "busy"])
def test_a_lost_answer_to_a_write_that_was_done_is_settled_by_reading(
    connect: Connect, server: JiandaoyunServer, lead: str, how: str
) -> None:
    if how == "cut":
        server.faults.cut(UPDATE, act=True)
    elif how == "502":
        server.faults.answer(UPDATE, 502, act=True)
    else:
        server.faults.answer(UPDATE, 400, {"code": 4000, "msg": ""}, act=True)
    (result,) = push(connect(), change(lead, {"status": "待分配"}, status="跟进中"))
    assert result.outcome is Outcome.APPLIED
    assert result.record is not None
    assert json.loads(result.record.body)["status"] == "跟进中"
    assert len(server.requests(UPDATE)) == 1


def test_a_lost_write_that_the_row_does_not_show_stays_in_doubt(
    connect: Connect, server: JiandaoyunServer, lead: str
) -> None:
    server.faults.cut(UPDATE)
    (result,) = push(connect(), change(lead, status="跟进中"))
    assert result.outcome is Outcome.UNKNOWN
    assert len(server.requests(UPDATE)) == 1
    (again,) = push(connect(), change(lead, status="跟进中"))
    assert again.outcome is Outcome.APPLIED


def test_a_lost_answer_that_cannot_be_settled_is_unknown(connect: Connect, server: JiandaoyunServer, lead: str) -> None:
    server.faults.cut(UPDATE, act=True)
    server.faults.answer("data/get", 502, times=99, skip=1)
    (result,) = push(connect(), change(lead, {"status": "待分配"}, status="跟进中"))
    assert result.outcome is Outcome.UNKNOWN
    server.faults.clear()
    (again,) = push(connect(), change(lead, {"status": "待分配"}, status="跟进中"))
    assert again.outcome is Outcome.UNCHANGED


def test_a_throttled_write_is_sent_again_and_a_busy_form_left_for_the_next_run(
    connect: Connect, server: JiandaoyunServer, lead: str
) -> None:
    server.faults.answer(UPDATE, 400, {"code": 8304, "msg": ""}, times=2)
    (result,) = push(connect(), change(lead, status="跟进中"))
    assert result.outcome is Outcome.APPLIED
    server.faults.answer(UPDATE, 400, {"code": 4012, "msg": ""}, times=99)
    (result,) = push(connect(), change(lead, status="无效"))
    assert result.outcome is Outcome.RETRY


def test_a_source_that_went_down_is_not_asked_for_every_change(
    connect: Connect, server: JiandaoyunServer, leads: list[str]
) -> None:
    server.faults.answer("data/get", 502, times=999)
    results = push(connect(), *(change(data_id, status="跟进中") for data_id in leads[:50]))
    assert [result.source_id for result in results] == leads[:50]
    assert {result.outcome for result in results} == {Outcome.RETRY}
    assert len(server.requests("data/get")) < 20


@pytest.mark.parametrize(("code", "kind"), [(8302, AuthError), (7206, QuotaError)])
def test_a_refusal_of_the_whole_company_ends_the_push_after_what_was_settled(
    connect: Connect, server: JiandaoyunServer, leads: list[str], code: int, kind: type[Exception]
) -> None:
    server.faults.answer(UPDATE, 400, {"code": code, "msg": ""}, skip=1)
    results = connect().push("lead", [change(data_id, status="跟进中") for data_id in leads[:3]])
    assert next(results).outcome is Outcome.APPLIED
    with pytest.raises(kind):
        next(results)


def test_nothing_to_push_asks_nothing(connect: Connect, server: JiandaoyunServer) -> None:
    assert push(connect()) == []
    assert server.requests() == []


def test_values_are_compared_by_meaning_and_written_in_the_shape_of_their_type(
    connect: Connect, server: JiandaoyunServer
) -> None:
    widgets = [
        Widget("_widget_1", "number", "金额", "amount"),
        Widget("_widget_2", "datetime", "日期", "moment"),
        Widget("_widget_3", "phone", "手机", "phone"),
        Widget("_widget_4", "radiogroup", "状态", "status"),
    ]
    form = server.add_form(Form(server.form().app_id, "typed", "类型", widgets))
    data_id = server.people.submit(
        {"amount": Decimal("1.50"), "moment": "2026-03-01T08:00:00Z", "phone": {"phone": "138"}, "status": "a"},
        entry_id="typed",
    )
    names = [widget.alias for widget in widgets]
    connector = connect(forms={"lead": {"entry_id": "typed", "writable": names}})
    same = change(data_id, amount=Decimal("1.5"), moment="2026-03-01T16:00:00+08:00", phone="138", status="a")
    assert push(connector, same)[0].outcome is Outcome.UNCHANGED
    other = change(data_id, amount=Decimal("99999999999.15"), moment="2026-03-02", phone="139", status=None)
    assert push(connector, other)[0].outcome is Outcome.APPLIED
    row = form.read(form.rows[data_id])
    assert (row["amount"], row["moment"]) == (Decimal("99999999999.15"), "2026-03-02T00:00:00.000Z")
    assert (row["phone"]["phone"], row["status"]) == ("139", "")
    assert b'"amount":{"value":99999999999.15}' in server.requests(UPDATE)[0].body
    assert push(connector, change(data_id, moment=None))[0].outcome is Outcome.REJECTED
