"""Who calls, and what they may do."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console.web.api.callers import Reader
from console.web.api.values import Instant, instant

router = APIRouter(tags=["me"])


class UsedToken(BaseModel):
    """The token that was sent."""

    id: str
    name: str
    scopes: list[str]
    expires_at: Instant


class Me(BaseModel):
    """The member that calls."""

    name: str
    roles: list[str]
    rights: list[str] = Field(description="What this call may do: the roles' rights, with a token only its scopes")
    systems: list[str] = Field(description="The systems whose rows they see and may act on")
    language: str
    token: UsedToken | None = Field(description="null for a browser's session")


@router.get("/me")
def get_me(caller: Reader) -> Me:
    """Tell who calls, and what they may do now."""
    token = caller.token
    return Me(
        name=caller.name,
        roles=sorted(caller.member.roles),
        rights=[right.value for right in caller.rights if right != "open"],
        systems=caller.systems,
        language=caller.locale(None),
        token=None
        if token is None
        else UsedToken(id=token.id, name=token.name, scopes=sorted(token.scopes), expires_at=instant(token.expires_at)),
    )
