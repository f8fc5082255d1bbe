"""Settings within settings are fields of the form, in rows that come and go, and mistakes are told where they are."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from state.members import Role
from tests.web.admin.sending import buttons, form, save
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

NEW = "/settings/systems/new"
EXPORTS = """\
  exports:
    connector: files
    roles: [erp]
    mapping: exports.yaml
    config:
      folder: /srv/exports  # the share
      streams:
        order:
          pattern: orders-*.csv  # since May
          entity: order
          key: [order_no]
          version: changed_at
        product: {pattern: products.csv, entity: product, key: [sku], delimiter: "\\t"}
    push: 'off'
"""


@pytest.fixture
def admin(as_role: Callable[[Role], Browser]) -> Browser:
    somebody = as_role(Role.ADMIN)
    somebody.client.timeout = 60
    return somebody


@pytest.fixture
def exports(config: Path) -> Path:
    """ltc.yaml with a system of files."""
    text = config.read_text()
    config.write_text(text.replace("systems:\n", f"systems:\n{EXPORTS}", 1))
    (config.parent / "exports.yaml").write_text("version: 1\nconnector: files\nstreams: {}\n")
    return config


def saved(admin: Browser, address: str, sent: dict[str, str]) -> None:
    looked = admin.post(address, do="preview", **sent)
    assert looked.status_code == 200, html.unescape(looked.text)
    assert save(admin, address, **form(looked.text, address)).status_code == 303


def entry(config: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(config.read_text())["systems"][name]["config"]
    return found


def test_a_folder_of_files_needs_no_sign_in_and_says_so(admin: Browser, exports: Path) -> None:
    assert "none needed: no secret is in its settings" in admin.get("/systems/exports").text
    exports.write_text(
        exports.read_text().replace(
            "folder: /srv/exports  # the share",
            "folder: /srv/x\n      sftp: {host: h, user: u, password: p, host_key: k}",
        )
    )
    assert "none needed" not in admin.get("/systems/exports").text


def test_a_folder_of_files_is_added_without_writing_yaml(admin: Browser, config: Path) -> None:
    page = admin.get(f"{NEW}?connector=files").text
    sent = form(page, NEW)
    assert "config.streams" not in sent
    assert "Small letters, digits and _, beginning with a letter" in page, "how streams may be called, before one is"
    sent |= {"name": "exports", "config.folder": "/srv/exports", "config.streams.0": "order"}
    sent |= {"config.streams.0.pattern": "orders-*.csv", "config.streams.0.entity": "order"}
    sent |= {"config.streams.0.key": "order_no", "config.streams.0.version.column": "changed_at"}
    sent |= {"config.streams.0.delimiter": "\t", "config.limits.file_mb": "100", "role.erp": "on"}
    more = admin.post(NEW, do="add:streams", **sent)
    assert more.status_code == 200
    assert "This is needed." not in more.text
    sent = form(more.text, NEW)
    assert sent["config.streams.0.pattern"] == "orders-*.csv"
    sent |= {"config.streams.1": "product", "config.streams.1.pattern": "products.xlsx"}
    sent |= {"config.streams.1.entity": "product", "config.streams.1.key": "sku\nsize"}
    saved(admin, NEW, sent)
    order = {"pattern": "orders-*.csv", "entity": "order", "key": ["order_no"], "delimiter": "\t"}
    product = {"pattern": "products.xlsx", "entity": "product", "key": ["sku", "size"]}
    assert entry(config, "exports") == {
        "folder": "/srv/exports",
        "limits": {"file_mb": 100},
        "streams": {"order": {**order, "version": {"column": "changed_at"}}, "product": product},
    }


def test_a_row_is_taken_out_and_the_others_stay_as_they_are_written(admin: Browser, exports: Path) -> None:
    address = "/settings/systems/exports"
    page = admin.get(address).text
    assert "drop:streams.1" in buttons(page, address)
    before = exports.read_text()
    again = admin.post(address, do="preview", **form(page, address)).text
    assert "Nothing would be different." in again
    less = admin.post(address, do="drop:streams.1", **form(page, address)).text
    saved(admin, address, form(less, address))
    gone = '        product: {pattern: products.csv, entity: product, key: [sku], delimiter: "\\t"}\n'
    assert exports.read_text() == before.replace(gone, "")


def test_a_model_that_may_be_left_out_is_written_once_something_is_in_it_and_goes_when_nothing_is(
    admin: Browser, exports: Path
) -> None:
    address = "/settings/systems/exports"
    sent = form(admin.get(address).text, address)
    sent |= {"config.folder": "", "config.sftp.host": "sftp.example.com", "config.sftp.user": "ltc"}
    sent |= {"config.sftp.host_key": "ssh-ed25519 AAAAC3Nz", "config.sftp.password": "SFTP_PASSWORD"}
    saved(admin, address, sent)
    assert entry(exports, "exports")["sftp"] == {
        "host": "sftp.example.com",
        "user": "ltc",
        "host_key": ["ssh-ed25519 AAAAC3Nz"],
        "password": "${env:SFTP_PASSWORD}",
    }
    sent = form(admin.get(address).text, address)
    sent |= {"config.folder": "/srv/exports"}
    sent |= dict.fromkeys((name for name in sent if name.startswith("config.sftp.") and name != "config.sftp.port"), "")
    saved(admin, address, {**sent, "config.sftp.password.in": "env"})
    assert "sftp" not in entry(exports, "exports")


@pytest.mark.parametrize(
    ("locale", "sent", "place", "told"),
    [
        (
            "en",
            {"config.streams.0.key": ""},
            "streams.0.key",
            "Streams › order › Columns that name a row: This is needed.",
        ),
        ("en", {"config.streams.0": ""}, "streams.0", "Streams › New (1) › Name: This is needed."),
        ("en", {"config.streams.1": "order"}, "streams.1", "Another one has that name already."),
        (
            "en",
            {"config.streams.0": "Orders 2"},
            "streams.0",
            "Streams › Orders 2 › Name: Small letters, digits and _, beginning with a letter, such as order_line.",
        ),
        (
            "en",
            {"config.streams.0.pattern": "/orders.csv"},
            "streams.0.pattern",
            "Streams › order › Which files: must be a pattern within the folder",
        ),
        (
            "en",
            {"config.streams.0.header_row": "0"},
            "streams.0.header_row",
            "Row of the column names: Write a number of 1 or more.",
        ),
        (
            "en",
            {"config.limits.files": "1.5"},
            "limits.files",
            "Limits › Most files: Write a whole number, such as 100.",
        ),
        ("en", {"config.sftp.port": "23"}, "sftp.host", "SFTP server › Server: This is needed."),
        ("zh-CN", {"config.streams.0.header_row": "0"}, "streams.0.header_row", "请填写不小于 1 的数。"),
        ("zh-CN", {"config.streams.0.key": ""}, "streams.0.key", "数据流 › order › 主键：此项必填。"),
        ("zh-CN", {"config.folder": "exports"}, "folder", "目录：必须是绝对路径"),
    ],
)
def test_a_mistake_names_its_field_says_what_to_write_and_leads_there(
    admin: Browser, exports: Path, locale: str, sent: dict[str, str], place: str, told: str
) -> None:
    admin.post("/language", locale=locale, next="/settings")
    address = "/settings/systems/exports"
    before = exports.read_text()
    answer = admin.post(address, do="preview", **(form(admin.get(address).text, address) | sent))
    assert answer.status_code == 422
    plain = " ".join(html.unescape(answer.text).replace(f'<a href="#config.{place}">', "").replace("</a>", "").split())
    assert told in plain
    assert f'href="#config.{place}"' in answer.text
    assert f'id="config.{place}"' in answer.text
    assert "Input should" not in answer.text
    assert exports.read_text() == before


def test_no_secret_that_is_typed_into_a_row_comes_back(admin: Browser, exports: Path) -> None:
    address = "/settings/systems/exports"
    typed = {"config.sftp.password": "s3cr3t-Sesame", "config.streams.0": "sk_live_0123456789abcdef"}
    for do in ("preview", "add:streams", "drop:streams.1"):
        answer = admin.post(address, do=do, **(form(admin.get(address).text, address) | typed))
        assert "s3cr3t-Sesame" not in answer.text
        assert "sk_live_0123456789abcdef" not in answer.text


def test_what_fields_cannot_show_is_typed_as_yaml_with_an_example(admin: Browser, exports: Path) -> None:
    page = admin.get(f"{NEW}?connector=salesforce").text
    assert "<pre>name:\n  name: …</pre>" in page
    exports.write_text(exports.read_text().replace("      folder:", "      limits: [a]\n      folder:"))
    address = "/settings/systems/exports"
    sent = form(admin.get(address).text, address)
    assert sent["config.limits"] == "[a]"
    answer = admin.post(address, do="preview", **sent)
    assert answer.status_code == 422
    assert "Write lines of <code>key: value</code>." in answer.text


def test_a_connector_that_only_reads_is_preset_to_write_nothing_and_says_why(admin: Browser) -> None:
    page = admin.get(f"{NEW}?connector=files").text
    assert form(page, NEW)["push"] == "off"
    assert "This connector only reads" in page
    page = admin.get(f"{NEW}?connector=salesforce").text
    assert form(page, NEW)["push"] == "plan"
    assert "This connector only reads" not in page
