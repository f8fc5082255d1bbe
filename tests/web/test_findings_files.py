"""Files of findings, in and out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from console import finding_files
from console.web.guard import LARGEST_UPLOAD
from state import attachments, audit, handling
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import of_check

BODY = b"<script>alert(1)</script> evidence"
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


@pytest.fixture
def id(desk: Store) -> str:
    return of_check(desk, "quote_without_approval")


def mark(browser: Browser) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/findings").text)
    assert found is not None
    return found.group(1)


def sent(browser: Browser, id: str, name: str = "letter.html", body: bytes = BODY, csrf: str | None = None) -> int:
    parts: dict[str, Any] = {"csrf": (None, mark(browser) if csrf is None else csrf), "file": (name, body, "text/html")}
    return browser.client.post(f"/findings/{id}/attachments", files=parts).status_code


def kept(store: Store, id: str) -> list[attachments.Attached]:
    with store.reading() as connection:
        return handling.attached(connection, id)


def test_a_file_is_kept_listed_and_given_out_to_be_saved(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store, id: str
) -> None:
    assert sent(anna, id, '../../etc/确认函 "1".html') == 303
    assert kept(desk, id) == [attachments.Attached("确认函 %221%22.html", len(BODY), DIGEST)]
    page = anna.get(f"/findings/{id}").text
    assert DIGEST in page
    assert "a.finance" in page
    answer = as_role(Role.VIEWER).get(f"/findings/{id}/attachments/{DIGEST}")
    assert answer.content == BODY
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert "filename*=UTF-8''%E7%A1%AE" in answer.headers["content-disposition"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    with desk.reading() as connection:
        last = audit.entries(connection, action="finding attached")[0]
    assert (last.actor, last.action, last.detail["sha256"]) == ("a.finance", "finding attached", DIGEST)


@pytest.mark.parametrize("csrf", ["", "x" * 43, "é", "x" * 1_000])
def test_nothing_is_kept_without_the_mark_of_the_session(anna: Browser, desk: Store, id: str, csrf: str) -> None:
    assert sent(anna, id, csrf=csrf) == 400
    assert kept(desk, id) == []


def test_the_mark_comes_before_the_file_and_there_is_one_file(anna: Browser, desk: Store, id: str) -> None:
    file = ("letter.html", BODY, "text/html")
    csrf = (None, mark(anna))
    forms: list[list[tuple[str, Any]]] = [
        [("file", file), ("csrf", csrf)],
        [("csrf", csrf)],
        [("csrf", csrf), ("file", file), ("file", file)],
        [("csrf", csrf), ("other", file)],
    ]
    for parts in forms:
        assert anna.client.post(f"/findings/{id}/attachments", files=parts).status_code == 400
    for body, kind in ((b"csrf=x", "application/x-www-form-urlencoded"), (b"--x", "multipart/form-data; boundary=x")):
        answer = anna.client.post(f"/findings/{id}/attachments", content=body, headers={"content-type": kind})
        assert answer.status_code == 400
    assert kept(desk, id) == []


def test_too_much_is_refused(anna: Browser, desk: Store, id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 1_000)
    assert sent(anna, id, body=b"x" * 1_001) == 400
    assert sent(anna, id, body=b"") == 422
    assert sent(anna, id, body=b"x" * 1_000) == 303
    monkeypatch.setattr(finding_files, "MOST", 1)
    assert sent(anna, id, body=b"y") == 422
    assert len(kept(desk, id)) == 1


def test_only_this_form_may_be_large(anna: Browser, id: str) -> None:
    large = {"csrf": mark(anna), "text": "x" * 70_000}
    assert anna.client.post(f"/findings/{id}/comment", data=large).status_code == 400
    address = anna.client.base_url
    connection = HTTPConnection(address.host, address.port, timeout=60)
    connection.putrequest("POST", f"/findings/{id}/attachments")
    connection.putheader("content-length", str(LARGEST_UPLOAD + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, "too large" in answer.read().decode()) == (400, True)
    connection.close()


def test_a_file_is_given_out_with_its_own_finding_only(anna: Browser, desk: Store, id: str) -> None:
    sent(anna, id)
    other = of_check(desk, "invoice_exceeds_order")
    for address in (f"{other}/attachments/{DIGEST}", f"{'f' * 20}/attachments/{DIGEST}", f"{id}/attachments/x"):
        assert anna.get(f"/findings/{address}").status_code == 404
