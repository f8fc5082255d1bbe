"""Numbers of documents, and what becomes of a number that people write or machines read."""

from __future__ import annotations

from bench.matching.chance import Chance, Weights

_OCR = {"0": "O", "1": "I", "5": "S", "8": "B", "O": "0", "I": "1", "S": "5", "B": "8", "6": "b", "2": "Z", "Z": "2"}
_TYPING = Weights({"replace": 0.72, "swap": 0.14, "omit": 0.08, "add": 0.06})  # Verhoeff, see rates.py
_DIGITS = "0123456789"
_FIRST_DIGITS = {
    "invoice": "90",
    "credit_note": "91",
    "debit_note": "92",
    "deposit": "93",
    "order": "10",
    "delivery": "80",
}


class Series:
    """The number ranges of one office, one for each kind of document, each without holes but for a few per cent."""

    def __init__(self, chance: Chance, market: str, office: int) -> None:
        self._chance = chance
        self._next: dict[str, int] = {}
        self._office = office
        self._market = market
        self._style = chance.between(0, 1)

    def give(self, kind: str) -> str:
        """The next number of a kind: invoice, credit_note, debit_note, deposit, order, delivery."""
        if self._market == "cn" and kind in ("credit_note", "debit_note"):
            kind = "invoice"  # red and blue invoices (红字, 蓝字) share one range
        place = self._next.get(kind, self._chance.between(100, 999)) + (2 if self._chance.happens(0.03) else 1)
        self._next[kind] = place
        return self._written(kind, place)

    def _written(self, kind: str, place: int) -> str:
        office = self._office
        if self._market == "cn":
            if kind in ("invoice", "credit_note", "debit_note"):
                # Fully digitalised invoices: year, region, channel, sequence: 20 digits; older ones have 8.
                return f"2531{office % 10}{office:05d}{place:010d}" if self._style else f"{office % 90 + 10}{place:06d}"
            letters = {"deposit": "YS", "order": "DD", "delivery": "CK"}[kind]
            return f"{letters}2025{office:02d}{place:05d}"
        if self._market == "dach":
            if self._style:
                return f"{_FIRST_DIGITS[kind]}{office:03d}{place:05d}"
            letters = {"invoice": "RE", "credit_note": "GS", "debit_note": "LS", "deposit": "AZ"}.get(kind, "")
            first = "4" if kind == "order" else "8"
            return f"{letters}-25{office:02d}-{place:05d}" if letters else f"{first}{office:02d}{place:06d}"
        letters = {"invoice": "INV", "credit_note": "CN", "debit_note": "DN", "deposit": "DEP"}.get(kind, "")
        if not letters:
            return f"{'SO' if kind == 'order' else 'DL'}{office:02d}{place:05d}"
        return f"{letters}-{office:02d}{place:05d}" if self._style else f"{letters}25{office:02d}{place:05d}"


def purchase_order(chance: Chance, style: int) -> str:
    """A number of the customer's own; several customers use the same software, so their numbers look alike."""
    if style == 0:
        return "4500" + chance.digits(6)
    if style == 1:
        return f"PO-{chance.between(1000, 99999)}"
    if style == 2:
        return f"HT-2025-{chance.between(100, 9999):04d}"
    return f"B25/{chance.between(100, 9999)}"


def mistyped(chance: Chance, number: str) -> str:
    """One wrong digit, two swapped, one omitted or one added."""
    places = [place for place, character in enumerate(number) if character in _DIGITS]
    place = chance.pick(places)
    way = chance.draw(_TYPING)
    if way == "replace":
        wrong = _DIGITS[(int(number[place]) + chance.between(1, 9)) % 10]
        return number[:place] + wrong + number[place + 1 :]
    if way == "swap" and place + 1 < len(number):
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if way == "add":
        return number[:place] + chance.pick(_DIGITS) + number[place:]
    return number[:place] + number[place + 1 :]


def misread(chance: Chance, number: str) -> str:
    """One character taken for a similar one."""
    places = [place for place, character in enumerate(number) if character in _OCR]
    if not places:
        return number
    place = chance.pick(places)
    return number[:place] + _OCR[number[place]] + number[place + 1 :]


def split(chance: Chance, number: str) -> str:
    """A blank within."""
    place = chance.between(2, len(number) - 2)
    return f"{number[:place]} {number[place:]}"


def digits_only(number: str) -> str:
    """Without letters and marks."""
    return "".join(character for character in number if character in _DIGITS)


def following(number: str, other: str) -> bool:
    """Whether the second number comes right after the first."""
    return len(number) == len(other) and number[:-5] == other[:-5] and int(other[-5:]) == int(number[-5:]) + 1
