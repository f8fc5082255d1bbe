"""The files of a new check of one's own: the check as SQL or Python, and its test, to be filled in."""

from __future__ import annotations

_SQL = """\
/*
stage: quote                # or lead, opportunity, order, delivery, billing, collection, payout, service, master_data
department: sales           # or marketing, sales_operations, logistics, finance, customer_service, it
severity: warning           # or error, info
title: {{en: "Large quote without an owner", zh-CN: "大额报价无负责人"}}
fires: {{en: "a quote of more than {{limit}} has no owner"}}
sentence:
  en: "Quote {{quote}} over {{worth_money}} has no owner."
  zh-CN: "报价单 {{quote}}（{{worth_money}}）没有负责人。"
action: {{en: "Name an owner in the CRM.", zh-CN: "请在 CRM 中指定负责人。"}}
needs: [crm.quote]          # what must have been pulled completely before the check means anything
parameters: {{limit: 10000}}  # may be changed in ltc.yaml, reconciliation.checks.{name}
*/
-- A row is a finding: record_id is at fault; records (more that it is about), amount (minor units), currency and since
-- (the day it began) may be left out; every other column is a word for the sentence. Columns that end in _money are
-- minor units. `ltc checks tables` shows what there is.
SELECT record_id, net_amount AS amount, currency, issue_date AS since,
    label(number, NULL, source_id) AS quote, net_amount AS worth_money
FROM quotes
WHERE crm AND NOT deleted AND coalesce(owner_ref, '') = '' AND net_amount > $limit * minor_units(currency)
"""
_PYTHON = '''\
"""A quote of some size has an owner."""

from collections.abc import Mapping
from typing import Any

from reconciliation.checks import check


@check(
    "{name}",
    stage="quote",
    department="sales",
    severity="warning",
    title=("Large quote without an owner", "大额报价无负责人"),
    sentence=("Quote {{quote}} over {{worth_money}} has no owner.", "报价单 {{quote}}（{{worth_money}}）没有负责人。"),
    action=("Name an owner in the CRM.", "请在 CRM 中指定负责人。"),
    needs="crm.quote",
    limit=10000,
)
def {name}(parameters: Mapping[str, Any]) -> str:
    """The query; see docs/own-checks.md for its columns."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), worth_money := net_amount) AS params
        FROM quotes
        WHERE crm AND NOT deleted AND coalesce(owner_ref, '') = ''
            AND net_amount > {{int(parameters["limit"])}} * minor_units(currency)
        """
'''
_TEST = """\
# `ltc checks test {name}` tries the check on these records.
# Money is in major units; references are id:…, no:… or ext:….
# A record is in the CRM, the ERP or accounting, as fits its entity; `system: accounting` says otherwise.
as_of: "2026-10-31T10:00:00Z"
cases:
  - case: a large quote that belongs to nobody
    records:
      - {{entity: quote, source_id: Q-1, number: Q-1, status: sent, currency: CNY, net_amount: "20000"}}
    finds:
      - {{records: [Q-1], amount: "20000.00", says: "CNY 20,000.00"}}
  - case: one with an owner
    records:
      - {{entity: quote, source_id: Q-1, status: sent, currency: CNY, net_amount: "20000", owner_ref: wang.min}}
  - case: a small one
    records:
      - {{entity: quote, source_id: Q-1, status: sent, currency: CNY, net_amount: "10000"}}
"""


def files(name: str, python: bool) -> dict[str, str]:
    """File name → text."""
    check = {f"{name}.py": _PYTHON} if python else {f"{name}.sql": _SQL}
    return {file: text.format(name=name) for file, text in {**check, f"{name}.test.yaml": _TEST}.items()}
