"""Every table, as SQLAlchemy Core metadata; the same on SQLite and PostgreSQL.

Instants are microseconds since the epoch (UTC) in BIGINT, days are ``YYYY-MM-DD`` text, money is minor units in BIGINT,
exact decimals and JSON are text. Migrations in ``state/migrations`` must lead to exactly this (a test compares).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
)

from mappings import model

metadata = MetaData()

_SQL_TYPES = {
    model.Kind.MONEY: BigInteger,
    model.Kind.INTEGER: BigInteger,
    model.Kind.INSTANT: BigInteger,
    model.Kind.FLAG: BigInteger,
}

stream = Table(
    "stream",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("system", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("entity", Text, nullable=False),
    UniqueConstraint("system", "name"),
)

# One row a stream: where its next pull starts. `complete` is 0 while a pull is under way or was cut off.
cursor = Table(
    "cursor",
    metadata,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("cursor", Text, nullable=False),
    Column("complete", SmallInteger, nullable=False),
    Column("covered_until", BigInteger),  # end of the last finished pull's window
    Column("updated_at", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("fence", BigInteger, nullable=False, server_default="0"),  # token of the lease that wrote it; never falls
)

# Keys that bodies in `landing` are, or were not long ago, sealed with; the keys themselves are elsewhere.
encryption_key = Table(
    "encryption_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# What is left of the allowances of vendors' accounts; see state/budgets.py.
budget = Table(
    "budget",
    metadata,
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),  # JSON, see connectors/buckets.py
    Column("updated_at", BigInteger, nullable=False),
)

# Access and refresh tokens; see state/tokens.py.
token = Table(
    "token",
    metadata,
    Column("name", Text, primary_key=True),  # of whom, without a secret
    Column("sealed", LargeBinary, nullable=False),  # a grant, see state/tokens.py
    Column("fence", BigInteger, nullable=False),  # token of the lease that it was got under; never falls
    Column("updated_at", BigInteger, nullable=False),
)

# What the records of a stream look like, learned from those that were new or changed; see state/shapes.py.
shape = Table(
    "shape",
    metadata,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("known", Text, nullable=False),  # JSON: path → types met there
    Column("watched", Text, nullable=False),  # JSON: path that the mapping reads → how often it was there
    Column("updated_at", BigInteger, nullable=False),
)

# What changed in the shape of a stream's records; each is told once.
drift = Table(
    "drift",
    metadata,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # new, vanished, retyped
    Column("type", Text, primary_key=True),  # of a new or retyped one; empty for one that vanished
    Column("before", Text, nullable=False),  # the types it had
    Column("fields", Text, nullable=False),  # JSON list: canonical fields that depend on it
    Column("status", Text, nullable=False),  # noted (stops nothing), open (holds records back), accepted
    Column("since", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("reason", Text),
)

# Records that webhooks told of and that have not been read since: one row each, however often they tell.
notice = Table(
    "notice",
    metadata,
    Column("system", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("deleted", SmallInteger, nullable=False),  # 1: the source says that it is gone
    Column("version", BigInteger),  # of the deletion, where the source says so
    Column("told", BigInteger, nullable=False),  # grows each time: what came while we read is not taken for read
    Column("since", BigInteger, nullable=False),
)

# Webhook requests that were taken in, so that none is twice.
delivery = Table(
    "delivery",
    metadata,
    Column("system", Text, primary_key=True),
    Column("id", Text, primary_key=True),  # as the source calls it
    Column("at", BigInteger, nullable=False),
)
Index("ix_delivery_at", delivery.c.at)

# Whole records that webhooks brought and that are not landed yet.
arrival = Table(
    "arrival",
    metadata,
    Column("id", Text, primary_key=True),  # in the order in which they came
    Column("system", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("version", BigInteger),
    Column("body", LargeBinary, nullable=False),  # as in `landing`, see state/arrivals.py
    Column("at", BigInteger, nullable=False),
)
Index("ix_arrival_system", arrival.c.system, arrival.c.stream, arrival.c.id)

# The head of each source record: what we hold now.
record = Table(
    "record",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("stream_id", Integer, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # blake2b-16 of the raw bytes, see state/sealing.py
    Column("version", BigInteger),
    Column("seq", Integer, nullable=False),  # number of the current version in `landing`, from 1
    Column("state", SmallInteger, nullable=False),  # see RecordState in state/landing.py
    UniqueConstraint("stream_id", "source_id"),
)

# Every distinct version of every raw record, in the order we met them. On SQLite an ordinary table: one that is kept in
# the order of its key would tear a page of old versions apart for every new one.
landing = Table(
    "landing",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # see state/bodies.py; empty for a deletion
    Column("version", BigInteger),
    Column("origin", SmallInteger, nullable=False),  # see Origin in state/writes.py
    Column("run_id", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger),  # set when a newer version supersedes it
)


def _canonical(entity: str) -> Table:
    table = Table(
        model.TABLES[entity],
        metadata,
        Column("record_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        *(
            Column(
                column.name, _SQL_TYPES.get(column.kind, Text)(), nullable=column.name not in ("system", "source_id")
            )
            for column in model.columns(model.ENTITIES[entity])
        ),
        Column("deleted", SmallInteger, nullable=False, server_default="0"),
    )
    Index(f"ix_{table.name}_number", table.c.number)
    return table


def _lines(line: model.LineTable) -> Table:
    return Table(
        line.table,
        metadata,
        Column("record_id", BigInteger, primary_key=True, autoincrement=False),
        *(
            Column(
                column.name,
                _SQL_TYPES.get(column.kind, Text)(),
                primary_key=column.name == "line_no",
                autoincrement=False,
            )
            for column in model.columns(line.model)
        ),
        sqlite_with_rowid=False,
    )


canonical: dict[str, Table] = {entity: _canonical(entity) for entity in model.ENTITIES}
lines: dict[str, Table] = {entity: _lines(line) for entity, line in model.LINES.items()}

quarantine = Table(
    "quarantine",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("system", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", Text, nullable=False),  # redacted where personal
    Column("reason", Text, nullable=False),
    Column("mapping", Text, nullable=False),  # fingerprint of the mapping that refused it
    Column("run_id", Text, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    # who took it off the list, when and why, and the fingerprint that refused it then; all four or none
    Column("discarded_by", Text),
    Column("discarded_at", BigInteger),
    Column("discard_reason", Text),
    Column("discarded_mapping", Text),
)

# What a person put in the place of a source field's value that kept a record in quarantine: it holds for this version,
# whose body stays as it was received.
correction = Table(
    "correction",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("path", Text, primary_key=True),  # of the source's field
    Column("seq", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("corrected_by", Text, nullable=False),
    Column("corrected_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# kind: same_as (left and right mean the same thing) or follows (right follows from left: quote → order).
link = Table(
    "link",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("left_id", BigInteger, primary_key=True, autoincrement=False),
    Column("right_id", BigInteger, primary_key=True, autoincrement=False),
    Column("left_entity", Text, nullable=False),
    Column("right_entity", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("score", Integer, nullable=False),  # per mille
    Column("evidence", Text, nullable=False),  # JSON
    Column("decision", Text, nullable=False),  # auto, suggested, confirmed, cut
    Column("decided_by", Text),
    Column("decided_at", BigInteger),
    Column("run_id", Text, nullable=False),
)
Index("ix_link_right", link.c.right_id)
LINK_SUGGESTED = link.c.decision == literal_column("'suggested'")
"""Written out, as the index is only looked into where a query says the same."""
Index(
    "ix_link_suggested",
    link.c.score,
    link.c.kind,
    link.c.left_id,
    link.c.right_id,
    sqlite_where=LINK_SUGGESTED,
    postgresql_where=LINK_SUGGESTED,
)

finding = Table(
    "finding",
    metadata,
    Column("id", Text, primary_key=True),  # stable: hash of check and the records it is about
    Column("check_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("severity", Text, nullable=False),  # error, warning, info
    Column("status", Text, nullable=False),  # open, assigned, explained, waived, resolved
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("base_amount", BigInteger),
    Column("params", Text, nullable=False),  # JSON: values for the sentence in either language
    Column("since", Text),  # day the fault began by the data, where known
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("resolved_at", BigInteger),
    Column("assignee", Text),
    Column("reason", Text),
    Column("approver", Text),
    Column("waived_until", Text),
    Column("due_on", Text),  # day by which somebody has to have acted
    Column("run_id", Text, nullable=False),
    Column("customer", Text),  # the organisation that its records name; see state/finding_terms.py
)
Index("ix_finding_status", finding.c.status, finding.c.check_id)
Index("ix_finding_customer", finding.c.customer, finding.c.check_id, finding.c.status)

finding_record = Table(
    "finding_record",
    metadata,
    Column("finding_id", Text, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("record_id", BigInteger, nullable=False),
    Column("system", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("number", Text),
    Column("url", Text),
)
Index("ix_finding_record_record", finding_record.c.record_id)

finding_event = Table(
    "finding_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("finding_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column(
        "event", Text, nullable=False
    ),  # opened, changed, resolved, reopened, assigned, explained, waived, commented …
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("run_id", Text),
    Column("status", Text),  # the finding's after the event; empty for events that change nothing about it
    Column("state", Text),  # JSON: the finding with its records after the event
    Column("done_at", BigInteger),  # by the clock on the wall, where `at` is that of a clock that ltc.yaml stops
)
Index("ix_finding_event_finding", finding_event.c.finding_id)
WAIVER_ASKED = finding_event.c.event == literal_column("'waiver_asked'")
"""Written out, as the index is only looked into where a query says the same."""
Index(
    "ix_finding_event_waiver",
    finding_event.c.finding_id,
    sqlite_where=WAIVER_ASKED,
    postgresql_where=WAIVER_ASKED,
)

# What findings are found by; see state/finding_terms.py. Terms are compared byte by byte on both databases.
finding_term = Table(
    "finding_term",
    metadata,
    Column("term", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("finding_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_finding_term_finding", finding_term.c.finding_id)

finding_amount = Table(
    "finding_amount",
    metadata,
    Column("amount", BigInteger, primary_key=True, autoincrement=False),  # minor units
    Column("digits", SmallInteger, primary_key=True, autoincrement=False),  # decimals of the currency; -1: unknown
    Column("finding_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_finding_amount_finding", finding_amount.c.finding_id)

# Filters of findings that members keep; see state/saved_views.py.
saved_view = Table(
    "saved_view",
    metadata,
    Column("id", Text, primary_key=True),
    Column("member", Text, nullable=False),  # who made it
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),  # as in the address of the page
    Column("shared", SmallInteger, nullable=False),  # 1: with every member
    UniqueConstraint("member", "name"),
)

# The view with which the findings open, for members who have chosen one.
default_view = Table(
    "default_view",
    metadata,
    Column("member", Text, primary_key=True),
    Column("view_id", Text, nullable=False),
)

# Who may use the workbench. Digests are SHA-256, in hex, of tokens that are kept nowhere.
member = Table(
    "member",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text),  # argon2id, in its usual text form; empty until it was set
    Column("roles", Text, nullable=False),  # JSON list
    Column("systems", Text),  # JSON list of those they are limited to; empty: all
    Column("locale", Text),
    Column("active", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),  # wrong passwords in a row
    Column("locked_until", BigInteger),
    Column("signed_in_at", BigInteger),
    Column("issuer", Text),  # who vouches for them, and under which name that never changes (OIDC `iss`, `sub`)
    Column("subject", Text),
    UniqueConstraint("issuer", "subject"),
)

# Somebody who was sent to the identity provider and has not come back yet.
provider_visit = Table(
    "provider_visit",
    metadata,
    Column("digest", Text, primary_key=True),  # of the state
    Column("browser", Text, nullable=False),  # digest of the cookie's secret
    Column("onwards", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

invitation = Table(
    "invitation",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

web_session = Table(
    "web_session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("provider", Text),  # the issuer that vouched for them; empty after a password
    Column("csrf", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("member", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # JSON list
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
)

# Links by which customers look at an order; digests as above.
order_share = Table(
    "order_share",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("record_id", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

# What people changed in ltc.yaml and the files beside it, in the workbench. Digests are SHA-256, in hex.
settings_change = Table(
    "settings_change",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("before", Text),  # empty: the file was new
    Column("after", Text, nullable=False),
    Column("hunks", Text, nullable=False),  # JSON: the lines that differ with those around them, without secrets
    Column("undoes", BigInteger),
)

# What reconciliations came to, from stamp to stamp: a row when a figure changes, with an empty value when it goes.
figure = Table(
    "figure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # tie_out, period, movement, adjustment, receivable, cash, basis …
    Column("key", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # see state/stamps.py
    Column("run_id", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON; amounts in minor units
)
Index("ix_figure_key", figure.c.kind, figure.c.key, figure.c.id)
CASH_MATCHED = and_(
    figure.c.kind == literal_column("'cash'"), figure.c.value.like(literal_column("""'%"decision":"auto"%'"""))
)
"""What became of receipts that a rule has matched, written out as ``LINK_SUGGESTED`` is."""
Index(
    "ix_figure_cash_matched",
    figure.c.kind,
    figure.c.id,
    figure.c.key,
    sqlite_where=CASH_MATCHED,
    postgresql_where=CASH_MATCHED,
)

# The closes of accounting periods, each for ever: one that was reopened stays and has another after it.
period = Table(
    "period",
    metadata,
    Column("id", Text, primary_key=True),  # YYYY-MM
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),  # closed (waits for approval), approved, reopened
    Column("closed_by", Text, nullable=False),
    Column("closed_at", BigInteger, nullable=False),  # stamp
    Column("close_reason", Text),  # why it was closed although errors were undecided
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    Column("reopened_by", Text),
    Column("reopened_at", BigInteger),
    Column("reason", Text),  # of the reopening
    Column("records", Integer, nullable=False),  # how many took part
    Column("inputs_hash", Text, nullable=False),  # SHA-256 of what the figures were computed from
    Column("figures_hash", Text, nullable=False),  # SHA-256 of the seals in `period_figure`
    Column("run_id", Text, nullable=False),
    Column("closed_done_at", BigInteger),  # by the clock on the wall, where ltc.yaml stops that of the stamps
    Column("approved_done_at", BigInteger),
    Column("reopened_done_at", BigInteger),
)

# Everything that the report of a closed period says, as it was at its close. An erasure may take a person's name out of
# a value and forget its salt: the seal stays.
period_figure = Table(
    "period_figure",
    metadata,
    Column("period", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),  # JSON
    Column("salt", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),  # SHA-256 of salt and value
)

# Documents as a close counted them; only those that differ from the close before.
period_document = Table(
    "period_document",
    metadata,
    Column("period", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("tie_out", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("currency", Text, primary_key=True),
    Column("belongs_to", Text, nullable=False),  # YYYY-MM of its business day; empty if it has none
    Column("amount", BigInteger),  # minor units; empty: it counts no longer
    Column("open_amount", BigInteger, nullable=False),  # what of it agrees with nothing on the other side
    Column("content", Text, nullable=False),  # hash of its content
)

# What people attached to findings, each content once.
attachment = Table(
    "attachment",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # compressed and sealed, see state/attachments.py
    Column("at", BigInteger, nullable=False),
)

plan = Table(
    "plan",
    metadata,
    Column("id", Text, primary_key=True),  # digest of its items
    Column("system", Text, nullable=False),
    Column("status", Text, nullable=False),  # planned, applying, applied, superseded
    Column("created_at", BigInteger, nullable=False),
    Column("approved_by", Text),
    Column("applied_at", BigInteger),
    Column("run_id", Text, nullable=False),
    Column("large_approved_by", Text),  # who approved it although it is larger than `writing.limits`
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan_id", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("number", Text),
    Column("changes", Text, nullable=False),  # JSON list: field, source_field, old, new, reason
    Column("base_seq", Integer, nullable=False),  # version of the record the change was planned from
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),  # see OutboxStatus in state/outbox.py
    Column("attempts", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("done_at", BigInteger),
    Column("tried_before", Integer, nullable=False, server_default="0"),  # times, before people had it tried again
    Column("fence", BigInteger, nullable=False, server_default="0"),  # token of the lease that last sent it
    Column("unsettled", SmallInteger, nullable=False, server_default="0"),  # 1: closed, perhaps carried out
    Column("became", Text),  # status that its last attempt ended with, once a later planning or a person closed it
    Column("became_said", Text),  # and the message of then
)
Index("ix_outbox_status", outbox.c.system, outbox.c.status)
Index("ix_outbox_record", outbox.c.record_id)
TRIED_AGAIN = outbox.c.message == literal_column("'taken up again by hand'")
"""Dead letters that somebody has tried again and that were not sent since; written out as ``LINK_SUGGESTED`` is."""
Index("ix_outbox_tried_again", outbox.c.system, outbox.c.id, sqlite_where=TRIED_AGAIN, postgresql_where=TRIED_AGAIN)

_STUCK: list[ColumnElement[str]] = [literal_column("'rejected'"), literal_column("'dead'")]
STUCK_WRITE = outbox.c.status.in_(_STUCK)
"""Write-backs that need a person; written out as ``LINK_SUGGESTED`` is."""
# with the status, which SQLite looks at even though the index has no others
_in_order = (outbox.c.system, outbox.c.id, outbox.c.status)
Index("ix_outbox_stuck", *_in_order, sqlite_where=STUCK_WRITE, postgresql_where=STUCK_WRITE)

# Records that we create downstream: one row ever for each rule, target system and origin, so that each is made once.
creation = Table(
    "creation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("rule", Text, nullable=False),  # lead, order, invoice
    Column("system", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("origin_id", BigInteger, nullable=False),
    Column("origin_system", Text, nullable=False),
    Column("origin_stream", Text, nullable=False),
    Column("origin_entity", Text, nullable=False),
    Column("origin_source_id", Text, nullable=False),
    Column("origin_seq", Integer, nullable=False),
    Column("number", Text),  # the origin's
    Column("key", Text, nullable=False, unique=True),  # external key, see state/externalkeys.py
    Column("content", Text, nullable=False),  # JSON: source field → value; empty once it is pruned or erased
    Column("reason", Text, nullable=False),
    Column("round", Integer, nullable=False),  # grows when what was refused is tried again
    Column("status", Text, nullable=False),  # see OutboxStatus in state/changes.py; there are no conflicts
    Column("attempts", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("unsure", SmallInteger, nullable=False, server_default="0"),  # 1: it may have been made, nobody told us
    Column("wanted", SmallInteger, nullable=False, server_default="1"),
    Column("run_id", Text, nullable=False),
    Column("large_approved_by", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("done_at", BigInteger),
    Column("fence", BigInteger, nullable=False, server_default="0"),  # token of the lease that last sent it
    Column("made_source_id", Text),
    Column("made_id", BigInteger),  # our number of the record that was made
    Column("became", Text),  # status that it had when a person discarded it
    Column("became_said", Text),  # and the message of then
    UniqueConstraint("rule", "system", "origin_id"),
)
Index("ix_creation_status", creation.c.system, creation.c.status)
Index("ix_creation_origin", creation.c.origin_id)
Index("ix_creation_made", creation.c.made_id)
STUCK_CREATION = creation.c.status.in_(_STUCK)
"""New records that need a person; written out as ``LINK_SUGGESTED`` is."""
_in_order = (creation.c.system, creation.c.id, creation.c.status)
Index("ix_creation_stuck", *_in_order, sqlite_where=STUCK_CREATION, postgresql_where=STUCK_CREATION)

# External keys of ours that landed records carry: how a record that we made is recognised, by any store.
external_key = Table(
    "external_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # sync, fetch, pull, reconcile, push, sweep, replay
    Column("engine", Text, nullable=False),  # local, prefect
    Column("status", Text, nullable=False),  # running, done, partial, failed, interrupted
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("summary", Text, nullable=False),  # JSON
    Column("flow_run", Text),  # Prefect's id of the flow run that it is part of
    Column("started_by", Text),  # NULL where nobody has said who
)
Index("ix_run_started", run.c.started_at, run.c.id, run.c.kind, run.c.status, run.c.started_by)

# The systems that a run was to work on; by it the runs of a system are found.
run_system = Table(
    "run_system",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("system", Text, primary_key=True),
)

# When a run last began that a schedule started, for each system; '' for all of them together.
scheduled = Table(
    "scheduled",
    metadata,
    Column("system", Text, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
)

# Systems whose connection was saved although its check had failed, until one passes.
failed_check = Table(
    "failed_check",
    metadata,
    Column("system", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What one run did with one stream.
stream_run = Table(
    "stream_run",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("direction", Text, primary_key=True),  # fetch, pull, push, create, sweep, replay
    Column("status", Text, nullable=False),  # running, done, failed, interrupted
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("counts", Text, nullable=False),  # JSON: pulled, new, changed, unchanged, stale, rejected, deleted, calls …
    Column("error_kind", Text),
    Column("message", Text),
    Column("remedy", Text),
)
Index("ix_stream_run_stream", stream_run.c.system, stream_run.c.stream, stream_run.c.started_at)
_FOLLOWS: list[ColumnElement[str]] = [literal_column("'not_tried'"), literal_column("'resting'")]
TRULY_FAILED = and_(stream_run.c.status == literal_column("'failed'"), stream_run.c.error_kind.not_in(_FOLLOWS))
"""Failed by itself, not because of another stream or a rest; written out as ``LINK_SUGGESTED`` is."""
Index(
    "ix_stream_run_failed",
    stream_run.c.system,
    stream_run.c.started_at,
    sqlite_where=TRULY_FAILED,
    postgresql_where=TRULY_FAILED,
)

# How many calls went to each system in a quarter of an hour, whatever they were for; see state/calls_made.py.
call_count = Table(
    "call_count",
    metadata,
    Column("system", Text, primary_key=True),
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),  # its start
    Column("calls", BigInteger, nullable=False),
)

# Held while one process works on one system, so that two never pull or push it at once.
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),  # grows with every lease given out
)

# Numbers that only ever grow: `lease`, the token given out last.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Systems (stream `*`) and streams that people have paused; see state/pauses.py.
pause = Table(
    "pause",
    metadata,
    Column("system", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("paused_by", Text, nullable=False),
    Column("paused_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# What linkers that are costly to repeat have read and found; see state/links.py.
linker_memory = Table(
    "linker_memory",
    metadata,
    Column("name", Text, primary_key=True),
    Column("inputs", Text, nullable=False),  # digests
    Column("results", Text, nullable=False),
)

# The value of a written field on which owner and target last agreed: the base of the three-way comparison.
agreed = Table(
    "agreed",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What the last reconciliation came to for each live order, and what it had seen; see state/order_states.py.
order_state = Table(
    "order_state",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("delivery_state", Text, nullable=False),
    Column("billing_state", Text, nullable=False),
    Column("payment_state", Text, nullable=False),
)
order_state_mark = Table(
    "order_state_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1
    Column("horizon", BigInteger, nullable=False),
    Column("activity", Text, nullable=False),
    Column("last", Integer, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("remapped", BigInteger, nullable=False),
)

# Wishes that are not planned, and why: locked, not_eligible, create_only, ask, newer, decided, brake.
held = Table(
    "held",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("id", Text, nullable=False),  # stable: of the record, the field and both values
    Column("system", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("number", Text),
    Column("why", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: old, new, common, reason
    Column("since", BigInteger, nullable=False),
)
Index("ix_held_system", held.c.system, held.c.why)

# What a person decided about one field of one record, for as long as the owner's value is `new`.
decision = Table(
    "decision",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("choice", Text, nullable=False),  # write, keep, instead, restore
    Column("old", Text, nullable=False),  # JSON: what the target showed
    Column("new", Text, nullable=False),  # JSON: what the owner wanted it to show
    Column("value", Text, nullable=False),  # JSON: what is to be written (instead, restore)
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# What a person decided about which receipt settles which item; see state/cash.py.
cash_decision = Table(
    "cash_decision",
    metadata,
    Column("receipt_id", BigInteger, primary_key=True, autoincrement=False),
    Column("item_id", BigInteger, primary_key=True, autoincrement=False),
    Column("decision", Text, nullable=False),  # pinned, cut
    Column("applied", BigInteger, nullable=False),  # minor units of the item's currency
    Column("spent", BigInteger, nullable=False),  # minor units of the receipt's currency
    Column("differences", Text, nullable=False),  # JSON list: item or null, kind, minor units
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
)
Index("ix_cash_decision_decided_at", cash_decision.c.decided_at)

# Records that nobody writes to.
record_lock = Table(
    "record_lock",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("locked_by", Text, nullable=False),
    Column("locked_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

# Systems whose first matching a person has accepted; all others are read only.
acceptance = Table(
    "acceptance",
    metadata,
    Column("system", Text, primary_key=True),
    Column("accepted_by", Text, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: the matching that was accepted
)

# Our own writes, field by field: each is used once, to recognise itself when the source shows it (perhaps rewritten).
write_log = Table(
    "write_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("record_id", BigInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("outbox_id", Integer, nullable=False),
    Column("sent", Text, nullable=False),  # JSON: the source value we wrote
    Column("sent_hash", Text, nullable=False),
    Column("shown", Text),  # JSON: what the source made of it; null until it was seen
    Column("at", BigInteger, nullable=False),
)
Index("ix_write_log_record", write_log.c.record_id, write_log.c.field)

# What the source itself listed of a stream when it was last swept; see state/sourcecounts.py.
source_count = Table(
    "source_count",
    metadata,
    Column("stream_id", Integer, primary_key=True, autoincrement=False),
    Column("counted", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
    Column("surplus", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Records whose status last changed against the legal order of statuses; see state/transitions.py.
out_of_order = Table(
    "out_of_order",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("was", Text, nullable=False),
    Column("became", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# What retention has removed, one row a kind: nothing of it that ended before `before` is sure to be there.
pruned = Table(
    "pruned",
    metadata,
    Column("kind", Text, primary_key=True),  # landing, writes, findings …; all: the last prune that came to its end
    Column("before", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),  # rows, altogether
    Column("at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),  # where the next one goes on; 0: from the start
)

# Persons whose data was erased on request. `done_at` is empty while that is under way, and again after a restore.
erasure = Table(
    "erasure",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("done_at", BigInteger),
)

# What an erased person is recognised by when a source sends it again: digests of record, e-mail and phone.
tombstone = Table(
    "tombstone",
    metadata,
    Column("erasure_id", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # keyed BLAKE2b-128
    Column("kind", Text, nullable=False),  # record, email, phone
    Column("key_id", Text, nullable=False),
)
# The records of erased persons: what is missing in them is missing on purpose.
erased_record = Table(
    "erased_record",
    metadata,
    Column("record_id", BigInteger, primary_key=True, autoincrement=False),
    Column("erasure_id", Text, primary_key=True),
)
erasure_key = Table(
    "erasure_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)

# Append-only; `hash` covers the row, with `seal` in place of the detail, and the hash before it. An erasure may empty
# the detail and forget its salt: the seal stays.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON; empty after an erasure
    Column("salt", LargeBinary, nullable=False),  # empty after an erasure
    Column("seal", LargeBinary, nullable=False),  # BLAKE2b-256 of salt and detail
    Column("hash", LargeBinary, nullable=False),
)
CASH_UNDONE = audit.c.action == literal_column("'cash undecided'")
"""Decisions about cash that were taken back, written out as ``LINK_SUGGESTED`` is."""
Index("ix_audit_cash_undone", audit.c.id, sqlite_where=CASH_UNDONE, postgresql_where=CASH_UNDONE)
RUN_STOPPED = audit.c.action == literal_column("'run stopped'")
"""Runs that somebody stopped, written out as ``LINK_SUGGESTED`` is."""
Index("ix_audit_run_stopped", audit.c.at, sqlite_where=RUN_STOPPED, postgresql_where=RUN_STOPPED)
