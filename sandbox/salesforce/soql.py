"""Parse SOQL: fields, parent paths, child subqueries, WHERE, ORDER BY, LIMIT, OFFSET, COUNT().

A recursive descent over tokens; what does not fit is ``MALFORMED_QUERY`` with row and column, as Salesforce says it.
Mixing AND and OR without parentheses is refused, as in Salesforce.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from sandbox.salesforce.failures import ApiError

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      |(?P<date>\d{4}-\d\d-\d\d)
      |(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      |(?P<text>'(?:[^'\\]|\\.)*')
      |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      |(?P<sign><=|>=|!=|<>|[=<>(),:])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"}
_RANGES = re.compile(
    r"(TODAY|YESTERDAY|TOMORROW|(THIS|LAST|NEXT)_(WEEK|MONTH|QUARTER|YEAR)|LAST_90_DAYS|NEXT_90_DAYS"
    r"|(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|YEARS))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a query and where it starts."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Range:
    """A date literal such as ``TODAY`` or ``LAST_N_DAYS:30``."""

    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a parent's field: ``Account.Name``."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """As it was written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator value``; for IN and NOT IN the value is a tuple."""

    path: Path
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Group:
    """``AND`` or ``OR`` over all items, or ``NOT`` of the only one."""

    operator: str
    items: tuple[Condition, ...]


Condition = Comparison | Group


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ORDER BY."""

    path: Path
    descending: bool = False
    nulls_last: bool = False


@dataclass(slots=True)
class Query:
    """A parsed query; ``count`` is true for ``SELECT COUNT()``."""

    text: str
    source: str
    source_at: int
    fields: list[Path] = field(default_factory=list)
    children: list[Query] = field(default_factory=list)
    count: bool = False
    where: Condition | None = None
    order: list[Order] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


def parse(text: str) -> Query:
    """The query's parts; raises ``ApiError`` (MALFORMED_QUERY)."""
    parser = _Parser(text)
    query = parser.query()
    parser.end()
    return query


def malformed(text: str, at: int, reason: str, code: str = "MALFORMED_QUERY") -> ApiError:
    """An error that shows the place in the query."""
    before = text[:at]
    row = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1) + 1
    shown = text[max(0, at - 30) : at + 30].replace("\n", " ")
    mark = " " * min(at, 30) + "^"
    return ApiError(code, f"\n{shown}\n{mark}\nERROR at Row:{row}:Column:{column}\n{reason}")


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise malformed(text, place, f"unexpected char: '{text[place]}'")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match.group(), place))
        place = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def fail(self, reason: str | None = None) -> NoReturn:
        raise malformed(self.text, self.token.at, reason or f"unexpected token: '{self.token.text}'")

    def take(self) -> Token:
        token = self.token
        self.place += token.kind != "end"
        return token

    def word(self, *words: str) -> str | None:
        """Take one of these words (upper case) if it is next."""
        upper = self.token.text.upper()
        if self.token.kind in ("name", "sign") and upper in words:
            self.take()
            return upper
        return None

    def need(self, word: str) -> None:
        if self.word(word) is None:
            self.fail(f"unexpected token: '{self.token.text}' (expected {word})")

    def name(self) -> Token:
        if self.token.kind != "name":
            self.fail()
        return self.take()

    def path(self) -> Path:
        token = self.name()
        return Path(tuple(token.text.split(".")), token.at)

    def end(self) -> None:
        if self.token.kind != "end":
            self.fail()

    def query(self) -> Query:
        self.need("SELECT")
        found = Query(self.text, "", 0)
        self._select(found)
        self.need("FROM")
        source = self.name()
        found.source, found.source_at = source.text, source.at
        if self.word("WHERE"):
            found.where = self.condition()
        if self.word("ORDER"):
            self.need("BY")
            found.order.append(self._order())
            while self.word(","):
                found.order.append(self._order())
        if self.word("LIMIT"):
            found.limit = self._whole()
        if self.word("OFFSET"):
            found.offset = self._whole()
            if found.offset > 2000:
                raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        return found

    def _select(self, found: Query) -> None:
        if self.token.text.upper() == "COUNT" and self.tokens[self.place + 1].text == "(":
            self.take()
            self.need("(")
            self.need(")")
            found.count = True
            return
        while True:
            if self.word("("):
                found.children.append(self.query())
                self.need(")")
            else:
                found.fields.append(self.path())
            if not self.word(","):
                return

    def _order(self) -> Order:
        path = self.path()
        descending = self.word("ASC", "DESC") == "DESC"
        last = False
        if self.word("NULLS"):
            side = self.word("FIRST", "LAST")
            if side is None:
                self.fail()
            last = side == "LAST"
        return Order(path, descending, last)

    def _whole(self) -> int:
        if self.token.kind != "number" or not self.token.text.isdecimal():
            self.fail()
        return int(self.take().text)

    def condition(self) -> Condition:
        items = [self._term()]
        joined: str | None = None
        while True:
            operator = self.word("AND", "OR") if joined is None else self.word(joined)
            if operator is None:
                break
            joined = operator
            items.append(self._term())
        if self.token.text.upper() in ("AND", "OR"):
            self.fail()  # AND and OR side by side need parentheses
        return items[0] if joined is None else Group(joined, tuple(items))

    def _term(self) -> Condition:
        if self.word("("):
            found = self.condition()
            self.need(")")
            return found
        if self.word("NOT"):
            return Group("NOT", (self._term(),))
        path = self.path()
        if self.word("NOT"):
            self.need("IN")
            return Comparison(path, "NOT IN", self._list())
        if self.word("IN"):
            return Comparison(path, "IN", self._list())
        operator = self.token.text.upper()
        if operator not in _COMPARISONS:
            self.fail()
        self.take()
        return Comparison(path, "!=" if operator == "<>" else operator, self._value())

    def _list(self) -> tuple[Any, ...]:
        self.need("(")
        found = [self._value()]
        while self.word(","):
            found.append(self._value())
        self.need(")")
        return tuple(found)

    def _value(self) -> Any:
        token = self.token
        match token.kind:
            case "text":
                self.take()
                return self._unescaped(token)
            case "number":
                self.take()
                return Decimal(token.text)
            case "datetime":
                self.take()
                return self._instant(token)
            case "date":
                self.take()
                return self._day(token)
        return self._named()

    def _named(self) -> Any:
        word = self.token.text.upper()
        if word in ("TRUE", "FALSE", "NULL"):
            self.take()
            return {"TRUE": True, "FALSE": False, "NULL": None}[word]
        if not _RANGES.fullmatch(word):
            self.fail()
        self.take()
        if "_N_" not in word:
            return Range(word)
        self.need(":")
        return Range(word, self._whole())

    def _unescaped(self, token: Token) -> str:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token.text[1:-1])

    def _instant(self, token: Token) -> datetime:
        try:
            return datetime.fromisoformat(token.text).astimezone(UTC)
        except ValueError:
            raise malformed(self.text, token.at, f"line 1:{token.at} invalid date: '{token.text}'") from None

    def _day(self, token: Token) -> date:
        try:
            return date.fromisoformat(token.text)
        except ValueError:
            raise malformed(self.text, token.at, f"line 1:{token.at} invalid date: '{token.text}'") from None
