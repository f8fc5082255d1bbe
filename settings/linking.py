"""How sure linking must be: ``reconciliation.linking`` of ltc.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Linking(BaseModel):
    """From which probability parties of two systems count as one, and from which a person is asked.

    ``automatic`` and ``suggest`` are probabilities; with ``likeness: false`` only equal keys link parties.
    """

    model_config = ConfigDict(extra="forbid")

    likeness: bool = True
    automatic: float = Field(0.99, ge=0.5, le=0.9999)
    suggest: float = Field(0.5, ge=0.05, le=0.9999)

    @model_validator(mode="after")
    def _in_order(self) -> Linking:
        if self.suggest > self.automatic:
            raise ValueError("suggest must not be above automatic: what is sure need not be asked")
        return self
