"""Expressions of mappings as forms: nothing is lost on the way there and back, and what is mistyped is told."""

from __future__ import annotations

import pytest

from console import expressions
from console.expressions import Mistyped
from console.mapping_change import changed
from mappings.engine import load, shipped


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
        "values": "New = draft\nSent = submitted\nDone = completed",
    }
    after = changed(text, "x.yaml", None, "order", now, sent)
    assert after == text.replace("        Gone: cancelled\n", "        Done: completed\n")
