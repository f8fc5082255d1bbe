"""What an org says about an object: its fields, and what the integration user may do with them."""

from __future__ import annotations

import msgspec

from connectors.rawjson import parse
from connectors.salesforce.client import Client


class DescribedField(msgspec.Struct):
    """One field, as far as we ask."""

    name: str
    updateable: bool = False
    createable: bool = False
    externalId: bool = False
    unique: bool = False


class Described(msgspec.Struct):
    """One object, as far as we ask."""

    fields: list[DescribedField]
    queryable: bool = False
    updateable: bool = False
    createable: bool = False


_described = msgspec.json.Decoder(Described)

KEY_TYPE = "text (40), external id, unique"
"""What the field for the key of created records must be."""


def describe(client: Client, name: str) -> Described:
    """One call; raises ``ConnectorError``."""
    return parse(client.get(f"sobjects/{name}/describe").body, _described)


def lacking_for_keys(described: Described, name: str, key: str) -> tuple[str, str] | None:
    """Why no record can be created once and only once with its key in this field, and what to do; else ``None``."""
    field = next((field for field in described.fields if field.name == key), None)
    if field is None:
        return f"{name}.{key} is not there", f"Create {name}.{key} as {KEY_TYPE}, and let the integration user edit it."
    if not (field.externalId and field.unique):
        return f"{name}.{key} is not a unique external id", f"Let {name}.{key} be {KEY_TYPE}."
    if not (described.createable and field.createable):
        return f"the integration user may not create {name}", f"Give it the right to create {name} and to edit {key}."
    return None
