"""The stand-in for Jiandaoyun behaves as its vendor documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.jiandaoyun import API_KEY, JiandaoyunServer, start
from sandbox.jiandaoyun.forms import Form, Widget
from sandbox.jiandaoyun.server import Limits
from sandbox.jiandaoyun.values import EMPTY, NOT_WRITABLE, WRITE
from sandbox.world.build import build_world

ALL_TYPES = sorted({*EMPTY, *WRITE, *NOT_WRITABLE} - {"subform"})


def every_type() -> Form:
    widgets = [Widget(f"_widget_{number}", kind, kind, kind) for number, kind in enumerate(ALL_TYPES)]
    widgets.append(Widget("_widget_90", "text", "没有别名"))
    columns = [Widget("_widget_92", "text", "品名", "item"), Widget("_widget_93", "number", "数量", "quantity")]
    widgets.append(Widget("_widget_91", "subform", "明细", "lines", columns))
    return Form("app", "form", "全部类型", widgets, workflow=True)


class Caller:
    """A client of the stand-in's API with one form."""

    def __init__(self, server: JiandaoyunServer, client: httpx.Client) -> None:
        self.server = server
        self.client = client

    def __call__(self, path: str, **body: Any) -> Any:
        answer = self.client.post(f"/v5/app/{path}", json={"app_id": "app", "entry_id": "form", **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **body: Any) -> int:
        answer = self.client.post(f"/v5/app/{path}", json={"app_id": "app", "entry_id": "form", **body})
        assert answer.status_code == 400
        assert set(answer.json()) == {"code", "msg"}
        return int(answer.json()["code"])

    def create(self, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = self("entry/data/create", data=wrapped(values))["data"]
        return made

    def found(self, field: str, method: str, *value: Any) -> list[str]:
        condition = {"field": field, "method": method, "value": list(value)}
        rows = self("entry/data/list", limit=100, filter={"rel": "and", "cond": [condition]})["data"]
        return sorted(row["text"] for row in rows)  # ids of one second are in no order


def wrapped(values: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}


@pytest.fixture
def server() -> Iterator[JiandaoyunServer]:
    with start() as running:
        running.add_form(every_type())
        yield running


@pytest.fixture
def call(server: JiandaoyunServer) -> Iterator[Caller]:
    with httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {API_KEY}"}) as client:
        yield Caller(server, client)


def test_every_writable_type_is_read_in_its_read_shape(call: Caller) -> None:
    place = {"province": "江苏省", "city": "无锡市", "district": "梁溪区", "detail": "1 号"}
    row = call.create(
        text="a",
        textarea="a\nb",
        number=12.5,
        datetime="2018-01-01 10:10:10",
        combo="女",
        checkboxgroup=["x", "y"],
        address=place,
        location={**place, "lnglatXY": [120.3, 31.4]},
        user="li.si",
        usergroup=["li.si"],
        dept=7,
        deptgroup=[7, 8],
        phone={"phone": "13800001234"},
        richtext="<p>a</p>",
        upload=["key-1"],
    )
    assert (row["text"], row["number"], row["combo"], row["checkboxgroup"]) == ("a", 12.5, "女", ["x", "y"])
    assert row["datetime"] == "2018-01-01T10:10:10.000Z"
    assert (row["address"], row["location"]["lnglatXY"]) == (place, [120.3, 31.4])
    assert row["user"]["username"] == row["usergroup"][0]["username"] == "li.si"
    assert [item["dept_no"] for item in row["deptgroup"]] == [7, 8]
    assert row["phone"] == {"phone": "13800001234", "verified": False}
    assert row["richtext"]["html"] == "<p>a</p>"
    assert row["upload"][0]["name"] == "key-1"
    assert len(row["_id"]) == 24
    assert (row["flowState"], row["creator"]["username"]) == (0, "ltc_api")


def test_types_that_cannot_be_written_and_unknown_names_are_ignored(call: Caller) -> None:
    row = call.create(nonsense="x", **dict.fromkeys(NOT_WRITABLE, "x"))
    assert {row[name] for name in NOT_WRITABLE - {"sn"}} <= {"", None}
    assert row["sn"].startswith("L-")
    assert "nonsense" not in row


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2018-01-01T10:10:10.000Z", "2018-01-01T10:10:10.000Z"),
        ("2018-01-01T10:10:10", "2018-01-01T10:10:10.000Z"),
        ("2018-01-01T18:10:10+08:00", "2018-01-01T10:10:10.000Z"),
        ("2018-01-01", "2018-01-01T00:00:00.000Z"),
        (1514801410000, "2018-01-01T10:10:10.000Z"),
    ],
)
def test_dates_are_taken_in_the_documented_forms(call: Caller, sent: Any, read: str) -> None:
    assert call.create(datetime=sent)["datetime"] == read


@pytest.mark.parametrize("sent", [1514801410, 0, None, "", "2018/01/01", "2018-13-01", "soon"])
def test_other_dates_are_refused(call: Caller, sent: Any) -> None:
    assert call.refused("entry/data/create", data=wrapped({"datetime": sent})) == 17034


def test_a_value_without_its_wrapping_is_refused(call: Caller) -> None:
    assert call.refused("entry/data/create", data={"text": "a"}) == 17017


def test_a_subform_is_replaced_as_a_whole_and_known_rows_keep_their_ids(call: Caller) -> None:
    first, second = ({"item": {"value": name}, "quantity": {"value": 1}} for name in ("a", "b"))
    row = call.create(lines=[first, second])
    kept = row["lines"][1]["_id"]
    lines = [{"_id": {"value": kept}, "item": {"value": "b2"}}, {"_id": {"value": "invented"}, "item": {"value": "c"}}]
    after = call("entry/data/update", data_id=row["_id"], data=wrapped({"lines": lines}))["data"]["lines"]
    assert [line["item"] for line in after] == ["b2", "c"]
    assert after[0] == {"_id": kept, "item": "b2", "quantity": None}
    assert after[1]["_id"] not in ("invented", row["lines"][0]["_id"])


def test_an_update_changes_what_it_names_and_stamps_the_row(call: Caller, server: JiandaoyunServer) -> None:
    row = call.create(text="a", combo="b")
    server.clock = lambda: datetime(2030, 1, 1, tzinfo=UTC)
    after = call("entry/data/update", data_id=row["_id"], data=wrapped({"combo": "c"}))["data"]
    assert (after["text"], after["combo"]) == ("a", "c")
    assert after["updateTime"] == "2030-01-01T00:00:00.000Z" > row["updateTime"]
    assert after["createTime"] == row["createTime"]
    assert call("entry/widget/list")["dataModifyTime"] == after["updateTime"]


def test_every_change_moves_the_forms_change_time_forward(call: Caller, server: JiandaoyunServer) -> None:
    server.clock = lambda: datetime(2020, 1, 1, tzinfo=UTC)
    times = [call("entry/widget/list")["dataModifyTime"]]
    data_id = call.create(text="a")["_id"]
    for step in (
        lambda: call("entry/data/update", data_id=data_id, data=wrapped({"text": "b"})),
        lambda: server.people.edit(data_id, {"text": "c"}, entry_id="form"),
        lambda: server.people.delete(data_id, entry_id="form"),
        lambda: server.people.undelete(data_id, entry_id="form"),
        lambda: call("entry/data/delete", data_id=data_id),
    ):
        times.append(call("entry/widget/list")["dataModifyTime"])
        step()
    times.append(call("entry/widget/list")["dataModifyTime"])
    assert times == sorted(set(times))


def test_rows_come_ascending_by_id_ten_at_a_time_unless_asked_otherwise(call: Caller) -> None:
    made = sorted(call.create(text=str(number))["_id"] for number in range(25))
    first = [row["_id"] for row in call("entry/data/list")["data"]]
    assert first == made[:10]
    rest = [row["_id"] for row in call("entry/data/list", data_id=first[-1], limit=100)["data"]]
    assert rest == made[10:]
    for limit in (0, 101, "9"):
        assert call.refused("entry/data/list", limit=limit) == 17017


def test_fields_limit_what_is_sent(call: Caller) -> None:
    call.create(text="a", combo="b")
    (row,) = call("entry/data/list", fields=["text"])["data"]
    assert set(row) == {"_id", "appId", "entryId", "text"}


def test_filters_by_type(call: Caller) -> None:
    call.create(text="a", number=1, datetime="2026-01-01", checkboxgroup=["x"], phone={"phone": "138"})
    call.create(text="b", number=2.5, datetime="2026-02-01", checkboxgroup=["x", "y"], user="li.si")
    call.create(text="c")
    assert call.found("text", "eq", "a") == ["a"]
    assert call.found("text", "ne", "a") == ["b", "c"]
    assert call.found("text", "in", "a", "c") == ["a", "c"]
    assert call.found("text", "nin", "a", "c") == ["b"]
    assert call.found("combo", "empty") == ["a", "b", "c"]
    assert call.found("number", "not_empty") == ["a", "b"]
    assert call.found("number", "gt", 1) == ["b"]
    assert call.found("number", "range", None, 2) == ["a"]
    assert call.found("datetime", "range", "2026-01-15", None) == ["b"]
    assert call.found("datetime", "range", "2026-01-01", "2026-02-01") == ["a", "b"]
    assert call.found("createTime", "range", "2026-01-15", None) == ["a", "b", "c"]
    assert call.found("checkboxgroup", "all", "x", "y") == ["b"]
    assert call.found("checkboxgroup", "in", "x", "z") == ["a", "b"]
    assert call.found("user", "eq", "li.si") == ["b"]
    assert call.found("phone", "like", "13") == ["a"]
    assert call.found("phone", "unverified") == ["a"]
    assert call.found("flowState", "eq", 0) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "text", "method": "like", "value": ["a"]},
        {"field": "text", "method": "eq", "value": "a"},
        {"field": "number", "method": "in", "value": [1]},
        {"field": "updateTime", "method": "range", "value": ["2026-01-01", None]},
        {"field": "lines", "method": "eq", "value": [1]},
        {"field": "nonsense", "method": "empty"},
        {"field": "text", "method": "in", "value": ["a"] * 201},
    ],
)
def test_filters_outside_the_documentation_are_refused(call: Caller, condition: dict[str, Any]) -> None:
    assert call.refused("entry/data/list", filter={"rel": "and", "cond": [condition]}) == 4815


def test_a_batch_sent_twice_under_one_transaction_is_made_once(call: Caller) -> None:
    batch = {"data_list": [wrapped({"text": str(n)}) for n in range(3)], "transaction_id": "t-1"}
    first = call("entry/data/batch_create", **batch)
    again = call("entry/data/batch_create", **batch)
    assert first == again
    assert first["success_count"] == len(first["success_ids"]) == 3
    assert len(call("entry/data/list")["data"]) == 3
    assert call.refused("entry/data/batch_create", data_list=[wrapped({"text": "x"})] * 101) == 17023


def test_many_rows_are_updated_and_deleted_at_once(call: Caller) -> None:
    made = [call.create(text=str(n))["_id"] for n in range(3)]
    assert call("entry/data/batch_update", data_ids=made[:2], data=wrapped({"combo": "x"}))["success_count"] == 2
    assert call.refused("entry/data/batch_update", data_ids=made, data=wrapped({"lines": []})) == 17034
    assert call("entry/data/batch_delete", data_ids=[*made[:2], "gone"])["success_count"] == 2
    assert [row["_id"] for row in call("entry/data/list")["data"]] == made[2:]
    call("entry/data/delete", data_id=made[2])
    assert call.refused("entry/data/get", data_id=made[2]) == 4001


def test_a_field_without_alias_is_named_by_its_id_and_a_new_alias_renames_it(
    call: Caller, server: JiandaoyunServer
) -> None:
    row = call.create(_widget_90="a")
    assert row["_widget_90"] == "a"
    widget = server.form("form").widget("_widget_90")
    assert widget is not None
    widget.alias = "renamed"
    assert call("entry/data/get", data_id=row["_id"])["data"]["renamed"] == "a"
    described = {item["widgetName"]: item for item in call("entry/widget/list")["widgets"]}
    assert described["_widget_90"]["name"] == "renamed"
    assert [item["name"] for item in described["_widget_91"]["items"]] == ["item", "quantity"]


@pytest.mark.parametrize(
    ("body", "code"),
    [({"app_id": "x"}, 2004), ({"entry_id": "x"}, 3000), ({"entry_id": None}, 17017), ({"data_id": "x"}, 4001)],
)
def test_what_does_not_exist_has_its_code(call: Caller, body: dict[str, Any], code: int) -> None:
    assert call.refused("entry/data/get", **{"data_id": "y", **body}) == code


def test_keys_see_their_apps_only(call: Caller, server: JiandaoyunServer) -> None:
    server.tenant.keys["narrow"] = {"elsewhere"}
    call.client.headers["Authorization"] = "Bearer narrow"
    assert call.refused("entry/data/list") == 17053
    assert call("list") == {"apps": []}
    for header in ("Bearer nonsense", "narrow", ""):
        call.client.headers["Authorization"] = header
        assert call.refused("entry/data/list") == 8301


def test_preset_forms_are_refused(call: Caller, server: JiandaoyunServer) -> None:
    server.form("form").preset = True
    for path in ("entry/widget/list", "entry/data/list", "entry/data/create"):
        assert call.refused(path, data={}) == 30002
    assert call("entry/list")["forms"] == [{"name": "全部类型", "app_id": "app", "entry_id": "form"}]


def test_too_many_requests_in_a_second_are_refused() -> None:
    with (
        start(limits=Limits(company=5, read=3)) as server,
        httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {API_KEY}"}) as client,
    ):
        call = Caller(server, client)
        for _ in range(3):
            call("list")
        assert call.refused("list") == 8304
        call.refused("entry/widget/list")
        assert call.refused("entry/widget/list") == 8303


def test_a_stopped_demo_comes_back_with_its_data(tmp_path: Path) -> None:
    world, path = build_world(), tmp_path / "state" / "jiandaoyun.json"
    with start(world) as server:
        data_id = server.form().order[7]
        server.people.edit(data_id, {"status": "无效"})
        server.people.delete(server.form().order[8])
        server.add_form(every_type())
        server.people.submit({"number": 1, "text": "a"}, entry_id="form")
        server.save(path)
        form, other = server.form(), server.form("form")
    with start(world, snapshot_file=path) as server:
        assert (server.form(), server.form("form")) == (form, other)
        server.people.undelete(next(iter(server.form().bin)))
        assert len(server.form().rows) == len(world.form_leads)
