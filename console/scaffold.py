"""The files of a new connector: a manifest, its mapping and its test, written from a few answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

AUTHS = ("bearer", "basic", "header", "query", "oauth2", "none")
PAGINGS = ("none", "page", "offset", "cursor", "link", "last_id", "keyset")
METHODS = ("patch", "put", "post")
SCHEMA = "manifest.schema.json"
_COUNTED = {"milliseconds": "epoch_ms", "seconds": "epoch_s"}
"""Time formats that a mapping reads through a transform."""


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """One list of records: its name, the canonical entity, and the path of the list."""

    name: str
    entity: str
    path: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked for. ``update`` is method and path, for the first stream."""

    name: str
    base_url: str
    streams: tuple[StreamAnswer, ...]
    auth: str = "bearer"
    records: str = "@"
    key: str = "id"
    version_field: str | None = None
    time_format: str = "iso"
    paging: str = "page"
    page_size: int = 100
    since_param: str | None = None
    update: tuple[str, str] | None = None
    writable: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The name as Python writes it."""
        return self.name.replace("-", "_")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The settings that its credentials are made of; the last one is secret."""
        return {"basic": ("user", "password"), "oauth2": ("client_id", "client_secret"), "none": ()}.get(
            self.auth, ("token",)
        )


def files(answers: Answers) -> dict[str, str]:
    """File name → text of a connector by manifest."""
    return {
        f"{answers.name}.yaml": manifest(answers),
        f"{answers.name}.mapping.yaml": mapping(answers),
        f"test_{answers.module}.py": _TEST.format(name=answers.name),
    }


_TEST = """from pathlib import Path
from conformance.pytest import checks_of
test_conformance = checks_of("{name}.yaml", folder=Path(__file__).parent)
"""


def manifest(answers: Answers) -> str:
    """The manifest as YAML."""
    return "\n".join([*_head(answers), *_auth(answers), *_paging(answers), *_streams(answers), ""])


def _head(answers: Answers) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield "version: 1"
    yield f"name: {answers.name}"
    yield f"base_url: {_quoted(answers.base_url)}"


def _auth(answers: Answers) -> Iterator[str]:
    if answers.auth == "none":
        return
    yield "settings:"
    for name in answers.secrets[:-1]:
        yield f"  {name}: {{type: text}}"
    yield f"  {answers.secrets[-1]}: {{type: secret}}"
    yield {
        "bearer": 'auth: {bearer: "{config.token}"}',
        "basic": 'auth: {basic: {user: "{config.user}", password: "{config.password}"}}',
        "header": 'auth: {headers: {X-Api-Key: "{config.token}"}}  # the name of its header',
        "query": 'auth: {query: {api_key: "{config.token}"}}  # the name of its parameter',
        "oauth2": 'auth: {oauth2: {token_url: /oauth/token, client_id: "{config.client_id}", '
        'client_secret: "{config.client_secret}"}}',
    }[answers.auth]
    yield "# errors: [{status: 200, when: error, is: record, message: error.text}]  # errors inside a 200"


def _paging(answers: Answers) -> Iterator[str]:
    if answers.paging == "none":
        return
    more = ", next: next" if answers.paging == "cursor" else ""
    hint = "  # where the next cursor stands in the answer" if more else ""
    yield f"paging: {{by: {answers.paging}, size: {answers.page_size}{more}}}{hint}"


def _streams(answers: Answers) -> Iterator[str]:
    yield "streams:"
    for place, stream in enumerate(answers.streams):
        yield f"  {stream.name}:"
        yield f"    entity: {stream.entity}"
        query = _query(answers)
        path = _quoted(stream.path)
        yield f"    list: {{get: {path}, query: {{{query}}}}}" if query else f"    list: {path}"
        if answers.records != "@":
            yield f"    records: {_quoted(answers.records)}"
        yield f"    key: {_quoted(answers.key)}"
        if answers.version_field:
            shape = "" if answers.time_format == "iso" else f", format: {_quoted(answers.time_format)}"
            yield f"    version: {{field: {_quoted(answers.version_field)}{shape}}}"
        if answers.since_param:
            times = f", times: {{format: {_quoted(answers.time_format)}}}" if _timeless(answers) else ""
            yield f"    incremental: {{overlap: 120{times}}}"
        yield "    deletes: none  # or sweep, or {when: deleted}"
        if answers.update is not None and place == 0:
            yield from _writing(answers, *answers.update)


def _timeless(answers: Answers) -> bool:
    return answers.version_field is None


def _writing(answers: Answers, method: str, path: str) -> Iterator[str]:
    yield f"    one: {_quoted(path)}"
    yield f"    writable: [{', '.join(_quoted(name) for name in answers.writable)}]"
    # Without a condition of its own the record is read and compared before it is written.
    yield f'    update: {{{method}: {_quoted(path)}, body: "{{values}}"}}'


def _query(answers: Answers) -> str:
    names = {
        "page": ("page", "size"),
        "offset": ("offset", "size"),
        "cursor": ("cursor", "size"),
        "link": ("size",),
        "last_id": ("last_id", "size"),
        "keyset": ("after_time", "after_id", "size"),
    }.get(answers.paging, ())
    entries = [f'{name}: "{{{name}}}"' for name in names]
    if answers.since_param:
        entries.insert(0, f'{_quoted(answers.since_param)}: "{{since}}"')
    return ", ".join(entries)


def mapping(answers: Answers) -> str:
    """A mapping of the little that is known; ``ltc mappings suggest`` proposes the rest from records."""
    lines = [
        "version: 1",
        f"connector: {answers.name}",
        "# `ltc mappings suggest SYSTEM --write FILE` proposes the rest from records; see docs/mappings.md.",
        "streams:",
    ]
    for place, stream in enumerate(answers.streams):
        lines += [f"  {stream.name}:", f"    entity: {stream.entity}", "    fields:"]
        lines.append(f"      number: {_quoted(answers.key)}")
        if answers.version_field and (changed := _instant(answers)):
            lines.append(f"      source_updated_at: {changed}")
        lines.append("    # status: {path: status, values: {open: confirmed}}")
        if place == 0 and answers.writable:
            lines.append(f"    # write: {{status: {_quoted(answers.writable[0])}}}")
    return "\n".join([*lines, ""])


def _instant(answers: Answers) -> str | None:
    if answers.time_format == "iso":
        return _quoted(str(answers.version_field))
    done = _COUNTED.get(answers.time_format)
    return f"{{path: {_quoted(str(answers.version_field))}, do: [{done}]}}" if done else None


def snippet(answers: Answers, connector: str) -> str:
    """What ltc.yaml says of the system."""
    lines = [f"  {answers.name}:", f"    connector: {connector}", "    roles: [erp]"]
    lines += ["    config:"] if answers.secrets else []
    for name in answers.secrets[:-1]:
        lines.append(f'      {name}: ""')
    for name in answers.secrets[-1:]:
        lines.append(f'      {name}: "${{env:{variable(answers, name)}}}"')
    return "\n".join([*lines, "    push: plan"])


def variable(answers: Answers, name: str) -> str:
    """The environment variable that holds a secret."""
    return f"{answers.module}_{name}".upper()


def _quoted(text: str) -> str:
    """Text as YAML takes it inside a flow mapping; quoted only where it must be."""
    plain = re.fullmatch(r"[A-Za-z_/][\w./-]*", text) and text.lower() not in ("true", "false", "null", "yes", "no")
    return text if plain else json.dumps(text, ensure_ascii=False)


def write(folder: Path, made: dict[str, str]) -> list[Path]:
    """Write the files; returns their paths."""
    written = []
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
