"""Who is who in the target system: customers and products by what reconciliation has linked, failing that refused."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from state import origins
from state.origins import SURE, Place
from sync.naturals import Refused

_GONE = ("archived", "merged")
_NOUN = {"party": "customer", "product": "product"}


def customer(connection: Connection, target: str, refs: Sequence[tuple[str, str | None]]) -> str:
    """The target system's own id of the customer that a record names; ``refs``: (system, reference), the best first.

    Raises ``Refused`` if there is none, or more than one.
    """
    for system, ref in refs:
        found = origins.named(connection, system, "party", ref)
        if found:
            return _counterpart(connection, target, "party", found)
    raise Refused("It names no customer. Enter the customer in the source.")


def product(connection: Connection, target: str, system: str, ref: str | None, sku: str | None) -> str:
    """The target system's own id of a line's product: the one it is linked to, or the only one with its code."""
    if ref:
        linked = _linked(connection, target, origins.named(connection, system, "product", ref))
        if len(linked) == 1:
            return linked[0].source_id
    same = [place for place in origins.with_value(connection, target, "product", "sku", sku or "") if _usable(place)]
    if len(same) == 1:
        return same[0].source_id
    known = "not known in" if not same else "there more than once in"
    raise Refused(f"The product {sku or ref or 'of a line'} is {known} {target}. Enter it there with the same code.")


def _counterpart(connection: Connection, target: str, entity: str, places: Sequence[Place]) -> str:
    found, noun = _linked(connection, target, places), _NOUN[entity]
    name = places[0].name
    if len(found) == 1:
        return found[0].source_id
    if found:
        several = ", ".join(place.source_id for place in found)
        raise Refused(
            f"The {noun} {name} is several records in {target} ({several}). Merge them there, or `ltc links cut`."
        )
    raise Refused(f"The {noun} {name} is not known in {target}. Create it there, or `ltc links confirm` it.")


def _linked(connection: Connection, target: str, places: Sequence[Place]) -> list[Place]:
    found: dict[int, Place] = {}
    for place in places:
        sure = [other for other, decision in origins.twins(connection, place.record_id).items() if decision in SURE]
        for other in (place, *origins.places(connection, sure)):
            if other.system == target and _usable(other):
                found[other.record_id] = other
    return list(found.values())


def _usable(place: Place) -> bool:
    return place.alive and place.row.get("status") not in _GONE
