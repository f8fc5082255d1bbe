"""A new system works before it is saved: it is checked against a server, and its first mapping comes of its records."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from console.web.admin.files import Files
from console.web.present import Present
from mappings.engine import load
from settings.model import Settings
from state.members import Role
from state.store import Store
from tests.web.admin.sending import save
from tests.web.admin.test_settings_pages import MANIFEST, NEW, filled, hidden, upload
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

ORDERS = [
    {"id": f"{n}", "number": f"SO-{n}", "currency": "EUR", "total_amount": "10.00", "order_date": "2026-10-01"}
    for n in range(1, 6)
]


class Shop(BaseHTTPRequestHandler):
    """Answers whoever has the token."""

    def do_GET(self) -> None:
        allowed = self.headers.get("authorization") == "Bearer t0ken-of-the-shop"
        body = json.dumps(ORDERS if "/orders" in self.path else []).encode() if allowed else b"{}"
        self.send_response(200 if allowed else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    """The address of a shop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_system_is_checked_and_gets_its_first_mapping_from_its_records(
    as_role: Callable[[Role], Browser], config: Path, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_role(Role.ADMIN)
    admin.client.timeout = 60
    upload(admin, MANIFEST)
    page = admin.get(NEW).text
    assert "beginning with a letter, at most 40" in page.partition('id="name-help"')[2].partition("</p>")[0]
    assert page.count("(needed)</span><input") == 1
    assert 'Roles <span class="quiet">(needed)</span></legend>' in page
    at = {"config.base_url": shop}
    monkeypatch.setenv("SHOP_TOKEN", "wrong")
    failed = admin.post("/settings/systems/new", do="check", **filled(page, **at)).text
    assert "This does not work yet. What is wrong stands below: put it right, and check again." in failed
    monkeypatch.setenv("SHOP_TOKEN", "t0ken-of-the-shop")
    checked = admin.post("/settings/systems/new", do="check", **filled(page, **at)).text
    assert "This works." in checked
    assert 'name="stream.order" checked' in checked
    chosen = {**at, "streams_shown": "order,refund", "stream.order": "on", "propose": "on"}
    looked = admin.post("/settings/systems/new", do="preview", **filled(page, **chosen)).text
    assert "+     streams: [order]" in looked
    sent = filled(looked, **chosen)
    saved = admin.post("/settings/systems/new", do="save", **sent)
    assert saved.status_code == 303
    steps = admin.get(saved.headers["location"]).text.partition('<h2 id="next">')[2].partition("</ol>")[0]
    assert 'href="/mappings/shop/order"' in steps
    assert re.search(r"[1-9]\d* of \d+ fields are mapped\.", steps)
    assert "Without a source: " in steps
    assert "refund" not in steps
    assert steps.index("/mappings/") < steps.index('href="/systems/shop"')
    own = admin.get("/systems/shop").text
    assert "Nothing has been pulled yet. “Sync now” above starts." in own
    assert own.index('name="kind" value="sync"') < own.index("Nothing has been pulled yet.")
    assert "Without a source" not in admin.get("/settings").text
    mapping = config.parent / "connectors" / "acme.mapping.yaml"
    assert "number: number" in mapping.read_text()
    assert load(mapping).streams["order"].entity == "order"
    assert "mapping:" not in config.read_text()
    page = admin.get("/mappings/shop/order").text
    assert "so there is nothing to suggest from" not in page
    needs = page.partition('<section id="needs">')[2].partition("</section>")[0]
    assert "Checks and tie-outs also need:" in needs
    assert "<b>Lines</b>: Goods cannot be compared" in needs
    assert "Read from the system at " in page, "what the first mapping was made from is there to suggest more from"


def test_where_nothing_can_be_read_the_first_mapping_has_the_streams_alone(
    as_role: Callable[[Role], Browser], config: Path
) -> None:
    admin = as_role(Role.ADMIN)
    admin.client.timeout = 60
    upload(admin, MANIFEST)
    looked = admin.post("/settings/systems/new", do="preview", **filled(admin.get(NEW).text)).text
    saved = save(admin, "/settings/systems/new", **filled(looked))
    assert saved.status_code == 303
    assert admin.get(saved.headers["location"]).text.count("no field is mapped yet") == len(("order", "refund"))
    assert set(load(config.parent / "connectors" / "acme.mapping.yaml").streams) == {"order", "refund"}
    assert [change.split("<")[0] for change in admin.get("/settings/history").text.split("<td><code>")[1:]] == [
        "ltc.yaml",
        "connectors/acme.mapping.yaml",
        "connectors/acme.yaml",
    ]


def test_a_connector_without_a_mapping_of_its_own_is_given_one_that_ltc_yaml_names(
    as_role: Callable[[Role], Browser], config: Path
) -> None:
    admin = as_role(Role.ADMIN)
    admin.client.timeout = 60
    page = admin.get("/settings/systems/new?connector=files").text
    sent = {"connector": "files", "name": "exports", "config.folder": str(config.parent / "in"), "cron": ""}
    sent |= {
        "config.streams.0": "sale",
        "config.streams.0.pattern": "sales-*.csv",
        "config.streams.0.entity": "order",
        "config.streams.0.key": "number",
        "every": "",
        "config.token": "",
        "config.shop": "",
        "seen": hidden(page, "seen"),
    }
    looked = admin.post("/settings/systems/new", do="preview", **filled(page, **sent)).text
    sent["planned"] = hidden(looked, "planned")
    assert save(admin, "/settings/systems/new", **filled(looked, **sent)).status_code == 303
    assert "    mapping: mappings/exports.yaml\n" in config.read_text()
    assert "        pattern: sales-*.csv\n" in config.read_text()
    assert load(config.parent / "mappings" / "exports.yaml").streams["sale"].entity == "order"


def test_settings_are_read_again_once_the_file_has_changed(desk: Store, config: Path, given: Settings) -> None:
    present, files = Present(given), Files(desk, config)
    assert present.settings is given
    main = files.read(files.main)
    files.save(files.main, main.text + "ownership: {lead.status: crm}\n", main.digest, given, "anna", "")
    assert present.settings.policy("lead", "status") == "owner_wins"
    assert "lead.status" in present.settings.ownership
    assert present.settings is present.settings
    good = present.settings
    config.write_text("version: 2\n")
    assert present.settings is good
    assert present.problems[0].where == "ltc.yaml:1"
    config.write_text(main.text)
    assert present.settings.ownership == {}
    assert present.problems == ()
