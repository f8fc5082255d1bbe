"""Failing: answers that are no answers - cut JSON, login pages, errors inside a success, redirects, floods."""

from __future__ import annotations

import gzip

from conformance.catalogue import check
from conformance.lab import Lab
from conformance.needs import Need
from conformance.world import Answer
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from sandbox.http import Server

_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body><form action=/login></form></body></html>"
_FLOOD = 80 * 1024 * 1024


def _not_taken(lab: Lab, what: str) -> None:
    """A pull ends with an error of ours, and the next one reads everything."""
    reader = lab.reader()
    try:
        lab.pull(reader, lab.connect())
    except ConnectorError:
        lab.world.faults.clear()
    else:
        lab.expect(not lab.world.faults.armed or set(lab.shown()) <= reader.ids, f"{what} is taken for an answer.")
        lab.world.faults.clear()
    lab.same(lab.pull(reader, lab.connect()), f"after {what.lower()}")


@check(
    en="JSON that ends in the middle, with status 200, is never taken for a page.",
    zh="状态 200 但 JSON 中途截断的应答绝不当作一页。",
    grave=True,
)
def truncated_json(lab: Lab) -> None:
    """Half of the body, complete as HTTP has it."""
    lab.world.insert(lab.stage, lab.stage.page * 2)
    lab.world.faults.corrupt(lab.stage.list, times=100)
    _not_taken(lab, "Truncated JSON")


@check(
    en="A login page with status 200 is an error, not an empty list.",
    zh="状态 200 的登录页是错误，而不是空列表。",
    grave=True,
)
def login_page(lab: Lab) -> None:
    """HTML, as a proxy or a gateway sends."""
    lab.world.insert(lab.stage, lab.stage.page * 2)
    lab.world.faults.answer(lab.stage.list, 200, _PAGE, times=100)
    reader = lab.reader()
    lab.raises(
        (ContractError, TransientError, AuthError), lambda: lab.pull(reader, lab.connect()), "A login page with 200"
    )
    lab.world.faults.clear()
    lab.same(lab.pull(reader, lab.connect()), "after a login page")


@check(
    en="An empty body or an unexpected JSON with status 200 is an error, not an empty list.",
    zh="状态 200 的空应答或非预期 JSON 是错误，而不是空列表。",
    grave=True,
)
def nothing_in_a_success(lab: Lab) -> None:
    """No bytes; ``null``; a number."""
    lab.world.insert(lab.stage, lab.stage.page * 2)
    for body in (b"", b"null", b"42"):
        lab.world.faults.answer(lab.stage.list, 200, body, times=100, headers={"content-type": "application/json"})
        reader = lab.reader()
        lab.raises((ContractError, TransientError), lambda: lab.pull(reader, lab.connect()), f"{body!r} with 200")  # noqa: B023
        lab.world.faults.clear()
        lab.same(lab.pull(reader, lab.connect()), f"after {body!r}")


@check(
    Need.HIDDEN_ERROR,
    en="An error that the vendor puts into a 200 is an error.",
    zh="厂商放在 200 应答中的错误按错误处理。",
    grave=True,
)
def error_inside_a_success(lab: Lab) -> None:
    """In the vendor's own words."""
    lab.world.insert(lab.stage, lab.stage.page * 2)
    said = lab.world.says("hidden_error") or Answer(200)
    lab.world.faults.answer(lab.stage.list, said.status, said.body, headers=said.headers, times=1000)
    reader = lab.reader()
    lab.raises(ConnectorError, lambda: lab.pull(reader, lab.connect()), "An error inside a 200")
    lab.world.faults.clear()
    lab.same(lab.pull(reader, lab.connect()), "after an error inside a 200")


async def _elsewhere(scope: object, receive: object, send: object) -> None:  # noqa: ARG001 - ASGI
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"{}"})  # type: ignore[operator]


@check(
    Need.CREDENTIALS,
    en="A redirect to another host is not followed: our credentials go nowhere else.",
    zh="不跟随到其他主机的重定向：凭据不会外泄。",
    grave=True,
    once=True,
)
def redirected_elsewhere(lab: Lab) -> None:
    """Every kind of redirect."""
    lab.world.insert(lab.stage, 2)
    with Server(_elsewhere) as other:
        for status in (301, 302, 303, 307, 308):
            lab.world.faults.answer(
                lab.stage.list, status, headers={"Location": f"{other.base_url}/orders?x=1"}, times=100
            )
            lab.raises(ConnectorError, lambda: lab.pull(lab.reader(), lab.connect()), f"A redirect ({status})")
            lab.world.faults.clear()
        lab.expect(not other.requests(), "Another host is asked, with what a redirect brings along.")


@check(
    en="A redirect to an address inside our network (169.254.169.254) is not followed.",
    zh="不跟随到内网地址（169.254.169.254）的重定向。",
    grave=True,
)
def redirected_inside(lab: Lab) -> None:
    """As a server would that wants the machine's own credentials; the refusal must come at once."""
    lab.world.insert(lab.stage, 2)
    target = "http://169.254.169.254/latest/meta-data/"
    lab.world.faults.answer(lab.stage.list, 302, headers={"Location": target}, times=100)
    lab.raises(
        (ContractError, AuthError), lambda: lab.pull(lab.reader(), lab.connect()), "A redirect into our own network"
    )


@check(
    en="An answer without end is not taken into memory.",
    zh="无限大的应答不会被读入内存。",
    once=True,
    seconds=60,
)
def flood(lab: Lab) -> None:
    """Eighty megabytes, packed into some kilobytes."""
    lab.world.insert(lab.stage, 2)
    packed = gzip.compress(b" " * _FLOOD, 1)
    kind = {"content-encoding": "gzip", "content-type": "application/json"}
    lab.world.faults.answer(lab.stage.list, 200, packed, headers=kind, times=100)
    lab.raises((ContractError, TransientError), lambda: lab.pull(lab.reader(), lab.connect()), "A flood")
