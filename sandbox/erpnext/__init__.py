"""A stand-in for ERPNext: Frappe's REST API over the documents of lead to cash."""

from sandbox.erpnext.server import API_KEY, API_SECRET, ErpnextServer, start

__all__ = ["API_KEY", "API_SECRET", "ErpnextServer", "start"]
