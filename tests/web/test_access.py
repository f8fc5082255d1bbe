"""Every page of the workbench and every role, from one table: who may, and that nobody else can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.web.access import Right, may
from console.web.app import workbench
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser

EVERYBODY = frozenset({None, *Role})
MEMBERS = frozenset(Role)
DECIDERS = frozenset({Role.FINANCE, Role.APPROVER, Role.ADMIN})
APPROVERS = frozenset({Role.APPROVER})
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

TABLE: dict[tuple[str, str], frozenset[Role | None]] = {
    ("GET", "/sign-in"): EVERYBODY,
    ("POST", "/sign-in"): EVERYBODY,
    ("POST", "/sign-out"): EVERYBODY,
    ("GET", "/signed-out"): EVERYBODY,
    ("GET", "/sign-in/provider"): EVERYBODY,
    ("GET", "/sign-in/provider/back"): EVERYBODY,
    ("GET", "/settings"): ADMINS,
    ("GET", "/settings/systems/new"): ADMINS,
    ("POST", "/settings/systems/new"): ADMINS,
    ("GET", "/settings/systems/{name}"): ADMINS,
    ("POST", "/settings/systems/{name}"): ADMINS,
    ("GET", "/settings/systems/{name}/remove"): ADMINS,
    ("POST", "/settings/systems/{name}/remove"): ADMINS,
    ("POST", "/settings/connectors"): ADMINS,
    ("GET", "/settings/ownership"): ADMINS,
    ("POST", "/settings/ownership"): ADMINS,
    ("GET", "/settings/periods"): ADMINS,
    ("POST", "/settings/periods"): ADMINS,
    ("GET", "/settings/connectors/sample"): ADMINS,
    ("GET", "/settings/schedule"): ADMINS,
    ("POST", "/settings/schedule"): ADMINS,
    ("GET", "/settings/history"): ADMINS,
    ("GET", "/settings/history/{number}"): ADMINS,
    ("POST", "/settings/history/{number}/undo"): ADMINS,
    ("GET", "/mappings"): ADMINS,
    ("GET", "/mappings/{system}/{stream}"): ADMINS,
    ("POST", "/mappings/{system}/{stream}/live"): ADMINS,
    ("POST", "/mappings/{system}/{stream}/preview"): ADMINS,
    ("POST", "/mappings/{system}/{stream}/save"): ADMINS,
    ("POST", "/mappings/{system}/{stream}/replay"): ADMINS,
    ("POST", "/mappings/{system}/{stream}/accept"): ADMINS,
    ("GET", "/kit"): ADMINS,
    ("GET", "/kit/{connector}"): ADMINS,
    ("POST", "/kit/{connector}"): ADMINS,
    ("GET", "/members"): ADMINS,
    ("POST", "/members/invite"): ADMINS,
    ("GET", "/members/{name}"): ADMINS,
    ("POST", "/members/{name}/roles"): ADMINS,
    ("POST", "/members/{name}/systems"): ADMINS,
    ("POST", "/members/{name}/deactivate"): ADMINS,
    ("POST", "/members/{name}/readmit"): ADMINS,
    ("POST", "/members/{name}/bind"): ADMINS,
    ("POST", "/members/{name}/unbind"): ADMINS,
    ("GET", "/welcome/{token}"): EVERYBODY,
    ("POST", "/welcome/{token}"): EVERYBODY,
    ("POST", "/language"): EVERYBODY,
    ("GET", "/assets/{name}"): EVERYBODY,
    ("GET", "/healthz"): EVERYBODY,
    ("GET", "/readyz"): EVERYBODY,
    ("GET", "/metrics"): EVERYBODY,  # who sends the token, or is on this machine
    ("GET", "/monitoring"): OPERATORS,
    ("GET", "/monitoring/{name}"): OPERATORS,
    ("GET", "/"): MEMBERS,
    ("GET", "/figures"): MEMBERS,
    ("GET", "/river"): MEMBERS,
    ("GET", "/tie-outs"): MEMBERS,
    ("GET", "/findings"): MEMBERS,
    ("GET", "/findings.csv"): MEMBERS,
    ("GET", "/findings/{id}"): MEMBERS,
    ("GET", "/trace"): MEMBERS,
    ("GET", "/customers"): MEMBERS,
    ("GET", "/customers/{record}"): MEMBERS,
    ("POST", "/findings/{id}/waiver"): DECIDERS,
    ("POST", "/findings/{id}/waiver/approve"): APPROVERS,
    ("POST", "/findings/{id}/waiver/decline"): APPROVERS,
    ("POST", "/findings/{id}/waiver/end"): DECIDERS,
    ("GET", "/cash"): MEMBERS,
    ("GET", "/cash/decided"): MEMBERS,
    ("GET", "/cash/matched"): MEMBERS,
    ("POST", "/cash/{receipt}/unmatch"): DECIDERS,
    ("POST", "/cash/{receipt}/confirm"): DECIDERS,
    ("POST", "/cash/{receipt}/undo"): DECIDERS,
    ("GET", "/cash/{receipt}/split"): DECIDERS,
    ("POST", "/cash/{receipt}/split"): DECIDERS,
    ("GET", "/links"): MEMBERS,
    ("GET", "/links/held"): MEMBERS,
    ("GET", "/quarantine"): MEMBERS,
    ("POST", "/links/{kind}/{left}/{right}/confirm"): DECIDERS,
    ("POST", "/links/{kind}/{left}/{right}/cut"): DECIDERS,
    ("GET", "/track/{token}"): EVERYBODY,
    ("GET", "/orders/{record}/share"): DECIDERS,
    ("POST", "/orders/{record}/share"): DECIDERS,
    ("POST", "/orders/{record}/share/end"): DECIDERS,
    ("GET", "/account"): MEMBERS,
    ("GET", "/account/api"): MEMBERS,
    ("POST", "/account/tokens"): MEMBERS,
    ("POST", "/account/tokens/{id}/revoke"): MEMBERS,
    ("POST", "/account/password"): MEMBERS,
    ("POST", "/account/sessions/end"): MEMBERS,
    ("POST", "/account/sessions/{id}/end"): MEMBERS,
    ("GET", "/periods"): MEMBERS,
    ("GET", "/report/{form}"): MEMBERS,
    ("GET", "/periods/close"): DECIDERS,
    ("POST", "/periods/close"): DECIDERS,
    ("GET", "/periods/{period}/approve"): APPROVERS,
    ("POST", "/periods/{period}/approve"): APPROVERS,
    ("GET", "/periods/{period}/reopen"): DECIDERS,
    ("POST", "/periods/{period}/reopen"): DECIDERS,
    ("GET", "/systems"): MEMBERS,
    ("GET", "/systems/{name}"): MEMBERS,
    ("POST", "/systems/{name}/pause"): OPERATORS,
    ("POST", "/systems/{name}/resume"): OPERATORS,
    ("GET", "/systems/{name}/deleted"): MEMBERS,
    ("GET", "/systems/{name}/matching"): OPERATORS,
    ("POST", "/systems/{name}/matching"): OPERATORS,
    ("GET", "/systems/{name}/backfill"): MEMBERS,
    ("POST", "/systems/{name}/backfill"): OPERATORS,
    ("POST", "/runs/{id}/stop"): OPERATORS,
    ("POST", "/plans/{id}/reject"): OPERATORS,
    ("POST", "/conflicts/{id}/decide"): OPERATORS,
    ("POST", "/rejections/{id}/take-back"): OPERATORS,
    ("POST", "/overwritten/{id}/restore"): OPERATORS,
    ("GET", "/dead-letters/{id}"): MEMBERS,
    ("POST", "/dead-letters/{id}/show"): OPERATORS,
    ("POST", "/dead-letters/{id}/edit"): OPERATORS,
    ("GET", "/quarantine/{record}"): MEMBERS,
    ("POST", "/quarantine/{record}/show"): OPERATORS,
    ("POST", "/quarantine/{record}/retry"): OPERATORS,
    ("POST", "/quarantine/{record}/discard"): OPERATORS,
    ("GET", "/quarantine/edits"): MEMBERS,
    ("POST", "/quarantine/{record}/edit"): OPERATORS,
    ("POST", "/quarantine/{record}/unedit"): OPERATORS,
    ("POST", "/quarantine/{record}/put-back"): OPERATORS,
    ("POST", "/quarantine/discard"): OPERATORS,
    ("POST", "/quarantine/put-back"): OPERATORS,
    ("GET", "/audit"): frozenset({Role.FINANCE, Role.APPROVER, Role.OPERATOR, Role.ADMIN}),
    ("GET", "/audit.csv"): frozenset({Role.FINANCE, Role.APPROVER, Role.OPERATOR, Role.ADMIN}),
    ("GET", "/runs"): MEMBERS,
    ("GET", "/runs/{id}"): MEMBERS,
    ("GET", "/plans"): MEMBERS,
    ("GET", "/plans/written"): MEMBERS,
    ("GET", "/dead-letters"): MEMBERS,
    ("POST", "/runs"): OPERATORS,
    ("POST", "/plans/{id}/apply"): OPERATORS,
    ("POST", "/dead-letters/{id}/retry"): OPERATORS,
    ("POST", "/dead-letters/{id}/discard"): OPERATORS,
    ("POST", "/dead-letters/{id}/put-back"): OPERATORS,
    ("POST", "/dead-letters/retry"): OPERATORS,
    ("POST", "/dead-letters/discard"): OPERATORS,
    ("POST", "/findings/{id}/assign"): DECIDERS,
    ("POST", "/findings/{id}/explain"): DECIDERS,
    ("POST", "/findings/{id}/comment"): DECIDERS,
    ("POST", "/findings/{id}/attachments"): DECIDERS,
    ("GET", "/findings/{id}/attachments/{digest}"): MEMBERS,
    ("GET", "/findings/views"): MEMBERS,
    ("POST", "/findings/views"): MEMBERS,
    ("POST", "/findings/views/none/first"): MEMBERS,
    ("POST", "/findings/views/{id}/first"): MEMBERS,
    ("POST", "/findings/views/{id}/change"): MEMBERS,
    ("POST", "/findings/views/{id}/delete"): MEMBERS,
    ("GET", "/findings/bulk"): DECIDERS,
    ("POST", "/findings/bulk/assign"): DECIDERS,
    ("POST", "/findings/bulk/explain"): DECIDERS,
    ("POST", "/findings/bulk/comment"): DECIDERS,
    ("POST", "/findings/bulk/waiver"): DECIDERS,
    ("POST", "/findings/bulk/approve"): APPROVERS,
}
ADDRESSED = {"token": "x", "name": "report.css", "id": "0" * 24, "period": "2026-09", "form": "json"}
ADDRESSED |= {"connector": "none", "system": "crm", "stream": "none", "number": "1"}  # nothing is to be started
ADDRESSED |= {"receipt": "1", "kind": "same_as", "left": "1", "right": "2", "record": "1"}
ADDRESSED["digest"] = "0" * 64
NOT_ALLOWED = "Your role does not allow it"


def test_the_table_names_every_page(desk: Store, given: Settings) -> None:
    paths = workbench(desk, given).openapi()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == TABLE.keys()


@pytest.mark.slow
@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_gets_at_what_is_its_own_and_at_nothing_else(
    role: Role | None, browser: Callable[..., Browser], as_role: Callable[[Role], Browser]
) -> None:
    wrong = []
    somebody = browser() if role is None else as_role(role)
    for (method, path), allowed in TABLE.items():
        address = path.format(**ADDRESSED)
        answer = somebody.get(address) if method == "GET" else somebody.post(address)
        turned_away = NOT_ALLOWED in answer.text or (
            answer.status_code == 303 and answer.headers["location"].startswith("/sign-in") and path != "/sign-out"
        )
        if turned_away is (role in allowed):
            wrong.append((method, path, answer.status_code))
        if role is not None and somebody.get("/trace").status_code != 200:  # the page has ended the session
            somebody = as_role(role)
    assert wrong == []


def test_a_role_that_may_nothing_more_has_no_right_by_accident() -> None:
    assert [right for right in Right if may([], right)] == [Right.OPEN]
    assert [right for right in Right if may([Role.VIEWER], right)] == [Right.OPEN, Right.READ]


def test_what_somebody_may_not_do_is_not_offered(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)
    id = viewer.get("/findings").text.partition('href="/findings/')[2].partition('"')[0]
    assert "/comment" not in viewer.get(f"/findings/{id}").text
    assert viewer.post(f"/findings/{id}/comment", text="said").status_code == 403
    assert "said" not in viewer.get(f"/findings/{id}").text
