"""A stand-in for Xero's Accounting API: the demo company's invoices and payments, with Xero's rules and answers."""

from sandbox.xero.loader import xero_id
from sandbox.xero.server import XeroServer, seed, start

__all__ = ["XeroServer", "seed", "start", "xero_id"]
