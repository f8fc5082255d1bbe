"""A folder on an SFTP server: who it is, who we are, links, and connections that break off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from connectors.errors import AuthError, ContractError, TransientError, Unreachable
from connectors.files.config import FilesConfig
from connectors.files.connector import Files
from connectors.waiting import sleep
from sandbox.sftp.server import PASSWORD, USER, Sftp
from tests.connectors.files.conftest import OLD, Desk, ids, window


@pytest.fixture
def server(desk: Desk) -> Iterator[Sftp]:
    with Sftp(desk.folder.parent) as running:
        yield running


def connector(server: Sftp, **sftp: Any) -> Files:
    place = {"host": "127.0.0.1", "port": server.port, "user": USER, "host_key": server.public_key}
    stream = {"pattern": "*.csv", "entity": "order", "key": ["id"]}
    way = {"password": PASSWORD} if "private_key" not in sftp else {}
    whole = {"sftp": {**place, "folder": "exports", **way, **sftp}, "streams": {"order": stream}}
    return Files(FilesConfig.model_validate(whole))


def pull(server: Sftp, cursor: Any = None, **sftp: Any) -> tuple[list[str], Any]:
    with connector(server, **sftp) as files:
        pages = list(files.pull("order", cursor, window()))
    return ids(pages), json.loads(json.dumps(pages[-1].cursor))


def test_files_on_a_server_are_read_once(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id,name\n" + "".join(f"{n},{'x' * 100}\n" for n in range(20_000)))
    desk.put("b.csv.part", "id\n7\n")
    found, cursor = pull(server)
    assert found == [str(n) for n in range(20_000)]
    assert pull(server, cursor)[0] == []
    desk.put("c.csv", "id\n3\n", at=OLD + 1)
    assert pull(server, cursor)[0] == ["3"]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp384", "ssh-rsa"])
@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_a_private_key_lets_us_in(server: Sftp, desk: Desk, kind: str, form: str) -> None:
    desk.put("a.csv", "id\n1\n")
    server.client_key = asyncssh.generate_private_key(kind)
    assert pull(server, private_key=server.client_key.export_private_key(form).decode())[0] == ["1"]


def test_a_private_key_may_have_a_passphrase(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    locked = server.client_key.export_private_key(passphrase="canary", rounds=16, ignore_few_rounds=True).decode()
    assert pull(server, private_key=locked, passphrase="canary")[0] == ["1"]
    with pytest.raises(AuthError, match="no private key that can be read"):
        pull(server, private_key=locked, passphrase="wrong")


def test_a_server_with_another_key_is_told_nothing(server: Sftp, desk: Desk) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(AuthError, match="shows another host key than the one that is configured"):
        pull(server, host_key=other)
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode()
    with pytest.raises(AuthError, match="has no host key of the type that is configured"):
        pull(server, host_key=rsa)
    assert server.sign_ins == 0


def test_several_keys_may_be_known_while_one_is_replaced(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert pull(server, host_key=[other, server.public_key])[0] == ["1"]


def test_a_wrong_password_stops_the_system_and_is_not_shown(server: Sftp) -> None:
    with pytest.raises(AuthError, match="refused to let ltc in") as caught:
        pull(server, password="canary-wrong")
    assert "canary" not in str(caught.value)
    [line] = connector(server, password="canary-wrong").check()
    assert (line.ok, "canary" in line.detail + line.remedy) == (False, False)


def test_check_shows_what_is_there(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    with connector(server) as files:
        [line] = files.check()
    assert (line.ok, "a.csv: CSV in utf-8" in line.detail) == (True, True)


def test_links_on_the_server_are_not_followed(server: Sftp, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "a.csv").write_text("id\nsecret\n")
    (desk.folder / "a.csv").symlink_to(tmp_path / "outer" / "a.csv")
    (desk.folder / "inner").symlink_to(tmp_path / "outer")
    assert pull(server)[0] == []
    files = connector(server)
    with closing(files):
        assert [files._folder.look(name) for name in ("a.csv", "inner/a.csv", "../outer/a.csv")] == [None] * 3
        with files._folder.open("inner/a.csv") as opened:
            assert opened is None


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_time(server: Sftp, desk: Desk) -> None:
    path = desk.put("a.csv", "id\n" + "1\n" * 100_000)

    def change(name: bytes, offset: int) -> None:
        if server.hooks:
            server.hooks.clear()
            path.write_text("id\n" + "2\n" * 100_000)

    server.hooks.append(change)
    found, cursor = pull(server)
    assert (found, cursor["files"]) == ([], {})
    os.utime(path, (OLD + 9, OLD + 9))
    assert set(pull(server, cursor)[0]) == {"2"}


def test_on_a_server_two_looks_must_show_that_a_file_stands_still(
    server: Sftp, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.put("a.csv", "id\n1\n")  # old by the server's clock, whatever that is worth

    def meanwhile(seconds: float) -> None:
        sleep(seconds)
        path.write_text("id\n1\n2\n")
        os.utime(path, (OLD, OLD))

    monkeypatch.setattr("connectors.files.pulling.sleep", meanwhile)
    found, cursor = pull(server)
    assert found == []
    monkeypatch.undo()
    assert pull(server, cursor)[0] == ["1", "2"]


def test_a_connection_that_breaks_off_is_tried_by_the_next_run(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    desk.put("b.csv", "id\n" + "".join(f"{n}\n" for n in range(100_000)), at=OLD + 1)

    def cut(name: bytes, offset: int) -> None:
        if offset > 1000:
            server.drop_connections()

    server.hooks.append(cut)
    read: list[str] = []
    cursor: Any = None

    def go_on() -> None:
        nonlocal cursor
        with connector(server) as files:
            for page in files.pull("order", cursor, window()):
                read.extend(ids([page]))
                cursor = page.cursor

    with pytest.raises(TransientError, match="broke off"):
        go_on()
    assert read == ["1"]
    server.hooks.clear()
    go_on()
    assert len(read) == 100_001


def test_a_connection_that_broke_between_two_calls_is_made_anew(server: Sftp, desk: Desk) -> None:
    desk.put("a.csv", "id\n1\n")
    with connector(server) as files:
        cursor = list(files.pull("order", None, window()))[-1].cursor
        server.drop_connections()
        desk.put("b.csv", "id\n2\n", at=OLD + 1)
        assert ids(list(files.pull("order", cursor, window()))) == ["2"]


def test_nobody_at_the_address_is_said_so(desk: Desk, server: Sftp) -> None:
    with pytest.raises(Unreachable, match="Nobody answers at 127"):
        pull(server, port=1)


def test_a_folder_that_is_not_on_the_server_is_named(server: Sftp) -> None:
    with pytest.raises(ContractError, match="There is no folder nowhere on 127"):
        pull(server, folder="nowhere")
