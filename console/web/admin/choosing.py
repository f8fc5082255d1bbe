"""For admins: the connectors that a new system can have, to choose one."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from connectors import registry
from console import described
from console.web.admin import common
from console.web.admin.common import Outcome
from console.web.admin.drafts import BY_HAND
from console.web.desk import Visit
from yamlfiles.errors import FileUnusable


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
    own = []
    for file in found.names(visit.desk.settings):
        if found.kind(file, visit.desk.settings) == "manifest":
            own.append(_manifest(visit, file))
    return visit.page(
        "admin_connectors",
        status,
        own=own,
        offered=offered(),
        outcome=outcome or Outcome(),
        why_not=found.why_not(found.main),
    )


def _manifest(visit: Visit, file: str) -> Offered:
    try:
        return Offered(file, described.summary(registry.load(file, common.files(visit).folder)), "")
    except FileUnusable as error:
        return Offered(file, "", "", str(error).splitlines()[0][:300])


def offered() -> list[Offered]:
    """The connectors that are built in or installed. None is loaded: that takes a while, and one may be broken."""
    from conformance import shelf

    grades = shelf.read()
    return [
        Offered(name, "", str(grades.get(name, {}).get("grade") or ""), "by_hand" if name in BY_HAND else "")
        for name in registry.names()
    ]
