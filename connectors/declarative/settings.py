"""The settings of a manifest's system, as the pydantic model that ltc.yaml is checked by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, create_model, model_validator

from connectors.declarative.manifest import Manifest, Setting
from connectors.declarative.times import zone_of
from connectors.declarative.webhook import SETTING
from connectors.network import Host, Network, check_all


def _is_zone(name: str) -> str:
    zone_of(name)
    return name


_TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "boolean": bool,
    "secret": SecretStr,
    "zone": Annotated[str, AfterValidator(_is_zone)],
}


class DeclaredConfig(BaseModel):
    """What every declarative connector can be told, besides the settings of its manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    page_size: int | None = Field(None, gt=0, description="Records per call, instead of the manifest's")
    calls_per_second: float | None = Field(None, gt=0, description="Most calls, instead of the manifest's limit")
    timeout_seconds: float = Field(60, gt=0)
    hosts: tuple[Host, ...] = Field((), description="Further hosts that the manifest may ask for its tokens")
    network: Network = Field(Network(), description="Addresses that are not public ones over TLS")

    @model_validator(mode="after")
    def _allowed(self) -> DeclaredConfig:
        check_all([("base_url", self.base_url)], self.network)
        return self

    def plain(self) -> dict[str, Any]:
        """The manifest's settings without the secrets: what requests may show."""
        return {name: value for name, value in self if not isinstance(value, SecretStr) and name not in _OURS}

    def revealed(self) -> dict[str, Any]:
        """The manifest's settings with the secrets: what credentials are made of."""
        values = {name: value for name, value in self if name not in _OURS}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()
        }


_OURS = frozenset({*DeclaredConfig.model_fields, SETTING})
_SIGNED = "What the system signs its webhook with, if it is to tell of changes; two while one replaces the other"


def config_model(manifest: Manifest) -> type[DeclaredConfig]:
    """The model for ``config`` in ltc.yaml."""
    about = "Where the system's API is" if manifest.base_url is None else "Where the system's API is, if elsewhere"
    fields: dict[str, Any] = {
        "base_url": (str, Field(manifest.base_url if manifest.base_url is not None else ..., description=about))
    }
    fields |= {name: _field(setting) for name, setting in manifest.settings.items()}
    if manifest.webhook is not None:
        fields[SETTING] = (SecretStr | tuple[SecretStr, ...] | None, Field(None, description=_SIGNED))
    return create_model(f"{manifest.name}-config", __base__=DeclaredConfig, **fields)


def _field(setting: Setting) -> tuple[Any, Any]:
    kind = Literal[setting.choices] if setting.choices else _TYPES[setting.type]
    default = setting.default if setting.default is not None else ...
    return kind, Field(default, description=setting.about)
