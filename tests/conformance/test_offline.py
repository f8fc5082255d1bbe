"""Worlds without a server: their own checks see what is wrong, and what is not theirs does not count."""

from __future__ import annotations

import pytest

from conformance import catalogue, shelf
from conformance.grades import grade
from conformance.runner import Run, Status
from conformance.worlds import world_of
from sandbox.sftp.conformance import SftpWorld
from tests.conformance.offline import WrongFilesWorld, WrongLeadsWorld, WrongSingerWorld

World = type[WrongFilesWorld] | type[WrongSingerWorld] | type[WrongLeadsWorld]
FILES: dict[str, tuple[str, ...]] = {
    "does not wait until a file has settled": ("half-written-file", "unfinished-list"),
    "stops at what it cannot use": ("cut-off-file",),
    "tells when it read": ("same-file-again",),
    "takes what is gone for deleted": ("file-taken-away",),
    "follows links": ("linked-file",),
}
PROGRAMS: dict[str, tuple[str, ...]] = {
    "takes any end for the end": ("program-fails", "program-ends-midway"),
    "takes every failure for a lasting one": ("program-killed",),
    "leaves the program behind": ("program-left-behind",),
    "does not end what hangs": ("program-hangs",),
    "tells what it knows": ("program-tells-secrets",),
}
SENDERS: dict[str, tuple[str, ...]] = {
    "believes everybody": ("forged",),
    "keeps the key": ("brought-whole",),
    "looks into a request before it believes it": ("no-request",),
}
MISTAKES = [
    (world, wrong, name)
    for world, mistakes in ((WrongFilesWorld, FILES), (WrongSingerWorld, PROGRAMS), (WrongLeadsWorld, SENDERS))
    for wrong, names in mistakes.items()
    for name in names
]


@pytest.mark.parametrize(("world", "wrong", "name"), MISTAKES, ids=[f"{wrong}: {name}" for _, wrong, name in MISTAKES])
def test_a_mistake_is_found_by_the_check_that_is_there_for_it(
    monkeypatch: pytest.MonkeyPatch, world: World, wrong: str, name: str
) -> None:
    (check,) = catalogue.chosen((name,))
    with Run(world) as run:
        monkeypatch.setattr(world, "wrong", wrong)
        found = run.result(check)
        monkeypatch.setattr(world, "wrong", "")
        without = run.result(check)
    assert found.status is Status.FAILED, found.why
    assert "which is no error of a connector" not in found.why["en"]
    assert without.status is Status.PASSED, without.why


@pytest.mark.parametrize("name", ["bank", "google-ads-leads"])
def test_a_connector_without_a_server_passes_all_that_applies(name: str) -> None:
    with Run(world_of(name)) as run:
        results = list(run.results())
    assert [(item.check.name, item.why) for item in results if item.status in ("failed", "broken")] == []
    made = grade(results)
    assert made.letter == "A"
    assert {"writing", "creating", "deletes"} <= set(made.empty)
    absent = {item.check.name: item.why["zh-CN"] for item in results if item.status is Status.NOT_APPLICABLE}
    assert absent["login-page"] in ("连接器不通过 HTTP 访问服务器。", "该系统只推送，无法读取。")
    assert len(results) == len(catalogue.checks())


@pytest.mark.slow
def test_files_on_a_server_pass_what_files_in_a_folder_pass() -> None:
    with Run(SftpWorld) as run:
        results = list(run.results())
    assert [(item.check.name, item.why) for item in results if item.status in ("failed", "broken")] == []
    made, kept = grade(results), shelf.read()["files"]
    assert (made.letter, made.applicable) == ("A", kept["applicable"])


@pytest.mark.parametrize("name", ["files", "singer"])
def test_files_and_programs_are_read_killed_and_gone_on_with(name: str) -> None:
    telling = ("initial-pull", "times-at-the-cursor", "since", "changes-are-read", "unicode", "exact-decimals")
    more = ("half-surrogates", "huge-text", "empty-value", "bytes-as-sent", "undeleted", "full-pull")
    with Run(world_of(name)) as run:
        results = list(run.results(catalogue.chosen(telling + more)))
    assert [(item.check.name, item.status, item.why) for item in results if item.status is not Status.PASSED] == []
