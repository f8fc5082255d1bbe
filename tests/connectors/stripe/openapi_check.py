"""Check every exchange with the stand-in against Stripe's published OpenAPI document (API version 2023-08-16, cut).

Answers by JSON Schema, with ``nullable`` of OpenAPI 3.0 as what it means there; parameters and bodies by name and plain
type: Stripe's nested forms are beyond what the usual validators of OpenAPI take.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from sandbox.stripe.errors import StripeError
from sandbox.stripe.forms import parse
from tests.connectors.published import Exchange, Published


class OpenApiCheck(Published):
    """By Stripe's document."""

    def __init__(self, document: Path) -> None:
        super().__init__(document)
        self._document = _plain(json.loads(document.read_text()))
        self._validators: dict[str, Any] = {}

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        return [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), operations)
            for path, operations in self._document["paths"].items()
        ]

    @cached_property
    def _registry(self) -> Any:
        resource = Resource.from_contents(self._document, default_specification=DRAFT4)
        return Registry().with_resource("urn:stripe", resource)

    def check(self, exchange: Exchange) -> None:
        """Note what is wrong with one exchange; what the cut document leaves out is passed over."""
        method = exchange.method.lower()
        operation = next((item.get(method) for shape, item in self._paths if shape.match(exchange.path)), None)
        if operation is None:
            return
        self.checked.append(exchange.line)
        if exchange.status == 200:
            self._check_request(exchange, operation)
        response = operation["responses"].get(str(exchange.status), operation["responses"]["default"])
        schema = response["content"]["application/json"]["schema"]
        self.problems += [
            f"{exchange.line}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validator(schema).iter_errors(json.loads(exchange.content))
        ]

    def _validator(self, schema: dict[str, Any]) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            absolute = json.loads(key.replace('"#/', '"urn:stripe#/'))
            self._validators[key] = Draft4Validator(absolute, registry=self._registry)
        return self._validators[key]

    def _check_request(self, exchange: Exchange, operation: dict[str, Any]) -> None:
        line, body = exchange.line, exchange.body if exchange.method == "POST" else b""
        known = {item["name"]: item["schema"] for item in operation.get("parameters", []) if item["in"] == "query"}
        if body:
            known = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
        try:
            given = parse(body.decode() or exchange.query)
        except StripeError as error:
            self.problems.append(f"{line}: {error}")
            return
        for name, value in given.items():
            if name not in known:
                self.problems.append(f"{line}: {name} is no parameter")
            elif not _fits(known[name].get("type"), value):
                self.problems.append(f"{line}: {name} is not of type {known[name]['type']}")


def _plain(schema: Any) -> Any:
    """The document with ``null`` among what a nullable value may be."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _plain(item) for name, item in schema.items()}
    if schema.get("nullable") is True:
        if "type" in schema:
            made["type"] = [schema["type"], "null"]
        if "enum" in schema:
            made["enum"] = [*schema["enum"], None]
        if "anyOf" in schema:
            made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    return made


def _fits(kind: str | None, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
    if kind == "object" and value == "":  # metadata is emptied so, which the cut document leaves out
        return True
    return isinstance(value, {"array": list, "object": dict, "string": str, "boolean": str}.get(kind or "", object))
