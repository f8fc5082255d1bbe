"""Names of companies and persons in both scripts: their parts, and how alike two are."""

from __future__ import annotations

import pytest

from reconciliation.linking import alike, names

COMPANIES = (
    # name, words, trades, legal form, region, branch
    ("上海安信信息技术有限公司", "安信", "information technology", "zh_limited", "shanghai", ""),
    ("安信（上海）科技有限公司", "安信", "technology", "zh_limited", "shanghai", ""),
    ("上海市安信信息技術股份有限公司", "安信", "information technology", "zh_stock", "shanghai", ""),
    ("浙江省杭州市海之星贸易有限责任公司", "海之星", "trading", "zh_limited", "zhejiang hangzhou", ""),
    ("义乌市海之星商贸有限公司", "海之星", "trading", "zh_limited", "zhejiang yiwu", ""),
    ("内蒙古自治区伊利实业集团股份有限公司", "伊利", "enterprise group", "zh_stock", "inner mongolia", ""),
    ("ＡＢＣ科技（深圳）有限公司", "abc", "technology", "zh_limited", "guangdong shenzhen", ""),
    ("3M中国有限公司", "3m", "", "zh_limited", "cn", ""),
    ("深圳安信科技合伙企业（有限合伙）", "安信", "technology", "zh_partnership", "guangdong shenzhen", ""),
    ("东莞市三亚贸易有限公司", "三亚", "trading", "zh_limited", "guangdong dongguan", ""),
    ("上海银行股份有限公司", "上海银行", "", "zh_stock", "", ""),
    ("中国银行股份有限公司上海市分行", "中国银行", "", "zh_stock", "", "shanghai"),
    ("上海安信科技有限公司北京分公司", "安信", "technology", "zh_limited", "shanghai", "beijing"),
    ("株式会社日立製作所", "日立制作所", "", "ja_kk", "", ""),
    ("Muster Maschinen GmbH & Co. KG", "muster", "machinery", "gmbh_kg", "", ""),
    ("Müller Maschinenbau GmbH", "muller", "machinery", "gmbh", "", ""),
    ("Rossi S. p. A.", "rossi", "", "spa", "", ""),
    ("Przykład Sp. z o.o.", "przyklad", "", "zoo", "", ""),
    ("The Coca-Cola Company", "coca cola", "", "company", "", ""),
    ("A-B-C Company", "abc", "", "company", "", ""),
    ("Bank of America Corp.", "bank america", "", "corp", "", ""),
    ("General Electric Company", "general electric", "", "company", "", ""),
    ("Siemens Deutschland", "siemens", "", "", "de", ""),
    ("Siemens AG, Niederlassung Berlin", "siemens", "", "ag", "", "berlin"),
    ("Shanghai Anxin Information Technology Co., Ltd.", "anxin", "information technology", "ltd", "shanghai", ""),
)


@pytest.mark.parametrize(("text", "words", "trades", "legal", "region", "branch"), COMPANIES)
def test_a_companys_name_is_taken_apart(
    text: str, words: str, trades: str, legal: str, region: str, branch: str
) -> None:
    name = names.company(text)
    assert (" ".join(name.words), " ".join(name.trades), name.legal, name.branch) == (words, trades, legal, branch)
    assert " ".join(name.region) == region


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Smith, John A.", ("john", "a", "smith")),
        ("Dr. Hans Müller", ("hans", "muller")),
        ("张伟先生", ("张", "伟")),
        ("歐陽娜娜", ("欧阳", "娜娜")),
        ("Mr. O'Brien", ("obrien",)),
    ],
)
def test_a_persons_name_is_taken_apart(text: str, words: tuple[str, ...]) -> None:
    assert names.person(text).words == words


COMPARED = (
    ("上海安信信息技术有限公司", "上海市安信信息技術有限责任公司", "same"),
    ("上海安信信息技术有限公司", "安信（上海）信息技术有限公司", "same"),
    ("上海安信信息技术有限公司", "安信", "short"),
    ("上海安信信息技术有限公司", "Shanghai Anxin Information Technology Co., Ltd.", "translated"),
    ("深圳市海之星科技", "深圳海之里科技", "near"),
    ("南京公车程信息科技有限公司", "南京公车程信息料技有限公司", "near"),
    ("上海安信信息技术有限公司", "北京安信信息技术有限公司", "sibling"),
    ("上海安信科技有限公司", "上海安信贸易有限公司", "sibling"),
    ("上海安信科技有限公司", "上海安信科技有限公司北京分公司", "sibling"),
    ("中国银行", "中国农业银行", "other"),
    ("Müller Maschinenbau GmbH", "MUELLER MASCHINEN", "same"),
    ("Aror Consulting S.r.l.", "Aror onsulting", "near"),
    ("Simens AG", "Siemens", "near"),
    ("Facebook Inc", "Face Book", "same"),
    ("IBM", "International Business Machines Corp.", "acronym"),
    ("Lorel Schmidt GmbH", "Lorel", "part"),
    ("Bank of the West", "Bank of the East", "other"),
    ("Deutsche Bank", "Deutsche Bahn", "sibling"),
    ("Wenmir Interiors Ltd", "Wenmir Consulting LLP", "sibling"),
    ("Siemens Deutschland", "Siemens UK", "sibling"),
    ("A-B-C Company", "XYZ Company", "other"),
    ("A-B-C Company", "ABC Co.", "same"),
)


def _bits(_: str) -> float:
    return 10.0


@pytest.mark.parametrize(("one", "other", "level"), COMPARED)
def test_two_names_are_as_alike_as_people_find_them_in_either_order(one: str, other: str, level: str) -> None:
    here, there = names.company(one), names.company(other)
    found = alike.names(here, there, _bits)
    assert found is not None
    assert found.level == level
    assert found == alike.names(there, here, _bits)


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Smith, John", "J. Smith", "near"),
        ("张伟", "Zhang Wei", "translated"),
        ("张伟", "Wei Zhang", "translated"),
        ("歐陽娜娜", "欧阳娜娜女士", "same"),
        ("Hans Müller", "Hans Mueller", "same"),
        ("Hans Müller", "Karl Müller", "other"),
        ("王芳", "王芬", "other"),
    ],
)
def test_persons_are_told_apart_by_all_their_names(one: str, other: str, level: str) -> None:
    found = alike.names(names.person(one), names.person(other), _bits)
    assert found is not None
    assert found.level == level


def test_rare_words_say_more_than_common_ones_and_few_names_say_little_about_rarity() -> None:
    counts = {"anxin": 2, "huaxin": 200}
    bits = alike.word_bits(lambda word: counts.get(word, 0), 1000)
    assert bits("anxin") > bits("huaxin") + 5
    few = alike.word_bits(lambda word: counts.get(word, 0), 5)
    assert abs(few("anxin") - bits("anxin")) < 1


def test_a_name_of_one_letter_says_nothing() -> None:
    assert alike.names(names.company("A"), names.company("B"), _bits) is None


def test_a_hundred_thousand_names_take_seconds() -> None:
    import time

    begun = time.process_time()
    for number in range(5_000):
        names.company(f"上海安信{number}信息技术有限公司")
        names.company(f"Muster{number} Maschinen GmbH & Co. KG")
    assert time.process_time() - begun < 1.5  # ten times as many in some seconds; a quiet machine needs 0.15
