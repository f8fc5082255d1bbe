"""What ltc.yaml may say about the workbench."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from settings.encryption import KeyReference
from settings.sign_in import SignIn


class Metrics(BaseModel):
    """Who may read ``/metrics``: with a ``token`` whoever sends it, without one this machine alone."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: KeyReference | None = None


class Workbench(BaseModel):
    """Settings of `ltc serve`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    metrics: Metrics = Field(default_factory=Metrics)
    sign_in: SignIn | None = None
