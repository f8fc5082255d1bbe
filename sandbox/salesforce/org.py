"""The records of the stand-in org: what API clients and people do to them, with Salesforce's rules.

Every change stamps ``SystemModstamp`` and ``LastModifiedDate`` to the second. Deleting puts a record and its children
into the recycle bin; lines roll up into their quote, which is stamped only if an amount moved.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.salesforce import ids, schema
from sandbox.salesforce.clock import Clock
from sandbox.salesforce.failures import ApiError, deleted, not_found
from sandbox.salesforce.schema import Child, Field, SObject
from sandbox.salesforce.values import accept

Record = dict[str, Any]

_POINTERS = {
    name: tuple(child.field for children in schema.CHILDREN.values() for child in children if child.object == name)
    for name in ids.PREFIXES
}
"""Object → its fields that make it a child of another."""

USER_ID = ids.salesforce_id("User", "integration")
ORGANIZATION_ID = ids.salesforce_id("Organization", "demo")


class Org:
    """All objects and records; every method may be called from any thread."""

    def __init__(self, *, multi_currency: bool = True) -> None:
        self.clock = Clock()
        self.lock = threading.RLock()
        self.multi_currency = multi_currency
        self.objects: dict[str, SObject] = schema.objects(multi_currency=multi_currency)
        self.tables: dict[str, dict[str, Record]] = {name: {} for name in self.objects}
        self.delete_log: list[tuple[str, str, datetime]] = []
        """Object, id, when."""
        self.purged_until: dict[str, datetime] = {}
        """Object → the newest deletion that was cleared out of the delete log."""
        self._names = {name.lower(): name for name in self.objects}
        self.numbers: dict[str, int] = {}
        self.updates: Counter[str] = Counter()
        """Record → how often it was changed, by anybody."""
        self._children: dict[tuple[str, str], dict[str | None, dict[str, None]]] = {}
        self.load("User", {"Id": USER_ID, "Name": "LTC Integration", "Username": "integration@example.com"})
        self.load("Organization", {"Id": ORGANIZATION_ID, "Name": "Demo", "IsSandbox": True, "InstanceName": "DEMO1"})

    # What people do.

    def edit(self, name: str, record_id: str, /, **values: Any) -> Record:
        """A person changes fields of a record."""
        return self.update(name, record_id, values)

    def hide_field(self, name: str, field: str) -> None:
        """An admin removes a field, or its visibility for the integration user."""
        with self.lock:
            self.objects[name].fields.pop(field)
            self.objects[name].reindex()

    def add_field(self, name: str, field: Field) -> None:
        """An admin makes a field."""
        with self.lock:
            self.objects[name].fields[field.name] = field
            self.objects[name].reindex()

    def purge(self) -> None:
        """An admin empties the recycle bin."""
        with self.lock:
            for table in self.tables.values():
                for record_id in [key for key, record in table.items() if record["IsDeleted"]]:
                    del table[record_id]
            self.reindex()

    def forget_deletions(self, name: str) -> None:
        """Salesforce trims its delete log: deletions until now can no longer be asked for."""
        with self.lock:
            self.delete_log = [entry for entry in self.delete_log if entry[0] != name]
            self.purged_until[name] = self.clock.now()

    # Reading.

    def sobject(self, name: str) -> SObject:
        """The object of that name, in any case."""
        found = self._names.get(name.lower())
        if found is None:
            raise not_found()
        return self.objects[found]

    def records(self, name: str) -> list[Record]:
        """All records of an object, those in the recycle bin too."""
        with self.lock:
            return list(self.tables[name].values())

    def find(self, name: str, record_id: str) -> Record | None:
        """A record by its id of 15 or 18 characters, in the recycle bin or not."""
        return self.tables[name].get(ids.normal(record_id) or "")

    def live(self, name: str, record_id: str) -> Record:
        """A record that is not deleted."""
        record = self.find(name, record_id)
        if record is None:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {record_id}")
        if record["IsDeleted"]:
            raise deleted()
        return record

    def by_external_id(self, name: str, field: str, value: str) -> list[Record]:
        """Live records with this value in an external id field."""
        item = self._field(self.sobject(name), field)
        if item.name == "Id":
            record = self.find(name, value)
            return [record] if record and not record["IsDeleted"] else []
        if not item.external_id:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {field}")
        return [
            record for record in self.tables[name].values() if record[item.name] == value and not record["IsDeleted"]
        ]

    # Changing.

    def create(self, name: str, values: Record) -> Record:
        """A new record; raises ``ApiError`` where Salesforce refuses it."""
        with self.lock:
            sobject = self.sobject(name)
            given = self._accepted(sobject, values, creating=True)
            missing = [item.name for item in sobject.fields.values() if _is_missing(item, given)]
            if missing:
                raise ApiError(
                    "REQUIRED_FIELD_MISSING",
                    f"Required fields are missing: [{', '.join(missing)}]",
                    fields=tuple(missing),
                )
            number = self.numbers[name] = self.numbers.get(name, 0) + 1
            stamp = self.clock.stamp()
            given |= {"Id": ids.salesforce_id(name, f"created {number}"), "CreatedDate": stamp}
            return self.load(name, given)

    def update(self, name: str, record_id: str, values: Record) -> Record:
        """Change a live record."""
        with self.lock:
            sobject = self.sobject(name)
            record = self.live(sobject.name, record_id)
            given = self._accepted(sobject, values, creating=False)
            emptied = [key for key in given if given[key] is None and sobject.fields[key].required]
            if emptied:
                raise ApiError(
                    "REQUIRED_FIELD_MISSING",
                    f"Required fields are missing: [{', '.join(emptied)}]",
                    fields=tuple(emptied),
                )
            self._unlink(sobject.name, record)
            record.update(given)
            self._link(sobject.name, record)
            self._derive(sobject.name, record, given)
            self._touch(record)
            self._roll_up(sobject.name, record)
            self.updates[record["Id"]] += 1
            return record

    def upsert(self, name: str, field: str, value: str, values: Record) -> tuple[Record, bool]:
        """Create or update by external id; true if it was created."""
        with self.lock:
            sobject = self.sobject(name)
            found = self.by_external_id(sobject.name, field, value)
            if len(found) > 1:
                raise ApiError("DUPLICATE_EXTERNAL_ID", f"{field}: more than one record found", status=300)
            if found:
                return self.update(sobject.name, found[0]["Id"], values), False
            if field.lower() == "id":
                raise not_found()
            return self.create(sobject.name, {**values, self._field(sobject, field).name: value}), True

    def delete(self, name: str, record_id: str, when: datetime | None = None) -> None:
        """Put a record and its children into the recycle bin."""
        with self.lock:
            record = self.live(self.sobject(name).name, record_id)
            self._delete(name, record, record["Id"], when or self.clock.stamp())
            self._roll_up(name, record)

    def undelete(self, name: str, record_id: str) -> None:
        """Take a record, and what was deleted with it, back out of the recycle bin."""
        with self.lock:
            record = self.find(name, record_id)
            if record is None or not record["IsDeleted"]:
                raise ApiError("UNDELETE_FAILED", "Entity is not in the recycle bin")
            group = record["_deleted_with"]
            back = set()
            for other, table in self.tables.items():
                for item in table.values():
                    if item.get("_deleted_with") == group:
                        item.pop("_deleted_with")
                        item["IsDeleted"] = False
                        self._touch(item)
                        back.add((other, item["Id"]))
            self.delete_log = [entry for entry in self.delete_log if entry[:2] not in back]
            self._roll_up(name, record)

    def load(self, name: str, values: Record, *, modified: datetime | None = None) -> Record:
        """Put a record in as it is given, system fields included, without validation."""
        with self.lock:
            sobject = self.objects[name]
            record: Record = {key: item.default for key, item in sobject.fields.items()}
            record |= {key: value for key, value in values.items() if key in sobject.fields}
            stamp = modified or self.clock.stamp()
            record["IsDeleted"] = False
            record["CreatedDate"] = record["CreatedDate"] or stamp
            record["CreatedById"] = record["LastModifiedById"] = USER_ID
            if "OwnerId" in sobject.fields and record["OwnerId"] is None:
                record["OwnerId"] = USER_ID
            self._derive(name, record, values)
            record["LastModifiedDate"] = record["SystemModstamp"] = stamp
            self.tables[name][record["Id"]] = record
            self._link(name, record)
            self._roll_up(name, record, touch=modified is None)
            return record

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Undo every change if the block raises."""
        with self.lock:
            before = {name: {key: dict(item) for key, item in table.items()} for name, table in self.tables.items()}
            log = list(self.delete_log)
            try:
                yield
            except ApiError:
                self.tables, self.delete_log = before, log
                self.reindex()
                raise

    # Salesforce's own rules.

    def _field(self, sobject: SObject, name: str) -> Field:
        found = sobject.lower.get(name.lower())
        if found is None:
            raise ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
        return sobject.fields[found]

    def _holding(self, name: str, field: str, value: Any) -> list[Record]:
        return [item for item in self.tables[name].values() if item[field] == value and not item["IsDeleted"]]

    def _accepted(self, sobject: SObject, values: Record, *, creating: bool) -> Record:
        given: Record = {}
        for name, value in values.items():
            if name == "attributes":
                continue
            item = self._field(sobject, name)
            if not (item.createable if creating else item.updateable):
                raise ApiError(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {item.name}. Please check the security settings of this field "
                    "and verify that it is read/write for your profile or permission set.",
                    fields=(item.name,),
                )
            given[item.name] = _plain_value(item, value)
            if item.external_id and given[item.name] is not None:
                self._check_unique(sobject.name, item.name, given[item.name], values)
            if item.reference and given[item.name] is not None and item.reference in self.tables:
                self._check_reference(item, given[item.name])
        return given

    def _check_unique(self, name: str, field: str, value: Any, values: Record) -> None:
        others = self._holding(name, field, value)
        if others and values.get("Id") != others[0]["Id"]:
            raise ApiError(
                "DUPLICATE_VALUE",
                f"duplicate value found: {field} duplicates value on record with id: {others[0]['Id']}",
                fields=(),
            )

    def _check_reference(self, item: Field, value: str) -> None:
        target = self.tables[item.reference].get(value)
        if target is None or target["IsDeleted"]:
            raise ApiError(
                "INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {item.name}", fields=(item.name,)
            )

    def _derive(self, name: str, record: Record, given: Record) -> None:
        """Fields that Salesforce computes from others of the same record."""
        if name in ("Lead", "Contact"):
            record["Name"] = " ".join(part for part in (record["FirstName"], record["LastName"]) if part)
        elif name == "Opportunity":
            probability = schema.STAGES.get(record["StageName"])
            if "StageName" in given and "Probability" not in given and probability is not None:
                record["Probability"] = Decimal(probability)
            record["IsWon"] = record["StageName"] == "Closed Won"
            record["IsClosed"] = record["IsWon"] or record["StageName"] == "Closed Lost"
        elif name == "Quote":
            if record["QuoteNumber"] is None:
                record["QuoteNumber"] = f"{len(self.tables['Quote']) + 1:08d}"
            record["IsSyncing"] = bool(record["IsSyncing"])
            opportunity = self.tables["Opportunity"].get(record["OpportunityId"])
            record["AccountId"] = opportunity["AccountId"] if opportunity else None
        elif name == "QuoteLineItem":
            record["Subtotal"] = record["Quantity"] * record["UnitPrice"]
            record["TotalPrice"] = record["Subtotal"] * (100 - (record["Discount"] or Decimal(0))) / 100
            if record["LineNumber"] is None:
                record["LineNumber"] = f"{len(self.tables['QuoteLineItem']) + 1:08d}"
        elif name == "Product2":
            record["IsActive"] = bool(record["IsActive"])

    def _touch(self, record: Record) -> None:
        record["SystemModstamp"] = record["LastModifiedDate"] = self.clock.stamp()
        record["LastModifiedById"] = USER_ID

    def _roll_up(self, name: str, record: Record, *, touch: bool = True) -> None:
        """Carry the lines' amounts up into the quote."""
        quote_id = {"Quote": record["Id"], "QuoteLineItem": record.get("QuoteId")}.get(name)
        quote = self.tables["Quote"].get(quote_id or "")
        if quote is None:
            return
        lines = [line for line in self.children(quote, schema.CHILDREN["Quote"][0]) if not line["IsDeleted"]]
        before = [quote[field] for field in ("Subtotal", "TotalPrice", "GrandTotal")]
        quote["LineItemCount"] = Decimal(len(lines))
        quote["Subtotal"] = sum((line["Subtotal"] for line in lines), Decimal(0))
        quote["TotalPrice"] = sum((line["TotalPrice"] for line in lines), Decimal(0))
        extra = (quote["Tax"] or Decimal(0)) + (quote["ShippingHandling"] or Decimal(0))
        quote["GrandTotal"] = quote["TotalPrice"] + extra
        moved = before != [quote[field] for field in ("Subtotal", "TotalPrice", "GrandTotal")]
        if moved and touch and name == "QuoteLineItem":
            self._touch(quote)

    def children(self, record: Record, child: Child) -> list[Record]:
        """Records of the child object that point to this one, those in the recycle bin too."""
        table = self.tables[child.object]
        return [table[key] for key in self._children.get((child.object, child.field), {}).get(record["Id"], ())]

    def reindex(self) -> None:
        """Find out anew who points to whom."""
        self._children.clear()
        for name, table in self.tables.items():
            for record in table.values():
                self._link(name, record)

    def _link(self, name: str, record: Record) -> None:
        for field in _POINTERS.get(name, ()):
            parents = self._children.setdefault((name, field), {})
            parents.setdefault(record[field], {})[record["Id"]] = None

    def _unlink(self, name: str, record: Record) -> None:
        for field in _POINTERS.get(name, ()):
            self._children[(name, field)][record[field]].pop(record["Id"], None)

    def _delete(self, name: str, record: Record, group: str, when: datetime) -> None:
        for child in self.objects[name].children:
            for item in self.children(record, child):
                if child.cascade and not item["IsDeleted"]:
                    self._delete(child.object, item, group, when)
        record["IsDeleted"] = True
        record["_deleted_with"] = group
        record["SystemModstamp"] = record["LastModifiedDate"] = when
        self.delete_log.append((name, record["Id"], when))


def _is_missing(item: Field, given: Record) -> bool:
    return item.required and item.createable and item.default is None and given.get(item.name) is None


def _plain_value(item: Field, value: Any) -> Any:
    """Python values from people's edits pass as they are; JSON values are checked."""
    if isinstance(value, datetime | date):
        return value
    return accept(item, value)
