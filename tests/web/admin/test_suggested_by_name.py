"""Suggestions for columns called as their field: a status to be decided, a customer who is named, not keyed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from connectors.contract import RawRecord
from mappings import engine
from settings import load
from state import landing
from state.store import open_store
from tests.console.company import write
from tests.web.admin.test_mappings import (  # noqa: F401 - fixtures
    anna,
    as_role,
    at_once,
    field,
    posted,
    text_of,
)
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

OWN = """\
version: 1
connector: files
streams:
  customers:
    entity: party
    fields: {name: 客户名称, number: 客户编码}
  orders:
    entity: order
    fields: {number: 单号}
"""
PAGE = "/mappings/offline/orders"


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path) -> Path:
    """Orders that name customers by what these are called, and a status that nothing reads."""
    shutil.copy(sqlite_template, tmp_path / "ltc.db")
    (tmp_path / "offline.yaml").write_text(OWN)
    systems = {
        "offline": {"connector": "files", "roles": ["erp"], "mapping": "offline.yaml", "config": {"folder": "files"}}
    }
    path = write(tmp_path, systems, store="sqlite:///ltc.db")
    _land(path, "customers", {"C001": {"客户编码": "C001", "客户名称": "明华贸易"}})
    words = ("已发货", "已确认")
    orders = {f"OF-{n}": {"单号": f"OF-{n}", "状态": word, "客户": "明华贸易"} for n, word in enumerate(words)}
    _land(path, "orders", orders)
    return path


def _land(path: Path, stream: str, records: dict[str, dict[str, str]]) -> None:
    with open_store(load(path).store) as store, store.transaction() as connection:
        mapper = engine.load(path.parent / "offline.yaml").stream(stream)
        opened = landing.open_stream(connection, "offline", stream, mapper.entity)
        raw = [RawRecord(id, json.dumps(record).encode()) for id, record in records.items()]
        landing.apply(connection, opened, mapper, raw, run_id="r1")


def test_a_column_that_is_called_as_the_status_is_suggested_for_it_with_the_words_to_be_decided(
    anna: Browser,  # noqa: F811
    config: Path,
) -> None:
    page = anna.get(PAGE)
    suggested = page.text.partition('id="proposed"')[2].partition("</section>")[0]
    assert "Status: from “状态”, by its name. For you to decide: 已发货." in suggested
    assert "None of the source&#39;s fields" not in page.text
    way = suggested.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    form = anna.get(way).text.partition('id="edit"')[2].partition("</form>")[0]
    assert 'name="what" value="状态"' in form


def test_a_column_that_names_customers_is_suggested_and_told_to_be_no_key_of_theirs(
    anna: Browser,  # noqa: F811
    config: Path,
) -> None:
    suggested = " ".join(text_of(anna.get(PAGE)).partition("by its name.")[2].split())
    assert "50 % the column's name, its values look like names, and not like keys of records" in suggested
    looked = posted(anna, "preview", PAGE, kind="several", field="party_ref")
    told = " ".join(text_of(looked).split())
    assert "can be named by its ID in the same system alone, not by a name or a number" in told
    assert "What stands here is “客户名称” of customers" in told


def test_a_suggestion_is_said_not_to_be_there_only_where_none_is(anna: Browser, config: Path) -> None:  # noqa: F811
    shown = text_of(anna.get("/mappings/offline/customers"))
    assert "The mapping already reads everything that the records hold" in shown


def test_an_amount_that_may_have_tax_in_it_is_offered_for_both_fields_with_what_tie_outs_need(
    anna: Browser,  # noqa: F811
    config: Path,
) -> None:
    _land(config, "orders", {f"OF-{n}": {"单号": f"OF-{n}", "状态": "已发货", "金额": "113.00"} for n in range(3)})
    told = " ".join(text_of(anna.get(PAGE)).split())
    assert "The name “金额” does not say whether tax is in it, so both fields are suggested for it" in told
    assert "Tie-outs compare orders with quotes, deliveries and invoices before tax." in told
    ticked = posted(anna, "preview", PAGE, kind="several", which="ticked", **{"take.net_amount": "on"}).text
    assert 'name="without" value="net_amount"' in ticked
    assert 'name="with" value="gross_amount"' in ticked
    at_least = posted(anna, "preview", PAGE, kind="several", which="above", above="70").text
    assert at_least.count('name="without"') == 1, "one column is not taken for two fields unless somebody says so"
