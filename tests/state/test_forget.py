"""Erasing a person: nothing of them is left anywhere, everything else is as it was, and they do not come back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mappings.engine import Mapping, load
from state import (
    agreed,
    audit,
    backup,
    corrections,
    erasure,
    forget,
    held,
    landing,
    locks,
    outbox,
    overwritten,
    remap,
    restore,
    runs,
    schema,
    scrub,
    space,
    writelog,
)
from state.changes import FieldChange, Item, OutboxStatus, PlanError
from state.erasure import ErasureError
from state.landing import Counts
from state.scrub import Scrubber
from state.store import Store

MAPPING = """
version: 1
connector: crm
streams:
  lead:
    entity: lead
    fields: {number: no, contact_name: name, company_name: company, email: mail, phone: tel, campaign: campaign,
             conversion_note: note}
    status: {path: state, values: {new: new, done: converted}}
    required: [contact_name]
    personal: [contact_name, email, phone]
    write: {conversion_note: note}
  contact:
    entity: contact
    fields: {first_name: first, last_name: last, email: mail, phone: tel, party_ref: {path: company, ref: id}}
  customer:
    entity: party
    fields: {number: no, name: name, kind: kind, email: mail, domain: {path: mail, do: [domain]}, phone: tel,
             city: city, tax_id: tax}
    personal: [name, tax_id]
  order:
    entity: order
    fields: {number: no, currency: {const: CNY}, net_amount: net, customer_po_number: po,
             party_ref: {path: customer, ref: id}}
    status: {path: state, values: {open: confirmed}}
    lines: {path: lines, fields: {description: what, net_amount: net}}
"""
ANNA = ("Anna Weber", "anna.weber@example.com", "Weber", "anna", "138 0000 0001", "13800000001", "17 Linden Street")


class World:
    """A CRM and a shop with Anna, Bob, and what Anna ordered."""

    def __init__(self, store: Store, mapping: Mapping) -> None:
        self.store = store
        self.mapping = mapping
        self.mappers: Any = {(s, name): item for s in ("crm", "shop") for name, item in mapping.streams.items()}

    def land(self, system: str, stream: str, *documents: dict[str, Any], **more: Any) -> Counts:
        mapper = self.mapping.stream(stream)
        records = [_Raw(item["id"], json.dumps(item).encode()) for item in documents]
        with self.store.transaction() as connection:
            opened = landing.open_stream(connection, system, stream, mapper.entity)
            return landing.apply(connection, opened, mapper, records, run_id="r", **more)

    def remap(self, system: str, stream: str) -> Counts:
        mapper = self.mapping.stream(stream)
        with self.store.transaction() as connection:
            opened = landing.open_stream(connection, system, stream, mapper.entity)
            return remap.remap(connection, opened, mapper, remap.held(connection, opened, 0), run_id="r")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def id(self, source_id: str) -> int:
        return int(self.rows(f"SELECT id FROM record WHERE source_id = '{source_id}'")[0][0])

    def preview(self, *needles: str, kept: tuple[int, ...] = ()) -> forget.Erased:
        return forget.preview(self.store, self.mappers, needles, kept)

    def forget(self, *needles: str, kept: tuple[int, ...] = (), reason: str = "request 17") -> forget.Erased:
        return forget.forget(self.store, self.mappers, needles, "Li Na", reason, kept)

    def everything(self) -> str:
        """Every value of every table, records unpacked."""
        found = []
        with self.store.reading() as connection:
            for table in schema.metadata.sorted_tables:
                for row in connection.execute(table.select()):
                    values = [landing.load_body(connection, row[0], row[1])] if table.name == "landing" else list(row)
                    found += [
                        value.decode("utf-8", "replace") if type(value) is bytes else str(value) for value in values
                    ]
        return "\n".join(found)


class _Raw:
    version = None

    def __init__(self, source_id: str, body: bytes) -> None:
        self.source_id = source_id
        self.body = body


CONTACT = {"id": "C1", "first": "Anna", "last": "Weber", "mail": "anna.weber@example.com", "tel": "+86 138 0000 0001"}
LEAD = {"id": "L1", "no": "L-1", "name": "Anna Weber", "company": "ACME", "mail": "Anna.Weber@example.com ",
        "tel": "138-0000-0001", "state": "new", "memo": "lives in 17 Linden Street", "note": "call back"}  # fmt: skip
CUSTOMER = {"id": "P1", "no": "K-7", "name": "Anna Weber", "mail": "anna.weber@example.com", "city": "Berlin",
            "tax": "DE 4711 0815", "tel": "030 99 88 77"}  # fmt: skip
ORDER = {"id": "O1", "no": "SO-1", "net": "119.50", "state": "open", "customer": "P1", "po": "Anna Weber / 3",
         "lines": [{"what": "For Anna Weber", "net": "119.50"}], "ship": "c/o anna.weber@example.com"}  # fmt: skip
BOB = {"id": "C2", "first": "Bob", "last": "Ames", "mail": "bob@example.com", "tel": "+86 139 0000 0002"}


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    path = tmp_path / "crm.yaml"
    path.write_text(MAPPING)
    made = World(store, load(path))
    made.land("crm", "contact", {**CONTACT, "mail": "anna@old-job.example"}, BOB)
    made.land("crm", "contact", CONTACT)
    made.land("crm", "lead", LEAD)
    made.land("shop", "customer", CUSTOMER)
    made.land("shop", "order", ORDER)
    return made


def planned(world: World, source_id: str, status: OutboxStatus, change: FieldChange, entity: str = "lead") -> int:
    record_id = world.id(source_id)
    item = Item(
        "crm", entity, entity, record_id, source_id, "Anna Weber", 1, (change,), f"key {hash(change.old)}", status
    )
    with world.store.transaction() as connection:
        outbox._insert(connection, "p", [item])
        return int(connection.execute(text("SELECT max(id) FROM outbox")).scalar_one())


@pytest.fixture
def traces(world: World) -> World:
    """Anna in every corner that a run or a person may leave her in."""
    lead, contact, customer, order = (world.id(name) for name in ("L1", "C1", "P1", "O1"))
    bad = {**LEAD, "id": "L9", "no": "L-9", "state": "unheard of"}
    world.land("crm", "lead", bad)
    note = FieldChange(
        "conversion_note", "note", "call back", "Anna Weber bought", "call back", "Anna Weber bought", "r"
    )
    mail = FieldChange("email", "mail", "a@b.example", "x@y.example", "a@b.example", "x@y.example", "r")
    lost = FieldChange(
        "conversion_note", "note", "wrote to Anna Weber", "done", "wrote to Anna Weber", "done", "r", None, True
    )
    planned(world, "L1", OutboxStatus.PLANNED, note)
    planned(world, "L1", OutboxStatus.APPLIED, mail)
    planned(world, "L1", OutboxStatus.APPLIED, lost)
    with world.store.transaction() as connection:
        agreed.write(
            connection, [(lead, "email", "anna.weber@example.com"), (lead, "conversion_note", "call Anna Weber")]
        )
        kept = held.Held(
            lead, "email", "crm", "lead", "lead", "L1", "Anna Weber", "ask", "a@b.example", "c@d.example", None, "r"
        )
        held.replace(connection, "crm", [kept])
        decision = held.Decision(
            lead, "conversion_note", "instead", "a", "b", "Anna Weber says", "Li Na", "Anna Weber asked"
        )
        held.keep_decision(connection, decision)
        writelog.note(
            connection, [(lead, "email", 1, "anna.weber@example.com"), (lead, "conversion_note", 2, "Weber, Anna")]
        )
        locks.lock(connection, order, "Li Na", "disputed by Anna Weber")
        values = {"check_id": "c", "stage": "order", "department": "sales", "severity": "error", "run_id": "r"}
        at = {"first_seen_at": 1, "last_seen_at": 1}
        params = json.dumps({"party": "Anna Weber", "amount": 11950})
        connection.execute(schema.finding.insert().values(id="f", status="open", params=params, **values, **at))
        rows = [("f", 1, customer, "shop", "party", "P1", "Anna Weber"), ("f", 2, order, "shop", "order", "O1", "SO-1")]
        for row in rows:
            connection.execute(schema.finding_record.insert().values(row))
        detail = json.dumps({"params": {"party": ["13800000001", "Anna Weber"]}})
        event = {"finding_id": "f", "at": 1, "event": "changed", "actor": "ltc", "detail": detail}
        connection.execute(schema.finding_event.insert().values(**event))
        runs.start_stream(connection, "r", "crm", "lead", "pull")
        error = ("contract", "It answered anna.weber@example.com.", "Ask Anna Weber")
        runs.finish_stream(connection, "r", "crm", "lead", "pull", status="failed", counts={}, error=error)
        evidence = {"method": "email", "score": 900, "decided_by": None, "decided_at": None, "run_id": "r"}
        link = {"kind": "same_as", "left_entity": "party", "right_entity": "party", **evidence}
        link["evidence"] = '{"email": "anna.weber@example.com"}'
        ends = ((contact, customer, "auto"), (lead, customer, "suggested"), (lead, order, "cut"))
        for left, right, decision_ in ends:
            connection.execute(schema.link.insert().values(left_id=left, right_id=right, decision=decision_, **link))
        audit.append(connection, "Li Na", "period closed", {"period": "2026-10"})
    return world


def test_nothing_of_the_person_is_left_in_any_table(traces: World) -> None:
    before = traces.everything().lower()
    assert all(item.lower() in before for item in ANNA)
    erased = traces.forget("anna.weber@example.com", reason="Anna Weber wrote to us")
    assert sorted(found.record.source_id for found in erased.records) == ["C1", "L1", "L9", "P1"]
    after = traces.everything().lower()
    assert [
        item for item in (*ANNA, "old-job", "4711 0815", "47110815", "99 88 77", "a@b.example") if item.lower() in after
    ] == []
    assert "bob@example.com" in after
    assert traces.rows("SELECT reason FROM erasure") == [("[erased] wrote to us",)]


def test_nothing_of_the_person_is_left_in_the_files_of_the_database(
    sqlite_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "crm.yaml"
    path.write_text(MAPPING)
    world = World(sqlite_store, load(path))
    for number in range(50):
        world.land("crm", "contact", {**CONTACT, "tel": f"{number}", "last": "Weber"})
    world.forget("anna.weber@example.com")
    space.compact(sqlite_store)
    database = Path(str(sqlite_store.engine.url.database))
    files = b"".join(item.read_bytes() for item in database.parent.glob(f"{database.name}*"))
    assert len(files) > 10_000
    assert b"anna.weber" not in files
    assert sqlite3.connect(database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_ids_references_and_amounts_are_as_they_were(traces: World) -> None:
    queries = (
        "SELECT source_id, number, status FROM leads ORDER BY 1",
        "SELECT source_id, number, city FROM parties",
        "SELECT source_id, number, party_ref, net_amount, status FROM orders",
        "SELECT record_id, line_no, net_amount FROM order_lines",
        "SELECT id, stream_id, source_id, hash, seq, state FROM record ORDER BY id",
        "SELECT record_id, seq, hash, origin FROM landing ORDER BY 1, 2",
        "SELECT finding_id, n, record_id, source_id FROM finding_record ORDER BY 1, 2",
    )
    before = [traces.rows(query) for query in queries]
    traces.forget("anna.weber@example.com")
    assert [traces.rows(query) for query in queries] == before
    assert traces.rows("SELECT first_name, last_name, email, party_ref FROM contacts ORDER BY source_id") == [
        (None, None, None, None),
        ("Bob", "Ames", "bob@example.com", None),
    ]
    assert traces.rows("SELECT name, domain, tax_id FROM parties") == [(None, None, None)]
    assert traces.rows("SELECT customer_po_number FROM orders") == [("[erased] / 3",)]
    (body,) = traces.rows(f"SELECT record_id FROM landing WHERE record_id = {traces.id('O1')}")
    with traces.store.reading() as connection:
        order = json.loads(landing.load_body(connection, body[0]))
    assert order == {
        **ORDER,
        "po": "[erased] / 3",
        "ship": "c/o [erased]",
        "lines": [{"what": "For [erased]", "net": "119.50"}],
    }


def test_what_was_linked_by_what_goes_stays_linked(traces: World) -> None:
    traces.forget("anna.weber@example.com")
    found = traces.rows("SELECT left_id, right_id, decision, decided_by, evidence FROM link ORDER BY 1, 2")
    contact, customer, lead, order = (traces.id(name) for name in ("C1", "P1", "L1", "O1"))
    assert found == [
        (contact, customer, "confirmed", "Li Na", '{"erased": true}'),
        (lead, order, "cut", None, '{"erased": true}'),
    ]


def test_nothing_is_written_or_restored_that_is_no_value_any_more(traces: World) -> None:
    traces.forget("anna.weber@example.com")
    assert traces.rows("SELECT status FROM outbox ORDER BY id") == [("superseded",), ("applied",), ("applied",)]
    for table in ("agreed", "decision", "held", "write_log"):
        assert traces.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    with traces.store.transaction() as connection:
        (item,) = overwritten.listing(connection)
        with pytest.raises(PlanError, match="erased"):
            overwritten.restore(connection, item, overwritten.lost(item), "Li Na")


def test_the_audit_verifies_though_words_in_it_were_erased(traces: World) -> None:
    erased = traces.forget("anna.weber@example.com")
    assert erased.audit_rows == 1
    with traces.store.reading() as connection:
        assert audit.verify(connection).intact
        last, closed, locked = audit.entries(connection)
    assert (locked.action, locked.detail, locked.erased) == ("record locked", {}, True)
    assert closed.detail == {"period": "2026-10"}
    assert last.action == "person erased"
    assert last.detail["emptied_audit_rows"] == [1]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit SET detail = '', salt = '' WHERE id = 2",
        "UPDATE audit SET seal = salt WHERE id = 1",
        "UPDATE audit SET detail = '{}' WHERE id = 1",
        "UPDATE audit SET salt = seal WHERE id = 3",
    ],
)
def test_an_emptied_audit_row_that_no_erasure_names_counts_as_tampered_with(traces: World, edit: str) -> None:
    traces.forget("anna.weber@example.com")
    with traces.store.transaction() as connection:
        connection.execute(text(edit))
        assert not audit.verify(connection).intact


# -- who is found


def test_a_preview_changes_nothing_and_tells_what_is_found_and_how(traces: World) -> None:
    before = traces.everything()
    found = traces.preview("Anna Weber")
    assert traces.everything() == before
    how = {item.record.source_id: (item.how, item.in_source) for item in found.records}
    assert how == {"C1": ("name", True), "L1": ("name", True), "P1": ("name", True), "L9": ("name", True)}
    fields = {item.record.source_id: item.fields for item in found.records}
    assert fields["P1"] == ("domain", "email", "name", "phone", "tax_id")
    assert found.versions == 1
    assert found.rows["orders"] == found.rows["order_lines"] == 1


@pytest.mark.parametrize(
    ("needle", "records"),
    [
        ("ANNA@old-job.example", ["C1", "L1", "P1"]),
        ("0138 0000 0001", ["C1", "L1", "P1"]),
        ("crm:lead:L1", ["C1", "L1", "P1"]),
        ("weber,  anna", ["C1", "L1", "P1"]),
        ("bob@example.com", ["C2"]),
        ("nobody@example.com", []),
    ],
)
def test_a_person_is_found_by_anything_they_ever_showed(world: World, needle: str, records: list[str]) -> None:
    assert sorted(item.record.source_id for item in world.preview(needle).records) == records


def test_a_record_that_is_kept_stays_and_what_it_shares_is_no_mark(world: World) -> None:
    world.forget("anna.weber@example.com", kept=(world.id("L1"),))
    assert world.rows("SELECT contact_name, email FROM leads") == [("Anna Weber", "Anna.Weber@example.com ")]
    assert world.rows("SELECT customer_po_number FROM orders") == [("Anna Weber / 3",)]
    assert world.land("crm", "lead", {**LEAD, "id": "L2"}).withheld == 0
    assert world.land("shop", "customer", {**CUSTOMER, "city": "Bonn"}).withheld == 1


def test_a_colleague_with_the_same_switchboard_is_another_person(world: World) -> None:
    world.land("crm", "contact", {**BOB, "tel": CONTACT["tel"]})
    world.forget("anna.weber@example.com")
    assert world.rows("SELECT last_name, phone FROM contacts WHERE last_name IS NOT NULL") == [("Ames", CONTACT["tel"])]
    assert world.land("crm", "contact", {**BOB, "tel": CONTACT["tel"], "last": "Amos"}).withheld == 0


def test_a_company_keeps_its_name(world: World) -> None:
    company = {
        "id": "P2",
        "no": "K-8",
        "name": "ACME GmbH",
        "kind": "organisation",
        "mail": CONTACT["mail"],
        "city": "Ulm",
    }
    world.land("shop", "customer", company)
    world.forget("anna.weber@example.com")
    assert world.rows("SELECT name, email, city FROM parties WHERE number = 'K-8'") == [("ACME GmbH", None, "Ulm")]


def test_an_order_is_no_person(world: World) -> None:
    with pytest.raises(ErasureError, match="is of kind order"):
        world.preview("shop:order:O1")
    with pytest.raises(ErasureError, match="Nobody"):
        world.forget("nobody@example.com")


def test_nobody_is_erased_while_a_run_is_at_work(world: World) -> None:
    with runs.lease(world.store, "stream crm.lead", owner="elsewhere:1:2/3"), pytest.raises(runs.LeaseHeld):
        world.forget("anna.weber@example.com")
    assert "Anna Weber" in world.everything()


# -- who comes back


def test_what_a_source_sends_again_is_dropped_on_arrival(world: World) -> None:
    world.forget("anna.weber@example.com")
    assert world.land("crm", "contact", CONTACT).as_dict()["unchanged"] == 1
    changed = world.land("crm", "contact", {**CONTACT, "last": "Weber-Ames", "mail": "new@example.org"}, BOB)
    assert (changed.changed, changed.withheld) == (1, 1)
    fresh = world.land("shop", "lead", {**LEAD, "id": "L5", "no": "L-5"})
    assert (fresh.new, fresh.withheld) == (1, 1)
    assert world.land("shop", "lead", {**LEAD, "id": "L5", "no": "L-5", "mail": "", "tel": ""}).withheld == 1
    unknown = world.land("shop", "lead", {**LEAD, "id": "L6", "state": "unheard of"})
    assert (unknown.rejected, unknown.withheld) == (1, 1)
    everything = world.everything().lower()
    assert [item for item in (*ANNA, "new@example.org", "weber-ames") if item.lower() in everything] == []
    assert world.rows("SELECT number, status, contact_name FROM leads WHERE number = 'L-5'") == [("L-5", "new", None)]


def test_a_replay_does_not_bring_the_person_back_nor_quarantine_what_is_left(world: World) -> None:
    world.forget("anna.weber@example.com")
    before = [world.rows(f"SELECT * FROM {table} ORDER BY 1") for table in ("leads", "contacts", "parties")]
    for system, stream in (("crm", "lead"), ("crm", "contact"), ("shop", "customer"), ("shop", "order")):
        assert world.remap(system, stream).rejected == 0
    assert [world.rows(f"SELECT * FROM {table} ORDER BY 1") for table in ("leads", "contacts", "parties")] == before


def test_a_lifted_erasure_lets_the_next_full_pull_bring_the_person_back(world: World) -> None:
    erased = world.forget("anna.weber@example.com")
    with world.store.transaction() as connection:
        assert sorted(item.source_id for item in erasure.lift(connection, erased.erasure_id, "Li Na")) == [
            "C1",
            "L1",
            "P1",
        ]
        with pytest.raises(ErasureError):
            erasure.lift(connection, erased.erasure_id, "Li Na")
    again = world.land("crm", "contact", CONTACT)
    assert (again.changed, again.withheld) == (1, 0)
    assert ("Anna", "Weber") in world.rows("SELECT first_name, last_name FROM contacts")
    with world.store.reading() as connection:
        assert audit.verify(connection).intact


def test_what_people_typed_for_a_record_in_quarantine_goes_with_the_person(world: World) -> None:
    world.land("crm", "lead", {**LEAD, "id": "L9", "no": "L-9", "name": "", "state": "unheard of"})
    world.land("crm", "lead", {**LEAD, "id": "L8", "name": "Bob Ames", "mail": "bob@example.com", "tel": "", "memo": "",
                               "state": "unheard of"})  # fmt: skip
    own, other = world.id("L9"), world.id("L8")
    with world.store.transaction() as connection:
        corrections.keep(connection, own, {"name": "Anja W. of Linden", "state": "new"}, "Li Na", "Anna Weber called")
        told = {"note": "call Anna Weber, anna.weber@example.com", "state": "new"}
        corrections.keep(connection, other, told, "Li Na", "as Anna Weber says")
    world.remap("crm", "lead")
    assert world.forget("anna.weber@example.com").rows["correction"] > 0
    everything = world.everything().lower()
    assert [item for item in (*ANNA, "anja w. of linden") if item.lower() in everything] == []
    with world.store.reading() as connection:
        assert corrections.of_record(connection, own) == []
        assert {item.path for item in corrections.of_record(connection, other)} == {"note", "state"}
    assert world.rows(f"SELECT contact_name, status FROM leads WHERE record_id = {other}") == [("Bob Ames", "new")]
    world.remap("crm", "lead")
    everything = world.everything().lower()
    assert [item for item in (*ANNA, "anja w. of linden") if item.lower() in everything] == []


def test_the_digests_tell_nothing_without_their_key(world: World, store: Store) -> None:
    world.forget("anna.weber@example.com")
    mark = erasure.of_email("anna.weber@example.com")
    assert mark is not None
    with store.reading() as connection:
        digests = [bytes(row[0]) for row in connection.execute(text("SELECT digest FROM tombstone"))]
        (key,) = [bytes(row[0]) for row in connection.execute(text("SELECT key FROM erasure_key"))]
    assert erasure.digest(key, mark) in digests
    assert erasure.digest(bytes(32), mark) not in digests


def silent(_table: str, _rows: int) -> None:
    pass


@pytest.fixture
def put_back(world: World, tmp_path: Path) -> Callable[[], None]:
    """Restores a backup with Anna in it."""
    path = tmp_path / "older.zst"
    backup.write(world.store, path, silent)

    def put_back() -> None:
        restore.restore(world.store, path, "Li Na", replace=True, checked=silent, told=silent)

    return put_back


def test_a_restored_backup_is_erased_again(world: World, put_back: Callable[[], None]) -> None:
    first = world.forget("anna.weber@example.com")
    put_back()
    assert "Anna Weber" in world.everything()
    (again,) = forget.again(world.store, world.mappers)
    assert again.erasure_id == first.erasure_id
    everything = world.everything().lower()
    assert [item for item in ANNA if item.lower() in everything] == []
    assert forget.again(world.store, world.mappers) == []
    with world.store.reading() as connection:
        assert audit.verify(connection).intact


def test_what_arrives_between_a_restore_and_the_erasure_is_dropped(world: World, put_back: Callable[[], None]) -> None:
    world.forget("anna.weber@example.com")
    put_back()
    assert world.land("crm", "contact", {**CONTACT, "last": "Weber!"}).withheld == 1


def test_an_erasure_that_was_killed_half_way_is_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scrub, "scrub_bodies", killed)
        with pytest.raises(KeyboardInterrupt):
            world.forget("anna.weber@example.com")
    assert "anna.weber@example.com" in world.everything()
    assert len(forget.again(world.store, world.mappers)) == 1
    everything = world.everything().lower()
    assert [item for item in ANNA if item.lower() in everything] == []


def test_a_stream_that_ltc_yaml_does_not_name_any_more_is_emptied_whole(world: World) -> None:
    del world.mappers["crm", "lead"]
    world.forget("crm:lead:L1", "anna.weber@example.com")
    everything = world.everything().lower()
    assert [item for item in ANNA if item.lower() in everything] == []


# -- texts


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("call ANNA  Weber now", "call [erased] now"),
        ("Hannah Weber and Anna Webers", "Hannah Weber and Anna Webers"),
        ("(0086)138-0000-0001", "([erased]"),
        ("tel +86 138 0000 0001.", "tel [erased]."),
        ("order 1380000000199", "order 1380000000199"),
        ("请联系李小娜女士", "请联系[erased]女士"),
        ("P1", "P1"),
    ],
)
def test_values_are_taken_out_of_texts_as_people_write_them(given: str, left: str) -> None:
    assert Scrubber(["Anna Weber", "13800000001", "李小娜", "P1"], ["P1"]).text(given) == left


def test_numbers_of_a_record_stay_digit_by_digit() -> None:
    body = b'{"a": "Anna Weber", "n": 1.50, "e": 1E+2, "i": 9007199254740993, "u": "\\u0041nna Weber"}'
    kept = Scrubber(["Anna Weber"]).body(body)
    assert kept == b'{"a":"[erased]","n":1.50,"e":1E+2,"i":9007199254740993,"u":"[erased]"}'
    assert Scrubber(["Anna Weber"]).body(b'{"n":1.50}') is None
