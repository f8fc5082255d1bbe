"""For admins: the connectors that a new system can have, to choose one."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel
from starlette.responses import Response

from connectors import registry
from connectors.declarative.manifest import Manifest, Stream
from console import described
from console.scaffold import Answers, StreamAnswer, manifest
from console.web.admin import common, kit
from console.web.admin.common import Outcome
from console.web.admin.drafts import BY_HAND
from console.web.desk import Visit
from yamlfiles.errors import FileUnusable

_KEYS: dict[str, type[BaseModel]] = {"manifest": Manifest, "stream": Stream}
"""The parts of a manifest whose keys are told; the group of their words is named so."""


class Offered(NamedTuple):
    """A connector that can be chosen; ``problem`` says why not."""

    name: str
    about: str
    """Empty where the words have it."""
    grade: str
    problem: str = ""


def page(visit: Visit, outcome: Outcome | None = None, status: int = 200) -> Response:
    """The page on which a connector is chosen, also after an upload that was not taken."""
    found = common.files(visit)
    kept = kit.kept_of(visit)
    own = []
    for file in found.names(visit.desk.settings):
        if found.kind(file, visit.desk.settings) == "manifest":
            own.append(_manifest(visit, file, kit.lettered(visit, kept.get(file))))
    return visit.page(
        "admin_connectors",
        status,
        own=own,
        offered=[
            item._replace(grade=kit.lettered(visit, kept.get(item.name)) or item.grade) for item in offered(visit)
        ],
        keys=[(part, list(model.model_fields)) for part, model in _KEYS.items()],
        outcome=outcome or Outcome(),
        why_not=found.why_not(found.main),
    )


def sample() -> str:
    """A manifest to begin with."""
    stream = StreamAnswer("order", "order", "/orders")
    return manifest(
        Answers("acme", "https://api.acme.example", (stream,), version_field="updated_at", since_param="updated_since")
    )


def _manifest(visit: Visit, file: str, grade: str) -> Offered:
    try:
        return Offered(file, described.summary(registry.load(file, common.files(visit).folder)), grade)
    except FileUnusable as error:
        return Offered(file, "", "", str(error).splitlines()[0][:300])


def offered(visit: Visit) -> list[Offered]:
    """The connectors that are built in or installed. None is loaded: that takes a while, and one may be broken."""
    from conformance import shelf

    grades = shelf.read()
    return [
        Offered(name, "", kit.lettered(visit, grades.get(name)), "by_hand" if name in BY_HAND else "")
        for name in registry.names()
    ]
