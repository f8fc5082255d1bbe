"""Write the operations of the REST API into ``docs/api.md``, from its OpenAPI document.

python -m console.api_reference
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from console.web.api.application import PATH, document

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
_BEGIN, _END = "<!-- the operations begin -->", "<!-- the operations end -->"
"""What stands between these lines of the page is written here, the rest by people."""


class Given(NamedTuple):
    """Something that a request may give: ``where`` is ``path``, ``query``, ``header`` or ``body``."""

    name: str
    where: str
    needed: bool
    default: str
    kind: str
    said: str


class Operation(NamedTuple):
    """One operation in a line; ``scope`` is what a token has to let, empty for what no token may."""

    method: str
    path: str
    said: str
    scope: str
    given: list[Given]


class Group(NamedTuple):
    """Operations about one thing."""

    name: str
    said: str
    operations: list[Operation]


def groups() -> list[Group]:
    """All operations, for a page."""
    made = document()
    return [Group(tag["name"], tag["description"], list(_brief(made, tag["name"]))) for tag in made["tags"]]


def _brief(made: dict[str, Any], tag: str) -> Iterator[Operation]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                said = " ".join(operation["description"].partition("\n\n")[0].split())
                given = [*_parameters(operation), *_body(made, operation)]
                yield Operation(method.upper(), path, said, operation.get("x-scope", ""), given)


def page() -> str:
    """The page as it should be."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    made = "\n".join(_operations(document()))
    return f"{head}{_BEGIN}\n{made}\n{_END}{tail}"


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(), encoding="utf-8")


def _operations(made: dict[str, Any]) -> Iterator[str]:
    for tag in made["tags"]:
        yield f"\n### {tag['name']}\n"
        yield f"{tag['description']}\n"
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(made, path, method.upper(), operation)


def _operation(made: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"#### `{method} {PATH}{path}`\n"
    said = " ".join(operation["description"].split())
    right, scope = operation["x-right"], operation.get("x-scope", operation["x-right"])
    ends = "" if right == "read" else f" Needs the right `{right}`."
    ends += f" A token needs the scope `{scope}`." if scope != right else ""
    yield f"{said}{ends}\n"
    rows = [_row(item) for item in (*_parameters(operation), *_body(made, operation))]
    if rows:
        yield "| given | in | what |\n| --- | --- | --- |"
        yield from rows
        yield ""
    status = next(name for name in operation["responses"] if name.startswith("2"))
    answer = operation["responses"][status]["content"]
    refused = ", ".join(name for name in operation["responses"] if name in ("404", "409"))
    yield f"Answers {status} with {_answer(answer)}{f'; also {refused}' if refused else ''}.\n"


def _parameters(operation: dict[str, Any]) -> Iterator[Given]:
    for item in operation.get("parameters", ()):
        yield _given(item["name"], item["in"], item["required"], item["schema"], item.get("description", ""))


def _body(made: dict[str, Any], operation: dict[str, Any]) -> Iterator[Given]:
    body = operation.get("requestBody")
    if body is None:
        return
    if "application/json" not in body["content"]:
        said = f"{body['description']}, with `Content-Type: {', '.join(body['content'])}`"
        yield Given("", "body", needed=True, default="", kind="", said=said)
        return
    yield from _fields(made, body["content"]["application/json"]["schema"])


def _fields(made: dict[str, Any], schema: dict[str, Any], within: str = "") -> Iterator[Given]:
    """The fields of a model, and of those within it."""
    model = made["components"]["schemas"][_name(_plain(schema))]
    for name, part in model["properties"].items():
        yield _given(f"{within}{name}", "body", name in model.get("required", ()), part, part.get("description", ""))
        inner = _plain(part.get("items", part))
        if "$ref" in inner:
            yield from _fields(made, inner, f"{within}{name}{'[]' if 'items' in part else ''}.")


def _given(name: str, where: str, required: bool, schema: dict[str, Any], said: str) -> Given:
    return Given(name, where, required, "" if required else _default(schema), _kind(schema), " ".join(said.split()))


def _row(item: Given) -> str:
    told = "; ".join(part for part in ("needed" if item.needed else item.default, item.kind) if part)
    name = f"`{item.name}` " if item.name else ""
    return f"| {name}| {item.where} | {told}{f'. {item.said}' if item.said else ''} |".replace("\n", " ")


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    if isinstance(default, bool):
        return f"default `{str(default).lower()}`"
    return f"default `{default}`" if default not in (None, "") and not isinstance(default, dict | list) else ""


def _kind(schema: dict[str, Any]) -> str:
    plain = _plain(schema)
    if "$ref" in plain:
        return "an object"
    if plain.get("type") == "array":
        return f"a list of at most {plain['maxItems']}"
    if plain.get("type") == "boolean":
        return "`true` or `false`"
    if "enum" in plain:
        return "one of " + ", ".join(f"`{value}`" for value in plain["enum"] if value)
    if plain.get("type") == "integer":
        return f"whole number from {int(plain['minimum'])} to {int(plain['maximum'])}"
    if plain.get("format") == "date":
        return "a day, `2026-11-30`"
    return f"text of at most {plain['maxLength']} characters" if "maxLength" in plain else "text"


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """What it is if it is not null."""
    found: dict[str, Any] = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
    return found


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _answer(content: dict[str, Any]) -> str:
    if "application/json" not in content:
        return "the file"
    name = _name(content["application/json"]["schema"])
    return f"a page of `{name[5:-1]}`" if name.startswith("Page_") else f"`{name}`"


if __name__ == "__main__":
    write()
