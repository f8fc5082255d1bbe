"""The trace: the chains of whatever number, name or id is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from console.exporting import is_removed
from console.records import without_personal
from console.report.figures import link
from console.web.api.callers import Lang, Reader
from console.web.api.values import Amount, Plain
from reconciliation.trace import Chain, ChainRecord, trace

if TYPE_CHECKING:
    from settings.model import Settings

router = APIRouter(tags=["trace"])

MOST = 20


class TracedRecord(BaseModel):
    """A record of a chain. Names of contacts are kept back."""

    id: int
    system: str
    system_removed: bool = Field(description="Whether its system is not in ltc.yaml any more")
    entity: str
    source_id: str
    number: str | None
    name: str | None
    party: str | None = Field(description="The customer it is of")
    kind: str | None
    status: str | None
    source_status: str | None
    deleted: bool
    currency: str | None
    amounts: dict[str, Amount]
    dates: dict[str, str] = Field(description="Days, and instants as ISO 8601 UTC")
    states: dict[str, str] = Field(description="Of an order: delivery, billing and payment, computed from the chain")
    shows: dict[str, str] = Field(description="What the source shows of them")
    url: str | None


class TracedLink(BaseModel):
    """Why two records of a chain belong together."""

    kind: str
    left: int
    right: int
    method: str
    score: int = Field(description="Per mille")
    decision: str
    evidence: dict[str, Any]


class TracedFinding(BaseModel):
    """What is open about a chain."""

    id: str
    check: str
    severity: str
    status: str
    amount: Amount | None
    currency: str | None
    title: str
    explanation: str
    action: str


class TracedChain(BaseModel):
    """Records in the order of lead to cash, the links between them, what is open about them."""

    records: list[TracedRecord]
    links: list[TracedLink]
    findings: list[TracedFinding]
    asked: list[int] = Field(description="Ids of the records that were asked for")


class Chains(BaseModel):
    """The first chains of those that there are."""

    items: list[TracedChain] = Field(description=f"At most {MOST}")
    total: int


@router.get("/chains")
def list_chains(
    caller: Reader,
    text: Annotated[
        str,
        Query(min_length=1, max_length=200, pattern=Plain.pattern, description="A number, id, name or reference"),
    ],
    lang: Lang = None,
) -> Chains:
    """Trace a number, an id, a customer or a payment's reference across the systems."""
    settings = caller.settings.model_copy(update={"locale": caller.locale(lang)})
    found = trace(caller.store, settings, text)
    return Chains(items=[_chain(item, settings) for item in found[:MOST]], total=len(found))


def _chain(chain: Chain, settings: Settings) -> TracedChain:
    return TracedChain(
        records=[_record(record, settings) for record in chain.records],
        links=[
            TracedLink(
                kind=item.kind,
                left=item.left_id,
                right=item.right_id,
                method=item.method,
                score=item.score,
                decision=item.decision,
                evidence=without_personal(item.evidence),
            )
            for item in chain.links
        ],
        findings=[TracedFinding(**item) for item in chain.findings],
        asked=list(chain.found),
    )


def _record(record: ChainRecord, settings: Settings) -> TracedRecord:
    return TracedRecord(
        id=record.record_id,
        system=record.system,
        system_removed=is_removed(settings, record.system),
        entity=record.entity,
        source_id=record.source_id,
        number=record.number,
        name=None if record.entity == "contact" else record.name,
        party=record.party,
        kind=record.kind,
        status=record.status,
        source_status=record.source_status,
        deleted=record.deleted,
        currency=record.currency,
        amounts=record.amounts,
        dates=record.dates,
        states=record.states,
        shows=record.shown,
        url=link({"url": record.url}),
    )
