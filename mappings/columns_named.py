"""What columns are usually called, entity by entity, as ``mappings/names/columns.yaml`` lists it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "names" / "columns.yaml"
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Everything is text: a column ``no`` is no truth value."""
_EVERY, _NOTHING, _CALLED, _OWN = "every", "nothing", "called", "~"
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_TRADITIONAL = (
    "訂單號編碼稱額稅總計價幣種貨幣別開發票據憑證業務員負責聯絡繫電話機郵箱網實際應付訖項預約簽審狀態備註"
    "規產類別識納統會國縣處長樓門數報賣買購銷傳達運輸遞裝倉庫進劃時間創建檔錄錯異動說細節聽滿圖優緊嚴複認"
    "領還錢銀個區從來請經歷線活跡標準變轉換贏輸階層級階條帳賬體徵營團隊誤資訊飛號餘結繳質關連絡對應執歸屬稱謂"
    "潛績擬訂約觸與範圍顧問題獲餘額詳廣內樣擔當戶費匯製採簡廠驗衝減淨職為點復週終幾載貿罰勞東車險補檢調"
)
_SIMPLIFIED = (
    "订单号编码称额税总计价币种货币别开发票据凭证业务员负责联络系电话机邮箱网实际应付讫项预约签审状态备注"
    "规产类别识纳统会国县处长楼门数报卖买购销传达运输递装仓库进划时间创建档录错异动说细节听满图优紧严复认"
    "领还钱银个区从来请经历线活迹标准变转换赢输阶层级阶条账账体征营团队误资讯飞号余结缴质关连络对应执归属称谓"
    "潜绩拟订约触与范围顾问题获余额详广内样担当户费汇制采简厂验冲减净职为点复周终几载贸罚劳东车险补检调"
)
_SIMPLE = str.maketrans(_TRADITIONAL, _SIMPLIFIED)
_BRACKETS = re.compile(r"[(\[【<{][^)\]】>}]*[)\]】>}]?")
_SIGNS = re.compile(r"[\W_]+")


def simplified(text: str) -> str:
    """Traditional characters that names of columns have, as simplified ones."""
    return text.translate(_SIMPLE)


def plain(name: str) -> str:
    """A name as it is compared: without case, spaces, signs and what stands in brackets."""
    text = unicodedata.normalize("NFKC", name.removesuffix("__c"))
    text = _BRACKETS.sub("", text) or text
    return _SIGNS.sub("", simplified(text).lower().translate(_UMLAUTS))


def meant(entity: str, name: str) -> Mapping[str, bool] | None:
    """The fields that a column's name stands for in records of an entity (``line``: in the lines of a document), with
    whether that is certain; none if it only looks like one, ``None`` for a name that is not listed."""
    return _listed(entity).get(plain(name))


@cache
def _listed(entity: str) -> dict[str, dict[str, bool]]:
    tree = yaml.load(_FILE.read_bytes(), Loader=_LOADER)  # noqa: S506 - only texts
    own = tree.get(entity, {})
    called = [name for name, _ in _names(own.get(_CALLED, []))]
    found: dict[str, dict[str, bool]] = {}
    for part in (own, {} if entity == "line" else tree[_EVERY]):
        before = frozenset(found)  # what the entity itself says of a name holds
        for field, listed in part.items():
            for name, sure in () if field == _CALLED else _names(listed):
                for text in (name.replace(_OWN, word) for word in called) if _OWN in name else (name,):
                    key = plain(text)
                    if key not in before:
                        known = found.setdefault(key, {})
                        if field != _NOTHING:
                            known.setdefault(field, sure)
    return found


def _names(listed: Any, sure: bool = True) -> Iterator[tuple[str, bool]]:
    """The names in a list of lists, with whether they are certain."""
    if isinstance(listed, str):
        yield listed, sure
    elif isinstance(listed, dict):
        for part in listed.values():
            yield from _names(part, sure=False)
    else:
        for part in listed:
            yield from _names(part, sure)
