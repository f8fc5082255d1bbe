"""Invented companies and people, Chinese and Western; every name, number and address is made up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sandbox.world.records import native_id

_CN_CITIES = (
    ("上海", "Shanghai", "200000"),
    ("苏州", "Suzhou", "215000"),
    ("深圳", "Shenzhen", "518000"),
    ("杭州", "Hangzhou", "310000"),
    ("宁波", "Ningbo", "315000"),
    ("青岛", "Qingdao", "266000"),
    ("成都", "Chengdu", "610000"),
    ("武汉", "Wuhan", "430000"),
    ("天津", "Tianjin", "300000"),
    ("东莞", "Dongguan", "523000"),
)
_CN_TRADE = (
    ("恒", "heng"), ("瑞", "rui"), ("鼎", "ding"), ("华", "hua"), ("远", "yuan"), ("诚", "cheng"), ("盛", "sheng"),
    ("锐", "ruiz"), ("卓", "zhuo"), ("泰", "tai"), ("凯", "kai"), ("隆", "long"), ("宏", "hong"), ("安", "an"),
)  # fmt: skip
_CN_TRADE_2 = (
    ("达", "da"), ("信", "xin"), ("科", "ke"), ("通", "tong"), ("联", "lian"), ("源", "yuan"), ("创", "chuang"),
    ("捷", "jie"), ("丰", "feng"), ("航", "hang"), ("业", "ye"), ("智", "zhi"),
)  # fmt: skip
_CN_FIELD = (
    ("自动化设备", "auto"), ("精密机械", "jm"), ("电子科技", "dz"), ("环保工程", "hb"), ("新能源", "xny"),
    ("食品机械", "sp"), ("仪器仪表", "yq"), ("汽车零部件", "qc"), ("包装机械", "bz"), ("生物医药", "sw"),
)  # fmt: skip
_CN_FORM = ("有限公司", "有限公司", "有限公司", "股份有限公司", "有限责任公司")
_CN_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_CN_GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "磊",
    "洋",
    "艳",
    "勇",
    "军",
    "杰",
    "娟",
    "涛",
    "超",
    "霞",
    "平",
    "刚",
    "桂英",
    "建国",
    "晓明",
)

_WEST = {
    "US": (("Austin", "78701"), ("Portland", "97201"), ("Cleveland", "44101"), ("Denver", "80202")),
    "DE": (("Bremen", "28195"), ("Kassel", "34117"), ("Ulm", "89073"), ("Jena", "07743")),
    "FR": (("Nantes", "44000"), ("Lille", "59000"), ("Grenoble", "38000")),
    "IT": (("Modena", "41121"), ("Bergamo", "24121"), ("Padova", "35121")),
    "JP": (("Nagoya", "450-0002"), ("Kobe", "650-0001"), ("Hamamatsu", "430-0926")),
}
_WEST_FORM = {
    "US": ("Inc.", "LLC", "Corp."),
    "DE": ("GmbH", "AG", "GmbH & Co. KG"),
    "FR": ("SAS", "SARL"),
    "IT": ("S.p.A.", "S.r.l."),
    "JP": ("K.K.", "Co., Ltd."),
}
_WEST_ROOT = (
    "Brightwell", "Norvane", "Altmark", "Kestrel", "Lindner", "Ferrolux", "Maruno", "Oakhurst", "Tessari", "Valcourt",
    "Weidling", "Zephra", "Corvino", "Dunmore", "Eastlake", "Falkenried", "Granville", "Hoshimi", "Ilmtal", "Jarrow",
    "Kitano", "Larkfield", "Montfer", "Nordhafen", "Ostwald", "Pellworm", "Quintrel", "Rivabella", "Sakuragi",
)  # fmt: skip
_WEST_FIELD = (
    ("Automation", "automation"), ("Packaging", "packaging"), ("Foods", "foods"), ("Instruments", "instruments"),
    ("Motors", "motors"), ("Process", "process"), ("Robotics", "robotics"), ("Medical", "medical"),
)  # fmt: skip
_WEST_FIRST = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kenji",
    "Lucia",
    "Marc",
    "Nora",
)
_WEST_LAST = (
    "Abend", "Brewer", "Colombo", "Dubois", "Ellison", "Fujita", "Garnier", "Hartmann", "Ishida", "Jensen", "Keller",
    "Lombardi", "Mercer", "Novak", "Okada", "Parker", "Richter", "Santoro",
)  # fmt: skip

_USCC_SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DIAL = {"CN": "+86", "US": "+1", "DE": "+49", "FR": "+33", "IT": "+39", "JP": "+81"}
CURRENCY = {"CN": "CNY", "US": "USD", "DE": "EUR", "FR": "EUR", "IT": "EUR", "JP": "JPY"}


@dataclass(slots=True)
class Customer:
    """A company that buys, or might; ``tax_rate`` is what our invoices to it carry."""

    key: str
    name: str
    short_name: str
    tax_id: str
    country: str
    city: str
    postal_code: str
    street: str
    domain: str
    phone: str
    currency: str
    tax_rate: Decimal
    terms_days: int


@dataclass(slots=True)
class Person:
    """Somebody at a company."""

    first_name: str
    last_name: str
    email: str
    phone: str

    @property
    def display_name(self) -> str:
        """Family name first where it is written in Chinese characters."""
        if self.last_name[0] > "\u2e7f":
            return self.last_name + self.first_name
        return f"{self.first_name} {self.last_name}"


class NameBook:
    """Hands out companies and people, never the same e-mail, phone, domain or tax id twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._phones = 0
        self._people = 0
        self._domains: set[str] = set()

    def customer(self, number: int) -> Customer:
        """A new company; more than half are Chinese."""
        country = self._rng.choices(("CN", "US", "DE", "FR", "IT", "JP"), weights=(55, 14, 12, 6, 5, 8))[0]
        while True:
            made = self._chinese() if country == "CN" else self._western(country)
            name, short, domain, city, postal, street = made
            if domain not in self._domains:
                self._domains.add(domain)
                break
        key = f"C{number:04d}"
        return Customer(
            key=key,
            name=name,
            short_name=short,
            tax_id=_tax_id(country, key),
            country=country,
            city=city,
            postal_code=postal,
            street=street,
            domain=domain,
            phone=self.phone(country),
            currency=CURRENCY[country],
            tax_rate=Decimal("0.13") if country == "CN" else Decimal(0),
            terms_days=self._rng.choice((30, 30, 45, 60)),
        )

    def person(self, country: str, domain: str) -> Person:
        """A new person at a company."""
        self._people += 1
        if country == "CN":
            last, first = self._rng.choice(_CN_SURNAMES), self._rng.choice(_CN_GIVEN)
            local = f"user{self._people}"
        else:
            first, last = self._rng.choice(_WEST_FIRST), self._rng.choice(_WEST_LAST)
            local = f"{first}.{last}.{self._people}".lower()
        return Person(first, last, f"{local}@{domain}", self.phone(country))

    def phone(self, country: str) -> str:
        """A number that nobody else in the world has."""
        self._phones += 1
        if country == "CN":
            return f"+86139{self._phones:08d}"
        return f"{_DIAL[country]}555{self._phones:07d}"

    def _chinese(self) -> tuple[str, str, str, str, str, str]:
        city, _, postal = self._rng.choice(_CN_CITIES)
        (first, latin), (second, latin_2) = self._rng.choice(_CN_TRADE), self._rng.choice(_CN_TRADE_2)
        field, code = self._rng.choice(_CN_FIELD)
        short = f"{city}{first}{second}{field}"
        domain = f"{latin}{latin_2}-{code}{self._rng.randint(1, 99)}.example"
        street = f"工业路{self._rng.randint(1, 999)}号"
        return short + self._rng.choice(_CN_FORM), short, domain, city, postal, street

    def _western(self, country: str) -> tuple[str, str, str, str, str, str]:
        root, (field, code) = self._rng.choice(_WEST_ROOT), self._rng.choice(_WEST_FIELD)
        city, postal = self._rng.choice(_WEST[country])
        short = f"{root} {field}"
        domain = f"{root.lower()}-{code}.{country.lower()}.example"
        return (
            f"{short} {self._rng.choice(_WEST_FORM[country])}",
            short,
            domain,
            city,
            postal,
            f"{self._rng.randint(1, 400)} Harbour Street",
        )


def _tax_id(country: str, key: str) -> str:
    digits = str(int(native_id("tax", key, 15), 16))
    if country == "CN":
        return _uscc("91310" + digits[:12])
    if country == "US":
        return f"{digits[:2]}-{digits[2:9]}"
    return {"DE": "DE", "FR": "FR", "IT": "IT", "JP": "T"}[country] + digits[:11]


def _uscc(body: str) -> str:
    """Eighteen characters with the check character of GB 32100-2015."""
    total = sum(_USCC_SYMBOLS.index(symbol) * pow(3, place, 31) for place, symbol in enumerate(body))
    return body + _USCC_SYMBOLS[(31 - total % 31) % 31]
