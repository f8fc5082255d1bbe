"""Secrets from Prefect blocks: ``${prefect:name}`` in ltc.yaml."""

from __future__ import annotations

from settings import secrets
from settings.errors import SecretMissing


def install() -> None:
    """Let ``${prefect:name}`` be looked up in the secret blocks of the Prefect server in use."""
    secrets.use_prefect_blocks(secret)


def secret(name: str) -> str:
    """The value of a Secret block; raises ``SecretMissing``."""
    from prefect.blocks.system import Secret

    reference = f"${{prefect:{name}}}"
    try:
        value = Secret.load(name).get()  # type: ignore[union-attr]
    except ValueError:
        raise SecretMissing(reference, "is no Secret block", f"Create the Secret block `{name}` in Prefect.") from None
    return value if isinstance(value, str) else str(value)
