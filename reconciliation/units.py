"""What units of measure are called: words that mean the same, so that only units that truly differ count as different.

A word that is not here differs from nothing: companies have units of their own.
"""

from __future__ import annotations

from reconciliation.frame import Frame, quoted

# The first word of each line is the code of UN/ECE Recommendation 20, edition 2021, that stands for all of them.
_WORDS = (
    # One of something: C62 one, H87 piece, EA each.
    "C62 h87 ea each pc pcs pce piece pieces unit units u nos no stk stck stück st item items "
    "个 件 只 台 支 根 块 把 枚 片",
    "SET set sets kit kits satz 套 组",
    "PR pr pair pairs paar 双 对",
    "DZN dzn dozen dozens dz dutzend 打",
    "XBX xbx bx box boxes 盒",
    "XCT xct ct ctn carton cartons karton 箱",
    "XPK xpk pk pack packs package packages pkt 包",
    "KGM kgm kg kgs kilogram kilograms kilo 千克 公斤",
    "GRM grm g gram grams gramm 克",
    "TNE tne t ton tons tonne tonnes 吨",
    "MTR mtr m meter meters metre metres 米",
    "CMT cmt cm centimeter centimetre 厘米",
    "MMT mmt mm millimeter millimetre 毫米",
    "MTK mtk m2 m² sqm 平方米",
    "MTQ mtq m3 m³ cbm 立方米",
    "LTR ltr l liter liters litre litres 升",
    "MLT mlt ml milliliter millilitre 毫升",
    "MIN min minute minutes 分钟",
    "HUR hur h hr hrs hour hours stunde stunden 小时 工时",
    "DAY day days tag tage 天 日 人天",
    "WEE wee week weeks woche wochen 周",
    "MON mon month months monat monate 月 个月",
    "ANN ann year years yr jahr jahre 年",
)


def define(frame: Frame) -> None:
    """Make the macro ``unit_code(x)``: the code of a unit that is known, else nothing."""
    rows = []
    for line in _WORDS:
        code, *words = line.split()
        rows += [f"{quoted(word)}: {quoted(code)}" for word in dict.fromkeys((code.lower(), *words))]
    frame.run(f"CREATE MACRO unit_code(x) AS (MAP {{{', '.join(rows)}}})[lower(trim(x))]")
