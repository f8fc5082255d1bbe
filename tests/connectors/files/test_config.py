"""What ltc.yaml may say of a folder of files."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.files.config import FilesConfig

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
STREAM: dict[str, Any] = {"pattern": "*.csv", "entity": "order", "key": ["id"]}
SFTP: dict[str, Any] = {"host": "sftp.example.com", "user": "ltc", "host_key": KEY, "password": "canary"}


def config(stream: dict[str, Any] | None = None, **settings: Any) -> FilesConfig:
    return FilesConfig.model_validate({"streams": {"order": {**STREAM, **(stream or {})}}, **settings})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "either folder or sftp"),
        ({"folder": "/srv", "sftp": SFTP}, "either folder or sftp"),
        ({"folder": "exports"}, "absolute path"),
        ({"sftp": {**SFTP, "host_key": ""}}, "public key"),
        ({"sftp": {**SFTP, "host_key": "SHA256:abc"}}, "public key"),
        ({"sftp": {**SFTP, "host_key": []}}, "nobody has vouched for"),
        ({"sftp": {name: SFTP[name] for name in ("host", "user", "password")}}, "host_key"),
        ({"sftp": {**SFTP, "private_key": "x"}}, "either password or private_key"),
        ({"sftp": {**SFTP, "host": "10.0.0.5"}}, "private"),
        ({"sftp": {**SFTP, "host": "user@host"}}, "no host"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**settings)
    assert said in str(caught.value)


def test_a_private_server_must_be_named() -> None:
    made = config(sftp={**SFTP, "host": "10.0.0.5"}, network={"private": ["10.0.0.5"]})
    assert made.sftp is not None


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"pattern": "../*.csv"}, "within the folder"),
        ({"pattern": "/etc/*.csv"}, "within the folder"),
        ({"pattern": "**/*.csv"}, "within the folder"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"encoding": "zlib"}, "no encoding"),
        ({"key": []}, "key"),
        ({"version": {"column": "at", "zone": "Mars"}}, "time zone"),
    ],
)
def test_a_stream_that_cannot_be_used_is_refused(stream: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(stream, folder="/srv")
    assert said in str(caught.value)


def test_gbk_means_gb18030_which_holds_it() -> None:
    assert config({"encoding": "GBK"}, folder="/srv").streams["order"].encoding == "gb18030"


def test_secrets_are_not_shown() -> None:
    assert "canary" not in repr(config(sftp=SFTP))
