"""Every operation of the API with every role and every scope, from one table: who may, and that nobody else can."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from httpx import Client

from console.web.access import GRANTED, Right
from console.web.api.application import PATH, operations, right_of, scope_of
from state.api_tokens import Scope
from state.members import Role
from tests.web.api.conftest import Program
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

READ, DECIDE, APPROVE = Right.READ, Right.DECIDE, Right.APPROVE
OPERATE, AUDIT = Right.OPERATE, Right.AUDIT

TABLE: dict[tuple[str, str], Right] = {
    ("GET", "/me"): READ,
    ("GET", "/findings"): READ,
    ("GET", "/findings/groups"): READ,
    ("POST", "/findings/bulk/assign"): DECIDE,
    ("POST", "/findings/bulk/explain"): DECIDE,
    ("POST", "/findings/bulk/comments"): DECIDE,
    ("POST", "/findings/bulk/waiver"): DECIDE,
    ("POST", "/findings/bulk/waiver/approve"): APPROVE,
    ("GET", "/findings/views"): READ,
    ("POST", "/findings/views"): READ,
    ("POST", "/findings/views/{id}/change"): READ,
    ("POST", "/findings/views/{id}/delete"): READ,
    ("GET", "/findings/{id}"): READ,
    ("GET", "/findings/{id}/attachments"): READ,
    ("POST", "/findings/{id}/attachments"): DECIDE,
    ("GET", "/findings/{id}/attachments/{digest}"): READ,
    ("POST", "/findings/{id}/assign"): DECIDE,
    ("POST", "/findings/{id}/explain"): DECIDE,
    ("POST", "/findings/{id}/comments"): DECIDE,
    ("POST", "/findings/{id}/waiver"): DECIDE,
    ("POST", "/findings/{id}/waiver/approve"): APPROVE,
    ("POST", "/findings/{id}/waiver/decline"): APPROVE,
    ("POST", "/findings/{id}/waiver/end"): DECIDE,
    ("GET", "/report"): READ,
    ("GET", "/report/{form}"): READ,
    ("GET", "/tie-outs/documents"): READ,
    ("GET", "/chains"): READ,
    ("GET", "/customers/{id}"): READ,
    ("GET", "/orders/{id}/share"): DECIDE,
    ("POST", "/orders/{id}/share"): DECIDE,
    ("POST", "/orders/{id}/share/end"): DECIDE,
    ("GET", "/receipts"): READ,
    ("GET", "/receipts/matched"): READ,
    ("POST", "/receipts/{id}/unmatch"): DECIDE,
    ("POST", "/receipts/{id}/confirm"): DECIDE,
    ("GET", "/receipts/{id}/items"): READ,
    ("POST", "/receipts/{id}/split"): DECIDE,
    ("POST", "/receipts/{id}/undo"): DECIDE,
    ("GET", "/links"): READ,
    ("POST", "/links/{kind}/{left}/{right}/confirm"): DECIDE,
    ("POST", "/links/{kind}/{left}/{right}/cut"): DECIDE,
    ("GET", "/periods"): READ,
    ("GET", "/periods/checklist"): READ,
    ("POST", "/periods/{period}/close"): DECIDE,
    ("POST", "/periods/{period}/approve"): APPROVE,
    ("POST", "/periods/{period}/reopen"): DECIDE,
    ("GET", "/systems"): READ,
    ("POST", "/systems/{name}/pause"): OPERATE,
    ("POST", "/systems/{name}/resume"): OPERATE,
    ("GET", "/systems/{name}/backfill"): READ,
    ("POST", "/systems/{name}/backfill"): OPERATE,
    ("GET", "/audit"): AUDIT,
    ("GET", "/runs"): READ,
    ("GET", "/runs/{id}"): READ,
    ("POST", "/runs"): OPERATE,
    ("POST", "/runs/{id}/stop"): OPERATE,
    ("GET", "/plans"): READ,
    ("POST", "/plans/{id}/apply"): OPERATE,
    ("POST", "/plans/{id}/reject"): OPERATE,
    ("GET", "/rejections"): READ,
    ("POST", "/rejections/{id}/take-back"): OPERATE,
    ("GET", "/conflicts"): READ,
    ("POST", "/conflicts/{id}/decide"): OPERATE,
    ("GET", "/overwritten"): READ,
    ("POST", "/overwritten/{id}/restore"): OPERATE,
    ("GET", "/dead-letters"): READ,
    ("GET", "/dead-letters/{id}"): READ,
    ("POST", "/dead-letters/{id}/edit"): OPERATE,
    ("POST", "/dead-letters/{id}/retry"): OPERATE,
    ("POST", "/dead-letters/{id}/discard"): OPERATE,
    ("POST", "/dead-letters/{id}/put-back"): OPERATE,
    ("POST", "/dead-letters/retry"): OPERATE,
    ("POST", "/dead-letters/discard"): OPERATE,
    ("GET", "/quarantine"): READ,
    ("GET", "/quarantine/{id}"): READ,
    ("POST", "/quarantine/{id}/retry"): OPERATE,
    ("POST", "/quarantine/{id}/discard"): OPERATE,
    ("GET", "/quarantine/edits"): READ,
    ("POST", "/quarantine/{id}/edit"): OPERATE,
    ("POST", "/quarantine/{id}/unedit"): OPERATE,
    ("POST", "/quarantine/{id}/put-back"): OPERATE,
    ("POST", "/quarantine/discard"): OPERATE,
    ("POST", "/quarantine/put-back"): OPERATE,
}
SCOPES = {operation: DECIDE for operation in TABLE if operation[0] == "POST" and "/views" in operation[1]}
SCOPES["GET", "/audit"] = READ
"""What a token has to let, where that is not the right."""
_ADDRESSED = {"kind": "same_as", "left": "1", "right": "2", "period": "2026-10", "name": "nobody", "form": "csv"}
_ADDRESSED["digest"] = "0" * 64
_ASKED = {"/chains": {"text": "SO-1"}, "/findings/groups": {"by": "stage"}}
_ASKED["/tie-outs/documents"] = {"name": "order_invoice", "side": "left", "currency": "CNY"}
_ASKED |= {"/systems/{name}/backfill": {"since": "2026-09-01"}, "/findings/{id}/attachments": {"name": "x"}}
_MANY = {"ids": ["0" * 20]}
_SENT: dict[str, object] = {
    "/findings/bulk/assign": {**_MANY, "to": "li.na", "outside": True},
    "/findings/bulk/explain": {**_MANY, "reason": "so"},
    "/findings/bulk/comments": {**_MANY, "text": "so"},
    "/findings/bulk/waiver": {**_MANY, "reason": "so", "until": "2027-01-01"},
    "/findings/bulk/waiver/approve": _MANY,
    "/findings/views": {"name": "mine", "filter": {}},
    "/findings/views/{id}/change": {"name": "mine", "shared": False},
    "/orders/{id}/share": {"days": 1},
    "/receipts/{id}/split": {"items": [{"item": 1, "amount": "1.00"}], "reason": "as told"},
    "/systems/{name}/pause": {"reason": "so"},
    "/systems/{name}/resume": {},
    "/systems/{name}/backfill": {"since": "2026-09-01"},
    "/conflicts/{id}/decide": {"choice": "keep"},
    "/plans/{id}/reject": {"items": [1], "reason": "so"},
    "/dead-letters/{id}/edit": {"field": "name", "value": "so"},
    "/findings/{id}/assign": {"to": "li.na", "outside": True},
    "/findings/{id}/explain": {"reason": "so"},
    "/findings/{id}/comments": {"text": "so"},
    "/findings/{id}/waiver": {"reason": "so", "until": "2027-01-01"},
    "/findings/{id}/waiver/decline": {"reason": "so"},
    "/findings/{id}/waiver/end": {"reason": "so"},
    "/receipts/{id}/confirm": {"rank": 1},
    "/receipts/{id}/unmatch": {"reason": "as told"},
    "/links/{kind}/{left}/{right}/cut": {"reason": "so"},
    "/periods/{period}/reopen": {"reason": "so"},
    "/runs": {"kind": "pull", "system": "nobody"},
    "/dead-letters/{id}/discard": {"reason": "so"},
    "/dead-letters/{id}/put-back": {},
    "/dead-letters/retry": {"ids": ["0" * 8]},
    "/dead-letters/discard": {"ids": ["0" * 8], "reason": "so"},
    "/quarantine/{id}/edit": {"field": "name", "value": "so", "reason": "so"},
    "/quarantine/{id}/unedit": {},
    "/quarantine/{id}/discard": {"reason": "so"},
    "/quarantine/{id}/put-back": {},
    "/quarantine/discard": {"ids": [1], "reason": "so"},
    "/quarantine/put-back": {"ids": [1]},
}
_IDS = {"findings": "0" * 20, "runs": "none", "plans": "0" * 16, "rejections": "0" * 10, "dead-letters": "0" * 8}
_IDS["conflicts"] = "0" * 10


def allowed(client: Client, csrf: str = "") -> set[tuple[str, str]]:
    """The operations for which nobody is turned away."""
    found = set()
    for method, path in TABLE:
        id = "0" * 16 if "/views/" in path else _IDS.get(path.split("/")[1], "1")
        address, asked = PATH + path.format(id=id, **_ADDRESSED), _ASKED.get(path, {})
        if method == "GET":
            answer = client.get(address, params=asked)
        else:
            headers = {"x-csrf-token": csrf} if csrf else {}
            if path.endswith("/attachments"):
                headers["content-type"] = "application/octet-stream"
                answer = client.post(address, params=asked, content=b"x", headers=headers)
            else:
                answer = client.post(address, json=_SENT.get(path), headers=headers)
        assert answer.status_code in (200, 401, 403, 404, 409), (path, answer.text)
        if answer.status_code not in (401, 403):
            found.add((method, path))
    return found


def with_rights(rights: frozenset[Right]) -> set[tuple[str, str]]:
    return {operation for operation, right in TABLE.items() if right in rights}


def with_scopes(rights: frozenset[Right], scopes: frozenset[Right]) -> set[tuple[str, str]]:
    return {operation for operation in with_rights(rights) if SCOPES.get(operation, TABLE[operation]) in scopes}


def mark(somebody: Browser) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', somebody.get("/findings").text)
    assert found is not None
    return found.group(1)


def test_the_table_names_every_operation_with_its_right() -> None:
    assert {(method, route.path): right_of(route) for route, method in operations()} == TABLE
    scopes = {(method, route.path): scope_of(route) for route, method in operations()}
    assert scopes == {**TABLE, **SCOPES}


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_at_its_own_by_the_session_of_a_browser(role: Role, as_role: Callable[[Role], Browser]) -> None:
    somebody = as_role(role)
    assert allowed(somebody.client, mark(somebody)) == with_rights(GRANTED[role])


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_at_its_own_by_a_token_and_nobody_approves_by_one(role: Role, program: Program) -> None:
    assert allowed(program(role).client) == with_rights(GRANTED[role] - {APPROVE})


@pytest.mark.parametrize("scope", Scope)
def test_a_token_lets_only_its_scopes(scope: Scope, program: Program) -> None:
    everything = (Role.ADMIN, Role.APPROVER)
    rights = GRANTED[Role.ADMIN] | GRANTED[Role.APPROVER]
    scopes = frozenset({READ, Right(scope)})
    assert allowed(program(*everything, scopes=(scope,)).client) == with_scopes(rights, scopes)


def test_a_token_that_only_reads_changes_nothing(program: Program) -> None:
    assert {method for method, _ in allowed(program(Role.ADMIN, Role.APPROVER, scopes=()).client)} == {"GET"}


def test_nobody_gets_at_anything_without_a_token_or_a_session(browser: Callable[..., Browser]) -> None:
    assert allowed(browser().client) == set()


def test_a_session_changes_nothing_without_its_mark(as_role: Callable[[Role], Browser]) -> None:
    finance, other = as_role(Role.FINANCE), as_role(Role.ADMIN)
    reading = {operation for operation in with_rights(GRANTED[Role.FINANCE]) if operation[0] == "GET"}
    assert allowed(finance.client) == reading
    assert allowed(finance.client, mark(other)) == reading
    assert allowed(finance.client, "x" * 43) == reading


def test_the_document_says_who_may_what(browser: Callable[..., Browser]) -> None:
    paths = browser().get(f"{PATH}/openapi.json").json()["paths"]
    said = {(method.upper(), path): part["x-right"] for path, parts in paths.items() for method, part in parts.items()}
    assert said == {operation: right.value for operation, right in TABLE.items()}
    by_token = {
        (method.upper(), path)
        for path, parts in paths.items()
        for method, part in parts.items()
        if {"token": []} in part["security"]
    }
    assert by_token == with_rights(frozenset({READ, DECIDE, OPERATE, AUDIT}))
