"""Groups, views, files and bulk decisions of findings by the API: what the pages keep, under the same limits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from httpx import Response

from console import finding_files
from console.web.api.application import PATH
from console.web.guard import LARGEST_UPLOAD
from state import attachments, audit
from state.members import Role
from state.store import Store
from tests.web.api.conftest import Api, Program
from tests.web.api.test_answers import finding, refused
from tests.web.api.test_rights import mark
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

BODY = b"<script>alert(1)</script> evidence"
DIGEST = hashlib.sha256(BODY).hexdigest()
BYTES = "application/octet-stream"


def attach(api: Api, id: str, body: bytes = BODY, name: str = "letter.html", kind: str = BYTES) -> Response:
    headers = {"content-type": kind}
    return api.client.post(f"{PATH}/findings/{id}/attachments", params={"name": name}, content=body, headers=headers)


def test_groups_count_what_the_list_lists(program: Program) -> None:
    api = program(Role.VIEWER)
    whole = api.get("/findings").json()
    found = api.get("/findings/groups", by="stage").json()
    assert sum(item["count"] for item in found["items"]) == whole["total"]
    one = found["items"][0]
    assert api.get("/findings", stage=one["key"]).json()["total"] == one["count"]
    nobody = api.get("/findings/groups", by="assignee", lang="zh-CN", severity="error").json()["items"]
    assert [(item["key"], item["count"]) for item in nobody] == [
        ("-", api.get("/findings", severity="error").json()["total"])
    ]
    assert nobody[0]["title"] not in ("-", "")
    refused(api.get("/findings/groups", by="colour"), 422)


def test_many_findings_are_decided_on_at_once_and_what_cannot_be_is_said(program: Program, desk: Store) -> None:
    api = program(Role.FINANCE)
    ids = [item["id"] for item in api.get("/findings").json()["items"]]
    assert api.post("/findings/bulk/assign", ids=[*ids, ids[0]], to="li.na", outside=True).json() == {
        "decided": len(ids),
        "left_out": [],
    }
    assert {item["assignee"] for item in api.get("/findings").json()["items"]} == {"li.na"}
    asked = {"reason": "Below the limit", "until": "2026-12-31"}
    api.post(f"/findings/{ids[0]}/waiver", **asked)
    outcome = api.post("/findings/bulk/waiver", ids=[*ids, "f" * 20], **asked).json()
    assert outcome["decided"] == len(ids) - 1
    assert [item["id"] for item in outcome["left_out"]] == [ids[0], "f" * 20]
    assert "waits for approval" in outcome["left_out"][0]["reason"]
    assert api.post("/findings/bulk/comments", ids=ids[:2], text="Called").json()["decided"] == 2
    assert api.post("/findings/bulk/explain", ids=ids[:1], reason="Paid").json()["decided"] == 1
    with desk.reading() as connection:
        said = [entry.action for entry in audit.entries(connection, actor="p.finance")]
    assert said[:3] == ["finding explained", "finding commented", "finding commented"]
    for wrong in ([], ["x"], ["0" * 20] * 501):
        refused(api.post("/findings/bulk/assign", ids=wrong, to="li.na", outside=True), 422)
    assert "not a member" in refused(api.post("/findings/bulk/assign", ids=ids, to="li.na"), 409)["detail"]


def test_many_waivers_are_approved_by_a_person_and_not_their_own(
    program: Program, as_role: Callable[[Role], Browser]
) -> None:
    api, approver = program(Role.FINANCE), as_role(Role.APPROVER)
    ids = [item["id"] for item in api.get("/findings").json()["items"]][:2]
    api.post("/findings/bulk/waiver", ids=ids, reason="Below the limit", until="2026-12-31")
    headers = {"x-csrf-token": mark(approver)}
    address = f"{PATH}/findings/bulk/waiver/approve"
    own = next(item["id"] for item in api.get("/findings").json()["items"] if item["id"] not in ids)
    asked = {"reason": "Mine", "until": "2026-12-31"}
    assert approver.client.post(f"{PATH}/findings/{own}/waiver", json=asked, headers=headers).status_code == 200
    outcome = approver.client.post(address, json={"ids": [*ids, own]}, headers=headers).json()
    assert (outcome["decided"], [item["id"] for item in outcome["left_out"]]) == (2, [own])
    assert {item["id"] for item in api.get("/findings", status="waived").json()["items"]} == set(ids)


def test_a_view_is_kept_shared_renamed_and_deleted(program: Program, as_role: Callable[[Role], Browser]) -> None:
    api, other = program(Role.FINANCE), program(Role.VIEWER)
    chosen = {"department": "finance", "least": "1000.00", "order": "amount"}
    made = api.post("/findings/views", name="Large ones", filter=chosen).json()
    assert (made["filter"], made["member"], made["shared"]) == (chosen, "p.finance", False)
    assert "Large ones" not in other.get("/findings/views").text
    api.post("/findings/views", name="Large ones", filter=chosen, shared=True)
    [seen] = other.get("/findings/views").json()["items"]
    assert seen["id"] == made["id"]
    assert "Large ones" in as_role(Role.VIEWER).get("/findings").text
    refused(other.post(f"/findings/views/{made['id']}/change", name="Mine", shared=False), 404)
    refused(other.post(f"/findings/views/{made['id']}/delete"), 404)
    assert api.post(f"/findings/views/{made['id']}/change", name="Larger", shared=True).json()["name"] == "Larger"
    assert api.post(f"/findings/views/{made['id']}/delete").json() == {"items": []}
    refused(api.post("/findings/views", name="x", filter={"color": "red"}), 422)


def test_another_members_view_is_not_changed_by_an_admins_token(
    program: Program, as_role: Callable[[Role], Browser]
) -> None:
    made = program(Role.FINANCE).post("/findings/views", name="Ours", filter={}, shared=True).json()
    refused(program(Role.ADMIN).post(f"/findings/views/{made['id']}/delete"), 404)
    admin = as_role(Role.ADMIN)
    address, headers = f"{PATH}/findings/views/{made['id']}/delete", {"x-csrf-token": mark(admin)}
    assert admin.client.post(address, headers=headers).status_code == 200


def test_a_file_is_attached_listed_and_given_out_to_be_saved(program: Program, desk: Store) -> None:
    api = program(Role.FINANCE)
    id = finding(api)
    [kept] = attach(api, id, name="../../etc/确认函.html").json()["attachments"]
    assert (kept["name"], kept["by"], kept["size"], kept["sha256"]) == ("确认函.html", "p.finance", len(BODY), DIGEST)
    assert api.get(f"/findings/{id}/attachments").json()["items"] == [kept]
    answer = api.get(f"/findings/{id}/attachments/{DIGEST}")
    assert (answer.content, answer.headers["content-type"]) == (BODY, BYTES)
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    with desk.reading() as connection:
        last = audit.entries(connection, action="finding attached")[0]
    assert (last.actor, last.detail["sha256"]) == ("p.finance", DIGEST)
    other = next(item["id"] for item in api.get("/findings").json()["items"] if item["id"] != id)
    for wrong in (f"{other}/attachments/{DIGEST}", f"{'f' * 20}/attachments/{DIGEST}", f"{'f' * 20}/attachments"):
        refused(api.get(f"/findings/{wrong}"), 404)
    refused(attach(api, "f" * 20), 404)


def test_what_is_no_file_or_too_much_is_refused(program: Program, desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    api = program(Role.FINANCE)
    id = finding(api)
    monkeypatch.setattr(attachments, "LARGEST", 1_000)
    assert "multipart" not in refused(attach(api, id, kind="multipart/form-data; boundary=x"), 422)["remedy"]
    refused(attach(api, id, name=" "), 422)
    refused(attach(api, id, body=b""), 409)
    refused(attach(api, id, body=b"x" * 1_001), 409)
    monkeypatch.setattr(finding_files, "MOST", 1)
    assert attach(api, id, body=b"x" * 1_000).status_code == 200
    assert "no more" in refused(attach(api, id, body=b"y"), 409)["detail"]
    assert len(api.get(f"/findings/{id}/attachments").json()["items"]) == 1


def test_a_body_larger_than_any_file_is_refused_before_it_is_read(program: Program) -> None:
    api = program(Role.FINANCE)
    address = api.client.base_url
    connection = HTTPConnection(address.host, address.port, timeout=60)
    connection.putrequest("POST", f"{PATH}/findings/{finding(api)}/attachments?name=x")
    connection.putheader("authorization", api.client.headers["authorization"])
    connection.putheader("content-type", BYTES)
    connection.putheader("content-length", str(LARGEST_UPLOAD + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, "too large" in answer.read().decode()) == (400, True)
    connection.close()
