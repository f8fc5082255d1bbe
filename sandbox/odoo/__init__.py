"""A stand-in for Odoo 19: its JSON-2 API over the records of lead to cash."""

from sandbox.odoo.server import API_KEY, OdooServer, start

__all__ = ["API_KEY", "OdooServer", "start"]
