"""Pushing new and large plans, ``conflicts``, ``overwritten``, ``lock`` and dead letters, as a person uses them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from connectors import retry
from console.cli import cli
from settings.model import Settings
from tests.console.company import data, ltc
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.jobs.toy import ToySystem

__all__ = ["crm", "erp", "settings", "systems", "toys"]

COMMANDS = ("push", "conflicts", "overwritten", "lock", "unlock", "dead-letters")


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def config(settings: Settings) -> Path:
    return settings.path


def say_in_settings(config: Path, **top: Any) -> None:
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **top}))


def shown(crm: ToySystem) -> Any:
    return crm.values("deal", "delivery")["d1"]


@pytest.fixture
def asked(config: Path, crm: ToySystem, erp: ToySystem) -> Path:
    """A conflict that a person is asked about."""
    say_in_settings(config, ownership={"opportunity.delivery_state": {"owner": "erp", "policy": "ask"}})
    ltc(config, "sync")
    crm.edit("deal", "d1", {"delivery": "picked up"})
    erp.edit("order", "o1", {"delivery": "returned"})
    ltc(config, "sync")
    return config


def test_a_new_system_is_shown_with_its_matching_and_written_to_after_the_persons_word(
    config: Path, crm: ToySystem
) -> None:
    say_in_settings(config, writing={})
    sync = ltc(config, "sync")
    assert sync.exit_code == 3
    assert "crm is new here and read only" in sync.stdout
    assert "until accepted: crm." in ltc(config, "status").stdout
    plan = ltc(config, "push", "--plan").stdout
    assert "crm is new here and read only" in plan
    assert "opportunity" in plan
    assert "ltc push --accept-first crm" in plan
    assert data(ltc(config, "push", "--json"))["first_run"][0]["system"] == "crm"
    assert ltc(config, "push", "--apply").exit_code == 3
    assert crm.writes == []
    assert ltc(config, "push", "--accept-first", "crm").exit_code == 0
    assert "new here" not in ltc(config, "push", "--plan").stdout
    assert ltc(config, "push", "--apply").exit_code == 0
    assert len(crm.writes) == 7


def test_numbers_that_are_not_unique_are_named(config: Path, erp: ToySystem) -> None:
    say_in_settings(config, writing={})
    erp.edit("order", "o8", {"number": "SO-7", "state": "open"})
    settings_of_erp = yaml.safe_load(config.read_text())
    settings_of_erp["systems"]["erp"]["push"] = "plan"
    config.write_text(yaml.safe_dump(settings_of_erp))
    ltc(config, "sync")
    assert "not unique: order number SO-7 (records o7, o8)" in ltc(config, "push", "--plan").stdout
    refused = ltc(config, "push", "--accept-first", "erp")
    assert refused.exit_code == 1
    assert "order number SO-7" in refused.stderr
    assert ltc(config, "lock", "erp:order:o8", "--reason", "typed twice").exit_code == 0
    assert ltc(config, "push", "--accept-first", "erp").exit_code == 0


def test_a_large_plan_says_what_it_exceeds_and_waits_for_approval(config: Path, crm: ToySystem) -> None:
    say_in_settings(config, writing={"first_run": "write", "limits": {"changes": 3, "share": "0.1"}})
    sync = ltc(config, "sync")
    assert sync.exit_code == 3
    assert "larger than allowed" in sync.stdout
    assert "--approve" in ltc(config, "push", "--plan").stdout
    assert "100.0%" in data(ltc(config, "push", "--json"))["plans"][0]["exceeds"][0]
    assert ltc(config, "push", "--apply").exit_code == 3
    assert ltc(config, "push", "--approve").exit_code == 2
    assert crm.writes == []
    assert ltc(config, "push", "--apply", "--approve").exit_code == 0
    assert len(crm.writes) == 7


def test_a_conflict_is_listed_with_all_three_values_and_decided(asked: Path, crm: ToySystem) -> None:
    assert "waits for a person 1" in ltc(asked, "push").stdout
    assert "1 field waits" in ltc(asked, "status").stdout
    (conflict,) = data(ltc(asked, "conflicts", "list", "--json"))
    assert (conflict["old"], conflict["new"], conflict["agreed"]) == ("picked up", "returned", "delivered")
    assert conflict["id"] in ltc(asked, "conflicts", "list").stdout
    assert ltc(asked, "conflicts", "decide", conflict["id"]).exit_code == 2
    assert ltc(asked, "conflicts", "decide", "0000", "--keep").exit_code == 1
    told = ltc(asked, "conflicts", "decide", conflict["id"], "--keep", "--reason", "as agreed")
    assert "picked up stays" in told.stdout
    ltc(asked, "sync")
    assert shown(crm) == "picked up"
    assert "no conflicts" in ltc(asked, "conflicts", "list").stdout
    assert data(ltc(asked, "conflicts", "list", "--all", "--json"))[0]["why"] == "decided"


def test_an_overwritten_value_is_listed_and_restored(config: Path, crm: ToySystem, erp: ToySystem) -> None:
    ltc(config, "sync")
    assert "was overwritten" in ltc(config, "overwritten", "list").stdout
    crm.edit("deal", "d1", {"delivery": "picked up"})
    ltc(config, "sync")
    assert shown(crm) == "delivered"
    (lost,) = data(ltc(config, "overwritten", "list", "--json"))
    assert (lost["source_old"], lost["source_new"]) == ("picked up", "delivered")
    assert "picked up" in ltc(config, "overwritten", "list").stdout
    restored = ltc(config, "overwritten", "restore", str(lost["id"]), "--reason", "the customer called")
    assert restored.exit_code == 0, restored.output
    assert "shows picked up again" in restored.stdout
    assert shown(crm) == "picked up"
    assert ltc(config, "overwritten", "restore", "4711").exit_code == 1


def test_a_value_whose_restoring_is_refused_is_a_dead_letter_and_said_to_be_one(
    config: Path, crm: ToySystem, erp: ToySystem
) -> None:
    ltc(config, "sync")
    crm.edit("deal", "d1", {"delivery": "picked up"})
    ltc(config, "sync")
    (lost,) = data(ltc(config, "overwritten", "list", "--json"))
    crm.server.faults.answer("PATCH /deal/d1", 422)

    refused = ltc(config, "overwritten", "restore", str(lost["id"]))

    assert refused.exit_code == 3
    (letter,) = data(ltc(config, "dead-letters", "list", "--json"))
    assert f"ltc dead-letters show {letter['id']}" in refused.stdout
    assert "tries again" not in refused.stdout
    assert "delivered → picked up" in ltc(config, "dead-letters", "list").stdout


def test_locked_records_are_listed_and_unlocked(config: Path, crm: ToySystem) -> None:
    ltc(config, "sync", "--push", "off")
    assert "No record is locked" in ltc(config, "lock").stdout
    ltc(config, "lock", "crm:deal:d1", "--reason", "in dispute")
    assert "in dispute" in ltc(config, "lock").stdout
    assert data(ltc(config, "lock", "--json"))[0]["source_id"] == "d1"
    ltc(config, "sync")
    assert shown(crm) is None
    assert ltc(config, "unlock", "crm:deal:d1").exit_code == 0
    assert ltc(config, "unlock", "crm:deal:d1").exit_code == 1
    ltc(config, "sync")
    assert shown(crm) == "delivered"


@pytest.fixture
def wordless(config: Path, crm: ToySystem, erp: ToySystem) -> str:
    """A dead letter: the CRM has no word for what the ERP says. Its id."""
    mapping = config.parent / "crm.yaml"
    words = "delivery_state: {path: delivery, values: {Done: delivered, Back: not_delivered}}}\n    status"
    mapping.write_text(mapping.read_text().replace("delivery_state: delivery}\n    status", words))
    erp.edit("order", "o1", {"delivery": "returned"})
    ltc(config, "sync")
    return str(data(ltc(config, "dead-letters", "list", "--json"))[0]["id"])


def test_a_dead_letter_is_shown_with_everything_known_of_it(config: Path, wordless: str) -> None:
    told = ltc(config, "dead-letters", "show", wordless).stdout
    assert "delivery_state: – → returned" in told
    assert "no counterpart" in told
    assert "order SO-1 in erp says so" in told
    assert data(ltc(config, "dead-letters", "show", wordless, "--json"))["changes"][0]["new"] == "returned"
    assert ltc(config, "dead-letters", "show", "ffffffff").exit_code == 1


def test_personal_values_of_a_dead_letter_are_hidden(config: Path, wordless: str) -> None:
    mapping = config.parent / "crm.yaml"
    mapping.write_text(mapping.read_text() + "    personal: [delivery_state]\n")
    change = data(ltc(config, "dead-letters", "show", wordless, "--json"))["changes"][0]
    assert (change["old"], change["new"]) == (None, "•••")


def test_another_value_can_be_written_instead_until_the_owner_says_something_new(
    config: Path, wordless: str, crm: ToySystem, erp: ToySystem
) -> None:
    wrong = ltc(config, "dead-letters", "edit", wordless, "--set", "delivery_state=lost")
    assert wrong.exit_code == 2
    assert "no counterpart" in wrong.stderr
    assert wrong.stderr.count("delivery_state") == 1
    assert ltc(config, "dead-letters", "edit", wordless, "--set", "name=x").exit_code == 2
    done = ltc(config, "dead-letters", "edit", wordless, "--set", "delivery_state=not_delivered")
    assert done.exit_code == 0, done.output
    for _ in range(2):
        ltc(config, "sync")
        assert shown(crm) == "Back"
    assert data(ltc(config, "dead-letters", "list", "--json")) == []
    assert [write[1] for write in crm.writes].count("d1") == 1
    erp.edit("order", "o1", {"delivery": "delivered"})
    ltc(config, "sync")
    assert shown(crm) == "Done"


def test_a_dead_letter_without_counterpart_that_is_retried_comes_back_and_sends_nothing(
    config: Path, wordless: str, crm: ToySystem
) -> None:
    assert ltc(config, "dead-letters", "retry", wordless).exit_code == 0
    ltc(config, "sync")
    assert [item["id"] for item in data(ltc(config, "dead-letters", "list", "--json"))] == [wordless]
    assert "d1" not in [write[1] for write in crm.writes]


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_no_word_of_writing_is_missing(asked: Path, lang: str) -> None:
    say_in_settings(asked, writing={"limits": {"changes": 0, "share": "0"}})
    for arguments in (("push",), ("conflicts", "list", "--all"), ("overwritten", "list"), ("lock",)):
        result = ltc(asked, "--lang", lang, *arguments)
        assert result.exit_code == 0, result.output
        assert re.findall(r"\b(?:push|conflicts|overwritten|locks|cli|links)\.[a-z_]+", result.stdout) == []


def _leaves(command: click.Command, path: tuple[str, ...]) -> Any:
    yield path, command
    if isinstance(command, click.Group):
        for name, found in command.commands.items():
            yield from _leaves(found, (*path, name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_writing_has_help_with_an_example_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    for path, found in _leaves(command, (name,)):
        assert f"ltc {path[0]}" in (found.help or ""), path
        assert "Examples:" in (found.help or ""), path
