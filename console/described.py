"""What a connector says about itself without being connected: its settings and its streams."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, HttpUrl, SecretStr, ValidationError
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from connectors.budget import Allowance
    from connectors.contract import Connector, StreamSpec, WebhookSpec

ENTRY = "NAME"
"""Stands for the name an administrator gives to an entry of a table of settings."""

WEBHOOK_SETTING = "webhook_secret"
"""What every connector that takes webhooks calls their secret."""

_STAND_IN = "https://stand-in.invalid"
_WORDS = {str: "text", int: "number", float: "number", bool: "yes/no", SecretStr: "text", HttpUrl: "address"}


def summary(kind: type[Connector[Any]]) -> str:
    """The first line of its documentation."""
    return (inspect.getdoc(kind) or kind.__name__).splitlines()[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a connector offers with its settings: its streams, and the webhook that tells of some of them; and what the
    source allows."""

    streams: Sequence[StreamSpec]
    webhook: WebhookSpec | None
    answer_seconds: float
    allowances: Sequence[Allowance]

    @property
    def told(self) -> dict[str, str]:
        """Stream → ``hint`` (the webhook says what changed, and it is read) or ``record`` (the webhook brings it)."""
        if self.webhook is None:
            return {}
        return {spec.name: spec.webhooks.value for spec in self.streams if spec.webhooks.value != "none"}


def offer(kind: type[Connector[Any]], config: Mapping[str, Any] | None = None) -> Offer:
    """What it offers, with these settings where they can be used, else with stand-ins; nothing is called.

    A secret of its webhook is taken to be set, so that it shows what can be told.
    """
    made: BaseModel | None = None
    if config is not None:
        try:
            made = kind.Config.model_validate(without_references(config))
        except ValidationError:
            made = None
    made = made if made is not None else _constructed(kind.Config)
    if WEBHOOK_SETTING in kind.Config.model_fields:
        made = made.model_copy(update={WEBHOOK_SETTING: SecretStr(_STAND_IN)})
    with kind(made) as connector:
        allowances = list(connector.allowances())
        return Offer(list(connector.streams()), connector.webhook(), connector.answer_seconds, allowances)


_ROLES = {
    "marketing": ("lead",),
    "crm": ("lead", "opportunity", "quote"),
    "erp": ("order", "delivery"),
    "accounting": ("invoice",),
    "bank": ("payment",),
    "payments": ("payment", "payout"),
    "service": ("service_case",),
}
"""Role → the entities of which a system in it has at least one."""


def roles(specs: Sequence[StreamSpec]) -> list[str]:
    """What a system with these streams can be to lead to cash; ``roles`` in ltc.yaml says which of it it is."""
    entities = {spec.entity for spec in specs}
    found = [role for role, needed in _ROLES.items() if entities & set(needed)]
    return [role for role in found if role != "bank" or entities == {"payment"}]  # statements hold nothing else


def writes(specs: Sequence[StreamSpec]) -> dict[str, list[str]]:
    """Stream → source fields that may be written."""
    return {spec.name: list(spec.writable) for spec in specs if spec.writable}


def stream_as_dict(spec: StreamSpec) -> dict[str, Any]:
    """As JSON-able data."""
    return {
        "name": spec.name,
        "entity": spec.entity,
        "cursor_field": spec.cursor_field,
        "deletes": spec.deletes,
        "writable": list(spec.writable),
        "depends_on": list(spec.depends_on),
        "webhooks": spec.webhooks,
    }


def webhook_as_dict(offered: Offer) -> dict[str, Any] | None:
    """How a system tells of changes, and of which streams, as JSON-able data; ``None`` if it does not."""
    if offered.webhook is None:
        return None
    signature, handshake = offered.webhook.signature, offered.webhook.handshake
    return {
        "streams": offered.told,
        "setting": WEBHOOK_SETTING,
        "signature": signature.model_dump(mode="json", exclude_none=True),
        "handshake": handshake.model_dump(mode="json", exclude_none=True) if handshake is not None else None,
        "answer_seconds": offered.answer_seconds,
    }


def settings(model: type[BaseModel], prefix: str = "") -> list[dict[str, Any]]:
    """Every setting: name, type, default, whether it is required or secret, description; those of tables one by one."""
    return [entry for name, field in model.model_fields.items() for entry in entries(f"{prefix}{name}", field)]


def entries(name: str, field: FieldInfo) -> list[dict[str, Any]]:
    """One setting, and those in it."""
    inner, is_table = _model_in(field.annotation)
    found = [_setting(name, field)] if inner is None or is_table else []
    return found if inner is None else [*found, *settings(inner, f"{name}.{ENTRY}." if is_table else f"{name}.")]


def _setting(name: str, field: FieldInfo) -> dict[str, Any]:
    is_secret = SecretStr in parts(field.annotation)
    default = None if field.is_required() or is_secret else field.get_default(call_default_factory=True)
    return {
        "name": name,
        "type": _word(field.annotation),
        "required": field.is_required(),
        "default": default if default is None or isinstance(default, bool | int | float | str) else _listed(default),
        "secret": is_secret,
        "description": field.description or "",
    }


def _listed(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return str(value) if value else None


def parts(annotation: Any) -> list[Any]:
    """The types a setting may have, without ``None`` and what pydantic adds."""
    if get_origin(annotation) is Annotated:
        return parts(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [part for item in get_args(annotation) for part in parts(item) if part is not NoneType]
    return [annotation]


def _word(annotation: Any) -> str:
    part = parts(annotation)[0]
    origin = get_origin(part)
    if origin is dict:
        return "table"
    if origin in (list, tuple, set, frozenset):
        return "list"
    return _WORDS.get(part, str(getattr(part, "__name__", part)).lower())


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """A setting's own model, and whether it is that of each entry of a table."""
    part = parts(annotation)[0]
    is_table = get_origin(part) is dict
    inner = parts(get_args(part)[1])[0] if is_table else part
    return (inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None), is_table


def _constructed(model: type[BaseModel]) -> BaseModel:
    """Settings with something in every required place, not validated."""
    values = {name: _stand_in(field.annotation) for name, field in model.model_fields.items() if field.is_required()}
    return model.model_construct(**values)


def _stand_in(annotation: Any) -> Any:
    part = parts(annotation)[0]
    inner, is_table = _model_in(annotation)
    if inner is not None:
        return {ENTRY: _constructed(inner)} if is_table else _constructed(inner)
    if part in (SecretStr, HttpUrl):
        return part(_STAND_IN)
    if get_origin(part) in (dict, list, tuple, set, frozenset):
        return get_origin(part)()
    return _STAND_IN if part is str else part()


def without_references(value: Any) -> Any:
    """The settings with something in the place of each secret reference, so that none is resolved."""
    from settings.secrets import REFERENCE

    if isinstance(value, dict):
        return {key: without_references(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_references(item) for item in value]
    return REFERENCE.sub("stand-in", value) if isinstance(value, str) else value
