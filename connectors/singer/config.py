"""What an administrator sets for a Singer tap in ltc.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.contract import Deletes

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StreamConfig(_Settings):
    """One of the tap's streams, offered as one of ours."""

    stream: str = Field(min_length=1, description="The stream's tap_stream_id; `ltc check` lists them")
    entity: _Name = Field(description="What its records are in the canonical model")
    key: tuple[str, ...] | None = Field(
        None, min_length=1, description="Fields that name a record; default: the tap's key_properties"
    )
    fields: tuple[str, ...] | None = Field(
        None, description="Fields to read; default: all. Those of the key and the cursor are always read"
    )
    replication_method: Literal["FULL_TABLE", "INCREMENTAL", "LOG_BASED"] | None = Field(
        None, description="How the tap is to read the stream; default: as it thinks best"
    )
    replication_key: str | None = Field(None, description="The field an incremental pull is to go by")
    cursor_field: str | None = Field(
        None, description="A time or number that grows with each change of a record; default: the replication key"
    )
    versions: bool = Field(
        True, description="Whether a record with a lower cursor field is an older version, and is not applied"
    )
    deletes: Deletes = Field(Deletes.NONE, description="none, sweep, or tombstones (the tap sends _sdc_deleted_at)")
    parents: tuple[str, ...] = Field(
        (), description="Streams that the tap must read, too, to get at this one; their records are left out"
    )
    sent_as: str | None = Field(None, description="The stream's name in the tap's messages, where it is another one")


class SingerConfig(_Settings):
    """A Singer tap and the streams to take from it."""

    executable: str = Field(min_length=1, description="The tap: an absolute path, or a name on PATH")
    arguments: tuple[str, ...] = Field(
        (), description="Further arguments, before ours; no secrets: others can see them"
    )
    config: dict[str, Any] | None = Field(
        None, repr=False, description="The tap's own settings; secrets as references such as ${env:TAP_TOKEN}"
    )
    config_file: Path | None = Field(
        None, description="A JSON file with the tap's settings instead, for a tap that writes new tokens into it"
    )
    start_date_setting: str | None = Field(
        None, description="The one of the tap's settings that `--since` fills in, for most taps start_date"
    )
    catalog: Path | None = Field(None, description="A catalog as --discover prints it; default: asked each run")
    catalog_argument: Literal["catalog", "properties", "none"] = Field(
        "catalog", description="properties: for old taps; none: for taps that know no catalog"
    )
    streams: dict[_Name, StreamConfig] = Field(min_length=1, description="Stream name → one of the tap's streams")
    environment: dict[_Variable, SecretStr] = Field(
        default_factory=dict, description="Environment variables for the tap, beside PATH, HOME, locale and proxies"
    )
    timeout_seconds: float = Field(600, gt=0, description="A tap that writes nothing for so long is stopped")
    line_limit_mb: float = Field(16, gt=0, le=1024, description="The longest message that is read")

    @field_validator("executable")
    @classmethod
    def _found_anywhere(cls, value: str) -> str:
        path = Path(value).expanduser()
        if "/" in value and not path.is_absolute():
            raise ValueError("must be an absolute path such as /opt/taps/tap-csv/bin/tap-csv, or a name on PATH")
        return str(path)

    @field_validator("config_file", "catalog")
    @classmethod
    def _home(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value is not None else None

    @model_validator(mode="after")
    def _one_config(self) -> SingerConfig:
        if self.config is not None and self.config_file is not None:
            raise ValueError("give either config or config_file")
        if self.catalog is not None and self.catalog_argument == "none":
            raise ValueError("a tap that knows no catalog (catalog_argument: none) cannot be given one")
        return self

    @property
    def line_limit(self) -> int:
        """The longest message in bytes."""
        return int(self.line_limit_mb * 1024 * 1024)
