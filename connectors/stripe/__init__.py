"""Stripe: customers, invoices, credit notes, payments, refunds, disputes and payouts with their fees."""
