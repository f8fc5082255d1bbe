"""One sales office in one market for one year: its customers, items and receipts, made in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from bench.matching import names
from bench.matching.chance import Chance, Weights, scrambled
from bench.matching.exchange import Exchange
from bench.matching.model import Item, Payer, Receipt, Reference
from bench.matching.numbers import Series
from bench.matching.rates import Profile

FIRST = date(2025, 1, 1).toordinal()
LAST = date(2025, 12, 31).toordinal()
END = date(2026, 1, 31).toordinal()
"""The last day of receipts; what is paid later is still open."""
CURRENCIES = {"dach": "EUR", "uk": "GBP", "us": "USD", "cn": "CNY"}
LEVEL = {"dach": 1, "uk": 1, "us": 1, "cn": 7}
"""How many units of the currency something costs that costs one euro; roughly."""
_PROCESSOR = {"dach": (150, 25), "uk": (150, 20), "us": (290, 30), "cn": (60, 0)}
"""What a processor keeps: hundredths of a per cent and minor units (Stripe's list prices; 微信支付 0.6 %)."""


@dataclass
class Office:
    """What an office makes in a year, and the means to make it."""

    profile: Profile
    market: str
    number: int
    chance: Chance
    exchange: Exchange
    series: Series = field(init=False)
    habits: Weights[str] = field(init=False)
    items: list[Item] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    parties: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Key, customer number, name, market."""
    related: list[tuple[str, str, str]] = field(default_factory=list)
    alternatives: list[tuple[int, Item]] = field(default_factory=list)
    _keys: int = 0

    def __post_init__(self) -> None:
        self.series = Series(self.chance, self.market, self.number)
        rates = self.profile
        habits = {name.removeprefix("text_"): getattr(rates, name) for name in vars(rates) if name.startswith("text_")}
        self.habits = Weights(habits)

    @property
    def currency(self) -> str:
        """The currency of its market."""
        return CURRENCIES[self.market]

    def key(self) -> int:
        """An id that no other thing of the world has, without visible order."""
        self._keys += 1
        return scrambled(self.number << 24 | self._keys)

    def party(self, name: str) -> str:
        """A new customer's key."""
        key = f"party-{self.key():010x}"
        self.parties.append(
            (key, f"{10_000 + self.number * 1_000_003 % 70_000 + len(self.parties)}", name, self.market)
        )
        return key

    def customer_number(self) -> str:
        """That of the customer made last."""
        return self.parties[-1][1]

    def payer(self, name: str, share_known: float) -> Payer:
        """A new customer that pays for itself."""
        chance, key = self.chance, self.party(name)
        shown = names.on_statement(chance, name) if chance.happens(self.profile.name_altered) else name
        known = chance.happens(share_known)
        account, habit = names.account(chance, self.market), chance.draw(self.habits)
        return Payer([key], key, known, shown, account, habit, self.customer_number(), self.market)

    def item(self, kind: str, party: str, amount: int, issued: int, days: int) -> Item:
        """A new open item of that amount, due after that many days."""
        made = Item(kind, party, self.currency, amount, amount, issued, issued + days)
        self.items.append(made)
        return made

    def order(self, day: int) -> Reference:
        """A new order."""
        return Reference(day)

    def transfer(self, payer: Payer, currency: str, day: int, segment: str) -> Receipt:
        """A receipt by bank, without money yet; a few of them are already recorded in the accounting system."""
        chance, rates = self.chance, self.profile
        recorded = chance.happens(rates.recorded)
        source = "accounting" if recorded else "bank"
        party = payer.party if payer.known or recorded else None
        habit = chance.draw(self.habits) if chance.happens(rates.habit_lapse) else payer.habit
        made = Receipt(source, party, payer.name, payer.account, currency, 0, day, habit, segment=segment)
        made.payer = payer
        self.receipts.append(made)
        return made

    def charge(self, payer: Payer, day: int, habit: str, segment: str) -> Receipt:
        """A receipt by processor, without money yet."""
        party = payer.party if payer.known else None
        made = Receipt("payments", party, payer.name, "", self.currency, 0, day, habit, segment=segment)
        made.payer = payer
        self.receipts.append(made)
        return made

    def processor_fee(self, gross: int) -> int:
        """What the processor keeps of a charge."""
        share, fixed = _PROCESSOR[self.market]
        return min(gross, (gross * share + 5_000) // 10_000 + fixed)
