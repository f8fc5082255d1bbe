"""Who is who in the target system: customers and products by what reconciliation has linked, failing that refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from state.surroundings import SURE, Place, Surroundings
from sync.naturals import Refused

_GONE = ("archived", "merged")
_NOUN = {"party": "customer", "product": "product"}
_MOST_KEPT = 100_000


class Counterparts:
    """The customers and products of one target system; what was found out is kept."""

    def __init__(self, around: Surroundings, target: str) -> None:
        self._around = around
        self._target = target
        self._kept: dict[tuple[str | None, ...], str | Refused] = {}

    def customer(self, refs: Sequence[tuple[str, str | None]]) -> str:
        """The target system's own id of a record's customer; ``refs``: (system, reference), the best first.

        Raises ``Refused`` if there is none, or more than one.
        """
        named = tuple(text for pair in refs for text in pair)
        return self._once(("party", *named), lambda: self._customer(refs))

    def product(self, system: str, ref: str | None, sku: str | None) -> str:
        """The target system's own id of a line's product: the one it is linked to, or the only one with its code."""
        return self._once(("product", system, ref, sku), lambda: self._product(system, ref, sku))

    def _once(self, question: tuple[str | None, ...], answer: Callable[[], str]) -> str:
        known = self._kept.get(question)
        if known is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            try:
                known = answer()
            except Refused as error:
                known = error
            self._kept[question] = known
        if isinstance(known, Refused):
            raise Refused(str(known))
        return known

    def _customer(self, refs: Sequence[tuple[str, str | None]]) -> str:
        for system, ref in refs:
            found = self._around.named(system, "party", ref)
            if found:
                return self._counterpart("party", found)
        raise Refused("It names no customer. Enter the customer in the source.")

    def _product(self, system: str, ref: str | None, sku: str | None) -> str:
        target = self._target
        if ref:
            linked = self._linked(self._around.named(system, "product", ref))
            if len(linked) == 1:
                return linked[0].source_id
        same = self._around.with_value(target, "product", "sku", sku) if sku else []
        same = [place for place in same if _usable(place)]
        if len(same) == 1:
            return same[0].source_id
        known = "not known in" if not same else "there more than once in"
        raise Refused(
            f"The product {sku or ref or 'of a line'} is {known} {target}. Enter it there with the same code."
        )

    def _counterpart(self, entity: str, places: Sequence[Place]) -> str:
        found, noun, target = self._linked(places), _NOUN[entity], self._target
        name = places[0].name
        if len(found) == 1:
            return found[0].source_id
        if found:
            several = ", ".join(place.source_id for place in found)
            raise Refused(
                f"The {noun} {name} is several records in {target} ({several}). Merge them there, or `ltc links cut`."
            )
        raise Refused(f"The {noun} {name} is not known in {target}. Create it there, or `ltc links confirm` it.")

    def _linked(self, places: Sequence[Place]) -> list[Place]:
        found: dict[int, Place] = {}
        for place in places:
            sure = [other for other, decision in self._around.twins(place.record_id).items() if decision in SURE]
            for other in (place, *self._around.places(sure)):
                if other.system == self._target and _usable(other):
                    found[other.record_id] = other
        return list(found.values())


def _usable(place: Place) -> bool:
    return place.alive and place.row.get("status") not in _GONE
