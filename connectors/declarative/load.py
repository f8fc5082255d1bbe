"""Read a manifest: every mistake is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors.declarative.manifest import Manifest
from yamlfiles.errors import FileUnusable, NoTable
from yamlfiles.problems import Problem, place, problems
from yamlfiles.reading import read

_EXAMPLES = {
    "version": "version: 1",
    "name": "name: acme",
    "base_url": "base_url: https://api.acme.example/v2",
    "settings": "settings: {token: {type: secret, about: Settings › API keys}}",
    "auth": "auth: {bearer: '{config.token}'}",
    "errors": "errors: [{status: 200, when: error.code == 'throttled', is: transient}]",
    "paging": "paging: {by: page, size: 100}",
    "streams": "streams: {order: {entity: order, list: /orders, key: id}}",
    "entity": "entity: order",
    "list": "list: {get: /orders, query: {updated_since: '{since}', page: '{page}'}}",
    "one": "one: /orders/{id}",
    "update": "update: {patch: '/orders/{id}', body: '{values}', headers: {If-Match: '{etag}'}}",
    "create": "create: {post: /orders, body: '{values}', key: ref, find: {get: /orders, query: {ref: '{key}'}}}",
    "key": "key: id",
    "incremental": "incremental: {overlap: 120}",
    "deletes": "deletes: sweep   # or none, or {when: deleted}, or {list: /orders/deleted}",
    "parent": "parent: {stream: order, add: {order_id: id}}",
    "limits": "limits: {per_second: 10, per_day: 50000}",
}


class ManifestError(FileUnusable):
    """A manifest cannot be used; ``problems`` lists every reason found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].where, problems[0].what)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def load(path: Path) -> Manifest:
    """The manifest in that file. Raises ``ManifestError``."""
    try:
        top = read(path)
    except NoTable as error:
        raise ManifestError([Problem(error.where, "the file is no manifest.", "version: 1")]) from None
    except FileUnusable as error:
        raise ManifestError([Problem(error.where, f"{error.message} {error.remedy}".strip())]) from None
    try:
        manifest = Manifest.model_validate(top)
    except ValidationError as error:
        raise ManifestError(problems(error, top, Manifest, examples=_EXAMPLES)) from None
    mistakes = [Problem(place(top, at), f"`{_name(at)}`: {_sentence(what)}") for at, what in manifest.mistakes()]
    if mistakes:
        raise ManifestError(mistakes)
    return manifest


def _name(at: tuple[Any, ...]) -> str:
    return ".".join(str(key) for key in at)


def _sentence(what: str) -> str:
    return what if what.endswith("?") else f"{what}."
