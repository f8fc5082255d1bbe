"""Compute on a few records, again and again: a database in memory whose tables stand ready, and stay empty.

To open DuckDB, to make macros and tables and to plan some eighty statements takes many times as long as to run them on
the records of one chain. So that is done once for given rules. Rows are put in within a transaction that is rolled
back in the end: they exist for one connection only, and each connection serves one computation at a time.

Frames are few: making one takes longer than waiting for another one, as processors are few too.

The statements stay the ones that ``prepare`` runs on any frame. Here ``CREATE OR REPLACE TABLE x AS query`` is run as
``INSERT INTO x query``, prepared; what neither the wanted table nor a decision depends on is left out; a statement
whose tables hold nothing but what they held at the beginning gives what it gave then, so it is not run, and neither is
one that gives nothing while a table is empty that is (``barren``).
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

from reconciliation import session, typed
from reconciliation.barren import needed_rows
from reconciliation.frame import SOURCES, Frame, definitions, moment

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from reconciliation.rules import Rules

_BEFORE = r"(?:\s|--[^\n]*\n)*"
_MADE = re.compile(rf"{_BEFORE}CREATE OR REPLACE (?:TEMP )?(TABLE|VIEW) (\w+) AS\b(.*)", re.DOTALL)
_MACRO = re.compile(rf"{_BEFORE}CREATE (?:OR REPLACE )?MACRO\b")
_WORD = re.compile(r"\w+")
_VARIABLE = "getvariable("
_KEPT = 4
"""Databases that are kept, each for other rules; one takes some megabytes."""
FRAMES = max(2, os.cpu_count() or 1)
"""Computations at a time in one database."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement that makes a table or a view of a query."""

    is_view: bool
    name: str
    query: str


def _made(statement: str) -> _Made | None:
    """What a statement makes; ``None`` of a macro. Raises ``RuntimeError`` of any other statement."""
    found = _MADE.match(statement)
    if found is None and not _MACRO.match(statement):
        raise RuntimeError(f"this can only be done in a frame of its own: {statement.strip()[:80]}")
    return found and _Made(found[1] == "VIEW", found[2], found[3])


@dataclass(frozen=True, slots=True)
class _Step:
    """A prepared statement, parsed, the table that it fills, those that it reads, and those it is empty without."""

    filling: duckdb.Statement
    name: str
    reads: frozenset[str]
    empty_without: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was learnt when the tables were made."""

    made: frozenset[str]
    needed: frozenset[str]
    views: Mapping[str, frozenset[str]]
    """The tables that each view shows."""
    answers: Mapping[str, list[tuple[Any, ...]]]
    """What questions were answered when there was no record."""
    tells_time: bool
    """Whether what is made may depend on ``moment``."""


class _Maker(Frame):
    """Makes the tables, empty, and notes what each is made of and what questions about them are answered."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
        super().__init__(connection, rules)
        self.made_of: dict[str, set[str]] = {}
        self.views: dict[str, frozenset[str]] = {}
        self.asked: set[str] = set()
        self.timed: set[str] = set()
        """Tables and views whose queries ask what ``moment`` set; empty text for a macro or a question that does."""
        self.answers: dict[str, list[tuple[Any, ...]]] = {}

    def run(self, sql: str) -> None:
        """Execute statements; a temporary table is made as any other."""
        for statement in self._connection.extract_statements(sql):
            found = _made(statement.query)
            if _VARIABLE in statement.query:
                self.timed.add(found.name if found else "")
            if found is None:
                self._connection.execute(statement)
                continue
            read = self._known_in(found.query)
            if found.name in read:
                raise RuntimeError(f"{found.name} is made of itself")
            self.made_of.setdefault(found.name, set()).update(read)
            if found.is_view:
                self.views[found.name] = frozenset(read).union(*(self.views.get(name, ()) for name in read))
            kind = "VIEW" if found.is_view else "TABLE"
            self._connection.execute(f"CREATE OR REPLACE {kind} {found.name} AS {found.query}")

    def value(self, sql: str) -> Any:
        """The first column of the first row, ``None`` without rows."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query; what is done next may depend on them."""
        self.asked |= self._known_in(sql)
        if _VARIABLE in sql:
            self.timed.add("")
        self.answers[sql] = super().rows(sql)
        return self.answers[sql]

    def under(self, *names: str) -> set[str]:
        """Tables, and everything that they are made of."""
        found, pending = {*names}, [*names]
        while pending:
            more = self.made_of.get(pending.pop(), set()) - found
            found |= more
            pending += more
        return found

    def _known_in(self, query: str) -> set[str]:
        return _words(query) & (SOURCES.keys() | self.made_of.keys())


def _words(query: str) -> set[str]:
    return set(_WORD.findall(query))


class Standing:
    """One database, for one set of rules; ``frame`` gives frames on it to as many threads as ask."""

    def __init__(self, rules: Rules, prepare: Callable[[Frame], None], wanted: str) -> None:
        self._root = session.lasting()
        self._prepare = prepare
        self._places = BoundedSemaphore(FRAMES)
        self._warming = Lock()
        self._idle: deque[StandingFrame] = deque()
        maker = _Maker(self._root, rules)
        self._root.execute(definitions(rules))
        self._root.execute(moment(rules))
        for source in SOURCES.values():
            maker.take(source.name, source.arrow(()), source.select("incoming"))
        prepare(maker)
        made = frozenset(maker.made_of)
        needed = frozenset(maker.under(wanted, *maker.asked))
        tells_time = not maker.timed.isdisjoint(needed | {""})
        self._known = _Known(made, needed, maker.views, maker.answers, tells_time)
        for name in sorted(self.needed - maker.views.keys()):
            if self._root.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchall():
                raise RuntimeError(f"{name} has rows where there are no records")
        finalize(self, _close, self._idle, self._root)  # DuckDB complains of connections that are open at the end

    @property
    def needed(self) -> frozenset[str]:
        """Tables and views that the wanted table is made of, or that decide what is done."""
        return self._known.needed

    @contextmanager
    def frame(self, rules: Rules, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Frame]:
        """A frame of these rows (as they are stored, by the name of their source), with the wanted table made.

        Who comes while all are in use waits for one.
        """
        with self._places:
            try:
                frame = self._idle.pop()
            except IndexError:
                frame = StandingFrame(self._root.cursor(), rules, self._known)
            with frame.holding(rules, rows):
                self._prepare(frame)
                yield frame
            self._idle.append(frame)  # one that failed is not used again

    def warm_up(self, rules: Rules) -> None:
        """Make all frames now, with their statements, so that nobody waits for that."""
        with self._warming, ExitStack() as stack:
            for _ in range(FRAMES):
                stack.enter_context(self.frame(rules, {}))


class _Feed:
    """Rows for a statement that was prepared before they were known."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class StandingFrame(Frame):
    """A frame over tables that stand. Get it from ``Standing.frame``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rules: Rules, known: _Known) -> None:
        super().__init__(connection, rules)
        self._known = known
        self._steps: dict[str, list[_Step]] = {}
        self._names = 0
        self._touched: set[str] = set()
        """Tables that hold something else than at the beginning."""
        connection.execute("PRAGMA disable_optimizer")  # what it plans may rely on what tables hold when it plans
        self._feeds = {name: _Feed(typed.table(SOURCES[name], rules, ())) for name in SOURCES.keys() & known.needed}
        for name, feed in self._feeds.items():
            connection.register(f"fed_{name}", feed)
            connection.execute(f"PREPARE put_{name} AS INSERT INTO {name} SELECT * FROM fed_{name}")
        self._putting = {name: self._parsed(f"EXECUTE put_{name}") for name in self._feeds}

    def close(self) -> None:
        """Let go of everything."""
        for name in self._feeds:
            self._connection.unregister(f"fed_{name}")
        self._connection.close()

    @contextmanager
    def holding(self, rules: Rules, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[None]:
        """Hold these rows for the block."""
        self.rules, self.stages = rules, set()
        self._touched.clear()
        if self._known.tells_time:
            self._connection.execute(moment(rules))
        self._connection.begin()
        try:
            for name, some in rows.items():
                if some and name in self._feeds:
                    self._feeds[name].table = typed.table(SOURCES[name], rules, some)
                    self._connection.execute(self._putting[name])
                    self._touched.add(name)
            yield
        finally:
            self._connection.rollback()

    def run(self, sql: str) -> None:
        """Execute statements, as far as the wanted table needs them."""
        steps = self._steps.get(sql)
        if steps is None:
            steps = self._steps[sql] = self._planned(sql)
        for step in steps:
            self._take_step(step)

    def value(self, sql: str) -> Any:
        """The first column of the first row, ``None`` without rows."""
        if sql in self._known.answers and self._touched.isdisjoint(self._read_by(sql)):
            rows = self._known.answers[sql]
        else:
            rows = self.rows(sql)
        return rows[0][0] if rows else None

    def _take_step(self, step: _Step) -> None:
        if step.name in self._touched:
            self._connection.execute(f"DELETE FROM {step.name}")
            self._touched.discard(step.name)
        elif self._touched.isdisjoint(step.reads):
            return
        if not step.empty_without <= self._touched:
            return
        ((count,),) = self._connection.execute(step.filling).fetchall()
        if count:
            self._touched.add(step.name)

    def _planned(self, sql: str) -> list[_Step]:
        steps = []
        for statement in self._connection.extract_statements(sql):
            found = _made(statement.query)
            if found is None or found.is_view or found.name not in self._known.needed:
                continue  # macros and views stand
            if unforeseen := _words(found.query) & self._known.made - self._known.needed:
                raise RuntimeError(f"{found.name} was not made of {', '.join(sorted(unforeseen))} before")
            prepared = f"step_{self._names}"
            self._names += 1
            self._connection.execute(f"PREPARE {prepared} AS INSERT INTO {found.name} {found.query}")
            empty_without = needed_rows(self._connection, found.query) & self._known.needed
            filling = self._parsed(f"EXECUTE {prepared}")
            steps.append(_Step(filling, found.name, self._read_by(found.query), empty_without))
        return steps

    def _parsed(self, statement: str) -> duckdb.Statement:
        """A statement to run again and again."""
        return self._connection.extract_statements(statement)[0]

    def _read_by(self, query: str) -> frozenset[str]:
        """The tables among the words of a query, and those of the views among them; a column may be called alike."""
        found = _words(query)
        for name in found & self._known.views.keys():
            found |= self._known.views[name]
        return frozenset(found & self._known.needed)


def _close(idle: deque[StandingFrame], root: duckdb.DuckDBPyConnection) -> None:
    while idle:
        idle.pop().close()
    root.close()


_standing: OrderedDict[tuple[Any, ...], Standing] = OrderedDict()
_lock = Lock()


def standing(rules: Rules, prepare: Callable[[Frame], None], wanted: str) -> Standing:
    """The database for these rules in which ``prepare`` makes the table ``wanted``; made if this process has none."""
    key = (definitions(rules), prepare, wanted)
    with _lock:
        found = _standing.pop(key, None) or Standing(rules, prepare, wanted)
        _standing[key] = found
        while len(_standing) > _KEPT:
            _standing.popitem(last=False)
    return found
