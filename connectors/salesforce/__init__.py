"""Salesforce through simple-salesforce: leads, accounts, contacts, opportunities, quotes with lines, products."""
