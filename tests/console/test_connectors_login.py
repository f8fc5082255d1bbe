"""``ltc connectors login``: a browser agrees once, and every process after that has tokens."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import yaml

from sandbox.http import Server
from tests.connectors.declarative.conftest import MANIFEST
from tests.connectors.declarative.desk import Desk

LTC = str(Path(sys.executable).with_name("ltc"))
OAUTH = {
    "grant": "refresh_token",
    "token_url": "/token",
    "authorize_url": "/consent",
    "client_id": "us",
    "client_secret": "{config.token}",
    "scope": "orders offline_access",
}


def _company(folder: Path, server: Server) -> dict[str, str]:
    """ltc.yaml, the manifest and its mapping; the environment to run in."""
    manifest = yaml.safe_load(MANIFEST)
    manifest["auth"] = {"oauth2": OAUTH}
    (folder / "desk.yaml").write_text(yaml.safe_dump(manifest))
    mapping = {
        "version": 1,
        "connector": "desk",
        "streams": {
            "order": {
                "entity": "order",
                "fields": {"number": "id", "gross_amount": "amount", "currency": {"const": "CNY"}},
                "status": {"path": "status", "values": {"open": "confirmed", "closed": "completed"}},
            }
        },
    }
    (folder / "desk.mapping.yaml").write_text(yaml.safe_dump(mapping))
    config = {"base_url": f"{server.base_url}/api", "token": "${env:DESK_SECRET}"}
    system = {"connector": "desk.yaml", "roles": ["erp"], "config": config, "push": "off"}
    (folder / "ltc.yaml").write_text(yaml.safe_dump({"version": 1, "systems": {"desk": system}}))
    return {**os.environ, "DESK_SECRET": "canary-secret-1", "PYTHONUNBUFFERED": "1"}


def _free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def test_a_person_agrees_once_and_the_next_process_pulls_with_what_was_granted(tmp_path: Path) -> None:
    desk = Desk()
    desk.token = "access-1"
    desk.add(3)
    with desk.open() as server:
        environment = _company(tmp_path, server)
        server.faults.answer(
            "/token", 200, {"access_token": "access-1", "expires_in": 3600, "refresh_token": "refresh-1"}
        )
        command = [LTC, "connectors", "login", "desk", "--port", _free_port()]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as login:
            assert login.stdout is not None
            address = next(line for line in login.stdout if line.startswith("http"))
            asked = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
            back = {"code": "code-1", "state": asked["state"]}
            # The browser can be faster than the port is opened.
            transport = httpx.HTTPTransport(retries=5)
            with httpx.Client(transport=transport, trust_env=False) as browser:
                browser.get(asked["redirect_uri"], params=back)
            assert login.wait(timeout=60) == 0
        form = {name: values[0] for name, values in parse_qs(server.requests("/token")[0].body.decode()).items()}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert (form["code"], form["grant_type"]) == ("code-1", "authorization_code")
        assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert asked["scope"] == "orders offline_access"
        pulled = subprocess.run(
            [LTC, "pull", "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    assert len(server.requests("/token")) == 1
    assert "canary" not in pulled.stdout + pulled.stderr
