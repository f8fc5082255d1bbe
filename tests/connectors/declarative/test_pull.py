"""Reading by a manifest loses nothing, however the list is paged and whatever happens while it is read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from connectors.contract import Deletes
from connectors.declarative import pulling, times
from connectors.declarative.load import ManifestError
from connectors.errors import AuthError, ContractError, TransientError
from sandbox.http import Server
from tests.connectors.declarative.conftest import MANIFEST, Connect, Reader, window
from tests.connectors.declarative.desk import Desk

_QUERY = {"since": "{since}", "until": "{until}", "size": "{size}"}


def _listing(**more: str) -> dict[str, Any]:
    return {"get": "/orders", "query": {**_QUERY, **more}}


PAGINGS: dict[str, dict[str, Any]] = {
    "page": {"list": _listing(page="{page}"), "paging": {"by": "page", "size": 20}},
    "page, told the last": {
        "list": _listing(page="{page}"),
        "paging": {"by": "page", "size": 20, "more": "result.more"},
    },
    "offset": {"list": _listing(offset="{offset}"), "paging": {"by": "offset", "size": 20}},
    "offset, told the last": {
        "list": _listing(offset="{offset}"),
        "paging": {"by": "offset", "size": 20, "more": "result.more"},
    },
    "last id": {"list": _listing(after="{last_id}"), "paging": {"by": "last_id", "size": 20}},
    "keyset": {
        "list": _listing(after_time="{after_time}", after_id="{after_id}", by_time="1"),
        "paging": {"by": "keyset", "size": 20},
    },
}
CURSORS: dict[str, dict[str, Any]] = {
    "cursor": {"list": _listing(cursor="{cursor}"), "paging": {"by": "cursor", "size": 20, "next": "result.next"}},
    "link": {"list": _listing(), "paging": {"by": "link", "size": 20}},
}
every_paging = pytest.mark.parametrize("paging", [*PAGINGS.values(), *CURSORS.values()], ids=[*PAGINGS, *CURSORS])
every_number = pytest.mark.parametrize("paging", PAGINGS.values(), ids=PAGINGS)


@every_paging
@pytest.mark.parametrize("number", [0, 1, 19, 20, 21, 40, 53])
def test_every_record_is_read_whatever_their_number(
    connect: Connect, desk: Desk, paging: dict[str, Any], number: int
) -> None:
    desk.add(number)
    desk.now += 60_000
    assert Reader(connect(**paging), desk).pull().ids == set(desk.orders)


@every_paging
def test_records_that_share_one_time_are_all_read(connect: Connect, desk: Desk, paging: dict[str, Any]) -> None:
    desk.add(1)
    desk.now += 3_600_000
    reader = Reader(connect(**paging), desk).pull()
    desk.add(130, at=desk.now)
    desk.now += 60_000
    assert reader.pull().ids == set(desk.orders)


@every_number
def test_records_deleted_while_their_list_is_read_take_no_others_with_them(
    connect: Connect, desk: Desk, paging: dict[str, Any]
) -> None:
    desk.add(100)
    desk.now += 60_000
    doomed = {2: [1, 2, 3], 3: [4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22, 23], 4: [30], 5: [31]}

    def delete(number: int) -> None:
        for key in doomed.get(number, []):
            desk.remove(key)

    desk.before_page = delete
    reader = Reader(connect(**paging), desk).pull()
    assert set(desk.orders) <= reader.ids


@every_number
def test_records_that_leave_the_window_while_it_is_read_take_no_others_with_them(
    connect: Connect, desk: Desk, paging: dict[str, Any]
) -> None:
    desk.add(100)
    desk.now += 60_000

    def edit(number: int) -> None:
        for key in range(number * 3, number * 3 + 3):
            desk.edit(key, status="edited")

    desk.before_page = edit
    reader = Reader(connect(**paging), desk).pull()
    desk.before_page = lambda _number: None
    desk.now += 60_000
    reader.pull()
    assert reader.ids == set(desk.orders)
    assert {key for key, record in reader.held.items() if b"edited" in record.body} == {
        str(key) for key, order in desk.orders.items() if order["status"] == "edited"
    }


@every_paging
def test_a_pull_that_is_killed_after_any_page_goes_on_without_a_gap(
    connect: Connect, desk: Desk, paging: dict[str, Any]
) -> None:
    desk.add(90)
    desk.now += 60_000
    for killed_after in range(1, 8):
        reader = Reader(connect(**paging), desk).pull(pages=killed_after)
        assert reader.pull().ids == set(desk.orders)


def test_a_pull_that_takes_up_an_older_one_reads_what_changed_since_as_well(connect: Connect, desk: Desk) -> None:
    desk.add(50)
    desk.now += 60_000
    reader = Reader(connect(), desk).pull(pages=2)
    desk.now += 3_600_000
    desk.edit(1, status="edited")
    desk.now += 60_000
    reader.pull()
    assert b"edited" in reader.held["1"].body


@every_paging
def test_a_page_cut_smaller_than_asked_for_is_not_taken_for_the_last(
    connect: Connect, desk: Desk, paging: dict[str, Any]
) -> None:
    desk.add(50)
    desk.largest_page = 7
    desk.now += 60_000
    assert Reader(connect(**paging), desk).pull().ids == set(desk.orders)


@every_paging
def test_with_nothing_new_the_cursor_stays_and_few_calls_are_made(
    connect: Connect, desk: Desk, paging: dict[str, Any]
) -> None:
    desk.add(30)
    desk.now += 3_600_000
    reader = Reader(connect(**paging), desk).pull()
    before, reader.held = reader.cursor, {}
    desk.lists, desk.now = 0, desk.now + 3_600_000
    reader.pull()
    assert (reader.cursor, reader.held, desk.lists) == (before, {}, 1)


def test_a_commit_that_becomes_visible_late_is_read(connect: Connect, desk: Desk) -> None:
    reader = Reader(connect(incremental={"overlap": 120}), desk)
    desk.add(1)
    desk.now += 60_000
    reader.pull()
    late = desk.add(1, at=desk.now - 90_000)
    desk.add(1)
    desk.now += 10_000
    reader.pull()
    assert set(late) <= reader.ids


def test_a_source_that_compares_with_greater_than_is_asked_one_unit_earlier(
    connect: Connect, desk: Desk, server: Server
) -> None:
    desk.add(1)
    desk.now += 60_000
    asked = []
    for boundary in (">=", ">"):
        reader = Reader(connect(incremental={"overlap": 0, "boundary": boundary}), desk).pull()
        server.forget()
        reader.pull()
        asked.append(int(server.requests("/orders")[0].query.split("since=")[1].split("&")[0]))
    assert asked[0] - asked[1] == 1


@pytest.mark.parametrize("hours", [-2, 2])
def test_windows_end_by_the_clock_of_the_source(
    connect: Connect, desk: Desk, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    desk.add(1)
    desk.now += 60_000
    ours = window(desk)
    late = desk.add(1, at=desk.now + hours * 3_600_000 - 10_000)
    monkeypatch.setattr(pulling, "now_us", lambda: times.now_us() - hours * 3_600_000_000)
    pages = list(connect().pull("order", None, ours))
    ends = ours.until.timestamp() + hours * 3600
    assert abs(pages[-1].cursor["since"] / 1_000_000 - ends) < 5
    assert str(late[0]) in {record.source_id for page in pages for record in page.records}


def test_a_list_that_ignores_the_page_it_is_asked_for_stops_with_an_error(connect: Connect, desk: Desk) -> None:
    desk.add(50)
    desk.now += 60_000
    broken = connect(list={"get": "/orders", "query": {"seite": "{page}", "s": "{since}"}}, paging={"by": "page"})
    with pytest.raises(ContractError, match="same page again"):
        Reader(broken, desk).pull()


def test_a_next_page_on_another_host_is_not_followed(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(3)
    desk.now += 60_000
    answer = {"result": {"rows": [], "next": "https://evil.example/orders"}}
    server.faults.answer("GET /api/orders", 200, answer)
    linked = connect(list=_listing(), paging={"by": "link", "next": "result.next"})
    with pytest.raises(ContractError, match="another host"):
        Reader(linked, desk).pull()
    assert len(server.requests()) == 1


def test_an_error_inside_a_200_is_an_error(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(1)
    desk.now += 60_000
    server.faults.answer("/orders", 200, {"error": {"code": "throttled"}}, times=2)
    reader = Reader(connect(), desk)
    assert reader.pull().ids == {1}
    assert reader.connector.stats.retries == 2
    server.faults.answer("/orders", 200, {"error": {"code": "strange", "text": "Wang Fang has no rights"}})
    with pytest.raises(ContractError) as caught:
        reader.pull()
    assert "Wang" not in str(caught.value)


def test_an_answer_cut_in_the_middle_is_no_page(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(30)
    desk.now += 60_000
    server.faults.corrupt("/orders")
    with pytest.raises((ContractError, TransientError)):
        Reader(connect(), desk).pull()


def test_wrong_credentials_stop_at_once(connect: Connect, desk: Desk, server: Server) -> None:
    desk.token = "another"
    with pytest.raises(AuthError):
        Reader(connect(), desk).pull()
    assert len(server.requests()) == 1


def test_a_record_without_a_usable_key_or_time_is_put_aside_and_the_rest_goes_on(
    connect: Connect, desk: Desk, server: Server
) -> None:
    rows = [{"id": 1, "changed": 5}, {"id": None, "changed": 5}, {"id": 99, "changed": "soon"}, {"id": 2, "changed": 5}]
    server.faults.answer("/orders", 200, {"result": {"rows": rows, "more": False}})
    pages = list(connect().pull("order", None, window(desk)))
    assert [record.source_id for page in pages for record in page.records] == ["1", "2"]
    rejected = [item for page in pages for item in page.rejected]
    assert [(item.source_id, item.field) for item in rejected] == [("", "id"), ("99", "changed")]


def test_a_record_s_bytes_are_kept_as_they_were_sent_but_for_white_space(
    connect: Connect, desk: Desk, server: Server
) -> None:
    row = '{"id":7,"changed":5,"amount":1.10,"big":123456789012345678901234567890,"n":"\\u9648 x"}'
    sent = row.replace(",", " , ")
    server.faults.answer("/orders", 200, '{"result":{"rows":[' + sent + '],"more":false}}')
    reader = Reader(connect(), desk).pull()
    assert reader.held["7"].body == row.encode()


def test_a_field_that_changes_without_a_change_is_left_out(connect: Connect, desk: Desk) -> None:
    desk.add(1, views=1)
    desk.now += 60_000
    reader = Reader(connect(without=["views"]), desk)
    first = reader.pull(full=True).held["1"].body
    desk.orders[1]["views"] = 2
    assert reader.pull(full=True).held["1"].body == first


def test_a_flag_shows_a_deletion(connect: Connect, desk: Desk) -> None:
    desk.add(3)
    desk.edit(2, status="deleted")
    desk.now += 60_000
    connector = connect(deletes={"when": "status == 'deleted'"})
    reader = Reader(connector, desk).pull()
    assert (reader.ids, reader.deleted) == ({1, 3}, {"2"})
    assert connector.streams()[0].deletes is Deletes.TOMBSTONES


def test_a_list_of_deleted_ids_is_read_after_the_records_and_taken_up_where_it_was(
    connect: Connect, desk: Desk
) -> None:
    desk.add(30)
    desk.now += 60_000
    gone = {"list": {"get": "/deleted", "query": {"since": "{since}"}}, "records": "ids"}
    reader = Reader(connect(deletes=gone), desk).pull()
    desk.remove(5)
    desk.remove(6)
    desk.add(1)
    desk.now += 60_000
    reader.pull(pages=1)
    assert reader.deleted == set()
    reader.pull()
    assert reader.deleted == {"5", "6"}


def test_children_are_read_for_the_parents_that_changed(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(25)
    desk.now += 3_600_000
    line = {
        "entity": "order",
        "list": "/orders/{parent.id}/lines",
        "key": ["order_id", "no"],
        "parent": {"stream": "order", "add": {"order_id": "id"}},
    }
    streams = {**yaml.safe_load(MANIFEST)["streams"], "line": line}
    reader = Reader(connect(top={"streams": streams}), desk, "line")
    assert len(reader.pull(pages=10).held) < 50
    assert len(reader.pull().held) == 50
    assert reader.held["3:1"].body.startswith(b'{"order_id":3,')
    desk.edit(9, status="changed")
    desk.now += 60_000
    server.forget()
    reader.pull()
    assert [request.path for request in server.requests("/lines")] == ["/api/orders/9/lines"]


def test_ids_lists_every_id_whenever_it_changed(connect: Connect, desk: Desk) -> None:
    desk.add(45, at=5)
    connector = connect()
    assert {int(key) for part in connector.ids("order") for key in part} == set(desk.orders)


@pytest.mark.parametrize("said", ["410", "rule"])
def test_a_cursor_that_the_source_has_forgotten_leads_to_a_full_reading(
    connect: Connect, desk: Desk, server: Server, said: str
) -> None:
    desk.add(30)
    desk.now += 60_000
    rule = [{"status": 200, "when": "error.code == 'too old'", "is": "expired"}]
    reader = Reader(connect(top={"errors": rule}), desk).pull()
    reader.held = {}
    answer = (410, b"") if said == "410" else (200, {"error": {"code": "too old"}})
    server.faults.answer("GET /api/orders", *answer)
    assert reader.pull().ids == set(desk.orders)


def test_a_list_may_be_ordered_by_another_time_than_the_version(connect: Connect, desk: Desk) -> None:
    desk.add(70)
    desk.now += 60_000
    keyset = {**PAGINGS["keyset"], "paging": {"by": "keyset", "size": 20, "time": "changed"}}
    version = {"field": "lock", "format": "number"}
    incremental = {"times": {"format": "milliseconds"}}
    reader = Reader(connect(**keyset, version=version, incremental=incremental), desk).pull()
    assert reader.ids == set(desk.orders)
    assert {record.version for record in reader.held.values()} == {1}


def test_a_list_that_begins_with_the_newest_is_read_down_to_what_is_known(
    connect: Connect, desk: Desk, server: Server
) -> None:
    for _ in range(100):
        desk.now += 10_000
        desk.add()
    told = {"get": "/orders", "query": {"newest": "yes", "offset": "{offset}", "size": "{size}"}}
    newest = {
        "list": told,
        "paging": {"by": "offset", "size": 20},
        "incremental": {"overlap": 60, "newest_first": True},
    }
    reader = Reader(connect(**newest), desk)
    assert len(reader.pull().ids) == 100
    desk.now += 30_000
    (new,) = desk.add()
    desk.now += 10_000
    server.forget()

    reader.pull()

    assert new in reader.ids
    assert len(server.requests()) == 1


def test_records_that_the_list_shows_in_part_are_read_one_by_one(connect: Connect, desk: Desk, server: Server) -> None:
    keys = desk.add(30)
    desk.now += 90_000
    stable = {"by": "page", "size": 20, "stable": True}
    reader = Reader(connect(list=_listing(parts="yes", page="{page}"), details=True, paging=stable), desk)

    reader.pull()

    assert reader.ids == set(keys)
    assert all(b'"amount"' in record.body for record in reader.held.values())
    assert len(server.requests(r"/orders/\d+$")) == 30
    # A sweep needs no more than the list.
    server.forget()
    assert [int(key) for batch in reader.connector.ids("order") for key in batch] == keys
    assert not server.requests(r"/orders/\d+$")


def test_the_time_that_reading_them_takes_is_not_mistaken_for_another_clock(
    connect: Connect, desk: Desk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [0]
    monkeypatch.setattr(pulling, "now_us", lambda: times.now_us() + late[0])
    server.faults.meanwhile("/orders/1$", lambda: late.append(late.pop() + 60_000_000))
    desk.add(5)
    desk.now += 90_000

    Reader(connect(details=True, paging={"by": "page", "more": "result.more"}), desk).pull()

    assert len(server.requests("/orders[?]")) == 1


def test_a_record_that_is_gone_or_refused_when_it_is_read_takes_no_others_with_it(
    connect: Connect, desk: Desk, server: Server
) -> None:
    keys = desk.add(5)
    desk.now += 90_000
    server.faults.meanwhile("/orders/2$", lambda: desk.remove(2))
    server.faults.answer("/orders/4$", 200, {"error": {"code": "secret", "text": "Not for you"}})
    (page,) = connect(details=True, paging={"by": "page", "more": "result.more"}).pull("order", None, window(desk))

    assert [int(record.source_id) for record in page.records] == [key for key in keys if key not in (2, 4)]
    assert [item.source_id for item in page.rejected] == ["4"]


def test_clocks_that_hang_where_a_setting_says_are_read_so(connect: Connect, desk: Desk) -> None:
    (key,) = desk.add(written="2026-09-21 22:13:20")
    zoned = {"field": "written", "format": "%Y-%m-%d %H:%M:%S", "zone": "{config.clock}"}
    listed = {"version": zoned, "incremental": None, "list": "/orders", "paging": {"by": "none"}}
    settings = {"settings": {"token": {"type": "secret"}, "clock": {"type": "zone"}}}

    reader = Reader(connect({"clock": "Asia/Shanghai"}, settings, **listed), desk)

    assert reader.pull().held[str(key)].version == 1_790_000_000_000_000
    with pytest.raises(ValidationError, match="no IANA time zone"):
        connect({"clock": "Middle/Earth"}, settings, **listed)
    with pytest.raises(ManifestError, match="a setting clock of type zone"):
        connect(**listed)
