"""Read objects of one stream, from lists and by id, as one and the same record.

A record is the object with what the stream expands; an invoice has all its lines (Stripe shows ten with it), a payout
its balance transactions and their sums (``connectors.stripe.composition``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from connectors.budget import Priority
from connectors.contract import RawRecord, RejectedRecord
from connectors.errors import ContractError
from connectors.rawjson import parse
from connectors.stripe import composition
from connectors.stripe.answers import Fields, encoded, fields, head, listing, no_way_on, unidentified, written
from connectors.stripe.session import Missing, Params, Session
from connectors.stripe.streams import Source

PAGE = 100
"""Objects in one page, Stripe's maximum."""


class Place(NamedTuple):
    """Where a list goes on: behind this object; its second, too, should the object be deleted meanwhile."""

    after: str
    created: int


class Found(NamedTuple):
    """Objects that were read."""

    records: Sequence[RawRecord]
    deleted: Sequence[str] = ()
    rejected: Sequence[RejectedRecord] = ()
    next: Place | None = None
    """Of a list, where it goes on; ``None`` at its end."""


class _Payout(msgspec.Struct):
    automatic: bool = False
    reconciliation_status: str = ""


class _Lines(msgspec.Struct):
    has_more: bool = False


_payouts = msgspec.json.Decoder(_Payout)
_lines = msgspec.json.Decoder(_Lines)


def address(source: Source, source_id: str) -> str:
    """The path of one object."""
    return f"{source.path}/{quote(source_id, safe='')}"


class Reader:
    """One stream over one session."""

    def __init__(
        self, session: Session, source: Source, concurrency: int = 1, priority: Priority = Priority.READ
    ) -> None:
        self._get = partial(session.get, priority=priority)
        self._source = source
        self._concurrency = concurrency

    def page(self, place: Place | None, params: Params | None = None) -> Found:
        """The next page of the list, newest first."""
        expand = [f"data.{name}" for name in self._source.expand]
        asked: dict[str, str | Sequence[str]] = {**(params or {}), "limit": str(PAGE)}
        if expand:
            asked["expand[]"] = expand
        try:
            behind: Params = {"starting_after": place.after} if place else {}
            body = self._get(self._source.path, {**asked, **behind}).body
        except Missing as error:
            if place is None or error.param != "starting_after":
                raise
            # The object is gone, and no other stands for its place: the whole second again, by ids from there on.
            body = self._get(self._source.path, {**asked, "created[lte]": str(place.created)}).body
        found = self._cut(body)
        if place is not None and found.next is not None and found.next.after == place.after:
            raise no_way_on(body)
        return found

    def _cut(self, body: bytes) -> Found:
        rows, more = listing(body)
        records: list[RawRecord] = []
        deleted: list[str] = []
        rejected: list[RejectedRecord] = []
        last: Place | None = None
        for row in rows:
            try:
                found = head(row)
            except ContractError:
                rejected.append(unidentified(row))
                continue
            last = Place(found.id, found.created)
            if found.deleted:
                deleted.append(found.id)
            else:
                records.append(self._record(found.id, row))
        if more and last is None:
            raise no_way_on(body)
        return Found(records, deleted, rejected, last if more else None)

    def one(self, source_id: str) -> RawRecord | None:
        """The object as it is now; ``None`` if it is deleted. Raises ``Missing``."""
        row = self._get(address(self._source, source_id), self.expanded).body
        return None if head(row).deleted else self._record(source_id, row)

    @property
    def expanded(self) -> dict[str, Sequence[str]]:
        """The parameters that make a single object look like a record."""
        return {"expand[]": list(self._source.expand)} if self._source.expand else {}

    def record(self, row: bytes) -> RawRecord:
        """The record that an answer about a single object shows. Raises ``ContractError``."""
        return self._record(head(row).id, row)

    def many(self, ids: Sequence[str]) -> dict[str, RawRecord | None]:
        """The objects by id, ``None`` for a deleted one; those that Stripe does not show are left out."""

        def look(source_id: str) -> list[RawRecord | None]:
            try:
                return [self.one(source_id)]
            except Missing:
                return []

        if len(ids) < 2 or self._concurrency == 1:
            found: Iterable[list[RawRecord | None]] = [look(source_id) for source_id in ids]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(min(self._concurrency, len(ids)), "stripe") as pool:
                found = list(pool.map(look, ids))
        return {source_id: shown[0] for source_id, shown in zip(ids, found, strict=True) if shown}

    def of_charge(self, charge_id: str) -> list[RawRecord]:
        """The objects that belong to a charge."""
        found: list[RawRecord] = []
        place: Place | None = None
        while True:
            try:
                page = self.page(place, {"charge": charge_id})
            except Missing:
                return found
            found += page.records
            place = page.next
            if place is None:
                return found

    def _record(self, source_id: str, row: bytes) -> RawRecord:
        object_fields = fields(row)
        if self._source.object == "payout":
            self._compose(source_id, row, object_fields)
        elif self._source.object == "invoice":
            self._complete(source_id, object_fields)
        return RawRecord(source_id, written(object_fields))

    def _compose(self, payout_id: str, row: bytes, object_fields: Fields) -> None:
        payout = parse(row, _payouts)
        if composition.is_known(payout.reconciliation_status, payout.automatic):
            sums = composition.add_up(payout_id, self._all("/v1/balance_transactions", {"payout": payout_id}))
            if sums is not None:
                object_fields[composition.FIELD] = encoded(sums)

    def _complete(self, invoice_id: str, object_fields: Fields) -> None:
        lines = object_fields.get("lines")
        if lines is None or not parse(bytes(lines), _lines).has_more:
            return
        whole = fields(bytes(lines))
        rows = [msgspec.Raw(row) for row in self._all(f"/v1/invoices/{invoice_id}/lines", {})]
        object_fields["lines"] = encoded({**whole, "data": rows, "has_more": False})

    def _all(self, path: str, params: Params) -> Iterator[bytes]:
        after: dict[str, str] = {}
        while True:
            body = self._get(path, {**params, **after, "limit": str(PAGE)}).body
            rows, more = listing(body)
            yield from rows
            if not more:
                return
            behind = {"starting_after": head(rows[-1]).id} if rows else after
            if behind == after:
                raise no_way_on(body)
            after = behind
