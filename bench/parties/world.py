"""A seeded world of companies and persons as three systems show them, with the truth of who is who.

What is hard in it, and how often, is in ``RATES``; README.md says it in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from bench.parties import places, written
from bench.parties.words import brand_cn, brand_west, chosen, lists, weighted, words

SYSTEMS = ("crm", "erp", "books")
RATES = {
    "chinese": 0.55,
    "person": 0.08,
    "in_group": 0.15,
    "has_branch": 0.05,
    "near_stranger": 0.05,
    "shared_accountant": 0.02,
    "shared_office": 0.03,
    "twice_in_system": 0.015,
    "phone_other": 0.25,
    "moved": 0.06,
}
"""Shares of companies (or of records) that are or do so; the fields that a system shows are in ``_SHOWN``."""
_IN_SYSTEM = {"crm": 0.75, "erp": 0.72, "books": 0.62}
_FIELDS = ("domain", "email", "phone", "city", "street", "postal", "tax", "country")
_SHOWN = {
    "crm": (0.60, 0.55, 0.65, 0.80, 0.40, 0.35, 0.08, 0.80),
    "erp": (0.10, 0.40, 0.60, 0.95, 0.85, 0.75, 0.55, 0.95),
    "books": (0.05, 0.60, 0.35, 0.92, 0.85, 0.75, 0.55, 0.90),
}
"""What of a party a system has filled in. Orders and invoices need an address, so ERP and books mostly have one."""


@dataclass
class Being:
    """A company or person as it truly is."""

    key: int
    country: str
    person: bool
    brand: str
    trade: str
    trade_en: str
    form: str
    city: str
    street: str
    postal: str
    phone: str
    domain: str
    mailbox: str
    tax: str
    branch: str = ""
    shared_mail: str = ""
    extra: dict[str, str] = field(default_factory=dict)


class Record(NamedTuple):
    """One system's view; names as in the canonical model."""

    record_id: int
    system: str
    source_id: str
    name: str
    legal_name: str | None
    tax_id: str | None
    kind: str | None
    email: str | None
    phone: str | None
    domain: str | None
    country: str | None
    city: str | None
    postal_code: str | None
    address_line: str | None
    being: int


def build(size: int, seed: int = 7) -> list[Record]:
    """Records of about ``size`` beings, about twice as many, in random order; the same seed gives the same."""
    random = Random(seed)
    beings: list[Being] = []
    while len(beings) < size:
        beings.extend(_family(random, len(beings)))
    _share_accountants(random, beings)
    rows: list[Record] = []
    for being in beings:
        for system in SYSTEMS:
            if random.random() < _IN_SYSTEM[system]:
                for _ in range(2 if random.random() < RATES["twice_in_system"] else 1):
                    rows.append(_record(random, being, system))
    random.shuffle(rows)
    return [row._replace(record_id=place, source_id=f"{row.system[0]}{place}") for place, row in enumerate(rows, 1)]


def _family(random: Random, key: int) -> list[Being]:
    """A being, and sometimes its group, its branch or somebody who only looks like it."""
    if random.random() < RATES["person"]:
        return [_person(random, key)]
    first = _company(random, key)
    found = [first]
    if random.random() < RATES["in_group"]:
        found += [_sister(random, first, key + place) for place in range(1, random.choice((2, 2, 3, 4)))]
    if random.random() < RATES["has_branch"]:
        found.append(_branch(random, first, key + len(found)))
    if random.random() < RATES["near_stranger"]:
        found.append(_near(random, first, key + len(found)))
    return found


def _company(random: Random, key: int, country: str = "") -> Being:
    country = country or ("CN" if random.random() < RATES["chinese"] else random.choice(("DE", "US", "GB", "FR", "IT")))
    if country == "CN":
        trades = lists()["trades_cn"]
        trade = random.choices(list(trades), [weight for weight, _ in trades.values()])[0]
        trade_en = trades[trade][1]
        if random.random() < 0.25:
            trade, trade_en = random.choice(words().tails_cn), ""
        city = _city(random)
        form = _weighted(random, "forms_cn")
        brand = brand_cn(random)
    else:
        trade = trade_en = random.choice(chosen("trades_west", country)) if random.random() < 0.75 else ""
        city, form, brand = (
            random.choice(chosen("cities_west", country)),
            random.choice(chosen("forms_west", country)),
            brand_west(random),
        )
    host = places.host(random, brand, country)
    being = Being(
        key, country, False, brand, trade, trade_en, form, city, "", "", "", host,
        random.choice(("info", "office", "sales", "contact", "service")), places.tax_id(random, country),
    )  # fmt: skip
    if random.random() < 0.18:
        being.shared_mail = places.free_mail(random, brand, country)
        being.domain = ""
    _settle(random, being)
    return being


def _city(random: Random) -> str:
    return _weighted(random, "cities_cn")


def _weighted(random: Random, name: str) -> str:
    names, weights = weighted(name)
    return random.choices(names, cum_weights=weights)[0]


def _settle(random: Random, being: Being) -> None:
    being.phone = places.phone(random, being.country, being.city)
    being.postal = places.postal(random, being.country, being.city)
    if random.random() < RATES["shared_office"]:
        being.street = places.street(Random(f"{being.city}{random.randrange(3)}"), being.country)
    else:
        being.street = places.street(random, being.country)


def _sister(random: Random, first: Being, key: int) -> Being:
    """A company of the same group: the same brand in another place, trade or form; often one domain or house."""
    being = _company(random, key, first.country)
    being.brand = first.brand
    if random.random() < 0.5 and first.trade:
        being.trade, being.trade_en = first.trade, first.trade_en
    if first.country == "CN" and (being.trade, being.city) == (first.trade, first.city):
        being.city = "成都" if first.city == "武汉" else "武汉"
    if first.country != "CN" and being.trade == first.trade:  # no register has a name twice
        being.brand = f"{first.brand} {being.city}"
    if random.random() < 0.6 and first.domain:
        being.domain, being.shared_mail = first.domain, ""
    if random.random() < 0.3:
        being.city, being.street, being.postal = first.city, first.street, first.postal
    if random.random() < 0.25:
        being.phone = first.phone
    if (being.trade, being.city) == (first.trade, first.city):
        being.trade, being.trade_en = ("投资", "Investment") if first.country == "CN" else ("Holding", "Holding")
    return being


def _branch(random: Random, first: Being, key: int) -> Being:
    being = _company(random, key, first.country)
    being.brand, being.trade, being.trade_en, being.form = first.brand, first.trade, first.trade_en, first.form
    being.domain, being.shared_mail, being.branch = first.domain, first.shared_mail, being.city
    being.extra["home"] = first.city
    return being


def _near(random: Random, first: Being, key: int) -> Being:
    """A stranger whose name differs by one word or character."""
    being = _company(random, key, first.country)
    being.trade, being.trade_en, being.form, being.city = first.trade, first.trade_en, first.form, first.city
    if first.country == "CN":
        place = random.randrange(len(first.brand))
        other = random.choices(words().fourth, cum_weights=words().fourth_weights)[0]
        being.brand = first.brand[:place] + other + first.brand[place + 1 :]
        if being.brand == first.brand:
            being.brand += other
    else:
        mine, theirs = random.sample(chosen("directions"), 2)
        first.brand, being.brand = f"{first.brand} {mine}", f"{first.brand} {theirs}"
    _settle(random, being)
    return being


def _person(random: Random, key: int) -> Being:
    country = "CN" if random.random() < RATES["chinese"] else random.choice(("DE", "US", "GB"))
    if country == "CN":
        brand = written.chinese_person(random)
        city = _city(random)
    else:
        brand = f"{random.choice(words().given)} {random.choice(words().surnames)}".title()
        city = random.choice(chosen("cities_west", country))
    being = Being(key, country, True, brand, "", "", "", city, "", "", "", "", "", "")
    being.shared_mail = places.free_mail(random, brand, country)
    _settle(random, being)
    return being


def _share_accountants(random: Random, beings: list[Being]) -> None:
    """Some companies show their accountant's mail and phone in their books, many of them the same one's."""
    count = max(len(beings) // 600, 1)
    offices = [f"{random.choice(words().surnames)}@accounts{place}.example" for place in range(count)]
    for being in beings:
        if not being.person and random.random() < RATES["shared_accountant"]:
            being.extra["accountant"] = random.choice(offices)


def _record(random: Random, being: Being, system: str) -> Record:
    shown = {name for name, rate in zip(_FIELDS, _SHOWN[system], strict=True) if random.random() < rate}
    city, street, postal, phone = being.city, being.street, being.postal, being.phone
    if random.random() < RATES["moved"]:
        street, postal = places.street(random, being.country), places.postal(random, being.country, city)
    if random.random() < RATES["phone_other"]:
        phone = (
            phone[:-3] + f"{random.randrange(1000):03d}"
            if random.random() < 0.5
            else places.phone(random, being.country, city)
        )
    mail = (
        being.shared_mail or f"{random.choice((being.mailbox, being.mailbox, places.somebody(random)))}@{being.domain}"
    )
    if being.shared_mail and random.random() < 0.3:
        mail = places.free_mail(random, being.brand, being.country)
    if system == "books" and "accountant" in being.extra:
        mail = being.extra["accountant"]
    name, legal = written.name(random, being, system)
    return Record(
        0, system, "", name, legal,
        being.tax if "tax" in shown and being.tax else None,
        ("person" if being.person else "organisation") if system == "erp" or random.random() < 0.4 else None,
        mail if "email" in shown else None,
        places.phone_as(random, phone, being.country) if "phone" in shown else None,
        being.domain if "domain" in shown and being.domain else None,
        being.country if "country" in shown else None,
        places.city_as(random, city, being.country) if "city" in shown else None,
        postal if "postal" in shown else None,
        places.street_as(random, street, being.country) if "street" in shown else None,
        being.key,
    )  # fmt: skip
