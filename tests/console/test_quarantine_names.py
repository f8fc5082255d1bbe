"""What records in quarantine are called: number and name by their mapping, nothing about a person, at bounded cost."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console import in_quarantine, mappings_kept, quarantine_names
from console.i18n import texts
from mappings import engine
from settings.model import Settings
from state import quarantine
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import ToySystem
from tests.web.toy_company import crm, erp, settings, systems, toys  # noqa: F401

PARTY = """
version: 1
connector: toy
streams:
  deal:
    entity: party
    fields: {number: number, name: name, email: mail, kind: {path: kind, values: {p: person, o: organisation}}}
    status: {path: stage, values: {open: active}}
"""


def called(store: Store, settings: Settings) -> dict[str, str]:
    """By the source's id."""
    with store.reading() as connection:
        found = quarantine.listing(connection, limit=200)
        names = quarantine_names.called(connection, settings, found)
    return {item.source_id: names[item.record_id] for item in found if item.record_id in names}


def refuse(
    store: Store, settings: Settings, crm: ToySystem, mapping: str, entity: str, **records: dict[str, Any]
) -> dict[str, str]:
    """What records in a stage that nobody mapped are called."""
    settings.systems["crm"].config["entities"] = [entity]
    (Path(settings.path).parent / "crm.yaml").write_text(mapping)
    crm.fill({"deal": []})
    for source_id, values in records.items():
        crm.edit("deal", source_id, {"stage": "frozen", **values})
    job.run_pull(store, settings, systems=["crm"])
    return called(store, settings)


def test_a_record_is_called_by_its_name_as_it_was_received(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen", "name": "Deal 1, enlarged"})
    job.run_pull(sqlite_store, settings)
    assert called(sqlite_store, settings) == {"d1": "Deal 1, enlarged"}


def test_a_name_that_the_mapping_calls_personal_is_not_told(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    private = MAPPINGS["crm"].replace("    fields:", "    personal: [name]\n    fields:")
    deal = {"name": "Mia Wong", "order": "SO-1"}
    assert refuse(sqlite_store, settings, crm, private, "opportunity", d1=deal) == {}


def test_of_a_person_only_the_number_is_told_and_what_repeats_the_id_or_is_an_address_is_not(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    found = refuse(
        sqlite_store,
        settings,
        crm,
        PARTY,
        "party",
        c1={"number": "C-1", "name": "Mia Wong", "mail": "mia@example.com", "kind": "p"},
        c2={"number": "C-2", "name": "ACME S.r.l.", "mail": "office@example.com", "kind": "o"},
        c3={"number": "c3", "name": "Unknown kind", "mail": None, "kind": "?"},
        c4={"number": "leo@example.com", "name": "Leo Ltd.", "mail": None, "kind": "o"},
    )
    assert found == {"c1": "C-1", "c2": "C-2 · ACME S.r.l.", "c4": "Leo Ltd."}


def test_a_number_that_stands_where_something_personal_is_read_is_not_told(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    shared = PARTY.replace("number: number", "number: mail")
    record = {"name": "Mia Wong", "mail": "mia", "kind": "p"}
    assert refuse(sqlite_store, settings, crm, shared, "party", c1=record) == {}


def test_a_number_that_cannot_be_read_any_more_is_that_of_the_version_before(
    sqlite_store: Store, settings: Settings, erp: ToySystem
) -> None:
    job.run_pull(sqlite_store, settings)
    erp.edit("order", "o1", {"number": {"no": "text"}})
    job.run_pull(sqlite_store, settings)
    assert called(sqlite_store, settings) == {"o1": "SO-1"}
    (Path(settings.path).parent / "erp.yaml").write_text("version: 2\n")
    assert called(sqlite_store, settings) == {"o1": "SO-1"}, "a mapping that cannot be read hinders nobody"
    del settings.systems["erp"]
    assert called(sqlite_store, settings) == {"o1": "SO-1"}


def test_a_record_that_is_too_large_is_not_read_for_its_name(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    assert called(sqlite_store, settings) == {"d1": "Deal 1"}
    monkeypatch.setattr(quarantine_names, "_LARGEST", 10)
    assert called(sqlite_store, settings) == {}


def test_a_mapping_is_read_once_and_again_when_its_file_has_changed(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    read: list[object] = []

    def counted(source: str, zone: str) -> engine.Mapping:
        read.append(source)
        return engine.load(source, zone)

    monkeypatch.setattr(mappings_kept, "load", counted)
    for _ in range(3):
        assert called(sqlite_store, settings) == {"d1": "Deal 1"}
    assert len(read) == 1
    (Path(settings.path).parent / "crm.yaml").write_text(MAPPINGS["crm"].replace("name: name", "name: stage"))
    assert called(sqlite_store, settings) == {"d1": "frozen"}


def test_a_row_of_the_command_has_the_name_beside_the_id() -> None:
    row = ("crm", "deal", "d1", None, "", "", "", 1)
    assert in_quarantine.with_name(row, "Deal 1", texts("en"))[2] == "d1 (Deal 1)"
    assert in_quarantine.with_name(row, None, texts("en"))[2] == "d1"
