"""Settings of a Jiandaoyun system: mistakes are named."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors import registry
from connectors.jiandaoyun.config import JiandaoyunConfig

GOOD: dict[str, Any] = {"api_key": "abc", "app_id": "a1", "forms": {"lead": {"entry_id": "f1"}}}


def test_key_app_and_form_are_enough() -> None:
    config = JiandaoyunConfig.model_validate(GOOD)
    assert config.base_url == "https://api.jiandaoyun.com/api"
    assert "abc" not in repr(config)
    assert registry.load("jiandaoyun").Config is JiandaoyunConfig


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base_url": "http://api.jiandaoyun.com/api"}, "https://"),
        ({"base_url": "https://api.jiandaoyun.com/api/v5"}, "before the version"),
        ({"api_key": "Bearer abc"}, "without `Bearer`"),
        ({"api_key": "密钥"}, "no spaces"),
        ({"api_key": ""}, "no spaces"),
        ({"app_id": None}, "form lead needs app_id"),
        ({"forms": {}}, "at least 1"),
        ({"forms": {"lead": {"entry_id": "a b"}}}, "match pattern"),
        ({"page_size": 101}, "less than or equal to 100"),
        ({"pagesize": 10}, "not permitted"),
    ],
)
def test_a_wrong_setting_is_named_and_the_key_is_not_shown(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        JiandaoyunConfig.model_validate({**GOOD, **change})
    assert said in str(caught.value)


def test_several_forms_are_several_streams() -> None:
    forms = {"lead": {"entry_id": "f1"}, "complaint": {"entry_id": "f2", "app_id": "a2", "entity": "service_case"}}
    config = JiandaoyunConfig.model_validate({**GOOD, "forms": forms})
    connector = registry.load("jiandaoyun")(config)
    assert [(spec.name, spec.entity, spec.writable) for spec in connector.streams()] == [
        ("lead", "lead", ("status", "conversion_note")),
        ("complaint", "service_case", ()),
    ]
    connector.close()
