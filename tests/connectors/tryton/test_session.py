"""Logging in, staying in, and what Tryton's refusals become."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import psycopg
import pytest

from connectors.contract import CallStats, RawRecord, Window
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError, Unanswered
from connectors.http import HttpSession
from connectors.retry import no_waiting
from connectors.tryton.config import TrytonConfig
from connectors.tryton.connector import Tryton
from connectors.tryton.errors import Refused, Stale, classify, classify_login
from connectors.tryton.rpc import Rpc
from console import sentences
from sandbox.tryton.client import Client
from sandbox.tryton.server import Tryton as Server

Pull = Callable[..., dict[str, RawRecord]]


def answer(status: int, content: object = b"") -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.Response(status, content=body, request=httpx.Request("POST", "http://erp/db/rpc/"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (["UserError", ['You can not call "confirm" on "(2)" of "Sale".', "", None]], Refused),
        (["UserWarning", ["6b40.invoice_date_future", "The date is in the future.", ""]], Refused),
        (["ConcurrencyException", "Records were modified in the meanwhile"], Stale),
        (["LoginException", ["password", "Password for admin", "password"]], AuthError),
        (["could not serialize access due to concurrent update", ""], TransientError),
        (["'nosuch'", ""], ContractError),
    ],
)
def test_an_error_inside_a_200_is_an_error(error: list[object], kind: type[ConnectorError]) -> None:
    found = classify(answer(200, {"id": 1, "error": error}))
    assert type(found) is kind


def test_a_refusal_keeps_trytons_sentence_and_an_unknown_field_its_name() -> None:
    refused = classify(
        answer(200, {"id": 1, "error": ["UserWarning", ["hash.name", "The date is in the future.", ""]]})
    )
    assert isinstance(refused, Refused)
    assert refused.reason == "The date is in the future."
    assert "nosuch" in str(classify(answer(200, {"id": 1, "error": ["'nosuch'", ""]})))
    leaky = ["duplicate key value: Key (name)=(Anna Abend)", ""]
    assert "Anna" not in str(classify(answer(200, {"id": 1, "error": leaky})))


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (403, ContractError), (404, AuthError), (500, None), (429, None)]
)
def test_statuses_with_an_empty_or_html_body_are_told_apart(status: int, kind: type[ConnectorError] | None) -> None:
    found = classify(answer(status, b"<html>no</html>"))
    assert (type(found) if found else None) is kind


def test_a_login_page_in_place_of_tryton_breaks_the_contract() -> None:
    with pytest.raises(ContractError, match="base_url"):
        classify(answer(200, b"<html>Sign in</html>"))


def test_a_lock_out_is_final_and_says_so() -> None:
    found = classify_login(answer(429))
    assert isinstance(found, AuthError)
    assert "locked" in found.message


def test_a_wrong_password_is_tried_once_by_all_streams_together(
    connect: Callable[..., Tryton], pull: Pull, connector: Tryton, tryton: Server
) -> None:
    wrong = connect(password="not the password")
    for stream in ("party", "order", "party"):
        with pytest.raises(AuthError, match="refuses the user or the password"):
            list(wrong.pull(stream, None, Window(until=datetime.now(UTC))))
    assert not any(line.ok for line in wrong.check())
    with psycopg.connect(tryton.postgres.dsn(tryton.database)) as database:
        assert database.execute("SELECT count(*) FROM res_user_login_attempt").fetchone() == (1,)
    assert pull(connector, "product"), "the user is not locked out"


def test_an_expired_session_is_renewed_and_the_pull_goes_on(connect: Callable[..., Tryton], tryton: Server) -> None:
    connector = connect(page_size=2)
    pages = connector.pull("order", None, Window(until=datetime.now(UTC)))
    found = list(next(pages).records)
    tryton.postgres.execute(tryton.database, "DELETE FROM ir_session")
    for page in pages:
        found += page.records
    assert len(found) == 5


def test_check_names_each_stream_and_what_can_be_written(connector: Tryton) -> None:
    lines = {line.stream: line for line in connector.check()}
    assert list(lines) == ["party", "product", "order", "delivery"]
    assert all(line.ok for line in lines.values())
    assert lines["order"].can_write is True
    assert lines["delivery"].can_write is None


def test_check_says_what_a_user_without_sales_lacks(connect: Callable[..., Tryton], people: Client) -> None:
    company = people.context["company"]
    people.create_one(
        "res.user",
        name="Guest",
        login="guest",
        password="guest-demo-only",
        companies=[("add", [company])],
        company=company,
    )
    lines = {line.stream: line for line in connect(user="guest", password="guest-demo-only").check()}
    assert not lines["order"].ok
    assert lines["order"].remedy
    assert lines["party"].ok


def test_an_unreachable_server_is_a_passing_trouble(connect: Callable[..., Tryton]) -> None:
    with no_waiting(), pytest.raises(TransientError, match="cannot be reached"):
        connect(base_url="http://127.0.0.1:9").ids("party").__next__()


def test_a_log_in_that_hangs_may_be_the_server_and_only_then_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: object, **__: object) -> httpx.Response:
        raise TransientError("127.0.0.1 did not answer in time.", sent=True)

    monkeypatch.setattr("connectors.http.HttpSession.request", hangs)
    given = {"base_url": "http://127.0.0.1:9", "database": "erp", "user": "sync", "password": "hush"}
    with pytest.raises(TransientError) as caught:
        Rpc(TrytonConfig.model_validate(given), CallStats())._log_in()
    assert caught.value.remedy.index("overloaded or stopped") < caught.value.remedy.index("`database`")
    said = f"{caught.value.message} {caught.value.remedy}"
    assert [part.text for part in sentences.said(said, "zh-CN") if not part.known] == []


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (["erp", "demo"], "Tryton has no database `erpp`. Correct `database` (case matters). Did you mean `erp`?"),
        (["demo"], "Tryton has no database `erpp`. Correct `database` (case matters)."),
        (["erpp"], "Tryton did not answer the log-in. Its server may be overloaded or stopped"),
        (None, "Tryton did not answer the log-in. Its server may be overloaded or stopped"),
    ],
)
def test_a_check_asks_once_for_the_log_in_and_names_a_database_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, listed: list[str] | None, said: str
) -> None:
    asked: list[tuple[str, float | None]] = []

    def request(session: HttpSession, _method: str, path: str, **_: object) -> httpx.Response:
        asked.append((path, session._extensions["timeout"]["read"]))
        if path == "/rpc/" and listed is not None:
            return answer(200, {"id": 1, "result": listed})
        raise Unanswered("127.0.0.1 did not answer in time.")

    monkeypatch.setattr("connectors.http.HttpSession.request", request)
    given = {"base_url": "http://127.0.0.1:9", "database": "erpp", "user": "sync", "password": "hush"}
    lines = list(Tryton(TrytonConfig.model_validate(given)).check())
    assert [line.stream for line in lines] == ["party", "product", "order", "delivery"]
    assert {f"{line.detail} {line.remedy}".startswith(said) for line in lines} == {True}
    assert asked == [("/erpp/rpc/", 10.0), ("/rpc/", 4.0)]
    assert all(part.known for part in sentences.said(f"{lines[0].detail} {lines[0].remedy}", "zh-CN"))


@pytest.mark.parametrize(
    ("shown", "waited", "ahead"),
    [
        (-4.0, 5.0, 0.0),  # written while the answer was on its way
        (-0.9, 0.1, 0.0),  # cut to seconds
        (-4.0, 0.1, -3.5),
        (600.0, 0.1, 600.5),
        (-600.0, 5.0, -597.0),
    ],
)
def test_a_slow_answer_is_not_taken_for_a_clock_that_is_behind(shown: float, waited: float, ahead: float) -> None:
    config = {"base_url": "http://127.0.0.1:9", "database": "d", "user": "u", "password": "p"}
    rpc = Rpc(TrytonConfig.model_validate(config), CallStats())
    moment = (datetime.now(UTC) + timedelta(seconds=shown)).replace(microsecond=0)
    rpc._note_clock(format_datetime(moment, usegmt=True), waited)
    assert rpc.clock_ahead == pytest.approx(ahead, abs=1.1 if ahead else 0.0)
    rpc.close()
