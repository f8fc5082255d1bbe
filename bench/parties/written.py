"""How people write names of companies and persons: the same one in several ways, with slips."""

from __future__ import annotations

import re
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from pypinyin import lazy_pinyin

from bench.parties.words import chosen, lists, province

if TYPE_CHECKING:
    from opencc import OpenCC

    from bench.parties.world import Being


def name(random: Random, being: Being, system: str) -> tuple[str, str | None]:
    """The display name and, where the system keeps one, the registered name."""
    if being.person:
        return _person_as(random, being, system), None
    full = _full_cn(being) if being.country == "CN" else _full_west(being)
    if system == "erp":
        short = _short(random, being)
        return (short if random.random() < 0.3 else full), (full if random.random() < 0.7 else None)
    if being.country == "CN":
        shown = _variant_cn(random, being, full, system)
    else:
        shown = _variant_west(random, being, full, system)
    return shown, None


def _full_cn(being: Being) -> str:
    home = being.extra.get("home", being.city)
    style = Random(being.key).random()
    place = home
    if style < 0.25:
        place = f"{home}市"
    elif style < 0.40 and province(home):
        place = province(home)
    elif style < 0.45 and province(home):
        place = f"{province(home)}省{home}市"
    if style > 0.88:
        full = f"{being.brand}（{home}）{being.trade}{being.form}"
    elif style > 0.80:
        full = f"{being.brand}{being.trade}{being.form}"
    else:
        full = f"{place}{being.brand}{being.trade}{being.form}"
    return f"{full}{being.branch}分公司" if being.branch else full


def _full_west(being: Being) -> str:
    full = " ".join(part for part in (being.brand, being.trade, being.form) if part)
    if being.branch:
        mark = {"DE": "Niederlassung", "FR": "Succursale", "IT": "Filiale"}.get(being.country, "Branch")
        return f"{full} {being.branch} {mark}" if mark == "Branch" else f"{full} {mark} {being.branch}"
    return full


def _short(random: Random, being: Being) -> str:
    if being.branch:
        return f"{being.brand}{being.branch}分公司" if being.country == "CN" else f"{being.brand} {being.branch} Branch"
    if being.country == "CN":
        return random.choice(
            (being.brand + being.trade, being.city + being.brand, being.city + being.brand + being.trade, being.brand)
        )
    return " ".join(part for part in (being.brand, being.trade) if part) if random.random() < 0.8 else being.brand


def _variant_cn(random: Random, being: Being, full: str, system: str) -> str:
    kind = random.random()
    if system == "crm" and kind < 0.12 and being.trade_en and not being.branch:
        return _english(random, being)
    if kind < 0.40 if system == "crm" else kind < 0.10:
        shown = _short(random, being)
    elif kind < 0.48:
        shown = full.replace("有限责任公司", "有限公司").replace("（", "(").replace("）", ")")
    else:
        shown = full
    if random.random() < 0.06:
        shown = _traditional(shown)
    if random.random() < 0.05:
        shown = _wide(shown)
    if random.random() < 0.05:
        shown = _slip_cn(random, shown)
    if random.random() < 0.04:
        shown = shown.replace("有限公司", " 有限公司")
    return shown


def _english(random: Random, being: Being) -> str:
    spelled = "".join(lazy_pinyin(being.brand)).title()
    if random.random() < 0.15:
        spelled = " ".join(lazy_pinyin(being.brand)).title()
    place = "".join(lazy_pinyin(being.city)).title().replace("Xian", "Xi'an").replace("Haerbin", "Harbin")
    kind = random.random()
    if kind < 0.6:
        return f"{place} {spelled} {being.trade_en} Co., Ltd."
    if kind < 0.8:
        return f"{spelled} {being.trade_en} ({place}) Co., Ltd"
    return f"{spelled} {being.trade_en}"


def _variant_west(random: Random, being: Being, full: str, system: str) -> str:
    kind = random.random()
    shown = full
    if system == "crm" and kind < 0.35:
        shown = _short(random, being)
    elif kind < 0.45:
        shown = (
            full.replace("Limited", "Ltd")
            .replace("Inc.", "Incorporated")
            .replace("GmbH", "Gesellschaft mbH")
            .replace("Corp.", "Corporation")
        )
    elif kind < 0.52:
        shown = full.replace(" & ", " and ") if being.country in ("US", "GB") else full.replace(" & ", " + ")
    if system == "books" and random.random() < 0.35:
        shown = shown.upper()
    if random.random() < 0.20:
        shown = plain(shown)
    if random.random() < 0.06:
        shown = _slip(random, shown)
    if system == "books" and random.random() < 0.06:
        shown = shown[:27]
    if random.random() < 0.03:
        shown = f"The {shown}" if being.country in ("US", "GB") else f"Firma {shown}"
    return shown


def _person_as(random: Random, being: Being, system: str) -> str:
    if being.country == "CN":
        if system == "crm" and random.random() < 0.2:
            surname, *rest = lazy_pinyin(being.brand)
            given = "".join(rest).title()
            return f"{surname.title()} {given}" if random.random() < 0.5 else f"{given} {surname.title()}"
        return being.brand + random.choice(("", "", "", "先生", "女士"))
    first, _, last = being.brand.partition(" ")
    kind = random.random()
    if kind < 0.25:
        return f"{last}, {first}"
    if kind < 0.35:
        return f"{first[0]}. {last}"
    if kind < 0.42:
        return f"Dr. {first} {last}"
    if kind < 0.48:
        return _slip(random, being.brand)
    return being.brand


def chinese_person(random: Random) -> str:
    """A name of two or three characters."""
    return str(random.choice(lists()["surnames_cn"])) + "".join(
        random.choices(lists()["given_cn"], k=random.choice((1, 2, 2)))
    )


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("s2t")


def _traditional(text: str) -> str:
    return str(_converter().convert(text))


def _wide(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text).replace(" ", "　")


def _slip_cn(random: Random, text: str) -> str:
    slips = {pair[0]: pair[1] for pair in chosen("slips_cn")}
    places = [place for place, sign in enumerate(text) if sign in slips]
    if places and random.random() < 0.7:
        place = random.choice(places)
        return text[:place] + slips[text[place]] + text[place + 1 :]
    place = random.randrange(max(len(text) - 4, 1))
    return text[:place] + text[place + 1 :] if len(text) > 6 else text


def _slip(random: Random, text: str) -> str:
    places = [place for place in range(len(text) - 1) if text[place].isalpha() and text[place + 1].isalpha()]
    if not places:
        return text
    place = random.choice(places)
    kind = random.randrange(4)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place] + text[place:]
    if kind == 2:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + random.choice("aeioustrnl") + text[place + 1 :]


def letters(text: str) -> str:
    """The plain letters of a text."""
    return re.sub(r"[^a-z]", "", plain(text).lower())


def plain(text: str) -> str:
    """Without umlauts and accents, and without some punctuation."""
    for sign, other in {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "é": "e",
        "è": "e",
        "î": "i",
        "â": "a",
        "ì": "i",
    }.items():
        text = text.replace(sign, other)
    return text.replace(".", "") if len(text) % 2 else text.replace(",", "")
