"""Pulling responses from Typeform: newest first, by the token of the last one."""

from __future__ import annotations

import pytest

from connectors.errors import AuthError, ContractError
from sandbox.typeform import TypeformServer, start
from tests.connectors.typeform.conftest import Connect, Held, Time


def test_five_thousand_responses_of_one_second_are_all_read(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    tokens = {typeform.submit() for _ in range(5000)}
    clock.pass_(minutes=1)

    held = Held(connect()).pull(clock.window())

    assert set(held.records) == tokens


def test_only_what_is_new_is_read_and_an_hour_before_it(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    old = []
    for _ in range(50):
        clock.pass_(minutes=5)
        old.append(typeform.submit())
    held = Held(connect(page_size=10)).pull(clock.window())
    assert set(held.records) == set(old)
    clock.pass_(minutes=5)
    new = typeform.submit()
    clock.pass_(minutes=5)
    typeform.forget()

    held.pull(clock.window())

    assert new in held.records
    # Twelve responses in the hour, one more in the five minutes: two pages of ten.
    assert len(typeform.requests()) == 2


def test_responses_that_come_in_and_go_while_the_list_is_read_take_no_others_with_them(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    tokens = [typeform.submit() for _ in range(45)]
    clock.pass_(minutes=1)
    late: list[str] = []

    def meanwhile(number: int) -> None:
        clock.pass_(seconds=10)
        late.append(typeform.submit())
        if number == 2:
            typeform.remove(tokens[40])  # on a page that was read
            typeform.remove(tokens[3])  # on one that was not

    typeform.before_page = meanwhile
    held = Held(connect(page_size=10)).pull(clock.window())
    typeform.before_page = lambda _number: None
    clock.pass_(minutes=1)
    held.pull(clock.window())

    assert set(held.records) >= (set(tokens) | set(late)) - {tokens[3]}


def test_when_the_last_response_of_a_page_is_deleted_the_list_is_read_from_its_beginning(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    tokens = [typeform.submit() for _ in range(35)]
    clock.pass_(minutes=1)
    typeform.before_page = lambda number: typeform.remove(tokens[25]) if number == 2 else None

    held = Held(connect(page_size=10)).pull(clock.window())

    assert set(held.records) >= set(tokens) - {tokens[25]}


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_a_pull_that_is_killed_after_any_page_goes_on_without_a_gap(
    typeform: TypeformServer, connect: Connect, clock: Time, pages: int
) -> None:
    tokens = {typeform.submit() for _ in range(35)}
    clock.pass_(minutes=1)
    held = Held(connect(page_size=10)).pull(clock.window(), pages=pages)
    assert len(held.records) == min(10 * pages, 35)
    clock.pass_(minutes=1)
    tokens.add(typeform.submit())
    clock.pass_(minutes=1)

    assert set(held.pull(clock.window()).records) == tokens


def test_a_response_that_the_list_shows_half_an_hour_late_is_read(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    typeform.submit()
    late = typeform.submit(visible=clock.now.replace(minute=30))
    clock.pass_(minutes=2)
    held = Held(connect(page_size=2)).pull(clock.window())
    assert late not in held.records
    for _ in range(6):
        clock.pass_(minutes=5)
        typeform.submit()
        held.pull(clock.window())

    clock.pass_(minutes=1)

    assert late in held.pull(clock.window()).records


def test_with_nothing_new_one_call_is_made(typeform: TypeformServer, connect: Connect, clock: Time) -> None:
    for _ in range(30):
        typeform.submit()
    clock.pass_(days=1)
    held = Held(connect(page_size=10)).pull(clock.window())
    typeform.forget()

    clock.pass_(days=1)
    held.pull(clock.window())

    assert len(typeform.requests()) == 1


def test_the_sweep_lists_every_token(typeform: TypeformServer, connect: Connect, clock: Time) -> None:
    tokens = [typeform.submit() for _ in range(25)]
    typeform.remove(tokens[7])
    clock.pass_(days=90)

    listed = [token for batch in connect(page_size=10).ids("response") for token in batch]

    assert listed == [token for token in reversed(tokens) if token != tokens[7]]


def test_a_single_response_is_read_as_the_list_shows_it(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    token = typeform.submit()
    connector = connect()

    held = Held(connector).pull(clock.window())
    batches = list(connector.fetch("response", [token, "unknown"]))

    assert batches == [[held.records[token]]]


def test_a_wrong_token_stops_the_system_and_a_wrong_form_the_stream(connect: Connect, clock: Time) -> None:
    with pytest.raises(AuthError):
        Held(connect(token="wrong")).pull(clock.window())
    with pytest.raises(ContractError, match="form_id"):
        Held(connect(form_id="other")).pull(clock.window())


def test_the_limit_of_two_a_second_is_heeded_and_not_found_out_by_refusals(clock: Time) -> None:
    from connectors import registry

    with start(per_second=2) as server:
        for _ in range(6):
            server.submit()
        kind = registry.load("typeform")
        config = {**server.config, "page_size": 1}
        del config["calls_per_second"]
        with kind(kind.Config.model_validate(config)) as connector:
            Held(connector).pull(clock.window())
            answers = [request.status for request in server.requests()]

    assert answers.count(200) == 7
    assert answers.count(429) <= 1, "one may come late on a busy machine; calls without a pause are refused three times"


def test_too_many_requests_are_tried_again(typeform: TypeformServer, connect: Connect, clock: Time) -> None:
    token = typeform.submit()
    typeform.faults.answer("/responses", 429, {"code": "TOO_MANY_REQUESTS"}, times=2)

    assert set(Held(connect()).pull(clock.window()).records) == {token}
