"""Names of people and companies, bank accounts, and how a bank's statement shows a name."""

from __future__ import annotations

import re

from bench.matching.chance import Chance

_FIRST = {
    "dach": "Anna Lukas Marie Jonas Sabine Thomas Julia Stefan Katrin Jürgen Heike Björn Günther Renate Uwe Petra",
    "uk": "Oliver Amelia George Isla Harry Ava Jack Emily Thomas Sophie James Grace William Poppy Arthur Ruby",
    "us": "James Mary Robert Linda Michael Susan David Karen Daniel Nancy Jose Maria Kevin Laura Brian Emma",
}
_LAST = {
    "dach": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf "
    "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Krause Lehmann Köhler Maier Huber Vogel",
    "uk": "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts "
    "Green Hall Wood Jackson Clarke Patel Khan Lewis James Phillips Mason Mitchell Rose Davis Rodgers",
    "us": "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Young",
}
_FIRST_NAMES = {market: names.split() for market, names in _FIRST.items()}
_PEOPLE = {market: names.split() for market, names in _LAST.items()}
_TRADES = {
    "dach": "Maschinenbau Metallbau Elektrotechnik Logistik Handels Bau Werkzeuge Medizintechnik Druck Holzbau "
    "Kunststofftechnik Verpackungen Fahrzeugteile Anlagenbau Haustechnik Büromöbel",
    "uk": "Engineering Trading Logistics Foods Interiors Packaging Systems Building Supplies Print Motors Textiles "
    "Software Energy Facilities Instruments Marine",
    "us": "Manufacturing Supply Foods Logistics Industries Medical Energy Tools Plastics Electronics Hardware Printing "
    "Motors Fabrication Software Farms",
}
_TRADE_WORDS = {market: words.split() for market, words in _TRADES.items()}
_FORMS = {
    "dach": ("GmbH", "GmbH", "GmbH & Co. KG", "AG", "KG", "e.K.", "UG (haftungsbeschränkt)"),
    "uk": ("Ltd", "Ltd", "Limited", "plc", "LLP"),
    "us": ("Inc.", "LLC", "LLC", "Corp.", "Co."),
}
_PLACES = {
    "dach": ("Nord", "Süd", "Rhein", "Main", "Berlin", "Hamburg", "München", "Westfalen", "Sachsen", "Baden"),
    "uk": ("Northern", "Western", "London", "Midland", "Scottish", "Thames", "Pennine", "Severn", "Mersey", "Kent"),
    "us": ("Northern", "Western", "Texas", "Pacific", "Atlantic", "Midwest", "Ohio", "Valley", "Lakes", "Summit"),
}
_CITIES = (
    "上海",
    "北京",
    "深圳",
    "广州",
    "杭州",
    "苏州",
    "宁波",
    "南京",
    "成都",
    "武汉",
    "青岛",
    "厦门",
    "东莞",
    "佛山",
    "天津",
    "无锡",
)
_FIRST_CHARACTERS = "华恒鑫瑞宏泰盛达金德中海天东新永安嘉信诚和润汇凯博远佳顺联正"
_SECOND_CHARACTERS = "源通达兴隆科创美丰腾辉信康荣利明诚泽阳捷锐博邦威宇图航成森铭"
_INDUSTRIES = (
    "科技",
    "贸易",
    "机械",
    "电子",
    "实业",
    "物流",
    "建材",
    "医疗器械",
    "食品",
    "包装材料",
    "信息技术",
    "汽车零部件",
    "新能源",
    "纺织品",
    "化工",
    "工程",
)
_CHINESE_FORMS = ("有限公司", "有限公司", "有限公司", "股份有限公司", "有限责任公司")
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰玉萍红建国志文华宇鑫"
_COUNTRIES = {"dach": "DE", "uk": "GB", "us": "US", "cn": "CN"}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_LEGAL_FORM = re.compile(
    r"[ ,]*(GmbH.*|AG|KG|e\.K\.|UG.*|Ltd|Limited|plc|LLP|Inc\.|LLC|Corp\.|Co\.)$|(股份|责任)?有限(责任)?公司$"
)


def person(chance: Chance, market: str) -> str:
    """The name of a person."""
    if market == "cn":
        return chance.pick(_SURNAMES) + "".join(chance.pick(_GIVEN) for _ in range(chance.between(1, 2)))
    return f"{chance.pick(_FIRST_NAMES[market])} {chance.pick(_PEOPLE[market])}"


def company(chance: Chance, market: str) -> str:
    """The name of a company; look-alikes (another place, trade or legal form) come up by themselves."""
    if market == "cn":
        middle = chance.pick(_FIRST_CHARACTERS) + chance.pick(_SECOND_CHARACTERS)
        return chance.pick(_CITIES) + middle + chance.pick(_INDUSTRIES) + chance.pick(_CHINESE_FORMS)
    root = chance.pick(_PEOPLE[market])
    if chance.happens(0.3):
        root = f"{root} & {chance.pick(_PEOPLE[market])}"
    elif chance.happens(0.3):
        root = f"{root} {chance.pick(_PLACES[market])}"
    return f"{root} {chance.pick(_TRADE_WORDS[market])} {chance.pick(_FORMS[market])}"


def account(chance: Chance, market: str) -> str:
    """An account number: an IBAN with its check digits, 19 digits in China, 9 to 12 in the United States."""
    if market == "cn":
        return "6222" + chance.digits(15)
    if market == "us":
        return chance.digits(chance.between(9, 12))
    if market == "dach":
        body, letters = chance.digits(18), "131400"
        return f"DE{98 - int(body + letters) % 97:02d}{body}"
    digits = chance.digits(14)
    return f"GB{98 - int('111622' + digits + '161100') % 97:02d}BGMM{digits}"[:22]


def country(market: str) -> str:
    """ISO 3166 code of a market."""
    return _COUNTRIES[market]


def on_statement(chance: Chance, name: str) -> str:
    """A name as a bank's statement may show it: capitals, no umlauts, no legal form, cut."""
    way = chance.between(0, 3)
    if way == 0:
        return name.translate(_UMLAUTS).upper()
    if way == 1:
        return _LEGAL_FORM.sub("", name)
    if way == 2:
        return name.translate(_UMLAUTS)[:27]
    return name.upper()[:35]
