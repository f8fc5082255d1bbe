"""What manifests and the webhooks of connectors are written in: names of headers, expressions, tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.expressions import Expression, ExpressionError


def _is_expression(text: str) -> str:
    try:
        Expression(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


Header = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
"""The name of a header."""
Query = Annotated[str, AfterValidator(_is_expression), Field(description="A JMESPath expression")]


class Part(BaseModel):
    """Any table of a manifest: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
