"""Write the operations of the REST API into ``docs/api.md``, from its OpenAPI document.

python -m console.api_reference
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from console.web.api.application import PATH, document

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
_BEGIN, _END = "<!-- the operations begin -->", "<!-- the operations end -->"
"""What stands between these lines of the page is written here, the rest by people."""


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
    ends = "" if operation["x-right"] == "read" else f" Needs the right `{operation['x-right']}`."
    yield f"{said}{ends}\n"
    rows = [*_parameters(operation), *_body(made, operation)]
    if rows:
        yield "| given | in | what |\n| --- | --- | --- |"
        yield from rows
        yield ""
    status = next(name for name in operation["responses"] if name.startswith("2"))
    answer = operation["responses"][status]["content"]["application/json"]["schema"]
    refused = ", ".join(name for name in operation["responses"] if name in ("404", "409"))
    yield f"Answers {status} with {_answer(answer)}{f'; also {refused}' if refused else ''}.\n"


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for item in operation.get("parameters", ()):
        yield _row(item["name"], item["in"], item["required"], item["schema"], item.get("description", ""))


def _body(made: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    body = operation.get("requestBody")
    if body is None:
        return
    model = made["components"]["schemas"][_name(body["content"]["application/json"]["schema"])]
    for name, schema in model["properties"].items():
        yield _row(name, "body", name in model.get("required", ()), schema, schema.get("description", ""))


def _row(name: str, where: str, required: bool, schema: dict[str, Any], said: str) -> str:
    needed = "needed" if required else _default(schema)
    told = "; ".join(part for part in (needed, _kind(schema)) if part)
    return f"| `{name}` | {where} | {told}{f'. {said}' if said else ''} |".replace("\n", " ")


def _default(schema: dict[str, Any]) -> str:
    return f"default `{schema['default']}`" if schema.get("default") not in (None, "") else ""


def _kind(schema: dict[str, Any]) -> str:
    plain = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
    if "enum" in plain:
        return "one of " + ", ".join(f"`{value}`" for value in plain["enum"] if value)
    if plain.get("type") == "integer":
        return f"whole number from {plain['minimum']} to {plain['maximum']}"
    if plain.get("format") == "date":
        return "a day, `2026-11-30`"
    return f"text of at most {plain['maxLength']} characters" if "maxLength" in plain else "text"


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _answer(schema: dict[str, Any]) -> str:
    name = _name(schema)
    return f"a page of `{name[5:-1]}`" if name.startswith("Page_") else f"`{name}`"


if __name__ == "__main__":
    write()
