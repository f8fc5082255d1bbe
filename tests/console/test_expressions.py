"""Expressions of mappings as forms: nothing is lost on the way there and back, and what is mistyped is told."""

from __future__ import annotations

import pytest

from console import expressions, mapping_edit, status_words
from console.expressions import Mistyped
from console.i18n import texts
from console.mapping_change import changed, known_fields
from mappings.engine import load, shipped
from mappings.model import ENTITIES
from mappings.transforms import TRANSFORMS


def test_every_expression_of_the_shipped_mappings_survives_the_form() -> None:
    wrong = []
    for name in shipped():
        for stream in load(name).streams.values():
            lines = stream.definition.lines
            for field, item in [*stream.definition.fields.items(), *(lines.fields.items() if lines else ())]:
                spec = expressions.spec_of(item)
                if expressions.spec_from(expressions.form_of(spec), reference=bool(item.ref)) != spec:
                    wrong.append((name, stream.name, field))
    assert wrong == []


def test_a_table_is_a_line_for_each_entry_and_may_have_signs_of_equality_in_the_words() -> None:
    table = {"a = b": "open", None: "new", "1": None, "x": True}
    assert expressions.table_from(expressions.lines_of(table)) == table
    assert expressions.lines_of(table).splitlines()[1] == "= new"


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"how": "path", "what": " "}, "nothing"),
        ({"how": "exec", "what": "x"}, "how"),
        ({"what": "x", "values": "open"}, "line"),
        ({"what": "x", "values": "a = b\na = c"}, "twice"),
        ({"what": "x", "values": "\n".join(f"{n} = x" for n in range(501))}, "long"),
    ],
)
def test_what_is_mistyped_is_told(sent: dict[str, str], key: str) -> None:
    with pytest.raises(Mistyped) as caught:
        expressions.spec_from(sent)
    assert caught.value.key == key


def test_a_status_map_of_a_whole_file_loses_only_the_word_that_was_taken_out() -> None:
    text = (
        "version: 1\nconnector: x\nstreams:\n  order:\n    entity: order\n    fields: {number: no}\n    status:\n"
        "      path: State   # ours\n      values:\n        New: draft\n        Sent: submitted   # to the desk\n"
        "        Gone: cancelled\n"
    )
    now = load("odoo").stream("order")
    sent = {
        "kind": "status",
        "how": "path",
        "what": "State",
        **status_words.form_of({"New": "draft", "Sent": "submitted", "Done": "completed"}, {}),
    }
    after = changed(text, "x.yaml", None, "order", now, sent, writes_status=True)
    assert after == text.replace("        Gone: cancelled\n", "        Done: completed\n")


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_canonical_field_and_every_transform_has_a_name(locale: str) -> None:
    words = texts(locale).words
    fields = {name.rpartition(".")[2] for entity in ENTITIES for name in known_fields(entity)}
    assert [name for name in sorted(fields) if f"field.{name}" not in words] == []
    assert [name for name in TRANSFORMS if f"mapping_steps.{name}" not in words] == []


ROWS = {"word.0": "aktiv", "status.0": "active", "word.1": "neu", "status.1": "active", "word.2": "weg", "status.2": ""}


def test_of_words_that_stand_for_one_status_a_person_says_which_is_written_back_where_any_is() -> None:
    assert status_words.said(ROWS, writes=False) == ({"aktiv": "active", "neu": "active"}, {"active": "aktiv"})
    assert status_words.said(ROWS | {"written.1": "on"}, writes=True)[1] == {"active": "neu"}
    assert status_words.said(ROWS, writes=False, before={"active": "neu"})[1] == {"active": "neu"}
    for ticks in ({}, {"written.0": "on", "written.1": "on"}):
        with pytest.raises(Mistyped) as caught:
            status_words.said(ROWS | ticks, writes=True)
        assert (caught.value.key, caught.value.lines) == ("written", ("aktiv", "neu"))
    with pytest.raises(Mistyped) as caught:
        status_words.said(ROWS | {"word.7": "neu"}, writes=True)
    assert caught.value.key == "twice"


def test_the_rows_of_a_status_have_each_word_once_the_most_frequent_first_and_some_to_be_filled() -> None:
    shown = status_words.rows(ROWS, {"neu": 7, "fort": 2, "aktiv": 5})
    assert [(row.word, row.status, row.count) for row in shown] == [
        ("neu", "active", 7),
        ("aktiv", "active", 5),
        ("fort", "", 2),
        ("weg", "", 0),
        ("", "", None),
        ("", "", None),
    ]
    assert status_words.said(status_words.form_of({"a": "new", "b": "new"}, {"new": "b"}), writes=True)[1] == {
        "new": "b"
    }


def test_what_was_said_of_how_sure_a_proposal_is_goes_when_a_person_chooses_and_all_other_comments_stay() -> None:
    text = (
        "version: 1\nconnector: x\nstreams:\n  order:\n    entity: order\n    fields:\n      number: no  # 99 %\n"
        "      party_ref: {path: who, ref: no}  # 99 %\n      order_date: day  # as the shop says\n"
    )
    after = mapping_edit.with_field(text, "x.yaml", "order", "party_ref", {"path": "who", "ref": "id"})
    assert after == text.replace("ref: no}  # 99 %", "ref: id}")
    after = mapping_edit.with_field(text, "x.yaml", "order", "order_date", "date")
    assert after == text.replace("order_date: day", "order_date: date")


def test_the_word_that_is_written_back_is_kept_where_the_inherited_default_stands_for_the_same_status() -> None:
    now = load("jiandaoyun").streams["lead"]
    saved = now.definition.status
    assert saved is not None
    assert (saved.table[None], saved.table["待分配"]) == ("new", "new")
    form = {**expressions.status_form(saved), **status_words.form_of_status(saved), "kind": "status"}
    place = next(name for name, word in form.items() if word == "待分配").removeprefix(status_words.WORD)
    form |= {"word.9": "待核实", "status.9": "new", f"written.{place}": "on"}
    own = mapping_edit.own("jiandaoyun", "jiandaoyun")
    after = changed(own, "forms.yaml", "jiandaoyun", "lead", now, form, writes_status=True)
    assert after.endswith("      values: {待核实: new}\n      write: {new: 待分配}\n")
