"""A stand-in for a Salesforce org over HTTPS: OAuth, SOQL, records, recycle bin, replication, limits.

from sandbox.salesforce import start

with start(world) as server:
    config = server.config                                    # what the connector's Config takes
    server.org.edit("Opportunity", record_id, Amount=Decimal("12.50"))
"""

from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.server import CLIENT_ID, CLIENT_SECRET, SalesforceServer, seed, start

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SalesforceServer", "salesforce_id", "seed", "start"]
