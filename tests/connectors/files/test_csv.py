"""CSV files as people and programs write them: encodings, dialects, headers, rows that do not fit."""

from __future__ import annotations

import json

import pytest

from connectors.errors import ContractError
from tests.connectors.files.conftest import OLD, Desk, ids, refusals, rejects, window

CHINESE = "id,客户,金额\n1,上海市测试贸易有限公司,100.50\n2,朱镕基,7\n"


def test_a_row_is_a_record_of_texts_under_the_columns_names(desk: Desk) -> None:
    desk.put("a.csv", "id, net ,note\n1,1.10,\n2,007,x\n")
    pages = desk.pages()
    assert [record.body for page in pages for record in page.records] == [
        b'{"id":"1","net":"1.10","note":""}',
        b'{"id":"2","net":"007","note":"x"}',
    ]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "utf-8 (all of it is valid)"),
        ("utf-8-sig", "utf-8-sig (it begins with the mark of it)"),
        ("utf-16", "utf-16 (it begins with the mark of it)"),
        ("gb18030", "gb18030 (byte 4 does not fit UTF-8, and all of it is valid, common Chinese)"),
    ],
)
def test_chinese_is_read_in_every_encoding_and_the_choice_is_shown(desk: Desk, encoding: str, shown: str) -> None:
    desk.put("a.csv", CHINESE.encode(encoding))
    assert desk.pull()[0] == {"id": "1", "客户": "上海市测试贸易有限公司", "金额": "100.50"}
    assert f"a.csv: CSV in {shown}, delimiter comma (3 of 3 rows have 3 cells)" in desk.check().detail


def test_four_byte_gb18030_is_read(desk: Desk) -> None:
    text = "id,name\n1," + "中国工商银行股份有限公司" * 3 + "\U00020000€\n"
    desk.put("a.csv", text.encode("gb18030"))
    assert desk.pull()[0]["name"].endswith("\U00020000€")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,name\n1,Café créé à Orléans\n", "cp1252"),
        ("id,name\n1,Müller GmbH\n", "cp1252"),
        ("id,name\n1,Общество с ограниченной\n", "cp1251"),
        ("id,name\n1,臺灣積體電路製造股份有限公司\n", "big5"),
        ("id,name\n1,株式会社テスト\n", "shift-jis"),
    ],
)
def test_another_encoding_is_never_decoded_in_silence(desk: Desk, text: str, encoding: str) -> None:
    desk.put("a.csv", text.encode(encoding))
    [reason] = refusals(desk.pages())
    assert "UTF-8 (byte " in reason
    assert "name its `encoding`" in reason
    assert desk.pull(encoding=encoding) == [{"id": "1", "name": text.split(",")[-1].strip()}]


@pytest.mark.parametrize("name", ["裕茂", "千雀", "元之源"])
def test_chinese_that_is_valid_utf_8_by_chance_is_not_read_as_that(desk: Desk, name: str) -> None:
    desk.put("a.csv", f"id,name\n1,{name}\n".encode("gb18030"))
    assert "can be read as UTF-8 and as GB18030" in refusals(desk.pages())[0]
    assert desk.pull(encoding="gb18030") == [{"id": "1", "name": name}]


@pytest.mark.parametrize(
    "name", ["Café", "Müller", "Łódź", "Ελλάδα", "Общество", "Đặng", "שלום", "مرحبا", "裕茂", "naïve – “x” €"]
)
def test_utf_8_is_read_as_utf_8_however_short_it_is(desk: Desk, name: str) -> None:
    desk.put("a.csv", f"id,name\n1,{name}\n")
    assert desk.pull() == [{"id": "1", "name": name}]


def test_the_byte_that_does_not_fit_is_named_wherever_it_is(desk: Desk) -> None:
    start = b"id,name\n" + "".join(f"{n},x{n}\n" for n in range(300_000)).encode()
    desk.put("a.csv", start + b"7,\xff\xff\n")
    [reason] = refusals(desk.pages())
    assert f"UTF-8 (byte {len(start) + 3} does not fit)" in reason
    assert f"GB18030 (byte {len(start) + 3})" in reason


def test_a_configured_encoding_that_does_not_fit_is_refused(desk: Desk) -> None:
    desk.put("a.csv", "id,name\n1,é\n".encode("cp1252"))
    assert refusals(desk.pages(encoding="utf-8")) == ["The file is not in UTF-8 (as configured): byte 11 does not fit."]


def test_utf_16_without_a_mark_is_refused_until_it_is_named(desk: Desk) -> None:
    desk.put("a.csv", "id,name\n1,x\n".encode("utf-16-le"))
    assert "NUL" in refusals(desk.pages())[0]
    assert desk.pull(encoding="utf-16-le") == [{"id": "1", "name": "x"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(desk: Desk, delimiter: str) -> None:
    rows = [["id", "name", "net"], ["1", "a, b", "1,50"], ["2", "c; d", "2,50"]]
    quoted = "".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) + "\n" for row in rows)
    desk.put("a.csv", quoted)
    assert desk.pull()[0] == {"id": "1", "name": "a, b", "net": "1,50"}


def test_the_keys_column_tells_the_delimiter_where_others_are_more_frequent(desk: Desk) -> None:
    desk.put("a.csv", "id;a,b,c\n1;x,y,z\n2;x,y,z\n")
    assert desk.pull() == [{"id": "1", "a,b,c": "x,y,z"}, {"id": "2", "a,b,c": "x,y,z"}]


def test_a_single_column_is_a_table_too(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n\n2\n")
    assert desk.pull() == [{"id": "1"}, {"id": "2"}]
    assert "no delimiter found: one column" in desk.check().detail


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_quoted_line_breaks_are_kept_apart(desk: Desk, end: str) -> None:
    desk.put("a.csv", end.join(["id,note", f'1,"two{end}lines ""and"" a comma, too"', "2,x", "", "", ",", ""]))
    assert desk.pull() == [{"id": "1", "note": f'two{end}lines "and" a comma, too'}, {"id": "2", "note": "x"}]


def test_rows_above_the_header_are_passed_over(desk: Desk) -> None:
    desk.put("a.csv", "账户,6222\n期间;2026-01\n\nid,net\n1,5\n")
    assert desk.pull(header_row=4) == [{"id": "1", "net": "5"}]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("id,net,net", "two columns `net` of one name: 2 and 3"),
        ("id,,net", "no name for column 2"),
        (",,", "has no header"),
        ("id" + "".join(f",c{n}" for n in range(1000)), "1001 columns"),
    ],
)
def test_a_header_that_is_none_is_refused_by_name_and_other_files_are_read(
    desk: Desk, header: str, reason: str
) -> None:
    desk.put("a.csv", f"{header}\n1,2,3\n")
    desk.put("b.csv", "id,net\n7,5\n", at=OLD + 1)
    pages = desk.pages()
    assert ids(pages) == ["7"]
    [refused] = rejects(pages)
    assert (refused.source_id, reason in refused.reason) == ("file a.csv", True)


def test_empty_columns_at_the_end_do_not_count_unless_something_is_in_them(desk: Desk) -> None:
    desk.put("a.csv", "id,net,\n1,5,\n2,6,x\n")
    pages = desk.pages()
    assert ids(pages) == ["1"]
    assert refusals(pages) == ["has 3 cells where the header has 2 (row 3 of a.csv)"]


def test_a_row_that_does_not_fit_is_refused_with_file_and_row_and_the_rest_is_read(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n1,5\n2\n,7\n3,1,2\n4,8\n")
    pages = desk.pages()
    assert ids(pages) == ["1", "4"]
    assert [(item.source_id, json.loads(item.body)) for item in rejects(pages)] == [
        ("row 3 of a.csv", {"file": "a.csv", "row": 3, "cells": ["2"]}),
        ("row 4 of a.csv", {"file": "a.csv", "row": 4, "cells": ["", "7"]}),
        ("row 5 of a.csv", {"file": "a.csv", "row": 5, "cells": ["3", "1", "2"]}),
    ]
    assert rejects(pages)[1].field == "id"
    assert rejects(pages)[1].reason == "is empty or cannot name a row (row 4 of a.csv)"


def test_a_mended_file_takes_its_rows_out_of_quarantine(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n1\n2\n3,7\n")
    assert len(rejects(desk.pages())) == 2
    desk.put("a.csv", "id,net\n1,5\n2\n3,7\n", at=OLD + 60)
    pages = desk.pages()
    assert [item.source_id for item in rejects(pages)] == ["row 3 of a.csv"]
    assert set(pages[0].deleted_ids) >= {"row 2 of a.csv", "file a.csv"}
    assert "row 3 of a.csv" not in pages[0].deleted_ids


def test_a_quotation_mark_that_is_not_closed_stops_the_file_there(desk: Desk) -> None:
    desk.put("a.csv", 'id,note\n1,x\n2,"open\n3,y\n')
    pages = desk.pages()
    assert ids(pages) == ["1"]
    assert "cannot be read from row 3 on" in refusals(pages)[0]


def test_a_row_without_end_is_not_read_into_memory(desk: Desk) -> None:
    desk.put("a.csv", "id,note\n1,x\n2," + "y" * 5000 + "\n3,z\n")
    pages = desk.pages(limits={"row_kb": 4})
    assert ids(pages) == ["1"]
    assert "row_kb" in refusals(pages)[0]


def test_a_file_full_of_rows_that_do_not_fit_is_not_read_on(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n" + "1\n" * 50 + "2,3\n")
    pages = desk.pages(limits={"rejected_rows": 10})
    assert ids(pages) == []
    assert len(refusals(pages)) == 12
    assert "more than 10 rows" in refusals(pages)[-1]


def test_a_key_column_that_vanished_stops_the_stream_and_says_what_is_there(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n1,5\n")
    desk.put("b.csv", "nr,net\n2,5\n", at=OLD + 1)
    desk.put("c.csv", "id,net\n3,5\n", at=OLD + 2)
    read: list[str] = []

    def pull() -> None:
        for page in desk.files().pull("order", None, window()):
            read.extend(ids([page]))

    with pytest.raises(ContractError, match=r"b\.csv has no column `id`; it has nr, net"):
        pull()
    assert read == ["1"]


@pytest.mark.parametrize("row", ["张三,13800138000", "canary@example.com,x", "canary,canary,12.50"])
def test_a_row_of_data_in_the_headers_place_is_not_shown(desk: Desk, row: str) -> None:
    desk.put("a.csv", f"{row}\n{row}\n")
    line = desk.check()
    assert not line.ok
    assert not {"张三", "13800138000"} & set(line.detail.split(", "))
    assert "canary" not in line.detail


def test_keys_of_several_columns_are_joined(desk: Desk) -> None:
    desk.put("a.csv", "shop,no,net\na:b,1,5\n")
    assert ids(desk.pages(key=["shop", "no"])) == ["a%3Ab:1"]


@pytest.mark.parametrize(
    ("rule", "cell", "version"),
    [
        ("changed", "2026-01-01T08:00:00+08:00", 1_767_225_600_000_000),
        ({"column": "changed", "zone": "Asia/Shanghai"}, "2026-01-01 08:00:00", 1_767_225_600_000_000),
        (
            {"column": "changed", "format": "%d/%m/%Y %H:%M", "zone": "UTC"},
            "01/01/2026 00:00",
            1_767_225_600_000_000,
        ),
        ({"column": "changed", "format": "integer"}, "17", 17),
    ],
)
def test_a_column_may_tell_the_version(desk: Desk, rule: object, cell: str, version: int) -> None:
    desk.put("a.csv", f"id,changed\n1,{cell}\n")
    [page] = desk.pages(version=rule)[:1]
    assert page.records[0].version == version


@pytest.mark.parametrize(
    ("rule", "cell", "reason"),
    [
        ("changed", "2026-01-01 08:00", "names no time zone"),
        ("changed", "yesterday", "is no time of the format iso"),
        ("changed", "", "is empty"),
        ({"column": "changed", "format": "integer"}, "1.5", "is no whole number"),
    ],
)
def test_a_version_that_is_none_sends_the_row_to_quarantine(desk: Desk, rule: object, cell: str, reason: str) -> None:
    desk.put("a.csv", f"id,changed\n1,{cell}\n")
    [refused] = rejects(desk.pages(version=rule))
    assert (refused.field, reason in refused.reason) == ("changed", True)


def test_without_a_version_column_the_newer_files_row_counts(desk: Desk) -> None:
    desk.put("b.csv", "id,net\n1,5\n", at=OLD)
    desk.put("a.csv", "id,net\n1,6\n", at=OLD + 0.25)
    pages = desk.pages()
    assert [record.version for page in pages for record in page.records] == [
        1_767_225_600_000_000,
        1_767_225_600_250_000,
    ]


def test_a_cell_may_be_as_long_as_a_row(desk: Desk) -> None:
    long = "长" * 200_000
    desk.put("a.csv", f"id,note\n1,{long}\n")
    assert desk.pull() == [{"id": "1", "note": long}]
