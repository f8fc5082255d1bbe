"""The database's server is verified like any other, unless its own address says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from state.store import StoreError, open_store, tls


@pytest.mark.parametrize(
    "address", ["db.example.com/ltc", "10.0.0.7:5432/ltc", "/ltc?host=db.example.com", "/ltc?host=/run&host=db.example"]
)
def test_a_server_elsewhere_is_verified_by_certificate_and_name(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    given = tls(make_url(f"postgresql+psycopg://ltc@{address}"))
    assert given["sslmode"] == "verify-full"
    assert Path(given["sslrootcert"]).is_file()


def test_the_environment_names_hosts_and_authorities_but_turns_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ours.pem")
    assert tls(make_url("postgresql+psycopg:///ltc")) == {"sslmode": "verify-full"}


@pytest.mark.parametrize("address", ["localhost/ltc", "127.0.0.1:5432/ltc", "/ltc?host=/run/postgresql", "/ltc"])
def test_a_socket_and_loopback_need_no_tls(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    assert tls(make_url(f"postgresql+psycopg://ltc@{address}")) == {}


def test_an_address_may_say_how_its_own_host_is_spoken_to() -> None:
    assert tls(make_url("postgresql+psycopg://ltc@db.example.com/ltc?sslmode=require")) == {}


def test_the_password_of_an_unreachable_server_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql+psycopg://ltc:kanari-hush@127.0.0.1:9/ltc")
    assert "kanari-hush" not in str(caught.value)
    assert "sslrootcert" in str(caught.value)
