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

from sandbox.http import Application
from sandbox.stripe.errors import StripeError
from sandbox.stripe.forms import parse


class OpenApiCheck:
    """``wrap`` an application; ``problems`` then lists every exchange that the document does not allow."""

    def __init__(self, document: Path) -> None:
        self._document = _plain(json.loads(document.read_text()))
        self.problems: list[str] = []
        self.checked: list[str] = []
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

    def wrap(self, application: Application) -> Application:
        """The application, with each exchange checked before the answer leaves."""

        async def checked(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            answer: list[Any] = []

            async def replay() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def keep(message: Any) -> None:
                answer.append(message)

            await application(scope, replay, keep)
            content = b"".join(message.get("body", b"") for message in answer[1:])
            query = scope["query_string"].decode()
            self.check(scope["method"], scope["path"], query, body, answer[0]["status"], content)
            for message in answer:
                await send(message)

        return checked

    def check(self, method: str, path: str, query: str, body: bytes, status: int, content: bytes) -> None:
        """Note what is wrong with one exchange; what the cut document leaves out is passed over."""
        operation = next((item.get(method.lower()) for shape, item in self._paths if shape.match(path)), None)
        if operation is None:
            return
        line = f"{method} {path} {status}"
        self.checked.append(line)
        if status == 200:
            self._check_request(line, operation, query, body if method == "POST" else b"")
        response = operation["responses"].get(str(status), operation["responses"]["default"])
        schema = response["content"]["application/json"]["schema"]
        self.problems += [
            f"{line}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validator(schema).iter_errors(json.loads(content))
        ]

    def _validator(self, schema: dict[str, Any]) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            absolute = json.loads(key.replace('"#/', '"urn:stripe#/'))
            self._validators[key] = Draft4Validator(absolute, registry=self._registry)
        return self._validators[key]

    def _check_request(self, line: str, operation: dict[str, Any], query: str, body: bytes) -> None:
        known = {item["name"]: item["schema"] for item in operation.get("parameters", []) if item["in"] == "query"}
        if body:
            known = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
        try:
            given = parse(body.decode() or query)
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
