"""The stand-in of Salesforce as the conformance kit plays on it: opportunities, leads and accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from conformance.needs import Need
from conformance.standin import StandIn
from conformance.world import Answer, Said, Stage, known_fields
from sandbox.salesforce.failures import ApiError
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.server import SalesforceServer

_LATE_SECONDS = 540.0
"""A transaction is stamped when it begins and may take ten minutes, the limit of a synchronous Apex transaction."""
_CAN = frozenset({Need.EDIT, Need.DELETE, Need.UNDELETE})


def _list(name: str) -> str:
    return rf"^GET /services/data/v62\.0/query(All)?/?\?q=SELECT .* FROM {name} "


OPPORTUNITY = Stage(
    "opportunity",
    list=_list("Opportunity"),
    text="Name",
    number="Amount",
    write=r"^PATCH /services/data/v62\.0/sobjects/Opportunity/",
    values={
        "LTC_Order_Number__c": ("SO-00001", "SO-00002"),
        "LTC_Delivery_Status__c": ("delivered", "partly_delivered"),
    },
    refused=("LTC_Order_Number__c", "9" * 100),
    read_only="Name",
    late_seconds=_LATE_SECONDS,
    can=_CAN | {Need.CONDITIONAL},
)
LEAD = Stage(
    "lead",
    list=_list("Lead"),
    text="Company",
    create=r"^POST /services/data/v62\.0/sobjects/Lead",
    key="LTC_Key__c",
    new={"LastName": "王芳", "Company": "上海远东仪表有限公司"},
    late_seconds=_LATE_SECONDS,
    can=_CAN,
)
ACCOUNT = Stage("account", list=_list("Account"), text="BillingStreet", late_seconds=_LATE_SECONDS, can=_CAN)
_OBJECTS = {"opportunity": "Opportunity", "lead": "Lead", "account": "Account"}


class SalesforceWorld(StandIn[SalesforceServer]):
    """One org."""

    connector: ClassVar[str] = "salesforce"
    can = frozenset({Need.PAGES, Need.TIMES, Need.VERBATIM, Need.TIMEOUT, Need.CREDENTIALS})
    token = "^POST /services/oauth2/token"
    scheme = "https"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = SalesforceServer(directory=folder)
        self.secrets = (self._server.client_secret,)
        self.empty()

    def empty(self) -> None:
        """Begin anew with an empty org."""
        super().empty()
        self._server.empty()
        self._server.org.clock.advance(-self.days_back * 86_400.0)
        self._server.daily_limit = 10_000_000
        self._by_people: Counter[str] = Counter()

    @property
    def _org(self) -> Org:
        return self._server.org

    def stages(self) -> Sequence[Stage]:
        """Opportunities first."""
        return [OPPORTUNITY, LEAD, ACCOUNT]

    def settings(self) -> dict[str, Any]:
        """A connected app."""
        return {**self._server.config, "calls_per_second": 1000}

    def wrong_credentials(self) -> Mapping[str, Any]:
        """A secret of nobody."""
        return {"client_secret": "wrong-secret-0123456789"}

    def elsewhere(self, address: str) -> Mapping[str, Any]:
        """Tokens come from there too."""
        return {"instance_url": address}

    def now(self) -> datetime:
        """The org's clock, in whole seconds as it stamps."""
        return self._org.clock.stamp()

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._org.clock.advance(seconds)

    def expire_tokens(self) -> None:
        """End all sessions."""
        self._server.expire_tokens()

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Somebody makes records."""
        given = dict(values or {})
        if any(value is None for value in given.values()):
            raise ValueError("The stand-in is filled with values only.")
        made = []
        for _ in range(number):
            self._made += 1
            source_id = salesforce_id(stage.stream, f"kit {self._made}")
            record = {"Id": source_id, **_usual(stage, self._made), **given}
            self._org.load(_OBJECTS[stage.stream], record, modified=at or self._org.clock.stamp())
            made.append(source_id)
        return made

    def edit(self, stage: Stage, source_id: str, values: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """Somebody changes a record."""
        self._org.edit(_OBJECTS[stage.stream], source_id, **values)
        self._by_people[source_id] += 1

    def delete(self, stage: Stage, source_id: str) -> None:
        """Somebody puts a record into the recycle bin."""
        self._org.delete(_OBJECTS[stage.stream], source_id)

    def undelete(self, stage: Stage, source_id: str) -> None:
        """Somebody takes it out again."""
        try:
            self._org.undelete(_OBJECTS[stage.stream], source_id)
        except ApiError as error:
            raise ValueError("It is not in the recycle bin.") from error

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        rows = [row for row in self._org.records(_OBJECTS[stage.stream]) if not row["IsDeleted"]]
        return {row["Id"]: {name: row[name] for name in known_fields(stage)} for row in rows}

    def applied(self, stage: Stage, source_id: str) -> int:
        """Changes that were nobody's in the browser."""
        return self._org.updates[source_id] - self._by_people[source_id]

    def says(self, what: Said) -> Answer | None:
        """With Salesforce's error codes; it hides none in a success."""
        said = {
            "throttled": (503, "SERVER_UNAVAILABLE"),
            "quota": (403, "REQUEST_LIMIT_EXCEEDED"),
            "denied": (401, "INVALID_SESSION_ID"),
        }
        if what not in said:
            return None
        status, code = said[what]
        return Answer(status, [{"message": "said in words", "errorCode": code, "fields": []}])


def _usual(stage: Stage, number: int) -> dict[str, Any]:
    if stage is LEAD:
        return {"LastName": f"王 {number}", "Company": f"公司 {number}"}
    if stage is ACCOUNT:
        return {"Name": f"Account {number}", "BillingStreet": f"{number} 路"}
    return {
        "Name": f"机会 {number}",
        "StageName": "Closed Won",
        "Amount": Decimal(number),
        "CurrencyIsoCode": "EUR",
        "CloseDate": date(2026, 3, 1),
        "Probability": Decimal(100),
    }
