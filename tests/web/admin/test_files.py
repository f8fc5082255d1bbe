"""The files of a site are changed whole, checked, one after the other, and each change can be taken back."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from console.web.admin import differences
from console.web.admin.differences import NotUndoable
from console.web.admin.files import ChangedMeanwhile, FileError, Files, NotUsable
from settings.model import Settings
from state import audit
from state.store import Store
from yamlfiles.editing import put

MANIFEST = """\
version: 1
name: acme
base_url: https://acme.example
settings: {token: {type: secret}}
auth: {bearer: "{config.token}"}
streams: {order: {entity: order, list: /orders, key: id}}
"""
MAPPING = "version: 1\nconnector: acme\nstreams:\n  order: {entity: order, fields: {number: id}}\n"


@pytest.fixture
def files(desk: Store, config: Path) -> Files:
    return Files(desk, config)


def saved(files: Files, given: Settings, text: str, file: str = "ltc.yaml", why: str = "as agreed") -> int | None:
    return files.save(file, text, files.read(file).digest, given, "anna", why)


def test_a_change_is_written_kept_and_in_the_audit(files: Files, given: Settings, desk: Store) -> None:
    before = files.read("ltc.yaml").text
    number = saved(files, given, before.replace("locale: ", "# seen\nlocale: ") + "# ours\n")
    assert files.path.read_text() == before.replace("locale: ", "# seen\nlocale: ") + "# ours\n"
    (change,) = files.history()
    assert (change.id, change.actor, change.file, change.why) == (number, "anna", "ltc.yaml", "as agreed")
    with desk.reading() as connection:
        (entry,) = audit.entries(connection, limit=1)
        assert (entry.actor, entry.action, entry.detail["why"]) == ("anna", "settings changed", "as agreed")
        assert audit.verify(connection).intact
    assert [path.name for path in files.folder.iterdir() if path.name.startswith(".")] == []


def test_the_file_keeps_its_line_ends_and_its_permissions(files: Files, given: Settings) -> None:
    files.path.write_bytes(files.path.read_bytes().replace(b"\n", b"\r\n"))
    files.path.chmod(0o640)
    text = files.read("ltc.yaml").text
    saved(files, given, put(text, "ltc.yaml", ("timezone",), "Europe/Berlin"))
    assert b"\ntimezone: Europe/Berlin\r\n" in files.path.read_bytes()
    assert files.path.read_bytes().count(b"\n") == files.path.read_bytes().count(b"\r\n")
    assert stat.S_IMODE(files.path.stat().st_mode) == 0o640


def test_somebody_elses_change_is_shown_and_not_overwritten(files: Files, given: Settings) -> None:
    seen = files.read("ltc.yaml")
    files.path.write_text(seen.text + "# from a text editor\n")
    with pytest.raises(ChangedMeanwhile) as caught:
        files.save("ltc.yaml", seen.text + "# mine\n", seen.digest, given, "anna", "")
    assert [line.text for line in caught.value.difference if line.kind == "new"] == ["# from a text editor"]
    assert files.path.read_text() == seen.text + "# from a text editor\n"
    assert files.history() == []


def test_of_two_at_once_one_is_told(files: Files, given: Settings) -> None:
    seen, barrier, told = files.read("ltc.yaml"), threading.Barrier(4), []

    def change(name: str) -> None:
        barrier.wait()
        try:
            files.save("ltc.yaml", f"{seen.text}# {name}\n", seen.digest, given, name, "")
        except ChangedMeanwhile:
            told.append(name)

    threads = [threading.Thread(target=change, args=(name,)) for name in ("a", "b", "c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (change_made,) = files.history()
    assert sorted([*told, change_made.actor]) == ["a", "b", "c", "d"]
    assert files.path.read_text() == f"{seen.text}# {change_made.actor}\n"


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("ownership: {lead.status: nobody}\n", "ltc.yaml:"),
        ("locale: [\n", "ltc.yaml:"),
        ("reconciliation: {checks: {no_such_check: {}}}\n", "there is no check `no_such_check`"),
        ("x: !!python/object/apply:os.system [id]\n", "a tag (!…) has no meaning here"),
        (
            "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
            "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
            "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n",
            "unfolds without end",
        ),
        ("x: " + "[" * 500 + "]" * 500 + "\n", "nested too deeply"),
        ("# \0\n", "not_utf8"),
        ("# \ud800\n", "not_utf8"),
        ("#" * 300_000 + "\n", "too_large"),
    ],
)
def test_what_cannot_be_used_replaces_nothing(files: Files, given: Settings, added: str, said: str) -> None:
    before = files.path.read_bytes()
    with pytest.raises((NotUsable, FileError)) as caught:
        saved(files, given, before.decode() + added)
    assert said in str(caught.value)
    assert files.path.read_bytes() == before
    assert files.history() == []


def test_secrets_are_refused_where_they_are_new_and_kept_nowhere_where_they_are_old(
    files: Files, given: Settings, desk: Store
) -> None:
    text = files.path.read_text()
    with pytest.raises(NotUsable) as caught:
        saved(files, given, text.replace("${env:NOWHERE}", "sesame-open", 1))
    assert "sesame" not in str(caught.value)
    assert "${env:NAME}" in str(caught.value)
    files.path.write_text(text.replace("${env:NOWHERE}", "sesame-open", 1))
    number = saved(files, given, text)
    assert number is not None
    shown = [line.text for line in files.between(text.replace("${env:NOWHERE}", "sesame-open", 1), text)]
    assert any("•••" in line for line in shown)
    with desk.reading() as connection:
        kept = [
            str(row)
            for name in ("settings_change", "audit")
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}")
        ]
    assert "sesame" not in "".join([*kept, *shown])
    with pytest.raises(NotUndoable) as refused:
        files.undo(number, given, "anna", "")
    assert refused.value.key == "secret"


def test_what_the_history_cuts_off_of_a_change_ends_in_three_dots() -> None:
    long = "    config: " + "x" * 200
    hunks = differences.hunks("a: 1\n", f"a: 1\n{long}\nb: 1\nc: 2\n", set())
    first, second, rest = differences.told(hunks)
    assert (first[:11], first[-1], len(first), second, rest) == ("+ config: x", "…", 80, "+ b: 1", "…")


def test_undo_takes_one_change_back_and_leaves_later_ones(files: Files, given: Settings) -> None:
    first = files.path.read_text()
    one = saved(files, given, put(first, "ltc.yaml", ("timezone",), "Europe/Berlin"))
    saved(files, given, "# at the top\n" + files.path.read_text())
    assert one is not None
    files.undo(one, given, "bert", "it was right")
    assert files.path.read_text() == "# at the top\n" + first
    newest = files.history()[0]
    assert (newest.undoes, newest.actor, newest.why) == (one, "bert", "it was right")
    files.undo(newest.id, given, "anna", "no, wrong")
    assert "timezone: Europe/Berlin" in files.path.read_text()


def test_what_was_changed_again_is_not_undone(files: Files, given: Settings) -> None:
    one = saved(files, given, put(files.path.read_text(), "ltc.yaml", ("timezone",), "Europe/Berlin"))
    saved(files, given, put(files.path.read_text(), "ltc.yaml", ("timezone",), "Asia/Tokyo"))
    assert one is not None
    with pytest.raises(NotUndoable) as refused:
        files.undo(one, given, "anna", "")
    assert refused.value.key == "overlaid"


def test_files_of_the_site_are_made_checked_and_listed(files: Files, given: Settings) -> None:
    saved(files, given, MANIFEST, "connectors/acme.yaml")
    saved(files, given, MAPPING, "connectors/acme.mapping.yaml")
    saved(files, given, MAPPING, "mappings/ours.yaml")
    assert files.names(given) == [
        "ltc.yaml",
        "connectors/acme.mapping.yaml",
        "connectors/acme.yaml",
        "mappings/ours.yaml",
    ]
    with pytest.raises(NotUsable) as caught:
        saved(files, given, MANIFEST.replace("key: id", "keys: id"), "connectors/acme.yaml")
    assert "acme.yaml:6" in str(caught.value)
    with pytest.raises(NotUsable) as caught:
        saved(files, given, MAPPING.replace("number:", "nummer:"), "mappings/ours.yaml")
    assert "ours.yaml:4" in str(caught.value)
    with pytest.raises(ChangedMeanwhile):
        files.save("mappings/ours.yaml", MAPPING, "", given, "anna", "")


@pytest.mark.parametrize(
    "file",
    [
        "../ltc.yaml",
        "mappings/../../x.yaml",
        "/etc/passwd",
        "/tmp/x.yaml",
        "mappings//x.yaml",
        "mappings/.x.yaml",
        "mappings\\x.yaml",
        "mappings/x.yaml\n",
        "mappings/x.yaml\0",
        "mappings/x.py",
        "other/x.yaml",
        "ltc.db",
        ".env",
        "",
        "mappings/" + "x" * 200 + ".yaml",
    ],
)
def test_no_other_file_is_touched(files: Files, given: Settings, file: str) -> None:
    with pytest.raises(FileError) as caught:
        files.save(file, MAPPING, "", given, "anna", "")
    assert caught.value.key == "unknown"


def test_links_out_of_the_folder_are_not_followed(files: Files, given: Settings, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(MAPPING)
    (files.folder / "mappings").symlink_to(outside)
    with pytest.raises(FileError):
        saved(files, given, MAPPING + "#\n", "mappings/x.yaml")
    (files.folder / "mappings").unlink()
    (files.folder / "mappings").mkdir()
    (files.folder / "mappings" / "x.yaml").symlink_to(outside / "x.yaml")
    with pytest.raises(FileError):
        files.read("mappings/x.yaml")
    os.mkfifo(files.folder / "mappings" / "pipe.yaml")
    with pytest.raises(FileError):
        files.read("mappings/pipe.yaml")
    assert (outside / "x.yaml").read_text() == MAPPING
    assert files.names(given) == ["ltc.yaml"]


def test_a_file_that_is_kept_elsewhere_says_so(files: Files, given: Settings, tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    files.path.rename(real)
    files.path.symlink_to(real)
    assert files.why_not("ltc.yaml") == "linked"
    with pytest.raises(FileError) as caught:
        saved(files, given, files.read("ltc.yaml").text + "#\n")
    assert caught.value.key == "linked"
    assert files.path.is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_says_so(files: Files, given: Settings) -> None:
    files.folder.chmod(0o500)
    try:
        assert files.why_not("ltc.yaml") == "read_only"
        with pytest.raises(FileError) as caught:
            saved(files, given, files.read("ltc.yaml").text + "#\n")
    finally:
        files.folder.chmod(0o700)
    assert caught.value.key == "read_only"
