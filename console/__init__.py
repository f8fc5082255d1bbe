"""What people touch: the ltc command and the reports."""
