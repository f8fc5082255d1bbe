"""Where something stands in a request that came to our webhook: a signature, a time, an id, a question."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, model_validator

from connectors.contract import Inbound
from connectors.errors import ContractError, WebhookRefused
from connectors.expressions import Expression, ExpressionError
from connectors.rawjson import decode
from connectors.words import Header, Part, Query

HeaderSent = Annotated[Header, AfterValidator(str.lower)]
"""The name of a header of a request that came, which is found in whatever case it is written."""


class Place(Part):
    """Where in a request something stands: exactly one of ``header``, ``query`` and ``field``."""

    header: HeaderSent | None = None
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
        """All that stand there, none if nothing does. Raises ``WebhookRefused`` if the body is no JSON, or none
        that the expression fits."""
        if self.field is not None:
            found = _found(self.field, document(request.body))
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


def _found(field: str, held: Any) -> Any:
    try:
        return Expression(field).of(held)
    except ExpressionError as error:
        raise WebhookRefused(f"The request does not hold what it should: {error}.") from error


def document(body: bytes) -> Any:
    """The JSON of a body. Raises ``WebhookRefused`` if it is none."""
    try:
        return decode(body)
    except ContractError as error:
        raise WebhookRefused("The request is no JSON.") from error
