"""`ltc connectors list` and `describe`: what a system tells of by webhook, and how it proves that it is itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import registry
from console import described
from tests.console.company import data, ltc

SHOP = Path(__file__).parents[1] / "conformance" / "shop.yaml"
QUESTION = {"method": "GET", "query": "hub.challenge", "token": {"query": "hub.verify_token"}}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The place of an ltc.yaml that there is not yet: connectors are looked at before one is written."""
    return tmp_path / "ltc.yaml"


def webhook_of(config: Path, name: str) -> Any:
    return data(ltc(config, "connectors", "describe", name, "--json"))["webhook"]


@pytest.mark.parametrize("name", registry.names())
def test_whoever_tells_of_streams_says_how_it_signs_and_the_other_way_round(name: str) -> None:
    offered = described.offer(registry.load(name))
    told = [spec.name for spec in offered.streams if spec.webhooks.value != "none"]
    assert (offered.webhook is not None) == bool(told)
    assert list(offered.told) == told


@pytest.mark.parametrize("name", registry.names())
def test_whoever_is_asked_says_which_permissions_that_takes(name: str) -> None:
    assert bool(registry.load(name).permissions) == (name != "google-ads-leads")


def test_a_description_lists_permissions_fields_and_limits(config: Path) -> None:
    told = data(ltc(config, "connectors", "describe", "xero", "--json"))
    assert "accounting.payments.read" in told["permissions"]
    fields = {stream["name"]: stream["fields"] for stream in told["streams"]}
    assert fields["invoice"]["InvoiceNumber"] == ["number"]
    assert "lines.quantity" in fields["invoice"]["LineItems.*.Quantity"]
    (limit,) = told["limits"]
    assert (limit["calls"], limit["seconds"], limit["concurrent"], limit["calls_a_day"]) == (60, 60, 5, 5000)
    text = ltc(config, "connectors", "describe", "xero").stdout
    assert "- accounting.payments.read" in text
    assert "InvoiceNumber, " in text
    assert "60 in 60 s, 5 at once, 5000 a day, 500 of the day left to others" in text


def test_limits_are_those_of_the_settings_and_fields_those_of_the_systems_mapping(config: Path) -> None:
    limits = {"company": 40, "read": 20, "write": 10}
    form = {"api_key": "${env:NONE}", "app_id": "a", "forms": {"lead": {"entry_id": "e"}}, "limits": limits}
    system = {"connector": "jiandaoyun", "roles": ["marketing"], "mapping": "own.yaml", "config": form}
    own = {"version": 1, "extends": "jiandaoyun", "streams": {"lead": {"fields": {"number": "my_number"}}}}
    config.with_name("own.yaml").write_text(yaml.safe_dump(own))
    config.write_text(yaml.safe_dump({"version": 1, "systems": {"forms": system}}))
    told = data(ltc(config, "connectors", "describe", "forms", "--json"))
    assert [(limit["about"], limit["calls"]) for limit in told["limits"]] == [
        *((None, 40), ("each kind of query", 20), ("each kind of write", 10)),
    ]
    assert told["streams"][0]["fields"]["my_number"] == ["number"]


def test_a_manifest_names_the_permissions_it_needs(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SHOP.read_text(encoding="utf-8").replace("settings:", "permissions: [orders.read]\nsettings:", 1)
    config.with_name("shop.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(config.parent)
    told = data(ltc(config, "connectors", "describe", "shop.yaml", "--json"))
    assert told["permissions"] == ["orders.read"]
    assert {stream["fields"] is None for stream in told["streams"]} == {True}


def test_a_system_of_payments_alone_may_be_a_bank() -> None:
    said = {name: described.roles(described.offer(registry.load(name)).streams) for name in ("bank", "stripe", "xero")}
    assert said == {
        "bank": ["bank", "payments"],
        "stripe": ["accounting", "payments"],
        "xero": ["accounting", "payments"],
    }


def test_the_list_says_which_streams_a_webhook_tells_of_or_brings(config: Path) -> None:
    listed = {item["name"]: item for item in data(ltc(config, "connectors", "list", "--json"))}
    assert listed["xero"]["webhook"]["streams"] == {"contact": "hint", "invoice": "hint"}
    assert listed["google-ads-leads"]["webhook"]["streams"] == {"lead": "record"}
    assert listed["tryton"]["webhook"] is None
    text = ltc(config, "connectors", "list").stdout
    assert "contact+, invoice*+, credit_note," in text
    assert "+ is told of by webhook" in text


def test_a_description_says_how_requests_are_signed_although_no_secret_is_set(config: Path) -> None:
    webhook = webhook_of(config, "stripe")
    assert (webhook["setting"], webhook["handshake"], webhook["answer_seconds"]) == ("webhook_secret", None, 5.0)
    signature = webhook["signature"]
    assert (signature["scheme"], signature["signed"]) == ("hmac-sha256", "{timestamp}.{body}")
    assert (signature["header"], signature["part"]) == ("stripe-signature", "v1")
    assert signature["timestamp"]["tolerance_seconds"] == 300
    assert webhook_of(config, "files") is None


def test_each_stream_of_a_description_says_what_a_webhook_does_for_it(config: Path) -> None:
    shown = data(ltc(config, "connectors", "describe", "xero", "--json"))["streams"]
    assert {stream["name"] for stream in shown if stream["webhooks"] == "hint"} == {"contact", "invoice"}
    assert {stream["webhooks"] for stream in shown} == {"hint", "none"}


def test_the_webhook_of_a_system_without_its_secret_is_shown_too(config: Path) -> None:
    system = {
        "connector": "xero",
        "roles": ["accounting"],
        "config": {"client_id": "a", "client_secret": "${env:NONE}"},
    }
    config.write_text(yaml.safe_dump({"version": 1, "systems": {"books": system}}))
    assert webhook_of(config, "books")["streams"] == {"contact": "hint", "invoice": "hint"}


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "order   order   changed       the source's own list  told of, then read",
                "Signature                hmac-sha256, header x-shop-signature, hex",
                "What is signed           {timestamp}.{body}",
                "Refused when older than  300 s (header x-shop-time)",
                "Known again by           header x-shop-delivery",
                "First question           GET, parameter hub.challenge, parameter hub.verify_token = webhook_secret",
                "Waits for an answer      5 s",
            ],
        ),
        (
            "zh-CN",
            [
                "order   order     changed   源系统的删除清单  告知后读取",
                "签名              hmac-sha256、请求头 x-shop-signature、hex",
                "首次验证提问      GET、参数 hub.challenge、参数 hub.verify_token = webhook_secret",
                "等待应答          5 秒",
            ],
        ),
    ],
)
def test_a_manifest_with_a_webhook_is_described_in_both_languages(config: Path, lang: str, lines: list[str]) -> None:
    manifest = yaml.safe_load(SHOP.read_text("utf-8"))
    manifest["webhook"]["handshake"] = QUESTION
    (config.parent / "shop.yaml").write_text(yaml.safe_dump(manifest))
    text = ltc(config, "--lang", lang, "connectors", "describe", str(config.parent / "shop.yaml")).stdout
    assert [line for line in lines if line not in text] == []
