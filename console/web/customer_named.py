"""The way to a customer's page from its name, for tables that know no more of it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.web.desk import Reader, see
from state import chains

router = APIRouter()


@router.get("/customers")
def named(visit: Reader, text: Annotated[str, Query(max_length=200)] = "") -> Response:
    """To the page of the customer with this name or number; to the trace if it is none, or several."""
    with visit.desk.store.reading() as connection:
        found = chains.identities(connection, chains.find(connection, text)[:_MOST])
        parties = sorted(key for key, item in found.items() if item.entity == "party")
        reached = {end for party in parties[:1] for end in chains.walk(connection, party, _MOST)[0]}
    if parties and set(parties) <= {*reached, *parties[:1]}:
        return see(f"/customers/{parties[0]}")
    return see(f"/trace?{urlencode({'text': text})}")


_MOST = 50
"""Records of one name that are looked at."""
