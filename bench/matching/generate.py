"""Generate a world: a year of business of several sales offices, with its truth, as Parquet files.

    python -m bench.matching.generate FOLDER --profile typical --receipts 100000 --seed 1

The same arguments give the same bytes. Offices are made one after the other, so memory does not grow with the world.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from bench.matching import afterwards, consumers, law, projects, strangers, subscribers, trade, wording
from bench.matching.chance import Chance
from bench.matching.exchange import Exchange
from bench.matching.office import END, FIRST, Office
from bench.matching.rates import NAMES, Profile, profile
from bench.matching.tables import Files, rows_of

_OFFICE = 20_000
"""Receipts of one office at most."""
_MARKETS = {"dach": 0.35, "cn": 0.30, "us": 0.20, "uk": 0.15}
"""Our choice: no public figure says what mix of markets a group that sells in Europe and China has."""
_SEGMENTS = {"consumer": consumers, "subscription": subscribers, "trade": trade, "project": projects}


def world(folder: Path, name: str, receipts: int, seed: int) -> None:
    """Write a world of about that many receipts to ``folder``. Raises ``KeyError`` for an unknown profile."""
    exchange = Exchange(str(seed), FIRST - 30, END + 60)
    with Files(folder) as files:
        files.add("rates", rates_of(exchange))
        for office in offices(profile(name), name, receipts, seed, exchange):
            for table, rows in rows_of(office).items():
                files.add(table, rows)


def rates_of(exchange: Exchange) -> list[tuple[str, int, Decimal]]:
    """The rows of ``rates``."""
    first = exchange.first - date(1970, 1, 1).toordinal()
    return [
        (currency, first + day, Decimal(rate).scaleb(-10))
        for currency, walk in exchange.rates.items()
        for day, rate in enumerate(walk)
    ]


def offices(rates: Profile, name: str, receipts: int, seed: int, exchange: Exchange) -> Iterator[Office]:
    """The offices of a world, each complete."""
    count = max(4, -(-receipts // _OFFICE))
    made = dict.fromkeys(_MARKETS, 0)
    for number in range(count):
        market = max(_MARKETS, key=lambda one: _MARKETS[one] * (number + 1) - made[one])
        made[market] += 1
        office = Office(rates, market, number + 1, Chance(f"{seed}/{name}/{number}"), exchange)
        fill(office, receipts // count + (number < receipts % count))
        yield office


def fill(office: Office, receipts: int) -> None:
    """Let an office have customers until they have paid about that often, then finish its year."""
    rates = office.profile
    wanted = {segment: getattr(rates, f"share_{segment}") for segment in _SEGMENTS}
    made = dict.fromkeys(_SEGMENTS, 0)
    from_strangers = round(receipts * rates.stranger)
    while (total := len(office.receipts)) < receipts - from_strangers:
        segment = max(wanted, key=lambda one: wanted[one] * (total + 1) - made[one])
        _SEGMENTS[segment].add(office)
        made[segment] += len(office.receipts) - total
    law.obey(office)
    afterwards.repeat_some(office)
    strangers.add(office, from_strangers)
    finish(office)


def finish(office: Office) -> None:
    """Number the documents in the order of their days, give ids, write the texts."""
    office.items.sort(key=lambda item: item.issued)
    references = {id(one): one for item in office.items for one in (item.order, item.delivery) if one is not None}
    orders = {id(item.order) for item in office.items if item.order is not None}
    for reference in sorted(references.values(), key=lambda one: one.day):
        reference.number = office.series.give("order" if id(reference) in orders else "delivery")
    for item in office.items:
        item.number = office.series.give(item.kind)
        item.item_id = office.key()
    for receipt in office.receipts:
        receipt.receipt_id = office.key()
        if receipt.payer is not None:
            receipt.text = wording.write(receipt, office.market, office.chance, office.profile)


def main() -> int:
    """Generate what the arguments say."""
    parser = argparse.ArgumentParser(description="Generate a year of business with known truth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", choices=NAMES, default="typical")
    parser.add_argument("--receipts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    world(chosen.folder, chosen.profile, chosen.receipts, chosen.seed)
    sys.stdout.write(f"Written to {chosen.folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
