"""localstripe from the package index, as it comes: somebody else's view of the same API.

It is right about lists behind an object, single objects, expanding and metadata. It lists oldest first, forgets
idempotency keys, has no patterns or lists of types for events, no disputes, and no fees; none of that is asked here.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.contract import Change, Outcome, Window
from connectors.stripe.config import StripeConfig
from connectors.stripe.connector import Stripe
from mappings.engine import load

_PACKAGE = "localstripe==1.15.10"
_SECONDS = 300
_KEY = "sk_test_localstripe"
_PROGRAM = """
import sys
from aiohttp import web
from localstripe import resources
type(resources.store).dump_to_disk = lambda self: None  # it would write one fixed file of the machine
from localstripe.server import app
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with localstripe, in an environment of its own, kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "ltc-sync-tests" / _PACKAGE.replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        beside = Path(__file__).parents[3] / ".uv" / "bin" / "uv"
        uv = shutil.which("uv") or (str(beside) if beside.exists() else None)
        if uv:
            _run([uv, "venv", "-q", "--python", sys.executable, str(folder)])
            _run([uv, "pip", "install", "-q", "--python", str(python), _PACKAGE])
        else:
            _run([sys.executable, "-m", "venv", str(folder)])
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _PACKAGE])
        (folder / "installed").touch()
    return python


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the package index did not answer in time")
    if done.returncode != 0:
        pytest.skip("localstripe cannot be installed from the package index")


@pytest.fixture(scope="module")
def server(python: Path) -> Iterator[httpx.Client]:
    """A running localstripe, empty, on loopback, and a client to fill it."""
    port = _free_port()  # it cannot be asked which one it took
    with subprocess.Popen([str(python), "-c", _PROGRAM, str(port)], stderr=subprocess.DEVNULL) as process:
        patient = httpx.HTTPTransport(retries=7)  # until it listens
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(_KEY, ""), transport=patient) as client:
            client.get("/v1/customers")
            yield client
        process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def paid(server: httpx.Client) -> list[str]:
    """Charges of one customer, one of them refunded in part; their ids."""

    def post(path: str, **form: Any) -> Any:
        answer = server.post(path, data={name.replace("__", "[") + "]" * ("__" in name): form[name] for name in form})
        assert answer.status_code == 200, answer.text
        return answer.json()

    customer = post("/v1/customers", name="Wang", email="wang@example.com")["id"]
    card = {"card__number": "4242424242424242", "card__exp_month": "12", "card__exp_year": "2039", "card__cvc": "123"}
    method = post("/v1/payment_methods", type="card", **card)["id"]
    post(f"/v1/payment_methods/{method}/attach", customer=customer)
    for number in range(120):
        amount = str(1_000 + number)
        post(
            "/v1/payment_intents",
            amount=amount,
            currency="eur",
            customer=customer,
            payment_method=method,
            confirm="true",
        )
    charges = [charge["id"] for charge in server.get("/v1/charges", params={"limit": "200"}).json()["data"]]
    post("/v1/refunds", charge=charges[0], amount="250")
    post("/v1/payouts", amount="12345", currency="eur")
    return charges


@pytest.fixture
def connector(server: httpx.Client) -> Iterator[Stripe]:
    config = StripeConfig(api_key=_KEY, base_url=str(server.base_url).rstrip("/"), reads_per_second=10_000)
    connected = Stripe(config)
    yield connected
    connected.close()


Pull = Callable[[str], dict[str, bytes]]


@pytest.fixture
def pull(connector: Stripe) -> Pull:
    """All records of a stream by id."""

    def everything(stream: str) -> dict[str, bytes]:
        pages = list(connector.pull(stream, None, Window(until=datetime.now(UTC))))
        assert pages[-1].complete
        return {record.source_id: record.body for page in pages for record in page.records}

    return everything


def test_all_payments_are_read_page_by_page_with_their_balance_transactions(paid: list[str], pull: Pull) -> None:
    records = pull("payment")

    assert set(records) == set(paid)
    bodies = [json.loads(body) for body in records.values()]
    assert sorted(body["balance_transaction"]["amount"] for body in bodies) == list(range(1_000, 1_120))
    assert sum(body["amount_refunded"] for body in bodies) == 250


def test_a_payment_has_the_same_bytes_by_its_id(paid: list[str], pull: Pull, connector: Stripe) -> None:
    records = pull("payment")

    fetched = [record for batch in connector.fetch("payment", [*paid[:5], "ch_nobody"]) for record in batch]

    assert [(record.source_id, record.body) for record in fetched] == [(key, records[key]) for key in paid[:5]]


def test_a_payout_is_read_and_mapped(paid: list[str], pull: Pull) -> None:
    ((key, body),) = pull("payout").items()

    mapped = load("stripe").stream("payout").map("stripe", key, body)

    assert 12345 in mapped.row
    assert "EUR" in mapped.row


def test_metadata_is_written_and_not_sent_again(paid: list[str], connector: Stripe) -> None:
    change = Change(paid[3], {"metadata.order_number": "SO-00001"}, {"metadata.order_number": None}, "ltc-local-1")

    (first,) = connector.push("payment", [change])
    (second,) = connector.push("payment", [change])

    assert (first.outcome, second.outcome) == (Outcome.APPLIED, Outcome.UNCHANGED)
    assert first.record is not None
    assert json.loads(first.record.body)["metadata"] == {"order_number": "SO-00001"}
