"""From nothing to a Tryton that a company can sell with: modules, company, currencies, accounts, years, sequences."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from sandbox.postgres import Postgres
from sandbox.tryton import server
from sandbox.tryton.client import Client

COMPANY = "华仪测控有限公司 Huayi Instruments"
SALE_PREFIX, SHIPMENT_PREFIX, PADDING = "SO-", "DN-", 5
FIRST_YEAR, LAST_YEAR = 2025, 2027

_CURRENCIES = (  # code, name, symbol, ISO number, digits, units for one of the company's currency
    ("CNY", "Renminbi", "¥", "156", 2, "1"),
    ("USD", "US Dollar", "$", "840", 2, "0.14"),
    ("EUR", "Euro", "€", "978", 2, "0.125"),
    ("JPY", "Yen", "JP¥", "392", 0, "21"),
)
_COUNTRIES = (
    ("CN", "CHN", "156", "China"),
    ("US", "USA", "840", "United States"),
    ("DE", "DEU", "276", "Germany"),
    ("FR", "FRA", "250", "France"),
    ("IT", "ITA", "380", "Italy"),
    ("JP", "JPN", "392", "Japan"),
)


def initialise(postgres: Postgres, directory: Path, database: str) -> None:
    """Create ``database`` and let ``trytond-admin`` install sales and everything it needs; takes about a minute.

    Raises ``RuntimeError`` with the end of its output.
    """
    postgres.drop(database)
    postgres.create(database)
    config = server.write_config(directory, postgres, server.free_port())
    password = directory / "admin-password"
    password.write_text(server.ADMIN_PASSWORD)
    command = [sys.executable, "-m", "trytond.cli.admin", "-c", str(config), "-d", database, "--all"]
    command += ["--update", "sale", "--activate-dependencies", "--email", "admin@huayi.example"]
    run = subprocess.run(
        command,
        env={**os.environ, "TRYTONPASSFILE": str(password)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    password.unlink()
    if run.returncode:
        raise RuntimeError(f"trytond-admin failed: {run.stderr.decode(errors='replace')[-2000:]}")


def configure(client: Client) -> None:
    """Set up the company; afterwards sales can be quoted, confirmed and shipped."""
    company = _company(client)
    _accounts(client, company)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        _fiscal_year(client, company, year)
    _numbering(client)
    _sales_and_stock(client)
    _integration_user(client, company)


def _company(client: Client) -> int:
    client.create(
        "country.country",
        [
            {"code": code, "code3": code3, "code_numeric": number, "name": name}
            for code, code3, number, name in _COUNTRIES
        ],
    )
    start = date(2020, 1, 1)
    currencies = client.create(
        "currency.currency",
        [
            {
                "code": code,
                "name": name,
                "symbol": symbol,
                "numeric_code": number,
                "digits": digits,
                "rounding": Decimal(1).scaleb(-digits),
                "rates": [("create", [{"date": start, "rate": Decimal(rate)}])],
            }
            for code, name, symbol, number, digits, rate in _CURRENCIES
        ],
    )
    party = client.create_one("party.party", name=COMPANY, code="HUAYI")
    company = client.create_one("company.company", party=party, currency=currencies[0], timezone="Asia/Shanghai")
    client.write("res.user", [client.user_id], {"companies": [("add", [company])], "company": company})
    client.refresh_context()
    return company


def _accounts(client: Client, company: int) -> None:
    template = client.one("account.account.template", [["parent", "=", None]])
    chart = {"company": company, "account_template": template}
    client.run_wizard(
        "account.create_chart", ("account", {"start": {}}), ("create_account", {"start": {}, "account": chart})
    )
    kinds = ("receivable", "payable", "revenue", "expense")
    account = {kind: _account(client, kind) for kind in kinds}
    properties = {
        "company": company,
        "account_receivable": account["receivable"],
        "account_payable": account["payable"],
        "category_account_expense": account["expense"],
        "category_account_revenue": account["revenue"],
    }
    client.run_wizard(
        "account.create_chart", ("create_properties", {"start": {}, "account": chart, "properties": properties})
    )


def _account(client: Client, kind: str) -> int:
    return client.one("account.account", [[f"type.{kind}", "=", True], ["closed", "!=", True]])


def _fiscal_year(client: Client, company: int, year: int) -> None:
    sequences = {}
    for name in ("Invoice", "Account Move"):
        kind = client.one("ir.sequence.type", [["name", "=", name]])
        sequences[name] = client.create_one(
            "ir.sequence.strict", name=f"{name} {year}", sequence_type=kind, company=company
        )
    kinds = ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note")
    invoices = {"company": company, **{f"{kind}_sequence": sequences["Invoice"] for kind in kinds}}
    made = client.create_one(
        "account.fiscalyear",
        name=str(year),
        start_date=date(year, 1, 1),
        end_date=date(year, 12, 31),
        company=company,
        move_sequence=sequences["Account Move"],
        invoice_sequences=[("create", [invoices])],
    )
    client.press("account.fiscalyear", "create_period", [made])


def _numbering(client: Client) -> None:
    for name, prefix in (("Sale", SALE_PREFIX), ("Customer Shipment", SHIPMENT_PREFIX)):
        sequence = client.one("ir.sequence", [["sequence_type.name", "=", name]])
        client.write("ir.sequence", [sequence], {"prefix": prefix, "padding": PADDING})


def _sales_and_stock(client: Client) -> None:
    # Invoices are made in accounting, not here; goods leave straight from the storage zone.
    client.write("sale.configuration", [1], {"sale_invoice_method": "manual", "sale_shipment_method": "order"})
    warehouse = client.one("stock.location", [["type", "=", "warehouse"]])
    storage = client.read("stock.location", [warehouse], ["storage_location"])[0]["storage_location"]
    client.write("stock.location", [warehouse], {"output_location": storage})
    client.create_one(
        "product.category",
        name="Instruments",
        accounting=True,
        account_revenue=_account(client, "revenue"),
        account_expense=_account(client, "expense"),
    )


def _integration_user(client: Client, company: int) -> None:
    groups = client.search("res.group", [["name", "in", ["Sales", "Stock"]]])
    client.create_one(
        "res.user",
        name="LTC Sync",
        login=server.USER,
        password=server.PASSWORD,
        companies=[("add", [company])],
        company=company,
        groups=[("add", groups)],
    )
