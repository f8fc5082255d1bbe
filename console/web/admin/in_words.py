"""An expression of a mapping in words, as the page of a mapping shows it: from where, changed by what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import expressions

if TYPE_CHECKING:
    from console.i18n import Texts


def told(spec: Any, texts: Texts) -> str:
    """A part of a file (``expressions.spec_of``) in words; what stands in the file is between backticks."""
    form = expressions.form_of(spec)
    what = f"`{form['what']}`"
    said = [what if form["how"] == "path" else texts.pair(texts(f"mapping_editor.how.{form['how']}"), what)]
    steps = spec.get("do", ()) if isinstance(spec, dict) else ()
    said += [texts.name("mapping_steps", step) for step in steps]
    for name in ("match", "findall", "default"):
        if form[name]:
            said.append(texts.pair(texts(f"mapping_words.{name}"), f"`{form[name]}`"))
    for name in ("values", "write"):
        if form[name]:
            entries = texts.listed("`{}` → `{}`".format(*line.split(" = ", 1)) for line in form[name].splitlines())
            said.append(texts.pair(texts(f"mapping_words.{name}"), entries))
    if form["ref"]:
        said.append(texts.pair(texts("mapping_words.ref"), texts.name("mapping_editor.ref", form["ref"])))
    return texts.clauses(said)
