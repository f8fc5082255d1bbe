"""What a setting of a connector looks like in a form, by its type: one box, the fields of a model, or rows of them."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from console import described
from yamlfiles.editing import in_lines

_LISTS = (list, tuple, set, frozenset)
_DEEPEST = 3
"""Levels of an example."""
NAME = r"^[a-z][a-z0-9_]*$"
"""The pattern of names for which there are words (``admin.wrong.name``)."""
_PLAIN: dict[Any, Any] = {bool: True, int: 1, float: 1}


class Shape(NamedTuple):
    """``kind`` as ``fields.Field`` has it; ``model`` and ``named`` where there are fields within."""

    kind: str
    choices: tuple[str, ...] = ()
    model: type[BaseModel] | None = None
    named: bool = False
    asked: bool = False
    plain_names: bool = False
    """Whether the names in a table must be as ``NAME`` says."""


def of(item: FieldInfo) -> Shape:
    """How a setting is asked for. ``json_schema_extra={"asked": True}`` shows one at once that may be left out."""
    extra = item.json_schema_extra
    return _by_type(item.annotation)._replace(asked=isinstance(extra, dict) and bool(extra.get("asked")))


def spelled(value: Any, model: type[BaseModel]) -> dict[str, Any] | None:
    """What stands in the file for a model, as a table: a plain value is the one setting that it needs.

    ``None`` for what is no such table.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    needed = [name for name, item in model.model_fields.items() if item.is_required()]
    return {needed[0]: value} if len(needed) == 1 and isinstance(value, str | int) else None


def entries(value: Any, model: type[BaseModel], *, named: bool) -> list[tuple[str, Any, dict[str, Any]]] | None:
    """Name (of a table), what stands in the file, and the same as a table, of each entry of a table or list of models.

    ``None`` for what is none, or holds something that the fields of the model cannot show.
    """
    pairs: list[tuple[str, Any]] = []
    if named and isinstance(value, dict):
        pairs = [(str(name), item) for name, item in value.items()]
    elif not named and isinstance(value, list):
        pairs = [("", item) for item in value]
    elif value is not None:
        return None
    found = [(name, item, spelled(item, model)) for name, item in pairs]
    good = [(name, item, given) for name, item, given in found if given is not None]
    return good if len(good) == len(found) else None


def sample(item: FieldInfo) -> str:
    """How a setting that is typed as YAML looks when right."""
    example = item.examples[0] if item.examples else _example(item.annotation)
    return in_lines(example) if isinstance(example, dict | list) else str(example)


def _by_type(annotation: Any) -> Shape:
    parts = described.parts(annotation)
    if SecretStr in parts:
        return Shape("secret")
    part = next((part for part in parts if get_origin(part) in _LISTS), parts[0])
    if get_origin(part) is Literal:
        return Shape("choice", tuple(map(str, get_args(part))))
    if isinstance(part, type) and issubclass(part, Enum):
        return Shape("choice", tuple(str(item.value) for item in part))
    if part is bool:
        return Shape("flag")
    if part in (int, float):
        return Shape("number")
    if get_origin(part) in _LISTS:
        inner = described.parts(get_args(part)[0])[0] if get_args(part) else str
        model = _model(inner)
        if model is not None:
            return Shape("rows", model=model)
        return Shape("table" if inner is dict or (get_origin(inner) is not None and not _is_choice(inner)) else "list")
    if get_origin(part) is dict:
        model = _model(described.parts(get_args(part)[1])[0])
        if model is None:
            return Shape("table")
        plain = TypeAdapter(get_args(part)[0]).json_schema().get("pattern") == NAME
        return Shape("rows", model=model, named=True, plain_names=plain)
    model = _model(part)
    if model is not None:
        return Shape("group", model=model)
    return Shape("table" if part in (dict, list, Any) else "text")


def _is_choice(part: Any) -> bool:
    return get_origin(part) is Literal


def _model(part: Any) -> type[BaseModel] | None:
    return part if isinstance(part, type) and issubclass(part, BaseModel) else None


def _example(annotation: Any, depth: int = 0) -> Any:
    part = described.parts(annotation)[0]
    inside = get_args(part)
    if depth < _DEEPEST and get_origin(part) is dict:
        return {"name": _example(inside[1], depth + 1)}
    if depth < _DEEPEST and get_origin(part) in _LISTS:
        return [_example(inside[0], depth + 1)]
    if get_origin(part) is Literal:
        return inside[0]
    model = _model(part)
    if model is not None and depth < _DEEPEST:
        return {name: _of_field(item, depth) for name, item in model.model_fields.items() if item.is_required()}
    if part is dict:
        return {"name": "…"}
    return _PLAIN.get(part, "…") if isinstance(part, type) else "…"


def _of_field(item: FieldInfo, depth: int) -> Any:
    return item.examples[0] if item.examples else _example(item.annotation, depth + 1)
