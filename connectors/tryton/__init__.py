"""Tryton: parties, products, sales and customer shipments over JSON-RPC."""
