"""Targets: connector manifests as files, and the answers of the systems that are read by one, and of Stripe."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from conformance.world import Wish, World
from conformance.worlds import world_of
from connectors import registry
from connectors.contract import Connector
from connectors.declarative.load import ManifestError
from connectors.declarative.load import load as load_manifest
from connectors.errors import ConnectorError
from connectors.expressions import ExpressionError, Template
from tests.fuzz.connectors import System, target
from tests.fuzz.engine import Target, scratch
from tests.fuzz.mutate import text, yaml_

_NOBODY = "http://127.0.0.1:9"
_UNLIMITED = 1e9
_KEPT = Path(registry.__file__).parent / "manifests"


def _standing_in(name: str) -> Callable[[], contextlib.AbstractContextManager[dict[str, Any]]]:
    @contextmanager
    def standing_in() -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            world: World = world_of(name)(Path(folder))
            with world:
                for stage in world.stages():
                    world.insert(stage, 4)
                world.advance(3600)
                yield world.config(Wish(page_size=3))

    return standing_in


def _system(
    name: str,
    settings: dict[str, Any],
    values: dict[str, dict[str, Any]],
    makes: dict[str, Any] | None = None,
) -> System:
    until = datetime(2099, 1, 1, tzinfo=UTC)  # the stand-ins begin today
    kind: type[Connector[Any]] = registry.load(name)
    return System(kind, {"base_url": _NOBODY, **settings}, _standing_in(name), values, until, makes or {})


_RATE = {"calls_per_second": _UNLIMITED, "page_size": 3}
_ODOO = _system(
    "odoo",
    {"api_key": "k", **_RATE},
    {"order": {"state": "sale"}},
    {"partner_id": "1", "currency_id": 1, "order_line": []},
)
_ERPNEXT = _system("erpnext", {"api_key": "k", "api_secret": "s", "time_zone": "Asia/Kolkata", **_RATE}, {})
_TYPEFORM = _system("typeform", {"token": "t", "form_id": "f", **_RATE}, {})
_STRIPE = _system(
    "stripe",
    {"api_key": "sk_test_x", "reads_per_second": _UNLIMITED, "writes_per_second": _UNLIMITED},
    {"customer": {"metadata.order_number": "SO-1"}},
)


# Manifests.


def _read_manifest(data: bytes) -> None:
    path = scratch() / "fuzzed.yaml"
    path.write_bytes(data)
    try:
        manifest = load_manifest(path)
    except ManifestError as error:
        str(error).encode("utf-8", "surrogatepass")
        return
    assert manifest.streams
    kind = registry.load(str(path))
    settings = dict.fromkeys(kind.Config.model_fields, "x")
    try:
        config = kind.Config.model_validate(settings)
    except ValidationError:
        return
    with contextlib.suppress(ConnectorError):
        connector = kind(config)
        list(connector.streams())
        connector.close()


def _manifests() -> list[bytes]:
    return [path.read_bytes() for path in sorted(_KEPT.glob("*.yaml"))]


# The language of a manifest's templates.

_VALUES = {"id": "17", "since": "2026-10-01T00:00:00Z", "record": {"a": [1, None, "x"], "b": {"c": 1.5}}, "page": 2}


def _fill(data: bytes) -> None:
    given = data.decode("utf-8", "replace")
    warnings.simplefilter("ignore", PendingDeprecationWarning)  # of a way to write texts that JMESPath still takes
    for use in (Template.fill, Template.path):
        try:
            template = Template(given)
            template.check(_VALUES)
            use(template, _VALUES)
        except ExpressionError as error:
            str(error).encode("utf-8", "surrogatepass")


def _templates() -> list[bytes]:
    found = ["/orders/{id}", "{record.a[0]}", "{{x}} {record.b.c} {page}", "{join(',', record.a[?@])}"]
    found += [
        "{record.a[?@ != null] | [0]}",
        "{to_string(record)}",
        "{record.b.{x: c, y: `1`}}",
        "{sort(keys(record))}",
    ]
    return [one.encode() for one in found]


TARGETS = [
    target("odoo", _ODOO, ("Odoo's answers through its manifest", "mapped values")),
    target("erpnext", _ERPNEXT, ("ERPNext's answers through its manifest", "mapped values")),
    target("typeform", _TYPEFORM, ("Typeform's answers through its manifest", "mapped values")),
    target("stripe", _STRIPE, ("Stripe's objects, lists and errors", "mapped values")),
    Target("manifest", ("manifests of connectors",), _manifests, yaml_, _read_manifest),
    Target("template", ("templates and expressions in manifests",), _templates, text, _fill),
]
