"""Secrets that are written out in a file are found by their names and by their look; references are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.literals import in_file
from settings.literals import found, masked


@pytest.mark.parametrize(
    ("entry", "secret"),
    [
        ({"config": {"client_secret": "abc123"}}, "abc123"),
        ({"headers": {"X-Api-Key": "k-1"}}, "k-1"),
        ({"apiToken": "tok"}, "tok"),
        ({"webhook_secret": ["one-1", "${env:TWO}"]}, "one-1"),
        ({"store": "postgresql+psycopg://ltc:hunter2@db/ltc"}, "hunter2"),
        ({"note": "use sk_live_0123456789abcdef"}, "sk_live_0123456789abcdef"),
        ({"password": 123456}, "123456"),
    ],
)
def test_what_is_secret_by_its_name_or_look_is_found(entry: dict[str, object], secret: str) -> None:
    assert [value for _, value in found(entry)] == [secret]


@pytest.mark.parametrize(
    "entry",
    [
        {"client_secret": "${env:SF_CLIENT_SECRET}"},
        {"bearer": "{config.token}"},
        {"token_url": "/oauth/token"},
        {"key": "id"},
        {"api_key": True},
        {"settings": {"token": {"type": "secret"}}},
        {"store": "postgresql+psycopg://ltc:${env:DB}@db/ltc"},
    ],
)
def test_references_and_what_only_speaks_of_secrets_are_none(entry: dict[str, object]) -> None:
    assert list(found(entry)) == []


def test_a_file_that_is_broken_still_shows_no_secret(tmp_path: Path) -> None:
    text = "systems: [\n  crm: {\n    client_secret: abc123  # ours\n  # password: 'old one'\n"
    secrets = in_file(text, tmp_path)
    assert [masked(line, secrets) for line in text.splitlines()][2:] == [
        "    client_secret: •••  # ours",
        "  # password: '•••'",
    ]


def test_the_connectors_own_model_says_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        "version: 1\nname: acme\nbase_url: https://acme.example\nsettings: {entrance: {type: secret}}\n"
        "streams: {order: {entity: order, list: /orders, key: id}}\n"
    )
    text = "systems: {shop: {connector: acme.yaml, config: {entrance: sesame}}}\n"
    assert in_file(text, tmp_path) == {"sesame"}
