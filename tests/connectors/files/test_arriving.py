"""Files that arrive, change, vanish, or are written while they are read; and pulls that are broken off."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Page
from connectors.errors import ContractError, TransientError
from connectors.files import local
from connectors.waiting import now_us, sleep
from tests.connectors.files.conftest import OLD, Desk, ids, refusals, rejects, window


def now() -> float:
    return now_us() / 1e6


def test_a_file_is_read_once(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    assert ids(desk.pages()) == ["1"]
    assert ids(desk.pages()) == []
    desk.put("b.csv", "id\n2\n", at=OLD + 1)
    assert ids(desk.pages()) == ["2"]


def test_a_full_pull_reads_files_again_whatever_the_cursor_says(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    desk.pages()
    assert ids(list(desk.files().pull("order", desk.cursor, window(full=True)))) == ["1"]


def test_a_changed_file_is_read_again_and_one_that_was_only_touched_is_not(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    desk.pages()
    desk.put("a.csv", "id\n1\n", at=OLD + 1)
    assert ids(desk.pages()) == []
    desk.put("a.csv", "id\n1\n2\n", at=OLD + 2)
    assert ids(desk.pages()) == ["1", "2"]


def test_files_are_read_oldest_first_and_of_one_age_by_name(desk: Desk) -> None:
    desk.put("a.csv", "id\n3\n", at=OLD + 5)
    desk.put("c.csv", "id\n2\n")
    desk.put("b.csv", "id\n1\n")
    assert ids(desk.pages()) == ["1", "2", "3"]


def test_a_young_file_is_read_after_it_has_stood_still_for_a_while(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n", at=now())
    before = now()
    pages = desk.pages(settle_seconds=20)
    assert ids(pages) == ["1"]
    assert now() - before >= 20
    assert [dict(page.noted) for page in pages if page.noted] == [{"seconds_settling": 20}], (
        "the run says why it took long"
    )


def test_long_settling_times_are_left_to_the_next_run(desk: Desk) -> None:
    desk.put("old.csv", "id\n0\n")
    desk.put("a.csv", "id\n1\n", at=now())
    assert ids(desk.pages(settle_seconds=3600)) == ["0"]
    sleep(1800)
    assert ids(desk.pages(settle_seconds=3600)) == []
    sleep(1801)
    assert ids(desk.pages(settle_seconds=3600)) == ["1"]


def test_a_file_whose_time_lies_ahead_is_read_once_it_was_seen_for_long_enough(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n", at=now() + 86_400)
    assert ids(desk.pages(settle_seconds=3600)) == []
    sleep(3601)
    assert ids(desk.pages(settle_seconds=3600)) == ["1"]


def test_a_file_that_still_grows_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.put("a.csv", "id\n1\n", at=now())

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        with path.open("a") as file:
            file.write("2\n")
        os.utime(path, (now(), now()))

    monkeypatch.setattr("connectors.files.pulling.sleep", meanwhile)
    assert ids(desk.pages(settle_seconds=10)) == []
    monkeypatch.undo()
    assert ids(desk.pages(settle_seconds=10)) == ["1", "2"]


@pytest.mark.parametrize("name", [".a.csv", "a.csv.part", "a.csv.tmp", "a.csv.filepart", "~$a.csv", "a.csv.PART", "a~"])
def test_files_that_are_named_as_incomplete_are_passed_over(desk: Desk, name: str) -> None:
    desk.put(name, "id\n1\n")
    assert ids(desk.pages()) == []
    (desk.folder / name).rename(desk.folder / "a.csv")
    assert ids(desk.pages()) == ["1"]


class Meddler:
    """Does something to a file right after its first bytes were read."""

    def __init__(self, deed: Any) -> None:
        self.deed = deed

    def __call__(self, opened: Any, size: int) -> bytes:
        found = os.read(opened._handle, size)
        if self.deed is not None:
            deed, self.deed = self.deed, None
            deed()
        return found


@pytest.mark.parametrize("deed", ["grow", "rewrite", "replace", "remove"])
def test_of_a_file_that_changes_while_it_is_read_nothing_is_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    path = desk.put("a.csv", "id\n1\n2\n")
    desk.put("b.csv", "id\n9\n", at=OLD + 1)

    def grow() -> None:
        with path.open("a") as file:
            file.write("3\n")

    def rewrite() -> None:
        path.write_text("id\n3\n4\n")

    def replace() -> None:
        other = desk.put("new", "id\n3\n4\n", at=OLD + 1)
        other.replace(path)

    deeds = {"grow": grow, "rewrite": rewrite, "replace": replace, "remove": path.unlink}
    meddler = Meddler(deeds[deed])
    monkeypatch.setattr(local._File, "read", lambda opened, size: meddler(opened, size))
    assert ids(desk.pages(pattern="*.csv")) == ["9"]
    assert "a.csv" not in (desk.cursor or {})["files"]
    monkeypatch.undo()
    if deed == "remove":
        assert ids(desk.pages(pattern="*.csv")) == []
    else:
        os.utime(path, (OLD + 5, OLD + 5))
        assert ids(desk.pages(pattern="*.csv"))[-1] in ("3", "4")


def test_an_empty_file_waits_in_quarantine_until_something_is_in_it(desk: Desk) -> None:
    desk.put("a.csv", "")
    desk.put("b.csv", "id\n2\n", at=OLD + 1)
    pages = desk.pages()
    assert ids(pages) == ["2"]
    assert [(item.source_id, item.reason) for item in rejects(pages)] == [("file a.csv", "The file is empty.")]
    assert rejects(desk.pages()) == []
    desk.put("a.csv", "id\n1\n", at=OLD + 2)
    pages = desk.pages()
    assert (ids(pages), pages[0].deleted_ids) == (["1"], ("file a.csv",))


def test_a_file_that_is_removed_takes_its_complaint_with_it(desk: Desk) -> None:
    path = desk.put("a.csv", "")
    desk.pages()
    path.unlink()
    [page] = desk.pages()
    assert page.deleted_ids == ("file a.csv",)
    assert (desk.cursor or {})["files"] == {}


def test_settings_that_change_how_a_file_is_read_have_it_read_again(desk: Desk) -> None:
    desk.put("a.csv", "id,name\n1,é\n".encode("cp1252"))
    assert len(refusals(desk.pages())) == 1
    pages = desk.pages(encoding="cp1252")
    assert (ids(pages), pages[0].deleted_ids) == (["1"], ("file a.csv",))
    assert ids(desk.pages(encoding="cp1252", columns=["id"])) == []


def test_the_cursor_forgets_files_that_are_gone(desk: Desk) -> None:
    for number in range(20):
        desk.put(f"{number}.csv", f"id\n{number}\n")
    desk.pages()
    for number in range(19):
        (desk.folder / f"{number}.csv").unlink()
    desk.pages()
    assert list((desk.cursor or {})["files"]) == ["19.csv"]


def _broken_off(desk: Desk, pages: int) -> list[Page]:
    """The first pages of a pull that is then abandoned; the cursor is that of the last of them."""
    found = []
    with closing(desk.files().pull("order", desk.cursor, window())) as run:  # type: ignore[type-var]
        for page in run:
            found.append(page)
            desk.cursor = page.cursor
            if len(found) == pages:
                break
    return found


def test_a_pull_goes_on_in_the_middle_of_a_file(desk: Desk) -> None:
    desk.put("a.csv", "id,net\n" + "".join(f"{n},5\n" if n % 500 else "1\n" for n in range(3500)))
    first = _broken_off(desk, 2)
    rest = desk.pages()
    assert len(ids(first)) == 1996
    assert ids(first) + ids(rest) == [str(n) for n in range(3500) if n % 500]
    assert len(rejects(first) + rejects(rest)) == 7


def test_if_the_file_changed_meanwhile_it_is_read_from_its_beginning(desk: Desk) -> None:
    desk.put("a.csv", "id\n" + "".join(f"{n}\n" for n in range(2500)))
    _broken_off(desk, 1)
    desk.put("a.csv", "id\n" + "".join(f"{n + 7}\n" for n in range(2500)), at=OLD + 9)
    assert ids(desk.pages()) == [str(n + 7) for n in range(2500)]


def test_since_reads_files_of_that_time_again_and_keeps_what_is_known(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    desk.put("b.csv", "id\n2\n", at=OLD + 86_400)
    desk.pages()
    desk.put("c.csv", "id\n3\n", at=OLD - 86_400)
    since = datetime.fromtimestamp(OLD + 3600, UTC)
    pages = list(desk.files().pull("order", desk.cursor, window(since=since)))
    assert ids(pages) == ["2"]
    desk.cursor = pages[-1].cursor
    assert ids(desk.pages()) == ["3"]


def test_more_files_than_are_to_be_remembered_stop_the_stream(desk: Desk) -> None:
    for number in range(4):
        desk.put(f"{number}.csv", "id\n1\n")
    with pytest.raises(ContractError, match="There are 4 files in "):
        desk.pages(limits={"files": 3})


def test_a_file_larger_than_allowed_is_not_opened(desk: Desk) -> None:
    desk.put("a.csv", "id\n" + "1\n" * 2000)
    assert "file_mb" in refusals(desk.pages(limits={"file_mb": 0.001}))[0]


def test_of_complete_lists_only_the_newest_is_read_and_tells_what_is_there(desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n2\n")
    desk.put("b.csv", "id\n2\n3\n", at=OLD + 1)
    assert ids(desk.pages(deletes="sweep")) == ["2", "3"]
    assert list(desk.files(deletes="sweep").ids("order")) == [["2", "3"]]


def test_a_list_that_is_missing_or_broken_deletes_nothing(desk: Desk) -> None:
    with pytest.raises(ContractError, match="nobody knows what is gone"):
        list(desk.files(deletes="sweep").ids("order"))
    desk.put("a.csv", "id,net\n1,2\n2\n")
    with pytest.raises(ContractError, match="is no complete list: has 1 cells"):
        list(desk.files(deletes="sweep").ids("order"))


def test_a_list_that_is_still_being_written_deletes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.put("a.csv", "id\n1\n", at=now())
    with pytest.raises(TransientError, match="may still be written to"):
        list(desk.files(deletes="sweep", settle_seconds=3600).ids("order"))
    sleep(3601)
    assert list(desk.files(deletes="sweep", settle_seconds=3600).ids("order")) == [["1"]]

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        path.write_text("id\n1\n2\n")
        os.utime(path, (now(), now()))

    desk.put("a.csv", "id\n1\n", at=now())
    monkeypatch.setattr("connectors.files.pulling.sleep", meanwhile)
    with pytest.raises(TransientError, match="may still be written to"):
        list(desk.files(deletes="sweep").ids("order"))
    monkeypatch.undo()
    before = now()
    assert list(desk.files(deletes="sweep", settle_seconds=20).ids("order")) == [["1", "2"]]
    assert now() - before >= 20


# -- paths


def test_symbolic_links_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("id\nsecret\n")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a.csv").write_text("id\nsecret\n")
    (desk.folder / "a.csv").symlink_to(secret)
    (desk.folder / "inner").symlink_to(folder)
    assert ids(desk.pages()) == []
    assert ids(desk.pages(pattern="*/*.csv")) == []


def test_a_link_put_in_a_files_place_after_it_was_listed_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    path = desk.put("inner/a.csv", "id\n1\n")
    secret = tmp_path / "outer"
    (secret).mkdir()
    (secret / "a.csv").write_text("id\n7\n")
    os.utime(secret / "a.csv", (OLD, OLD))
    folder = local.LocalFolder(desk.folder)
    path.unlink()
    path.symlink_to(secret / "a.csv")
    with folder.open("inner/a.csv") as opened:
        assert opened is None
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(secret)
    with folder.open("inner/a.csv") as opened:
        assert opened is None
    with folder.open("../outer/a.csv") as opened:
        assert opened is None


def test_a_pipe_among_the_files_holds_nothing_up(desk: Desk) -> None:
    os.mkfifo(desk.folder / "a.csv")
    desk.put("b.csv", "id\n1\n")
    assert ids(desk.pages()) == ["1"]


def test_folders_within_are_read_if_the_pattern_says_so(desk: Desk) -> None:
    desk.put("2026/a.csv", "id\n1\n")
    desk.put("2026/old/b.csv", "id\n2\n")
    assert ids(desk.pages(pattern="*.csv")) == []
    assert ids(desk.pages(pattern="2026/*.csv")) == ["1"]


def test_a_folder_that_is_not_there_stops_the_stream_and_check_says_so(desk: Desk) -> None:
    desk.folder.rmdir()
    with pytest.raises(ContractError, match="cannot be read: No such file"):
        desk.pages()
    assert not desk.check().ok


def test_a_pull_notes_files_that_are_gone_and_a_folder_without_any(desk: Desk) -> None:
    desk.put("a.csv", "id,net\nA,1\n")
    desk.put("b.csv", "id,net\nB,2\n")
    assert [dict(page.noted) for page in desk.pages() if page.noted] == []
    (desk.folder / "a.csv").unlink()
    pages = desk.pages()
    assert [dict(page.noted) for page in pages if page.noted] == [{"files_gone": 1}]
    assert [page.deleted_ids for page in pages if page.deleted_ids] == [], "its records stay"
    assert [dict(page.noted) for page in desk.pages() if page.noted] == [], "it is said once"
    (desk.folder / "b.csv").unlink()
    assert [dict(page.noted) for page in desk.pages() if page.noted] == [{"files_gone": 1, "no_files": 1}]
    assert [dict(page.noted) for page in desk.pages() if page.noted] == [{"no_files": 1}]


def test_a_check_says_what_becomes_of_rows_that_are_refused_beside_others(desk: Desk) -> None:
    desk.put("a.csv", "id,net\nA,1\n,2\n")
    line = desk.check()
    assert line.ok
    assert (
        "of the first 2 rows 1 are refused, such as: `id`: is empty or cannot name a row (row 3 of a.csv)"
        in line.detail
    )
    assert line.remedy == ("The other rows are read. Correct those that are refused, or they wait in quarantine.")
    desk.put("a.csv", "id,net\nA,1\nB,2\n")
    assert desk.check().remedy == ""
