"""The demo's ERP: the real Tryton server on the embedded PostgreSQL."""
