"""What a mapping is tried on shows values, not of people; what is refused is named; suggestions are taken together."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from console import mapping_change, trying
from console.expressions import Mistyped
from mappings.engine import load
from mappings.suggest import Proposal

MAPPING = """\
version: 1
connector: shop
streams:
  order:
    entity: order
    fields: {number: no, currency: cur}
"""
RECORD = {
    "no": "SO-1",
    "cur": "EUR",
    "total": "12,50 EUR",
    "colour": "red",
    "pieces": 3,
    "buyer_name": "Maria Rossi",
    "note": "call +39 06 555 4444",
    "delivery": {"email": "maria@acme.example", "city": "Roma"},
}


def answer(tmp_path: Path, text: str | None, *records: dict[str, Any], mapping: str = MAPPING) -> dict[str, Any]:
    file = tmp_path / "shop.yaml"
    file.write_text(mapping)
    bodies = [(f"r{n}", base64.b64encode(json.dumps(item).encode()).decode()) for n, item in enumerate(records, 1)]
    stream = next(iter(load(file).streams))
    return trying.answer(
        {
            "system": "shop",
            "source": str(file),
            "text": text,
            "name": file.name,
            "folder": str(tmp_path),
            "records": {stream: bodies},
            "shown": (stream, "r1"),
            "stored": {},
            "beside": {},
        }
    )


def test_what_nothing_maps_is_shown_with_its_value_and_what_may_be_of_a_person_by_type_and_length(
    tmp_path: Path,
) -> None:
    shown = answer(tmp_path, None, RECORD)["now"]["shapes"]
    assert (shown["colour"], shown["pieces"], shown["delivery.city"]) == ("red", 3, "Roma")
    assert shown["buyer_name"] == "<str of 11>"
    assert shown["note"] == "<str of 20>"
    assert shown["delivery.email"] == "<str of 18>"


def test_a_change_is_shown_on_a_record_that_it_changes_and_on_the_chosen_one_if_it_does(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, customer_po_number: po")
    records = [RECORD, {**RECORD, "po": "7"}, {**RECORD, "po": "8"}]
    found = answer(tmp_path, text, *records)
    assert found["shown"] == "r2"
    assert (found["now"]["source_id"], found["then"]["source_id"]) == ("r2", "r2")
    assert found["streams"]["order"]["ids"] == {"changed": ["r2", "r3"]}
    assert answer(tmp_path, text, *reversed(records))["shown"] == "r1"
    assert answer(tmp_path, MAPPING, *records)["shown"] == "r1"


def test_a_value_that_a_conversion_turns_into_nothing_is_counted_and_named(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, net_amount: {path: rate, do: [digits, percent]}")
    records = [{**RECORD, "rate": value} for value in ("abc", "13", "", None, "x")]
    found = answer(tmp_path, text, *records)["streams"]["order"]["emptied"]
    assert found == [{"field": "net_amount", "path": "rate", "count": 2, "id": "r1", "value": "abc"}]
    assert answer(tmp_path, text, *records, mapping=text)["streams"] == {}


def test_a_value_of_a_person_that_becomes_nothing_is_told_by_its_type_and_length(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, net_amount: {path: buyer_name, do: [digits, percent]}")
    text = f"{text}    personal: [net_amount]\n"
    (found,) = answer(tmp_path, text, RECORD)["streams"]["order"]["emptied"]
    assert found["value"] == "<str of 11>"


def test_an_amount_with_a_decimal_comma_is_told_its_remedy(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, net_amount: betrag")
    records = [{**RECORD, "betrag": "1.250,00"}]
    (refused,) = answer(tmp_path, text, *records)["streams"]["order"]["refused"]
    assert refused["kind"] == "decimal_comma"
    assert "`decimal_comma`" in refused["reason"]
    better = text.replace("betrag", "{path: betrag, do: [decimal_comma]}")
    fields = answer(tmp_path, better, *records)["then"]["fields"]
    assert next(item["value"] for item in fields if item["name"] == "net_amount") == "1250.00"


@pytest.mark.parametrize(
    ("step", "amount", "remedy"),
    [("decimal_comma", "1,250.00", "decimal_point"), ("decimal_point", "1.250,00", "decimal_comma")],
)
def test_an_amount_read_with_the_wrong_sign_for_decimals_is_told_the_transform_that_reads_it(
    tmp_path: Path, step: str, amount: str, remedy: str
) -> None:
    text = MAPPING.replace("currency: cur", f"currency: cur, net_amount: {{path: betrag, do: [{step}]}}")
    (refused,) = answer(tmp_path, text, {**RECORD, "betrag": amount})["streams"]["order"]["refused"]
    assert refused["kind"] == remedy
    assert f"`{remedy}`" in refused["reason"]
    fields = answer(tmp_path, text.replace(step, remedy), {**RECORD, "betrag": amount})["then"]["fields"]
    assert next(item["value"] for item in fields if item["name"] == "net_amount") == "1250.00"


def test_an_amount_with_signs_between_thousands_is_told_its_remedy(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, net_amount: betrag")
    records = [{**RECORD, "betrag": "1,250.00"}]
    (refused,) = answer(tmp_path, text, *records)["streams"]["order"]["refused"]
    assert refused["kind"] == "decimal_point"
    better = text.replace("betrag", "{path: betrag, do: [decimal_point]}")
    fields = answer(tmp_path, better, *records)["then"]["fields"]
    assert next(item["value"] for item in fields if item["name"] == "net_amount") == "1250.00"


def test_a_column_with_a_dot_in_its_name_is_named_as_it_is_mapped(tmp_path: Path) -> None:
    record = {**RECORD, "Total incl. VAT": "12.50", "Name. (buyer)": "Maria Rossi"}
    text = MAPPING.replace("currency: cur", "currency: cur, gross_amount: Total incl. VAT")
    (absent,) = answer(tmp_path, text, record)["streams"]["order"]["absent"]
    assert absent == {"path": "Total incl. VAT", "near": '"Total incl. VAT"'}
    better = text.replace("Total incl. VAT", "'\"Total incl. VAT\"'")
    then = answer(tmp_path, better, record)["then"]
    assert next(item["value"] for item in then["fields"] if item["name"] == "gross_amount") == "12.50"
    assert '"Total incl. VAT"' not in then["shapes"]
    assert then["shapes"]['"Name. (buyer)"'] == "<str of 11>"


def test_what_is_personal_stays_hidden_whatever_signs_its_name_has(tmp_path: Path) -> None:
    personal = MAPPING.replace("currency: cur", "currency: cur, customer_po_number: '\"Ref., ours\"'")
    personal = f"{personal}    personal: [customer_po_number]\n"
    record = {**RECORD, "Ref., ours": "Maria Rossi", "colour": "blue"}
    found = answer(tmp_path, MAPPING, record, mapping=personal)
    assert found["then"]["shapes"]["colour"] == "blue"
    assert found["then"]["shapes"]['"Ref., ours"'] == "<str of 11>"


def test_a_currency_as_a_word_is_told_its_remedy(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: {path: cur}")
    (refused,) = answer(tmp_path, text, {**RECORD, "cur": "人民币"})["streams"]["order"]["refused"]
    assert refused["kind"] == "currency_name"
    better = MAPPING.replace("currency: cur", "currency: {path: cur, do: [currency_name]}")
    found = answer(tmp_path, better, {**RECORD, "cur": "人民币"})["then"]["fields"]
    assert next(item["value"] for item in found if item["name"] == "currency") == "CNY"
    (refused,) = answer(tmp_path, better, {**RECORD, "cur": "¥"})["streams"]["order"]["refused"]
    assert refused["kind"] == "several_currencies"


def test_a_day_in_another_form_is_told_its_remedy(tmp_path: Path) -> None:
    text = MAPPING.replace("currency: cur", "currency: cur, order_date: datum")
    records = [{**RECORD, "datum": "03.11.2026"}]
    (refused,) = answer(tmp_path, text, *records)["streams"]["order"]["refused"]
    assert refused["kind"] == "day_first"
    better = text.replace("datum", "{path: datum, do: [day_first]}")
    fields = answer(tmp_path, better, *records)["then"]["fields"]
    assert next(item["value"] for item in fields if item["name"] == "order_date") == "2026-11-03"


def test_in_streams_about_people_no_text_that_is_not_read_is_shown(tmp_path: Path) -> None:
    mapping = MAPPING.replace("order:", "lead:").replace("entity: order", "entity: lead")
    mapping = mapping.replace("{number: no, currency: cur}", "{email: mail}")
    shown = answer(tmp_path, None, {"mail": "m@acme.example", "colour": "red", "score": 7}, mapping=mapping)["now"]
    assert shown["shapes"] == {"colour": "<str of 3>", "score": 7}


def test_a_status_is_shown_as_it_is_in_streams_about_people_before_and_after_it_is_mapped(tmp_path: Path) -> None:
    mapping = MAPPING.replace("order:", "lead:").replace("entity: order", "entity: lead")
    mapping = mapping.replace("{number: no, currency: cur}", "{email: mail}")
    status = "    status: {path: PATH, values: {aktiv: new}}\n"
    record = {
        "mail": "m@acme.example",
        "status": "aktiv",
        "customer_state": "aktiv",
        "condition": "aktiv",
        "x": "Maria",
    }
    assert answer(tmp_path, None, record, mapping=mapping)["now"]["shapes"]["status"] == "aktiv"
    for path in ("status", "customer_state", "condition"):
        then = answer(tmp_path, mapping + status.replace("PATH", path), record, mapping=mapping)["then"]
        (shown,) = (item for item in then["fields"] if item["name"] == "status")
        assert (shown["raw"], shown["value"]) == ("aktiv", "new")
    for path, value in (("mail", "m@acme.example"), ("x", "Maria")):
        then = answer(tmp_path, mapping + status.replace("PATH", path), record, mapping=mapping)["then"]
        assert value not in json.dumps(then)


@pytest.mark.parametrize(("kind", "name"), [("person", "<str of 11>"), ("organisation", "Maria Rossi")])
def test_the_name_of_a_customer_who_is_a_person_is_hidden_as_a_contacts_is(
    tmp_path: Path, kind: str, name: str
) -> None:
    mapping = MAPPING.replace("entity: order", "entity: party").replace(
        "{number: no, currency: cur}", "{name: n, kind: k}"
    )
    shown = answer(tmp_path, None, {"n": "Maria Rossi", "k": kind}, mapping=mapping)["now"]["fields"]
    assert [item["value"] for item in shown if item["name"] == "name"] == [name]


def test_records_that_a_change_refuses_for_one_reason_are_counted_with_field_column_value_and_reason(
    tmp_path: Path,
) -> None:
    changed = MAPPING.replace("currency: cur}", "currency: cur, gross_amount: total}")
    good = {**RECORD, "total": "12.50"}
    found = answer(tmp_path, changed, good, RECORD, *[RECORD] * 8)["streams"]["order"]
    assert found["counts"] == {"changed": 1, "refused": 9}
    assert found["refused"] == [
        {
            "ids": ["r2", "r3", "r4"],
            "count": 9,
            "field": "gross_amount",
            "path": "total",
            "value": '"12,50 EUR"',
            "reason": "is not a decimal number",
            "kind": "money",
        }
    ]


def test_the_value_of_a_person_is_not_told_when_it_is_refused(tmp_path: Path) -> None:
    mapping = MAPPING.replace("order:", "lead:").replace("entity: order", "entity: lead")
    mapping = mapping.replace("{number: no, currency: cur}", "{email: mail}")
    changed = mapping.replace("{email: mail}", "{email: mail, source_created_at: mail}")
    found = answer(tmp_path, changed, {"mail": "maria@acme.example"}, mapping=mapping)["streams"]["lead"]
    assert found["refused"][0]["field"] == "source_created_at"
    assert "maria" not in json.dumps(found)


def test_an_amount_without_a_currency_and_a_currency_that_is_none_are_told_as_such(tmp_path: Path) -> None:
    def refused(text: str) -> Any:
        return answer(tmp_path, text, {**RECORD, "total": "12.50"})["streams"]["order"]["refused"][0]["kind"]

    assert refused(MAPPING.replace("cur}", "none, gross_amount: total}")) == "no_currency"
    assert refused(MAPPING.replace("currency: cur", "currency: {const: 贝壳}, gross_amount: total")) == "currency"


def taken(tmp_path: Path, *names: str) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text(
        MAPPING.replace("order:", "lead:").replace("entity: order", "entity: lead").replace(", currency: cur", "")
    )
    proposed = [
        Proposal("email", "mail", 97, ""),
        Proposal("phone", "tel", 90, "", ("phone",)),
        Proposal("campaign", "camp", 60, ""),
    ]
    return mapping_change.taken(file.read_text(), file.name, "lead", load(file).streams["lead"], proposed, names, "EUR")


def test_several_suggestions_are_taken_at_once_with_their_steps_and_people_marked(tmp_path: Path) -> None:
    (tmp_path / "then.yaml").write_text(taken(tmp_path, "email", "phone"))
    stream = load(tmp_path / "then.yaml").streams["lead"]
    assert set(stream.definition.fields) == {"number", "email", "phone"}
    assert {"email", "phone"} <= stream.personal
    assert "do: [phone]" in (tmp_path / "then.yaml").read_text()


@pytest.mark.parametrize("names", [("",), ("email", "nothing"), ()])
def test_what_is_not_suggested_is_not_taken(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(Mistyped):
        taken(tmp_path, *names)
