"""Xero Accounting: contacts, sales invoices, credit notes, payments, overpayments and prepayments."""
