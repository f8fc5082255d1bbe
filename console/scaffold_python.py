"""The package of a connector in Python, written from a few answers: what reads and writes is left to its author."""

from __future__ import annotations

from string import Template

from console.scaffold import Answers, manifest, mapping

_PROJECT = Template("""[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "ltc-$name-connector"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["ltc-sync"]

[project.entry-points."ltc.connectors"]
$name = "ltc_${module}_connector:$kind"

[project.entry-points."ltc.mappings"]
$name = "ltc_${module}_connector"

[tool.setuptools]
packages = ["ltc_${module}_connector"]

[tool.setuptools.package-data]
"ltc_${module}_connector" = ["*.yaml"]

[tool.pytest.ini_options]
pythonpath = [".", "tests"]
""")
_CONNECTOR = Template('''"""$kind, by its API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from pydantic import SecretStr

from connectors.contract import Cursor, Page, RawRecord, StreamSpec, Window
from connectors.overhttp import HttpConfig, HttpConnector
from connectors.rawjson import decode, parse

_rows = msgspec.json.Decoder(list[msgspec.Raw])
_PATHS = $paths


class ${kind}Config(HttpConfig):
    """What ltc.yaml says under `config`."""

    base_url: str = $base_url
    token: SecretStr


class $kind(HttpConnector[${kind}Config]):
    """$kind, by its API."""

    name = "$name"
    Config = ${kind}Config

    def headers(self) -> Mapping[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {self.config.token.get_secret_value()}"}

    def streams(self) -> Sequence[StreamSpec]:
        """Each is read whole, and compared by its hash."""
        return [$specs]

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """One page with everything."""
        content = self.http.request("GET", _PATHS[stream]).content
        yield Page([_record(bytes(row)) for row in parse(content, _rows)], {}, complete=True)


def _record(body: bytes) -> RawRecord:
    held: Any = decode(body)
    return RawRecord(str(held["$key"]), body)
''')
_WORLD = Template('''"""The stand-in for the kit, made of a manifest that says how the API speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.generic.world import GenericWorld
from conformance.world import Wish
from connectors.contract import Connector

from ltc_${module}_connector import $kind, ${kind}Config


class World(GenericWorld):
    """$kind, with our connector before it."""

    manifest_file = Path(__file__).with_name("$name.yaml")

    def kind(self) -> type[Connector[Any]]:
        """The connector under test."""
        return $kind

    def config(self, wish: Wish) -> dict[str, Any]:
        """Its settings."""
        return {name: value for name, value in super().config(wish).items() if name in ${kind}Config.model_fields}
''')
_TEST = Template("""from conformance.pytest import checks_of
from world import World
test_conformance = checks_of("$name", World)
""")


def files(answers: Answers) -> dict[str, str]:
    """File name → text; all of it in a folder of its own."""
    from dataclasses import replace

    plain = replace(answers, auth="bearer", paging="none", records="@", version_field=None, since_param=None)
    plain = replace(plain, update=None, writable=(), time_format="iso")
    specs = ", ".join(f'StreamSpec("{stream.name}", "{stream.entity}")' for stream in answers.streams)
    paths = ", ".join(f'"{stream.name}": "{stream.path}"' for stream in answers.streams)
    words = {
        "name": answers.name,
        "module": answers.module,
        "kind": "".join(part.capitalize() for part in answers.name.split("-")),
        "base_url": repr(answers.base_url),
        "key": answers.key,
        "specs": specs,
        "paths": f"{{{paths}}}",
    }
    root, package = f"ltc-{answers.name}-connector", f"ltc_{answers.module}_connector"
    return {
        f"{root}/pyproject.toml": _PROJECT.substitute(words),
        f"{root}/{package}/__init__.py": _CONNECTOR.substitute(words),
        f"{root}/{package}/{answers.name}.yaml": mapping(plain),
        f"{root}/tests/{answers.name}.yaml": manifest(plain).partition("\n")[2],
        f"{root}/tests/world.py": _WORLD.substitute(words),
        f"{root}/tests/test_conformance.py": _TEST.substitute(words),
    }
