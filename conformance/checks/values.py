"""Values: whatever a field holds arrives as it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from conformance.catalogue import check
from conformance.lab import Lab, NotShown
from conformance.needs import Need

_TEXTS = (
    "上海仪表有限公司",
    "Ünïcödé ‮rtl‬ 🧾🇨🇳",
    'quote " back \\ slash / tab \t',
    "a\u0000b",
    "\u2028\ufeff",
    "𠮷野家",
)
_NUMBERS = ("0.3", "123456789012345.678", "0.000000000000000001", "-999999999999999.99", "1.10")
_MARK = "HALFSURROGATEHERE"


def _each(lab: Lab, field: str, values: tuple[Any, ...]) -> None:
    """Records with these values; a value that the source itself does not take is passed over."""
    taken = 0
    for value in values:
        try:
            lab.world.insert(lab.stage, 1, values={field: value})
        except (ValueError, LookupError):
            continue
        taken += 1
    if not taken:
        raise NotShown("The source takes none of the values.")
    lab.same(lab.pull(lab.reader(), lab.connect()))


@check(
    en="Chinese, characters beyond the basic plane, control characters and quotes arrive as they are.",
    zh="中文、扩展平面字符、控制字符与引号原样到达。",
)
def unicode(lab: Lab) -> None:
    """In the field of free text."""
    _each(lab, lab.stage.text, _TEXTS)


@check(
    en="Half a surrogate pair in a text, which is no Unicode, stops neither the pull nor the other records.",
    zh="文本中的半个代理对（非法 Unicode）不会中断拉取，也不影响其他记录。",
)
def half_surrogates(lab: Lab) -> None:
    """The record itself is delivered or put aside, not passed over."""
    ids = lab.world.insert(lab.stage, 4)
    odd = lab.world.insert(lab.stage, 1, values={lab.stage.text: _MARK})
    lab.world.garble(lab.stage.list, lambda body: body.replace(_MARK.encode(), b"\\ud83d"))
    reader = lab.pull(lab.reader(), lab.connect())
    lab.expect(set(ids) <= reader.ids, "Other records are missing.")
    lab.expect(set(odd) <= reader.ids | reader.rejected, "The record is neither delivered nor put aside.")


@check(
    Need.HUGE,
    en="A text of a megabyte arrives whole.",
    zh="1 MB 的文本完整到达。",
)
def huge_text(lab: Lab) -> None:
    """Half of it beyond ASCII."""
    _each(lab, lab.stage.text, ("a仪" * 250_000,))


@check(
    Need.EMPTY,
    en="An empty field is delivered as the source shows it, and is not mistaken for a missing record.",
    zh="空字段按源系统所示交付。",
)
def empty_value(lab: Lab) -> None:
    """``None``, and a text of no length."""
    _each(lab, lab.stage.text, (None, ""))


@check(
    Need.NUMBER,
    en="Decimals keep every digit: nothing goes through a float.",
    zh="小数保留全部位数，不经过浮点数。",
    grave=True,
)
def exact_decimals(lab: Lab) -> None:
    """0.1 + 0.2, and numbers of 18 digits."""
    field = lab.stage.number or ""
    _each(lab, field, tuple(Decimal(number) for number in _NUMBERS))


@check(
    Need.VERBATIM,
    en="A record is kept as the source wrote it: its order, its digits and its escapes, white space aside.",
    zh="记录按源系统的写法保留：字段顺序、数字与转义均不变（空白除外）。",
)
def bytes_as_sent(lab: Lab) -> None:
    """With an escape and spaces that a parser would drop."""
    sent: list[bytes] = []

    def odd(body: bytes) -> bytes:
        changed = body.replace(b'":', b'" : ').replace(b"plain", b"pl\\u0061in")
        sent.append(msgspec.json.format(changed, indent=-1))
        return changed

    lab.world.insert(lab.stage, 3, values={lab.stage.text: "plain"})
    lab.world.garble("", odd)
    reader = lab.pull(lab.reader(), lab.connect())
    lab.expect(bool(reader.held), "No record is delivered.")
    for record in reader.held.values():
        compact = msgspec.json.format(record.body, indent=-1)
        lab.expect(any(compact in body for body in sent), "The record was written anew.")


@check(
    Need.EDIT,
    en="A record that did not change is the same bytes in every pull, and one that changed is not.",
    zh="未变更的记录每次拉取字节相同，变更的则不同。",
)
def steady_bytes(lab: Lab) -> None:
    """Three full pulls with a change between."""
    ids = lab.world.insert(lab.stage, 4)
    connector, reader = lab.connect(), lab.reader()
    lab.pull(reader, connector, full=True)
    lab.pull(reader, lab.connect(), full=True)
    lab.expect(reader.new == 0, f"{reader.new} of 4 records look changed that are not.")
    lab.world.edit(lab.stage, ids[1], {lab.stage.text: "another text"})
    lab.pull(reader, connector, full=True)
    lab.expect(reader.new == 1, f"{reader.new} records look changed after a change of one.")


@check(
    Need.EDIT,
    en="A record's version grows with every change, and does not change without one.",
    zh="记录版本随每次变更增大，无变更则不变。",
)
def growing_versions(lab: Lab) -> None:
    """Or there is none at all."""
    (source_id,) = lab.world.insert(lab.stage)
    connector = lab.connect()
    versions = []
    for number in range(3):
        record = lab.held(source_id, connector)
        again = lab.held(source_id, connector)
        lab.expect(record.version == again.version, "The version of a record changes by itself.")
        versions.append(record.version)
        lab.world.edit(lab.stage, source_id, {lab.stage.text: f"changed {number}"})
    if versions[0] is None:
        raise NotShown("The source gives its records no version.")
    lab.expect(versions == sorted(set(versions), key=lambda item: item or 0), "The version does not grow.")
