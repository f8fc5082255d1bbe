"""Write ``docs/connectors/manifest.schema.json`` and ``docs/connectors/manifest.md`` from the model of manifests.

python -m console.manifest_schema
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connectors.declarative.authentication import Auth, Basic, OAuth, Signing
from connectors.declarative.manifest import Manifest, Setting, Stream
from connectors.declarative.parts import Times
from connectors.declarative.requests import Create, One, Request, Update
from connectors.declarative.rules import Deletes, ErrorRule, Incremental, Limits, Paging, Parent, Version
from connectors.declarative.webhook import Event, Webhook
from connectors.handshakes import Handshake
from connectors.places import Place
from connectors.signatures import Signature, Timestamp

DOCS = Path(__file__).parents[1] / "docs" / "connectors"
SCHEMA, PAGE = DOCS / "manifest.schema.json", DOCS / "manifest.md"
PARTS: tuple[type[BaseModel], ...] = (
    *(Manifest, Setting, Auth, Basic, OAuth, Signing, Stream, Request, One, Update, Create),
    *(Paging, Version, Times, Incremental, Deletes, Parent, ErrorRule, Limits),
    *(Webhook, Event, Signature, Timestamp, Place, Handshake),
)
"""In the order in which one writes them."""
_SHORT = ("list", "one", "update", "create")
"""Entries of a stream that may be a path alone."""
_BEGIN, _END = "<!-- written by `python -m console.manifest_schema` -->", "<!-- end -->"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of manifests, with what each entry means, for editors."""
    made = Manifest.model_json_schema()
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "LTC Sync connector manifest"}
    known = {model.__name__: model for model in PARTS}
    for name, part in (("Manifest", made), *made["$defs"].items()):
        if name in known:
            _annotate(part, known[name])
    for name in _SHORT:
        entry = made["$defs"]["Stream"]["properties"][name]
        given = entry.pop("anyOf", None) or [{"$ref": entry.pop("$ref")}]
        made["$defs"]["Stream"]["properties"][name] = {"anyOf": [*given, {"type": "string", "pattern": "^/"}], **entry}
    return made


def _annotate(part: dict[str, Any], model: type[BaseModel]) -> None:
    said = {_alias(model, name): text for name, text in _said(model).items()}
    for name, entry in part["properties"].items():
        entry.pop("title", None)
        if name in said:
            entry["description"] = said[name]


def _alias(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].alias or name


@cache
def _said(model: type[BaseModel]) -> dict[str, str]:
    """Field → the text below it in the source, those of its bases too."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not (issubclass(base, BaseModel) and base.__module__.startswith("connectors.")):
            continue
        body = next(item for item in ast.parse(dedent(inspect.getsource(base))).body if isinstance(item, ast.ClassDef))
        for entry, text in zip(body.body, body.body[1:], strict=False):
            if not (isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)):
                continue
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and type(text.value.value) is str:
                found[entry.target.id] = " ".join(text.value.value.replace("``", "`").split())
    return found


def encoded() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def tables() -> str:
    """Every part with its entries, as Markdown."""
    return "\n".join(line for model in PARTS for line in _part(model)).rstrip()


def _part(model: type[BaseModel]) -> Iterator[str]:
    yield f"### {model.__name__}\n"
    yield from _about(model)
    yield "| entry | holds | default | meaning |\n| --- | --- | --- | --- |"
    shape = _resolved(schema(), model.__name__)
    said = _said(model)
    is_request = issubclass(model, Request) and model is not Request
    for name, field in model.model_fields.items():
        if is_request and name in Request.model_fields:
            continue
        alias = _alias(model, name)
        holds = _cell(_holds(shape["properties"][alias]))
        yield f"| `{alias}` | {holds} | {_cell(_default(field))} | {_cell(said.get(name, ''))} |"
    if is_request:
        yield "| | | | and all entries of a [Request](#request) |"
    yield ""


def _about(model: type[BaseModel]) -> Iterator[str]:
    paragraphs = (inspect.getdoc(model) or "").replace("``", "`").split("\n\n")
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        if len(lines) > 1 and all("  " in line for line in lines):
            yield "\n".join(["```text", *lines, "```\n"])
        else:
            yield f"{' '.join(lines)}\n"


def _resolved(whole: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = whole if name == "Manifest" else whole["$defs"][name]
    return found


def _holds(entry: dict[str, Any]) -> str:
    """The types of an entry in words."""
    if "anyOf" in entry:
        kinds = [_holds(item) for item in entry["anyOf"] if item.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in entry:
        name = entry["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in entry:
        return ", ".join(f"`{item}`" for item in entry["enum"])
    if "const" in entry:
        return f"`{entry['const']}`"
    if entry.get("type") == "array":
        return f"list of {_holds(entry['items'])}" if "items" in entry else "list"
    if entry.get("type") == "object":
        inner = entry.get("additionalProperties") or next(iter(entry.get("patternProperties", {}).values()), None)
        return f"table of {_holds(inner)}" if isinstance(inner, dict) and inner else "table"
    if entry.get("description") == "A JMESPath expression":
        return "expression"
    words: dict[str, str] = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
    }
    return words.get(str(entry.get("type")), "anything, with holes")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value in (None, (), "", PydanticUndefined) or isinstance(value, BaseModel):
        return "–"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "–"


def page() -> str:
    """The page with its tables brought up to date; the text around them is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(_BEGIN) + len(_BEGIN), text.index(_END)
    return f"{text[:begin]}\n{tables()}\n{text[end:]}"


def write() -> Iterable[Path]:
    """Bring both files up to date; returns them."""
    SCHEMA.write_text(encoded(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    return SCHEMA, PAGE


if __name__ == "__main__":
    write()
