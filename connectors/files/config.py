"""What an administrator sets for a folder of files in ltc.yaml: where it is, and which files make up which stream."""

from __future__ import annotations

import base64
import binascii
import codecs
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from connectors.network import Host, Network, check_all

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_ASKED: dict[str, JsonValue] = {"asked": True}
"""One of these is needed, so a form shows them at once."""
_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")


def _known_encoding(name: str) -> str:
    try:
        "".encode("utf-8" if name == "auto" else name)  # also refuses codecs that are not of text
        codec = codecs.lookup(name).name if name != "auto" else name
    except LookupError:
        raise ValueError(f"{name!r} is no encoding; for example utf-8, gb18030, big5, cp1252, utf-16-le") from None
    if codec in ("gbk", "gb2312"):
        return "gb18030"  # both are parts of it, and files said to be in them hold more than they have
    return codec


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone, such as Asia/Shanghai") from None
    return name


def _inside(pattern: str) -> str:
    parts = pattern.split("/")
    if pattern.startswith("/") or any(part in ("", ".", "..", "**") for part in parts):
        raise ValueError("must be a pattern within the folder, such as orders-*.csv or */orders-*.csv, without `..`")
    return pattern


Encoding = Annotated[str, AfterValidator(_known_encoding)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Pattern = Annotated[str, AfterValidator(_inside)]


class Settings(BaseModel):
    """Base of all settings here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SftpConfig(Settings):
    """An SFTP server; its host key must be known beforehand."""

    host: Host = Field(description="The server's name or address", examples=["sftp.example.com"])
    port: int = Field(22, ge=1, le=65535, description="Its port")
    user: str = Field(min_length=1, description="Whom we sign in as", examples=["ltc"])
    host_key: str | tuple[str, ...] = Field(
        description="The server's public key, from whoever runs it: ssh-ed25519 AAAA…; several while it is replaced",
        examples=["ssh-ed25519 AAAA…"],
    )
    password: SecretStr | None = Field(None, description="Password of the user, or give a private key")
    private_key: SecretStr | None = Field(None, description="The text of a private key, in place of a password")
    passphrase: SecretStr | None = Field(None, description="Of the private key, if it has one")
    folder: str = Field(".", min_length=1, description="The folder on the server")
    timeout_seconds: float = Field(60, gt=0, description="Longest wait for one answer")

    @property
    def host_keys(self) -> tuple[tuple[str, bytes], ...]:
        """Type and bytes of each key that the server may show."""
        given = (self.host_key,) if isinstance(self.host_key, str) else self.host_key
        return tuple((text.split()[0], base64.b64decode(text.split()[1])) for text in given)

    @field_validator("host_key")
    @classmethod
    def _a_public_key(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (value,) if isinstance(value, str) else value:
            parts = text.split()
            try:
                sure = len(parts) >= 2 and parts[0] in _KEY_TYPES and bool(base64.b64decode(parts[1], validate=True))
            except (binascii.Error, ValueError):
                sure = False
            if not sure:
                raise ValueError(f"must be a public key such as `ssh-ed25519 AAAA…`; types: {', '.join(_KEY_TYPES)}")
        if not value:
            raise ValueError("must name at least one key: a server that nobody has vouched for is not trusted")
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> SftpConfig:
        if (self.password is None) == (self.private_key is None):
            raise ValueError("give either password or private_key")
        return self


class FileLimits(Settings):
    """What is taken for a mistake or an attack, whatever is in the files."""

    file_mb: float = Field(2048, gt=0, description="The largest file")
    files: int = Field(10_000, ge=1, description="The most files of one stream in the folder at once")
    rejected_rows: int = Field(1000, ge=0, description="With more unusable rows than this a file is not read on")


class Limits(FileLimits):
    """What is taken for a mistake or an attack in a table."""

    unpacked_mb: float = Field(1024, gt=0, description="The most that an XLSX or Parquet file may unpack to")
    row_kb: float = Field(1024, gt=0, description="The longest row")
    columns: int = Field(1000, ge=1, description="The most columns")


class SourceConfig(Settings):
    """Where the files are and when they are taken for complete."""

    folder: Path | None = Field(
        None,
        description="A folder on the machine that runs LTC Sync, as an absolute path",
        examples=["/srv/exports"],
        json_schema_extra=_ASKED,
    )
    sftp: SftpConfig | None = Field(None, description="A folder on an SFTP server", json_schema_extra=_ASKED)
    settle_seconds: float = Field(
        10, ge=0, le=86_400, description="A file is read once its size and time have not changed for so long"
    )
    limits: FileLimits = FileLimits()
    network: Network = Field(Network(), description="A server that has no public address")

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is not None and not value.expanduser().is_absolute():
            raise ValueError("must be an absolute path, such as /srv/exports")
        return value.expanduser() if value is not None else None

    @model_validator(mode="after")
    def _one_place(self) -> SourceConfig:
        if (self.folder is None) == (self.sftp is None):
            raise ValueError("give either folder or sftp")
        if self.sftp is not None:
            host = f"[{self.sftp.host}]" if ":" in self.sftp.host else self.sftp.host
            check_all([("sftp.host", f"https://{host}:{self.sftp.port}")], self.network)
        return self


class VersionConfig(Settings):
    """The column that tells which of two rows with one key is newer."""

    column: str = Field(min_length=1, description="Its name", examples=["updated_at"])
    format: str = Field("iso", description="iso, integer, or a pattern such as %Y-%m-%d %H:%M:%S")
    zone: Zone | None = Field(
        None, description="The zone of times that name none themselves; default: the system's time zone"
    )


class StreamConfig(Settings):
    """Files of one kind, offered as one stream."""

    pattern: Pattern = Field(
        description="Which files: orders-*.csv; `*` and `?` do not cross a `/`", examples=["orders-*.csv"]
    )
    format: Literal["auto", "csv", "xlsx", "jsonl", "parquet"] = Field(
        "auto", description="auto: by the file's ending, else by its first bytes"
    )
    entity: _Name = Field(description="What its rows are in the canonical model", examples=["order"])
    key: tuple[str, ...] = Field(min_length=1, description="Columns that name a row", examples=[["order_no"]])
    version: VersionConfig | None = Field(
        None, description="The column by which the newer of two rows is known; default: the newer file's row counts"
    )
    encoding: Encoding = Field("auto", description="Of CSV and JSON lines: auto (UTF-8 or GB18030), or its name")
    delimiter: Literal["auto", ",", ";", "\t", "|"] = Field("auto", description="Of CSV; auto: found in a sample")
    sheet: str | None = Field(None, description="The sheet of XLSX files; default: the first")
    header_row: int = Field(1, ge=1, description="The row with the names of the columns; rows above it are passed over")
    columns: tuple[str, ...] = Field((), description="Columns that are expected; `ltc check` compares")
    deletes: Literal["none", "sweep"] = Field(
        "none", description="sweep: each file is the whole list, so only the newest is read, and what it lacks is gone"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_version(cls, values: object) -> object:
        if isinstance(values, dict) and isinstance(values.get("version"), str):
            return {**values, "version": {"column": values["version"]}}
        return values


class FilesConfig(SourceConfig):
    """A folder of tables."""

    limits: Limits = Limits()
    streams: dict[_Name, StreamConfig] = Field(min_length=1, description="Stream name → its files")
