"""In processes that Prefect starts: let them find the toy connector and the one-rule reconciliation."""

from tests.jobs import company

company.install()
