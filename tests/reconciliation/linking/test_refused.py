"""What too many parties share is counted before it is compared, refused, and told to people with what to do."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from reconciliation.engine import reconcile
from reconciliation.linking.blocking import Refused
from settings import load
from state.store import Store, open_store
from tests.console import deal
from tests.console.company import data, ltc
from tests.reconciliation.books import Books, settings

pytestmark = pytest.mark.slow

SHARED = Refused(kind="phone", systems=["crm", "erp"], keys=1, pairs=60 * 60, largest=60 * 60)


def _name(key: str) -> str:
    """Names of which no two begin or end alike."""
    return "".join(chr(ord("a") + int(sign, 16)) for sign in hashlib.sha256(key.encode()).hexdigest()[:12])


def _one_phone(store: Store) -> Books:
    """Sixty customers in each of two systems, all with the number of the switchboard."""
    books = Books(store)
    for system in ("crm", "erp"):
        for number in range(60):
            key = f"{system}{number}"
            books.add("party", key, system=system, status="active", name=_name(key), phone="+86 21 68881234")
    books.save()
    return books


def test_a_number_that_everybody_shows_makes_no_pairs_and_is_named_in_every_run_until_it_is_gone(store: Store) -> None:
    books = _one_phone(store)
    found = reconcile(store, settings(), "run-1")
    assert found.refused_keys == [SHARED]
    assert (found.links, found.suggested_links) == ({}, 0)
    again = reconcile(store, settings(), "run-2")  # nothing is compared anew
    assert (again.refused_keys, again.wrote) == ([SHARED], False)
    for number in range(60):
        key = f"erp{number}"
        books.add("party", key, system="erp", status="active", name=_name(key))
    books.save()
    assert reconcile(store, settings(), "run-3").refused_keys == []


def test_likeness_that_is_switched_off_refuses_nothing(store: Store) -> None:
    _one_phone(store)
    assert reconcile(store, settings(reconciliation={"linking": {"likeness": False}}), "run-1").refused_keys == []


@pytest.mark.parametrize(
    ("lang", "what", "advice"),
    [
        ("en", "Customers of crm, erp were not compared by phone numbers", "Sort the customers by phone."),
        ("zh-CN", "crm、erp 的客户未按共用者过多的电话号码进行比对", "请按电话对客户排序"),
    ],
)
def test_people_read_which_system_which_field_how_many_pairs_and_what_to_do(
    sqlite_template: Path, tmp_path: Path, lang: str, what: str, advice: str
) -> None:
    shutil.copy(sqlite_template, tmp_path / "ltc.db")
    file = deal.config(tmp_path, "sqlite:///ltc.db")
    with open_store(load(file).store) as store:
        _one_phone(store)
    said = ltc(file, "--lang", lang, "reconcile").stdout.splitlines()
    [line] = [number for number, text in enumerate(said) if what in text]
    assert "3,600" in said[line]
    assert advice in said[line + 1]
    assert "68881234" not in "\n".join(said)
    told = data(ltc(file, "reconcile", "--json"))["reconciliation"]["refused_keys"]
    assert told == [{"kind": "phone", "systems": ["crm", "erp"], "keys": 1, "pairs": 3600, "largest": 3600}]
