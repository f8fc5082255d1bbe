"""What a response to a form means in the canonical model, and whole runs with its webhook."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.contract import Inbound
from mappings.engine import load
from mappings.model import Lead, columns
from sandbox.typeform import SECRET, TypeformServer
from sync.job import run_fetch
from sync.systems import open_connector
from sync.webhooks import receive
from tests.connectors.declarative.firm import Firm
from tests.connectors.typeform.conftest import Connect, Held, Time

ANSWERS: dict[str, tuple[str, Any]] = {
    "name": ("text", "Wang  Fang"),
    "company": ("text", "Möller GmbH"),
    "e": ("email", "Wang@Moeller.example"),
    "phone": ("phone_number", "+49 30 1234"),
    "country": ("choice", {"label": "DE"}),
}


def test_a_response_is_a_lead(typeform: TypeformServer, connect: Connect, clock: Time) -> None:
    token = typeform.submit(ANSWERS, hidden={"utm_campaign": "spring", "utm_source": "fair"})
    clock.pass_(minutes=1)
    record = Held(connect()).pull(clock.window()).records[token]

    found = load("typeform").stream("response").map("forms", token, record.body)

    row = dict(zip([column.name for column in columns(Lead)], found.row, strict=True))
    expected = {
        "source_id": token,
        "status": "new",
        "contact_name": "Wang Fang",
        "company_name": "Möller GmbH",
        "email": "wang@moeller.example",
        "phone": "+49301234",
        "country": "DE",
        "campaign": "spring",
        "source": "fair",
        "received_at": 1_790_841_600_000_000,
    }
    assert {name: row[name] for name in expected} == expected


def test_a_form_without_answers_to_most_questions_is_a_lead_too(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    token = typeform.submit({})
    clock.pass_(minutes=1)
    record = Held(connect()).pull(clock.window()).records[token]

    found = load("typeform").stream("response").map("forms", token, record.body)

    assert found.row[:2] == ("forms", token)


def test_a_response_that_the_webhook_brought_is_no_news_to_the_pull(typeform: TypeformServer, tmp_path: Path) -> None:
    typeform.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    told, *untold = [typeform.submit(ANSWERS if number == 0 else None) for number in range(6)]
    firm = Firm(tmp_path, "typeform", {**typeform.config, "webhook_secret": SECRET}, ["marketing"])
    headers, body = typeform.webhook(told)
    with open_connector(firm.settings, "it") as connector:
        for _ in range(2):
            receive(firm.store, connector, "it", ["response"], Inbound(headers, {}, body))

    run_fetch(firm.store, firm.settings)
    brought = firm.rows("SELECT source_id, email FROM leads")
    first = firm.pull()["response"].counts
    second = firm.pull()["response"].counts

    assert brought == [(told, "wang@moeller.example")]
    assert (first["new"], first["unchanged"], first["changed"]) == (5, 1, 0)
    assert (second["new"], second["changed"]) == (0, 0)
    assert {row[0] for row in firm.rows("SELECT source_id FROM leads")} == {told, *untold}

    typeform.remove(untold[2])
    swept = firm.sweep()["response"]
    assert (swept.error, swept.counts["deleted"]) == (None, 1)


def test_the_page_shows_the_manifest_as_it_is_and_it_is_short() -> None:
    root = Path(__file__).parents[3]
    lines = (root / "connectors" / "manifests" / "typeform.yaml").read_text(encoding="utf-8").splitlines(keepends=True)

    assert "".join(lines[2:]) in (root / "docs" / "connectors" / "typeform.md").read_text(encoding="utf-8")
    assert sum(1 for line in lines if line.strip() and not line.strip().startswith("#")) <= 40
