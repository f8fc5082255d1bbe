"""Describe the demo company and its planted faults as the page docs/demo.md.

python -m sandbox.world.describe > docs/demo.md
"""

from __future__ import annotations

import sys

from sandbox.world import lookalikes
from sandbox.world.build import build_world
from sandbox.world.deals import exponent
from sandbox.world.records import Fault, World

_HEAD = """\
# The demo company

华仪测控 Huayi Instruments sells sensors, valves and controllers to {customers} customers in six countries. Its year ends on
{as_of:%Y-%m-%d}; everything is made up, the same seed makes the same company, and only the faults below are wrong with it.

| what | where | how many |
| --- | --- | ---: |
| form submissions | 简道云 Jiandaoyun | {form_leads:,} |
| leads | Salesforce | {crm_leads:,} |
| opportunities | Salesforce | {opportunities:,} |
| quotes | Salesforce | {quotes:,} |
| orders | Tryton | {orders:,} |
| shipments done | Tryton | {shipments:,} |
| invoices and credit notes | Xero | {invoices:,} |
| payments and refunds | Xero | {payments:,} |
| card payments, refunds and disputes | Stripe | {by_card:,} |
| payouts | Stripe | {payouts:,} |
| lines of four accounts | statements of the bank, CAMT.053 | {lines:,} |

Currencies: CNY, USD, EUR, JPY. Healthy oddities that must *not* be reported are in it, too: deliveries in two parts, invoices
paid in two parts, wrong invoices that were credited and billed again, excess payments that were credited and paid back, orders
cancelled in time, quotations entered in the ERP ahead of the customer's yes, leads too fresh to be missed.

Some invoices are paid by card. Stripe keeps its fee, gives back what was credited, takes what a customer's bank disputes, and sends
what is left of each currency to the bank every Thursday; in a week in which more goes back than comes in it takes money from the account.
Healthy, too, are cards that were declined and went through the next day, a dispute that was won and paid out again, and the last payout,
which is still on its way. What cards cost by contract stands in the demo's `ltc.yaml`, and its mapping of Stripe, an extension of the
shipped one, in `mappings/our-stripe.yaml`. [Payouts](reconciliation.md#payouts) says how they are compared.

In the last days money came in at the bank that accounting has not looked at; [cash application](reconciliation.md) says what it is
for. One form carries a status (`待核实`) that no mapping knows; it goes to quarantine. About one deal in nine moved on since the
systems were last brought up to date; that is what the write-backs are for.

After `make demo` nothing is left to be written. `make demo-work` (`ltc demo work`) lets people of the company go on working, through
the vendors' own APIs: a seller disqualifies three leads in the CRM, another one writes there that an order is delivered of which the
ERP says that it is not (`ownership` has a person decide about that field), and marketing takes up a lead in the form that the CRM has
disqualified. The next sync plans four write-backs, one of which replaces what somebody wrote, and asks about the fifth.

Two links of customers wait for a person on the page **Links** (`ltc links list --decision suggested`): the CRM and accounting share no
number, mail address or telephone number of them. Nothing was sold to them yet, so that either decision changes no finding.

| in the CRM | in accounting | what they are |
| --- | --- | --- |
{pairs}

## Planted faults

{count} faults, each with exactly one finding that must name these documents, and must say this amount where there is one.
`make demo` holds the report against this list, and a test does the same.

| check | documents | what happened | amount |
| --- | --- | --- | ---: |
"""


def describe(world: World) -> str:
    """The page as Markdown."""
    head = _HEAD.format(
        customers=len(world.erp_parties),
        as_of=world.as_of,
        form_leads=len(world.form_leads),
        crm_leads=len(world.crm_leads),
        opportunities=len(world.crm_opportunities),
        quotes=len(world.crm_quotes),
        orders=len(world.erp_orders),
        shipments=sum(delivery.shipped_on is not None for order in world.erp_orders for delivery in order.deliveries),
        invoices=len(world.book_invoices),
        payments=len(world.book_payments),
        by_card=len(world.processor.charges) + len(world.processor.refunds) + len(world.processor.disputes),
        payouts=len(world.processor.payouts),
        lines=len(world.bank_lines),
        count=len(world.faults),
        pairs="\n".join(
            f"| {pair.crm.name} | {pair.books.name} | {pair.story} |" for pair in lookalikes.pairs(world.as_of.date())
        ),
    )
    rows = sorted((fault.check, ", ".join(fault.numbers), fault.story, _money(fault)) for fault in world.faults)
    return head + "".join(f"| `{check}` | {numbers} | {story} | {money} |\n" for check, numbers, story, money in rows)


def _money(fault: Fault) -> str:
    if fault.amount is None:
        return ""
    return f"{fault.currency} {fault.amount.quantize(exponent(fault.currency)):,}"


if __name__ == "__main__":
    sys.stdout.write(describe(build_world()))
