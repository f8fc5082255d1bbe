"""Two pairs of customers that wait for a person on the page Links: one company under two names, and two strangers.

They share no number, mail address or telephone number, so that only their names and their city speak for them. Nothing
was sold to them yet, so that no figure and no finding depends on what is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.world.deals import at
from sandbox.world.records import BookContact, CrmAccount, World


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer of the CRM and one of accounting that look like one; ``story`` says what they are, for docs."""

    crm: CrmAccount
    books: BookContact
    same: bool
    story: str


def pairs(today: date) -> tuple[Pair, ...]:
    """The pairs: made this month in the CRM, and in accounting since."""
    made, booked = at(today - timedelta(days=24), 2, 0), at(today - timedelta(days=9), 2, 0)
    return (
        Pair(
            CrmAccount(
                key="P0001",
                name="Oberland Wägetechnik GmbH",
                tax_id="",
                email="",
                phone="+49 731 1440",
                website="https://www.oberland-waegetechnik.example",
                country="DE",
                city="Ulm",
                postal_code="89077",
                street="Donaustraße 9",
                created_at=made,
                updated_at=made,
            ),
            BookContact(
                key="P0001",
                name="Oberland Wiegetechnik GmbH",
                tax_number="",
                email="rechnung@oberland.example",
                account_number="",
                phone="+49 731 144099",
                country="DE",
                city="Ulm",
                updated_at=booked,
            ),
            True,
            "one company: accounting wrote down its name as it sounds, and reaches its bookkeepers",
        ),
        Pair(
            CrmAccount(
                key="P0002",
                name="杭州钱塘泵业有限公司",
                tax_id="",
                email="",
                phone="+86 571 8765 0001",
                website="https://www.qiantang-pump.example",
                country="CN",
                city="杭州",
                postal_code="310016",
                street="下沙路12号",
                created_at=made,
                updated_at=made,
            ),
            BookContact(
                key="P0002",
                name="杭州钱塘阀门有限公司",
                tax_number="",
                email="caiwu@qtfm.example",
                account_number="",
                phone="+86 571 6612 0009",
                country="CN",
                city="杭州",
                updated_at=booked,
            ),
            False,
            "two companies: one makes pumps, the other valves; only their trade name and city are the same",
        ),
    )


def add(world: World, today: date) -> None:
    """Put them into the CRM and into accounting."""
    for pair in pairs(today):
        world.crm_accounts.append(pair.crm)
        world.book_contacts.append(pair.books)
