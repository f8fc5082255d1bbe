"""How people write places, phones, mail and tax ids: the same thing in several ways."""

from __future__ import annotations

from random import Random

from pypinyin import lazy_pinyin

from bench.parties.words import chosen, province, words
from bench.parties.written import letters, plain

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_AREA = {"上海": "21", "北京": "10", "深圳": "755", "广州": "20", "杭州": "571", "成都": "28", "苏州": "512"}
_CALLING = {"CN": "86", "DE": "49", "US": "1", "GB": "44", "FR": "33", "IT": "39"}


def host(random: Random, brand: str, country: str) -> str:
    """A domain, mostly made of the brand."""
    stem = letters("".join(lazy_pinyin(brand)) if country == "CN" else brand)
    if random.random() < 0.35:
        stem += random.choice(("group", "tech", "online", "-gmbh", "cn", "international", "hk"))
        stem += str(random.randrange(10))
    end = {"CN": "cn", "US": "com", "GB": "co.uk"}.get(country, country.lower())
    return f"{stem or 'company'}{random.randrange(1000)}.{end}"


def somebody(random: Random) -> str:
    """The mailbox of a person."""
    return f"{random.choice(words().given)[0]}.{random.choice(words().surnames)}".replace(" ", "")


def free_mail(random: Random, brand: str, country: str) -> str:
    """An address at a provider of free mail."""
    if country == "CN":
        return (
            f"{random.randrange(10**7, 10**10)}@qq.com"
            if random.random() < 0.6
            else f"1{random.randrange(10**9):010d}@163.com"
        )
    stem = letters(brand)
    return f"{stem}{random.randrange(100)}@{random.choice(('gmail.com', 'gmx.de', 'outlook.com'))}"


def phone(random: Random, country: str, city: str) -> str:
    """The national number without trunk prefix."""
    if country == "CN":
        return (
            f"1{random.choice('3578')}{random.randrange(10**9):09d}"
            if random.random() < 0.4
            else f"{_AREA.get(city, '551')}{random.randrange(6 * 10**7, 9 * 10**7)}"
        )
    if country == "US":
        return f"{random.choice((212, 312, 415, 512, 617, 713))}{random.randrange(2, 10)}{random.randrange(10**6):06d}"
    if country == "DE":
        return f"{random.choice((30, 40, 89, 221, 711))}{random.randrange(10**6, 10**7)}"
    if country == "GB":
        return f"{random.choice((20, 121, 161))}{random.randrange(10**7, 10**8)}"
    return (
        f"{random.choice((1, 4, 2))}{random.randrange(10**7, 10**8)}"
        if country == "FR"
        else f"0{random.choice((2, 6))}{random.randrange(10**7, 10**8)}"
    )


def phone_as(random: Random, number: str, country: str) -> str:
    """The number as a system shows it."""
    trunk = "" if country in ("US", "IT") or (number.startswith("1") and country == "CN") else "0"
    kind = random.random()
    if kind < 0.4:
        return f"+{_CALLING[country]} {number[:3]} {number[3:]}"
    if kind < 0.5:
        return f"00{_CALLING[country]}{number}"
    if kind < 0.75:
        return f"{trunk}{number[:3]}-{number[3:]}"
    if country == "CN" and kind < 0.85:
        return f"{trunk}{number}转{random.randrange(100, 999)}"
    return f"{trunk}{number}"


def city_as(random: Random, city: str, country: str) -> str:
    """The city as people write it."""
    if country != "CN":
        return plain(city) if random.random() < 0.2 else city
    kind = random.random()
    if kind < 0.35:
        return f"{city}市"
    if kind < 0.43:
        return "".join(lazy_pinyin(city)).title()
    if kind < 0.5 and province(city):
        return f"{province(city)}省{city}市"
    return city


def street(random: Random, country: str) -> str:
    """Number and road."""
    if country == "CN":
        road = random.choice(chosen("roads_cn")) + random.choice(("东", "西", "南", "北", "", ""))
        return f"{road}路{random.randrange(1, 2000)}号"
    road = random.choice(words().streets).title()
    return f"{random.randrange(1, 300)} {road}"


def street_as(random: Random, text: str, country: str) -> str:
    """The street as people write it."""
    if country == "CN":
        kind = random.random()
        if kind < 0.3:
            return f"{random.choice(('高新区', '滨江区', '开发区', '江北区'))}{text}"
        return f"{text}{random.randrange(1, 30)}楼{random.randrange(100, 3000)}室" if kind < 0.6 else text
    number, _, road = text.partition(" ")
    if random.random() < 0.3:
        return f"{road} {number}"
    return text.replace("Street", "St.").replace("Place", "Pl") if random.random() < 0.4 else text


def postal(random: Random, country: str, city: str) -> str:
    """A postal code of a city, one of some forty."""
    spread = Random(f"{city}{random.randrange(40)}")
    if country == "CN":
        return f"{spread.randrange(100, 850)}{spread.randrange(1000):03d}"
    if country == "GB":
        outward = f"{spread.choice('ABCDEGHL')}{spread.randrange(1, 30)}"
        return f"{outward} {spread.randrange(1, 10)}{spread.choice('ABDEFG')}{spread.choice('HJLN')}"
    return f"{spread.randrange(10000, 99999)}"


def tax_id(random: Random, country: str) -> str:
    """A tax id with right check digits; empty for countries that we make none for."""
    if country == "CN":
        body = f"91{random.randrange(11, 66):02d}0{random.randrange(10, 99)}{random.randrange(10**10):010d}"
        total = sum(_USCC.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
        return body + _USCC[(31 - total % 31) % 31]
    if country == "DE":
        digits = f"{random.randrange(10**7, 10**8)}"
        product = 10
        for sign in digits:
            step = (int(sign) + product) % 10 or 10
            product = step * 2 % 11
        return f"DE{digits}{(11 - product) % 10}"
    if country == "IT":
        digits = f"{random.randrange(10**6, 10**7):07d}{random.choice(('001', '015', '058'))}"
        total = sum(
            int(sign) if place % 2 == 0 else sum(divmod(2 * int(sign), 10)) for place, sign in enumerate(digits)
        )
        return f"IT{digits}{-total % 10}"
    if country == "US":
        return f"{random.choice((10, 20, 33, 45, 58, 77, 94))}-{random.randrange(10**6, 10**7)}"
    return ""
