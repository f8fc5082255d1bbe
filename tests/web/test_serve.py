"""``ltc serve`` and ``ltc members`` from outside: a real process, the first admin, people who come and go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from httpx import Client

from console.cli import cli
from state.members import Role
from tests.console.company import data, ltc
from tests.web.conftest import PASSWORD


@contextmanager
def serving(config: Path) -> Iterator[list[str]]:
    """What the process says until it answers, a line each; the first names the address."""
    command = [str(Path(sys.executable).with_name("ltc")), "--config", str(config), "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as it:
        try:
            assert it.stdout is not None
            said = [it.stdout.readline()]
            if not has_admin(config):
                said += [it.stdout.readline() for _ in ("what the link is for", "the link")]
            yield [line.strip() for line in said]
        finally:
            it.send_signal(signal.SIGTERM)
            try:
                it.wait(20)
            finally:
                it.kill()  # it would be waited for without end


def has_admin(config: Path) -> bool:
    return any(item["state"] == "active" for item in data(ltc(config, "members", "list", "--json")))


def test_the_first_start_shows_a_link_for_the_admin_and_later_ones_do_not(config: Path) -> None:
    with serving(config) as (address, _, link):
        base = address.partition("workbench: ")[2]
        assert link.startswith(f"{base}/welcome/")
        with Client(headers={"origin": base}) as browser:
            answer = browser.post(link, data={"password": PASSWORD, "again": PASSWORD})
            assert answer.status_code == 303
            assert "Q-1" in browser.get(f"{base}/findings").text
    with serving(config) as said:
        assert len(said) == 1
        base = said[0].partition("workbench: ")[2]
        with Client(headers={"origin": base}) as browser:
            signed_in = browser.post(f"{base}/sign-in", data={"name": "admin", "password": PASSWORD})
            assert signed_in.status_code == 303


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "would go unencrypted"),
        (["--host", "0.0.0.0", "--behind-proxy"], "Say how people call the workbench"),
        (["--behind-proxy", "--public-url", "https://ltc.example.com/here"], "a host of its own"),
        (["--public-url", "ltc.example.com"], "begins with https://"),
    ],
)
def test_what_would_show_figures_to_others_is_refused(config: Path, options: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["--config", str(config), "serve", *options])
    assert done.exit_code == 2
    assert said in done.output


def test_the_refusal_to_go_unencrypted_names_all_that_is_missing_with_a_whole_line(config: Path) -> None:
    done = CliRunner().invoke(cli, ["--config", str(config), "serve", "--host", "0.0.0.0"])
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "say how people call the workbench: --public-url" in " ".join(lines)
    assert "ltc serve --host 0.0.0.0 --behind-proxy --public-url https://ltc.example.com" in lines
    assert (
        "ltc serve --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem --public-url https://ltc.example.com"
        in lines
    )
    hooks = CliRunner().invoke(cli, ["--config", str(config), "serve", "--webhooks", "--host", "0.0.0.0"])
    assert "--webhooks --host 0.0.0.0 --behind-proxy" in " ".join(hooks.output.split())
    assert "--public-url" not in hooks.output


def test_people_are_invited_change_roles_and_leave(config: Path) -> None:
    invited = data(ltc(config, "members", "invite", "Wang.Min", "--role", "finance", "--json"))
    assert (invited["name"], invited["roles"]) == ("wang.min", ["finance"])
    assert invited["link"].startswith("/welcome/")
    sent = ltc(config, "members", "invite", "wang.min", "--public-url", "https://ltc.example.com/").output
    assert "https://ltc.example.com/welcome/" in sent
    assert ltc(config, "members", "roles", "wang.min", "--role", "approver").exit_code == 0
    told: dict[str, Any] = {"name": "wang.min", "roles": ["approver"], "state": "invited"}
    told |= {"systems": None, "provider": None, "signed_in_at": None}
    assert data(ltc(config, "members", "list", "--json")) == [told]
    assert ltc(config, "members", "deactivate", "wang.min").exit_code == 0
    assert "no access" in ltc(config, "members", "list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invite", "wang.min"], "has no role yet"),
        (["invite", "<script>", "--role", "finance"], "cannot be a member's name"),
        (["roles", "nobody", "--role", "finance"], "There is no member"),
        (["deactivate", "nobody"], "`ltc members list` shows them"),
    ],
)
def test_what_cannot_be_done_with_a_member_is_said(config: Path, arguments: list[str], said: str) -> None:
    done = ltc(config, "members", *arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_the_command_knows_every_role_and_says_what_it_may(config: Path) -> None:
    told = ltc(config, "members", "--help").output
    for role in Role:
        assert f"  {role} " in told
        assert data(ltc(config, "members", "invite", f"a.{role}", "--role", role.value, "--json"))["roles"] == [role]


def test_a_store_is_not_restored_under_a_workbench_that_serves_it(config: Path, tmp_path: Path) -> None:
    made = str(tmp_path / "b.zst")
    assert ltc(config, "backup", made).exit_code == 0
    with serving(config):
        refused = CliRunner().invoke(cli, ["--config", str(config), "restore", made, "--replace"])
        assert refused.exit_code == 1
        assert "The store is in use: the workbench" in refused.output
        assert "`ltc serve`: Ctrl-C" in refused.output
        assert ltc(config, "runs").exit_code == 0  # and nothing else is refused
    assert ltc(config, "restore", made, "--replace").exit_code == 0
