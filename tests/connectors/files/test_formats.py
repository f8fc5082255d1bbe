"""XLSX, Parquet and JSON lines: exact values, broken files, bombs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet

from tests.connectors.files.conftest import OLD, Desk, ids, refusals, rejects


def xlsx(rows: Sequence[Sequence[Any]], *, title: str = "Orders", formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for cell, shape in (formats or {}).items():
        sheet[cell].number_format = shape
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The archive with one of its parts changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            body = source.read(info)
            if info.filename == part:
                assert old in body
                body = body.replace(old, new)
            target.writestr(info.filename, body)
    return file.getvalue()


def table(**columns: pa.Array) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


# -- XLSX


def test_cells_become_what_excel_shows(desk: Desk) -> None:
    moment = datetime.fromisoformat("2026-11-28T09:30:15")
    row = ["A-1", 7, 33.449999999999996, 1234567.1, True, date(2026, 11, 28), moment, None, 1e22, time(8, 5)]
    desk.put("a.xlsx", xlsx([["id", "n", "net", "sum", "ok", "day", "at", "none", "big", "hour"], row]))
    [page] = desk.pages()[:1]
    assert page.records[0].body == (
        b'{"id":"A-1","n":7,"net":33.45,"sum":1234567.1,"ok":true,"day":"2026-11-28",'
        b'"at":"2026-11-28T09:30:15","none":null,"big":10000000000000000000000,"hour":"08:05:00"}'
    )
    assert "a.xlsx: XLSX, columns id, n, net" in desk.check().detail


def test_durations_and_midnights_are_told_apart_by_the_cells_format(desk: Desk) -> None:
    rows: list[list[Any]] = [["id", "at", "long"], [1, datetime.fromisoformat("2026-11-28T00:00"), timedelta(hours=26)]]
    desk.put("a.xlsx", xlsx(rows, formats={"B2": "yyyy-mm-dd hh:mm"}))
    assert desk.pull() == [{"id": 1, "at": "2026-11-28T00:00:00", "long": "1 day, 2:00:00"}]


def test_short_and_empty_rows_and_empty_columns_are_read_as_excel_leaves_them(desk: Desk) -> None:
    desk.put("a.xlsx", xlsx([["id", "net", "note", None], [1], [None, None], [2, 5, "x"], [3, 6, "y", "beyond"]]))
    pages = desk.pages()
    assert [json.loads(record.body) for record in pages[0].records] == [
        {"id": 1, "net": None, "note": None},
        {"id": 2, "net": 5, "note": "x"},
    ]
    assert refusals(pages) == ["has 4 cells where the header has 3 (row 5 of a.xlsx)"]


def test_an_error_in_a_cell_is_no_value(desk: Desk) -> None:
    book = repacked(
        xlsx([["id", "net"], [1, 5], [2, 777]]),
        "xl/worksheets/sheet1.xml",
        b'<c r="B3" t="n"><v>777</v></c>',
        b'<c r="B3" t="e"><v>#DIV/0!</v></c>',
    )
    desk.put("a.xlsx", book)
    pages = desk.pages()
    assert ids(pages) == ["1"]
    assert refusals(pages) == ["is the error #DIV/0! (row 3 of a.xlsx)"]


def test_the_sheet_and_the_row_of_the_header_may_be_named(desk: Desk) -> None:
    content = xlsx([["Report of January"], [], ["id", "net"], [1, 5]], title="数据")
    desk.put("a.xlsx", content)
    assert desk.pull(sheet="数据", header_row=3) == [{"id": 1, "net": 5}]
    assert refusals(desk.pages(sheet="Data")) == ["The file has no sheet `Data`; it has 数据."]


def test_a_file_that_is_cut_off_waits_in_quarantine_and_others_are_read(desk: Desk) -> None:
    content = xlsx([["id"], [1]])
    desk.put("a.xlsx", content[: len(content) // 2])
    desk.put("b.parquet", table(id=pa.array([2]))[:-6], at=OLD + 1)
    desk.put("c.csv", "id\n3\n", at=OLD + 2)
    pages = desk.pages()
    assert ids(pages) == ["3"]
    assert [item.source_id for item in rejects(pages)] == ["file a.xlsx", "file b.parquet"]
    assert all("cut off" in reason for reason in refusals(pages))
    desk.put("a.xlsx", content, at=OLD + 3)
    assert ids(desk.pages()) == ["1"]


def test_what_unpacks_to_more_than_allowed_is_not_unpacked(desk: Desk) -> None:
    bomb = repacked(xlsx([["id"], [1]]), "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + b" " * 10_000_000)
    assert len(bomb) < 100_000
    desk.put("a.xlsx", bomb)
    assert "unpacked_mb" in refusals(desk.pages(limits={"unpacked_mb": 5}))[0]
    desk.put("b.parquet", table(id=pa.array([1] * 2_000_000)), at=OLD + 1)
    assert "unpacked_mb" in refusals(desk.pages(limits={"unpacked_mb": 0.0001}))[-1]


def test_a_size_that_lies_unpacks_no_further_than_it_says(desk: Desk) -> None:
    content = bytearray(
        repacked(xlsx([["id"], [1]]), "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + b" " * 3_000_000)
    )
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        true = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    for_size = true.to_bytes(4, "little")
    assert for_size in content
    desk.put("a.xlsx", bytes(content).replace(for_size, (500).to_bytes(4, "little")))
    assert "is no complete XLSX file" in refusals(desk.pages(limits={"unpacked_mb": 1}))[0]


def with_shared_strings() -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["id", "note"])
    sheet.write_row(1, 0, [1, "xyz"])
    book.close()
    return file.getvalue()


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_xml_entities_are_not_resolved(desk: Desk, part: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    content = with_shared_strings()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(part)
    declaration = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{secret}"><!ENTITY b "{"b" * 100}">]>'.encode()
    head, _, tail = text.partition(b"?>")
    body = (head + b"?>" + declaration + tail).replace(b"xyz", b"&a;&b;").replace(b"Sheet1", b"&a;&b;")
    desk.put("a.xlsx", repacked(content, part, text, body))
    pages = desk.pages()
    if part != "xl/workbook.xml":
        assert refusals(pages) == ["The file holds XML entities, which no spreadsheet program writes."]
    kept = b"".join(record.body for page in pages for record in page.records)
    assert b"secret" not in kept
    assert b"bbb" not in kept


def test_a_workbook_of_another_program_is_read_without_a_word(desk: Desk) -> None:
    content = xlsx([["id"], [1]])
    desk.put("a.xlsx", repacked(content, "xl/styles.xml", b'name="Normal"', b'name="Other"'))
    assert desk.pull() == [{"id": 1}]


def test_a_row_beyond_the_last_one_of_excel_is_refused(desk: Desk) -> None:
    content = xlsx([["id"], [1]])
    desk.put("a.xlsx", repacked(content, "xl/worksheets/sheet1.xml", b'<row r="2"', b'<row r="999999999"'))
    assert "beyond 1048576" in refusals(desk.pages())[0]


def test_an_old_or_locked_workbook_is_named_as_such(desk: Desk) -> None:
    desk.put("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert "locked by a password, or an old .xls" in refusals(desk.pages())[0]


# -- Parquet


def test_parquet_values_are_exact(desk: Desk) -> None:
    nanoseconds = 1_764_322_215_123_456_789
    desk.put(
        "a.parquet",
        table(
            id=pa.array(["1"]),
            net=pa.array([Decimal("12345678901234567890.123456")], pa.decimal128(38, 6)),
            at=pa.array([nanoseconds], pa.timestamp("ns", tz="Asia/Shanghai")),
            local=pa.array([1_764_322_215_000], pa.timestamp("ms")),
            day=pa.array([date(2026, 11, 28)]),
            big=pa.array([2**63 - 1]),
            single=pa.array([0.1], pa.float32()),
            double=pa.array([0.1]),
            none=pa.array([None], pa.string()),
            kind=pa.array(["a"]).dictionary_encode(),
            raw=pa.array([b"\xff"]),
            lines=pa.array([[{"sku": "A", "quantity": 2}]]),
        ),
    )
    [page] = desk.pages()[:1]
    assert page.records[0].body.decode() == (
        '{"id":"1","net":12345678901234567890.123456,"at":"2025-11-28T09:30:15.123456789Z",'
        '"local":"2025-11-28T09:30:15.000","day":"2026-11-28","big":9223372036854775807,"single":0.1,"double":0.1,'
        '"none":null,"kind":"a","raw":"/w==","lines":[{"sku":"A","quantity":2}]}'
    )


def test_a_number_that_json_does_not_know_is_refused(desk: Desk) -> None:
    desk.put("a.parquet", table(id=pa.array([1, 2]), net=pa.array([float("nan"), 5.0])))
    pages = desk.pages()
    assert ids(pages) == ["2"]
    assert refusals(pages) == ["is no number that JSON knows (row 1 of a.parquet)"]


def test_a_damaged_parquet_file_is_refused(desk: Desk) -> None:
    content = bytearray(table(id=pa.array([str(n) * 50 for n in range(5000)])))
    content[200:4000] = bytes(3800)
    desk.put("a.parquet", bytes(content))
    pages = desk.pages()
    assert ids(pages) == []
    assert "a.parquet" in rejects(pages)[0].source_id


# -- JSON lines


def test_a_line_of_json_is_kept_as_it_is(desk: Desk) -> None:
    desk.put("a.jsonl", b'\xef\xbb\xbf{ "id": 1, "net": 1.10, "x": {"y": []}}\r\n\n{"id":2}\nnonsense\n[3]\n{"no":4}\n')
    pages = desk.pages()
    assert [record.body for record in pages[0].records] == [b'{ "id": 1, "net": 1.10, "x": {"y": []}}', b'{"id":2}']
    assert refusals(pages) == [
        "is no JSON (row 4 of a.jsonl)",
        "is no JSON object (row 5 of a.jsonl)",
        "is missing or cannot name a record (row 6 of a.jsonl)",
    ]
    assert "JSON lines, 3 records sampled, columns id, net, x, no" in desk.check().detail


def test_json_lines_in_gb18030_become_utf_8(desk: Desk) -> None:
    desk.put("a.jsonl", '{"id":1,"客户":"上海贸易有限公司"}\n'.encode("gb18030"))
    assert desk.pull() == [{"id": 1, "客户": "上海贸易有限公司"}]


def test_a_line_without_end_is_not_read_into_memory(desk: Desk) -> None:
    desk.put("a.jsonl", '{"id":1}\n{"id":2,"x":"' + "y" * 5000 + '"}\n')
    pages = desk.pages(limits={"row_kb": 4})
    assert ids(pages) == ["1"]
    assert "row_kb" in refusals(pages)[0]


# -- which is which


def test_a_file_without_an_ending_is_known_by_its_first_bytes(desk: Desk) -> None:
    desk.put("a", xlsx([["id"], [1]]))
    desk.put("b", table(id=pa.array([2])), at=OLD + 1)
    desk.put("c", "id\n3\n", at=OLD + 2)
    assert ids(desk.pages()) == ["1", "2", "3"]


def test_a_packed_file_is_named_as_such(desk: Desk) -> None:
    desk.put("a.csv.gz", b"\x1f\x8b")
    assert "unpack it" in refusals(desk.pages())[0]


# -- check


def test_check_shows_how_headers_differ(desk: Desk) -> None:
    desk.put("a.csv", "id,net,note\n1,5,x\n")
    desk.put("b.csv", "id,net,memo\n2,5,x\n", at=OLD + 1)
    line = desk.check()
    assert line.ok
    assert "b.csv: CSV in utf-8" in line.detail
    assert "`note` missing and `memo` new against a.csv" in line.detail


def test_check_compares_with_the_columns_that_are_expected(desk: Desk) -> None:
    desk.put("a.csv", "id,memo\n1,5\n")
    assert "`net` missing and `memo` new against `columns`" in desk.check(columns=["id", "net"]).detail


def test_check_names_the_file_that_cannot_be_used_and_what_to_do(desk: Desk) -> None:
    desk.put("a.csv", "nr,net\n1,5\n")
    line = desk.check()
    assert (line.ok, line.can_read) == (False, False)
    assert "a.csv: has no column `id`; it has nr, net" in line.detail
    assert line.remedy


def test_check_tries_the_first_rows_and_says_why_none_could_be_read(desk: Desk) -> None:
    desk.put("a.csv", "id,changed\n1,2026-10-01 09:30\n2,2026-10-02 09:30\n")
    line = desk.check(version={"column": "changed"})
    assert (line.ok, line.can_read) == (False, False)
    assert "of the first 2 rows 2 are refused" in line.detail
    assert "names no time zone: set `zone` under `version`" in line.detail
    assert desk.check(version={"column": "changed", "zone": "Asia/Shanghai"}).ok


def test_check_of_a_file_with_one_bad_row_names_it_and_goes_on(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n1,5\n,6\n3,7\n")
    line = desk.check()
    assert line.ok
    assert "of the first 3 rows 1 are refused" in line.detail


def test_check_of_an_empty_folder_says_what_would_be_read(desk: Desk) -> None:
    line = desk.check(pattern="orders-*.csv")
    assert (line.ok, "no files in" in line.detail) == (True, True)
    assert "orders-*.csv" in line.remedy
