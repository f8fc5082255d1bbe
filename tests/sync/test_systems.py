"""From ltc.yaml to connectors, mappings and streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, SecretStr

from connectors import registry
from connectors.contract import StreamSpec
from settings.load import load
from settings.model import Settings
from sync import systems
from sync.systems import SystemUnusable
from tests.sync.conftest import MAPPING, Toy

SETTINGS = """version: 1
systems:
  shop:
    connector: toy
    roles: [erp]
    config:
      password: ${env:SHOP_PASSWORD}
"""


class Config(BaseModel):
    password: SecretStr


class Configured(Toy):
    """A toy with a password and streams that need each other."""

    Config: ClassVar[type[BaseModel]] = Config

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def streams(self) -> list[StreamSpec]:
        return [
            StreamSpec("delivery", "delivery", depends_on=("order",)),
            StreamSpec("order", "order", depends_on=("party",)),
            StreamSpec("party", "party"),
        ]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    monkeypatch.setitem(registry._BUILT_IN, "toy", f"{__name__}:Configured")

    def write(old: str = "", new: str = "") -> Settings:
        path = tmp_path / "ltc.yaml"
        path.write_text(SETTINGS.replace(old, new) if old else SETTINGS)
        return load(path)

    return write


def test_a_connector_is_opened_with_its_secrets(
    written: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = written()
    with pytest.raises(SystemUnusable, match=r"^ltc.yaml:7: The secret \$\{env:SHOP_PASSWORD\} is not set"):
        systems.open_connector(settings, "shop")
    monkeypatch.setenv("SHOP_PASSWORD", "open sesame")
    connector = systems.open_connector(settings, "shop")
    assert connector.config.password.get_secret_value() == "open sesame"


def test_a_wrong_setting_of_a_connector_names_its_line(written: Callable[..., Settings]) -> None:
    with pytest.raises(SystemUnusable) as caught:
        systems.open_connector(written("password: ${env:SHOP_PASSWORD}", "pasword: x"), "shop")
    assert "ltc.yaml:" in caught.value.message
    assert "password" in caught.value.message
    assert "ltc connectors describe toy" in caught.value.remedy


def test_an_unknown_connector_lists_the_known_ones_and_the_one_that_was_meant(
    written: Callable[..., Settings],
) -> None:
    with pytest.raises(SystemUnusable, match=r"^ltc.yaml:4: .*Known: .*salesforce") as caught:
        systems.open_connector(written("connector: toy", "connector: salesfroce"), "shop")
    assert caught.value.remedy == "Did you mean `connector: salesforce`?"


def test_streams_come_after_those_they_depend_on(written: Callable[..., Settings]) -> None:
    settings = written()
    toy = Configured(None)
    assert [spec.name for spec in systems.ordered_streams(settings, "shop", toy)] == ["party", "order", "delivery"]
    settings.systems["shop"].streams = ["delivery", "party"]
    assert [spec.name for spec in systems.ordered_streams(settings, "shop", toy)] == ["delivery", "party"]
    settings.systems["shop"].streams = ["orders"]
    with pytest.raises(SystemUnusable, match=r"^ltc.yaml:3: .*offers no stream 'orders'") as caught:
        systems.ordered_streams(settings, "shop", toy)
    assert "delivery, order, party" in caught.value.remedy


def test_a_policy_for_a_stream_that_is_not_offered_is_told(written: Callable[..., Settings]) -> None:
    settings = written()
    settings.systems["shop"].drift = {"*": "quarantine", "leed": "freeze"}
    with pytest.raises(SystemUnusable, match=r"offers no stream 'leed'"):
        systems.ordered_streams(settings, "shop", Configured(None))
    settings.systems["shop"].drift = {"*": "quarantine", "order": "freeze"}
    assert [settings.systems["shop"].drift_of(name) for name in ("order", "party")] == ["freeze", "quarantine"]


def test_a_mapping_is_the_shipped_one_or_the_file_beside_ltc_yaml(
    written: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = written()
    settings.systems["shop"].connector = "tryton"
    assert "order" in systems.mapping_for(settings, "shop").streams
    (tmp_path / "ours.yaml").write_text(MAPPING)
    settings.systems["shop"].mapping = "ours.yaml"
    assert list(systems.mapping_for(settings, "shop").streams) == ["order"]
    settings.systems["shop"].mapping = "mappings/xero.yaml"
    assert systems.mapping_for(settings, "shop").connector == "xero"
