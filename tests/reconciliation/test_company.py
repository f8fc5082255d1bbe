"""The demo company: every planted fault is found and nothing else; write-backs bring all systems to agree."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from reconciliation import report
from reconciliation.engine import reconcile
from reconciliation.tieouts import DoesNotFootError
from reconciliation.writebacks import wanted
from sandbox.demo.verify import verify
from state.schema import canonical, metadata
from state.store import Store, open_store
from tests.reconciliation.books import at_our_rates, settings
from tests.reconciliation.conftest import Company

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report-schema.json").read_text())


def everything(store: Store) -> dict[str, list[str]]:
    """Every row of every table."""
    with store.reading() as connection:
        return {table.name: sorted(map(repr, connection.execute(table.select()))) for table in metadata.sorted_tables}


def test_all_planted_faults_are_found_and_nothing_else(company: Company) -> None:
    built = report.build(company.store, settings())
    elsewhere = company.world.processor.shown  # there is neither a card processor here nor a bank
    planted = [f for f in company.world.faults if "bank" not in f.check and not elsewhere & set(f.numbers)]
    planted = [at_our_rates(fault) for fault in planted]
    verdict = verify(built["findings"], planted)
    assert verdict.exact, verdict


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_report_follows_its_schema_in_both_languages(company: Company, locale: str) -> None:
    built = report.build(company.store, settings(), locale=locale)
    jsonschema.validate(built, SCHEMA)
    assert built["roll_forward"] == {"opening": 0, "new": 73, "reopened": 0, "cleared": 0, "closing": 73}
    for finding in built["findings"]:
        words = finding["explanation"] + finding["action"]
        assert "{" not in words
        assert any("\u4e00" <= letter <= "\u9fff" for letter in finding["action"]) == (locale == "zh-CN")


def test_every_tie_out_foots_per_currency(company: Company) -> None:
    names = Counter(item["name"] for item in company.result.tie_outs)
    assert set(names) == {
        *("quote_order", "order_delivery", "order_invoice", "invoice_payment"),
        *("status_crm_erp", "status_erp_accounting"),
    }
    assert set(names.values()) == {4}
    assert all(item["foots"] for item in company.result.tie_outs)
    paid = next(x for x in company.result.tie_outs if (x["name"], x["currency"]) == ("invoice_payment", "JPY"))
    assert paid["matched"]["count"] + paid["unmatched_right"]["count"] == paid["right"]["count"] > 10


def test_a_second_run_writes_nothing(company: Company) -> None:
    before = everything(company.store)
    again = reconcile(company.store, settings(), "run-2")
    assert not again.wrote
    assert everything(company.store) == before
    assert again.tie_outs == company.result.tie_outs


def test_after_the_write_backs_nothing_is_left_to_write_and_all_statuses_agree(
    company: Company, tmp_path: Path
) -> None:
    path = tmp_path / "after.db"
    with closing(sqlite3.connect(company.store.engine.url.database or "")) as source:
        source.execute("VACUUM INTO ?", (str(path),))
    with open_store(f"sqlite:///{path}") as store:
        wishes = wanted(store, settings())
        assert {(wish.system, wish.entity) for wish in wishes} == {
            *(("forms", "lead"), ("crm", "opportunity"), ("crm", "quote"), ("erp", "order"), ("books", "invoice")),
        }
        with store.transaction() as connection:
            for wish in wishes:
                table = canonical[wish.entity]
                connection.execute(
                    table.update().where(table.c.record_id == wish.record_id).values({wish.field: wish.new})
                )
        assert wanted(store, settings()) == []
        result = reconcile(store, settings(), "run-3")
        assert (result.opened, result.cleared) == (0, 0)
        for item in result.tie_outs:
            if item["name"].startswith("status_"):
                assert item["unmatched_left"] == {"count": 0, "amount": 0}


def test_a_report_of_figures_that_do_not_foot_is_refused(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from state import tieouts

    broken = [{**item, "left": {**item["left"], "amount": 1}} for item in company.result.tie_outs]
    monkeypatch.setattr(tieouts, "latest", lambda *_: broken)
    with pytest.raises(DoesNotFootError, match="does not add up"):
        report.build(company.store, settings())
