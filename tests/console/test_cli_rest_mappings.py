"""Connectors described without credentials; mappings tried on records; quarantine: personal values stay hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console import deal
from tests.console.company import data, ltc

LEAD = {
    "_id": "65a1",
    "lead_no": "L-0001",
    "contact_name": "Maria Rossi",
    "company_name": "ACME S.r.l.",
    "email": deal.EMAIL,
    "phone": {"phone": deal.PHONE, "verified": True},
    "status": "待分配",
    "favourite_colour": "Maria likes blue",
    "submitted_at": "2026-10-01T00:00:00.000Z",
}
INVOICE = {
    "Type": "ACCREC",
    "InvoiceID": "x1",
    "InvoiceNumber": "INV-7",
    "Status": "AUTHORISED",
    "CurrencyCode": "JPY",
    "Total": 1200,
    "SubTotal": 1200,
    "Reference": "SO-7",
}
CONTACT = {"ContactID": "c1", "Name": "Maria Rossi", "EmailAddress": deal.EMAIL, "ContactStatus": "ACTIVE"}


@pytest.fixture
def config(tmp_path: Path, sqlite_url: str) -> Path:
    return deal.config(tmp_path, sqlite_url)


def record(tmp_path: Path, content: object) -> str:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


# -- connectors


def test_connectors_are_listed_with_their_streams(config: Path) -> None:
    found = {item["name"]: item for item in data(ltc(config, "connectors", "list", "--json"))}
    assert {"jiandaoyun", "salesforce", "tryton", "xero"} <= found.keys()
    assert found["tryton"]["streams"] == ["party", "product", "order", "delivery"]
    assert all(item["problem"] is None for item in found.values())


def test_a_connector_is_described_without_credentials_or_settings(tmp_path: Path) -> None:
    found = data(ltc(tmp_path / "none.yaml", "connectors", "describe", "xero", "--json"))
    settings = {item["name"]: item for item in found["settings"]}
    assert settings["client_secret"]["secret"]
    assert settings["client_secret"]["required"]
    assert settings["page_size"]["default"] == 1000
    invoice = next(item for item in found["streams"] if item["name"] == "invoice")
    assert (invoice["entity"], invoice["depends_on"]) == ("invoice", ["contact"])
    assert invoice["writable"]


def test_a_system_is_described_with_the_streams_of_its_settings_and_no_secret(tmp_path: Path) -> None:
    from tests.console.company import write

    config = {"api_key": "sk-very-secret", "app_id": "a", "forms": {"leads_2026": {"entry_id": "e"}}}
    path = write(tmp_path, {"forms": {"connector": "jiandaoyun", "roles": ["marketing"], "config": config}})
    result = ltc(path, "connectors", "describe", "forms")
    assert result.exit_code == 0, result.output
    assert "leads_2026" in result.stdout
    assert "sk-very-secret" not in result.output


def test_settings_within_settings_are_described_too(config: Path) -> None:
    text = ltc(config, "connectors", "describe", "jiandaoyun").stdout
    assert "forms.NAME.entry_id" in text
    assert "limits.company" in text


def test_an_unknown_connector_is_told_with_those_there_are(config: Path) -> None:
    result = ltc(config, "connectors", "describe", "sap")
    assert result.exit_code == 2
    assert "salesforce" in result.stderr


# -- mappings test


def test_a_record_is_shown_as_sent_and_as_stored(config: Path, tmp_path: Path) -> None:
    result = ltc(
        config, "mappings", "test", "xero", "--stream", "invoice", "--file", record(tmp_path, INVOICE), "--json"
    )
    assert result.exit_code == 0, result.output
    fields = {item["name"]: item for item in data(result)["fields"]}
    assert (fields["gross_amount"]["value"], fields["gross_amount"]["raw"]) == ("1200", 1200)  # the yen has no decimals
    assert (fields["status"]["value"], fields["status"]["raw"]) == ("issued", "AUTHORISED")
    assert fields["order_refs"]["value"] == "no:SO-7"
    assert data(result)["unmapped"] == ["InvoiceID"]


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_personal_values_are_hidden_wherever_they_stand(config: Path, tmp_path: Path, as_json: tuple[str, ...]) -> None:
    lead = ("mappings", "test", "forms", "--stream", "lead", "--file", record(tmp_path, LEAD), *as_json)
    output = ltc(config, *lead).output
    contact = tmp_path / "contact.json"
    contact.write_text(json.dumps(CONTACT), encoding="utf-8")
    output += ltc(config, "mappings", "test", "books", "--stream", "contact", "--file", str(contact), *as_json).output
    assert "L-0001" in output
    assert "favourite_colour" in output
    for secret in (deal.EMAIL, deal.PHONE, "Maria"):
        assert secret not in output
    shown = ltc(config, *lead, "--show-personal").output
    assert deal.EMAIL in shown
    assert "Maria likes blue" in shown


def test_the_newest_record_that_was_pulled_is_tried_or_the_one_named(config: Path) -> None:
    bodies = {f"r{n}": json.dumps({**INVOICE, "InvoiceNumber": f"INV-{n}"}).encode() for n in (1, 2, 3)}
    deal.land(config, "books", "invoice", bodies)
    assert "INV-3" in ltc(config, "mappings", "test", "books", "--stream", "invoice").stdout
    assert "INV-2" in ltc(config, "mappings", "test", "--stream", "invoice", "--id", "r2").stdout
    gone = ltc(config, "mappings", "test", "books", "--stream", "invoice", "--id", "r9")
    assert gone.exit_code == 2
    assert "ltc pull --system books --stream invoice" in gone.stderr


def test_a_record_that_would_be_quarantined_is_told_with_field_and_reason(config: Path, tmp_path: Path) -> None:
    path = record(tmp_path, {**INVOICE, "Status": "PARKED"})
    result = ltc(config, "mappings", "test", "xero", "--stream", "invoice", "--file", path)
    assert result.exit_code == 1
    assert "PARKED" in result.stderr
    assert "AUTHORISED" in result.stderr  # the ones that are known
    assert "INV-7" in result.stdout


def test_a_record_that_the_mapping_leaves_out_is_no_error(config: Path, tmp_path: Path) -> None:
    path = record(tmp_path, {**INVOICE, "Type": "ACCPAY"})
    result = ltc(config, "mappings", "test", "xero", "--stream", "invoice", "--file", path)
    assert result.exit_code == 0
    assert "leaves this record out" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("xero", "--stream", "invoice"), "--file"),
        (("xero", "--stream", "nothing"), "no mapping for the stream"),
        (("no-such-file.yaml", "--stream", "invoice"), "no such mapping"),
        (("--stream", "contact"), "crm, books"),
        (("xero",), "--stream"),
    ],
)
def test_what_cannot_be_tried_is_wrong_usage(config: Path, arguments: tuple[str, ...], told: str) -> None:
    result = ltc(config, "mappings", "test", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_file_that_is_no_record_is_told(config: Path, tmp_path: Path) -> None:
    result = ltc(config, "mappings", "test", "xero", "--stream", "invoice", "--file", record(tmp_path, [1, 2]))
    assert result.exit_code == 1
    assert "not a JSON object" in result.stderr


# -- mappings coverage


def test_coverage_counts_fields_statuses_and_what_is_left_in_the_records(config: Path) -> None:
    deal.land(config, "books", "invoice", {"r1": json.dumps({**INVOICE, "BrandingThemeID": "b"}).encode()})
    found = data(ltc(config, "mappings", "coverage", "books", "--json"))
    invoice = next(item for item in found if item["stream"] == "invoice")
    assert "gross_amount" in invoice["mapped"]
    assert "lines.sku" in invoice["mapped"]
    assert "disputed" in invoice["statuses_not_reached"]
    assert {"issued", "reversed"} <= set(invoice["statuses"])
    assert (invoice["records"], invoice["unmapped"]["BrandingThemeID"]) == (1, 1)
    assert "BrandingThemeID (1)" in ltc(config, "mappings", "coverage", "books").stdout


def test_coverage_needs_no_store(tmp_path: Path) -> None:
    path = deal.config(tmp_path, f"sqlite:///{tmp_path / 'nothing.db'}")
    result = ltc(path, "mappings", "coverage")
    assert result.exit_code == 0, result.output
    assert "crm:opportunity" in result.stdout
    assert "No records looked at" in result.stdout


# -- quarantine


def test_quarantine_lists_field_value_and_reason_with_personal_values_hidden(config: Path) -> None:
    bad = {**LEAD, "status": "没人认识"}
    worse = {**LEAD, "email": [deal.EMAIL]}
    deal.land(config, "forms", "lead", {"a": json.dumps(bad).encode(), "b": json.dumps(worse).encode()})
    result = ltc(config, "quarantine")
    assert result.exit_code == 0, result.output
    assert "没人认识" in result.stdout
    assert "待分配" in result.stdout  # one of the known ones
    assert deal.EMAIL not in result.output
    found = data(ltc(config, "quarantine", "list", "--system", "forms", "--stream", "lead", "--json"))
    assert {(item["source_id"], item["field"]) for item in found} == {("a", "status"), ("b", "email")}
    assert data(ltc(config, "quarantine", "list", "--system", "books", "--json")) == []
    assert "2 of" not in ltc(config, "quarantine", "list", "--limit", "1").stdout
    assert "1 of 2" in ltc(config, "quarantine", "list", "--limit", "1").stdout


def test_an_unknown_system_is_told_with_those_there_are(config: Path) -> None:
    result = ltc(config, "quarantine", "list", "--system", "nope")
    assert result.exit_code == 2
    assert "books" in result.stderr
