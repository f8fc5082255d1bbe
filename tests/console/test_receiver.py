"""The web server for webhooks: which answer each request gets, in time, whatever the store or the sender does."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
import yaml
from pydantic import BaseModel, SecretStr

from connectors import registry
from connectors.contract import Arrival, Connector, Delivery, Inbound, Page, RawRecord, Reply, StreamSpec, Webhooks
from connectors.handshakes import Handshake, answer
from connectors.signatures import Signature, identify, sign, verify
from console import receiver as module
from console.receiver import LARGEST_BODY, Receiver
from settings.load import load
from state import clock
from state.store import Store, open_store
from sync.systems import SystemUnusable

SECRET = "hs-demo-client-secret"
SIGNATURE = Signature.model_validate(
    {"scheme": "hmac-sha256", "header": "x-sign", "signed": "{method}{url}{body}", "id": {"field": "id"}}
)
META = Handshake.model_validate({"method": "GET", "query": "hub.challenge", "token": {"query": "hub.verify_token"}})
PUBLIC = "https://hooks.example.com/ltc"


class Config(BaseModel):
    """The settings of the shop."""

    webhook_secret: SecretStr


class Shop(Connector[Config]):
    """Sends orders under a signature over the address, and asks before it does."""

    name: ClassVar[str] = "shop"
    Config: ClassVar[type[BaseModel]] = Config
    answer_seconds: ClassVar[float] = 2.0

    def streams(self) -> list[StreamSpec]:
        return [StreamSpec("order", "order", webhooks=Webhooks.RECORD)]

    def check(self) -> list[Any]:
        return []

    def pull(self, stream: str, cursor: Any, window: Any) -> Iterator[Page]:
        yield Page([], {}, True)

    def challenge(self, request: Inbound) -> Reply | None:
        return answer(META, self.config.webhook_secret, request)

    def receive(self, request: Inbound) -> Delivery:
        verify(SIGNATURE, self.config.webhook_secret, request, clock.now())
        record = RawRecord(str(json.loads(request.body)["order"]), request.body)
        return Delivery(identify(SIGNATURE, request), (), [Arrival("order", record)], Reply(b"success"))


class House:
    """A receiver, its store, and what it said."""

    def __init__(self, store: Store, receiver: Receiver, said: list[str]) -> None:
        self.store = store
        self.receiver = receiver
        self.said = said

    def send(self, method: str = "POST", path: str = "/webhooks/shop", **request: Any) -> httpx.Response:
        """The answer to one request, as it would come through the proxy."""
        return asyncio.run(self.sending(method, path, **request))

    async def sending(self, method: str = "POST", path: str = "/webhooks/shop", **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.receiver.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **request)

    def rows(self, sql: str) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.exec_driver_sql(sql).scalars())

    @property
    def kept(self) -> list[Any]:
        """The orders that wait to be landed."""
        return self.rows("SELECT source_id FROM arrival ORDER BY id")


Open = Callable[..., House]


@pytest.fixture
def open_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setitem(registry._BUILT_IN, "shop", f"{__name__}:Shop")
    opened: list[House] = []

    def make(public_url: str = PUBLIC, **system: Any) -> House:
        shop = {"connector": "shop", "roles": ["crm"], "config": {"webhook_secret": SECRET}, **system}
        path = tmp_path / "ltc.yaml"
        path.write_text(yaml.safe_dump({"version": 1, "systems": {"shop": shop}}))
        said: list[str] = []
        settings, store = load(path), open_store(f"sqlite:///{tmp_path / 'ltc.db'}")
        opened.append(House(store, Receiver(store, settings, said.append, public_url), said))
        opened[-1].receiver.open()
        return opened[-1]

    yield make
    for house in opened:
        house.receiver.close()
        house.store.close()


def event(number: int = 1, order: int = 1, url: str = f"{PUBLIC}/webhooks/shop", secret: str = SECRET) -> Any:
    """The body and the headers of an event, signed for the address that the source calls."""
    body = json.dumps({"id": f"e{number}", "order": order}).encode()
    return {"content": body, "headers": {"x-sign": sign(SIGNATURE, secret, Inbound({}, {}, body, "POST", url))}}


def test_what_is_answered_with_200_is_kept_and_repeats_get_the_same_answer(open_house: Open) -> None:
    house = open_house()
    for _ in range(3):
        told = house.send(**event())
        assert (told.status_code, told.content) == (200, b"success")
        assert "set-cookie" not in told.headers
    assert house.kept == ["1"]


def test_a_signature_over_the_address_needs_the_address_that_the_source_calls(open_house: Open) -> None:
    house = open_house()
    assert house.send(**event()).status_code == 200
    query = "?tenant=a&redirect=https%3A%2F%2Fa.example%2Fx"
    for asked, status in ((query, 200), ("?tenant=b", 401), ("", 401)):
        told = house.send(path=f"/webhooks/shop{asked}", **event(2, url=f"{PUBLIC}/webhooks/shop{query}"))
        assert told.status_code == status
    direct = open_house(public_url="")
    assert direct.send(**event(3)).status_code == 401
    assert direct.send(**event(4, url="http://127.0.0.1/webhooks/shop")).status_code == 200


def test_a_question_is_answered_and_only_to_those_who_know_the_word(open_house: Open) -> None:
    house = open_house()
    asked = {"hub.mode": "subscribe", "hub.verify_token": SECRET, "hub.challenge": "<b>115</b>"}
    told = house.send("GET", params=asked)
    assert (told.status_code, told.text) == (200, "<b>115</b>")
    assert told.headers["content-type"].startswith("text/plain")
    assert told.headers["x-content-type-options"] == "nosniff"
    assert house.send("GET", params={**asked, "hub.verify_token": "x"}).status_code == 401
    assert house.kept == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_by_name(open_house: Open, method: str) -> None:
    told = open_house().send(method, **event())
    assert told.status_code == 405
    assert "POST" in told.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/", "/webhooks", "/webhooks/", "/webhooks/shop/", "/webhooks/shops", "/webhooks/x/y"]
)
def test_other_addresses_are_not_there(open_house: Open, path: str) -> None:
    assert open_house().send(path=path, **event()).status_code == 404


def test_a_secret_end_of_the_address_must_be_right(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PATH", "0123456789abcdef")
    house = open_house(webhook_path="${env:SHOP_PATH}")
    right = "/webhooks/shop/0123456789abcdef"
    assert house.send(path=right, **event(url=f"{PUBLIC}{right}")).status_code == 200
    for wrong in ("/webhooks/shop", "/webhooks/shop/0123456789abcdeg", f"{right}/", f"{right}/x", f"{right}%00"):
        assert house.send(path=wrong, **event(2, url=f"{PUBLIC}{wrong}")).status_code == 404
    assert house.receiver.open() == {"shop": "/webhooks/shop/…"}


@pytest.mark.parametrize("word", ["short", "with a space in it, long", "", "ends/with/a/path/in/it"])
def test_an_end_that_can_be_guessed_is_refused(open_house: Open, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("SHOP_PATH", word)
    with pytest.raises(SystemUnusable, match="webhook_path") as caught:
        open_house(webhook_path="${env:SHOP_PATH}")
    assert not word or word not in str(caught.value)


def test_what_is_too_large_is_refused_before_it_is_read(open_house: Open) -> None:
    house = open_house()
    read = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(1)
            yield b"x" * 100_000

    assert house.send(content=endless()).status_code == 413
    assert len(read) <= LARGEST_BODY / 100_000 + 2
    assert house.send(content=b"x" * (LARGEST_BODY + 1)).status_code == 413


async def _call(house: House, messages: Callable[[], Any], sent: Callable[[Any], Any]) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/webhooks/shop",
        "raw_path": b"/webhooks/shop",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in event()["headers"].items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> Any:
        return await messages()

    async def send(message: Any) -> None:
        sent(message)

    await house.receiver.app(scope, receive, send)


def test_who_sends_too_slowly_is_sent_away(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BODY_SECONDS", 0.05)
    answers: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    asyncio.run(_call(open_house(), never, answers.append))
    assert answers[0]["status"] == 408


def test_who_leaves_before_the_end_does_no_harm(open_house: Open) -> None:
    answers: list[Any] = []

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    house = open_house()
    asyncio.run(_call(house, gone, answers.append))
    assert answers[0]["status"] == 400
    assert house.kept == []


def test_what_was_kept_when_the_answer_got_lost_is_known_again(open_house: Open) -> None:
    house = open_house()

    async def whole() -> Any:
        return {"type": "http.request", "body": event()["content"], "more_body": False}

    def lost(message: Any) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(_call(house, whole, lost))
    assert house.kept == ["1"]
    assert house.send(**event()).status_code == 200
    assert house.kept == ["1"]


@contextmanager
def away(store: Store) -> Iterator[None]:
    """The store is busy with something that does not end."""
    other = sqlite3.connect(str(store.engine.url.database), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def test_while_the_store_is_away_the_source_is_told_in_time_to_come_again(open_house: Open) -> None:
    house = open_house()
    with away(house.store):
        began = time.monotonic()
        told = house.send(**event())
        assert time.monotonic() - began < Shop.answer_seconds
        assert told.status_code == 503
        assert int(told.headers["retry-after"]) > 0
        assert house.send(**event(secret="forged")).status_code == 401, "what is forged is known without the store"
    assert house.send(**event()).status_code == 200
    assert house.kept == ["1"]


def test_more_than_can_be_taken_is_sent_away_at_once(open_house: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    house = open_house()

    async def one(number: int) -> tuple[int, bool]:
        began = time.monotonic()
        told = await house.sending(**event(number, number))
        return told.status_code, time.monotonic() - began < Shop.answer_seconds * 0.75

    async def flood() -> list[tuple[int, bool]]:
        return await asyncio.gather(*map(one, range(30)))

    with away(house.store):
        told = asyncio.run(flood())
    assert {status for status, _ in told} == {503}
    assert sum(soon for _, soon in told) == 20


def test_fifty_at_once_are_all_kept_once(open_house: Open) -> None:
    house = open_house()

    async def until_taken(number: int) -> int:
        """As a source does: what is answered 503, since the machine is too slow for it now, is sent again."""
        while (told := await house.sending(**event(number, number))).status_code == 503:
            await asyncio.sleep(0)
        return told.status_code

    async def flood() -> list[int]:
        return await asyncio.gather(*(until_taken(number % 50) for number in range(100)))

    assert asyncio.run(flood()) == [200] * 100
    assert sorted(map(int, house.kept)) == list(range(50))


def test_a_stranger_who_sends_without_end_does_not_fill_the_log(
    open_house: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house()
    for _ in range(20):
        house.send(**event(secret="forged"))
    assert len(house.said) == 1
    assert house.said[0].startswith("shop: refused a request: The signature is wrong.")
    monkeypatch.setattr(module, "_REFUSALS_SECONDS", 0.0)
    house.send(**event(secret="forged"))
    assert "(19 more since the last time)" in house.said[1]
