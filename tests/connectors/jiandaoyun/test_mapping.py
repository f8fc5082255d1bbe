"""The shipped mapping of the lead form, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.jiandaoyun.config import LEAD_FIELDS, LEAD_WRITABLE
from mappings.engine import MappingError, StreamMapping, load
from mappings.model import Lead, columns
from mappings.statuses import STATUSES
from sandbox.jiandaoyun import LEAD_ALIASES, lead_form, native_data_id, seed
from sandbox.world.build import build_world
from sandbox.world.records import World

UNKNOWN = "待核实"
"""The status of one demo form that no mapping knows."""


@pytest.fixture(scope="module")
def mapping() -> StreamMapping:
    return load("jiandaoyun").stream("lead")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def mapped(mapping: StreamMapping, row: dict[str, Any]) -> dict[str, Any]:
    names = [column.name for column in columns(Lead)]
    return dict(zip(names, mapping.map("forms", row["_id"], json.dumps(row).encode()).row, strict=True))


def test_every_lead_of_the_demo_company_is_mapped(mapping: StreamMapping, world: World) -> None:
    form = lead_form()
    seed(form, world)
    known = [lead for lead in world.form_leads if lead.status != UNKNOWN]
    rows = {key: mapped(mapping, form.read(form.rows[key])) for key in map(native_data_id, known)}
    assert len(rows) == len(known) == len(world.form_leads) - 1 > 2000
    for lead in known:
        row = rows[native_data_id(lead)]
        assert row["number"] == lead.key
        assert row["source_status"] == lead.status
        assert row["company_name"] == (lead.company_name or None)
        assert row["email"] == (lead.email.lower() or None)
        assert row["received_at"] == lead.submitted_at.timestamp() * 1_000_000
        assert row["source_updated_at"] == lead.updated_at.timestamp() * 1_000_000
    assert {row["status"] for row in rows.values()} == {"new", "working", "converted", "disqualified"}


def test_the_demo_form_with_a_status_of_its_own_is_told_with_the_known_ones(
    mapping: StreamMapping, world: World
) -> None:
    form = lead_form()
    seed(form, world)
    (lead,) = (lead for lead in world.form_leads if lead.status == UNKNOWN)
    with pytest.raises(MappingError, match="待分配"):
        mapped(mapping, form.read(form.rows[native_data_id(lead)]))


def test_ids_ascend_with_the_time_of_submission(world: World) -> None:
    seconds = [native_data_id(lead)[:8] for lead in world.form_leads]
    assert seconds == sorted(seconds)
    assert len({native_data_id(lead) for lead in world.form_leads}) == len(world.form_leads)


def test_every_canonical_status_has_a_word_in_the_form(mapping: StreamMapping) -> None:
    words = {status: mapping.reverse("status", status)[1] for status in STATUSES["lead"]}
    assert words == {
        "new": "待分配",
        "nurturing": "跟进中",
        "marketing_qualified": "跟进中",
        "working": "跟进中",
        "sales_qualified": "跟进中",
        "disqualified": "无效",
        "converted": "已转化",
    }
    assert {mapping.reverse("status", "new")[0], mapping.reverse("conversion_note", "x")[0]} == set(LEAD_WRITABLE)


def test_an_unknown_word_is_refused_with_the_known_ones(mapping: StreamMapping) -> None:
    row = {"_id": "1", "createTime": "2026-03-01T08:00:00.000Z", "status": "已归档"}
    with pytest.raises(MappingError, match="待分配"):
        mapped(mapping, row)


def test_a_form_without_a_status_yet_is_a_new_lead_received_when_it_was_made(mapping: StreamMapping) -> None:
    row = mapped(mapping, {"_id": "1", "createTime": "2026-03-01T08:00:00.000Z", "status": "", "phone": None})
    assert (row["status"], row["phone"]) == ("new", None)
    assert row["received_at"] == row["source_created_at"]


def test_the_connector_the_mapping_and_the_demo_form_agree_on_the_fields() -> None:
    assert LEAD_FIELDS == LEAD_ALIASES
