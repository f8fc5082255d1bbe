"""The canonical columns that reconciliation needs, loaded from the store into DuckDB, with the macros its rules use.

One DuckDB table per entity and line table, named as in the store; money is BIGINT minor units, other decimals
DECIMAL(38,10), days DATE, instants TIMESTAMP (UTC). Every record carries one flag per role of its system; records of
systems that the settings no longer name are left out. Deleted records are there, marked ``deleted``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mappings.currencies import EXPONENTS
from mappings.model import ENTITIES, LINES, TABLES, Kind, columns
from reconciliation import money
from reconciliation.rules import ROLES, Rules
from reconciliation.session import in_memory
from state import contents, frames, sourcecounts

if TYPE_CHECKING:
    import duckdb

    from state.store import Store

_OF_RECORDS = "record_id system source_id number status currency deleted"
_OF_ENTITY = {
    "party": (
        "name legal_name tax_id kind email phone domain country city postal_code address_line external_ref "
        "payment_terms_days credit_limit"
    ),
    "product": "sku name unit kind",
    "lead": (
        "company_name email phone received_at source_created_at source_updated_at owner_ref lead_ref opportunity_ref "
        "party_ref conversion_note"
    ),
    "opportunity": (
        "name party_ref lead_ref stage expected_amount amount_includes_tax expected_close_date closed_at "
        "source_created_at source_updated_at order_number delivery_state billing_state payment_state invoice_sent_on"
    ),
    "quote": (
        "opportunity_ref party_ref issue_date valid_until net_amount tax_amount gross_amount approval_state owner_ref "
        "order_number delivery_state payment_state"
    ),
    "order": (
        "quote_ref opportunity_ref party_ref customer_po_number order_date promised_delivery_date net_amount "
        "tax_amount gross_amount payment_state source_updated_at"
    ),
    "delivery": "order_refs party_ref kind planned_date shipped_on delivered_on",
    "invoice": (
        "kind order_refs party_ref corrects_ref issue_date due_date net_amount tax_amount gross_amount open_amount "
        "sent_to_customer delivery_numbers source_updated_at"
    ),
    "payment": (
        "kind direction method party_ref amount fee_amount unapplied_amount received_on reference_text end_to_end_id "
        "payer_name external_ref invoice_ref order_refs"
    ),
    "payout": "amount gross_amount fee_amount arrival_date bank_reference descriptor",
    "service_case": (
        "party_ref order_ref invoice_ref priority opened_at resolved_at source_created_at source_updated_at"
    ),
}
_PRICED = "line_no sku product_ref quantity unit unit_price discount_rate net_amount tax_amount tax_rate"
_OF_LINES = {
    "quote": _PRICED,
    "order": _PRICED,
    "delivery": "line_no sku product_ref quantity",
    "invoice": _PRICED,
    "payment": "line_no invoice_ref order_ref amount",
    "payout": "line_no kind payment_ref amount fee_amount net_amount",
}
_CASTS = {
    Kind.DAY: "TRY_CAST({0} AS DATE) AS {0}",
    Kind.INSTANT: "make_timestamp({0}) AS {0}",
    Kind.NUMBER: "TRY_CAST({0} AS DECIMAL(38,10)) AS {0}",
    Kind.FLAG: "({0} = 1) AS {0}",
}
UPDATED_ON = "updated_on"
"""The day on which an order changed at its source, in the time zone of the settings."""
_WHOLE = (Kind.MONEY, Kind.INTEGER, Kind.INSTANT, Kind.FLAG)


@dataclass(frozen=True, slots=True)
class Source:
    """A table of a frame that is read from the store: its columns there, and what it is made of from them."""

    name: str
    kinds: Mapping[str, Kind]
    stored: str
    """The table of the store."""
    made: str
    """The columns here; ``r`` stands for the rows as they are stored, ``s`` for the system of each."""
    of_systems: bool = False
    """Whether what is of none of the systems is left out."""

    @property
    def query(self) -> str:
        """Reads all of it from the store."""
        return f"SELECT {', '.join(self.kinds)} FROM {self.stored}"

    def select(self, incoming: str) -> str:
        """Makes it of rows as they are stored, which bear this name in DuckDB."""
        return f"SELECT {self.made} FROM {incoming} r{' JOIN systems s USING (system)' if self.of_systems else ''}"

    def arrow(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Rows as they are stored, by column, as Arrow data."""
        found = list(rows)
        data = {
            name: pa.array([row[name] for row in found], pa.int64() if kind in _WHOLE else pa.string())
            for name, kind in self.kinds.items()
        }
        return pa.table(data)


def _sources() -> Iterator[Source]:
    flags = ", ".join(f"s.{role}" for role in ROLES)
    for entity, own in _OF_ENTITY.items():
        known = {column.name: column.kind for column in columns(ENTITIES[entity])}
        kinds = {name: known.get(name, Kind.INTEGER) for name in f"{_OF_RECORDS} {own}".split()}
        casts = _casts(kinds).replace("r.deleted", "r.deleted = 1 AS deleted")
        if entity == "order":  # a statement that converts an instant is planned anew whenever it is run
            casts += f", local_day(make_timestamp(r.source_updated_at)) AS {UPDATED_ON}"
        yield Source(TABLES[entity], kinds, TABLES[entity], f"{casts}, {flags}", of_systems=True)
    for entity, own in _OF_LINES.items():
        table, line = LINES[entity]
        known = {column.name: column.kind for column in columns(line)}
        kinds = {name: known.get(name, Kind.INTEGER) for name in f"record_id {own}".split()}
        yield Source(table, kinds, table, _casts(kinds))
    ids = {"left_id": Kind.INTEGER, "right_id": Kind.INTEGER}
    kinds = {"kind": Kind.TEXT, **ids, "left_entity": Kind.TEXT, "right_entity": Kind.TEXT, "decision": Kind.TEXT}
    yield Source(LINKS, kinds, "link", _casts(kinds))


def _casts(kinds: Mapping[str, Kind]) -> str:
    return ", ".join(
        _CASTS.get(kind, "{0}").format(f"r.{name}").replace("AS r.", "AS ") for name, kind in kinds.items()
    )


LINKS = "links"
SOURCES: Mapping[str, Source] = {source.name: source for source in _sources()}
"""Records, their lines and the links between them, by the name of their table."""


class Frame:
    """The records of one moment in DuckDB. Make it with ``load``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
        self._connection = connection
        self.rules = rules
        self.stages: set[str] = set()
        """What has been prepared on it: hops, states."""

    def run(self, sql: str) -> None:
        """Execute statements."""
        self._connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(sql).fetchall()

    def dicts(self, sql: str) -> list[dict[str, Any]]:
        """All rows of a query, each by column name."""
        result = self._connection.execute(sql)
        names = [entry[0] for entry in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def value(self, sql: str) -> Any:
        """The first column of the first row, ``None`` without rows."""
        rows = self._connection.execute(sql).fetchall()  # a result that is not read to its end blocks the connection
        return rows[0][0] if rows else None

    def arrow(self, sql: str) -> pa.Table:
        """All rows of a query as Arrow data."""
        return self._connection.sql(sql).to_arrow_table()

    def take(self, name: str, data: pa.Table | pa.RecordBatchReader, select: str) -> None:
        """Make table ``name`` of Arrow data, which the ``select`` calls ``incoming``."""
        self._connection.register("incoming", data)
        try:
            self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS {select}")
        finally:
            self._connection.unregister("incoming")


@contextmanager
def load(store: Store, rules: Rules, *, links: bool = True, hashes: bool = False) -> Iterator[Frame]:
    """Read everything in one consistent view of the store; the frame lives as long as the block.

    Without ``links`` the stored links are left out: linking makes them. With ``hashes`` there is a table ``contents``
    (record_id, content): the hashes of the records' bytes in hex. Raises ``StoreError``.
    """
    with in_memory() as connection:
        frame = Frame(connection, rules)
        frame.run(definitions(rules))
        frame.run(moment(rules))
        _load(frame, store, links, hashes)
        yield frame


def definitions(rules: Rules) -> str:
    """Statements that make the macros, and the tables of systems: the same text for the same rules, at any time."""
    flags = ", ".join(f"{role} BOOLEAN" for role in ROLES)
    named = [f"CREATE TABLE systems (system VARCHAR, {flags})"]
    for system, roles in sorted(rules.roles.items()):
        marks = ", ".join(str(role in roles) for role in ROLES)
        named.append(f"INSERT INTO systems VALUES ({quoted(system)}, {marks})")
    named.append("CREATE TABLE chosen_streams (system VARCHAR, stream VARCHAR)")  # of systems that name theirs
    for system, stream in ((system, stream) for system, names in sorted(rules.streams.items()) for stream in names):
        named.append(f"INSERT INTO chosen_streams VALUES ({quoted(system)}, {quoted(stream)})")
    absolute = sorted(money.minor_tolerance(rules.absolute).items())
    cases = " ".join(f"WHEN {quoted(code)} THEN {value}" for code, value in absolute) or "WHEN NULL THEN 0"
    by_places: dict[int, list[str]] = {}
    for code, exponent in sorted(EXPONENTS.items()):
        by_places.setdefault(exponent, []).append(quoted(code))
    units = " ".join(
        f"WHEN code IN ({', '.join(codes)}) THEN {10**exponent}"
        for exponent, codes in by_places.items()
        if exponent != 2
    )
    relative = f"{rules.relative:f}"
    macros = f"""
    CREATE MACRO local_day(instant) AS
        ((instant AT TIME ZONE 'UTC') AT TIME ZONE {quoted(rules.timezone)})::DATE;
    CREATE MACRO absolute_tolerance(code) AS CASE code {cases} ELSE 0 END;
    CREATE MACRO tolerance(amount, code) AS
        greatest(absolute_tolerance(code), floor({relative} * abs(amount::BIGINT))::BIGINT);
    CREATE MACRO minor_units(code) AS CASE {units} ELSE 100 END;
    CREATE MACRO money_of(quantity, price, discount, code) AS round(
        (quantity::DECIMAL(18,4) * price::DECIMAL(18,6))::DECIMAL(26,6) * (1 - coalesce(discount, 0))::DECIMAL(9,6)
        * minor_units(code))::BIGINT;
    CREATE MACRO share(amount, part, whole) AS  -- amount * part / whole, rounded half up, exactly
        CASE WHEN whole > 0 THEN
            (amount::HUGEINT * (part * 1000000)::HUGEINT * 2 + (whole * 1000000)::HUGEINT)
            // ((whole * 1000000)::HUGEINT * 2) ELSE 0 END::BIGINT;
    CREATE MACRO label(number, name, source_id) AS
        coalesce(nullif(trim(number), ''), nullif(trim(name), ''), source_id);
    CREATE MACRO agree(a, b, code) AS
        abs(a::BIGINT - b::BIGINT) <= tolerance(greatest(abs(a::BIGINT), abs(b::BIGINT)), code);
    """
    return ";\n".join((*named, macros))


def moment(rules: Rules) -> str:
    """Statements that set what the rules say of now and of nearness."""
    return f"""
    SET VARIABLE today = DATE {quoted(rules.today.isoformat())};
    SET VARIABLE same_payment_days = {int(rules.same_payment_days)};
    SET VARIABLE clock_runs = {rules.fixed_at is None};
    SET VARIABLE as_of = TIMESTAMP {quoted(rules.as_of.strftime("%Y-%m-%d %H:%M:%S.%f"))};
    """


def _load(frame: Frame, store: Store, links: bool, hashes: bool) -> None:
    with store.reading() as connection:
        for source in SOURCES.values():
            if links or source.name != LINKS:
                frame.take(source.name, frames.reader(connection, source.query), source.select("incoming"))
        waiting = frames.arrow(
            connection, "SELECT record_id, system, stream, first_at, discarded_by, discarded_at FROM quarantine"
        )
        frame.take("quarantined", waiting, _typed("record_id", "first_at discarded_at", "discarded_by"))
        jumps = frames.arrow(connection, "SELECT record_id, was, became, at AS changed_at FROM out_of_order")
        frame.take("out_of_order", jumps, _typed("record_id", "changed_at"))
        counts = frames.arrow(connection, sourcecounts.COMPARED)
        frame.take("source_counts", counts, _typed("stream_id counted surplus held", "counted_at"))
        erased = frames.arrow(connection, "SELECT DISTINCT record_id FROM erased_record")
        frame.take("erased", erased, "SELECT * FROM incoming")  # what is missing in these is missing on purpose
        coverage = """
            SELECT s.id AS stream_id, s.system, s.entity, s.name AS stream, c.covered_until,
                (SELECT min(r.started_at) FROM stream_run r
                 WHERE r.system = s.system AND r.stream = s.name AND r.direction = 'pull') AS begun,
                CASE WHEN c.covered_until IS NULL THEN 0 ELSE 1 END AS covered
            FROM stream s LEFT JOIN cursor c ON c.stream_id = s.id"""
        frame.take("coverage", frames.arrow(connection, coverage), _typed("", "covered_until begun"))
        if hashes:
            frame.take("contents", contents.read(connection), "SELECT * FROM incoming")


def _typed(numbers: str, instants: str, texts: str = "") -> str:
    """Everything, with its types whether there are rows or not."""
    casts = [f"{name}::BIGINT AS {name}" for name in numbers.split()]
    casts += [f"make_timestamp({name}::BIGINT) AS {name}" for name in instants.split()]
    casts += [f"{name}::VARCHAR AS {name}" for name in texts.split()]
    return f"SELECT * REPLACE ({', '.join(casts)}) FROM incoming"


def quoted(text: str) -> str:
    """A string literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
