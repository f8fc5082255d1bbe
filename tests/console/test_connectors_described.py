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
                "order   order  changed   源系统的删除清单  告知后读取",
                "签名              hmac-sha256, 请求头 x-shop-signature, hex",
                "首次验证提问      GET, 参数 hub.challenge, 参数 hub.verify_token = webhook_secret",
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
