"""Run a parsed query against the org: resolve names, filter, sort, cut, and shape records as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.salesforce import ids, soql
from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.org import Org, Record
from sandbox.salesforce.schema import Field, SObject
from sandbox.salesforce.soql import Comparison, Condition, Group, Order, Path, Query, Range
from sandbox.salesforce.values import shown

Test = Callable[[Record], bool]
Get = Callable[[Record], Any]

_NUMBERS = ("currency", "double", "percent", "int")
_KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "date": (date, Range),
    "datetime": (datetime, Range),
    **dict.fromkeys(_NUMBERS, (Decimal,)),
}


@dataclass(slots=True)
class Result:
    """The matching records and how to show each."""

    name: str
    records: list[Record]
    show: Callable[[Record, str], dict[str, Any]]
    count: bool = False


def run(org: Org, text: str, *, with_deleted: bool = False) -> Result:
    """Parse and run a query; raises ``ApiError``."""
    return _Runner(org, with_deleted).run(soql.parse(text))


class _Runner:
    def __init__(self, org: Org, with_deleted: bool) -> None:
        self.org = org
        self.with_deleted = with_deleted

    def run(self, query: Query) -> Result:
        sobject = self._source(query)
        records = self._matching(query, sobject, self.org.tables[sobject.name].values())
        show = self._shower(query, sobject) if not query.count else _nothing
        return Result(sobject.name, records, show, query.count)

    def _source(self, query: Query) -> SObject:
        try:
            return self.org.sobject(query.source)
        except ApiError:
            raise soql.malformed(
                query.text,
                query.source_at,
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                "sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for "
                "the appropriate names.",
                "INVALID_TYPE",
            ) from None

    def _matching(self, query: Query, sobject: SObject, candidates: Any) -> list[Record]:
        test = self._condition(query, sobject, query.where) if query.where else _always
        found = [item for item in candidates if (self.with_deleted or not item["IsDeleted"]) and test(item)]
        for order in reversed(query.order):
            self._sort(query, sobject, order, found)
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]

    def _sort(self, query: Query, sobject: SObject, order: Order, found: list[Record]) -> None:
        get, item = self._getter(query, sobject, order.path)
        fold = item.type not in ("id", "reference")

        def key(record: Record) -> Any:
            value = get(record)
            return value.casefold() if fold and isinstance(value, str) else value

        missing = [record for record in found if get(record) is None]
        rest = [record for record in found if get(record) is not None]
        rest.sort(key=key, reverse=order.descending)
        found[:] = rest + missing if order.nulls_last else missing + rest

    # Names.

    def _getter(self, query: Query, sobject: SObject, path: Path) -> tuple[Get, Field]:
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() == sobject.name.lower():
            parts = parts[1:]
        steps: list[tuple[str, str]] = []
        for part in parts[:-1]:
            link = sobject.parent(part)
            if link is None:
                raise soql.malformed(
                    query.text,
                    path.at,
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                    "relationship, be sure to append the '__r' after the custom relationship name.",
                    "INVALID_FIELD",
                )
            steps.append((link.name, link.reference))
            sobject = self.org.objects[link.reference]
        name = sobject.lower.get(parts[-1].lower())
        if name is None:
            raise soql.malformed(
                query.text,
                path.at,
                f"No such column '{parts[-1]}' on entity '{sobject.name}'. If you are attempting to use a custom "
                "field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the "
                "describe call for the appropriate names.",
                "INVALID_FIELD",
            )
        return self._walker(steps, name), sobject.fields[name]

    def _walker(self, steps: list[tuple[str, str]], name: str) -> Get:
        if not steps:
            return lambda record: record.get(name)

        def walk(record: Record) -> Any:
            found: Record | None = record
            for field, target in steps:
                found = self.org.tables[target].get(found[field] or "") if found else None
            return found.get(name) if found else None

        return walk

    # Conditions.

    def _condition(self, query: Query, sobject: SObject, condition: Condition) -> Test:
        if isinstance(condition, Group):
            tests = [self._condition(query, sobject, item) for item in condition.items]
            if condition.operator == "NOT":
                return lambda record: not tests[0](record)
            if condition.operator == "AND":
                return lambda record: all(test(record) for test in tests)
            return lambda record: any(test(record) for test in tests)
        get, item = self._getter(query, sobject, condition.path)
        return self._comparison(query, condition, get, item)

    def _comparison(self, query: Query, condition: Comparison, get: Get, item: Field) -> Test:
        operator, value = condition.operator, condition.value
        if operator in ("IN", "NOT IN"):
            wanted = {self._literal(query, condition.path, item, one) for one in value}
            inside = operator == "IN"
            return lambda record: (_folded(item, get(record)) in wanted) is inside
        if operator == "LIKE":
            pattern = _like(query, condition)
            return lambda record: get(record) is not None and bool(pattern.fullmatch(str(get(record))))
        if isinstance(value, Range):
            self._literal(query, condition.path, item, value)
            return self._in_range(operator, value, get)
        wanted_one = self._literal(query, condition.path, item, value)
        if operator == "=":
            return lambda record: _folded(item, get(record)) == wanted_one
        if operator == "!=":
            return lambda record: _folded(item, get(record)) != wanted_one
        return _ordered(operator, item, get, wanted_one)

    def _literal(self, query: Query, path: Path, item: Field, value: Any) -> Any:
        if value is None:
            return None
        allowed = _KINDS.get(item.type, (str,))
        if not isinstance(value, allowed) or (item.type == "date" and isinstance(value, datetime)):
            quoted = isinstance(value, str)
            raise soql.malformed(
                query.text,
                path.at,
                f"value of filter criterion for field '{item.name}' must be of type {item.type} and should "
                f"{'not ' if quoted else ''}be enclosed in quotes",
                "INVALID_FIELD",
            )
        if item.type in ("id", "reference"):
            found = ids.normal(str(value))
            if found is None:
                raise soql.malformed(query.text, path.at, f"invalid ID field: {value}", "INVALID_QUERY_FILTER_OPERATOR")
            return found
        return value.casefold() if isinstance(value, str) else value

    def _in_range(self, operator: str, value: Range, get: Get) -> Test:
        start, end = range_of(value, self.org.clock.now().date())

        def test(record: Record) -> bool:
            found = get(record)
            if found is None:
                return operator == "!="
            day = found.date() if isinstance(found, datetime) else found
            inside: bool = start <= day < end
            match operator:
                case "=":
                    return inside
                case "!=":
                    return not inside
                case "<":
                    return bool(day < start)
                case "<=":
                    return bool(day < end)
                case ">":
                    return bool(day >= end)
            return bool(day >= start)

        return test

    # Showing.

    def _shower(self, query: Query, sobject: SObject) -> Callable[[Record, str], dict[str, Any]]:
        plain: list[tuple[tuple[str, ...], Get, Field, list[str]]] = []
        for path in query.fields:
            get, item = self._getter(query, sobject, path)
            plain.append((self._spelled(sobject, path), get, item, self._parents(sobject, path)))
        children = [self._child(query, sobject, child) for child in query.children]

        def show(record: Record, base: str) -> dict[str, Any]:
            made: dict[str, Any] = {"attributes": attributes(sobject.name, record["Id"], base)}
            for spelled, get, item, parents in plain:
                _put(self.org, made, record, spelled, parents, shown(item, get(record)), base)
            for relationship, records in children:
                made[relationship] = records(record)
            return made

        return show

    def _spelled(self, sobject: SObject, path: Path) -> tuple[str, ...]:
        """The path as Salesforce writes it: own object left out, names in their own case."""
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() == sobject.name.lower():
            parts = parts[1:]
        made = []
        for part in parts[:-1]:
            link = sobject.parent(part)
            assert link
            made.append(link.relationship)
            sobject = self.org.objects[link.reference]
        return (*made, sobject.lower[parts[-1].lower()])

    def _parents(self, sobject: SObject, path: Path) -> list[str]:
        """The reference fields a path leads through."""
        found = []
        for name in self._spelled(sobject, path)[:-1]:
            link = sobject.parent(name)
            assert link
            found.append(link.name)
            sobject = self.org.objects[link.reference]
        return found

    def _child(self, query: Query, sobject: SObject, child: Query) -> tuple[str, Callable[[Record], Any]]:
        named = next((item for item in sobject.children if item.relationship.lower() == child.source.lower()), None)
        if named is None:
            raise soql.malformed(
                query.text,
                child.source_at,
                f"Didn't understand relationship '{child.source}' in FROM part of query call. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom relationship name.",
                "INVALID_TYPE",
            )
        target = self.org.objects[named.object]
        show = self._shower(child, target)

        def records(record: Record) -> Any:
            found = self._matching(child, target, self.org.children(record, named))
            return Result(target.name, found, show) if found else None

        return named.relationship, records


def attributes(name: str, record_id: str, base: str) -> dict[str, str]:
    """What every record of an answer starts with."""
    return {"type": name, "url": f"{base}/sobjects/{name}/{record_id}"}


def range_of(value: Range, today: date) -> tuple[date, date]:
    """First day of a date literal, and the day after its last."""
    name, count = value.name, value.count
    day = timedelta(days=1)
    if name in ("TODAY", "YESTERDAY", "TOMORROW"):
        start = today + {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}[name] * day
        return start, start + day
    if name in ("LAST_90_DAYS", "NEXT_90_DAYS"):
        name, count = name.replace("90", "N"), 90
    side, _, unit = name.partition("_")
    if unit == "N_DAYS":
        return (today - count * day, today + day) if side == "LAST" else (today + day, today + (count + 1) * day)
    unit = unit.removeprefix("N_").removesuffix("S")
    here = _period(unit, today, 0)
    if side == "THIS":
        return here, _period(unit, today, 1)
    count = count or 1
    if side == "LAST":
        return _period(unit, today, -count), here
    return _period(unit, today, 1), _period(unit, today, 1 + count)


def _period(unit: str, today: date, offset: int) -> date:
    """First day of the week (from Sunday), month, quarter or year that is ``offset`` periods away."""
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=offset)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    first = (today.month - 1) // months * months + offset * months
    return date(today.year + first // 12, first % 12 + 1, 1)


def _folded(item: Field, value: Any) -> Any:
    if isinstance(value, str) and item.type not in ("id", "reference"):
        return value.casefold()
    return value


def _ordered(operator: str, item: Field, get: Get, wanted: Any) -> Test:
    def test(record: Record) -> bool:
        found = _folded(item, get(record))
        if found is None or wanted is None:
            return False
        match operator:
            case "<":
                return bool(found < wanted)
            case "<=":
                return bool(found <= wanted)
            case ">":
                return bool(found > wanted)
        return bool(found >= wanted)

    return test


def _like(query: Query, condition: Comparison) -> re.Pattern[str]:
    if not isinstance(condition.value, str):
        raise soql.malformed(query.text, condition.path.at, "invalid operator on field", "INVALID_FIELD")
    parts = {"%": ".*", "_": "."}
    written = "".join(parts.get(sign) or re.escape(sign) for sign in condition.value)
    return re.compile(written, re.IGNORECASE | re.DOTALL)


def _put(
    org: Org, made: dict[str, Any], record: Record, spelled: tuple[str, ...], parents: list[str], value: Any, base: str
) -> None:
    """Set a value under its parents' objects; a parent that is not there is null."""
    place: Record | None = record
    for name, link in zip(spelled, parents, strict=False):
        assert place is not None
        target_id = place[link]
        if target_id is None:
            made.setdefault(name, None)
            return
        kind = next(key for key, prefix in ids.PREFIXES.items() if target_id.startswith(prefix))
        made = made.setdefault(name, {"attributes": attributes(kind, target_id, base)})
        place = org.tables[kind].get(target_id)
        if place is None:
            return
    made[spelled[-1]] = value


def _always(_record: Record) -> bool:
    return True


def _nothing(_record: Record, _base: str) -> dict[str, Any]:
    return {}
