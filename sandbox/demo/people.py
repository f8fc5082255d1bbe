"""People of the demo company at work in its systems: a few changes through the vendors' own APIs, for ltc to find."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import requests
from simple_salesforce.api import Salesforce

_DISQUALIFIED = 3
"""Leads that a seller looks at in one go."""
Say = Callable[[str], None]


def work(endpoints: dict[str, dict[str, Any]], say: Say) -> int:
    """Let people change records in the CRM and in the form, and tell what they did; returns how many were changed.

    Who does it again finds other records in the same state, as long as there are any.
    """
    with requests.Session() as session, closing(_Form(endpoints["forms"])) as form:
        crm = _crm(endpoints["crm"], session)
        return _disqualify(crm, say) + _set_delivery(crm, say) + _set_status(form, say)


def _disqualify(crm: Any, say: Say) -> int:
    """What the form shows of these leads is outdated then."""
    asked = (
        "SELECT Id, Name FROM Lead WHERE Status = 'Working - Contacted' AND JDY_Data_Id__c != null"
        f" ORDER BY Id LIMIT {_DISQUALIFIED}"
    )
    found = crm.query(asked)["records"]
    for lead in found:
        crm.Lead.update(lead["Id"], {"Status": "Closed - Not Converted"})
    if found:
        say(f"  A seller disqualifies {len(found)} leads in the CRM; the form does not know yet.")
    return len(found)


def _set_delivery(crm: Any, say: Say) -> int:
    """The ERP owns the field, and a person decides where somebody else has written it (``ownership`` in ltc.yaml)."""
    asked = (
        "SELECT Id, LTC_Order_Number__c FROM Opportunity WHERE LTC_Delivery_Status__c = 'not_delivered'"
        " AND LTC_Order_Number__c != null ORDER BY Id LIMIT 1"
    )
    found = crm.query(asked)["records"]
    for opportunity in found:
        crm.Opportunity.update(opportunity["Id"], {"LTC_Delivery_Status__c": "delivered"})
        number = opportunity["LTC_Order_Number__c"]
        say(f"  Another one writes into the CRM that order {number} is delivered; the ERP says that it is not.")
    return len(found)


def _set_status(form: _Form, say: Say) -> int:
    """The CRM owns the status; what was written here is replaced, kept, and can be put back."""
    disqualified = {"field": "status", "method": "eq", "value": ["无效"]}
    rows = form.post("list", limit=1, filter={"rel": "and", "cond": [disqualified]})
    for row in rows:
        form.post("update", data_id=row["_id"], data={"status": {"value": "跟进中"}})
        say(f"  Marketing takes up lead {row['lead_no']} again in the form; the CRM says that it is disqualified.")
    return len(rows)


class _Form:
    """The form of the leads, by Jiandaoyun's API v5."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._named = {"app_id": config["app_id"], "entry_id": config["forms"]["lead"]["entry_id"]}
        key = {"Authorization": f"Bearer {config['api_key']}"}
        self._client = httpx.Client(base_url=config["base_url"], headers=key, timeout=60, trust_env=False)

    def post(self, what: str, **sent: Any) -> Any:
        """The ``data`` of the answer; raises ``httpx.HTTPStatusError``."""
        answer = self._client.post(f"/v5/app/entry/data/{what}", json=self._named | sent)
        answer.raise_for_status()
        return answer.json()["data"]

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def _crm(config: dict[str, Any], session: requests.Session) -> Any:
    """Signed in as an app: OAuth 2.0 client credentials."""
    session.trust_env = False
    session.verify = config["ca_bundle"]
    given = {"grant_type": "client_credentials", **{name: config[name] for name in ("client_id", "client_secret")}}
    answer = session.post(f"{config['instance_url']}/services/oauth2/token", data=given, timeout=60)
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return Salesforce(session_id=token, instance_url=config["instance_url"], version="62.0", session=session)
