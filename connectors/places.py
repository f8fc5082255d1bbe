"""Where something stands in a request that came to our webhook: a signature, a time, an id, a question."""

from __future__ import annotations

from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.contract import Inbound
from connectors.errors import ContractError, WebhookRefused
from connectors.rawjson import decode


def _is_query(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"is no JMESPath expression: {error}") from None
    return text


Header = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"), AfterValidator(str.lower)]
"""The name of a header, in whatever case."""
Query = Annotated[str, AfterValidator(_is_query)]
"""A JMESPath expression."""


class Spec(BaseModel):
    """A table that a manifest may carry: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Spec):
    """Where in a request something stands: exactly one of ``header``, ``query`` and ``field``."""

    header: Header | None = None
    query: str | None = None
    """A parameter of the address."""
    field: Query | None = None
    """A JMESPath expression over the JSON of the body."""
    part: str | None = None
    """Of a value such as ``t=1700000000,v1=02b5…``, the one after this name."""

    @model_validator(mode="after")
    def _one(self) -> Place:
        if sum(item is not None for item in (self.header, self.query, self.field)) != 1:
            raise ValueError("needs exactly one of header, query and field")
        return self

    def texts(self, request: Inbound) -> list[str]:
        """All that stand there, none if nothing does. Raises ``WebhookRefused`` if the body is no JSON."""
        if self.field is not None:
            found = jmespath.search(self.field, document(request.body))
            values = found if isinstance(found, list) else [] if found is None else [found]
            # What is neither text nor number stands for something that matches nothing.
            return [str(item) if isinstance(item, (str, int)) and not isinstance(item, bool) else "" for item in values]
        held = request.headers.get(self.header) if self.header is not None else request.query.get(self.query or "")
        if held is None:
            return []
        if self.part is None:
            return [held]
        pairs = (item.strip().partition("=") for item in held.split(","))
        return [value for name, _, value in pairs if name == self.part]

    def text(self, request: Inbound) -> str:
        """The one that stands there; ``""`` if there is none, or more than one."""
        found = self.texts(request)
        return found[0] if len(found) == 1 else ""


def document(body: bytes) -> Any:
    """The JSON of a body. Raises ``WebhookRefused`` if it is none."""
    try:
        return decode(body)
    except ContractError as error:
        raise WebhookRefused("The request is no JSON.") from error
