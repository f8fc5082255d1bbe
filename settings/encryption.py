"""What ltc.yaml may say about encryption: where the keys are, never the keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _reference(text: str) -> str:
    from settings.secrets import REFERENCE

    if REFERENCE.fullmatch(text.strip()) is None:
        raise ValueError("a key does not stand in ltc.yaml; name where it is: ${env:LTC_KEY} or ${file:secrets/key}")
    return text.strip()


KeyReference = Annotated[str, AfterValidator(_reference)]


class Encryption(BaseModel):
    """``key`` seals what is new; ``old`` keys open what was sealed before, until `ltc rekey` has replaced them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: KeyReference | None = None
    old: list[KeyReference] = []
