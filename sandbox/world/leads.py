"""Marketing forms and the CRM leads made from them, with the lead faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from sandbox.world.deals import at
from sandbox.world.names import NameBook, Person
from sandbox.world.records import CrmLead, CrmOpportunity, Fault, FormLead, World

FORM_LEADS = 2240
_PROSPECTS = 560
_CAMPAIGNS = {
    "web": ("官网表单", "Website form"),
    "fair": ("中国国际工业博览会 2026", "SPS Nürnberg 2025"),
    "ads": ("传感器选型广告", "Sensor selection ads"),
    "wechat": ("公众号文章", "公众号直播"),
    "referral": ("老客户推荐", "Customer referral"),
}
_CRM_STATUS = {
    "待分配": "Open - Not Contacted",
    "跟进中": "Working - Contacted",
    "已转化": "Closed - Converted",
    "无效": "Closed - Not Converted",
    "待核实": "Open - Not Contacted",  # a status somebody added to the form without telling anyone
}
_STALE = 17
"""Every so many CRM leads moved on after the form was last brought up to date."""


@dataclass(slots=True)
class _Lead:
    """One lead before it has a number."""

    submitted_at: datetime
    person: Person
    company: str
    country: str
    status: str
    opportunity: CrmOpportunity | None = None
    in_crm: bool = True
    in_forms: bool = True
    fault: str = ""
    form: FormLead | None = None


def add(world: World, book: NameBook, rng: Random, today: date) -> None:
    """Fill ``form_leads`` and ``crm_leads``, converted ones for most opportunities first."""
    made = _converted(world, book, rng)
    made += _unconverted(book, rng, today, FORM_LEADS - sum(lead.in_forms for lead in made) - 16)
    made += _faulty(book, rng, today)
    made.sort(key=lambda lead: lead.submitted_at)
    numbered = (lead for lead in made if lead.in_forms)
    for number, lead in enumerate(numbered, 1):
        lead.form = _form(f"L-{number:06d}", lead, rng)
        world.form_leads.append(lead.form)
    for number, lead in enumerate((lead for lead in made if lead.in_crm), 1):
        made_of_it = _crm(f"CL{number:05d}", lead, stale=number % _STALE == 0)
        if made_of_it.status.startswith(("Open", "Working")):  # sales comes back to each of them every few weeks
            made_of_it.updated_at = max(made_of_it.updated_at, at(today) - timedelta(days=number % 50, minutes=number))
        world.crm_leads.append(made_of_it)
    world.faults.extend(_expected(made))


def _converted(world: World, book: NameBook, rng: Random) -> list[_Lead]:
    accounts = {account.key: account for account in world.crm_accounts}
    made = []
    for opportunity in world.crm_opportunities:
        if opportunity.deleted or rng.random() > 0.72:
            continue
        account = accounts[opportunity.account_key]
        made.append(
            _Lead(
                submitted_at=opportunity.created_at - timedelta(days=rng.randint(2, 25), minutes=rng.randint(0, 400)),
                person=book.person(account.country, account.website.removeprefix("https://www.")),
                company=account.name,
                country=account.country,
                status="已转化",
                opportunity=opportunity,
                in_forms=rng.random() < 0.92,
            )
        )
    return made


def _unconverted(book: NameBook, rng: Random, today: date, count: int) -> list[_Lead]:
    prospects = [book.customer(5000 + number) for number in range(_PROSPECTS)]
    made = []
    for _ in range(count):
        prospect = rng.choice(prospects)
        age = rng.randint(4, 360)
        status = rng.choices(("待分配", "跟进中", "无效"), weights=(4, 3, 1) if age < 60 else (1, 3, 9))[0]
        made.append(
            _Lead(
                submitted_at=_moment(today - timedelta(days=age), rng),
                person=book.person(prospect.country, prospect.domain),
                company=prospect.name,
                country=prospect.country,
                status=status,
            )
        )
    return made


def _moment(day: date, rng: Random) -> datetime:
    return at(day, rng.randint(0, 11), rng.randint(0, 59)) + timedelta(seconds=rng.randint(0, 59))


def _faulty(book: NameBook, rng: Random, today: date) -> list[_Lead]:
    def lead(days: int, status: str = "待分配", *, in_crm: bool = False, fault: str = "") -> _Lead:
        company = book.customer(7000 + days)
        person = book.person(company.country, company.domain)
        moment = _moment(today - timedelta(days=days), rng)
        return _Lead(moment, person, company.name, company.country, status, in_crm=in_crm, fault=fault)

    made = [lead(days, fault="lead_not_in_crm") for days in (5, 9, 16, 31)]
    made += [lead(days) for days in (0, 1, 1)]  # too fresh to be missed
    made.append(lead(11, "待核实", in_crm=True))  # goes to quarantine: no mapping knows the status
    for days in (22, 47, 83):
        first = lead(days, "跟进中", in_crm=True, fault=f"lead_duplicate {days}")
        again = lead(days - 3, fault=f"lead_duplicate {days}")
        again.company, again.country = first.company, first.country
        again.person = Person(
            first.person.first_name, first.person.last_name, first.person.email.upper(), first.person.phone
        )
        made += [first, again]
    for days, missing in ((6, "company"), (13, "both"), (40, "both")):
        incomplete = lead(days, fault="lead_incomplete")
        if missing == "company":
            incomplete.company = ""
        else:
            incomplete.person = Person(incomplete.person.first_name, incomplete.person.last_name, "", "")
        made.append(incomplete)
    return made


def _form(key: str, lead: _Lead, rng: Random) -> FormLead:
    source = rng.choice(tuple(_CAMPAIGNS))
    return FormLead(
        key=key,
        submitted_at=lead.submitted_at,
        updated_at=lead.submitted_at + timedelta(hours=rng.randint(0, 30)),
        contact_name=lead.person.display_name,
        company_name=lead.company,
        email=lead.person.email,
        phone=lead.person.phone,
        country=lead.country,
        source=source,
        campaign=_CAMPAIGNS[source][0 if lead.country == "CN" else 1],
        status=lead.status,
    )


def _crm(key: str, lead: _Lead, *, stale: bool) -> CrmLead:
    """The lead in the CRM; where ``stale`` the form still shows the status before."""
    if stale and lead.form is not None and lead.status != "待分配":
        lead.form.status = "待分配" if lead.status == "跟进中" else "跟进中"
    opportunity = lead.opportunity
    created = lead.submitted_at + timedelta(hours=5)
    converted = None if opportunity is None else opportunity.created_at
    return CrmLead(
        key=key,
        form_key=lead.form.key if lead.form else None,
        first_name=lead.person.first_name,
        last_name=lead.person.last_name,
        company=lead.company,
        email=lead.person.email,
        phone=lead.person.phone,
        country=lead.country,
        source=lead.form.source if lead.form else "referral",
        status=_CRM_STATUS[lead.status],
        created_at=created,
        updated_at=converted or created + timedelta(days=1),
        converted_at=converted,
        account_key=opportunity.account_key if opportunity else None,
        contact_key=f"{opportunity.account_key}-1" if opportunity else None,
        opportunity_key=opportunity.key if opportunity else None,
    )


def _expected(made: list[_Lead]) -> list[Fault]:
    stories = {
        "lead_not_in_crm": "nobody took the form over into the CRM",
        "lead_incomplete": "no company, or no way to reach the person",
        "lead_duplicate": "the same person filled in the form twice",
    }
    groups: dict[str, list[str]] = {}
    for lead in made:
        if lead.fault and lead.form is not None:
            key = lead.fault if lead.fault.startswith("lead_duplicate") else f"{lead.fault} {lead.form.key}"
            groups.setdefault(key, []).append(lead.form.key)
    return [Fault(key.split()[0], tuple(numbers), stories[key.split()[0]]) for key, numbers in groups.items()]
