"""What a vendor's sentence still says when people and secrets are out of it."""

from __future__ import annotations

import json

import pytest

from connectors.redact import masked, without_values


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("You are not allowed to access Party.", "You are not allowed to access Party."),
        ("no rights for Bartholomäus Vogelsang <b@x.example>", "no rights for … <…>"),
        ('The party "王小明" has no tax identifier', 'The party "…" has no tax identifier'),
        (
            "The field party.party was wrong, LTC_Note__c too (200)",
            "The field party.party was wrong, LTC_Note__c too (200)",
        ),
        ("call 13987640213 or mail a.b@c.example", "call … or mail …"),
        ("key kanari-7f3Q9x of sk_live_9x is bad", "key … of … is bad"),
        ("", ""),
    ],
)
def test_words_and_names_of_fields_stay_and_names_of_people_go(said: str, shown: str) -> None:
    assert masked(said) == shown


def test_a_sentence_in_any_language_loses_what_the_record_says() -> None:
    record = json.dumps({"Name": "王小明", "Owner": {"Mail": "w@x.example"}, "Phones": ["+86 139 8764 0213"]}).encode()
    said = "王小明 (w@x.example, 13987640213) 的折扣超过15%，需要审批"
    assert without_values(said, record) == "… (…, …) 的折扣超过15%，需要审批"


def test_a_record_that_is_no_json_takes_nothing_away_but_mails_and_numbers() -> None:
    assert without_values("see a@b.example : refused", b"{") == "see … : refused"


def test_a_long_sentence_is_cut() -> None:
    assert len(masked("word " * 1000)) <= 200
    assert len(without_values("word " * 1000, b"{}")) <= 200
